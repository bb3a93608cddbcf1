//! `_image_normalize`: channels brought to mean 0 and deviation 1.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::picture::normalize;
use rsym_tensor::{Shape, dispatch_num};

operator! {
    /// Normalises every channel: `out[…, c, i, j] = (data[…, c, i, j] - mean[c]) / std[c]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (channels, h, w) or (n, channels, h, w), 1 or 3 channels | any but bool |
    /// | output | that of data | that of data |
    ///
    /// Integers are truncated. The defaults have four numbers, as in MXNet, which fit no picture: give both parameters.
    #[aliases("_npx__image_normalize")]
    pub struct Normalize("_image_normalize") {
        inputs { data: "The pictures, channels first." }
        params {
            /// Means of the channels, or one for all.
            mean: Tuple<f32> = Tuple::from_slice(&[0.0; 4]),
            /// Deviations of the channels, or one for all.
            std: Tuple<f32> = Tuple::from_slice(&[1.0; 4]),
        }
    }
}

impl Normalize {
    fn check(&self, channels: usize) -> OpResult {
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != 1 && values.len() != channels {
                return Err(OpError::invalid(format!(
                    "{name} must have one number or one for each of {channels} channels, got {}",
                    values.text()
                )));
            }
        }
        Ok(())
    }

    fn channels(&self, count: usize) -> Vec<(f32, f32)> {
        (0..count).map(|c| (self.mean[c % self.mean.len()], self.std[c % self.std.len()])).collect()
    }
}

/// Number of channels, and pixels of one.
fn planes(shape: &Shape) -> (usize, usize) {
    let at = shape.len() - 3;
    (shape[at], shape.product(at + 1..))
}

impl Operator for Normalize {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let channels = match dims[..] {
            [channels, _, _] | [_, channels, _, _] => channels,
            _ => Some(0),
        };
        match channels {
            Some(channels @ (1 | 3)) => self.check(channels),
            None => Ok(()),
            Some(_) => Err(OpError::invalid(format!(
                "expected (channels, height, width) or (n, channels, height, width) with 1 or 3 channels, got shape {}",
                io.inputs[0]
            ))),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (channels, pixels) = planes(io.inputs[0].shape());
        let (data, out) = io.pair(0, 0);
        let (dtype, channels) = (out.dtype(), self.channels(channels));
        dispatch_num!(dtype, T => {
            normalize(data.slice::<T>()?, pixels, &channels, out.slice_mut()?);
            Ok(())
        }, else unsupported(dtype, "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let op = Normalize { mean: Tuple::from_slice(&[0.0]), std: self.std.clone() };
        let gradient = g.apply(op, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::{DType, Tensor};

    fn op(mean: &[f32], std: &[f32]) -> Normalize {
        Normalize { mean: Tuple::from_slice(mean), std: Tuple::from_slice(std) }
    }

    // MXNet 1.9.1: the same calls.
    #[test]
    fn channels_of_mxnet() {
        let data = t32([3, 1, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_close(&run(&op(&[0.0, 1.0, 2.0], &[2.0]), &[data])[0], &[0.5, 1.0, 1.0, 1.5, 1.5, 2.0]);
        let whole = Tensor::from_slice([1, 1, 3], &[100u8, 200, 3]).unwrap();
        assert_eq!(run(&op(&[50.5], &[2.0]), &[whole])[0].to_f64_vec(), [24.0, 74.0, 233.0]);
        check_gradient(&op(&[0.5], &[2.0, 3.0, 4.0]), &[[2, 3, 2, 2].into()], DType::Float64);
    }

    #[test]
    fn parameters_must_fit_the_channels() {
        assert!(infer(&op(&[0.0; 4], &[1.0; 4]), &[&[3, 2, 2]], &[]).is_err());
        assert!(infer(&op(&[0.0], &[1.0]), &[&[4, 2, 2]], &[]).is_err());
        assert!(infer(&op(&[0.0], &[1.0, 2.0, 3.0]), &[&[0, 3, 2, 2]], &[]).is_ok());
    }
}
