//! Passes over lines of single-precision numbers, for the bodies of tiered functions.
//!
//! Sums are kept in single precision for a bounded number of vectors, then in double precision; their order depends on
//! the length of the line alone.

use crate::simd::Lanes;

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;
/// Vectors that are summed in single precision.
pub(crate) const FOLD: usize = 128;

/// Runs `$body` for every vector of a line of `$len` elements, `$at` being its offset and `$n` its elements: [`LANES`], or
/// fewer in the last one. The body is compiled once for each, so that it may be large and branch on `$n`.
macro_rules! for_vectors {
    ($len:expr, |$at:ident, $n:ident| $body:expr) => {{
        let (len, mut $at) = ($len, 0);
        while $at + $crate::lines::LANES <= len {
            let $n = $crate::lines::LANES;
            $body;
            $at += $n;
        }
        if $at < len {
            let $n = len - $at;
            $body;
        }
    }};
}
pub(crate) use for_vectors;

/// The sums over a line of the array of vectors that `$body` gives, as [`for_vectors`] runs it; lanes without an element
/// must be 0.
macro_rules! sums {
    ($v:ident, $k:literal, $len:expr, |$at:ident, $n:ident| $body:expr) => {{
        let (mut totals, mut sums, mut count) = ([0.0; $k], [$v::zero(); $k], 0);
        $crate::lines::for_vectors!($len, |$at, $n| {
            sums = $crate::lines::plus(sums, $body);
            count += 1;
            if count % $crate::lines::FOLD == 0 {
                $crate::lines::fold(&mut totals, &mut sums);
            }
        });
        $crate::lines::fold(&mut totals, &mut sums);
        totals
    }};
}
pub(crate) use sums;

#[inline(always)]
pub(crate) fn plus<V: Lanes, const N: usize>(mut a: [V; N], b: [V; N]) -> [V; N] {
    for k in 0..N {
        a[k] = a[k].add(b[k]);
    }
    a
}

/// Moves sums to double precision.
#[inline(always)]
pub(crate) fn fold<V: Lanes, const N: usize>(totals: &mut [f64; N], sums: &mut [V; N]) {
    for k in 0..N {
        totals[k] += sums[k].sum() as f64;
        sums[k] = V::zero();
    }
}

/// Loads the `n` elements at `x + at`, the other lanes 0.
///
/// # Safety
/// They must be good for reads.
#[inline(always)]
pub(crate) unsafe fn load<V: Lanes>(x: *const f32, at: usize, n: usize) -> V {
    // SAFETY: the caller's contract.
    unsafe { if n == LANES { V::load(x.add(at)) } else { V::load_part(x.add(at), n) } }
}

/// Stores the first `n` lanes at `x + at`.
///
/// # Safety
/// They must be good for writes.
#[inline(always)]
pub(crate) unsafe fn store<V: Lanes>(v: V, x: *mut f32, at: usize, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { if n == LANES { v.store(x.add(at)) } else { v.store_part(x.add(at), n) } }
}

/// The first `n` lanes, the others `fill`.
#[inline(always)]
pub(crate) fn keep<V: Lanes>(v: V, n: usize, fill: f32) -> V {
    if n == LANES {
        return v;
    }
    let mut lanes = [fill; LANES];
    // SAFETY: the array has 16 elements.
    unsafe {
        v.store_part(lanes.as_mut_ptr(), n);
        V::load(lanes.as_ptr())
    }
}
