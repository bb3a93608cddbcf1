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

    /// Lets `f` write every vector.
    ///
    /// # Safety
    /// The strip must lie inside of what `f` reads and writes.
    #[inline(always)]
    unsafe fn write(&self, f: &impl Write) {
        for line in 0..self.lines {
            let start = self.start + line * self.line_step;
            for i in 0..self.full {
                // SAFETY: the caller's contract.
                unsafe { f.write(start + i * self.step, LANES) };
            }
            if self.tail > 0 {
                // SAFETY: the caller's contract.
                unsafe { f.write(start + self.full * self.step, self.tail) };
            }
        }
    }

    /// The sums of the terms of all vectors.
    ///
    /// # Safety
    /// The strip must lie inside of what `f` reads.
    #[inline(always)]
    unsafe fn sums<V: Lanes>(&self, f: &impl Terms<V>) -> [[f64; LANES]; 2] {
        let mut totals = [[0.0; LANES]; 2];
        let (mut even, mut odd, mut count) = ([V::zero(); 2], [V::zero(); 2], 0);
        for line in 0..self.lines {
            let start = self.start + line * self.line_step;
            let mut at = 0;
            while at < self.full {
                let end = self.full.min(at + FOLD);
                count += end - at;
                // SAFETY: the caller's contract.
                unsafe {
                    while at + 2 <= end {
                        even = plus(even, f.terms(start + at * self.step, LANES));
                        odd = plus(odd, f.terms(start + (at + 1) * self.step, LANES));
                        at += 2;
                    }
                    if at < end {
                        even = plus(even, f.terms(start + at * self.step, LANES));
                        at += 1;
                    }
                }
                if count >= FOLD {
                    fold(&mut totals, plus(even, odd));
                    (even, odd, count) = ([V::zero(); 2], [V::zero(); 2], 0);
                }
            }
            if self.tail > 0 {
                // SAFETY: the caller's contract.
                odd = plus(odd, unsafe { f.terms(start + self.full * self.step, self.tail) });
                count += 1;
            }
        }
        fold(&mut totals, plus(even, odd));
        totals
    }
}

/// What is summed. A trait, for a closure may stay a function of its own, without the instructions of the tier.
trait Terms<V> {
    /// The terms of the vector of `n` elements at `at`, which must be readable.
    unsafe fn terms(&self, at: usize, n: usize) -> [V; 2];
}

/// What is written.
trait Write {
    /// Writes the vector of `n` elements at `at`, which must be readable and writable.
    unsafe fn write(&self, at: usize, n: usize);
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

struct Moments<V> {
    x: *const f32,
    shift: V,
}

impl<V: Lanes> Terms<V> for Moments<V> {
    #[inline(always)]
    unsafe fn terms(&self, at: usize, n: usize) -> [V; 2] {
        // SAFETY: the caller's contract.
        let d = first(unsafe { get::<V>(self.x.add(at), n) }.sub(self.shift), n);
        [d, d.mul(d)]
    }
}

tiered! {
    /// The sums over the strip of `x - shift` and of its square.
    ///
    /// # Safety
    /// The strip must lie inside of `x`.
    pub(super) unsafe fn moments<V>(x: *const f32, strip: &Strip, shift: &Values) -> [[f64; LANES]; 2] {
        strip.sums(&Moments { x, shift: values::<V>(shift) })
    }
}

/// A [`Line`] in registers.
#[derive(Clone, Copy)]
struct Affine<V> {
    mean: V,
    scale: V,
    shift: V,
    /// 0 with `relu`, else -infinity.
    least: V,
}

impl<V: Lanes> Affine<V> {
    #[inline(always)]
    fn new(line: &Line) -> Self {
        let least = V::splat(if line.relu { 0.0 } else { f32::NEG_INFINITY });
        Affine { mean: values(&line.mean), scale: values(&line.scale), shift: values(&line.shift), least }
    }

    /// The output for `x - mean`; the maximum keeps NaN.
    #[inline(always)]
    fn of(&self, d: V) -> V {
        self.least.max(d.mul_add(self.scale, self.shift))
    }

    /// The gradient of the output `g` where the output for `x - mean` is above the least, 0 elsewhere.
    #[inline(always)]
    fn passed(&self, d: V, g: V) -> V {
        self.least.if_less(d.mul_add(self.scale, self.shift), g, V::zero())
    }
}

struct Normal<V> {
    x: *const f32,
    out: *mut f32,
    line: Affine<V>,
}

impl<V: Lanes> Write for Normal<V> {
    #[inline(always)]
    unsafe fn write(&self, at: usize, n: usize) {
        // SAFETY: the caller's contract.
        unsafe { put(self.line.of(get::<V>(self.x.add(at), n).sub(self.line.mean)), self.out.add(at), n) }
    }
}

tiered! {
    /// Writes the output of the strip.
    ///
    /// # Safety
    /// The strip must lie inside of `x` and of `out`, where no other thread may touch it.
    pub(super) unsafe fn normalise<V>(x: *const f32, out: *mut f32, strip: &Strip, line: &Line) {
        strip.write(&Normal { x, out, line: Affine::<V>::new(line) })
    }
}

/// Sums for a gradient; `RELU` where the output was rectified.
struct Products<V, const RELU: bool> {
    x: *const f32,
    g: *const f32,
    line: Affine<V>,
}

impl<V: Lanes, const RELU: bool> Terms<V> for Products<V, RELU> {
    #[inline(always)]
    unsafe fn terms(&self, at: usize, n: usize) -> [V; 2] {
        // SAFETY: the caller's contract.
        let (x, g) = unsafe { (get::<V>(self.x.add(at), n), get::<V>(self.g.add(at), n)) };
        let d = x.sub(self.line.mean);
        let g = if RELU { self.line.passed(d, g) } else { g };
        [g, d.mul(g)]
    }
}

tiered! {
    /// The sums over the strip of the output's gradient and of its product with `x - mean`.
    ///
    /// # Safety
    /// The strip must lie inside of `x` and `g`.
    pub(super) unsafe fn products<V>(x: *const f32, g: *const f32, strip: &Strip, line: &Line) -> [[f64; LANES]; 2] {
        let affine = Affine::<V>::new(line);
        if line.relu {
            strip.sums(&Products::<V, true> { x, g, line: affine })
        } else {
            strip.sums(&Products::<V, false> { x, g, line: affine })
        }
    }
}

/// The gradient; `RELU` where the output was rectified.
struct Descent<V, const RELU: bool> {
    x: *const f32,
    g: *const f32,
    dx: *mut f32,
    line: Affine<V>,
    scale: V,
    shift: V,
    tilt: V,
}

impl<V: Lanes, const RELU: bool> Write for Descent<V, RELU> {
    #[inline(always)]
    unsafe fn write(&self, at: usize, n: usize) {
        // SAFETY: the caller's contract.
        unsafe {
            let (d, g) = (get::<V>(self.x.add(at), n).sub(self.line.mean), get::<V>(self.g.add(at), n));
            let g = if RELU { self.line.passed(d, g) } else { g };
            put(g.mul_add(self.scale, d.mul_add(self.tilt, self.shift)), self.dx.add(at), n);
        }
    }
}

tiered! {
    /// Writes the gradient of the strip.
    ///
    /// # Safety
    /// The strip must lie inside of `x`, `g` and `dx`, where no other thread may touch it.
    pub(super) unsafe fn descend<V>(x: *const f32, g: *const f32, dx: *mut f32, strip: &Strip, line: &Line, slope: &Slope) {
        let affine = Affine::<V>::new(line);
        let (scale, shift, tilt) = (values::<V>(&slope.scale), values::<V>(&slope.shift), values::<V>(&slope.tilt));
        if line.relu {
            strip.write(&Descent::<V, true> { x, g, dx, line: affine, scale, shift, tilt })
        } else {
            strip.write(&Descent::<V, false> { x, g, dx, line: affine, scale, shift, tilt })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Offsets(std::cell::RefCell<Vec<(usize, usize)>>);

    impl Write for Offsets {
        unsafe fn write(&self, at: usize, n: usize) {
            self.0.borrow_mut().push((at, n));
        }
    }

    fn offsets(s: &Strip) -> Vec<(usize, usize)> {
        let all = Offsets(Default::default());
        // SAFETY: nothing is read.
        unsafe { s.write(&all) };
        all.0.into_inner()
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
