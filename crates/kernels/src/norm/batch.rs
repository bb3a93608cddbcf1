//! Batch normalisation: the axis holds the channels, statistics go over everything else.

use super::single::{self, Layout};
use crate::cores::cores;
use crate::layout::AxisDims;
use crate::parallel::{Shared, for_tasks};
use crate::real::{Real, double, real, wide, with_wide_out};
use crate::sums::{sum_by, sum_by2};
use rsym_tensor::Float;
use std::ops::Range;

/// Statistics of a batch, `[channels]` each.
#[derive(Debug)]
pub struct BatchStats<'a, C> {
    /// Means.
    pub mean: &'a mut [C],
    /// Variances, with the number of elements as divisor.
    pub var: &'a mut [C],
    /// `1 / sqrt(var + eps)`.
    pub inv_std: &'a mut [C],
}

/// Elements that the channels of one task should have in a row at least.
const SEGMENT: usize = 64;

/// Normalises with the statistics of the batch, which are also returned. `gamma` of `None` is ones.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn batch_norm_train<T: Float>(
    dims: AxisDims,
    x: &[T],
    (gamma, beta): (Option<&[T::Compute]>, &[T::Compute]),
    eps: f64,
    out: &mut [T],
    stats: BatchStats<T::Compute>,
) {
    assert_eq!((x.len(), out.len()), (dims.size(), dims.size()), "sizes of a batch normalisation");
    let x = wide(x);
    with_wide_out(out, |out| (cores().batch_train)(dims, &x, (gamma, beta), eps, out, stats));
}

/// Normalises with given statistics. `gamma` of `None` is ones.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn batch_norm_inference<T: Float>(
    dims: AxisDims,
    x: &[T],
    (gamma, beta): (Option<&[T::Compute]>, &[T::Compute]),
    (mean, var): (&[T::Compute], &[T::Compute]),
    eps: f64,
    out: &mut [T],
) {
    assert_eq!((x.len(), out.len()), (dims.size(), dims.size()), "sizes of a batch normalisation");
    let x = wide(x);
    with_wide_out(out, |out| (cores().batch_infer)(dims, &x, (gamma, beta), (mean, var), eps, out));
}

/// The gradients with respect to data, gamma and beta. With `batch_stats` the statistics are those of this batch and
/// depend on the data; without they are constants.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn batch_norm_backward<T: Float>(
    dims: AxisDims,
    (x, dout): (&[T], &[T]),
    gamma: Option<&[T::Compute]>,
    (mean, inv_std): (&[T::Compute], &[T::Compute]),
    batch_stats: bool,
    dx: &mut [T],
    (dgamma, dbeta): (&mut [T::Compute], &mut [T::Compute]),
) {
    assert_eq!((x.len(), dout.len(), dx.len()), (dims.size(), dims.size(), dims.size()), "sizes of a gradient");
    let (x, dout) = (wide(x), wide(dout));
    with_wide_out(dx, |dx| {
        (cores().batch_gradient)(dims, (&x, &dout), gamma, (mean, inv_std), batch_stats, dx, (dgamma, dbeta));
    });
}

pub(crate) fn batch_train_single(
    dims: AxisDims,
    x: &[f32],
    params: (Option<&[f32]>, &[f32]),
    eps: f64,
    out: &mut [f32],
    stats: BatchStats<f32>,
) {
    single::train(Layout::plain(dims), x, params, eps, false, out, stats);
}

pub(crate) fn batch_infer_single(
    dims: AxisDims,
    x: &[f32],
    params: (Option<&[f32]>, &[f32]),
    stats: (&[f32], &[f32]),
    eps: f64,
    out: &mut [f32],
) {
    single::infer(Layout::plain(dims), x, params, stats, eps, false, out);
}

pub(crate) fn batch_gradient_single(
    dims: AxisDims,
    data: (&[f32], &[f32]),
    gamma: Option<&[f32]>,
    stats: (&[f32], &[f32]),
    batch_stats: bool,
    dx: &mut [f32],
    params: (&mut [f32], &mut [f32]),
) {
    single::gradient(Layout::plain(dims), data, (gamma, None), stats, batch_stats, dx, params);
}

pub(crate) fn batch_train_core<C: Real>(
    dims: AxisDims,
    x: &[C],
    (gamma, beta): (Option<&[C]>, &[C]),
    eps: f64,
    out: &mut [C],
    stats: BatchStats<C>,
) {
    let n = (dims.lines() as f64).max(1.0);
    let (out, mean) = (Shared::new(out), Shared::new(stats.mean));
    let (var, inv_std) = (Shared::new(stats.var), Shared::new(stats.inv_std));
    for_blocks(dims, 6, |channels| {
        let means = scaled(channel_sums(dims, &channels, x, |_, v| v), 1.0 / n);
        let vars = scaled(channel_sums(dims, &channels, x, |c, v| (v - means[c]).powi(2)), 1.0 / n);
        let inv: Vec<f64> = vars.iter().map(|v| 1.0 / (v + eps).sqrt()).collect();
        let line = Line::new(&channels, gamma, beta, &means, &inv);
        // SAFETY: the blocks of channels are disjoint.
        unsafe {
            line.write(dims, &channels, x, &out);
            store(&mean, &channels, &means);
            store(&var, &channels, &vars);
            store(&inv_std, &channels, &inv);
        }
    });
}

pub(crate) fn batch_infer_core<C: Real>(
    dims: AxisDims,
    x: &[C],
    (gamma, beta): (Option<&[C]>, &[C]),
    (mean, var): (&[C], &[C]),
    eps: f64,
    out: &mut [C],
) {
    let out = Shared::new(out);
    for_blocks(dims, 2, |channels| {
        let means: Vec<f64> = mean[channels.clone()].iter().map(|&v| double(v)).collect();
        let inv: Vec<f64> = var[channels.clone()].iter().map(|&v| 1.0 / (double(v) + eps).sqrt()).collect();
        // SAFETY: the blocks of channels are disjoint.
        unsafe { Line::new(&channels, gamma, beta, &means, &inv).write(dims, &channels, x, &out) };
    });
}

pub(crate) fn batch_gradient_core<C: Real>(
    dims: AxisDims,
    (x, dout): (&[C], &[C]),
    gamma: Option<&[C]>,
    (mean, inv_std): (&[C], &[C]),
    batch_stats: bool,
    dx: &mut [C],
    (dgamma, dbeta): (&mut [C], &mut [C]),
) {
    let n = (dims.lines() as f64).max(1.0);
    let (dx, dgamma, dbeta) = (Shared::new(dx), Shared::new(dgamma), Shared::new(dbeta));
    for_blocks(dims, 8, |channels| {
        let at = |c: usize| channels.start + c;
        let sums = channel_sums(dims, &channels, dout, |_, g| g);
        let mut products = channel_products(dims, &channels, (x, dout), |c| double(mean[at(c)]));
        products.iter_mut().enumerate().for_each(|(c, p)| *p *= double(inv_std[at(c)]));
        let slope = |c: usize| {
            let scale = double(inv_std[at(c)]) * gamma.map_or(1.0, |g| double(g[at(c)]));
            let part = if batch_stats { scale / n } else { 0.0 };
            let (shift, tilt) = (-part * sums[c], -part * products[c] * double(inv_std[at(c)]));
            [mean[at(c)], real(scale), real(shift), real(tilt)]
        };
        let slopes: Vec<[C; 4]> = (0..channels.len()).map(slope).collect();
        for_segments(dims, &channels, |range| {
            // SAFETY: the blocks of channels are disjoint.
            let dx = unsafe { dx.slice(range.start, range.len()) };
            combine(dims.inner, dx, &x[range.clone()], &dout[range], &slopes);
        });
        // SAFETY: the blocks of channels are disjoint.
        unsafe {
            store(&dgamma, &channels, &products);
            store(&dbeta, &channels, &sums);
        }
    });
}

/// Calls `f` for blocks of channels, of which each has a reasonable length in memory.
fn for_blocks(dims: AxisDims, cost: usize, f: impl Fn(Range<usize>) + Sync) {
    let block = SEGMENT.div_ceil(dims.inner.max(1));
    for_tasks(dims.axis.div_ceil(block), dims.lines() * block * cost, |task| {
        f(task * block..dims.axis.min((task + 1) * block));
    });
}

/// Calls `f` for the ranges of elements that hold the channels, one for each outer index.
fn for_segments(dims: AxisDims, channels: &Range<usize>, mut f: impl FnMut(Range<usize>)) {
    for outer in 0..dims.outer {
        let start = outer * dims.axis;
        f((start + channels.start) * dims.inner..(start + channels.end) * dims.inner);
    }
}

/// `scale * g + shift + tilt * (x - mean)` with the `[mean, scale, shift, tilt]` of every channel.
fn combine<C: Real>(inner: usize, dx: &mut [C], x: &[C], g: &[C], slopes: &[[C; 4]]) {
    let value = |[mean, scale, shift, tilt]: [C; 4], x: C, g: C| scale * g + (shift + tilt * (x - mean));
    if inner == 1 {
        let terms = x.iter().zip(g).zip(slopes);
        return dx.iter_mut().zip(terms).for_each(|(d, ((&x, &g), &slope))| *d = value(slope, x, g));
    }
    let lines = x.chunks_exact(inner).zip(g.chunks_exact(inner)).zip(slopes);
    for (dx, ((x, g), &slope)) in dx.chunks_exact_mut(inner).zip(lines) {
        dx.iter_mut().zip(x.iter().zip(g)).for_each(|(d, (&x, &g))| *d = value(slope, x, g));
    }
}

/// For every channel of the block the sum of `f(channel in the block, element)`.
fn channel_sums<C: Real>(dims: AxisDims, channels: &Range<usize>, x: &[C], f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; channels.len()];
    for_segments(dims, channels, |range| {
        if dims.inner == 1 {
            let terms = sums.iter_mut().zip(&x[range]).enumerate();
            terms.for_each(|(c, (sum, &v))| *sum += f(c, double(v)));
        } else {
            let lines = sums.iter_mut().zip(x[range].chunks_exact(dims.inner)).enumerate();
            lines.for_each(|(c, (sum, line))| *sum += sum_by(line, |v| f(c, v)));
        }
    });
    sums
}

/// For every channel of the block the sum of `(x - mean) * g`.
fn channel_products<C: Real>(
    dims: AxisDims,
    channels: &Range<usize>,
    (x, g): (&[C], &[C]),
    mean: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let mut sums = vec![0.0; channels.len()];
    for_segments(dims, channels, |range| {
        if dims.inner == 1 {
            let terms = sums.iter_mut().zip(x[range.clone()].iter().zip(&g[range])).enumerate();
            return terms.for_each(|(c, (sum, (&x, &g)))| *sum += (double(x) - mean(c)) * double(g));
        }
        let lines = x[range.clone()].chunks_exact(dims.inner).zip(g[range].chunks_exact(dims.inner));
        for (c, (sum, (x, g))) in sums.iter_mut().zip(lines).enumerate() {
            let mean = mean(c);
            *sum += sum_by2(x, g, |x, g| (x - mean) * g);
        }
    });
    sums
}

fn scaled(mut values: Vec<f64>, factor: f64) -> Vec<f64> {
    values.iter_mut().for_each(|v| *v *= factor);
    values
}

/// # Safety
/// No other thread may touch these channels of `out`.
unsafe fn store<C: Real>(out: &Shared<C>, channels: &Range<usize>, values: &[f64]) {
    // SAFETY: the caller vouches for exclusive access.
    let out = unsafe { out.slice(channels.start, channels.len()) };
    out.iter_mut().zip(values).for_each(|(o, &v)| *o = real(v));
}

/// What makes the output from the data: mean, scale and shift for every channel of a block.
struct Line<C> {
    parts: Vec<[C; 3]>,
}

impl<C: Real> Line<C> {
    fn new(channels: &Range<usize>, gamma: Option<&[C]>, beta: &[C], mean: &[f64], inv_std: &[f64]) -> Self {
        let scale = |at: usize| gamma.map_or(1.0, |g| double(g[at]));
        let part = |(c, at): (usize, usize)| [real(mean[c]), real(scale(at) * inv_std[c]), beta[at]];
        Line { parts: channels.clone().enumerate().map(part).collect() }
    }

    /// # Safety
    /// No other thread may touch these channels of `out`.
    unsafe fn write(&self, dims: AxisDims, channels: &Range<usize>, x: &[C], out: &Shared<C>) {
        for_segments(dims, channels, |range| {
            // SAFETY: the caller vouches for exclusive access.
            let out = unsafe { out.slice(range.start, range.len()) };
            if dims.inner == 1 {
                let terms = x[range].iter().zip(&self.parts);
                out.iter_mut().zip(terms).for_each(|(o, (&x, &[mean, scale, shift]))| *o = (x - mean) * scale + shift);
                return;
            }
            let lines = out.chunks_exact_mut(dims.inner).zip(x[range].chunks_exact(dims.inner));
            for ((out, x), &[mean, scale, shift]) in lines.zip(&self.parts) {
                out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - mean) * scale + shift);
            }
        });
    }
}
