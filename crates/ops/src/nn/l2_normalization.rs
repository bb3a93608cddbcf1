//! `L2Normalization`: division by the 2-norm.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::norm::{AxisDims, l2_normalize, l2_normalize_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

enum_param! {
    /// What has norm 1 afterwards.
    pub enum L2Mode {
        Channel = "channel",
        Instance = "instance",
        Spatial = "spatial",
    }
}

operator! {
    /// Divides by the 2-norm: `out = data / sqrt(Σ data² + eps)`.
    ///
    /// | mode | the sum goes over |
    /// |---|---|
    /// | instance | everything behind the batch |
    /// | channel | axis 1 |
    /// | spatial | everything behind axis 1 |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, …); at least 3 dimensions for channel and spatial | float |
    /// | output | that of data | that of data |
    pub struct L2Normalization("L2Normalization") {
        inputs { data: "The input." }
        params {
            /// Added to the sum of squares against division by zero.
            eps: f32 = 1e-10,
            /// What has norm 1 afterwards.
            mode: L2Mode = L2Mode::Instance,
        }
    }
}

operator! {
    /// Gradient of `L2Normalization`.
    #[hidden(true)]
    pub struct L2NormalizationBackward("_backward_L2Normalization") {
        inputs { ograd: "Gradient of the output.", output: "The output.", norm: "The norms." }
        params {
            /// As in `L2Normalization`.
            mode: L2Mode,
        }
    }
}

/// Data as lines of which each has one norm.
fn lines(mode: L2Mode, shape: &Shape) -> AxisDims {
    match mode {
        L2Mode::Channel => AxisDims::new(shape, 1),
        L2Mode::Instance => AxisDims { outer: shape[0], axis: shape.product(1..), inner: 1 },
        L2Mode::Spatial => AxisDims { outer: shape.product(..2), axis: shape.product(2..), inner: 1 },
    }
}

impl Operator for L2Normalization {
    fn output_names(&self) -> Names {
        names!["output", "norm"]
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let least = if self.mode == L2Mode::Instance { 1 } else { 3 };
        if dims.len() < least {
            let text = format!("mode='{}' needs data of at least {least} dimensions, got {}", self.mode.text(), dims.len());
            return Err(OpError::invalid(text));
        }
        match self.mode {
            L2Mode::Channel => dims[1] = Some(1),
            L2Mode::Instance => dims.truncate(1),
            L2Mode::Spatial => dims.truncate(2),
        }
        io.set_output(1, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(0), g.output(1)];
        let gradient = g.apply(L2NormalizationBackward { mode: self.mode }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl L2Normalization {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let dims = lines(self.mode, io.inputs[0].shape());
        let [out, norm] = &mut io.outputs else { return Err(OpError::invalid("two outputs are needed")) };
        l2_normalize(dims, io.inputs[0].slice::<T>()?, self.eps as f64, out.slice_mut()?, norm.slice_mut()?);
        Ok(())
    }
}

impl Operator for L2NormalizationBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(dims: AxisDims, io: &mut Io) -> OpResult {
            let [ograd, output, norm] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
            l2_normalize_backward(dims, (output?, norm?), ograd?, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let (dims, dtype) = (lines(self.mode, io.inputs[1].shape()), io.outputs[0].dtype());
        dispatch_float!(dtype, T => run::<T>(dims, io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    const ALL: [L2Mode; 3] = [L2Mode::Channel, L2Mode::Instance, L2Mode::Spatial];

    #[test]
    fn values_are_those_of_the_formula() {
        let data = t32([1, 2, 2], &[3.0, 0.0, 4.0, 5.0]);
        let of = |mode| run(&L2Normalization { eps: 0.0, mode }, std::slice::from_ref(&data)).remove(0);
        assert_close(&of(L2Mode::Channel), &[0.6, 0.0, 0.8, 1.0]);
        assert_close(&of(L2Mode::Instance), &[3.0, 0.0, 4.0, 5.0].map(|v| v / 50f64.sqrt()));
        assert_close(&of(L2Mode::Spatial), &[1.0, 0.0, 4.0 / 41f64.sqrt(), 5.0 / 41f64.sqrt()]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for mode in ALL {
            check_gradient(&L2Normalization { eps: 1e-2, mode }, &[[2, 3, 4].into()], DType::Float64);
        }
    }

    #[test]
    fn channel_and_spatial_need_three_dimensions() {
        let refused = ALL.map(|mode| infer(&L2Normalization { eps: 0.0, mode }, &[&[2, 3]], &[]).is_err());
        assert_eq!(refused, [true, false, true]);
    }
}
