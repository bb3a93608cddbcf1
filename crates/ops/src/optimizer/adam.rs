//! `adam_update`: adaptive moments.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::Adam;

operator! {
    /// Descent with adaptive moments. With `g = clip(rescale_grad · grad + wd · weight)`:
    ///
    /// ```text
    /// mean = beta1 · mean + (1 - beta1) · g
    /// var = beta2 · var + (1 - beta2) · g²
    /// out = weight - lr · mean / (sqrt(var) + epsilon)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mean, var | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well. The correction of the bias is left to the caller's `lr`.
    ///
    /// Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2014).
    #[aliases("_sparse_adam_update")]
    pub struct AdamUpdate("adam_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
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
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Ignored: it is for sparse gradients.
            lazy_update: bool = true,
        }
    }
}

update_one!(AdamUpdate, 2, false, |op| Adam {
    lr: op.lr as f64,
    wd: op.wd as f64,
    beta1: op.beta1 as f64,
    beta2: op.beta2 as f64,
    epsilon: op.epsilon as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let op = AdamUpdate::from_texts(&ParamTexts(vec![("lr".into(), "0.01".into())])).unwrap();
        let inputs = [t32([2], &[1.0, 1.0]), t32([2], &[5.0, -0.2]), t32([2], &[0.0; 2]), t32([2], &[0.0; 2])];
        let out = run(&op, &inputs).remove(0);
        let step = 0.01 * 0.1 / 0.001f64.sqrt();
        assert_close(&out, &[1.0 - step, 1.0 + step]);
        assert_close(&inputs[2], &[0.5, -0.02]);
        assert_close(&inputs[3], &[0.025, 0.00004]);
    }
}
