//! Division by the 2-norm.

use crate::layout::{AxisDims, as_rows, write_rows};
use crate::parallel::for_rows;
use crate::real::{double, real, wide, with_wide_out};
use crate::sums::{sum_by, sum_by2};
use rsym_tensor::Float;

/// Every line along the axis divided by `norm` = `sqrt(sum of squares + eps)`, `[outer, inner]`.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn l2_normalize<T: Float>(dims: AxisDims, x: &[T], eps: f64, out: &mut [T], norm: &mut [T]) {
    assert_eq!((x.len(), out.len(), norm.len()), (dims.size(), dims.size(), dims.lines()), "sizes of a normalisation");
    let (x, len) = (wide(x), dims.axis);
    let rows = as_rows(dims, &x);
    for_rows(norm, 1, 2 * len, |r, norm| {
        norm[0] = T::from_f64((sum_by(&rows[r * len..][..len], |v| v * v) + eps).sqrt());
    });
    let norm = wide(norm);
    with_wide_out(out, |out| {
        write_rows(dims, out, |out| {
            for_rows(out, len, 2 * len, |r, out| {
                out.iter_mut().zip(&rows[r * len..]).for_each(|(o, &x)| *o = x / norm[r]);
            });
        });
    });
}

/// The gradient of [`l2_normalize`], from its outputs.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn l2_normalize_backward<T: Float>(dims: AxisDims, (out, norm): (&[T], &[T]), dout: &[T], dx: &mut [T]) {
    assert_eq!((out.len(), dout.len(), dx.len()), (dims.size(), dims.size(), dims.size()), "sizes of a gradient");
    let (out, norm, dout, len) = (wide(out), wide(norm), wide(dout), dims.axis);
    let (out, dout) = (as_rows(dims, &out), as_rows(dims, &dout));
    with_wide_out(dx, |dx| {
        write_rows(dims, dx, |dx| {
            for_rows(dx, len, 4 * len, |r, dx| {
                let (out, dout) = (&out[r * len..][..len], &dout[r * len..][..len]);
                let along = real(sum_by2(out, dout, |a, b| a * b));
                let inv = real::<T::Compute>(1.0 / double(norm[r]));
                dx.iter_mut().zip(out.iter().zip(dout)).for_each(|(d, (&o, &g))| *d = (g - o * along) * inv);
            });
        });
    });
}
