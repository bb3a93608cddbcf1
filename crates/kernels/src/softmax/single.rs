//! Softmax of lines in single precision, on vectors.

use super::{Softmax, columns, row_length};
use crate::layout::{AxisDims, as_rows, write_rows};
use crate::lines::{for_vectors, keep, load, store, sums};
use crate::parallel::for_row_chunks;
use crate::simd::functions::exp_negative;
use crate::simd::{tier, tiered};

/// With fewer numbers beside each other than this, lines are brought together first.
const FEW_COLUMNS: usize = 8;

pub(crate) fn softmax_single(dims: AxisDims, kind: Softmax, x: &[f32], length: Option<&[usize]>, out: &mut [f32]) {
    if length.is_none() && dims.inner >= FEW_COLUMNS {
        return columns::softmax(dims, kind, x, out);
    }
    let (rows, tier, n) = (as_rows(dims, x), tier(), dims.axis);
    write_rows(dims, out, |out| {
        for_row_chunks(out, n, 2 * n + 16, |first, out| {
            for (i, out) in out.chunks_exact_mut(n).enumerate() {
                let len = row_length(dims, length, first + i);
                out[len..].fill(0.0);
                line(tier, kind.log, kind.factor(), &rows[(first + i) * n..][..len], &mut out[..len]);
            }
        });
    });
}

pub(crate) fn gradient_single(
    dims: AxisDims,
    kind: Softmax,
    (out, dout): (&[f32], &[f32]),
    length: Option<&[usize]>,
    dx: &mut [f32],
) {
    if length.is_none() && dims.inner >= FEW_COLUMNS {
        return columns::gradient(dims, kind, (out, dout), dx);
    }
    let (out, dout, tier, n) = (as_rows(dims, out), as_rows(dims, dout), tier(), dims.axis);
    write_rows(dims, dx, |dx| {
        for_row_chunks(dx, n, 2 * n + 16, |first, dx| {
            for (i, dx) in dx.chunks_exact_mut(n).enumerate() {
                let (len, at) = (row_length(dims, length, first + i), (first + i) * n);
                dx[len..].fill(0.0);
                slope(tier, kind.log, kind.factor(), &out[at..at + len], &dout[at..at + len], &mut dx[..len]);
            }
        });
    });
}

tiered! {
    /// The softmax of `factor x`, or its logarithm.
    fn line<V>(log: bool, factor: f32, x: &[f32], out: &mut [f32]) {
        let (len, from, to, factor) = (x.len(), x.as_ptr(), out.as_mut_ptr(), V::splat(factor));
        assert_eq!(len, out.len(), "lines of a softmax");
        // SAFETY: all offsets are inside of the lines, which are equally long.
        unsafe {
            let mut most = V::splat(f32::NEG_INFINITY);
            for_vectors!(len, |at, n| {
                most = keep(load::<V>(from, at, n).mul(factor), n, f32::NEG_INFINITY).max(most)
            });
            let most = V::splat(most.greatest());
            let [total] = sums!(V, 1, len, |at, n| {
                let value = exp_negative(load::<V>(from, at, n).mul(factor).sub(most));
                if !log {
                    store(value, to, at, n);
                }
                [keep(value, n, 0.0)]
            });
            let (total, scale) = (V::splat(total.ln() as f32), V::splat((1.0 / total) as f32));
            if log {
                for_vectors!(len, |at, n| {
                    store(load::<V>(from, at, n).mul(factor).sub(most).sub(total), to, at, n)
                });
            } else {
                for_vectors!(len, |at, n| store(load::<V>(to, at, n).mul(scale), to, at, n));
            }
        }
    }
}

tiered! {
    /// The gradient of the softmax of `factor x`, or of its logarithm.
    fn slope<V>(log: bool, factor: f32, out: &[f32], dout: &[f32], dx: &mut [f32]) {
        let (len, to, factor) = (dx.len(), dx.as_mut_ptr(), V::splat(factor));
        assert!(out.len() == len && dout.len() == len, "lines of a softmax");
        let (out, dout) = (out.as_ptr(), dout.as_ptr());
        // SAFETY: all offsets are inside of the lines, which are equally long.
        unsafe {
            if log {
                let [total] = sums!(V, 1, len, |at, n| [load::<V>(dout, at, n)]);
                let total = V::splat(total as f32);
                for_vectors!(len, |at, n| {
                    let prob = exp_negative(load::<V>(out, at, n));
                    store(load::<V>(dout, at, n).sub(prob.mul(total)).mul(factor), to, at, n)
                });
            } else {
                let [along] = sums!(V, 1, len, |at, n| [load::<V>(out, at, n).mul(load(dout, at, n))]);
                let along = V::splat(along as f32);
                for_vectors!(len, |at, n| {
                    let slope = load::<V>(dout, at, n).sub(along);
                    store(load::<V>(out, at, n).mul(slope).mul(factor), to, at, n)
                });
            }
        }
    }
}
