//! `ftrl_update`: follow the regularised leader.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::Ftrl;

operator! {
    /// Follows the regularised leader, which makes sparse weights. With `g = clip(rescale_grad · grad)`:
    ///
    /// ```text
    /// z = z + g - (sqrt(n + g²) - sqrt(n)) · weight / lr
    /// n = n + g²
    /// out = (sign(z) · lamda1 - z) / ((beta + sqrt(n)) / lr + wd) if |z| > lamda1 else 0
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, z, n | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    ///
    /// Source: McMahan et al., Ad Click Prediction: a View from the Trenches (2013).
    #[aliases("_sparse_ftrl_update")]
    pub struct FtrlUpdate("ftrl_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            z: "The gradients' adjusted sum (auxiliary state).",
            n: "The sum of their squares (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Factor of the absolute penalty.
            lamda1: f32 = 0.01,
            /// Added to the root of the sum of squares.
            beta: f32 = 1.0,
            /// Factor of the square penalty.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

update_one!(FtrlUpdate, 2, false, |op| Ftrl {
    lr: op.lr as f64,
    wd: op.wd as f64,
    lamda1: op.lamda1 as f64,
    beta: op.beta as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn small_sums_give_zero() {
        let op = FtrlUpdate { lr: 0.5, lamda1: 1.0, beta: 1.0, wd: 0.0, rescale_grad: 1.0, clip_gradient: -1.0 };
        let inputs = [t32([2], &[0.0; 2]), t32([2], &[3.0, -0.5]), t32([2], &[0.0; 2]), t32([2], &[16.0, 0.0])];
        assert_close(&run(&op, &inputs)[0], &[(1.0 - 3.0) / ((1.0 + 5.0) / 0.5), 0.0]);
        assert_eq!((inputs[2].to_f64_vec(), inputs[3].to_f64_vec()), (vec![3.0, -0.5], vec![25.0, 0.25]));
    }
}
