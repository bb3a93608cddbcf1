//! Weights in the order in which tiles read them.

use crate::lines::load;
use crate::parallel::{Shared, for_tasks};
use crate::simd::{Tier, tiered};

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

    pub(super) fn lines_mut(&mut self) -> &mut [[f32; 16]] {
        self.floats_mut().as_chunks_mut().0
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

    /// `[panel][channels / unit][taps][unit][width of panel * 16]`.
    pub(super) fn pack(
        self,
        old: Option<Lines>,
        (channels, unit, taps): (usize, usize, usize),
        (at_once, fill): (usize, impl Fill),
    ) -> Lines {
        let steps = channels * taps;
        let mut lines = Lines::over(old, self.blocks * steps);
        let out = Shared::new(lines.floats_mut());
        for_tasks(self.count(), steps * self.width * 16 * 2, |panel| {
            let (first, width) = (self.first(panel), self.width_of(panel));
            // SAFETY: the panels are disjoint.
            let out = unsafe { out.slice(first * steps * 16, width * steps * 16) };
            let mut values = vec![[0.0; 16]; at_once * taps];
            for channel in (0..channels).step_by(at_once) {
                let values = &mut values[..at_once.min(channels - channel) * taps];
                for block in 0..width {
                    fill(first + block, channel, values);
                    for (channel, lines) in (channel..).zip(values.chunks_exact(taps)) {
                        let start = (channel / unit * taps * unit + channel % unit) * width + block;
                        let places = out.chunks_exact_mut(16).skip(start).step_by(unit * width);
                        places.zip(lines).for_each(|(place, line)| place.copy_from_slice(line));
                    }
                }
            }
        });
        lines
    }
}

/// `fill(block, channel, lines)` writes the weights of 16 filters for some channels from `channel` on, tap by tap.
pub(super) trait Fill: Fn(usize, usize, &mut [[f32; 16]]) + Sync {}

impl<F: Fn(usize, usize, &mut [[f32; 16]]) + Sync> Fill for F {}

/// Weights in memory: that of a filter, a channel and a tap is the number `filter self.filter + channel self.channel + tap`,
/// the taps in reverse order where that is said.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub data: &'a [f32],
    pub filter: usize,
    pub channel: usize,
    pub taps: usize,
    pub reversed: bool,
    /// A factor for every filter.
    pub scale: Option<&'a [f32]>,
}

impl Weights<'_> {
    /// Channels that are best written at once.
    pub(super) fn at_once(&self) -> usize {
        if self.taps == 1 { 16 } else { 1 }
    }

    /// See [`Fill`].
    pub(super) fn fill(&self, tier: Tier, block: usize, channel: usize, lines: &mut [[f32; 16]]) {
        let from = &self.data[block * 16 * self.filter + channel * self.channel..];
        let next = if self.taps == 1 { self.channel } else { 1 };
        if next == 1 {
            columns(tier, from, self.filter, lines);
        } else if self.filter == 1 {
            lines.iter_mut().enumerate().for_each(|(k, line)| line.copy_from_slice(&from[k * next..][..16]));
        } else {
            let value = |k: usize, lane: usize| from[lane * self.filter + k * next];
            lines.iter_mut().enumerate().for_each(|(k, line)| *line = std::array::from_fn(|lane| value(k, lane)));
        }
        if self.reversed {
            lines.chunks_exact_mut(self.taps).for_each(|taps| taps.reverse());
        }
        if let Some(scale) = self.scale.map(|scale| &scale[block * 16..][..16]) {
            lines.iter_mut().for_each(|line| line.iter_mut().zip(scale).for_each(|(w, s)| *w *= s));
        }
    }
}

tiered! {
    /// Line `k` gets number `k` of each of 16 rows, which are `row` apart.
    fn columns<V>(from: &[f32], row: usize, lines: &mut [[f32; 16]]) {
        assert!(from.len() >= 15 * row + lines.len(), "rows of weights");
        for (i, lines) in lines.chunks_mut(16).enumerate() {
            // SAFETY: the rows lie inside of the slice.
            let rows = std::array::from_fn(|k| unsafe { load(from.as_ptr().add(k * row), 16 * i, lines.len()) });
            let columns: [V; 16] = V::transposed(rows);
            // SAFETY: a line has 16 numbers.
            lines.iter_mut().zip(columns).for_each(|(line, v)| unsafe { v.store(line.as_mut_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::tests::noise;
    use crate::simd::{available, with_tier};

    #[test]
    fn weights_are_found_whatever_their_order() {
        let (filters, channels) = (48, 21);
        for (taps, tier) in
            [1, 3, 9, 16, 25].into_iter().flat_map(|taps| available().into_iter().map(move |tier| (taps, tier)))
        {
            let data = noise::<f32>(filters * channels * taps, 1);
            let scale = noise::<f32>(filters, 2);
            let plain =
                Weights { data: &data, filter: channels * taps, channel: taps, taps, reversed: false, scale: None };
            let turned = Weights { filter: taps, channel: filters * taps, reversed: true, ..plain };
            for weights in [plain, Weights { scale: Some(&scale), ..plain }, turned] {
                for (block, channel) in [(0, 0), (2, 3), (1, 5)] {
                    let mut lines = vec![[f32::NAN; 16]; weights.at_once() * taps];
                    with_tier(tier, || weights.fill(tier, block, channel, &mut lines));
                    for (k, lane) in (0..lines.len()).flat_map(|k| (0..16).map(move |lane| (k, lane))) {
                        let (filter, channel, tap) = (block * 16 + lane, channel + k / taps, k % taps);
                        let tap = if weights.reversed { taps - 1 - tap } else { tap };
                        let want = data[filter * weights.filter + channel * weights.channel + tap];
                        assert_eq!(
                            lines[k][lane],
                            want * weights.scale.map_or(1.0, |s| s[filter]),
                            "{taps} taps on {tier}"
                        );
                    }
                }
            }
        }
    }
}
