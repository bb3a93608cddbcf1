//! `_image_resize`: pictures in another size.

use super::picture::{not_a_picture, sizes};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::picture::{Interpolation, PictureSize, resample_bytes, resample_floats, resample_nearest};
use rsym_tensor::{DType, Float, PartialShape, dispatch, dispatch_float};

operator! {
    /// Resizes pictures, with the numbers that OpenCV gives for them.
    ///
    /// | interp | pixels are |
    /// |---|---|
    /// | 0 | the nearest one |
    /// | 1, 5 | interpolated between two in each direction |
    /// | 2 | interpolated over four in each direction (cubic) |
    /// | 3 | means of the covered area |
    /// | 4 | interpolated over eight in each direction (Lanczos) |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (h, w, channels) or (n, h, w, channels) | float, uint8; any with `interp=0` |
    /// | output | (height, width, channels) or (n, height, width, channels) | that of data |
    ///
    /// There is no gradient, as in MXNet.
    #[aliases("_npx__image_resize")]
    #[unnamed(true)]
    pub struct ImageResize("_image_resize") {
        inputs { data: "The pictures." }
        params {
            /// Width and height of the output, or one number for both.
            size: Tuple = Tuple::new(),
            /// Whether one number is the size of the shorter side, and the other side keeps its ratio to it.
            keep_ratio: bool = false,
            /// How pixels are interpolated.
            #[range(0..=5)]
            interp: i32 = 1,
        }
    }
}

impl ImageResize {
    fn interpolation(&self) -> Option<Interpolation> {
        match self.interp {
            0 => None,
            2 => Some(Interpolation::Cubic),
            3 => Some(Interpolation::Area),
            4 => Some(Interpolation::Lanczos),
            _ => Some(Interpolation::Linear),
        }
    }

    /// Height and width for pictures of the given ones.
    fn size(&self, height: Option<usize>, width: Option<usize>) -> OpResult<[Option<usize>; 2]> {
        match self.size[..] {
            [short] if short > 0 && self.keep_ratio => Ok(match (height, width) {
                (Some(0), _) | (_, Some(0)) => [Some(0); 2],
                (Some(h), Some(w)) if h > w => [Some(h * short as usize / w), Some(short as usize)],
                (Some(h), Some(w)) => [Some(short as usize), Some(w * short as usize / h)],
                _ => [None; 2],
            }),
            [both] if both > 0 => Ok([Some(both as usize); 2]),
            [width, height] if width > 0 && height > 0 => Ok([Some(height as usize), Some(width as usize)]),
            _ => {
                let got = self.size.text();
                Err(OpError::invalid(format!("size must be (width, height) or one number, all positive; got {got}")))
            }
        }
    }

    fn floats<T: Float>(&self, io: &mut Io, how: Interpolation) -> OpResult {
        each(io, |x, from, to, out| resample_floats::<T>(x, from, to, how, out))
    }
}

/// Calls `f` with every picture, its size, the new size and the place for the result.
fn each<T: rsym_tensor::Element>(io: &mut Io, f: impl Fn(&[T], PictureSize, PictureSize, &mut [T])) -> OpResult {
    let (data, out) = io.pair(0, 0);
    let size = |[_, height, width, channels]: [usize; 4]| PictureSize { height, width, channels };
    let (from, to) = (size(sizes(data.shape())?), size(sizes(out.shape())?));
    let (count, one) = (sizes(data.shape())?[0], from.height * from.width * from.channels);
    let (data, out) = (data.slice::<T>()?, out.slice_mut::<T>()?);
    let step = to.height * to.width * to.channels;
    (0..count).for_each(|i| f(&data[i * one..][..one], from, to, &mut out[i * step..][..step]));
    Ok(())
}

impl Operator for ImageResize {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.size(None, None)?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let at = match dims.len() {
            rank @ (3 | 4) => rank - 3,
            _ => return not_a_picture(&io.inputs[0]),
        };
        [dims[at], dims[at + 1]] = self.size(dims[at], dims[at + 1])?;
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        let Some(how) = self.interpolation() else {
            return dispatch!(dtype, T => each::<T>(io, resample_nearest));
        };
        if dtype == DType::UInt8 {
            return each::<u8>(io, |x, from, to, out| resample_bytes(x, from, to, how, out));
        }
        dispatch_float!(dtype, T => self.floats::<T>(io, how), else unsupported(dtype, "a float type or uint8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, infer, run, t32};
    use rsym_tensor::Tensor;

    fn op(size: &[i64], keep_ratio: bool, interp: i32) -> ImageResize {
        ImageResize { size: size.iter().copied().collect(), keep_ratio, interp }
    }

    #[test]
    fn every_picture_is_resized() {
        let data = t32([2, 1, 2, 1], &[0.0, 8.0, 8.0, 0.0]);
        assert_close(&run(&op(&[4, 1], false, 1), &[data])[0], &[0.0, 2.0, 6.0, 8.0, 8.0, 6.0, 2.0, 0.0]);
        let bytes = Tensor::from_slice([1, 2, 1], &[0u8, 9]).unwrap();
        assert_eq!(run(&op(&[4, 1], false, 1), std::slice::from_ref(&bytes))[0].to_f64_vec(), [0.0, 2.0, 7.0, 9.0]);
        assert_eq!(run(&op(&[3], false, 0), &[bytes.cast(DType::Int32).unwrap()])[0].shape()[..], [3, 3, 1]);
    }

    // MXNet 1.9.1: infer_shape of the same calls.
    #[test]
    fn sizes_of_mxnet() {
        let of = |op: ImageResize, data: &[i64]| infer(&op, &[data], &[]).map(|shapes| shapes[1].clone());
        assert_eq!(of(op(&[4, 3], false, 1), &[5, 6, 3]).unwrap(), [3, 4, 3]);
        assert_eq!(of(op(&[4], true, 1), &[2, 5, 6, 3]).unwrap(), [2, 4, 4, 3]);
        assert_eq!(of(op(&[4], true, 1), &[9, 6, 3]).unwrap(), [6, 4, 3]);
        assert!(of(op(&[], false, 1), &[5, 6, 3]).is_err() && of(op(&[0, 3], false, 1), &[5, 6, 3]).is_err());
    }
}
