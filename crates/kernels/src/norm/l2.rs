//! Division by the 2-norm.

use crate::cores::cores;
use crate::layout::{AxisDims, as_rows, write_rows};
use crate::parallel::for_rows;
use crate::real::{Real, real, wide, with_wide_out};
use crate::sums::{sum_by, sum_by2};
use rsym_tensor::Float;

/// Every line along the axis divided by `norm` = `sqrt(sum of squares + eps)`, `[outer, inner]`.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn l2_normalize<T: Float>(dims: AxisDims, x: &[T], eps: f64, out: &mut [T], norm: &mut [T]) {
    assert_eq!((x.len(), out.len(), norm.len()), (dims.size(), dims.size(), dims.lines()), "sizes of a normalisation");
    let x = wide(x);
    with_wide_out(norm, |norm| with_wide_out(out, |out| (cores().l2)(dims, &x, eps, out, norm)));
}

/// The gradient of [`l2_normalize`], from its outputs.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn l2_normalize_backward<T: Float>(dims: AxisDims, (out, norm): (&[T], &[T]), dout: &[T], dx: &mut [T]) {
    assert_eq!((out.len(), dout.len(), dx.len()), (dims.size(), dims.size(), dims.size()), "sizes of a gradient");
    let (out, norm, dout) = (wide(out), wide(norm), wide(dout));
    with_wide_out(dx, |dx| (cores().l2_gradient)(dims, (&out, &norm), &dout, dx));
}

pub(crate) fn l2_core<C: Real>(dims: AxisDims, x: &[C], eps: f64, out: &mut [C], norm: &mut [C]) {
    let (rows, len) = (as_rows(dims, x), dims.axis);
    for_rows(norm, 1, 2 * len, |r, norm| {
        norm[0] = real((sum_by(&rows[r * len..][..len], |v| v * v) + eps).sqrt());
    });
    write_rows(dims, out, |out| {
        for_rows(out, len, 2 * len, |r, out| {
            out.iter_mut().zip(&rows[r * len..]).for_each(|(o, &x)| *o = x / norm[r]);
        });
    });
}

pub(crate) fn l2_gradient_core<C: Real>(dims: AxisDims, (out, norm): (&[C], &[C]), dout: &[C], dx: &mut [C]) {
    let (out, dout, len) = (as_rows(dims, out), as_rows(dims, dout), dims.axis);
    write_rows(dims, dx, |dx| {
        for_rows(dx, len, 4 * len, |r, dx| {
            let (out, dout) = (&out[r * len..][..len], &dout[r * len..][..len]);
            let along = real::<C>(sum_by2(out, dout, |a, b| a * b));
            let inv = norm[r].recip();
            dx.iter_mut().zip(out.iter().zip(dout)).for_each(|(d, (&o, &g))| *d = (g - o * along) * inv);
        });
    });
}
