//! The gradients of a convolution, on `[batch, channels, spatial]` data.

use super::forward::{MATRIX_SIZE, TASKS};
use super::im2col::{col2im_add, im2col};
use super::joined::{self, joined};
use super::{ConvGeometry, depthwise};
use crate::gemm::{Mat, MatMut, gemm_inline, gemm_raw, product};
use crate::parallel::{Shared, for_elements, for_tasks};
use crate::real::Real;
use crate::scratch::with_scratch;
use std::ops::Range;

/// Rows of a window matrix below this make slow products.
const MIN_ROWS: usize = 48;
/// Rows of a window matrix above this leave too few columns in the cache.
const MAX_ROWS: usize = 512;

/// Channels of a group that one task works on.
fn task_channels(g: &ConvGeometry, parts: usize) -> usize {
    let taps = g.window.taps();
    let spread = (g.group_channels() * parts).div_ceil(TASKS);
    spread.clamp(MIN_ROWS.div_ceil(taps), MAX_ROWS.div_ceil(taps)).min(g.group_channels())
}

/// The columns of a window matrix of `rows` rows in ranges that suit the cache.
fn column_ranges(rows: usize, cols: usize) -> impl Iterator<Item = Range<usize>> {
    let step = (MATRIX_SIZE / rows.max(1)).max(16);
    (0..cols.div_ceil(step)).map(move |i| i * step..cols.min((i + 1) * step))
}

/// Adds the gradient with respect to the data to `ddata`.
pub(super) fn add_data_gradient<C: Real>(g: &ConvGeometry, weight: &[C], dout: &[C], ddata: &mut [C]) {
    if let Some(all) = joined(g) {
        joined::add_data_gradient(g, &all, weight, dout, ddata);
    } else if g.is_depthwise() {
        depthwise::add_data_gradient(g, weight, dout, ddata);
    } else if g.window.is_pointwise() {
        add_pointwise_gradient(g, weight, dout, ddata);
    } else {
        add_scattered(g, weight, dout, ddata);
    }
}

fn add_pointwise_gradient<C: Real>(g: &ConvGeometry, weight: &[C], dout: &[C], ddata: &mut [C]) {
    let (m, n, k) = (g.group_channels(), g.window.output_size(), g.group_filters());
    let one = C::one();
    if g.groups == 1 {
        let (a, b) = (Mat::new(weight, k, m).t(), Mat::new(dout, k, n));
        return product(g.batch, one, (a, 0), (b, k * n), one, (MatMut::new(ddata, m, n), m * n));
    }
    for (ddata, dout) in ddata.chunks_exact_mut(g.channels * n).zip(dout.chunks_exact(g.filters * n)) {
        let (a, b) = (Mat::new(weight, k, m).t(), Mat::new(dout, k, n));
        product(g.groups, one, (a, m * k), (b, k * n), one, (MatMut::new(ddata, m, n), m * n));
    }
}

/// Every task computes the gradient of some channels of one image and group.
fn add_scattered<C: Real>(g: &ConvGeometry, weight: &[C], dout: &[C], ddata: &mut [C]) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.patch());
    let (taps, size, depth) = (g.window.taps(), g.window.input_size(), g.group_channels());
    let step = task_channels(g, g.batch * g.groups);
    let pieces = depth.div_ceil(step.max(1));
    let ddata = Shared::new(ddata);
    for_tasks(g.batch * g.groups * pieces, m * n * step * taps / 16, |task| {
        let (part, first) = (task / pieces, task % pieces * step);
        let channels = step.min(depth - first);
        let weight = &weight[part % g.groups * m * k + first * taps..];
        let a = Mat { data: weight, rows: channels * taps, cols: m, rs: 1, cs: k };
        // SAFETY: the tasks' channels are disjoint and inside of `ddata`.
        let planes = unsafe { ddata.slice((part * depth + first) * size, channels * size) };
        scatter(g, a, &dout[part * m * n..][..m * n], planes);
    });
}

fn scatter<C: Real>(g: &ConvGeometry, a: Mat<C>, dout: &[C], planes: &mut [C]) {
    let n = g.window.output_size();
    for range in column_ranges(a.rows, n) {
        with_scratch(a.rows * range.len(), |matrix| {
            let b = Mat { data: &dout[range.start..], rows: a.cols, cols: range.len(), rs: n, cs: 1 };
            gemm_inline(C::one(), a, b, C::zero(), MatMut::new(matrix, a.rows, range.len()));
            col2im_add(&g.window, matrix, range, planes);
        });
    }
}

/// Writes the gradient with respect to the weight.
pub(super) fn weight_gradient<C: Real>(g: &ConvGeometry, data: &[C], dout: &[C], dweight: &mut [C]) {
    if let Some(all) = joined(g) {
        return joined::weight_gradient(g, &all, data, dout, dweight);
    }
    if g.is_depthwise() {
        return depthwise::weight_gradient(g, data, dout, dweight);
    }
    let step = task_channels(g, g.groups);
    let pieces = g.group_channels().div_ceil(step.max(1));
    let shares = TASKS.div_ceil((g.groups * pieces).max(1)).min(g.batch).max(1);
    if shares == 1 {
        dweight.fill(C::zero());
        return add_weight_gradients(g, step, 1, data, dout, dweight);
    }
    let mut partial = vec![C::zero(); shares * dweight.len()];
    add_weight_gradients(g, step, shares, data, dout, &mut partial);
    let size = dweight.len();
    for_elements(dweight, shares, |at, out| {
        for (i, o) in out.iter_mut().enumerate() {
            *o = partial[at + i..].iter().step_by(size).fold(C::zero(), |sum, &v| sum + v);
        }
    });
}

/// Every task sums over one of `shares` shares of the batch for some channels of one group; each share has its own
/// copy of the weight in `dweight`.
fn add_weight_gradients<C: Real>(
    g: &ConvGeometry,
    step: usize,
    shares: usize,
    data: &[C],
    dout: &[C],
    dweight: &mut [C],
) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.patch());
    let (taps, depth) = (g.window.taps(), g.group_channels());
    let pieces = depth.div_ceil(step.max(1));
    let images = g.batch.div_ceil(shares);
    let dweight = Shared::new(dweight);
    for_tasks(shares * g.groups * pieces, images * m * n * step * taps / 16, |task| {
        let (share, task) = (task / (g.groups * pieces), task % (g.groups * pieces));
        let (group, first) = (task / pieces, task % pieces * step);
        let channels = first..depth.min(first + step);
        let (offset, cols) = ((share * g.groups + group) * m * k + first * taps, channels.len() * taps);
        // SAFETY: the tasks' rows and columns of the shares' weights are disjoint and inside of `dweight`.
        let target = unsafe { dweight.at(offset, (m - 1) * k + cols) };
        for image in share * images..g.batch.min((share + 1) * images) {
            let dout = &dout[(image * g.groups + group) * m * n..][..m * n];
            // SAFETY: as above.
            unsafe { add_image(g, channels.clone(), planes_of(g, data, image, group), dout, target) };
        }
    });
}

fn planes_of<'a, C: Real>(g: &ConvGeometry, data: &'a [C], image: usize, group: usize) -> &'a [C] {
    let size = g.group_channels() * g.window.input_size();
    &data[(image * g.groups + group) * size..][..size]
}

/// Adds the weight gradient of one image and group for some channels.
///
/// # Safety
/// `target` must be the place of the first of these channels in the group's weight, and of no other thread's.
unsafe fn add_image<C: Real>(g: &ConvGeometry, channels: Range<usize>, planes: &[C], dout: &[C], target: *mut C) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.patch());
    let rows = channels.len() * g.window.taps();
    let planes = &planes[channels.start * g.window.input_size()..channels.end * g.window.input_size()];
    let add = |matrix: Mat<C>, range: Range<usize>| {
        let a = Mat { data: &dout[range.start..], rows: m, cols: range.len(), rs: n, cs: 1 };
        // SAFETY: `target` begins m rows of `rows` columns, k apart.
        unsafe { gemm_raw(C::one(), a, matrix.t(), C::one(), target, (k, 1)) };
    };
    if g.window.is_pointwise() {
        return add(Mat::new(planes, rows, n), 0..n);
    }
    for range in column_ranges(rows, n) {
        with_scratch(rows * range.len(), |matrix| {
            im2col(&g.window, planes, range.clone(), matrix);
            add(Mat::new(matrix, rows, range.len()), range);
        });
    }
}
