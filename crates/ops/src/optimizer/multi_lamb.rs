//! `_multi_lamb_update` and its form with master copies: LAMB for several weights at once.

use super::lamb::{power, trust_ratio};
use super::update::{Form, one_each, refuse_overlaps, scaling, source, target, targets};
use rsym_graph::*;
use rsym_kernels::update::{self, Job, LambDirection, Source, Step, Target, Weight, Width};
use rsym_tensor::{DType, Tensor, dispatch_float};

operator! {
    /// Both phases of LAMB for several weights at once: `lamb_update_phase1`, the norms of weight and direction, `lamb_update_phase2`.
    ///
    /// The inputs are weight, grad, mean, var of the first weight, then those of the second and so on. There is one output for each
    /// weight. Shapes and types are those of `lamb_update_phase1`; the output has those of weight.
    #[list(true)]
    #[check(MultiLambUpdate::rates)]
    pub struct MultiLambUpdate("_multi_lamb_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            learning_rates: Tuple<f32>,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-6,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Lower bound of the norm of the weight; none if negative.
            lower_bound: f32 = -1.0,
            /// Upper bound of the norm of the weight; none if negative.
            upper_bound: f32 = -1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Correct the means for starting at zero.
            bias_correction: bool = true,
            /// Number of the update of every weight, from 1.
            step_count: Tuple,
            /// Number of weights.
            #[range(1..)]
            num_tensors: i32 = 1,
        }
    }
}

operator! {
    /// Both phases of LAMB for several weights at once: `mp_lamb_update_phase1`, the norms of weight and direction, `mp_lamb_update_phase2`.
    ///
    /// The inputs are weight, grad, mean, var, weight32 of the first weight, then those of the second and so on. There is one output for each
    /// weight. Shapes and types are those of `mp_lamb_update_phase1`; the output has those of weight.
    #[list(true)]
    #[check(MultiMpLambUpdate::rates)]
    pub struct MultiMpLambUpdate("_multi_mp_lamb_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            learning_rates: Tuple<f32>,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-6,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Lower bound of the norm of the weight; none if negative.
            lower_bound: f32 = -1.0,
            /// Upper bound of the norm of the weight; none if negative.
            upper_bound: f32 = -1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Correct the means for starting at zero.
            bias_correction: bool = true,
            /// Number of the update of every weight, from 1.
            step_count: Tuple,
            /// Number of weights.
            #[range(1..)]
            num_tensors: i32 = 1,
        }
    }
}

macro_rules! multi_lamb {
    ($op:ident, $master:literal, [$($each:literal),*]) => {
        impl $op {
            fn form(&self) -> Form {
                Form { count: self.num_tensors as usize, states: 2, master: $master, extra: 0 }
            }

            fn rates(&self) -> Result<(), String> {
                let counts = [self.learning_rates.len(), self.wds.len(), self.step_count.len()];
                let names = ["learning_rates", "wds", "step_count"];
                one_each(&[0, 1, 2].map(|i| (names[i], counts[i])), self.num_tensors)
            }

            fn direction(&self, k: usize) -> LambDirection {
                LambDirection {
                    wd: self.wds[k] as f64,
                    beta1: self.beta1 as f64,
                    beta2: self.beta2 as f64,
                    beta1_t: power(self.beta1, self.step_count[k], self.bias_correction),
                    beta2_t: power(self.beta2, self.step_count[k], self.bias_correction),
                    epsilon: self.epsilon as f64,
                    scaling: scaling(self.rescale_grad, self.clip_gradient),
                }
            }

            fn run<C: Width>(&self, io: &mut Io) -> OpResult {
                let rules: Vec<LambDirection> = (0..self.form().count).map(|k| self.direction(k)).collect();
                let directions = directions::<C>(io, self.form(), &rules)?;
                let mut steps = Vec::with_capacity(directions.len());
                for (k, direction) in directions.iter().enumerate() {
                    let norms = (norm(&io.inputs[k * self.form().stride()])?, norm(direction)?);
                    let ratio = trust_ratio(norms.0, norms.1, self.lower_bound, self.upper_bound);
                    steps.push(Step { lr: self.learning_rates[k] as f64 * ratio });
                }
                take_steps::<C>(io, self.form(), &directions, &steps)
            }
        }

        impl Operator for $op {
            fn inputs(&self) -> Names {
                self.form().names(&[$($each),*], &[])
            }

            fn num_inputs(&self) -> usize {
                self.form().num_inputs()
            }

            fn num_outputs(&self) -> usize {
                self.form().count
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
                self.form().infer_type(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                refuse_overlaps(io, &self.form())?;
                let double = !$master && io.outputs[0].dtype() == DType::Float64;
                if double { self.run::<f64>(io) } else { self.run::<f32>(io) }
            }
        }
    };
}

multi_lamb!(MultiLambUpdate, false, ["weight", "grad", "mean", "var"]);
multi_lamb!(MultiMpLambUpdate, true, ["weight", "grad", "mean", "var", "weight32"]);

/// The Euclidean norm.
fn norm(x: &Tensor) -> OpResult<f64> {
    let squares = dispatch_float!(x.dtype(), T => update::sum_of_squares(x.slice::<T>()?), else f64::NAN);
    Ok(squares.sqrt())
}

/// The directions of all weights, in the type of computation.
fn directions<C: Width>(io: &Io, form: Form, rules: &[LambDirection]) -> OpResult<Vec<Tensor>> {
    let stride = form.stride();
    let zeros = |k: usize| Tensor::zeros(io.inputs[k * stride].shape().clone(), C::DTYPE);
    let mut out = (0..form.count).map(zeros).collect::<Result<Vec<_>, _>>()?;
    let mut states: Vec<Vec<Tensor>> = io.inputs.chunks(stride).map(|group| group[2..4].to_vec()).collect();
    let mut jobs = Vec::with_capacity(form.count);
    for (((group, states), out), rule) in io.inputs.chunks(stride).zip(&mut states).zip(&mut out).zip(rules) {
        let weight = Weight::Source(source(if form.master { &group[4] } else { &group[0] })?);
        let (grad, states) = (source(&group[1])?, targets(states)?);
        jobs.push(Job::<C, _, 2> { rule: *rule, weight, grad, states, out: Target::Same(out.slice_mut()?) });
    }
    update::update(jobs);
    Ok(out)
}

fn take_steps<C: Width>(io: &mut Io, form: Form, directions: &[Tensor], steps: &[Step]) -> OpResult {
    let mut inputs = io.inputs.to_vec();
    let mut jobs = Vec::with_capacity(form.count);
    for (((group, out), direction), rule) in
        inputs.chunks_mut(form.stride()).zip(io.outputs.iter_mut()).zip(directions).zip(steps)
    {
        let weight = match form.master {
            true => Weight::Master(group[4].slice_mut::<C>()?),
            false if group[0].same_memory(out) => Weight::Out,
            false => Weight::Source(source(&group[0])?),
        };
        let grad = Source::Same(direction.slice::<C>()?);
        jobs.push(Job { rule: *rule, weight, grad, states: [], out: target(out)? });
    }
    update::update(jobs);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::lamb::{LambUpdatePhase1, LambUpdatePhase2};
    use crate::support::tests::{assert_close, run, sample};

    fn texts(list: &[(&'static str, &str)]) -> ParamTexts {
        ParamTexts(list.iter().map(|&(k, v)| (k.into(), v.into())).collect())
    }

    fn arrays(dtype: DType) -> Vec<Tensor> {
        (0..4).map(|i| sample(&[6].into(), if i < 2 { dtype } else { DType::Float32 }, i)).collect()
    }

    fn positive(mut arrays: Vec<Tensor>) -> Vec<Tensor> {
        arrays.iter_mut().for_each(|v| v.fill(0.25));
        arrays
    }

    #[test]
    fn both_phases_and_the_norms_between_them() {
        let list = [("learning_rates", "(0.1, 0.2)"), ("wds", "(0.01, 0)"), ("step_count", "(3, 1)"), ("num_tensors", "2")];
        let op = MultiLambUpdate::from_texts(&texts(&list)).unwrap();
        let make = || {
            let mut all = [arrays(DType::Float32), arrays(DType::Float32)].concat();
            let vars = positive(vec![all[3].clone(), all[7].clone()]);
            (all[3], all[7]) = (vars[0].clone(), vars[1].clone());
            all
        };
        let (all, alone) = (make(), make());
        let got = run(&op, &all);
        for (k, (lr, wd, t)) in [("0.1", "0.01", "3"), ("0.2", "0", "1")].into_iter().enumerate() {
            let group = &alone[4 * k..4 * k + 4];
            let g = run(&LambUpdatePhase1::from_texts(&texts(&[("wd", wd), ("t", t)])).unwrap(), group).remove(0);
            let norms = [norm(&group[0]).unwrap(), norm(&g).unwrap()].map(|n| Tensor::full([1], DType::Float32, n).unwrap());
            let step = LambUpdatePhase2::from_texts(&texts(&[("lr", lr)])).unwrap();
            let want = run(&step, &[group[0].clone(), g, norms[0].clone(), norms[1].clone()]);
            assert_close(&got[k], &want[0].to_f64_vec());
            assert_eq!(all[4 * k + 2].to_f64_vec(), group[2].to_f64_vec());
        }
    }

    #[test]
    fn master_copies_follow() {
        let list = [("learning_rates", "0.1"), ("wds", "0.01"), ("step_count", "2")];
        let op = MultiMpLambUpdate::from_texts(&texts(&list)).unwrap();
        let mut all = arrays(DType::Float16);
        all[3].fill(0.25);
        all.push(all[0].cast(DType::Float32).unwrap());
        let out = run(&op, &all).remove(0);
        assert_eq!(out.to_f64_vec(), all[4].cast(DType::Float16).unwrap().to_f64_vec());
        assert_ne!(out.to_f64_vec(), all[0].to_f64_vec());
    }
}
