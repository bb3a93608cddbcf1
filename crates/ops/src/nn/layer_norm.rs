//! `LayerNorm`: normalisation of every line along an axis.

use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::norm::{AxisDims, layer_norm, layer_norm_backward};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Normalises along an axis: `out = gamma · (data - mean) / sqrt(var + eps) + beta`.
    ///
    /// Mean and variance (with the number of elements as divisor) are those of each line along `axis`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | gamma, beta | (extent of the axis,) | that of data |
    /// | output | that of data | that of data |
    /// | mean, std (shown with `output_mean_var`) | that of data with extent 1 on the axis | that of data |
    ///
    /// The output std is sqrt(var + eps). The gradients of mean and std are ignored. Source: Ba et al. (2016).
    #[aliases("_npx_layer_norm")]
    pub struct LayerNorm("LayerNorm") {
        inputs { data: "The input.", gamma: "The scale of every position.", beta: "The shift of every position." }
        params {
            /// The axis; counted from the end if negative.
            axis: i32 = -1,
            /// Added to the variance against division by zero.
            eps: f32 = 1e-5,
            /// Show the statistics as outputs.
            output_mean_var: bool = false,
        }
    }
}

operator! {
    /// Gradients of `LayerNorm` for data, gamma and beta.
    #[hidden(true)]
    pub struct LayerNormBackward("_backward_LayerNorm") {
        inputs {
            ograd: "Gradient of the output.",
            data: "The input.",
            gamma: "The scale.",
            mean: "The means.",
            std: "The standard deviations.",
        }
        params {
            /// As in `LayerNorm`.
            axis: i32,
        }
    }
}

impl Operator for LayerNorm {
    fn output_names(&self) -> Names {
        names!["output", "mean", "std"]
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn num_visible(&self) -> usize {
        if self.output_mean_var { 3 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let axis = axis_of(self.axis as i64, dims.len())?;
        let line = PartialShape::partial([dims[axis]]);
        io.set_input(1, line.clone())?;
        io.set_input(2, line)?;
        dims[axis] = Some(1);
        (1..3).try_for_each(|o| io.set_output(o, PartialShape::partial(dims.iter().copied())))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0), g.input(1), g.output(1), g.output(2)];
        for (i, gradient) in g.apply_multi(LayerNormBackward { axis: self.axis }, &inputs).into_iter().enumerate() {
            g.set(i, gradient);
        }
        Ok(())
    }
}

impl LayerNorm {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let dims = AxisDims::new(io.inputs[0].shape(), axis_of(self.axis as i64, io.inputs[0].shape().len())?);
        let [x, gamma, beta] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
        let [out, mean, std] = &mut io.outputs else { return Err(OpError::invalid("three outputs are needed")) };
        let stats = (mean.slice_mut()?, std.slice_mut()?);
        layer_norm(dims, x?, (gamma?, beta?), self.eps as f64, out.slice_mut()?, stats);
        Ok(())
    }
}

impl Operator for LayerNormBackward {
    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])?;
        io.unify([Port::Input(2), Port::Output(1), Port::Output(2)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl LayerNormBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let dims = AxisDims::new(io.inputs[1].shape(), axis_of(self.axis as i64, io.inputs[1].shape().len())?);
        let [ograd, x, gamma, mean, std] = [0, 1, 2, 3, 4].map(|i| io.inputs[i].slice::<T>());
        let [dx, dgamma, dbeta] = &mut io.outputs else { return Err(OpError::invalid("three outputs are needed")) };
        let params = (dgamma.slice_mut()?, dbeta.slice_mut()?);
        layer_norm_backward(dims, (x?, ograd?), gamma?, (mean?, std?), dx.slice_mut()?, params);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op(axis: i32) -> LayerNorm {
        LayerNorm { axis, eps: 1e-5, output_mean_var: false }
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let inputs = [t32([1, 3], &[-1.0, -0.9, -0.8]), t32([3], &[1.0, 2.0, 3.0]), t32([3], &[0.0, 0.1, 0.2])];
        let out = run(&op(-1), &inputs);
        assert_close(&out[0], &[-1.22383, 0.1, 3.87148]);
        assert_close(&out[2], &[0.08171]);
    }

    #[test]
    fn gradients_agree_with_differences_on_every_axis() {
        for (axis, n) in [(-1, 4), (1, 3), (0, 2)] {
            check_gradient(&op(axis), &[[2, 3, 4].into(), [n].into(), [n].into()], DType::Float64);
        }
    }

    #[test]
    fn shapes_follow_from_the_data() {
        let got = infer(&op(1), &[&[0, 3, 4], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![3], vec![3], vec![0, 3, 4], vec![0, 1, 4], vec![0, 1, 4]]);
        assert!(infer(&op(3), &[&[2, 3, 4], &[], &[]], &[]).is_err());
    }
}
