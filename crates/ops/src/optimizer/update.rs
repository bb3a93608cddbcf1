//! What all updates share: how inputs lie, what is inferred of them, and running rules over tensors.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::update::{self, Job, Rule, Scaling, Source, Target, Weight, Width};
use rsym_tensor::{DType, Tensor, bf16, f16};
use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

/// How the inputs of an update lie: `count` times weight, gradient, `states` states and, with `master`, a copy of the weight
/// in single precision; then `extra` others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) count: usize,
    pub(super) states: usize,
    pub(super) master: bool,
    pub(super) extra: usize,
}

/// What a form answers that is the same for all operators of the form.
#[derive(Clone, Copy)]
struct Places {
    aux: &'static [usize],
    inplace: &'static [(usize, usize)],
}

impl Form {
    /// Of an operator that updates one weight.
    pub(super) const fn one(states: usize, master: bool) -> Form {
        Form { count: 1, states, master, extra: 0 }
    }

    /// Inputs of each weight.
    pub(super) fn stride(&self) -> usize {
        2 + self.states + self.master as usize
    }

    /// Number of inputs.
    pub(super) fn num_inputs(&self) -> usize {
        self.count * self.stride() + self.extra
    }

    /// Names of a list of inputs: those of each weight with its number, then `extra`.
    pub(super) fn names(&self, each: &[&str], extra: &'static [&'static str]) -> Names {
        let numbered = (0..self.count).flat_map(|k| each.iter().map(move |name| Cow::Owned(format!("{name}_{k}"))));
        numbered.chain(extra.iter().map(|&name| Cow::Borrowed(name))).collect()
    }

    /// The states and master copies.
    pub(super) fn aux(&self) -> &'static [usize] {
        self.places().aux
    }

    /// Every output may be its weight.
    pub(super) fn inplace(&self) -> &'static [(usize, usize)] {
        self.places().inplace
    }

    /// Kept for good, once for every form that occurs: operators hand out borrowed lists.
    fn places(&self) -> Places {
        static KNOWN: LazyLock<Mutex<HashMap<Form, Places>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *known.entry(*self).or_insert_with(|| {
            let stride = self.stride();
            let aux: Vec<usize> = (0..self.count).flat_map(|k| k * stride + 2..(k + 1) * stride).collect();
            let inplace: Vec<(usize, usize)> = (0..self.count).map(|k| (k * stride, k)).collect();
            Places { aux: aux.leak(), inplace: inplace.leak() }
        })
    }

    /// All arrays of a weight have its shape.
    pub(super) fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let stride = self.stride();
        (0..self.count)
            .try_for_each(|k| io.unify((k * stride..(k + 1) * stride).map(Port::Input).chain([Port::Output(k)])))
    }

    /// One type for all weights; with a master copy, that and the states are of single precision.
    pub(super) fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let (stride, outputs) = (self.stride(), (0..self.count).collect::<Vec<_>>());
        let own = if self.master { 2 } else { stride };
        let inputs: Vec<usize> = (0..self.count).flat_map(|k| k * stride..k * stride + own).collect();
        io.unify(&inputs, &outputs)?;
        let full = (0..self.count).flat_map(|k| k * stride + own..(k + 1) * stride);
        full.into_iter().try_for_each(|i| io.set_input(i, DType::Float32))
    }

    /// Updates every weight by its rule.
    pub(super) fn update<R: Rule<N>, const N: usize>(&self, io: &mut Io, rules: &[R]) -> OpResult {
        if rules.len() != self.count {
            return Err(OpError::invalid(format!("{} weights, but rates for {}", self.count, rules.len())));
        }
        refuse_overlaps(io, self)?;
        let Some(first) = io.outputs.first() else { return Ok(()) };
        if first.dtype() == DType::Float64 && !self.master {
            return self.run::<f64, R, N>(io, rules);
        }
        self.run::<f32, R, N>(io, rules)
    }

    fn run<C: Width, R: Rule<N>, const N: usize>(&self, io: &mut Io, rules: &[R]) -> OpResult {
        let stride = self.stride();
        let mut inputs = io.inputs[..self.count * stride].to_vec();
        let groups = inputs.chunks_exact_mut(stride).zip(io.outputs.iter_mut()).zip(rules);
        let jobs = groups.map(|((group, out), rule)| self.job::<C, R, N>(group, out, *rule));
        update::update(jobs.collect::<OpResult<Vec<_>>>()?);
        Ok(())
    }

    fn job<'a, C: Width, R: Rule<N>, const N: usize>(
        &self,
        group: &'a mut [Tensor],
        out: &'a mut Tensor,
        rule: R,
    ) -> OpResult<Job<'a, C, R, N>> {
        let inplace = group[0].same_memory(out);
        let (read, written) = group.split_at_mut(2);
        let (states, master) = written.split_at_mut(N);
        let weight = match master {
            [master] => Weight::Master(master.slice_mut::<C>()?),
            _ if inplace => Weight::Out,
            _ => Weight::Source(source(&read[0])?),
        };
        Ok(Job { rule, weight, grad: source(&read[1])?, states: targets(states)?, out: target(out)? })
    }
}

/// Several updates of one weight each, by rules of one kind; made by [`Operator::together`], never by name.
#[derive(Debug)]
pub(super) struct Joined<R, const N: usize> {
    form: Form,
    rules: Vec<R>,
}

impl<R: Rule<N> + Debug + 'static, const N: usize> Joined<R, N> {
    /// The updates `ops` as one, if all are of type `O`.
    pub(super) fn of<O: Operator>(ops: &[OpRef], master: bool, rule: impl Fn(&O) -> R) -> Option<OpRef> {
        let rules = ops.iter().map(|op| (**op).as_any().downcast_ref().map(&rule)).collect::<Option<Vec<R>>>()?;
        let form = Form { count: rules.len(), states: N, master, extra: 0 };
        Some(Arc::new(Joined::<R, N> { form, rules }))
    }
}

impl<R: Rule<N> + Debug + 'static, const N: usize> OpInfo for Joined<R, N> {
    fn def(&self) -> &'static OpDef {
        static DEF: OpDef = OpDef::internal("_updates");
        &DEF
    }

    fn param_texts(&self) -> ParamTexts {
        ParamTexts(vec![("rules".into(), format!("{:?}", self.rules))])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<R: Rule<N> + Debug + 'static, const N: usize> Operator for Joined<R, N> {
    fn inputs(&self) -> Names {
        let each = ["weight", "grad", "state0", "state1", "state2", "state3"];
        self.form.names(&each[..self.form.stride()], &[])
    }

    fn num_inputs(&self) -> usize {
        self.form.num_inputs()
    }

    fn num_outputs(&self) -> usize {
        self.form.count
    }

    fn aux(&self) -> &[usize] {
        self.form.aux()
    }

    fn inplace(&self) -> &[(usize, usize)] {
        self.form.inplace()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.form.infer_shape(io)
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.form.infer_type(io)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        self.form.update(io, &self.rules)
    }
}

/// States as an update takes them.
pub(super) fn targets<C: Width, const N: usize>(states: &mut [Tensor]) -> OpResult<[Target<'_, C>; N]> {
    let states = states.iter_mut().map(target).collect::<OpResult<Vec<_>>>()?;
    let count = states.len();
    states.try_into().map_err(|_| OpError::invalid(format!("takes {N} states, got {count}")))
}

/// A tensor that is read.
pub(super) fn source<C: Width>(tensor: &Tensor) -> OpResult<Source<'_, C>> {
    match tensor.dtype() {
        dtype if dtype == C::DTYPE => Ok(Source::Same(tensor.slice()?)),
        DType::Float16 => Ok(Source::Half(tensor.slice::<f16>()?)),
        DType::BFloat16 => Ok(Source::Brain(tensor.slice::<bf16>()?)),
        DType::Float64 => Ok(Source::Double(tensor.slice()?)),
        dtype => unsupported(dtype, "a float type"),
    }
}

/// A tensor that is written.
pub(super) fn target<C: Width>(tensor: &mut Tensor) -> OpResult<Target<'_, C>> {
    match tensor.dtype() {
        dtype if dtype == C::DTYPE => Ok(Target::Same(tensor.slice_mut()?)),
        DType::Float16 => Ok(Target::Half(tensor.slice_mut::<f16>()?, Vec::new())),
        DType::BFloat16 => Ok(Target::Brain(tensor.slice_mut::<bf16>()?, Vec::new())),
        DType::Float64 => Ok(Target::Double(tensor.slice_mut()?, Vec::new())),
        dtype => unsupported(dtype, "a float type"),
    }
}

/// Refuses arrays that share memory with one that is written; only a weight may be its own output.
pub(super) fn refuse_overlaps(io: &Io, form: &Form) -> OpResult {
    let window = |t: &Tensor, written: bool| (t.as_ptr() as usize, t.as_ptr() as usize + t.bytes(), written);
    let own = |i: usize| form.inplace().iter().any(|&(input, o)| input == i && io.is_inplace(i, o));
    let mut windows: Vec<(usize, usize, bool)> = Vec::with_capacity(io.inputs.len() + io.outputs.len());
    let mut aux = form.aux().iter().peekable();
    for (i, tensor) in io.inputs.iter().enumerate() {
        let written = aux.next_if(|&&a| a == i).is_some();
        if tensor.bytes() > 0 && (written || i % form.stride() != 0 || !own(i)) {
            windows.push(window(tensor, written));
        }
    }
    windows.extend(io.outputs.iter().filter(|t| t.bytes() > 0).map(|t| window(t, true)));
    windows.sort_unstable();
    let (mut end, mut written_end) = (0, 0);
    for (from, to, written) in windows {
        if from < written_end || (written && from < end) {
            return Err(OpError::invalid("a state or an output shares memory with another array; give it its own"));
        }
        end = end.max(to);
        written_end = if written { written_end.max(to) } else { written_end };
    }
    Ok(())
}

/// What is done to gradients, from the parameters that all updates have.
pub(super) fn scaling(rescale_grad: f32, clip_gradient: f32) -> Scaling {
    Scaling { rescale: rescale_grad as f64, clip: clip_gradient as f64 }
}

/// Every element, in double precision.
pub(super) fn numbers(tensor: &Tensor, count: usize, what: &str) -> OpResult<Vec<f64>> {
    if tensor.size() != count {
        return Err(OpError::invalid(format!(
            "{what} must have one element for each of {count} weights, got {}",
            tensor.shape()
        )));
    }
    Ok(tensor.to_f64_vec())
}

/// Refuses lists of rates that have not one number for each weight.
pub(super) fn one_each(lists: &[(&str, usize)], count: i32) -> Result<(), String> {
    match lists.iter().find(|(_, len)| *len != count as usize) {
        Some((name, len)) => Err(format!("{name} must have one number for each of {count} weights, got {len}")),
        None => Ok(()),
    }
}

/// Implements an update of one weight: how many states it has, whether a master copy, and the rule.
macro_rules! update_one {
    ($op:ident, $states:literal, $master:literal, |$this:ident| $rule:expr) => {
        impl Operator for $op {
            fn aux(&self) -> &[usize] {
                Form::one($states, $master).aux()
            }

            fn inplace(&self) -> &[(usize, usize)] {
                Form::one($states, $master).inplace()
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                Form::one($states, $master).infer_shape(io)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                Form::one($states, $master).infer_type(io)
            }

            fn together(&self, ops: &[OpRef]) -> Option<OpRef> {
                super::update::Joined::<_, $states>::of(ops, $master, |$this: &$op| $rule)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let $this = self;
                Form::one($states, $master).update(io, &[$rule])
            }
        }
    };
}
pub(super) use update_one;

/// Implements an update of several weights: the names of the arrays of each and of the others, whether the last of each is a
/// master copy, and what makes the rules of `self` and `io`.
macro_rules! update_many {
    ($op:ident, [$($each:literal),*], [$($extra:literal),*], $master:literal, |$this:ident, $io:ident| $rules:expr) => {
        impl $op {
            fn form(&self) -> Form {
                let states = [$($each),*].len() - 2 - $master as usize;
                let extra: &[&str] = &[$($extra),*];
                Form { count: self.num_weights as usize, states, master: $master, extra: extra.len() }
            }
        }

        impl Operator for $op {
            fn inputs(&self) -> Names {
                self.form().names(&[$($each),*], &[$($extra),*])
            }

            fn num_inputs(&self) -> usize {
                self.form().num_inputs()
            }

            fn num_outputs(&self) -> usize {
                self.num_weights as usize
            }

            fn aux(&self) -> &[usize] {
                self.form().aux()
            }

            fn inplace(&self) -> &[(usize, usize)] {
                self.form().inplace()
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.form().infer_shape(io)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                self.form().infer_type(io)?;
                (self.num_inputs() - self.form().extra..self.num_inputs())
                    .try_for_each(|i| io.inputs[i].map_or_else(|| io.set_input(i, DType::Float32), |_| Ok(())))
            }

            fn forward(&self, $io: &mut Io, _: &Ctx) -> OpResult {
                let $this = self;
                let rules: Vec<_> = $rules;
                self.form().update($io, &rules)
            }
        }
    };
}
pub(super) use update_many;
