//! Folding single-precision numbers into double-precision accumulators on vectors: 16 of them side by side on every
//! tier, so that all tiers give the same bits.

use crate::simd::{tier, tiered};
use rsym_tensor::{DType, Element};

/// What is done with one more number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Single {
    Sum,
    Max,
    Min,
    L1,
    L2,
}

const LANES: usize = 16;

/// The numbers as single precision, if they are.
pub(super) fn numbers<T: Element>(x: &[T]) -> Option<&[f32]> {
    // SAFETY: `Element` is sealed with one type per DTYPE, so T is f32.
    (T::DTYPE == DType::Float32).then(|| unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) })
}

/// The accumulators as double precision, if they are.
fn accumulators<A: Element>(x: &mut [A]) -> Option<&mut [f64]> {
    // SAFETY: `Element` is sealed with one type per DTYPE, so A is f64.
    (A::DTYPE == DType::Float64).then(|| unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) })
}

/// All of the numbers, folded.
pub(super) fn slice(kind: Single, xs: &[f32]) -> f64 {
    match kind {
        Single::Sum => sum(tier(), xs),
        Single::L1 => sizes(tier(), xs),
        Single::L2 => squares(tier(), xs),
        Single::Max => extreme(tier(), true, xs) as f64,
        Single::Min => extreme(tier(), false, xs) as f64,
    }
}

/// The sum of the squares, in double precision.
pub(crate) fn squares_of<T: Element>(x: &[T]) -> f64 {
    match numbers(x) {
        Some(xs) => squares(tier(), xs),
        None => x.iter().map(|v| v.to_f64() * v.to_f64()).sum(),
    }
}

/// Folds `acc[i]` with `row[i]`; false if these are not single and double precision.
pub(super) fn row<T: Element, A: Element>(kind: Single, row: &[T], acc: &mut [A]) -> bool {
    let (Some(row), Some(acc)) = (numbers(row), accumulators(acc)) else { return false };
    step(tier(), kind, row, acc);
    true
}

/// Declares the sum of a function of every number.
macro_rules! sum {
    ($name:ident, |$x:ident| $value:expr) => {
        tiered! {
            fn $name<V>(xs: &[f32]) -> f64 {
                let (mut lanes, chunks) = ([0f64; LANES], xs.chunks_exact(LANES));
                let rest = chunks.remainder();
                for chunk in chunks {
                    for l in 0..LANES {
                        let $x = chunk[l] as f64;
                        lanes[l] += $value;
                    }
                }
                for (lane, &x) in lanes.iter_mut().zip(rest) {
                    let $x = x as f64;
                    *lane += $value;
                }
                lanes.iter().sum()
            }
        }
    };
}

sum!(sum, |x| x);
sum!(sizes, |x| x.abs());
sum!(squares, |x| x * x);

tiered! {
    /// The greatest or least number; NaN if there is one.
    fn extreme<V>(greatest: bool, xs: &[f32]) -> f32 {
        let start = if greatest { f32::NEG_INFINITY } else { f32::INFINITY };
        let (mut even, mut odd, mut chunks) = (V::splat(start), V::splat(start), xs.chunks_exact(2 * LANES));
        for chunk in &mut chunks {
            // SAFETY: the chunk has 32 elements.
            let (x, y) = unsafe { (V::load(chunk.as_ptr()), V::load(chunk.as_ptr().add(LANES))) };
            if greatest {
                (even, odd) = (x.if_nan(x, x.max(even)), y.if_nan(y, y.max(odd)));
            } else {
                (even, odd) = (x.if_nan(x, x.min(even)), y.if_nan(y, y.min(odd)));
            }
        }
        let (even, odd) = (even.to_array(), odd.to_array());
        let mut best = start;
        for &x in even.iter().chain(&odd).chain(chunks.remainder()) {
            let better = if greatest { x > best } else { x < best };
            best = if better || x.is_nan() { x } else { best };
        }
        best
    }
}

tiered! {
    fn step<V>(kind: Single, row: &[f32], acc: &mut [f64]) {
        let pairs = acc.iter_mut().zip(row).map(|(a, &x)| (a, x as f64));
        match kind {
            Single::Sum => pairs.for_each(|(a, x)| *a += x),
            Single::L1 => pairs.for_each(|(a, x)| *a += x.abs()),
            Single::L2 => pairs.for_each(|(a, x)| *a += x * x),
            Single::Max => pairs.for_each(|(a, x)| *a = if *a >= x || a.is_nan() { *a } else { x }),
            Single::Min => pairs.for_each(|(a, x)| *a = if *a <= x || a.is_nan() { *a } else { x }),
        }
    }
}
