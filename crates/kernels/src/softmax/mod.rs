//! Softmax and its logarithm along an axis, and the gradient of the softmax loss.

mod columns;
mod exp;
mod loss;
mod single;
#[cfg(test)]
mod tests;

use crate::cores::cores;
use crate::layout::{AxisDims, as_rows, write_rows};
use crate::parallel::for_rows;
use crate::real::{Real, double, real, wide, with_wide_out};
use crate::sums::{max, sum, sum_by2};
use exp::exp;
pub(crate) use loss::loss_core;
pub use loss::{Normalization, SoftmaxLoss, probability_loss_backward, softmax_loss_backward};
use rsym_tensor::Float;
pub(crate) use single::{gradient_single, softmax_single};

/// Which softmax is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax {
    /// The logarithm of the softmax.
    pub log: bool,
    /// The softmax of the negated data (softmin).
    pub negate: bool,
    /// Divisor of the data.
    pub temperature: f64,
}

impl Default for Softmax {
    fn default() -> Self {
        Softmax { log: false, negate: false, temperature: 1.0 }
    }
}

impl Softmax {
    /// What the data is multiplied by.
    fn factor<C: Real>(&self) -> C {
        real(if self.negate { -1.0 } else { 1.0 } / self.temperature)
    }
}

/// The softmax of every line along the axis, of its first `length` elements if lengths are given (`[outer, inner]`);
/// the others give 0.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn softmax<T: Float>(dims: AxisDims, kind: Softmax, x: &[T], length: Option<&[usize]>, out: &mut [T]) {
    assert_eq!((x.len(), out.len()), (dims.size(), dims.size()), "sizes of a softmax");
    let x = wide(x);
    with_wide_out(out, |out| (cores().softmax)(dims, kind, &x, length, out));
}

/// The gradient of [`softmax`], from its output and the gradient of that.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn softmax_backward<T: Float>(
    dims: AxisDims,
    kind: Softmax,
    (out, dout): (&[T], &[T]),
    length: Option<&[usize]>,
    dx: &mut [T],
) {
    assert_eq!((out.len(), dout.len(), dx.len()), (dims.size(), dims.size(), dims.size()), "sizes of a softmax");
    let (out, dout) = (wide(out), wide(dout));
    with_wide_out(dx, |dx| (cores().softmax_gradient)(dims, kind, (&out, &dout), length, dx));
}

pub(crate) fn softmax_core<C: Real>(dims: AxisDims, kind: Softmax, x: &[C], length: Option<&[usize]>, out: &mut [C]) {
    let rows = as_rows(dims, x);
    write_rows(dims, out, |out| {
        for_rows(out, dims.axis, 6 * dims.axis, |r, out| {
            let n = row_length(dims, length, r);
            out[n..].fill(C::zero());
            softmax_row(kind, &rows[r * dims.axis..][..n], &mut out[..n]);
        });
    });
}

pub(crate) fn gradient_core<C: Real>(
    dims: AxisDims,
    kind: Softmax,
    (out, dout): (&[C], &[C]),
    length: Option<&[usize]>,
    dx: &mut [C],
) {
    let (out, dout) = (as_rows(dims, out), as_rows(dims, dout));
    write_rows(dims, dx, |dx| {
        for_rows(dx, dims.axis, 4 * dims.axis, |r, dx| {
            let (n, at) = (row_length(dims, length, r), r * dims.axis);
            dx[n..].fill(C::zero());
            gradient_row(kind, &out[at..at + n], &dout[at..at + n], &mut dx[..n]);
        });
    });
}

fn row_length(dims: AxisDims, length: Option<&[usize]>, row: usize) -> usize {
    length.map_or(dims.axis, |l| l[row].min(dims.axis))
}

fn softmax_row<C: Real>(kind: Softmax, x: &[C], out: &mut [C]) {
    let factor = kind.factor::<C>();
    out.iter_mut().zip(x).for_each(|(o, &v)| *o = v * factor);
    let most = max(out);
    if kind.log {
        out.iter_mut().for_each(|o| *o -= most);
        let total: f64 = out.iter().map(|&o| double(exp(o))).sum();
        let total = real::<C>(total.ln());
        out.iter_mut().for_each(|o| *o -= total);
    } else {
        out.iter_mut().for_each(|o| *o = exp(*o - most));
        let scale = real::<C>(1.0 / sum(out));
        out.iter_mut().for_each(|o| *o *= scale);
    }
}

fn gradient_row<C: Real>(kind: Softmax, out: &[C], dout: &[C], dx: &mut [C]) {
    let factor = kind.factor::<C>();
    let terms = dx.iter_mut().zip(out.iter().zip(dout));
    if kind.log {
        let total = real::<C>(sum(dout));
        terms.for_each(|(d, (&o, &g))| *d = (g - exp(o) * total) * factor);
    } else {
        let along = real::<C>(sum_by2(out, dout, |o, g| o * g));
        terms.for_each(|(d, (&o, &g))| *d = o * (g - along) * factor);
    }
}
