//! Softmax over an axis that is not the innermost one: 16 neighbouring columns at a time.

use super::Softmax;
use crate::layout::AxisDims;
use crate::lines::{FOLD, LANES, load, store};
use crate::parallel::{Shared, for_tasks};
use crate::simd::functions::exp_negative;
use crate::simd::{tier, tiered};

/// Columns of a task.
const COLUMNS: usize = 4 * LANES;

/// The softmax of every column.
pub(super) fn softmax(dims: AxisDims, kind: Softmax, x: &[f32], out: &mut [f32]) {
    assert_eq!((x.len(), out.len()), (dims.size(), dims.size()), "sizes of a softmax");
    let (tier, out) = (tier(), Shared::new(out));
    each_vector(dims, 16, |at, n| {
        // SAFETY: the columns lie inside of both arrays, and no other task writes them.
        unsafe {
            let to = out.at(at, (dims.axis - 1) * dims.inner + n);
            column(tier, kind.log, kind.factor(), x[at..].as_ptr(), to, (dims.axis, dims.inner), n);
        }
    });
}

/// The gradient, from the output and the gradient of that.
pub(super) fn gradient(dims: AxisDims, kind: Softmax, (out, dout): (&[f32], &[f32]), dx: &mut [f32]) {
    let size = dims.size();
    assert_eq!((out.len(), dout.len(), dx.len()), (size, size, size), "sizes of a softmax");
    let (tier, dx) = (tier(), Shared::new(dx));
    each_vector(dims, 8, |at, n| {
        // SAFETY: as above.
        unsafe {
            let to = dx.at(at, (dims.axis - 1) * dims.inner + n);
            let from = (out[at..].as_ptr(), dout[at..].as_ptr());
            slope(tier, kind.log, kind.factor(), from, to, (dims.axis, dims.inner), n);
        }
    });
}

/// Calls `f(offset of the first number, columns)` for every vector of columns; `cost` is that of one number.
fn each_vector(dims: AxisDims, cost: usize, f: impl Fn(usize, usize) + Sync) {
    if dims.size() == 0 {
        return;
    }
    let parts = dims.inner.div_ceil(COLUMNS);
    for_tasks(dims.outer * parts, cost * dims.axis * COLUMNS.min(dims.inner) / 4, |task| {
        let (outer, first) = (task / parts, task % parts * COLUMNS);
        for column in (first..dims.inner.min(first + COLUMNS)).step_by(LANES) {
            f(outer * dims.axis * dims.inner + column, LANES.min(dims.inner - column));
        }
    });
}

/// The sums over a column of the vectors that `$body` gives for row `$i`: single precision for a bounded number of rows,
/// then double precision.
macro_rules! column_sums {
    ($v:ident, $axis:expr, |$i:ident| $body:expr) => {{
        let mut totals = [0f64; LANES];
        for start in (0..$axis).step_by(FOLD) {
            let mut sum = $v::zero();
            for $i in start..$axis.min(start + FOLD) {
                sum = sum.add($body);
            }
            totals.iter_mut().zip(sum.to_array()).for_each(|(total, part)| *total += part as f64);
        }
        totals
    }};
}

/// The numbers as a vector of single precision.
macro_rules! vector {
    ($v:ident, $values:expr) => {
        $v::load($values.map(|x: f64| x as f32).as_ptr())
    };
}

tiered! {
    /// # Safety
    /// `axis` vectors of `n` numbers, `stride` apart, must be good for reads at `x` and for writes at `out`.
    unsafe fn column<V>(log: bool, factor: f32, x: *const f32, out: *mut f32, dims: (usize, usize), n: usize) {
        let (axis, stride) = dims;
        let scaled = |i: usize| load::<V>(x, i * stride, n).mul(V::splat(factor));
        let mut most = V::splat(f32::NEG_INFINITY);
        for i in 0..axis {
            most = scaled(i).max(most);
        }
        let totals = column_sums!(V, axis, |i| {
            let value = exp_negative(scaled(i).sub(most));
            if !log {
                store(value, out, i * stride, n);
            }
            value
        });
        if log {
            let total = vector!(V, totals.map(f64::ln));
            (0..axis).for_each(|i| store(scaled(i).sub(most).sub(total), out, i * stride, n));
        } else {
            let scale = vector!(V, totals.map(|total| 1.0 / total));
            (0..axis).for_each(|i| store(load::<V>(out, i * stride, n).mul(scale), out, i * stride, n));
        }
    }
}

tiered! {
    /// # Safety
    /// As for `column`.
    unsafe fn slope<V>(
        log: bool,
        factor: f32,
        from: (*const f32, *const f32),
        dx: *mut f32,
        dims: (usize, usize),
        n: usize,
    ) {
        let ((axis, stride), (out, dout)) = (dims, from);
        let at = |p: *const f32, i: usize| load::<V>(p, i * stride, n);
        let factor = V::splat(factor);
        if log {
            let total = vector!(V, column_sums!(V, axis, |i| at(dout, i)));
            for i in 0..axis {
                let prob = exp_negative(at(out, i));
                store(at(dout, i).sub(prob.mul(total)).mul(factor), dx, i * stride, n);
            }
        } else {
            let along = vector!(V, column_sums!(V, axis, |i| at(out, i).mul(at(dout, i))));
            (0..axis).for_each(|i| store(at(out, i).mul(at(dout, i).sub(along)).mul(factor), dx, i * stride, n));
        }
    }
}
