//! Normalisation of lines by their own statistics: layer, instance and group normalisation.

use crate::cores::cores;
use crate::layout::{AxisDims, as_rows, write_rows};
use crate::parallel::{for_row_chunks2, for_rows, for_rows2};
use crate::real::{Real, double, real, wide, with_wide_out};
use crate::sums::{sum, sum_by, sum_by2};
use rsym_tensor::Float;

/// Normalises every line along the axis, then scales and shifts by position on it (`gamma`, `beta`: `[axis]`).
/// `mean` and `std` = `sqrt(var + eps)` receive the statistics, `[outer, inner]` each.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn layer_norm<T: Float>(
    dims: AxisDims,
    x: &[T],
    (gamma, beta): (&[T], &[T]),
    eps: f64,
    out: &mut [T],
    (mean, std): (&mut [T], &mut [T]),
) {
    check(dims, &[x.len(), out.len()], &[mean.len(), std.len()], &[gamma.len(), beta.len()]);
    let (x, gamma, beta) = (wide(x), wide(gamma), wide(beta));
    with_stats(mean, std, |stats| {
        with_wide_out(out, |out| (cores().layer)(dims, &x, (&gamma, &beta), eps, out, stats));
    });
}

/// The gradients of [`layer_norm`] with respect to data, gamma and beta.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn layer_norm_backward<T: Float>(
    dims: AxisDims,
    (x, dout): (&[T], &[T]),
    gamma: &[T],
    (mean, std): (&[T], &[T]),
    dx: &mut [T],
    (dgamma, dbeta): (&mut [T], &mut [T]),
) {
    check(dims, &[x.len(), dout.len(), dx.len()], &[mean.len(), std.len()], &[gamma.len(), dgamma.len(), dbeta.len()]);
    let (x, dout, gamma) = (wide(x), wide(dout), wide(gamma));
    let (mean, std) = (wide(mean), wide(std));
    with_stats(dgamma, dbeta, |params| {
        with_wide_out(dx, |dx| (cores().layer_gradient)(dims, (&x, &dout), &gamma, (&mean, &std), dx, params));
    });
}

/// Normalises `rows` rows, then scales and shifts each by its own number: row r by `gamma[r % gamma.len()]`.
///
/// Instance normalisation is this with one row for each (image, channel), group normalisation with one for each
/// (image, group). `mean` and `std` = `sqrt(var + eps)` receive the statistics, `[rows]` each.
///
/// # Panics
/// When the slices do not fit each other.
pub fn group_norm<T: Float>(
    rows: usize,
    x: &[T],
    (gamma, beta): (&[T], &[T]),
    eps: f64,
    out: &mut [T],
    (mean, std): (&mut [T], &mut [T]),
) {
    let dims = AxisDims { outer: rows, axis: x.len() / rows.max(1), inner: 1 };
    check(dims, &[x.len(), out.len()], &[mean.len(), std.len()], &[]);
    let (x, gamma, beta) = (wide(x), wide(gamma), wide(beta));
    with_stats(mean, std, |stats| {
        with_wide_out(out, |out| (cores().group)(dims, &x, (&gamma, &beta), eps, out, stats));
    });
}

/// The gradients of [`group_norm`] with respect to data, gamma and beta.
///
/// # Panics
/// When the slices do not fit each other.
pub fn group_norm_backward<T: Float>(
    rows: usize,
    (x, dout): (&[T], &[T]),
    gamma: &[T],
    (mean, std): (&[T], &[T]),
    dx: &mut [T],
    (dgamma, dbeta): (&mut [T], &mut [T]),
) {
    let dims = AxisDims { outer: rows, axis: x.len() / rows.max(1), inner: 1 };
    check(dims, &[x.len(), dout.len(), dx.len()], &[mean.len(), std.len()], &[]);
    let (x, dout, gamma) = (wide(x), wide(dout), wide(gamma));
    let (mean, std) = (wide(mean), wide(std));
    with_stats(dgamma, dbeta, |params| {
        with_wide_out(dx, |dx| (cores().group_gradient)(dims, (&x, &dout), &gamma, (&mean, &std), dx, params));
    });
}

fn check(dims: AxisDims, data: &[usize], stats: &[usize], params: &[usize]) {
    assert!(data.iter().all(|&n| n == dims.size()), "sizes of data in a normalisation");
    assert!(stats.iter().all(|&n| n == dims.lines()), "sizes of statistics in a normalisation");
    assert!(params.iter().all(|&n| n == dims.axis), "sizes of parameters in a normalisation");
}

/// Lets `f` overwrite two outputs in the type of computation.
fn with_stats<T: Float>(a: &mut [T], b: &mut [T], f: impl FnOnce((&mut [T::Compute], &mut [T::Compute]))) {
    with_wide_out(a, |a| with_wide_out(b, |b| f((a, b))));
}

pub(crate) fn layer_core<C: Real>(
    dims: AxisDims,
    x: &[C],
    (gamma, beta): (&[C], &[C]),
    eps: f64,
    out: &mut [C],
    (mean, std): (&mut [C], &mut [C]),
) {
    let rows = as_rows(dims, x);
    statistics(&rows, dims.axis, eps, mean, std);
    write_rows(dims, out, |out| {
        for_rows(out, dims.axis, 2 * dims.axis, |r, out| {
            let (mean, inv) = (mean[r], std[r].recip());
            let terms = rows[r * dims.axis..].iter().zip(gamma.iter().zip(beta));
            out.iter_mut().zip(terms).for_each(|(o, (&x, (&g, &b)))| *o = (x - mean) * inv * g + b);
        });
    });
}

pub(crate) fn layer_gradient_core<C: Real>(
    dims: AxisDims,
    (x, dout): (&[C], &[C]),
    gamma: &[C],
    (mean, std): (&[C], &[C]),
    dx: &mut [C],
    params: (&mut [C], &mut [C]),
) {
    let (x, dout) = (as_rows(dims, x), as_rows(dims, dout));
    position_sums((&x, &dout), (mean, std), params);
    write_rows(dims, dx, |dx| {
        for_rows(dx, dims.axis, 8 * dims.axis, |r, dx| {
            dx.iter_mut().zip(&dout[r * dims.axis..]).zip(gamma).for_each(|((d, &g), &k)| *d = g * k);
            through_statistics(&x[r * dims.axis..][..dims.axis], double(mean[r]), double(std[r]), dx);
        });
    });
}

pub(crate) fn group_core<C: Real>(
    dims: AxisDims,
    x: &[C],
    (gamma, beta): (&[C], &[C]),
    eps: f64,
    out: &mut [C],
    (mean, std): (&mut [C], &mut [C]),
) {
    statistics(x, dims.axis, eps, mean, std);
    for_rows(out, dims.axis, 2 * dims.axis, |r, out| {
        let (mean, scale, shift) = (mean[r], gamma[r % gamma.len()] / std[r], beta[r % beta.len()]);
        out.iter_mut().zip(&x[r * dims.axis..]).for_each(|(o, &x)| *o = (x - mean) * scale + shift);
    });
}

pub(crate) fn group_gradient_core<C: Real>(
    dims: AxisDims,
    (x, dout): (&[C], &[C]),
    gamma: &[C],
    (mean, std): (&[C], &[C]),
    dx: &mut [C],
    params: (&mut [C], &mut [C]),
) {
    row_sums((x, dout), (mean, std), dims.axis, params);
    for_rows(dx, dims.axis, 8 * dims.axis, |r, dx| {
        let k = gamma[r % gamma.len()];
        dx.iter_mut().zip(&dout[r * dims.axis..]).for_each(|(d, &g)| *d = g * k);
        through_statistics(&x[r * dims.axis..][..dims.axis], double(mean[r]), double(std[r]), dx);
    });
}

fn statistics<C: Real>(rows: &[C], len: usize, eps: f64, mean: &mut [C], std: &mut [C]) {
    for_rows2((mean, std), (1, 1), 4 * len, |r, mean, std| {
        let row = &rows[r * len..][..len];
        let m = sum(row) / len.max(1) as f64;
        let var = sum_by(row, |v| (v - m) * (v - m)) / len.max(1) as f64;
        (mean[0], std[0]) = (real(m), real((var + eps).sqrt()));
    });
}

/// Turns the gradient of the normalised row in `dx` into that of the row itself, whose statistics depend on it.
fn through_statistics<C: Real>(x: &[C], mean: f64, std: f64, dx: &mut [C]) {
    let n = x.len() as f64;
    let shift = sum(dx) / n;
    let tilt = sum_by2(x, dx, |x, d| (x - mean) * d) / (n * std * std);
    let (mean, inv, shift, tilt) = (real::<C>(mean), real::<C>(1.0 / std), real::<C>(shift), real::<C>(tilt));
    dx.iter_mut().zip(x).for_each(|(d, &x)| *d = (*d - shift - tilt * (x - mean)) * inv);
}

/// Gradients of gamma and beta that belong to positions in the row: sums over the rows.
fn position_sums<C: Real>((x, dout): (&[C], &[C]), (mean, std): (&[C], &[C]), (dgamma, dbeta): (&mut [C], &mut [C])) {
    let (rows, len) = (mean.len(), dgamma.len());
    for_row_chunks2((dgamma, dbeta), (1, 1), 4 * rows, |first, dgamma, dbeta| {
        let mut sums = vec![(0.0, 0.0); dgamma.len()];
        for r in 0..rows {
            let (mean, inv) = (double(mean[r]), 1.0 / double(std[r]));
            let range = r * len + first..r * len + first + sums.len();
            let terms = x[range.clone()].iter().zip(&dout[range]);
            for (sum, (&x, &g)) in sums.iter_mut().zip(terms) {
                sum.0 += double(g) * (double(x) - mean) * inv;
                sum.1 += double(g);
            }
        }
        let out = dgamma.iter_mut().zip(dbeta).zip(sums);
        out.for_each(|((k, b), sums)| (*k, *b) = (real(sums.0), real(sums.1)));
    });
}

/// Gradients of gamma and beta that belong to whole rows: sums inside of the rows and over the rows that share them.
fn row_sums<C: Real>(
    (x, dout): (&[C], &[C]),
    (mean, std): (&[C], &[C]),
    len: usize,
    (dgamma, dbeta): (&mut [C], &mut [C]),
) {
    let (rows, period) = (mean.len(), dgamma.len());
    for_rows2((dgamma, dbeta), (1, 1), 4 * x.len() / period.max(1), |first, dgamma, dbeta| {
        let mut sums = (0.0, 0.0);
        for r in (first..rows).step_by(period) {
            let (x, dout) = (&x[r * len..][..len], &dout[r * len..][..len]);
            let mean = double(mean[r]);
            sums.0 += sum_by2(x, dout, |x, g| (x - mean) * g) / double(std[r]);
            sums.1 += sum(dout);
        }
        (dgamma[0], dbeta[0]) = (real(sums.0), real(sums.1));
    });
}
