//! `MakeLoss`: marks a value as loss.

use rsym_graph::*;
use rsym_tensor::{Element, Tensor, dispatch_float};

enum_param! {
    /// What a loss gradient is divided by.
    pub enum Normalization {
        Batch = "batch",
        Null = "null",
        Valid = "valid",
    }
}

operator! {
    /// Makes its input a loss: passes it on, and gives it the constant gradient `grad_scale` instead of what arrives.
    ///
    /// With `normalization='batch'` the gradient is divided by the product of all dimensions but the last (by 1 for one
    /// dimension), with `'valid'` by the number of elements above `valid_thresh`, at least 1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | that of data |
    pub struct MakeLoss("MakeLoss") {
        inputs { data: "The value to minimise." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
            /// With `normalization='valid'`: elements above this are counted.
            valid_thresh: f32 = 0.0,
            /// What the gradient is divided by.
            normalization: Normalization = Normalization::Null,
        }
    }
}

operator! {
    /// Gradient of `MakeLoss`.
    #[hidden(true)]
    pub struct MakeLossBackward("_backward_MakeLoss") {
        inputs { data: "Input of the forward operator." }
        params {
            /// As in `MakeLoss`.
            grad_scale: f32 = 1.0,
            /// As in `MakeLoss`.
            valid_thresh: f32 = 0.0,
            /// As in `MakeLoss`.
            normalization: Normalization = Normalization::Null,
        }
    }
}

impl Operator for MakeLoss {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        Ok(out.assign(data)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let MakeLoss { grad_scale, valid_thresh, normalization } = *self;
        let data = g.input(0);
        let gradient = g.apply(MakeLossBackward { grad_scale, valid_thresh, normalization }, &[data]);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn is_loss(&self) -> bool {
        true
    }
}

impl Operator for MakeLossBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let last = data.shape().last().copied().unwrap_or(1).max(1);
        let divisor = match self.normalization {
            Normalization::Null => 1,
            Normalization::Batch => data.size() / last,
            Normalization::Valid => count_above(data, self.valid_thresh),
        };
        io.outputs[0].fill(self.grad_scale as f64 / divisor.max(1) as f64);
        Ok(())
    }

    fn reads(&self, _: usize) -> bool {
        self.normalization == Normalization::Valid
    }
}

fn count_above(data: &Tensor, threshold: f32) -> usize {
    let above = |v: f64| v > threshold as f64;
    dispatch_float!(
        data.dtype(),
        T => data.slice::<T>().map_or(0, |d| d.iter().filter(|v| above(v.to_f64())).count()),
        else data.to_f64_vec().into_iter().filter(|&v| above(v)).count()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, run};
    use rsym_tensor::Shape;

    #[test]
    fn gradients_are_those_of_mxnet() {
        let values: Vec<f32> = (0..12).map(|i| i as f32 - 5.0).collect();
        let check = |grad_scale, valid_thresh, normalization, shape: Shape, gradient: f64| {
            let data = Tensor::from_slice(shape, &values).unwrap();
            let op = MakeLoss { grad_scale, valid_thresh, normalization };
            assert_eq!(run(&op, std::slice::from_ref(&data))[0].to_f64_vec(), data.to_f64_vec());
            let found = backward(&op, &[data], &[None]).remove(0).unwrap();
            assert_close(&found, &[gradient; 12]);
        };
        check(3.0, 0.0, Normalization::Null, [12].into(), 3.0);
        check(1.0, 0.0, Normalization::Batch, [2, 3, 2].into(), 1.0 / 6.0);
        check(1.0, 0.0, Normalization::Batch, [12].into(), 1.0);
        check(2.0, 1.0, Normalization::Valid, [2, 3, 2].into(), 0.4);
        check(1.0, 100.0, Normalization::Valid, [2, 3, 2].into(), 1.0);
    }
}
