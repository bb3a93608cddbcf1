//! The transformations of data in Winograd's F(4x4, 3x3), 16 channels at a time.

// Loops over constants keep the tiles in registers.
#![allow(clippy::needless_range_loop)]

use super::Epilogue;
use super::direct::Plane;
use crate::parallel::Shared;
use crate::simd::{Lanes, Tier, tiered};
use std::ops::Range;

/// Outputs of a tile, and inputs that they see, in each dimension.
const OUT: usize = 4;
const IN: usize = 6;

/// Where the tiles lie.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    batch: usize,
    /// Blocks of input channels.
    pub blocks: usize,
    input: [usize; 2],
    output: [usize; 2],
    pad: [usize; 2],
    /// Tiles of an image.
    count: [usize; 2],
}

impl Grid {
    pub(super) fn new(batch: usize, blocks: usize, p: &Plane) -> Grid {
        let count = p.output.map(|n| n.div_ceil(OUT));
        Grid { batch, blocks, input: p.input, output: p.output, pad: p.pad, count }
    }

    pub(super) fn tiles(&self) -> usize {
        self.batch * self.count[0] * self.count[1]
    }

    /// The image of a tile and its first output.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (image, at) = (tile / (self.count[0] * self.count[1]), tile % (self.count[0] * self.count[1]));
        (image, at / self.count[1] * OUT, at % self.count[1] * OUT)
    }
}

/// Writes the transformed input of some tiles in some blocks of channels, `[36][channels / 16][tiles][16]` with `step`
/// floats from one of the 36 to the next.
///
/// # Safety
/// `to` must have room for all blocks of channels, and nobody else may use the places of these.
pub(super) unsafe fn input_tiles(
    tier: Tier,
    grid: &Grid,
    data: &[f32],
    tiles: Range<usize>,
    blocks: Range<usize>,
    to: *mut f32,
    step: usize,
) {
    let [height, width] = grid.input;
    let size = height * width * 16;
    for block in blocks {
        for (i, tile) in tiles.clone().enumerate() {
            let (image, y, x) = grid.place(tile);
            let plane = &data[(image * grid.blocks + block) * size..][..size];
            let (y, x) = (y as isize - grid.pad[0] as isize, x as isize - grid.pad[1] as isize);
            let to = to.wrapping_add((block * tiles.len() + i) * 16);
            let inside = y >= 0 && x >= 0 && y as usize + IN <= height && x as usize + IN <= width;
            if inside {
                let from = &plane[(y as usize * width + x as usize) * 16..];
                // SAFETY: the patch lies in the plane; the caller's contract.
                unsafe { input_tile(tier, from.as_ptr(), width * 16, to, step) };
            } else {
                let patch = bordered(plane, grid.input, y, x);
                // SAFETY: the patch has 36 blocks; the caller's contract.
                unsafe { input_tile(tier, patch.as_ptr(), IN * 16, to, step) };
            }
        }
    }
}

/// The patch of a plane at a place partly outside, with zeros there.
fn bordered(plane: &[f32], [height, width]: [usize; 2], y: isize, x: isize) -> [f32; IN * IN * 16] {
    let mut patch = [0.0; IN * IN * 16];
    let (left, right) = ((-x).clamp(0, IN as isize) as usize, (width as isize - x).clamp(0, IN as isize) as usize);
    for (i, row) in patch.chunks_exact_mut(IN * 16).enumerate() {
        let y = y + i as isize;
        if y >= 0 && y < height as isize && left < right {
            let from = (y as usize * width + (x + left as isize) as usize) * 16;
            row[left * 16..right * 16].copy_from_slice(&plane[from..][..(right - left) * 16]);
        }
    }
    patch
}

/// One dimension of the input's transformation.
#[inline(always)]
fn forth<V: Lanes>(d: [V; IN]) -> [V; IN] {
    let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(-5.0));
    let [d0, d1, d2, d3, d4, d5] = d;
    let (even, odd) = (d4.sub(d2.mul(four)), d3.sub(d1.mul(four)));
    let (near, far) = (d4.sub(d2), d3.sub(d1).mul(two));
    [
        d2.mul_add(five, d0.mul_add(four, d4)),
        even.add(odd),
        even.sub(odd),
        near.add(far),
        near.sub(far),
        d3.mul_add(five, d1.mul_add(four, d5)),
    ]
}

/// One dimension of the output's transformation.
#[inline(always)]
fn back<V: Lanes>(m: [V; IN]) -> [V; OUT] {
    let (two, four, eight) = (V::splat(2.0), V::splat(4.0), V::splat(8.0));
    let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(sum).add(far_sum),
        far_difference.mul_add(two, difference),
        far_sum.mul_add(four, sum),
        far_difference.mul_add(eight, difference).add(m[5]),
    ]
}

tiered! {
    /// Transforms the 6 by 6 pixels at `from`, whose rows are `row` floats apart.
    unsafe fn input_tile<V>(from: *const f32, row: usize, to: *mut f32, step: usize) {
        let mut columns = [[V::zero(); IN]; IN];
        for x in 0..IN {
            let mut d = [V::zero(); IN];
            for y in 0..IN {
                d[y] = V::load(from.add(y * row + x * 16));
            }
            let d = forth(d);
            for y in 0..IN {
                columns[y][x] = d[y];
            }
        }
        for y in 0..IN {
            let d = forth(columns[y]);
            for x in 0..IN {
                d[x].store(to.add((y * IN + x) * step));
            }
        }
    }
}

/// What the transformation of one tile of outputs reads and writes.
struct Output<'a> {
    from: *const f32,
    /// Floats from one of the 36 products to the next.
    step: usize,
    /// 16 numbers.
    bias: *const f32,
    /// As `to`; may be null.
    residual: *const f32,
    to: *mut f32,
    /// Floats from a row of pixels to the next.
    row: usize,
    /// Rows and columns of the tile that the output has.
    extent: [usize; 2],
    epilogue: &'a Epilogue<'a>,
}

tiered! {
    /// Transforms 36 products into the outputs of a tile.
    unsafe fn output_tile<V>(o: &Output<'_>) {
        let mut columns = [[V::zero(); IN]; OUT];
        for x in 0..IN {
            let mut m = [V::zero(); IN];
            for y in 0..IN {
                m[y] = V::load(o.from.add((y * IN + x) * o.step));
            }
            let m = back(m);
            for y in 0..OUT {
                columns[y][x] = m[y];
            }
        }
        let bias = V::load(o.bias);
        for y in 0..OUT {
            let m = back(columns[y]);
            for x in 0..OUT {
                if y < o.extent[0] && x < o.extent[1] {
                    let at = y * o.row + x * 16;
                    let mut sum = m[x].add(bias);
                    if !o.residual.is_null() {
                        sum = sum.add(V::load(o.residual.add(at)));
                    }
                    o.epilogue.activation.of(sum).store(o.to.add(at));
                }
            }
        }
    }
}

/// Writes a block of filters of some tiles from their products, `[36][..][tiles][16]` with `step` floats from one of the 36
/// to the next.
///
/// # Safety
/// Nobody else may use the filters' outputs of these tiles.
pub(super) unsafe fn output_tiles(
    tier: Tier,
    grid: &Grid,
    from: &[f32],
    step: usize,
    tiles: Range<usize>,
    (block, blocks): (usize, usize),
    epilogue: &Epilogue<'_>,
    out: Shared<'_, f32>,
) {
    let [height, width] = grid.output;
    for (i, tile) in tiles.enumerate() {
        let (image, y, x) = grid.place(tile);
        let extent = [OUT.min(height - y), OUT.min(width - x)];
        let place = (((image * blocks + block) * height + y) * width + x) * 16;
        let len = ((extent[0] - 1) * width + extent[1]) * 16;
        let products = &from[i * 16..][..(IN * IN - 1) * step + 16];
        let o = Output {
            from: products.as_ptr(),
            step,
            bias: epilogue.bias_of(block, true),
            residual: epilogue.residual.map_or(std::ptr::null(), |r| r[place..].as_ptr()),
            // SAFETY: the caller's contract.
            to: unsafe { out.at(place, len) },
            row: width * 16,
            extent,
            epilogue,
        };
        // SAFETY: the places were checked above.
        unsafe { output_tile(tier, &o) };
    }
}
