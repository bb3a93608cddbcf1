//! `rmsprop_update` and `rmspropalex_update`: steps divided by the root of a running mean square.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::{RmsProp, RmsPropAlex};

operator! {
    /// Descent with steps of equal size. With `g = clip(rescale_grad · grad + wd · weight)`:
    ///
    /// ```text
    /// n = gamma1 · n + (1 - gamma1) · g²
    /// out = clip(weight - lr · g / sqrt(n + epsilon), clip_weights)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, n | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    ///
    /// Source: Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning (2012).
    pub struct RmsPropUpdate("rmsprop_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            n: "The running mean of the squared gradient (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old mean square in the new one.
            gamma1: f32 = 0.95,
            /// Added under the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Bound of the weight's elements; none if negative.
            clip_weights: f32 = -1.0,
        }
    }
}

operator! {
    /// RMSProp with the variance of the gradient in place of its mean square, and momentum. With
    /// `h = clip(rescale_grad · grad + wd · weight)`:
    ///
    /// ```text
    /// n = gamma1 · n + (1 - gamma1) · h²
    /// g = gamma1 · g + (1 - gamma1) · h
    /// delta = gamma2 · delta - lr · h / sqrt(n - g² + epsilon)
    /// out = clip(weight + delta, clip_weights)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, n, g, delta | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    ///
    /// Source: Graves, Generating Sequences With Recurrent Neural Networks (2013), equations 38 to 45.
    pub struct RmsPropAlexUpdate("rmspropalex_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            n: "The running mean of the squared gradient (auxiliary state).",
            g: "The running mean of the gradient (auxiliary state).",
            delta: "The last step (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old means in the new ones.
            gamma1: f32 = 0.95,
            /// Share of the old step in the new one.
            gamma2: f32 = 0.9,
            /// Added under the root against division by zero.
            epsilon: f32 = 1e-8,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Bound of the weight's elements; none if negative.
            clip_weights: f32 = -1.0,
        }
    }
}

update_one!(RmsPropUpdate, 1, false, |op| RmsProp {
    lr: op.lr as f64,
    wd: op.wd as f64,
    gamma1: op.gamma1 as f64,
    epsilon: op.epsilon as f64,
    clip_weights: op.clip_weights as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(RmsPropAlexUpdate, 3, false, |op| RmsPropAlex {
    lr: op.lr as f64,
    wd: op.wd as f64,
    gamma1: op.gamma1 as f64,
    gamma2: op.gamma2 as f64,
    epsilon: op.epsilon as f64,
    clip_weights: op.clip_weights as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn the_first_steps_have_one_size_and_weights_their_bound() {
        let texts = [("lr", "0.01"), ("gamma1", "0.75"), ("clip_weights", "1")];
        let op = RmsPropUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap();
        let inputs = [t32([2], &[0.5, 1.0]), t32([2], &[5.0, -0.2]), t32([2], &[0.0; 2])];
        assert_close(&run(&op, &inputs)[0], &[0.48, 1.0]);
        assert_close(&inputs[2], &[6.25, 0.01]);
    }

    #[test]
    fn all_three_states_are_written() {
        let texts = [("lr", "0.1"), ("gamma1", "0.5"), ("gamma2", "0.5"), ("epsilon", "0")];
        let op = RmsPropAlexUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap();
        let inputs = [t32([1], &[1.0]), t32([1], &[4.0]), t32([1], &[0.0]), t32([1], &[0.0]), t32([1], &[2.0])];
        assert_close(&run(&op, &inputs)[0], &[1.0 + 1.0 - 0.4 / 2.0]);
        assert_eq!([2, 3].map(|i| inputs[i].to_f64_vec()[0]), [8.0, 2.0]);
        assert_close(&inputs[4], &[0.8]);
    }
}
