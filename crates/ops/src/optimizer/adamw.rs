//! `_adamw_update` and its forms with a master copy and for several weights: adaptive moments with decoupled weight decay.

use super::update::{Form, numbers, one_each, scaling};
use rsym_graph::*;
use rsym_kernels::update::{AdamW, Scaling};
use rsym_tensor::{DType, PartialShape};

operator! {
    /// Adaptive moments with decoupled weight decay. With `g = clip(rescale_grad · grad)`:
    ///
    /// ```text
    /// mean = beta1 · mean + (1 - beta1) · g
    /// var = beta2 · var + (1 - beta2) · g²
    /// out = weight - eta · (lr · mean / (sqrt(var) + epsilon) + wd · weight)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mean, var | any, all equal | any float type, all equal |
    /// | rescale_grad | one element | float |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well. Where `rescale_grad` is 0, infinite or NaN nothing is updated, and the output is the weight.
    ///
    /// Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2017).
    pub struct AdamWUpdate("_adamw_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
            rescale_grad: "Factor of the gradient, one number; the update is left out if it is 0, infinite or NaN.",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the whole step, as a schedule gives it.
            eta: f32,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// As `_adamw_update`, with a master copy of the weight.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type |
    /// | mean, var, weight32 | that of weight | float32 |
    /// | rescale_grad | one element | float |
    /// | output | that of weight | that of weight |
    ///
    /// The computation is in single precision on `weight32`, which is updated; the output takes its rounded values. Where `rescale_grad` is 0, infinite or NaN nothing is updated, and the output is the weight.
    pub struct MpAdamWUpdate("_mp_adamw_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
            weight32: "The weight in single precision (auxiliary state).",
            rescale_grad: "Factor of the gradient, one number; the update is left out if it is 0, infinite or NaN.",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the whole step, as a schedule gives it.
            eta: f32,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// `_adamw_update` of several weights at once.
    ///
    /// The inputs are weight, grad, mean, var of the first weight, then those of the second and so on; last rescale_grad. There is one
    /// output for each weight. Shapes and types are those of `_adamw_update`.
    #[list(true)]
    #[check(MultiAdamWUpdate::rates)]
    pub struct MultiAdamWUpdate("_multi_adamw_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the whole step of every weight.
            etas: Tuple<f32>,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `_mp_adamw_update` of several weights at once.
    ///
    /// The inputs are weight, grad, mean, var, weight32 of the first weight, then those of the second and so on; last rescale_grad. There is one
    /// output for each weight. Shapes and types are those of `_mp_adamw_update`.
    #[list(true)]
    #[check(MultiMpAdamWUpdate::rates)]
    pub struct MultiMpAdamWUpdate("_multi_mp_adamw_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the whole step of every weight.
            etas: Tuple<f32>,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

/// The one number that is to be a factor.
fn factor(io: &Io) -> OpResult<f64> {
    let last = io.inputs.len() - 1;
    Ok(numbers(&io.inputs[last], 1, "rescale_grad")?[0])
}

/// The rule of one weight.
macro_rules! rule {
    ($op:expr, $scaling:expr, $lr:expr, $wd:expr, $eta:expr) => {
        AdamW {
            lr: $lr as f64,
            wd: $wd as f64,
            eta: $eta as f64,
            beta1: $op.beta1 as f64,
            beta2: $op.beta2 as f64,
            epsilon: $op.epsilon as f64,
            scaling: $scaling,
        }
    };
}

/// The form and the rules of an operator for one weight.
macro_rules! one {
    ($op:ident, $master:literal) => {
        impl $op {
            fn form(&self) -> Form {
                Form { extra: 1, ..Form::one(2, $master) }
            }

            fn rules(&self, scaling: Scaling) -> Vec<AdamW> {
                vec![rule!(self, scaling, self.lr, self.wd, self.eta)]
            }
        }
    };
}

/// The form and the rules of an operator for several weights.
macro_rules! many {
    ($op:ident, $master:literal) => {
        impl $op {
            fn form(&self) -> Form {
                Form { count: self.num_weights as usize, states: 2, master: $master, extra: 1 }
            }

            fn rules(&self, scaling: Scaling) -> Vec<AdamW> {
                let rates = self.lrs.iter().zip(&self.wds).zip(&self.etas);
                rates.map(|((&lr, &wd), &eta)| rule!(self, scaling, lr, wd, eta)).collect()
            }

            fn rates(&self) -> Result<(), String> {
                let lists = [("lrs", self.lrs.len()), ("wds", self.wds.len()), ("etas", self.etas.len())];
                one_each(&lists, self.num_weights)
            }
        }
    };
}

macro_rules! adamw {
    ($op:ident) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                let inputs = self.def().inputs;
                let master: &[&str] = if self.form().master { &["weight32"] } else { &[] };
                match self.def().list {
                    true => self.form().names(&[&["weight", "grad", "mean", "var"], master].concat(), &["rescale_grad"]),
                    false => inputs.iter().map(|i| i.name.into()).collect(),
                }
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
                let last = self.num_inputs() - 1;
                self.form().infer_shape(io)?;
                if io.inputs[last] == PartialShape::unknown() { io.set_input(last, [1]) } else { Ok(()) }
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                let last = self.num_inputs() - 1;
                self.form().infer_type(io)?;
                if io.inputs[last].is_some() {
                    return Ok(());
                }
                match io.inputs[0] {
                    weight if self.def().list && !self.form().master => weight.map_or(Ok(()), |own| io.set_input(last, own)),
                    _ => io.set_input(last, DType::Float32),
                }
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (form, factor) = (self.form(), factor(io)?);
                if factor != 0.0 && factor.is_finite() {
                    return form.update(io, &self.rules(scaling(factor as f32, self.clip_gradient)));
                }
                let outputs = io.outputs.iter_mut().enumerate();
                outputs.into_iter().try_for_each(|(k, out)| Ok(out.assign(&io.inputs[k * form.stride()])?))
            }
        }
    };
}

one!(AdamWUpdate, false);
one!(MpAdamWUpdate, true);
many!(MultiAdamWUpdate, false);
many!(MultiMpAdamWUpdate, true);
adamw!(AdamWUpdate);
adamw!(MpAdamWUpdate);
adamw!(MultiAdamWUpdate);
adamw!(MultiMpAdamWUpdate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};
    use rsym_tensor::Tensor;

    fn inputs() -> [Tensor; 4] {
        [t32([2], &[1.0, -1.0]), t32([2], &[5.0, -0.2]), t32([2], &[0.0; 2]), t32([2], &[0.0; 2])]
    }

    fn op() -> AdamWUpdate {
        let texts = [("lr", "0.01"), ("eta", "0.5"), ("wd", "0.1")];
        AdamWUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap()
    }

    #[test]
    fn the_decay_is_apart_from_the_moments() {
        let inputs = [&inputs()[..], &[t32([1], &[2.0])]].concat();
        let step = 0.01 * 0.1 / 0.001f64.sqrt();
        assert_close(&run(&op(), &inputs)[0], &[1.0 - 0.5 * (step + 0.1), -1.0 + 0.5 * (step + 0.1)]);
        assert_close(&inputs[2], &[1.0, -0.04]);
    }

    #[test]
    fn an_infinite_factor_leaves_all_as_it_is() {
        for factor in [f32::INFINITY, f32::NAN, 0.0] {
            let inputs = [&inputs()[..], &[t32([1], &[factor])]].concat();
            assert_eq!(run(&op(), &inputs)[0].to_f64_vec(), [1.0, -1.0]);
            assert_eq!(inputs[3].to_f64_vec(), [0.0; 2]);
        }
    }

    #[test]
    fn several_weights_are_updated_as_each_alone() {
        let texts = [("lrs", "(0.01, 0.02)"), ("wds", "(0.1, 0)"), ("etas", "(0.5, 1)"), ("num_weights", "2")];
        let both = MultiAdamWUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap();
        let all = [&inputs()[..], &inputs()[..], &[t32([1], &[2.0])]].concat();
        let got = run(&both, &all);
        let second = AdamWUpdate { lr: 0.02, wd: 0.0, eta: 1.0, ..op() };
        for (k, op) in [op(), second].iter().enumerate() {
            let alone = [&inputs()[..], &[t32([1], &[2.0])]].concat();
            assert_eq!(run(op, &alone)[0].to_f64_vec(), got[k].to_f64_vec());
            assert_eq!(alone[3].to_f64_vec(), all[4 * k + 3].to_f64_vec());
        }
        assert_eq!(both.inputs()[5], "grad_1");
        assert!(MultiAdamWUpdate::from_texts(&ParamTexts(vec![("lrs".into(), "1".into())])).is_err());
    }
}
