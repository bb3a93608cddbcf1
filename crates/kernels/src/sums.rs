//! Sums in double precision over lanes: exact enough for statistics, and open to vector instructions.

use crate::real::{Real, double};

const LANES: usize = 8;

/// The sum of `f` over the elements.
#[inline]
pub(crate) fn sum_by<C: Real>(x: &[C], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|&v| f(double(v))).sum();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += f(double(v));
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The sum of `f` over the pairs of elements.
#[inline]
pub(crate) fn sum_by2<C: Real>(x: &[C], y: &[C], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(&a, &b)| f(double(a), double(b))).sum();
    for (a, b) in xs.zip(ys) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += f(double(a), double(b));
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The sum of the elements.
pub(crate) fn sum<C: Real>(x: &[C]) -> f64 {
    sum_by(x, |v| v)
}

/// The greatest element, -infinity without any; NaN loses against every number.
#[inline]
pub(crate) fn max<C: Real>(x: &[C]) -> C {
    let larger = |a: C, b: C| if b > a { b } else { a };
    let mut lanes = [C::neg_infinity(); LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(C::neg_infinity(), |m, &v| larger(m, v));
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, v);
        }
    }
    lanes.iter().fold(rest, |m, &v| larger(m, v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_match_plain_sums() {
        for n in [0, 1, 7, 8, 9, 33] {
            let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let want: f64 = (0..n).map(|i| i as f64).sum();
            assert_eq!(sum(&x), want);
            assert_eq!(sum_by2(&x, &x, |a, b| a - 2.0 * b), -want);
        }
    }

    #[test]
    fn maximum_is_found_in_every_place() {
        for n in [1, 7, 8, 9, 33] {
            for at in 0..n {
                let x: Vec<f32> = (0..n).map(|i| if i == at { 2.0 } else { -(i as f32) - 1.0 }).collect();
                assert_eq!(max(&x), 2.0);
            }
        }
        assert_eq!(max::<f32>(&[]), f32::NEG_INFINITY);
        assert_eq!(max(&[f32::NAN, 1.0]), 1.0);
    }

    #[test]
    fn a_large_offset_does_not_drown_small_parts() {
        let x = vec![1e6f32 + 0.25; 1 << 16];
        assert_eq!(sum(&x) / x.len() as f64, 1e6 + 0.25);
    }
}
