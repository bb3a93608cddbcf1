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
    use crate::optimizer::sgd::SgdUpdate;
    use crate::support::tests::{assert_close, run, t32};
    use std::sync::Arc;

    fn rate(lr: &str) -> ParamTexts {
        ParamTexts(vec![("lr".into(), lr.into())])
    }

    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let op = AdamUpdate::from_texts(&rate("0.01")).unwrap();
        let inputs = [t32([2], &[1.0, 1.0]), t32([2], &[5.0, -0.2]), t32([2], &[0.0; 2]), t32([2], &[0.0; 2])];
        let out = run(&op, &inputs).remove(0);
        let step = 0.01 * 0.1 / 0.001f64.sqrt();
        assert_close(&out, &[1.0 - step, 1.0 + step]);
        assert_close(&inputs[2], &[0.5, -0.02]);
        assert_close(&inputs[3], &[0.025, 0.00004]);
    }
    #[test]
    fn several_updates_in_one_give_the_same_bits() {
        let op = |lr: &str| -> OpRef { Arc::new(AdamUpdate::from_texts(&rate(lr)).unwrap()) };
        let arrays = |n: usize| -> Vec<_> {
            (0..4).map(|k| t32([n], &(0..n).map(|i| ((i + k) % 7) as f32 / 7.0).collect::<Vec<_>>())).collect()
        };
        let (ops, sizes) = ([op("0.1"), op("0.2"), op("0.3")], [5, 1, 5000]);
        let apart: Vec<_> = ops.iter().zip(sizes).map(|(op, n)| run(&**op, &arrays(n)).remove(0)).collect();
        let joined = ops[0].together(&ops).unwrap();
        let inputs: Vec<_> = sizes.into_iter().flat_map(arrays).collect();
        assert_eq!(joined.num_inputs(), 12);
        for (one, other) in run(&*joined, &inputs).iter().zip(&apart) {
            assert_eq!(one.slice::<f32>().unwrap(), other.slice::<f32>().unwrap());
        }
        let sgd: OpRef = Arc::new(SgdUpdate::from_texts(&rate("1")).unwrap());
        assert!(ops[0].together(&[ops[0].clone(), sgd]).is_none());
    }
}
