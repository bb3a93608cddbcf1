//! The convolution itself, on `[batch, channels, spatial]` data.

use super::im2col::{im2col, im2col_row};
use super::joined::{self, joined};
use super::{ConvGeometry, depthwise};
use crate::gemm::{Mat, MatMut, gemm_raw, product};
use crate::parallel::{Shared, for_rows, for_tasks};
use crate::real::Real;
use crate::scratch::with_scratch;

/// Elements of a window matrix that suit the second level cache.
pub(super) const MATRIX_SIZE: usize = 1 << 17;
/// Tiles of windows below this are not worth cutting.
const MIN_COLS: usize = 96;
/// With fewer tasks than this the products are cut instead of the images.
const MIN_TASKS: usize = 4;
/// Number of tasks to aim at.
pub(super) const TASKS: usize = 16;

/// Adds the convolution of `data` with `weight` to `out`.
pub(super) fn add_conv<C: Real>(g: &ConvGeometry, data: &[C], weight: &[C], out: &mut [C]) {
    if let Some(all) = joined(g) {
        joined::add_conv(g, &all, data, weight, out);
    } else if g.is_depthwise() {
        depthwise::add_conv(g, data, weight, out);
    } else if g.window.is_pointwise() {
        add_pointwise(g, data, weight, out);
    } else {
        let cols = tile_cols(g);
        let tasks = g.batch * g.groups * g.window.output_size().div_ceil(cols.max(1));
        if tasks >= MIN_TASKS || small(g) {
            add_tiles(g, cols, data, weight, out)
        } else {
            add_whole(g, data, weight, out)
        }
    }
}

fn small(g: &ConvGeometry) -> bool {
    g.output_size() * g.patch() < 1 << 20
}

/// Windows of one tile: as many as suit the cache, fewer for more tasks.
fn tile_cols(g: &ConvGeometry) -> usize {
    let windows = g.window.output_size();
    let cached = MATRIX_SIZE / g.patch().max(1);
    let spread = (windows * g.batch * g.groups).div_ceil(TASKS);
    let most = cached.min(spread.max(MIN_COLS)).max(MIN_COLS);
    let tiles = windows.div_ceil(most).max(1);
    windows.div_ceil(tiles).next_multiple_of(16).min(windows)
}

/// Kernels of one element: the input is its own window matrix.
fn add_pointwise<C: Real>(g: &ConvGeometry, data: &[C], weight: &[C], out: &mut [C]) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.group_channels());
    let one = C::one();
    if g.groups == 1 {
        let (a, b) = (Mat::new(weight, m, k), Mat::new(data, k, n));
        return product(g.batch, one, (a, 0), (b, k * n), one, (MatMut::new(out, m, n), m * n));
    }
    for (out, data) in out.chunks_exact_mut(g.filters * n).zip(data.chunks_exact(g.channels * n)) {
        let (a, b) = (Mat::new(weight, m, k), Mat::new(data, k, n));
        product(g.groups, one, (a, m * k), (b, k * n), one, (MatMut::new(out, m, n), m * n));
    }
}

/// Every task computes some columns of the output of one image and group.
fn add_tiles<C: Real>(g: &ConvGeometry, cols: usize, data: &[C], weight: &[C], out: &mut [C]) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.patch());
    let (tiles, in_size) = (n.div_ceil(cols.max(1)), g.group_channels() * g.window.input_size());
    let out = Shared::new(out);
    for_tasks(g.batch * g.groups * tiles, m * cols * k / 16, |task| {
        let (part, tile) = (task / tiles, task % tiles);
        let range = tile * cols..n.min((tile + 1) * cols);
        with_scratch(k * range.len(), |matrix| {
            im2col(&g.window, &data[part * in_size..][..in_size], range.clone(), matrix);
            let a = Mat::new(&weight[part % g.groups * m * k..][..m * k], m, k);
            let b = Mat::new(matrix, k, range.len());
            // SAFETY: the tasks' columns of the output are disjoint and inside of `out`.
            unsafe {
                gemm_raw(
                    C::one(),
                    a,
                    b,
                    C::one(),
                    out.at(part * m * n + range.start, (m - 1) * n + range.len()),
                    (n, 1),
                )
            };
        });
    });
}

/// Few large tasks: the window matrix of each image and group is filled and multiplied by all threads.
fn add_whole<C: Real>(g: &ConvGeometry, data: &[C], weight: &[C], out: &mut [C]) {
    let (m, n, k) = (g.group_filters(), g.window.output_size(), g.patch());
    let (taps, size) = (g.window.taps(), g.window.input_size());
    let mut matrix = vec![C::zero(); k * n];
    for (part, out) in out.chunks_exact_mut(m * n).enumerate() {
        let planes = &data[part * g.group_channels() * size..];
        for_rows(&mut matrix, n, n, |row, out| {
            im2col_row(&g.window, &planes[row / taps * size..][..size], g.window.tap(row % taps), 0..n, out);
        });
        let a = Mat::new(&weight[part % g.groups * m * k..][..m * k], m, k);
        product(1, C::one(), (a, 0), (Mat::new(&matrix, k, n), 0), C::one(), (MatMut::new(out, m, n), 0));
    }
}
