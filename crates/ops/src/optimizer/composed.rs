//! Updates that MXNet 1.9.1 has in Python alone: what its optimizers compose of operators on arrays, as one operator each.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::{AdaDelta, AdaGrad, Adamax, Dcasgd, DcasgdPlain, Nadam};

operator! {
    /// `n = n + g²; out = weight - lr · (g / sqrt(n + epsilon) + wd · weight)` with `g = clip(rescale_grad · grad)`.
    #[hidden(true)]
    pub struct AdaGradUpdate("_adagrad_update") {
        inputs { weight: "The weight.", grad: "Its gradient.", n: "The sum of its squares (auxiliary state)." }
        params {
            /// Learning rate.
            lr: f64,
            /// Weight decay.
            wd: f64 = 0.0,
            /// Added to the sum of squares.
            epsilon: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// The rule of `AdaDelta`.
    #[hidden(true)]
    pub struct AdaDeltaUpdate("_adadelta_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            squares: "The mean square of gradients (auxiliary state).",
            steps: "The mean square of steps (auxiliary state).",
        }
        params {
            /// Weight decay.
            wd: f64 = 0.0,
            /// Share of the old mean squares.
            rho: f64,
            /// Added to the mean squares.
            epsilon: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// The rule of `Adamax`; `lr` is corrected already.
    #[hidden(true)]
    pub struct AdamaxUpdate("_adamax_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            largest: "The largest gradient (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f64,
            /// Weight decay.
            wd: f64 = 0.0,
            /// Share of the old mean.
            beta1: f64,
            /// Factor of the old largest gradient.
            beta2: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the gradient's elements with the decay; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// The rule of `Nadam`.
    #[hidden(true)]
    pub struct NadamUpdate("_nadam_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mean: "The running mean of the gradient (auxiliary state).",
            var: "The running mean of its square (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f64,
            /// Weight decay.
            wd: f64 = 0.0,
            /// Share of the old mean.
            beta1: f64,
            /// Share of the old mean square.
            beta2: f64,
            /// The part of the mean in the step.
            mean_part: f64,
            /// The part of the gradient in the step.
            grad_part: f64,
            /// What the mean square is divided by.
            correction: f64,
            /// Added to the root.
            epsilon: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the gradient's elements with the decay; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// The rule of `DCASGD` with momentum.
    #[hidden(true)]
    pub struct DcasgdMomUpdate("_dcasgd_mom_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mom: "The momentum (auxiliary state).",
            previous: "The weight before the last update (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f64,
            /// Weight decay.
            wd: f64 = 0.0,
            /// Share of the old momentum.
            momentum: f64,
            /// Factor of the compensation.
            lamda: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

operator! {
    /// The rule of `DCASGD` without momentum.
    #[hidden(true)]
    pub struct DcasgdUpdate("_dcasgd_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            previous: "The weight before the last update (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f64,
            /// Weight decay.
            wd: f64 = 0.0,
            /// Factor of the compensation.
            lamda: f64,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
        }
    }
}

update_one!(AdaGradUpdate, 1, false, |op| AdaGrad {
    lr: op.lr,
    wd: op.wd,
    epsilon: op.epsilon,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(AdaDeltaUpdate, 2, false, |op| AdaDelta {
    wd: op.wd,
    rho: op.rho,
    epsilon: op.epsilon,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(AdamaxUpdate, 2, false, |op| Adamax {
    lr: op.lr,
    wd: op.wd,
    beta1: op.beta1,
    beta2: op.beta2,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(NadamUpdate, 2, false, |op| Nadam {
    lr: op.lr,
    wd: op.wd,
    beta1: op.beta1,
    beta2: op.beta2,
    mean: op.mean_part,
    gradient: op.grad_part,
    correction: op.correction,
    epsilon: op.epsilon,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(DcasgdMomUpdate, 2, false, |op| Dcasgd {
    lr: op.lr,
    wd: op.wd,
    momentum: op.momentum,
    lamda: op.lamda,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(DcasgdUpdate, 1, false, |op| DcasgdPlain {
    lr: op.lr,
    wd: op.wd,
    lamda: op.lamda,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});
