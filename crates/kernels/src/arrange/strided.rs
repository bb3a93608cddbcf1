//! The copy loop behind every rearrangement.

use super::square;
use crate::axes::MAX_AXES;
use crate::parallel::{chunk_rows, map_indices};
use crate::raw::{Pair, each_width};
use crate::simd::tier;

/// One loop of a copy: how often, and how far apart the elements are on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loop {
    pub(super) extent: usize,
    pub(super) from: isize,
    pub(super) to: isize,
}

/// A nest of loops that moves each of its elements to a place of its own.
#[derive(Clone, Debug)]
pub(super) struct Nest {
    pub(super) loops: Vec<Loop>,
    pub(super) from: isize,
    pub(super) to: isize,
}

/// Side of the square that a transposition moves at once.
const TILE: usize = 32;
/// Longest piece of a loop that is one unit of work.
const PIECE: usize = 1 << 15;

impl Nest {
    pub(super) fn run(mut self, pair: Pair) {
        self.loops.retain(|l| l.extent != 1);
        if self.loops.iter().any(|l| l.extent == 0) {
            return;
        }
        self.loops.sort_by_key(|l| std::cmp::Reverse(l.to.unsigned_abs()));
        self.merge();
        each_width!(pair, (src, out) => self.run_bits(src, out))
    }

    fn merge(&mut self) {
        let mut merged: Vec<Loop> = Vec::with_capacity(self.loops.len());
        for &inner in &self.loops {
            let n = inner.extent as isize;
            match merged.last_mut() {
                Some(l) if l.from == inner.from * n && l.to == inner.to * n => {
                    *l = Loop { extent: l.extent * inner.extent, ..inner };
                }
                _ => merged.push(inner),
            }
        }
        self.loops = merged;
    }

    fn run_bits<U: Copy + Send + Sync>(&self, src: &[U], out: &mut [U]) {
        self.check(src.len(), out.len());
        let place = Place { src: src.as_ptr(), out: out.as_mut_ptr() };
        let (outer, inner) = self.loops.split_at(self.loops.len().saturating_sub(1));
        let Some(&inner) = inner.first() else {
            // SAFETY: `check` found both starts inside of the slices.
            return unsafe { place.row(self.from, self.to, Loop { extent: 1, from: 1, to: 1 }) };
        };
        match outer.iter().position(|l| l.from.abs() == 1).filter(|_| inner.from.abs() > 1) {
            Some(i) => self.run_tiled(&place, outer, i, inner),
            None => self.run_rows(&place, outer, inner),
        }
    }

    /// Rows along the innermost loop.
    fn run_rows<U: Copy + Send + Sync>(&self, place: &Place<U>, outer: &[Loop], inner: Loop) {
        self.walk(outer, inner, inner.extent.min(PIECE), 1, |from, to, count| {
            // SAFETY: `check` found every element of the nest inside of the slices, and no two at one place of `out`.
            unsafe { place.row(from, to, Loop { extent: count, ..inner }) }
        });
    }

    /// Squares of the innermost loop, neighbours in `out`, and of the outer loop number `i`, neighbours in `src`.
    fn run_tiled<U: Copy + Send + Sync>(&self, place: &Place<U>, outer: &[Loop], i: usize, inner: Loop) {
        let mut rest = outer.to_vec();
        let across = rest.remove(i);
        let (tier, on_vectors) = (tier(), size_of::<U>() == 4 && inner.to == 1 && across.from == 1);
        self.walk(&rest, across, TILE, inner.extent, |from, to, count| {
            for at in (0..inner.extent).step_by(TILE) {
                let run = Loop { extent: TILE.min(inner.extent - at), ..inner };
                let (from, to) = (from + at as isize * inner.from, to + at as isize * inner.to);
                // SAFETY: as in `run_rows`; `f32` has the size and the alignment of other numbers of four bytes.
                unsafe {
                    if on_vectors {
                        let (src, out) = (place.src.offset(from).cast(), place.out.offset(to).cast());
                        square::transpose(tier, src, out, (inner.from, across.to), run.extent, count);
                    } else {
                        place.square(from, to, run, Loop { extent: count, ..across });
                    }
                }
            }
        });
    }

    /// Calls `f(from, to, count)` for pieces of the loop `last` at every position of the loops `outer`, on several
    /// threads; `cost` is that of one step of `last`.
    fn walk(&self, outer: &[Loop], last: Loop, piece: usize, cost: usize, f: impl Fn(isize, isize, usize) + Sync) {
        let pieces = last.extent.div_ceil(piece);
        let total = outer.iter().map(|l| l.extent).product::<usize>() * pieces;
        let unit_cost = piece.min(last.extent).saturating_mul(cost);
        let group = chunk_rows(unit_cost);
        map_indices(total.div_ceil(group), group.saturating_mul(unit_cost), |g| {
            let mut position = Position::new(self, outer, g * group / pieces);
            let mut part = g * group % pieces;
            for _ in g * group..(g * group + group).min(total) {
                let skip = (part * piece) as isize;
                let count = piece.min(last.extent - part * piece);
                f(position.from + skip * last.from, position.to + skip * last.to, count);
                part += 1;
                if part == pieces {
                    part = 0;
                    position.advance(outer);
                }
            }
        });
    }

    /// Panics unless every element lies inside of slices of these lengths, each at its own place in the output.
    fn check(&self, src: usize, out: usize) {
        let span = |start: isize, stride: fn(&Loop) -> isize| {
            self.loops.iter().fold((start, start), |(low, high), l| {
                let reach = stride(l) * (l.extent as isize - 1);
                (low + reach.min(0), high + reach.max(0))
            })
        };
        let inside = |(low, high): (isize, isize), len: usize| low >= 0 && high < len as isize;
        assert!(inside(span(self.from, |l| l.from), src), "copy reads outside of its source");
        assert!(inside(span(self.to, |l| l.to), out), "copy writes outside of its target");
        let mut reach = 0;
        for l in self.loops.iter().rev() {
            assert!(l.to.unsigned_abs() > reach, "copy writes a place twice");
            reach += l.to.unsigned_abs() * (l.extent - 1);
        }
    }
}

/// Where a walk over the outer loops has come to.
struct Position {
    index: [usize; MAX_AXES],
    from: isize,
    to: isize,
}

impl Position {
    fn new(nest: &Nest, loops: &[Loop], mut at: usize) -> Position {
        assert!(loops.len() <= MAX_AXES, "copy of too many dimensions");
        let mut position = Position { index: [0; MAX_AXES], from: nest.from, to: nest.to };
        for (i, l) in loops.iter().enumerate().rev() {
            let index = at % l.extent;
            at /= l.extent;
            position.index[i] = index;
            position.from += index as isize * l.from;
            position.to += index as isize * l.to;
        }
        position
    }

    fn advance(&mut self, loops: &[Loop]) {
        for (i, l) in loops.iter().enumerate().rev() {
            self.index[i] += 1;
            self.from += l.from;
            self.to += l.to;
            if self.index[i] < l.extent {
                return;
            }
            self.index[i] = 0;
            self.from -= l.extent as isize * l.from;
            self.to -= l.extent as isize * l.to;
        }
    }
}

/// The memory of a copy.
struct Place<U> {
    src: *const U,
    out: *mut U,
}

// SAFETY: `src` is only read; threads write disjoint places of `out` (`Nest::check`).
unsafe impl<U: Sync + Send> Sync for Place<U> {}

impl<U: Copy + Send + Sync> Place<U> {
    /// Copies one row of `l.extent` elements.
    ///
    /// # Safety
    /// Every element of the row must lie inside of the slices, and nobody else may access its target.
    #[inline(always)]
    unsafe fn row(&self, from: isize, to: isize, l: Loop) {
        // SAFETY: the caller vouches for every element; source and target come from different slices.
        unsafe {
            let (src, out) = (self.src.offset(from), self.out.offset(to));
            match (l.from, l.to) {
                (1, 1) => std::ptr::copy_nonoverlapping(src, out, l.extent),
                (0, 1) => std::slice::from_raw_parts_mut(out, l.extent).fill(*src),
                _ => (0..l.extent as isize).for_each(|k| *out.offset(k * l.to) = *src.offset(k * l.from)),
            }
        }
    }
    /// Copies a square by way of a buffer, so that both sides are accessed in whole cache lines.
    ///
    /// # Safety
    /// As for `row`; neither extent may exceed `TILE` or be 0.
    unsafe fn square(&self, from: isize, to: isize, inner: Loop, across: Loop) {
        // SAFETY: the caller vouches for every element, of which this is the first.
        let mut tile = [unsafe { *self.src.offset(from) }; TILE * TILE];
        for a in 0..inner.extent {
            for k in 0..across.extent {
                let from = from + a as isize * inner.from + k as isize * across.from;
                // SAFETY: as above.
                tile[k * TILE + a] = unsafe { *self.src.offset(from) };
            }
        }
        for (k, line) in tile.chunks_exact(TILE).take(across.extent).enumerate() {
            let to = to + k as isize * across.to;
            for (a, &value) in line[..inner.extent].iter().enumerate() {
                // SAFETY: as above, and nobody else accesses the target.
                unsafe { *self.out.offset(to + a as isize * inner.to) = value };
            }
        }
    }
}
