//! Data gradients of blocked tensors where every channel has a filter of its own.

use super::BLOCK;
use crate::conv::ConvGeometry;
use crate::parallel::for_rows;
use crate::simd::{Lanes, Tier, tier, tiered};
use crate::window::Window;
use std::ops::Range;

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
        let (w, row) = (&self.window, self.window.input[2] * BLOCK);
        for_rows(ddata, row, row * (w.taps() / 8 + 1), |line, ddata| {
            let (plane, z, y) = (line / (w.input[0] * w.input[1]), line / w.input[1] % w.input[0], line % w.input[1]);
            let dout = &dout[plane * w.output_size() * BLOCK..][..w.output_size() * BLOCK];
            let weight = &packed[plane % self.blocks * w.taps() * BLOCK..][..w.taps() * BLOCK];
            ddata.fill(0.0);
            for tap in 0..w.kernel[0] * w.kernel[1] {
                let (Some(z), Some(y)) = (seen_by(w, 0, z, tap / w.kernel[1]), seen_by(w, 1, y, tap % w.kernel[1]))
                else {
                    continue;
                };
                let line = &dout[(z * w.output[1] + y) * w.output[2] * BLOCK..][..w.output[2] * BLOCK];
                self.add_line(line, &weight[tap * w.kernel[2] * BLOCK..][..w.kernel[2] * BLOCK], ddata);
            }
        });
    }

    /// Adds what a line of the output's gradient gives to a line of the data's.
    fn add_line(&self, dout: &[f32], weight: &[f32], ddata: &mut [f32]) {
        for s in &self.spans {
            let (first, step, n) = s.to;
            let (back, taps) = (self.window.dilate[2] * BLOCK, s.taps.len());
            let weight = weight[s.taps.start * BLOCK..].as_ptr();
            let (to, from) = (ddata[first * BLOCK..].as_mut_ptr(), dout[s.from * BLOCK..].as_ptr());
            // SAFETY: all taps of the positions read inside of the line, and the positions lie inside of theirs.
            unsafe { add_products(self.tier, from, back, weight, taps, to, step * BLOCK, n) };
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

tiered! {
    /// Adds to `n` vectors the products of each of 1 to 5 taps with vectors that are `back` in front of those of the last.
    ///
    /// # Safety
    /// All vectors must lie inside of their memory.
    unsafe fn add_products<V>(
        from: *const f32,
        back: usize,
        weight: *const f32,
        taps: usize,
        to: *mut f32,
        step: usize,
        n: usize,
    ) {
        match taps {
            1 => add_taps::<V, 1>(from, back, weight, to, step, n),
            2 => add_taps::<V, 2>(from, back, weight, to, step, n),
            3 => add_taps::<V, 3>(from, back, weight, to, step, n),
            4 => add_taps::<V, 4>(from, back, weight, to, step, n),
            _ => add_taps::<V, 5>(from, back, weight, to, step, n),
        }
    }
}

/// # Safety
/// As `add_products`.
#[inline(always)]
unsafe fn add_taps<V: Lanes, const N: usize>(
    mut from: *const f32,
    back: usize,
    weight: *const f32,
    mut to: *mut f32,
    step: usize,
    n: usize,
) {
    let mut weights = [V::zero(); N];
    for (tap, v) in weights.iter_mut().enumerate() {
        // SAFETY: the caller's contract.
        *v = unsafe { V::load(weight.add(tap * BLOCK)) };
    }
    for _ in 0..n {
        // SAFETY: the caller's contract.
        unsafe {
            let mut sum = V::load(to);
            for (tap, weight) in weights.iter().enumerate() {
                sum = V::load(from.wrapping_sub(tap * back)).mul_add(*weight, sum);
            }
            sum.store(to);
        }
        (from, to) = (from.wrapping_add(BLOCK), to.wrapping_add(step));
    }
}
