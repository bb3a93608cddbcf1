//! Weights in the order in which tiles read them.

use crate::parallel::{Shared, for_tasks};

/// 16 floats on a cache line of their own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// An array of cache lines.
pub(super) struct Lines(Vec<Line>);

impl Lines {
    pub(super) fn zeros(lines: usize) -> Lines {
        Lines(vec![Line([0.0; 16]); lines])
    }

    /// Lines that will all be written: the memory of `old` where it has as many.
    pub(super) fn over(old: Option<Lines>, lines: usize) -> Lines {
        old.filter(|old| old.0.len() == lines).unwrap_or_else(|| Lines::zeros(lines))
    }

    /// The start of line `i`.
    pub(super) fn at(&self, i: usize) -> *const f32 {
        self.0[i..].as_ptr().cast()
    }

    pub(super) fn end(&self) -> *const f32 {
        self.0.as_ptr_range().end.cast()
    }

    pub(super) fn floats(&self) -> &[f32] {
        // SAFETY: a line is 16 floats without padding.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }

    pub(super) fn floats_mut(&mut self) -> &mut [f32] {
        // SAFETY: a line is 16 floats without padding, of which all bits are values.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }
}

/// Blocks of the widest panel on any tier.
pub(super) const MAX_WIDTH: usize = 2;

/// Filters in panels of `width` blocks of 16; the last panel may be narrower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    /// Blocks in all.
    pub blocks: usize,
    /// Blocks of a full panel.
    pub width: usize,
}

impl Panels {
    pub(super) fn count(self) -> usize {
        self.blocks.div_ceil(self.width)
    }

    /// The first block of a panel.
    pub(super) fn first(self, panel: usize) -> usize {
        panel * self.width
    }

    pub(super) fn width_of(self, panel: usize) -> usize {
        self.width.min(self.blocks - self.first(panel))
    }

    /// `[panel][channels / unit][taps][unit][width of panel * 16]`; `fill(block, channel, taps)` gives those of 16 filters.
    pub(super) fn pack(
        self,
        old: Option<Lines>,
        (channels, unit, taps): (usize, usize, usize),
        fill: impl Fn(usize, usize, &mut [[f32; 16]]) + Sync,
    ) -> Lines {
        let steps = channels * taps;
        let mut lines = Lines::over(old, self.blocks * steps);
        let out = Shared::new(lines.floats_mut());
        for_tasks(self.count(), steps * self.width * 16 * 2, |panel| {
            let (first, width) = (self.first(panel), self.width_of(panel));
            // SAFETY: the panels are disjoint.
            let out = unsafe { out.slice(first * steps * 16, width * steps * 16) };
            let mut values = vec![[0.0; 16]; taps];
            for (channel, block) in (0..channels).flat_map(|channel| (0..width).map(move |block| (channel, block))) {
                fill(first + block, channel, &mut values);
                let start = (channel / unit * taps * unit + channel % unit) * width + block;
                let places = out.chunks_exact_mut(16).skip(start).step_by(unit * width);
                places.zip(&values).for_each(|(place, line)| place.copy_from_slice(line));
            }
        });
        lines
    }
}
