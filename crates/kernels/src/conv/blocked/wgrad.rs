//! The gradient of a convolution with respect to its weight, from blocked tensors.
//!
//! For a block of input channels, one of filters and a tap, 16 x 16 sums stay in registers while the positions of some
//! rows go by. Tasks own tiles of such blocks and so need no reduction; where the weight has too few tiles the positions
//! are shared out too, in a number of shares that depends on the shapes alone.

mod depthwise;
mod planes;
mod sweep;
#[cfg(test)]
mod tests;

use super::Layout;
use crate::conv::ConvGeometry;
use crate::parallel::{Shared, for_rows, for_tasks};
use crate::scratch::with_scratch;
use crate::simd::{Tier, tier, tiered};
use crate::window::Window;
use std::ops::Range;
use sweep::{PARK, Sweep, sweep};

/// Channels of a block.
const BLOCK: usize = 16;
/// Number of tasks to aim at.
const TASKS: usize = 16;
/// Elements of the data and gradients that a tile goes through before it turns back to them.
const UNIT: usize = 40 << 10;

/// Whether [`weight_gradient`] has a kernel for data of this layout: for blocked data all groups must have whole blocks
/// of channels and filters, or every channel a filter of its own; planes must have one group.
pub fn supports_weight_gradient(g: &ConvGeometry, layout: Layout) -> bool {
    let whole = |n: usize| n > 0 && n.is_multiple_of(BLOCK);
    let dense = whole(g.group_channels()) && whole(g.group_filters());
    match layout {
        _ if g.channels_last || g.window.taps() == 0 => false,
        Layout::Blocked => dense || (g.is_depthwise() && whole(g.channels)),
        Layout::Planes => g.groups == 1 && whole(g.filters) && g.channels > 0,
    }
}

/// Writes the gradient with respect to the weight (`[filters, channels / groups, taps]`), given the data in this layout
/// and the blocked gradient of the output.
///
/// # Panics
/// When a slice has another size than the geometry says, or [`supports_weight_gradient`] is false.
pub fn weight_gradient(g: &ConvGeometry, layout: Layout, data: &[f32], dout: &[f32], dweight: &mut [f32]) {
    assert!(supports_weight_gradient(g, layout), "no kernel for this weight gradient");
    let want = (g.data_size(), g.output_size(), g.weight_size());
    assert_eq!((data.len(), dout.len(), dweight.len()), want, "sizes of a weight gradient");
    match layout {
        Layout::Planes => planes::weight_gradient(g, data, dout, dweight),
        Layout::Blocked if g.is_depthwise() => depthwise::weight_gradient(g, data, dout, dweight),
        Layout::Blocked if is_strided_point(&g.window) => {
            let (g, data) = seen_points(g, data);
            Dense::new(&g).run(&data, dout, dweight);
        }
        Layout::Blocked => Dense::new(g).run(data, dout, dweight),
    }
}

/// Whether windows are single elements with others in between.
fn is_strided_point(w: &Window) -> bool {
    w.taps() == 1 && w.pad == [0; 3] && w.stride != [1; 3]
}

/// The convolution of the elements that windows see, and these elements.
fn seen_points(g: &ConvGeometry, data: &[f32]) -> (ConvGeometry, Vec<f32>) {
    let w = &g.window;
    let ([depth, height, width], row) = (w.output, w.output[2] * BLOCK);
    let mut seen = vec![0.0; g.batch * g.channels * w.output_size()];
    for_rows(&mut seen, row, 2 * row, |line, out| {
        let (plane, z, y) = (line / (depth * height), line / height % depth, line % height);
        let at = ((plane * w.input[0] + z * w.stride[0]) * w.input[1] + y * w.stride[1]) * w.input[2];
        let from = data[at * BLOCK..].chunks(w.stride[2] * BLOCK);
        out.chunks_exact_mut(BLOCK).zip(from).for_each(|(out, from)| out.copy_from_slice(&from[..BLOCK]));
    });
    let window = Window::new(&[depth, height, width], &[1, 1, 1], &[], &[], &[]);
    (ConvGeometry { window, ..g.clone() }, seen)
}

/// Some rows of some images, or of one image with more than one depth.
struct Unit {
    images: Range<usize>,
    rows: Range<usize>,
}

/// How the sums are cut.
struct Dense<'a> {
    g: &'a ConvGeometry,
    tier: Tier,
    /// Blocks of filters and of channels of a tile.
    tile: [usize; 2],
    /// Tiles of a group along both.
    tiles: [usize; 2],
    shares: usize,
    /// Images and rows of a unit.
    unit: [usize; 2],
}

impl<'a> Dense<'a> {
    fn new(g: &'a ConvGeometry) -> Self {
        let blocks = [g.group_filters() / BLOCK, g.group_channels() / BLOCK];
        let tiles_of = |edge: usize| blocks.map(|n| n.div_ceil(edge));
        let count = |edge: usize| g.groups * tiles_of(edge).iter().product::<usize>();
        let edge = if count(4) >= TASKS { 4 } else { 2 };
        let tile = blocks.map(|n| n.div_ceil(n.div_ceil(edge)));
        let [depth, height, width] = g.window.output;
        let row = (depth * width * BLOCK * (tile[0] + tile[1])).max(1);
        let rows = (UNIT / row).clamp(1, height.max(1));
        let images = if rows == height && depth == 1 { (UNIT / (row * height)).clamp(1, g.batch.max(1)) } else { 1 };
        let units = g.batch.div_ceil(images) * height.div_ceil(rows);
        let shares = TASKS.div_ceil(count(edge)).min(units).max(1);
        Dense { g, tier: tier(), tile, tiles: tiles_of(edge), shares, unit: [images, rows] }
    }

    fn tile_count(&self) -> usize {
        self.g.groups * self.tiles[0] * self.tiles[1]
    }

    /// Sums of a tile.
    fn tile_size(&self) -> usize {
        self.tile[0] * self.tile[1] * self.g.window.taps() * PARK
    }

    fn run(&self, data: &[f32], dout: &[f32], dweight: &mut [f32]) {
        let (tasks, size) = (self.tile_count() * self.shares, self.tile_size());
        let cost = self.g.batch * self.g.window.output_size() * size / BLOCK / self.shares;
        let dweight = Shared::new(dweight);
        if self.shares == 1 {
            return for_tasks(tasks, cost, |tile| {
                with_scratch(size, |park: &mut [f32]| {
                    park.fill(0.0);
                    self.sum(tile, 0, data, dout, park);
                    self.unpack(tile, park, dweight);
                });
            });
        }
        let mut parks = vec![0.0; tasks * size];
        for_rows(&mut parks, size, cost, |task, park| {
            self.sum(task / self.shares, task % self.shares, data, dout, park);
        });
        for_rows(&mut parks, size * self.shares, size * self.shares, |tile, parks| {
            let (first, others) = parks.split_at_mut(size);
            for other in others.chunks_exact(size) {
                first.iter_mut().zip(other).for_each(|(sum, v)| *sum += v);
            }
            self.unpack(tile, first, dweight);
        });
    }

    /// The group, and the ranges of blocks of filters and of channels in it, of a tile.
    fn place(&self, tile: usize) -> (usize, [Range<usize>; 2]) {
        let (group, rest) = (tile / (self.tiles[0] * self.tiles[1]), tile % (self.tiles[0] * self.tiles[1]));
        let blocks = [self.g.group_filters() / BLOCK, self.g.group_channels() / BLOCK];
        let range = |d: usize, at: usize| at * self.tile[d]..blocks[d].min((at + 1) * self.tile[d]);
        (group, [range(0, rest / self.tiles[1]), range(1, rest % self.tiles[1])])
    }

    /// Adds the products of a share of the positions to the sums of a tile.
    fn sum(&self, tile: usize, share: usize, data: &[f32], dout: &[f32], park: &mut [f32]) {
        let (g, taps) = (self.g, self.g.window.taps());
        let (group, [filters, channels]) = self.place(tile);
        let parts = g.window.output[1].div_ceil(self.unit[1]);
        let units = g.batch.div_ceil(self.unit[0]) * parts;
        for index in share * units / self.shares..(share + 1) * units / self.shares {
            let unit = self.unit_at(index / parts, index % parts);
            let mut parks = park.chunks_exact_mut(PARK);
            for filter in filters.clone().map(|b| group * g.group_filters() / BLOCK + b) {
                for channel in channels.clone().map(|b| group * g.group_channels() / BLOCK + b) {
                    for (tap, park) in parks.by_ref().take(taps).enumerate() {
                        self.add_products(&unit, (filter, channel), tap, data, dout, park);
                    }
                }
            }
        }
    }

    fn unit_at(&self, images: usize, rows: usize) -> Unit {
        let range = |at: usize, step: usize, end: usize| at * step..end.min((at + 1) * step);
        Unit {
            images: range(images, self.unit[0], self.g.batch),
            rows: range(rows, self.unit[1], self.g.window.output[1]),
        }
    }

    /// Adds the products for one tap of a block of filters and one of channels.
    fn add_products(
        &self,
        unit: &Unit,
        (filter, channel): (usize, usize),
        tap: usize,
        data: &[f32],
        dout: &[f32],
        park: &mut [f32],
    ) {
        let (g, w) = (self.g, &self.g.window);
        let [kz, ky, kx] = w.tap(tap);
        let (depths, columns) = (w.inside(0, kz), w.inside(2, kx));
        let rows = {
            let inside = w.inside(1, ky);
            inside.start.max(unit.rows.start)..inside.end.min(unit.rows.end)
        };
        if depths.is_empty() || rows.is_empty() || columns.is_empty() {
            return;
        }
        let source = |d, at, tap| w.source(d, at, tap).unwrap_or_default();
        let (z, y, x) = (source(0, depths.start, kz), source(1, rows.start, ky), source(2, columns.start, kx));
        let [_, height, width] = w.input;
        let [_, out_height, out_width] = w.output;
        let image = (g.channels / BLOCK * w.input_size(), g.filters / BLOCK * w.output_size());
        let from = channel * w.input_size() + (z * height + y) * width + x;
        let to = filter * w.output_size() + (depths.start * out_height + rows.start) * out_width + columns.start;
        let mut s = Sweep {
            data: data.as_ptr(),
            dout: dout.as_ptr(),
            planes: unit.images.len(),
            rows: rows.len(),
            pixels: columns.len(),
            data_step: [image.0, w.stride[1] * width, w.stride[2]].map(|n| n * BLOCK),
            dout_step: [image.1, out_width, 1].map(|n| n * BLOCK),
        };
        let place =
            |n: usize| (data[(n * image.0 + from) * BLOCK..].as_ptr(), dout[(n * image.1 + to) * BLOCK..].as_ptr());
        if depths.len() == 1 {
            (s.data, s.dout) = place(unit.images.start);
            // SAFETY: the positions inside of the input were chosen above, and the park has 16 x 16 elements.
            return unsafe { sweep(self.tier, &s.merged(), park.as_mut_ptr()) };
        }
        s.planes = depths.len();
        s.data_step[0] = w.stride[0] * height * width * BLOCK;
        s.dout_step[0] = out_height * out_width * BLOCK;
        for n in unit.images.clone() {
            (s.data, s.dout) = place(n);
            // SAFETY: as above.
            unsafe { sweep(self.tier, &s.merged(), park.as_mut_ptr()) };
        }
    }

    /// Writes the sums of a tile to their places in the weight.
    fn unpack(&self, tile: usize, park: &[f32], dweight: Shared<'_, f32>) {
        let (g, taps) = (self.g, self.g.window.taps());
        let (group, [filters, channels]) = self.place(tile);
        let mut parks = park.chunks_exact(PARK * taps);
        for filter in filters.map(|b| group * g.group_filters() + b * BLOCK) {
            for channel in channels.clone().map(|b| b * BLOCK) {
                let Some(park) = parks.next() else { return };
                if taps == 1 {
                    let at = filter * g.patch() + channel;
                    // SAFETY: tiles are disjoint parts of the weight, and a park has 16 x 16 elements.
                    unsafe {
                        let to = dweight.at(at, (BLOCK - 1) * g.patch() + BLOCK);
                        transpose(self.tier, park.as_ptr(), to, g.patch());
                    }
                    continue;
                }
                for f in 0..BLOCK {
                    let at = (filter + f) * g.patch() + channel * taps;
                    // SAFETY: tiles are disjoint parts of the weight.
                    let line = unsafe { dweight.slice(at, BLOCK * taps) };
                    for (c, line) in line.chunks_exact_mut(taps).enumerate() {
                        line.iter_mut().enumerate().for_each(|(tap, v)| *v = park[tap * PARK + c * BLOCK + f]);
                    }
                }
            }
        }
    }
}

tiered! {
    /// Writes the columns of a matrix of 16 x 16 as rows that are `step` apart.
    ///
    /// # Safety
    /// `from` must be good for 256 reads and every row of `to` for 16 writes.
    unsafe fn transpose<V>(from: *const f32, to: *mut f32, step: usize) {
        let mut rows = [V::zero(); BLOCK];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = V::load(from.add(i * BLOCK));
        }
        for (i, row) in V::transposed(rows).into_iter().enumerate() {
            row.store(to.add(i * step));
        }
    }
}
