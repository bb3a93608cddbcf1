//! `Custom`: an operator written in the language that the library is called from.
//!
//! Its gradient is one node of a hidden operator that shares the state of the forward node: every executor has one
//! [`Instance`] for the two. Such operators are never left out, doubled or moved, for nobody knows what else they do.
//! In place of MXNet's empty arrays, values that the gradient does not use are not given at all.

use super::{Backward, Completed, Foreign, Forward, Instance, Signature, find};
use rsym_graph::*;
use rsym_tensor::{DType, PartialShape, Tensor};
use std::any::Any;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const OP_TYPE: ParamDef = ParamDef {
    name: "op_type",
    doc: "The name under which the operator was registered.",
    type_name: <String as ParamType>::type_name,
    values: <String as ParamType>::values,
    default: || None,
    range: "",
};

/// An operator that `rsym.operator.register` has registered, with its parameters.
#[derive(Clone, Debug)]
pub struct Custom {
    params: ParamTexts,
    aux: Vec<usize>,
    shared: Arc<Shared>,
}

impl Custom {
    /// The static description.
    pub const DEF: &'static OpDef = &OpDef {
        name: "Custom",
        aliases: &["_npi_Custom"],
        doc: " An operator written in Python: a `CustomOp` with its `CustomOpProp`, registered by `rsym.operator.register`.\n\n \
              Further keywords go to the constructor of the `CustomOpProp`, as texts. Inputs and auxiliary states are given in \
              the order of `list_arguments` and `list_auxiliary_states`, or by their names.\n\n \
              | | shape | dtype |\n |---|---|---|\n | data | as `infer_shape` says | as `infer_type` says |\n \
              | output | as `infer_shape` says | as `infer_type` says |\n\n \
              What the Python code raises comes out of `forward`, `backward` and the binding calls as `MXNetError` with the \
              original exception as its `__cause__`.",
        inputs: &[PortDef { name: "data", doc: "Inputs, then auxiliary states." }],
        variadic: None,
        open: true,
        graphs: 0,
        list: false,
        unnamed: false,
        params: &[OP_TYPE],
        parse: |texts, _| Custom::from_texts(texts).map(|op| Arc::new(op) as OpRef),
        hidden: false,
    };

    /// The operator with the parameters that `texts` give.
    pub fn from_texts(texts: &ParamTexts) -> Result<Custom, ParamError> {
        let op_type = texts.get("op_type").ok_or(ParamError::Missing(&Custom::DEF.params[0]))?;
        let found = find(op_type, texts).map_err(ParamError::Conflict)?;
        let source = found.ok_or_else(|| ParamError::Unregistered(op_type.to_string()))?;
        Ok(Custom::new(source, texts.clone()))
    }

    fn new(source: Arc<dyn Foreign>, params: ParamTexts) -> Custom {
        let Signature { arguments, aux, .. } = source.signature();
        let aux = (arguments.len()..arguments.len() + aux.len()).collect();
        Custom { params, aux, shared: Arc::new(Shared::new(source)) }
    }
}

/// What forward and backward node have in common.
#[derive(Debug)]
struct Shared {
    source: Arc<dyn Foreign>,
    id: u64,
    /// The instance of a node that runs without an executor.
    alone: Slot,
    shapes: Last<PartialShape>,
    types: Last<Option<DType>>,
}

impl Shared {
    fn new(source: Arc<dyn Foreign>) -> Shared {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Shared { source, id, alone: Slot::default(), shapes: Last::default(), types: Last::default() }
    }

    fn signature(&self) -> &Signature {
        self.source.signature()
    }

    /// The instance of the executor whose cache this is.
    fn instance(&self, ctx: &Ctx, inputs: &[Tensor], aux: &[Tensor]) -> OpResult<Arc<dyn Instance>> {
        let create = || {
            let (shapes, types): (Vec<_>, Vec<_>) =
                inputs.iter().chain(aux).map(|t| (t.shape().clone(), t.dtype())).unzip();
            self.source.create(&shapes, &types)
        };
        match ctx.cache {
            Some(cache) => cache.get(self.id, &[], |_| Slot::default()).get(create),
            None => self.alone.get(create),
        }
    }
}

/// The last question to the foreign operator and its answer: inference asks many times.
#[derive(Debug)]
struct Last<T>(Mutex<Option<(Vec<T>, Completed<T>)>>);

impl<T> Default for Last<T> {
    fn default() -> Last<T> {
        Last(Mutex::new(None))
    }
}

impl<T: Clone + PartialEq> Last<T> {
    fn ask(&self, known: &[T], ask: impl FnOnce(&[T]) -> OpResult<Completed<T>>) -> OpResult<Completed<T>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().as_ref().filter(|(question, _)| question == known).map(|(_, answer)| answer.clone());
        if let Some(answer) = kept {
            return Ok(answer);
        }
        let answer = ask(known)?;
        *lock() = Some((known.to_vec(), answer.clone()));
        Ok(answer)
    }
}

/// The place of an instance.
#[derive(Default)]
struct Slot(Mutex<Option<Arc<dyn Instance>>>);

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Slot")
    }
}

impl Slot {
    fn get(&self, create: impl FnOnce() -> OpResult<Arc<dyn Instance>>) -> OpResult<Arc<dyn Instance>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock is not held while foreign code runs.
        let kept = lock().clone();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let made = create()?;
        Ok(lock().get_or_insert(made).clone())
    }
}

impl OpInfo for Custom {
    fn def(&self) -> &'static OpDef {
        Custom::DEF
    }
    fn param_texts(&self) -> ParamTexts {
        self.params.clone()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn owned<'a>(names: impl IntoIterator<Item = &'a String>) -> Names {
    names.into_iter().map(|name| Cow::Owned(name.clone())).collect()
}

impl Operator for Custom {
    fn inputs(&self) -> Names {
        let Signature { arguments, aux, .. } = self.shared.signature();
        owned(arguments.iter().chain(aux))
    }

    fn num_inputs(&self) -> usize {
        self.shared.signature().arguments.len() + self.aux.len()
    }

    fn aux(&self) -> &[usize] {
        &self.aux
    }

    fn output_names(&self) -> Names {
        owned(&self.shared.signature().outputs)
    }

    fn num_outputs(&self) -> usize {
        self.shared.signature().outputs.len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let known = &io.inputs[..self.shared.signature().arguments.len()];
        let complete = known.iter().all(|shape| shape.is_complete());
        let found = match self.shared.shapes.ask(known, |known| self.shared.source.infer_shape(known)) {
            Err(_) if !complete => return Ok(()),
            found => found?,
        };
        let (inputs, outputs, aux) = self.cut(&found);
        inputs.iter().chain(aux).enumerate().try_for_each(|(i, shape)| io.set_input(i, shape.clone()))?;
        outputs.iter().enumerate().try_for_each(|(o, shape)| io.set_output(o, shape.clone()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let known = &io.inputs[..self.shared.signature().arguments.len()];
        let complete = known.iter().all(|dtype| dtype.is_some());
        let found = match self.shared.types.ask(known, |known| self.shared.source.infer_type(known)) {
            Err(_) if !complete => return Ok(()),
            found => found?,
        };
        let (inputs, outputs, aux) = self.cut(&found);
        for (i, dtype) in inputs.iter().chain(aux).enumerate().filter_map(|(i, d)| d.map(|d| (i, d))) {
            io.set_input(i, dtype)?;
        }
        outputs.iter().enumerate().filter_map(|(o, d)| d.map(|d| (o, d))).try_for_each(|(o, d)| io.set_output(o, d))
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let (inputs, aux) = io.inputs.split_at(self.shared.signature().arguments.len());
        let instance = self.shared.instance(ctx, inputs, aux)?;
        instance.forward(&Forward { is_train: ctx.is_train, inputs, outputs: io.outputs, aux })
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let Signature { arguments, outputs, uses, .. } = self.shared.signature();
        let count = (outputs.len(), arguments.len());
        let heads = (0..count.0).filter(|&o| uses[o]).map(|o| g.head(o)).collect::<GraphResult<Vec<_>>>()?;
        let given = (0..g.num_inputs()).map(|i| g.input(i));
        let (values, aux): (Vec<_>, Vec<_>) = given.enumerate().partition(|(i, _)| *i < count.1);
        let plain = |entries: Vec<(usize, Entry)>| entries.into_iter().map(|(_, entry)| entry);
        let results = (0..count.0).map(|o| g.output(o));
        let all: Vec<Entry> = heads.into_iter().chain(plain(values)).chain(results).chain(plain(aux)).collect();
        let needed = (0..count.1).map(|i| g.needs(i)).collect();
        let first_aux = all.len() - self.aux.len();
        let op = CustomBackward { shared: self.shared.clone(), needed, aux: (first_aux..all.len()).collect() };
        for (i, gradient) in g.apply_multi(op, &all).into_iter().enumerate() {
            g.set(i, gradient);
        }
        Ok(())
    }

    fn is_loss(&self) -> bool {
        let Signature { outputs, uses, .. } = self.shared.signature();
        !uses[..outputs.len()].contains(&true)
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn depends_on_mode(&self) -> bool {
        true
    }

    fn separate(&self) -> Option<OpRef> {
        Some(Arc::new(Custom::new(self.shared.source.clone(), self.params.clone())))
    }
}

impl Custom {
    /// What was found, cut into that of inputs, outputs and auxiliary states.
    fn cut<'a, T>(&self, found: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let Signature { arguments, outputs, .. } = self.shared.signature();
        let (inputs, rest) = found.split_at(arguments.len().min(found.len()));
        let (outputs, aux) = rest.split_at(outputs.len().min(rest.len()));
        (inputs, outputs, aux)
    }
}

/// The gradient of [`Custom`]: takes the output gradients that are used, the inputs, the outputs and the auxiliary states.
#[derive(Debug)]
struct CustomBackward {
    shared: Arc<Shared>,
    needed: Vec<bool>,
    aux: Vec<usize>,
}

internal_operator!(CustomBackward, "_backward_Custom");

impl CustomBackward {
    /// Number of output gradients that are used.
    fn heads(&self) -> usize {
        let Signature { outputs, uses, .. } = self.shared.signature();
        uses[..outputs.len()].iter().filter(|used| **used).count()
    }
}

impl Operator for CustomBackward {
    fn inputs(&self) -> Names {
        let Signature { arguments, outputs, aux, uses } = self.shared.signature();
        let heads = outputs.iter().zip(uses).filter(|(_, used)| **used).map(|(name, _)| format!("{name}_grad"));
        let rest = arguments.iter().chain(outputs).chain(aux).cloned();
        heads.chain(rest).map(Cow::Owned).collect()
    }

    fn num_inputs(&self) -> usize {
        let Signature { arguments, outputs, .. } = self.shared.signature();
        self.heads() + arguments.len() + outputs.len() + self.aux.len()
    }

    fn aux(&self) -> &[usize] {
        &self.aux
    }

    fn num_outputs(&self) -> usize {
        self.needed.len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let first = self.heads();
        (0..self.needed.len()).try_for_each(|i| io.set_output(i, io.inputs[first + i].clone()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let first = self.heads();
        let known = (0..self.needed.len()).filter_map(|i| io.inputs[first + i].map(|dtype| (i, dtype)));
        known.collect::<Vec<_>>().into_iter().try_for_each(|(i, dtype)| io.set_output(i, dtype))
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let Signature { arguments, outputs, uses, .. } = self.shared.signature();
        let (heads, rest) = io.inputs.split_at(self.heads());
        let (given, aux) = rest.split_at(arguments.len() + outputs.len());
        let instance = self.shared.instance(ctx, &given[..arguments.len()], aux)?;
        let mut heads = heads.iter().cloned();
        let (use_heads, use_values) = uses.split_at(outputs.len());
        let out_grads: Vec<_> = use_heads.iter().map(|used| if *used { heads.next() } else { None }).collect();
        let values: Vec<_> = given.iter().zip(use_values).map(|(t, used)| used.then(|| t.clone())).collect();
        let (inputs, outputs) = values.split_at(arguments.len());
        instance.backward(&Backward {
            is_train: ctx.is_train,
            out_grads: &out_grads,
            inputs,
            outputs,
            aux,
            gradients: io.outputs,
            needed: &self.needed,
        })
    }

    fn reads(&self, input: usize) -> bool {
        let Signature { outputs, uses, .. } = self.shared.signature();
        let used = input.checked_sub(self.heads()).and_then(|value| uses.get(outputs.len() + value));
        used.copied().unwrap_or(true)
    }

    fn has_effects(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};
    use rsym_tensor::Shape;

    /// `out = scale * data`, counting its calls in an auxiliary state; the gradient uses that of the output alone.
    #[derive(Debug)]
    struct Scale(Signature, f64);

    impl Scale {
        fn op(scale: f64) -> Custom {
            let text = |name: &str| vec![name.to_string()];
            let signature = Signature {
                arguments: text("data"),
                outputs: text("out"),
                aux: text("calls"),
                uses: vec![true, false, false],
            };
            Custom::new(Arc::new(Scale(signature, scale)), ParamTexts::default())
        }
    }

    impl Foreign for Scale {
        fn signature(&self) -> &Signature {
            &self.0
        }
        fn infer_shape(&self, inputs: &[PartialShape]) -> OpResult<Vec<PartialShape>> {
            let shape = inputs[0].complete().ok_or_else(|| OpError::invalid("unknown"))?;
            Ok(vec![shape.clone().into(), shape.into(), Shape::new(&[1]).into()])
        }
        fn infer_type(&self, inputs: &[Option<DType>]) -> OpResult<Vec<Option<DType>>> {
            Ok(vec![inputs[0]; 3])
        }
        fn create(&self, _: &[Shape], _: &[DType]) -> OpResult<Arc<dyn Instance>> {
            Ok(Arc::new(Scaling(self.1)))
        }
    }

    struct Scaling(f64);

    impl Scaling {
        fn scale(&self, from: &Tensor, to: &Tensor) -> OpResult {
            let values: Vec<f32> = from.to_f64_vec().into_iter().map(|v| (v * self.0) as f32).collect();
            Ok(to.clone().assign(&Tensor::from_slice(to.shape().clone(), &values)?)?)
        }
    }

    impl Instance for Scaling {
        fn forward(&self, call: &Forward) -> OpResult {
            let calls = call.aux[0].get_f64(0).unwrap_or(0.0) + 1.0;
            call.aux[0].clone().fill(calls);
            self.scale(&call.inputs[0], &call.outputs[0])
        }
        fn backward(&self, call: &Backward) -> OpResult {
            assert!(call.inputs[0].is_none() && call.outputs[0].is_none() && call.needed == [true]);
            let head = call.out_grads[0].as_ref().ok_or_else(|| OpError::invalid("no gradient"))?;
            self.scale(head, &call.gradients[0])
        }
    }

    #[test]
    fn values_gradients_and_states_are_those_of_the_foreign_operator() {
        let (op, data, calls) = (Scale::op(3.0), t32([2], &[1.0, -2.0]), t32([1], &[5.0]));
        assert_close(&run(&op, &[data.clone(), calls.clone()])[0], &[3.0, -6.0]);
        assert_close(&calls, &[6.0]);
        let found = backward(&op, &[data, calls.clone()], &[Some(t32([2], &[10.0, 1.0]))]);
        assert_close(found[0].as_ref().unwrap(), &[30.0, 3.0]);
        assert!(found[1].is_none());
    }

    #[test]
    fn shapes_wait_until_the_foreign_operator_knows_enough() {
        let op = Scale::op(1.0);
        assert_eq!(infer(&op, &[&[2, 3], &[]], &[]).unwrap(), [vec![2, 3], vec![1], vec![2, 3]]);
        assert_eq!(infer(&op, &[&[], &[]], &[]).unwrap(), [vec![], vec![], Vec::<i64>::new()]);
        assert!(infer(&op, &[&[2, 3], &[2]], &[]).is_err());
    }

    #[test]
    fn an_operator_that_is_not_registered_is_named() {
        let texts = ParamTexts(vec![("op_type".into(), "nope".to_string())]);
        assert_eq!(Custom::from_texts(&texts).unwrap_err(), ParamError::Unregistered("nope".into()));
        let error = parse_op(Custom::DEF, "c", &texts, &[]).unwrap_err().to_string();
        assert!(error.contains("'nope'") && error.contains("'c'"), "{error}");
    }

    #[test]
    fn a_copy_for_another_node_has_a_state_of_its_own() {
        let op = Scale::op(2.0);
        let copy = op.separate().unwrap();
        let copy = copy.as_any().downcast_ref::<Custom>().unwrap();
        assert_ne!(copy.shared.id, op.shared.id);
        assert!(!op.is_repeatable() && op.has_effects() && !op.is_loss());
    }
}
