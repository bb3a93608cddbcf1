//! `multi_lars`: layerwise learning rates.

use rsym_graph::*;
use rsym_tensor::DType;

operator! {
    /// Learning rates in proportion to the norms of weights and gradients:
    ///
    /// ```text
    /// w = sqrt(weights_sum_sq), g = rescale_grad · sqrt(grads_sum_sq)
    /// out = lrs · eta · w / (g + wds · w + eps) if w > 0 and g > 0 else lrs
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | (weights,) | float32 |
    /// | output | (weights,) | float32 |
    ///
    /// Source: You, Gitman and Ginsburg, Large Batch Training of Convolutional Networks (2017).
    pub struct MultiLars("multi_lars") {
        inputs {
            lrs: "Learning rate of every weight.",
            weights_sum_sq: "Sum of the squares of every weight.",
            grads_sum_sq: "Sum of the squares of every gradient.",
            wds: "Weight decay of every weight.",
        }
        params {
            /// Factor of all rates.
            eta: f32,
            /// Added below against division by zero.
            eps: f32,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
        }
    }
}

impl Operator for MultiLars {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        (0..4).try_for_each(|i| io.set_input(i, DType::Float32))?;
        io.set_output(0, DType::Float32)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [lrs, weights, grads, wds] = io.inputs else { return Err(OpError::invalid("takes four inputs")) };
        let (lrs, weights, grads, wds) = (lrs.slice::<f32>()?, weights.slice::<f32>()?, grads.slice::<f32>()?, wds.slice::<f32>()?);
        for (i, out) in io.outputs[0].slice_mut::<f32>()?.iter_mut().enumerate() {
            let (w, g) = (weights[i].sqrt(), grads[i].sqrt());
            let below = g * self.rescale_grad + wds[i] * w + self.eps;
            *out = if w > 0.0 && grads[i] > 0.0 { lrs[i] * self.eta * w / below } else { lrs[i] };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};

    #[test]
    fn rates_follow_the_norms_where_there_are_any() {
        let op = MultiLars { eta: 0.5, eps: 1.0, rescale_grad: 2.0 };
        let row = |v: [f32; 3]| t32([3], &v);
        let inputs = [row([0.1, 0.2, 0.3]), row([4.0, 0.0, 4.0]), row([9.0, 9.0, 0.0]), row([0.5, 0.5, 0.5])];
        assert_close(&run(&op, &inputs)[0], &[0.1 * 0.5 * 2.0 / (6.0 + 1.0 + 1.0), 0.2, 0.3]);
    }
}
