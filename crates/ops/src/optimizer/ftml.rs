//! `ftml_update`: follow the moving leader.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::Ftml;

operator! {
    /// Follows the moving leader. With `g = clip(rescale_grad · grad + wd · weight)`:
    ///
    /// ```text
    /// v = beta2 · v + (1 - beta2) · g²
    /// d' = (1 - beta1^t) / lr · (sqrt(v / (1 - beta2^t)) + epsilon)
    /// z = beta1 · z + (1 - beta1) · g - (d' - beta1 · d) · weight
    /// d = d'
    /// out = -z / d
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, d, v, z | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    ///
    /// Source: Zheng and Kwok, Follow the Moving Leader in Deep Learning (2017).
    pub struct FtmlUpdate("ftml_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            d: "The curvature (auxiliary state).",
            v: "The running mean of its square (auxiliary state).",
            z: "The leader times the curvature (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old mean in the new one.
            beta1: f32 = 0.6,
            /// Share of the old mean square in the new one.
            beta2: f32 = 0.999,
            /// Added to the root against division by zero.
            epsilon: f64 = 1e-8f32 as f64,
            /// Number of the update, from 1.
            t: i32,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_grad: f32 = -1.0,
        }
    }
}

update_one!(FtmlUpdate, 3, false, |op| Ftml {
    lr: op.lr as f64,
    wd: op.wd as f64,
    beta1: op.beta1 as f64,
    beta2: op.beta2 as f64,
    beta1_t: (op.beta1 as f64).powi(op.t),
    beta2_t: (op.beta2 as f64).powi(op.t),
    epsilon: op.epsilon,
    scaling: scaling(op.rescale_grad, op.clip_grad),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let texts = [("lr", "0.25"), ("beta1", "0.5"), ("beta2", "0.75"), ("epsilon", "0"), ("t", "1")];
        let op = FtmlUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap();
        let zero = || t32([1], &[0.0]);
        let inputs = [t32([1], &[1.0]), t32([1], &[4.0]), zero(), zero(), zero()];
        assert_close(&run(&op, &inputs)[0], &[1.0 - 0.25]);
        assert_close(&inputs[2], &[8.0]);
        assert_close(&inputs[3], &[4.0]);
        assert_close(&inputs[4], &[2.0 - 8.0]);
    }
}
