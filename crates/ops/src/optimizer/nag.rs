//! `nag_mom_update` and its form with a master copy: the accelerated gradient of Nesterov.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::Nesterov;

operator! {
    /// Gradient descent with Nesterov's momentum. With `g = clip(rescale_grad · grad)`:
    ///
    /// ```text
    /// m = momentum · mom
    /// out = weight - m + (momentum + 1) · (m - lr · (g + wd · weight))
    /// mom = m - lr · (g + wd · out)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mom | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well. MXNet decays the momentum by the old weight where the output is another array.
    pub struct NagMomUpdate("nag_mom_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mom: "The momentum (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// Gradient descent with Nesterov's momentum, as `nag_mom_update`, with a master copy of the weight.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type |
    /// | mom, weight32 | that of weight | float32 |
    /// | output | that of weight | that of weight |
    ///
    /// The computation is in single precision on `weight32`, which is updated; the output takes its rounded values.
    pub struct MpNagMomUpdate("mp_nag_mom_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mom: "The momentum (auxiliary state).",
            weight32: "The weight in single precision (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

update_one!(NagMomUpdate, 1, false, |op| Nesterov {
    lr: op.lr as f64,
    wd: op.wd as f64,
    momentum: op.momentum as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(MpNagMomUpdate, 1, true, |op| Nesterov {
    lr: op.lr as f64,
    wd: op.wd as f64,
    momentum: op.momentum as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn a_step_ahead() {
        let op = NagMomUpdate { lr: 0.5, momentum: 0.8, wd: 0.0, rescale_grad: 2.0, clip_gradient: -1.0 };
        let inputs = [t32([1], &[3.0]), t32([1], &[0.25]), t32([1], &[1.0])];
        let out = run(&op, &inputs).remove(0);
        assert_close(&inputs[2], &[0.55]);
        assert_close(&out, &[3.0 + 0.8 * 0.55 - 0.25]);
    }
}
