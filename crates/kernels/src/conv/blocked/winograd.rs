//! Winograd's F(4x4, 3x3): tiles of 4 by 4 outputs from 36 products of transformed data and weight for every pair of channels,
//! a quarter of what the plain sum takes.
//!
//! A. Lavin, S. Gray: "Fast Algorithms for Convolutional Neural Networks", 2016, with the interpolation points 0, 1, -1, 2, -2.
//! Tiles are numbered through all images and go in blocks. For a block, the transformed input is `[36][channels / 16][tiles]
//! [16]` and the products with a panel of filters are `[36][panel][tiles][16]`; each of the 36 is a matrix product by register
//! tiles. Many blocks are a task each; few are transformed together first and then split by filters too.

use super::direct::{Ahead, Plane, runs};
use super::pack::{Fill, Lines, Panels};
use super::tile::{self, Shape, Tile};
use super::transform::{Grid, input_tiles, output_tiles};
use super::{Activation, Epilogue};
use crate::conv::ConvGeometry;
use crate::parallel::{Shared, for_tasks};
use crate::scratch::with_scratch;
use crate::simd::{Tier, tiered};
use std::ops::Range;

/// Products of a tile.
pub(super) const POINTS: usize = 36;
/// Outputs of all images below which reading the four times larger weight costs more than it saves.
const FEW_PIXELS: usize = 196;
/// Channels and filters below which the transformations cost more than they save.
const FEW_CHANNELS: usize = 32;
/// Blocks of tiles from which each is a task.
const MANY_BLOCKS: usize = 8;
/// Bytes of transformed input of a block that is a task.
const BLOCK_BYTES: usize = 512 << 10;

/// A convolution by F(4x4, 3x3).
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    tier: Tier,
    grid: Grid,
    panels: Panels,
    /// Tiles of a block at most.
    step: usize,
}

impl Winograd {
    /// For kernels of 3 by 3, stride 1 and no dilation, on channels and filters in whole blocks.
    pub(super) fn new(tier: Tier, g: &ConvGeometry) -> Option<Winograd> {
        let plane = Plane::new(g)?;
        let simple = plane.kernel == [3, 3] && plane.stride == [1, 1] && plane.dilate == [1, 1];
        let whole = g.channels.is_multiple_of(16) && g.filters.is_multiple_of(16);
        if !simple || !whole || g.groups != 1 || g.batch * g.channels * g.filters == 0 {
            return None;
        }
        let panels = Panels { blocks: g.filters / 16, width: tile::panel_blocks(tier) };
        let grid = Grid::new(g.batch, g.channels / 16, &plane);
        let most = tile::most_pixels(tier, 1);
        let few = grid.tiles().div_ceil(2 * most);
        let wanted = (BLOCK_BYTES / (POINTS * 4 * g.channels) / most).clamp(1, 28 / most) * most;
        let blocks = if few < MANY_BLOCKS { few } else { grid.tiles().div_ceil(wanted).next_multiple_of(2) };
        Some(Winograd { tier, panels, step: grid.tiles().div_ceil(blocks), grid })
    }

    /// Whether it pays, with a weight that is packed for every run or once.
    pub(super) fn pays(g: &ConvGeometry, packs: bool) -> bool {
        let pixels = g.batch * g.window.output_size();
        pixels >= if packs { 4 * FEW_PIXELS } else { FEW_PIXELS }
            && g.channels >= FEW_CHANNELS
            && g.filters >= FEW_CHANNELS
    }

    pub(super) fn describe(&self) -> String {
        format!("winograd: {} tiles, {} at once", self.grid.tiles(), self.step)
    }

    fn channels(&self) -> usize {
        self.grid.blocks * 16
    }

    pub(super) fn pack(&self, old: Option<Lines>, fill: impl Fill) -> Lines {
        let transformed = |block: usize, channel: usize, out: &mut [[f32; 16]]| {
            let mut taps = [[0.0; 16]; 9];
            fill(block, channel, &mut taps);
            transformed_weight(self.tier, &taps, out);
        };
        self.panels.pack(old, (self.channels(), self.channels(), POINTS), (1, transformed))
    }

    /// Floats of the transformed input of `tiles` tiles.
    fn input_len(&self, tiles: usize) -> usize {
        POINTS * point_step(self.grid.blocks, tiles)
    }

    pub(super) fn run(&self, data: &[f32], packed: &Lines, epilogue: &Epilogue<'_>, out: &mut [f32]) {
        let tiles = self.grid.tiles();
        let blocks = tiles.div_ceil(self.step);
        let (all, step) = (self.panels.count(), self.step);
        let range = |block: usize| block * tiles / blocks..(block + 1) * tiles / blocks;
        let cost = step * self.panels.blocks * self.channels() * POINTS;
        let out = Shared::new(out);
        if blocks >= MANY_BLOCKS {
            return for_tasks(blocks, cost, |block| {
                with_scratch(self.input_len(step), |input: &mut [f32]| {
                    let input = Shared::new(input);
                    self.transform(data, range(block), 0..self.grid.blocks, input, 0);
                    (0..all).for_each(|panel| self.panel(range(block), panel, (input, 0), packed, epilogue, out));
                });
            });
        }
        with_scratch(blocks * self.input_len(step), |input: &mut [f32]| {
            let input = Shared::new(input);
            let at = |block: usize| block * self.input_len(step);
            for_tasks(blocks * self.grid.blocks, step * POINTS * 8, |task| {
                let (block, channels) = (task / self.grid.blocks, task % self.grid.blocks);
                self.transform(data, range(block), channels..channels + 1, input, at(block));
            });
            for_tasks(blocks * all, cost / all, |task| {
                let (block, panel) = (task % blocks, task / blocks);
                self.panel(range(block), panel, (input, at(block)), packed, epilogue, out);
            });
        });
    }

    /// Transforms the input of some tiles in some blocks of channels.
    fn transform(&self, data: &[f32], tiles: Range<usize>, blocks: Range<usize>, input: Shared<'_, f32>, at: usize) {
        let step = point_step(self.grid.blocks, tiles.len());
        // SAFETY: the tasks transform different blocks of channels or tiles, for which the input has room.
        unsafe {
            let to = input.at(at, POINTS * step);
            input_tiles(self.tier, &self.grid, data, tiles, blocks, to, step);
        }
    }

    /// Computes the filters of a panel for some tiles.
    fn panel(
        &self,
        tiles: Range<usize>,
        panel: usize,
        (input, at): (Shared<'_, f32>, usize),
        packed: &Lines,
        epilogue: &Epilogue<'_>,
        out: Shared<'_, f32>,
    ) {
        let (first, width) = (self.panels.first(panel), self.panels.width_of(panel));
        let step = point_step(width, tiles.len());
        with_scratch(POINTS * step, |products: &mut [f32]| {
            // SAFETY: the input was transformed before; other tasks only read it.
            let input = unsafe { input.at(at, POINTS * point_step(self.grid.blocks, tiles.len())) };
            // SAFETY: as large as the tiles and the panel.
            unsafe { self.products(input, tiles.len(), (first, width), packed, products) };
            for block in 0..width {
                let from = &products[block * tiles.len() * 16..];
                // SAFETY: the tasks write different filters or tiles.
                unsafe {
                    let place = (first + block, self.panels.blocks);
                    output_tiles(self.tier, &self.grid, from, step, tiles.clone(), place, epilogue, out);
                }
            }
        });
    }

    /// The 36 matrix products of a panel of filters.
    ///
    /// # Safety
    /// `input` must hold the transformed input of `tiles` tiles.
    unsafe fn products(
        &self,
        input: *const f32,
        tiles: usize,
        (first, width): (usize, usize),
        packed: &Lines,
        out: &mut [f32],
    ) {
        let (lines, most) = (self.channels() * width, tile::most_pixels(self.tier, 1));
        let (from, to) = (point_step(self.grid.blocks, tiles), point_step(width, tiles));
        let out = out.as_mut_ptr();
        let mut tile = Tile {
            src: input,
            pixel: 16,
            row: 0,
            weight: std::ptr::null(),
            prefetch: std::ptr::null(),
            prefetch_step: 0,
            taps: &0,
            tap_count: 1,
            depth: 16,
            blocks: self.grid.blocks,
            block_step: tiles * 16,
            from: std::ptr::null(),
            bias: Epilogue::NONE.bias_of(0, true),
            out,
            out_block: tiles * 16,
            out_row: 0,
            activation: Activation::None,
        };
        for point in 0..POINTS {
            let weight = first * POINTS * self.channels() + point * lines;
            tile.weight = packed.at(weight);
            let mut ahead = Ahead::new(packed, weight + lines, lines, width);
            for run in runs(tiles, most) {
                let shape = Shape { rows: 1, pixels: run.len(), blocks: width, stride: 1 };
                let Some(sum) = tile::blocked(self.tier, shape) else {
                    unreachable!("every tier has tiles of one row")
                };
                tile.src = input.wrapping_add(point * from + run.start * 16);
                tile.out = out.wrapping_add(point * to + run.start * 16);
                (tile.prefetch, tile.prefetch_step) = ahead.next();
                // SAFETY: the tile lies in the transformed input, the weight and the products.
                unsafe { sum(&tile) };
            }
        }
    }
}

/// Floats from one of the 36 points to the next: an odd number of lines, for even distances share places in the cache.
fn point_step(blocks: usize, tiles: usize) -> usize {
    ((blocks * tiles) | 1) * 16
}

/// One dimension of the weight's transformation.
#[inline(always)]
fn six([a, b, c]: [[f64; 16]; 3]) -> [[f64; 16]; 6] {
    const SIXTH: f64 = 1.0 / 6.0;
    let mut out = [[0.0; 16]; 6];
    for i in 0..16 {
        let (sum, middle) = ((a[i] + c[i]) * SIXTH, b[i] * SIXTH);
        let (far, odd) = (a[i] * SIXTH / 4.0 + c[i] * SIXTH, middle / 2.0);
        out[0][i] = a[i] / 4.0;
        out[1][i] = -sum - middle;
        out[2][i] = middle - sum;
        out[3][i] = far + odd;
        out[4][i] = far - odd;
        out[5][i] = c[i];
    }
    out
}

tiered! {
    /// The 36 weights that the 3 by 3 taps of 16 filters become.
    fn transformed_weight<V>(taps: &[[f32; 16]; 9], out: &mut [[f32; 16]]) {
        let taps = taps.map(|line| line.map(f64::from));
        let columns: [_; 3] = std::array::from_fn(|x| six([taps[x], taps[3 + x], taps[6 + x]]));
        for (y, out) in out.chunks_exact_mut(6).enumerate() {
            let row = six(columns.map(|column| column[y]));
            out.iter_mut().zip(row).for_each(|(line, row)| *line = row.map(|v| v as f32));
        }
    }
}
