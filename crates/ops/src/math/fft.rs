//! `_contrib_fft` and `_contrib_ifft`: Fourier transforms along the last axis.
//!
//! MXNet runs them on GPUs only; here they follow its documentation and source: complex numbers are pairs of real and
//! imaginary part along the last axis, the inverse is not divided by the length and keeps the real part. Each is the
//! transpose of the other, and so its gradient.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::fft::{complex_to_real, real_to_complex};
use rsym_tensor::{PartialShape, dispatch_float};

operator! {
    /// Takes the discrete Fourier transform of real rows: `out[2k] + i · out[2k + 1] = Σ data[j] · exp(-2πi · jk / d)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, d) | float |
    /// | output | (…, 2 · d): real and imaginary parts in turn | that of data |
    ///
    /// MXNet takes two or four dimensions and computes on GPUs only. The gradient is `_contrib_ifft`.
    pub struct Fft("_contrib_fft") {
        inputs { data: "The rows." }
        params {
            /// Accepted and ignored: how many rows MXNet transforms at a time.
            compute_size: i32 = 128,
        }
    }
}

operator! {
    /// Takes the real part of the inverse Fourier transform, not divided by the length:
    /// `out[j] = Re Σ (data[2k] + i · data[2k + 1]) · exp(2πi · jk / d)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, 2 · d): real and imaginary parts in turn | float |
    /// | output | (…, d) | that of data |
    ///
    /// Divide by `d` to undo `_contrib_fft`. MXNet takes two or four dimensions and computes on GPUs only. The gradient is
    /// `_contrib_fft`.
    pub struct Ifft("_contrib_ifft") {
        inputs { data: "The transforms." }
        params {
            /// Accepted and ignored: how many rows MXNet transforms at a time.
            compute_size: i32 = 128,
        }
    }
}

/// Input and output share all dimensions but the last, between which `out` and `back` lead.
fn infer(io: &mut ShapeIo, out: fn(usize) -> OpResult<usize>, back: fn(usize) -> OpResult<usize>) -> OpResult {
    let turned = |shape: &PartialShape, f: fn(usize) -> OpResult<usize>| -> OpResult<PartialShape> {
        let Some(mut dims) = shape.dims() else { return Ok(PartialShape::unknown()) };
        match dims.last_mut() {
            Some(last) => *last = last.map(f).transpose()?,
            None => return Err(OpError::invalid("data must have one dimension or more, got a scalar")),
        }
        Ok(PartialShape::partial(dims))
    };
    io.set_output(0, turned(&io.inputs[0], out)?)?;
    io.set_input(0, turned(&io.outputs[0], back)?)
}

fn double(n: usize) -> OpResult<usize> {
    Ok(n.saturating_mul(2))
}

fn half(n: usize) -> OpResult<usize> {
    match n % 2 {
        0 => Ok(n / 2),
        _ => Err(OpError::invalid(format!("pairs of real and imaginary parts make an even extent, got {n}"))),
    }
}

impl Operator for Fft {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, double, half)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let (n, dtype) = (data.shape().last().copied().unwrap_or(1), out.dtype());
        dispatch_float!(dtype, T => {
            real_to_complex(n, data.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(Ifft { compute_size: self.compute_size }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for Ifft {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, half, double)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let (n, dtype) = (out.shape().last().copied().unwrap_or(1), out.dtype());
        dispatch_float!(dtype, T => {
            complex_to_real(n, data.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(Fft { compute_size: self.compute_size }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fft, Ifft};
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    #[test]
    fn there_and_back_is_the_length() {
        let x = t32([2, 3], &[1.0, 2.0, 4.0, 0.0, 1.0, 0.0]);
        let out = run(&Fft { compute_size: 128 }, std::slice::from_ref(&x)).remove(0);
        let h = 0.75f64.sqrt();
        assert_close(&out, &[7.0, 0.0, -2.0, 2.0 * h, -2.0, -2.0 * h, 1.0, 0.0, -0.5, -h, -0.5, h]);
        let back = run(&Ifft { compute_size: 128 }, &[out]).remove(0);
        assert_close(&back, &x.to_f64_vec().iter().map(|v| 3.0 * v).collect::<Vec<_>>());
    }

    #[test]
    fn shapes_flow_both_ways() {
        let (fft, ifft) = (Fft { compute_size: 128 }, Ifft { compute_size: 128 });
        assert_eq!(infer(&fft, &[&[2, 3, 4, 5]], &[]).unwrap()[1], [2, 3, 4, 10]);
        assert_eq!(infer(&fft, &[&[]], &[&[2, 6]]).unwrap()[0], [2, 3]);
        assert_eq!(infer(&ifft, &[&[2, 6]], &[]).unwrap()[1], [2, 3]);
        assert!(infer(&ifft, &[&[2, 5]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&Fft { compute_size: 128 }, &[[2, 5].into()], DType::Float64);
        check_gradient(&Ifft { compute_size: 128 }, &[[2, 6].into()], DType::Float64);
    }
}
