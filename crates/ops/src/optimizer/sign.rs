//! `signsgd_update` and `signum_update`: steps in the direction of signs.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::{SignSgd, Signum};

operator! {
    /// Gradient descent by signs: `out = (1 - lr · wd) · weight - lr · sign(grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// `out=weight` updates the weight in place. `rescale_grad` and `clip_gradient` change no sign and are ignored.
    pub struct SignSgdUpdate("signsgd_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Ignored.
            rescale_grad: f32 = 1.0,
            /// Ignored.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// Descent by the sign of the momentum: `mom = momentum · mom - (1 - momentum) · (wd · weight + g)`,
    /// `out = (1 - lr · wd_lh) · weight + lr · sign(mom)` with `g = clip(rescale_grad · grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mom | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    ///
    /// Source: Bernstein et al., signSGD: Compressed Optimisation for Non-Convex Problems (2018).
    pub struct SignumUpdate("signum_update") {
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
            /// Weight decay beside the momentum, as Loshchilov and Hutter propose it.
            wd_lh: f32 = 0.0,
        }
    }
}

update_one!(SignSgdUpdate, 0, false, |op| SignSgd { lr: op.lr as f64, wd: op.wd as f64 });

update_one!(SignumUpdate, 1, false, |op| Signum {
    lr: op.lr as f64,
    wd: op.wd as f64,
    wd_lh: op.wd_lh as f64,
    momentum: op.momentum as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn zero_has_no_sign() {
        let op = SignSgdUpdate { lr: 0.5, wd: 0.1, rescale_grad: 1.0, clip_gradient: -1.0 };
        let out = run(&op, &[t32([3], &[1.0, 1.0, 1.0]), t32([3], &[-7.0, 0.0, 0.1])]).remove(0);
        assert_close(&out, &[0.95 + 0.5, 0.95, 0.95 - 0.5]);
    }

    #[test]
    fn the_momentum_points_downhill() {
        let op = SignumUpdate { lr: 0.5, momentum: 0.5, wd: 0.0, rescale_grad: 1.0, clip_gradient: 1.0, wd_lh: 0.2 };
        let inputs = [t32([2], &[1.0, 1.0]), t32([2], &[4.0, -4.0]), t32([2], &[0.0, -2.0])];
        let out = run(&op, &inputs).remove(0);
        assert_close(&inputs[2], &[-0.5, -0.5]);
        assert_close(&out, &[0.9 - 0.5, 0.9 - 0.5]);
    }
}
