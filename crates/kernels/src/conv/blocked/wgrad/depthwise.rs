//! Weight gradients of blocked data where every channel has a filter of its own.

use super::{BLOCK, TASKS};
use crate::conv::ConvGeometry;
use crate::parallel::for_rows;
use crate::simd::{Lanes, tier, tiered};
use std::ops::Range;

/// Output rows that are summed in registers.
const ROWS: usize = 16;

pub(super) fn weight_gradient(g: &ConvGeometry, data: &[f32], dout: &[f32], dweight: &mut [f32]) {
    let (w, blocks, size) = (&g.window, g.channels / BLOCK, g.window.taps() * BLOCK);
    let parts = w.output[1].div_ceil(ROWS);
    let units = g.batch * w.output[0] * parts;
    let shares = TASKS.div_ceil(blocks).min(units).max(1);
    let mut parks = vec![0.0; blocks * shares * size];
    let taps = Taps::all(g);
    for_rows(&mut parks, size, g.batch * w.output_size() * size / 8 / shares, |task, park| {
        let (block, share) = (task / shares, task % shares);
        for unit in share * units / shares..(share + 1) * units / shares {
            let rows = unit % parts * ROWS..w.output[1].min((unit % parts + 1) * ROWS);
            let (image, z) = (unit / parts / w.output[0], unit / parts % w.output[0]);
            add_rows(g, &taps, image * blocks + block, (z, rows), data, dout, park);
        }
    });
    for (channel, line) in dweight.chunks_exact_mut(w.taps()).enumerate() {
        let parks = &parks[channel / BLOCK * shares * size..][..shares * size];
        for (tap, v) in line.iter_mut().enumerate() {
            *v = parks.chunks_exact(size).map(|park| park[tap * BLOCK + channel % BLOCK]).sum();
        }
    }
}

/// Neighbour taps of a line that are summed together, and the columns where all of them lie inside of the input.
struct Taps {
    taps: Range<usize>,
    columns: Range<usize>,
}

impl Taps {
    /// The taps of a line: in groups for the columns that they share, and one by one for the others.
    fn all(g: &ConvGeometry) -> Vec<Taps> {
        let (w, mut all) = (&g.window, vec![]);
        for first in (0..w.kernel[2]).step_by(5) {
            let taps = first..w.kernel[2].min(first + 5);
            let inside = |tap| w.inside(2, tap);
            let begin = taps.clone().map(|tap| inside(tap).start).max().unwrap_or(0);
            let end = taps.clone().map(|tap| inside(tap).end).min().unwrap_or(0).max(begin);
            for tap in taps.clone() {
                let own = inside(tap);
                let sides = [own.start..own.end.min(begin), own.start.max(end)..own.end];
                all.extend(sides.map(|columns| Taps { taps: tap..tap + 1, columns }));
            }
            all.push(Taps { taps, columns: begin..end });
        }
        all.retain(|t| !t.columns.is_empty());
        all
    }
}

/// Adds the products of some output rows of one depth and plane of 16 channels.
fn add_rows(
    g: &ConvGeometry,
    taps: &[Taps],
    plane: usize,
    (z, rows): (usize, Range<usize>),
    data: &[f32],
    dout: &[f32],
    park: &mut [f32],
) {
    let (w, [_, height, width]) = (&g.window, g.window.input);
    let data = &data[plane * w.input_size() * BLOCK..][..w.input_size() * BLOCK];
    let dout = &dout[plane * w.output_size() * BLOCK..][..w.output_size() * BLOCK];
    for line in 0..w.kernel[0] * w.kernel[1] {
        let (kz, ky) = (line / w.kernel[1], line % w.kernel[1]);
        let inside = w.inside(1, ky);
        let rows = rows.start.max(inside.start)..rows.end.min(inside.end);
        let (Some(from_z), Some(from_y), false) = (w.source(0, z, kz), w.source(1, rows.start, ky), rows.is_empty())
        else {
            continue;
        };
        for t in taps {
            let Some(x) = w.source(2, t.columns.start, t.taps.start) else { continue };
            let from = ((from_z * height + from_y) * width + x) * BLOCK;
            let to = ((z * w.output[1] + rows.start) * w.output[2] + t.columns.start) * BLOCK;
            let run = Run {
                data: data[from..].as_ptr(),
                dout: dout[to..].as_ptr(),
                rows: rows.len(),
                pixels: t.columns.len(),
                data_step: [w.stride[1] * width, w.stride[2], w.dilate[2]].map(|n| n * BLOCK),
                dout_row: w.output[2] * BLOCK,
            };
            let park = &mut park[(line * w.kernel[2] + t.taps.start) * BLOCK..][..t.taps.len() * BLOCK];
            // SAFETY: all taps of the columns and rows lie inside of the plane, and the park has a vector for each tap.
            unsafe { add_products(tier(), &run, t.taps.len(), park.as_mut_ptr()) };
        }
    }
}

/// Pixels of some rows, with the distances in floats of two rows, two pixels and two taps of the data.
struct Run {
    data: *const f32,
    dout: *const f32,
    rows: usize,
    pixels: usize,
    data_step: [usize; 3],
    dout_row: usize,
}

tiered! {
    /// Adds to the vector of each of 1 to 5 taps its products with the gradients.
    unsafe fn add_products<V>(run: &Run, taps: usize, park: *mut f32) {
        match taps {
            1 => add_taps::<V, 1>(run, park),
            2 => add_taps::<V, 2>(run, park),
            3 => add_taps::<V, 3>(run, park),
            4 => add_taps::<V, 4>(run, park),
            _ => add_taps::<V, 5>(run, park),
        }
    }
}

/// # Safety
/// Every pixel must be good for a vector of the gradient and `N` of the data, and `park` for `N` vectors.
#[inline(always)]
unsafe fn add_taps<V: Lanes, const N: usize>(run: &Run, park: *mut f32) {
    let mut sums = [V::zero(); N];
    for row in 0..run.rows {
        let mut x = run.data.wrapping_add(row * run.data_step[0]);
        let mut g = run.dout.wrapping_add(row * run.dout_row);
        for _ in 0..run.pixels {
            // SAFETY: the caller's contract.
            unsafe {
                let gradient = V::load(g);
                for (tap, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(x.add(tap * run.data_step[2])).mul_add(gradient, *sum);
                }
            }
            (x, g) = (x.wrapping_add(run.data_step[1]), g.wrapping_add(BLOCK));
        }
    }
    for (tap, sum) in sums.into_iter().enumerate() {
        let at = park.wrapping_add(tap * BLOCK);
        // SAFETY: the caller's contract.
        unsafe { V::load(at).add(sum).store(at) };
    }
}
