//! Batch normalisation in single precision: passes over strips of vectors with statistics for every lane.
//!
//! Sums are kept in single precision for a bounded number of vectors, relative to a shift close to the mean, then in
//! double precision. Strips are cut by their shape alone.

use crate::simd::{Lanes, tiered};

/// Lanes of a vector.
pub(super) const LANES: usize = 16;
/// A value for every lane.
pub(super) type Values = [f32; LANES];

/// Vectors that are summed in single precision.
const FOLD: usize = 256;
/// Vectors of one part of a strip.
const PART: usize = 4096;

/// Vectors that share their statistics: `lines` lines, `line_step` elements apart, of `full` vectors, `step` elements
/// apart, and one of `tail < 16` elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strip {
    pub start: usize,
    pub lines: usize,
    pub line_step: usize,
    pub full: usize,
    pub step: usize,
    pub tail: usize,
}

impl Strip {
    /// Elements.
    pub fn elements(&self) -> usize {
        self.lines * (self.full * LANES + self.tail)
    }

    /// Vectors of one line.
    fn vectors(&self) -> usize {
        self.full + (self.tail > 0) as usize
    }

    /// The parts that tasks work on, in order.
    pub fn parts(&self) -> Vec<Strip> {
        if self.full < 2 * PART {
            let lines = (PART / self.vectors().max(1)).max(1);
            let part = |first: usize| Strip {
                start: self.start + first * self.line_step,
                lines: lines.min(self.lines - first),
                ..*self
            };
            return (0..self.lines).step_by(lines).map(part).collect();
        }
        let piece = |line: usize, first: usize| {
            let (full, last) = (PART.min(self.full - first), first + PART >= self.full);
            let start = self.start + line * self.line_step + first * self.step;
            Strip { start, lines: 1, full, tail: if last { self.tail } else { 0 }, ..*self }
        };
        (0..self.lines).flat_map(|line| (0..self.full).step_by(PART).map(move |first| piece(line, first))).collect()
    }

    /// Its first elements, from which a mean is guessed.
    pub fn head(&self) -> Strip {
        let tail = if self.full == 0 { self.tail } else { 0 };
        Strip { lines: self.lines.min(1), full: self.full.min(64), tail, ..*self }
    }

    /// Calls `f(offset, elements)` for every vector.
    #[inline(always)]
    unsafe fn for_vectors(&self, mut f: impl FnMut(usize, usize)) {
        for line in 0..self.lines {
            let start = self.start + line * self.line_step;
            (0..self.full).for_each(|i| f(start + i * self.step, LANES));
            if self.tail > 0 {
                f(start + self.full * self.step, self.tail);
            }
        }
    }

    /// The sums over all vectors of the pairs that `f(offset, elements)` gives.
    #[inline(always)]
    unsafe fn sums<V: Lanes>(&self, f: impl Fn(usize, usize) -> [V; 2]) -> [[f64; LANES]; 2] {
        let mut totals = [[0.0; LANES]; 2];
        let (mut even, mut odd, mut count) = ([V::zero(); 2], [V::zero(); 2], 0);
        for line in 0..self.lines {
            let start = self.start + line * self.line_step;
            let mut at = 0;
            while at < self.full {
                let end = self.full.min(at + FOLD);
                count += end - at;
                while at + 2 <= end {
                    even = plus(even, f(start + at * self.step, LANES));
                    odd = plus(odd, f(start + (at + 1) * self.step, LANES));
                    at += 2;
                }
                if at < end {
                    even = plus(even, f(start + at * self.step, LANES));
                    at += 1;
                }
                if count >= FOLD {
                    fold(&mut totals, plus(even, odd));
                    (even, odd, count) = ([V::zero(); 2], [V::zero(); 2], 0);
                }
            }
            if self.tail > 0 {
                odd = plus(odd, f(start + self.full * self.step, self.tail));
                count += 1;
            }
        }
        fold(&mut totals, plus(even, odd));
        totals
    }
}

#[inline(always)]
fn plus<V: Lanes>(a: [V; 2], b: [V; 2]) -> [V; 2] {
    [a[0].add(b[0]), a[1].add(b[1])]
}

#[inline(always)]
fn fold<V: Lanes>(totals: &mut [[f64; LANES]; 2], sums: [V; 2]) {
    for (total, sum) in totals.iter_mut().zip(sums) {
        total.iter_mut().zip(sum.to_array()).for_each(|(t, s)| *t += s as f64);
    }
}

/// # Safety
/// `from` must be good for `n` reads.
#[inline(always)]
unsafe fn get<V: Lanes>(from: *const f32, n: usize) -> V {
    // SAFETY: the caller's contract.
    unsafe { if n == LANES { V::load(from) } else { V::load_part(from, n) } }
}

/// # Safety
/// `to` must be good for `n` writes.
#[inline(always)]
unsafe fn put<V: Lanes>(v: V, to: *mut f32, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { if n == LANES { v.store(to) } else { v.store_part(to, n) } }
}

/// The first `n` lanes, the others 0.
#[inline(always)]
fn first<V: Lanes>(v: V, n: usize) -> V {
    const INDEX: Values = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];
    if n == LANES {
        return v;
    }
    // SAFETY: there are 16 indices.
    unsafe { V::load(INDEX.as_ptr()) }.if_less(V::splat(n as f32), v, V::zero())
}

#[inline(always)]
fn values<V: Lanes>(v: &Values) -> V {
    // SAFETY: the array has 16 elements.
    unsafe { V::load(v.as_ptr()) }
}

/// What makes the output from the data: `(x - mean) * scale + shift`, and no less than 0 with `relu`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub mean: Values,
    pub scale: Values,
    pub shift: Values,
    pub relu: bool,
}

/// What makes the gradient from that of the output, `g`: `scale * g + shift + tilt * (x - mean)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    pub scale: Values,
    pub shift: Values,
    pub tilt: Values,
}

tiered! {
    /// The sums over the strip of `x - shift` and of its square.
    ///
    /// # Safety
    /// The strip must lie inside of `x`.
    pub(super) unsafe fn moments<V>(x: *const f32, strip: &Strip, shift: &Values) -> [[f64; LANES]; 2] {
        let shift = values::<V>(shift);
        strip.sums(|at, n| {
            // SAFETY: the strip lies inside of `x`.
            let d = first(unsafe { get::<V>(x.add(at), n) }.sub(shift), n);
            [d, d.mul(d)]
        })
    }
}

tiered! {
    /// Writes the output of the strip.
    ///
    /// # Safety
    /// The strip must lie inside of `x` and of `out`, where no other thread may touch it.
    pub(super) unsafe fn normalise<V>(x: *const f32, out: *mut f32, strip: &Strip, line: &Line) {
        let (mean, scale, shift) = (values::<V>(&line.mean), values(&line.scale), values(&line.shift));
        let least = V::splat(if line.relu { 0.0 } else { f32::NEG_INFINITY });
        strip.for_vectors(|at, n| {
            // SAFETY: the strip lies inside of both; the maximum keeps NaN.
            unsafe { put(least.max(get::<V>(x.add(at), n).sub(mean).mul_add(scale, shift)), out.add(at), n) }
        })
    }
}

/// The gradient of the output, without that of negative outputs.
#[inline(always)]
fn masked<V: Lanes>(d: V, g: V, relu: bool, scale: V, shift: V) -> V {
    if relu { V::zero().if_less(d.mul_add(scale, shift), g, V::zero()) } else { g }
}

tiered! {
    /// The sums over the strip of the output's gradient and of its product with `x - mean`.
    ///
    /// # Safety
    /// The strip must lie inside of `x` and `g`.
    pub(super) unsafe fn products<V>(x: *const f32, g: *const f32, strip: &Strip, line: &Line) -> [[f64; LANES]; 2] {
        let (mean, scale, shift, relu) = (values::<V>(&line.mean), values(&line.scale), values(&line.shift), line.relu);
        strip.sums(|at, n| {
            // SAFETY: the strip lies inside of both.
            let (x, g) = unsafe { (get::<V>(x.add(at), n), get::<V>(g.add(at), n)) };
            let d = x.sub(mean);
            let g = masked(d, g, relu, scale, shift);
            [g, d.mul(g)]
        })
    }
}

tiered! {
    /// Writes the gradient of the strip.
    ///
    /// # Safety
    /// The strip must lie inside of `x`, `g` and `dx`, where no other thread may touch it.
    pub(super) unsafe fn descend<V>(x: *const f32, g: *const f32, dx: *mut f32, strip: &Strip, line: &Line, slope: &Slope) {
        let (mean, forward, beta, relu) = (values::<V>(&line.mean), values(&line.scale), values(&line.shift), line.relu);
        let (scale, shift, tilt) = (values::<V>(&slope.scale), values(&slope.shift), values(&slope.tilt));
        strip.for_vectors(|at, n| {
            // SAFETY: the strip lies inside of all.
            unsafe {
                let (d, g) = (get::<V>(x.add(at), n).sub(mean), get::<V>(g.add(at), n));
                let g = masked(d, g, relu, forward, beta);
                put(g.mul_add(scale, d.mul_add(tilt, shift)), dx.add(at), n);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(s: &Strip) -> Vec<(usize, usize)> {
        let mut all = vec![];
        // SAFETY: nothing is read.
        unsafe { s.for_vectors(|at, n| all.push((at, n))) };
        all
    }

    #[test]
    fn the_parts_are_the_whole() {
        for (lines, full, tail) in
            [(1, 3 * PART + 5, 7), (3, 2 * PART, 0), (9, 1000, 3), (70, 0, 3), (0, 5, 0), (5000, 1, 0)]
        {
            let strip = Strip { start: 3, lines, line_step: 1 << 20, full, step: 16, tail };
            let parts = strip.parts();
            let joined: Vec<_> = parts.iter().flat_map(offsets).collect();
            assert_eq!(joined, offsets(&strip));
            assert_eq!(parts.iter().map(Strip::elements).sum::<usize>(), strip.elements());
            assert!(parts.iter().all(|p| p.lines * p.vectors() <= 2 * PART));
        }
    }
}
