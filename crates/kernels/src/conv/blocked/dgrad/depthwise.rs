//! Data gradients of blocked tensors where every channel has a filter of its own.

use super::BLOCK;
use crate::conv::ConvGeometry;
use crate::parallel::{Shared, for_tasks};
use crate::simd::{Lanes, Tier, tier, tiered};
use crate::window::Window;
use std::ops::Range;

/// Rows of the data's gradient that one task computes.
const ROWS: usize = 16;

/// How the gradient is computed.
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    tier: Tier,
    blocks: usize,
    window: Window,
    spans: Vec<Span>,
}

/// Neighbour taps of a line and the positions of the data's line that all of them reach.
#[derive(Clone, Debug)]
struct Span {
    taps: Range<usize>,
    /// First position, distance of two, and number.
    to: (usize, usize, usize),
    /// The output that the first tap reads for the first position.
    from: usize,
}

impl Depthwise {
    pub fn new(g: &ConvGeometry) -> Option<Self> {
        let spans = if g.window.stride[2] == 1 { joined(&g.window) } else { single(&g.window, 0..g.window.kernel[2]) };
        (g.window.taps() > 0).then(|| Depthwise {
            tier: tier(),
            blocks: g.channels / BLOCK,
            window: g.window.clone(),
            spans,
        })
    }

    /// The weight as `[blocks, taps, 16]`.
    pub fn pack(&self, weight: &[f32]) -> Vec<f32> {
        let taps = self.window.taps();
        let mut packed = vec![0.0; weight.len()];
        for (block, weight) in packed.chunks_exact_mut(taps * BLOCK).zip(weight.chunks_exact(taps * BLOCK)) {
            block.iter_mut().enumerate().for_each(|(i, v)| *v = weight[i % BLOCK * taps + i / BLOCK]);
        }
        packed
    }

    pub fn run(&self, dout: &[f32], packed: &[f32], ddata: &mut [f32]) {
        let (w, [depth, height, width]) = (&self.window, self.window.input);
        let parts = height.div_ceil(ROWS);
        let tasks = ddata.len() / (height * width * BLOCK).max(1) * parts;
        let cost = ROWS.min(height) * width * BLOCK * (w.taps() / 8 + 1);
        let ddata = Shared::new(ddata);
        for_tasks(tasks, cost, |task| {
            let (slab, rows) = (task / parts, task % parts * ROWS..height.min((task % parts + 1) * ROWS));
            // SAFETY: the tasks' rows are disjoint.
            let to = unsafe { ddata.slice((slab * height + rows.start) * width * BLOCK, rows.len() * width * BLOCK) };
            let (plane, z) = (slab / depth, slab % depth);
            let dout = &dout[plane * w.output_size() * BLOCK..][..w.output_size() * BLOCK];
            let weight = &packed[plane % self.blocks * w.taps() * BLOCK..][..w.taps() * BLOCK];
            to.fill(0.0);
            for kz in 0..w.kernel[0] {
                let Some(from_z) = seen_by(w, 0, z, kz) else { continue };
                let slice = &dout[from_z * w.output[1] * w.output[2] * BLOCK..][..w.output[1] * w.output[2] * BLOCK];
                for ky in 0..w.kernel[1] {
                    let taps = &weight[(kz * w.kernel[1] + ky) * w.kernel[2] * BLOCK..][..w.kernel[2] * BLOCK];
                    self.add_rows(slice, ky, taps, rows.clone(), to);
                }
            }
        });
    }

    /// Adds what the taps of one line of the filter give to some rows of the data's gradient.
    fn add_rows(&self, dout: &[f32], ky: usize, weight: &[f32], rows: Range<usize>, ddata: &mut [f32]) {
        let w = &self.window;
        let reached = |y: &usize| seen_by(w, 1, *y, ky).is_some();
        let (Some(first), Some(last)) = (rows.clone().find(reached), rows.clone().rfind(reached)) else { return };
        let Some(from_row) = seen_by(w, 1, first, ky) else { return };
        for s in &self.spans {
            let (column, step, pixels) = s.to;
            let from = dout[(from_row * w.output[2] + s.from) * BLOCK..].as_ptr();
            let to = ddata[((first - rows.start) * w.input[2] + column) * BLOCK..].as_mut_ptr();
            let run = Run {
                from,
                to,
                rows: (last - first) / w.stride[1] + 1,
                pixels,
                from_row: w.output[2] * BLOCK,
                to_step: [w.stride[1] * w.input[2] * BLOCK, step * BLOCK],
                back: w.dilate[2] * BLOCK,
            };
            // SAFETY: all taps of the positions read inside of `dout`, and the positions lie inside of `ddata`.
            unsafe { add_products(self.tier, &run, weight[s.taps.start * BLOCK..].as_ptr(), s.taps.len()) };
        }
    }
}

/// The output whose `tap` lies on position `at` of dimension `d`.
fn seen_by(w: &Window, d: usize, at: usize, tap: usize) -> Option<usize> {
    let offset = (at + w.pad[d]).checked_sub(tap * w.dilate[d])?;
    (offset.is_multiple_of(w.stride[d]) && offset / w.stride[d] < w.output[d]).then(|| offset / w.stride[d])
}

/// The spans of taps one by one.
fn single(w: &Window, taps: Range<usize>) -> Vec<Span> {
    let span = |tap| {
        let outputs = w.inside(2, tap);
        let first = if outputs.is_empty() { None } else { w.source(2, outputs.start, tap) };
        Some(Span { taps: tap..tap + 1, to: (first?, w.stride[2], outputs.len()), from: outputs.start })
    };
    taps.filter_map(span).collect()
}

/// The spans of stride 1: taps in groups for the positions that they share, and one by one for the others.
fn joined(w: &Window) -> Vec<Span> {
    let mut all = vec![];
    for first in (0..w.kernel[2]).step_by(5) {
        let taps = first..w.kernel[2].min(first + 5);
        let singles = single(w, taps.clone());
        let begin = singles.iter().map(|s| s.to.0).max().unwrap_or(0);
        let end = singles.iter().map(|s| s.to.0 + s.to.2).min().unwrap_or(0);
        let shared = singles.len() == taps.len() && begin < end;
        let cut = if shared { begin..end } else { w.input[2]..w.input[2] };
        for s in &singles {
            let part = |range: Range<usize>| Span {
                taps: s.taps.clone(),
                to: (range.start, 1, range.len()),
                from: s.from + range.start - s.to.0,
            };
            let own = s.to.0..s.to.0 + s.to.2;
            let parts = [own.start..own.end.min(cut.start), own.start.max(cut.end)..own.end];
            all.extend(parts.into_iter().filter(|r| !r.is_empty()).map(part));
        }
        if shared {
            let from = singles[0].from + begin - singles[0].to.0;
            all.push(Span { taps, to: (begin, 1, end - begin), from });
        }
    }
    all
}

/// Pixels of some rows, with the distances in floats of two rows, two pixels, and the vectors that neighbour taps read.
struct Run {
    from: *const f32,
    to: *mut f32,
    rows: usize,
    pixels: usize,
    from_row: usize,
    to_step: [usize; 2],
    back: usize,
}

tiered! {
    /// Adds to every pixel the products of each of 1 to 5 taps, whose vectors lie `back` in front of those of the one before.
    ///
    /// # Safety
    /// All vectors must lie inside of their memory, `weight` must hold one for every tap.
    unsafe fn add_products<V>(run: &Run, weight: *const f32, taps: usize) {
        match taps {
            1 => add_taps::<V, 1>(run, weight),
            2 => add_taps::<V, 2>(run, weight),
            3 => add_taps::<V, 3>(run, weight),
            4 => add_taps::<V, 4>(run, weight),
            _ => add_taps::<V, 5>(run, weight),
        }
    }
}

/// # Safety
/// As `add_products`.
#[inline(always)]
unsafe fn add_taps<V: Lanes, const N: usize>(run: &Run, weight: *const f32) {
    let mut weights = [V::zero(); N];
    for (tap, v) in weights.iter_mut().enumerate() {
        // SAFETY: the caller's contract.
        *v = unsafe { V::load(weight.add(tap * BLOCK)) };
    }
    for row in 0..run.rows {
        let mut from = run.from.wrapping_add(row * run.from_row);
        let mut to = run.to.wrapping_add(row * run.to_step[0]);
        for _ in 0..run.pixels {
            // SAFETY: the caller's contract.
            unsafe {
                let mut sum = V::load(to);
                for (tap, weight) in weights.iter().enumerate() {
                    sum = V::load(from.wrapping_sub(tap * run.back)).mul_add(*weight, sum);
                }
                sum.store(to);
            }
            (from, to) = (from.wrapping_add(BLOCK), to.wrapping_add(run.to_step[1]));
        }
    }
}
