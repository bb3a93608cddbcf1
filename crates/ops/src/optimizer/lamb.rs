//! `lamb_update_phase1` and `lamb_update_phase2` and their forms with a master copy: large batches with layerwise rates.

use super::update::{Form, refuse_overlaps, scaling, source, target, targets};
use rsym_graph::*;
use rsym_kernels::update::{self, Job, LambDirection, Rule, Source, Step, Weight, Width};
use rsym_tensor::{DType, PartialShape, Tensor};

operator! {
    /// The direction of a step of LAMB. With `g = clip(rescale_grad · grad)`:
    ///
    /// ```text
    /// mean = beta1 · mean + (1 - beta1) · g
    /// var = beta2 · var + (1 - beta2) · g²
    /// out = mean' / (sqrt(var') + epsilon) + wd · weight
    /// ```
    ///
    /// where mean' = mean / (1 - beta1^t) and var' = var / (1 - beta2^t) with `bias_correction`, else mean and var themselves.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mean, var | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// Source: You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes (2019).
    pub struct LambUpdatePhase1("lamb_update_phase1") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
        }
        params {
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-6,
            /// Number of the update, from 1.
            t: i32,
            /// Correct the means for starting at zero.
            bias_correction: bool = true,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// As `lamb_update_phase1`, with the weight from a copy in single precision.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type |
    /// | mean, var, weight32 | that of weight | float32 |
    /// | output | that of weight | float32 |
    pub struct MpLambUpdatePhase1("mp_lamb_update_phase1") {
        inputs {
            weight: "The weight; its values are not read.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
            weight32: "The weight in single precision.",
        }
        params {
            /// Share of the old mean in the new one.
            beta1: f32 = 0.9,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f32 = 1e-6,
            /// Number of the update, from 1.
            t: i32,
            /// Correct the means for starting at zero.
            bias_correction: bool = true,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// A step of LAMB along a direction, of a length in proportion to the weight:
    ///
    /// ```text
    /// ratio = clip(r1, lower_bound, upper_bound) / r2, or 1 if one of the two is 0
    /// out = weight - lr · ratio · g
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, g | any, both equal | any float type, all equal |
    /// | r1, r2 | one element | that of weight |
    /// | output | that of weight | that of weight |
    ///
    /// `out=weight` updates the weight in place.
    ///
    /// Source: You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes (2019).
    pub struct LambUpdatePhase2("lamb_update_phase2") {
        inputs {
            weight: "The weight.",
            g: "The direction, from the first phase.",
            r1: "The norm of the weight, one number.",
            r2: "The norm of the direction, one number.",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Lower bound of the norm of the weight; none if negative.
            lower_bound: f32 = -1.0,
            /// Upper bound of the norm of the weight; none if negative.
            upper_bound: f32 = -1.0,
        }
    }
}

operator! {
    /// As `lamb_update_phase2`, with a master copy of the weight.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight | any | any float type |
    /// | g, weight32 | that of weight | float32 |
    /// | r1, r2 | one element | float32 |
    /// | output | that of weight | that of weight |
    ///
    /// The computation is in single precision on `weight32`, which is updated; the output takes its rounded values. MXNet 1.9.1 leaves `weight32` as it was, against its own documentation, and so loses every update but the last.
    pub struct MpLambUpdatePhase2("mp_lamb_update_phase2") {
        inputs {
            weight: "The weight.",
            g: "The direction, from the first phase.",
            r1: "The norm of the weight, one number.",
            r2: "The norm of the direction, one number.",
            weight32: "The weight in single precision (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Lower bound of the norm of the weight; none if negative.
            lower_bound: f32 = -1.0,
            /// Upper bound of the norm of the weight; none if negative.
            upper_bound: f32 = -1.0,
        }
    }
}

/// The factor of the learning rate for norms of weight and direction.
pub(super) fn trust_ratio(weight: f64, direction: f64, lower: f32, upper: f32) -> f64 {
    let raised = if lower >= 0.0 { weight.max(lower as f64) } else { weight };
    let bounded = if upper >= 0.0 { raised.min(upper as f64) } else { raised };
    if bounded == 0.0 || direction == 0.0 { 1.0 } else { bounded / direction }
}

/// A power that takes part in the correction of the bias; 0 where there is none.
pub(super) fn power(beta: f32, t: i64, corrected: bool) -> f64 {
    if corrected { (beta as f64).powf(t as f64) } else { 0.0 }
}

/// Runs one job on `weight`, which is not written.
fn run<C: Width, R: Rule<N>, const N: usize>(
    rule: R,
    weight: &Tensor,
    grad: &Tensor,
    states: &mut [Tensor],
    out: &mut Tensor,
) -> OpResult {
    let weight = if weight.same_memory(out) { Weight::Out } else { Weight::Source(source::<C>(weight)?) };
    update::update(vec![Job { rule, weight, grad: source(grad)?, states: targets(states)?, out: target(out)? }]);
    Ok(())
}

macro_rules! phase1 {
    ($op:ident, $weight:literal, |$io:ident| $types:expr) => {
        impl Operator for $op {
            fn aux(&self) -> &[usize] {
                &[2, 3]
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn infer_type(&self, $io: &mut TypeIo) -> OpResult {
                $types
            }

            fn reads(&self, input: usize) -> bool {
                input != 0 || $weight == 0
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                refuse_overlaps(io, &Form::one(2, false))?;
                let rule = LambDirection {
                    wd: self.wd as f64,
                    beta1: self.beta1 as f64,
                    beta2: self.beta2 as f64,
                    beta1_t: power(self.beta1, self.t as i64, self.bias_correction),
                    beta2_t: power(self.beta2, self.t as i64, self.bias_correction),
                    epsilon: self.epsilon as f64,
                    scaling: scaling(self.rescale_grad, self.clip_gradient),
                };
                let (weight, grad, mut states) = (&io.inputs[$weight], &io.inputs[1], io.inputs[2..4].to_vec());
                match states[0].dtype() {
                    DType::Float64 => run::<f64, _, 2>(rule, weight, grad, &mut states, &mut io.outputs[0]),
                    _ => run::<f32, _, 2>(rule, weight, grad, &mut states, &mut io.outputs[0]),
                }
            }
        }
    };
}

phase1!(LambUpdatePhase1, 0, |io| io.same());
phase1!(MpLambUpdatePhase1, 4, |io| {
    io.unify(&[0, 1], &[])?;
    (2..5).try_for_each(|i| io.set_input(i, DType::Float32))?;
    io.set_output(0, DType::Float32)
});

/// The rule of the second phase, from the norms in inputs 2 and 3.
fn step(io: &Io, lr: f32, lower: f32, upper: f32) -> OpResult<Step> {
    let norm = |i: usize| match io.inputs[i].to_f64_vec()[..] {
        [norm] => Ok(norm),
        _ => Err(OpError::invalid(format!("r{} must have one element, got {}", i - 1, io.inputs[i].shape()))),
    };
    Ok(Step { lr: lr as f64 * trust_ratio(norm(2)?, norm(3)?, lower, upper) })
}

fn infer_phase2(io: &mut ShapeIo, same: &[usize]) -> OpResult {
    io.unify(same.iter().map(|&i| Port::Input(i)).chain([Port::Output(0)]))?;
    for i in [2, 3] {
        if io.inputs[i] == PartialShape::unknown() {
            io.set_input(i, [1])?;
        }
    }
    Ok(())
}

impl Operator for LambUpdatePhase2 {
    fn inplace(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_phase2(io, &[0, 1])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let rule = step(io, self.lr, self.lower_bound, self.upper_bound)?;
        let (weight, direction) = (&io.inputs[0], &io.inputs[1]);
        match weight.dtype() {
            DType::Float64 => run::<f64, _, 0>(rule, weight, direction, &mut [], &mut io.outputs[0]),
            _ => run::<f32, _, 0>(rule, weight, direction, &mut [], &mut io.outputs[0]),
        }
    }
}

impl Operator for MpLambUpdatePhase2 {
    fn aux(&self) -> &[usize] {
        &[4]
    }

    fn inplace(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_phase2(io, &[0, 1, 4])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])?;
        (1..5).try_for_each(|i| io.set_input(i, DType::Float32))
    }

    fn reads(&self, input: usize) -> bool {
        input != 0
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let rule = step(io, self.lr, self.lower_bound, self.upper_bound)?;
        let mut master = io.inputs[4].clone();
        let (weight, grad) = (Weight::Master(master.slice_mut::<f32>()?), Source::Same(io.inputs[1].slice()?));
        update::update(vec![Job { rule, weight, grad, states: [], out: target(&mut io.outputs[0])? }]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, t32};

    fn run(op: &dyn Operator, inputs: &[Tensor]) -> Tensor {
        crate::support::tests::run(op, inputs).remove(0)
    }

    fn first(correct: &str) -> ParamTexts {
        let texts = [("t", "1"), ("wd", "0.5"), ("epsilon", "0"), ("bias_correction", correct)];
        ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())
    }

    #[test]
    fn the_first_direction_is_the_sign_and_the_decay() {
        let inputs = || [t32([2], &[1.0, -3.0]), t32([2], &[5.0, -0.2]), t32([2], &[0.0; 2]), t32([2], &[0.0; 2])];
        assert_close(&run(&LambUpdatePhase1::from_texts(&first("1")).unwrap(), &inputs()), &[1.5, -2.5]);
        let ratio = 0.1 / 0.001f64.sqrt();
        let plain = run(&LambUpdatePhase1::from_texts(&first("0")).unwrap(), &inputs());
        assert_close(&plain, &[ratio + 0.5, -ratio - 1.5]);
        let half = |t: &Tensor| t.cast(DType::Float16).unwrap();
        let [w, g, m, v] = inputs();
        let mixed = run(&MpLambUpdatePhase1::from_texts(&first("1")).unwrap(), &[half(&w), half(&g), m, v.clone(), w]);
        assert_eq!(mixed.dtype(), DType::Float32);
        assert_close(&mixed, &[1.5, -2.5]);
        assert!((v.to_f64_vec()[0] - 0.025).abs() < 1e-6);
    }

    #[test]
    fn the_length_of_a_step_follows_the_weight() {
        let op = |lower_bound, upper_bound| LambUpdatePhase2 { lr: 0.5, lower_bound, upper_bound };
        let at = |op: LambUpdatePhase2, r1: f32, r2: f32| {
            run(&op, &[t32([1], &[1.0]), t32([1], &[2.0]), t32([1], &[r1]), t32([1], &[r2])]).to_f64_vec()[0]
        };
        assert_eq!(at(op(-1.0, -1.0), 3.0, 2.0), 1.0 - 1.5);
        assert_eq!(at(op(4.0, -1.0), 3.0, 2.0), 1.0 - 2.0);
        assert_eq!(at(op(-1.0, 1.0), 3.0, 2.0), 1.0 - 0.5);
        assert_eq!((at(op(-1.0, -1.0), 0.0, 2.0), at(op(-1.0, -1.0), 1.0, 0.0)), (0.0, 0.0));
    }

    #[test]
    fn the_master_copy_is_updated() {
        let op = MpLambUpdatePhase2 { lr: 0.5, lower_bound: -1.0, upper_bound: -1.0 };
        let weight = Tensor::full([1], DType::Float16, 1.0).unwrap();
        let inputs = [weight, t32([1], &[2.0]), t32([1], &[3.0]), t32([1], &[2.0]), t32([1], &[1.0])];
        assert_eq!(run(&op, &inputs).to_f64_vec(), [-0.5]);
        assert_eq!(inputs[4].to_f64_vec(), [-0.5]);
    }
}
