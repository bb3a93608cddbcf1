//! Convolution of every channel with a filter of its own: 16 channels are 16 independent sums in one vector.

use super::direct::Plane;
use super::pack::{Fill, Lines};
use super::{Activation, Epilogue};
use crate::conv::ConvGeometry;
use crate::parallel::{Shared, for_tasks};
use crate::simd::{Lanes, Tier, tiered};
use std::ops::Range;

/// Pixels that one task computes, about.
const TASK_PIXELS: usize = 784;

/// A convolution of every channel on its own.
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    tier: Tier,
    batch: usize,
    blocks: usize,
    plane: Plane,
    /// Rows of a task.
    rows: usize,
}

impl Depthwise {
    pub(super) fn new(tier: Tier, g: &ConvGeometry) -> Option<Depthwise> {
        let plane = Plane::new(g)?;
        if !g.is_depthwise() || !g.channels.is_multiple_of(16) || g.batch == 0 {
            return None;
        }
        let rows = (TASK_PIXELS / plane.output[1]).clamp(1, plane.output[0]);
        Some(Depthwise { tier, batch: g.batch, blocks: g.channels / 16, plane, rows })
    }

    pub(super) fn describe(&self) -> String {
        format!("depthwise: {} rows", self.rows)
    }

    /// `[channels / 16][taps][16]`
    pub(super) fn pack(&self, old: Option<Lines>, fill: impl Fill) -> Lines {
        let taps = self.plane.taps();
        let mut lines = Lines::over(old, self.blocks * taps);
        lines.lines_mut().chunks_exact_mut(taps).enumerate().for_each(|(block, lines)| fill(block, 0, lines));
        lines
    }

    pub(super) fn run(&self, data: &[f32], packed: &Lines, epilogue: &Epilogue<'_>, out: &mut [f32]) {
        let p = &self.plane;
        let parts = p.output[0].div_ceil(self.rows);
        let out = Shared::new(out);
        for_tasks(self.batch * self.blocks * parts, self.rows * p.output[1] * (p.taps() + 4), |task| {
            let (plane, first) = (task / parts, task % parts * self.rows);
            let data = &data[plane * p.input_size() * 16..][..p.input_size() * 16];
            for y in first..p.output[0].min(first + self.rows) {
                let place = (plane * p.output[1] * p.output[0] + y * p.output[1]) * 16;
                let residual = epilogue.residual.map_or(std::ptr::null(), |r| r[place..].as_ptr());
                // SAFETY: the tasks write different rows, and the row's pointers are those of the plan's slices.
                unsafe {
                    let out = out.at(place, p.output[1] * 16);
                    compute(self.tier, &self.row(data, packed, plane % self.blocks, y, epilogue, (residual, out)));
                }
            }
        });
    }

    /// What the row `y` of a block of channels is computed from.
    fn row(
        &self,
        data: &[f32],
        packed: &Lines,
        block: usize,
        y: usize,
        epilogue: &Epilogue<'_>,
        (residual, out): (*const f32, *mut f32),
    ) -> Row<'_> {
        let p = &self.plane;
        let taps = p.taps_inside(0, y);
        let from = (y * p.stride[0] + taps.start * p.dilate[0]).wrapping_sub(p.pad[0]);
        Row {
            plane: p,
            src: data.as_ptr().wrapping_add(from.wrapping_mul(p.input[1] * 16)),
            weight: packed.at(block * p.taps()).wrapping_add(taps.start * p.kernel[1] * 16),
            taps: taps.len(),
            bias: epilogue.bias_of(block, true),
            residual,
            out,
            activation: epilogue.activation,
        }
    }
}

/// A row of pixels, in the taps' rows that are inside of the input.
struct Row<'a> {
    plane: &'a Plane,
    /// The row of the input under the first of these.
    src: *const f32,
    /// The weights of the first of these.
    weight: *const f32,
    taps: usize,
    bias: *const f32,
    /// As `out`; may be null.
    residual: *const f32,
    out: *mut f32,
    activation: Activation,
}

impl Row<'_> {
    /// Computes `P` pixels from `x` on by the columns `taps` of the window, which are inside of the input.
    ///
    /// # Safety
    /// The row's pointers must be right.
    #[inline(always)]
    unsafe fn pixels<V: Lanes, const P: usize>(&self, x: usize, taps: Range<usize>) {
        let p = self.plane;
        let first = (x * p.stride[1] + taps.start * p.dilate[1]).wrapping_sub(p.pad[1]);
        // SAFETY: the taps are inside of the input, the pixels of the output.
        unsafe {
            let mut acc = [V::load(self.bias); P];
            for k in 0..self.taps {
                let mut src =
                    self.src.wrapping_add((k * p.dilate[0] * p.input[1]).wrapping_add(first).wrapping_mul(16));
                let mut weight = self.weight.add((k * p.kernel[1] + taps.start) * 16);
                for _ in taps.clone() {
                    let w = V::load(weight);
                    for (i, acc) in acc.iter_mut().enumerate() {
                        *acc = V::load(src.add(i * p.stride[1] * 16)).mul_add(w, *acc);
                    }
                    src = src.wrapping_add(p.dilate[1] * 16);
                    weight = weight.add(16);
                }
            }
            for (i, &acc) in acc.iter().enumerate() {
                let at = (x + i) * 16;
                let sum = if self.residual.is_null() { acc } else { acc.add(V::load(self.residual.add(at))) };
                self.activation.of(sum).store(self.out.add(at));
            }
        }
    }
}

tiered! {
    /// Computes a row.
    unsafe fn compute<V>(row: &Row<'_>) {
        let (p, width) = (row.plane, row.plane.output[1]);
        let whole = p.inside_columns();
        for x in (0..whole.start).chain(whole.end..width) {
            row.pixels::<V, 1>(x, p.taps_inside(1, x));
        }
        let (mut x, all) = (whole.start, 0..p.kernel[1]);
        if V::BUDGET / V::REGISTERS >= 16 {
            while x + 8 <= whole.end {
                row.pixels::<V, 8>(x, all.clone());
                x += 8;
            }
        }
        while x + 4 <= whole.end {
            row.pixels::<V, 4>(x, all.clone());
            x += 4;
        }
        while x < whole.end {
            row.pixels::<V, 1>(x, all.clone());
            x += 1;
        }
    }
}
