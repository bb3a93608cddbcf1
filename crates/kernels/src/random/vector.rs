//! Fills of single-precision memory, 16 counters at a time. Uniform numbers and choices are those of the general fills.

use super::fill::uniform_single;
use super::philox::philox4x32_16;
use crate::parallel::for_row_chunks;
use crate::simd::{Lanes, Tier, WIDTH, functions, tier, tiered};

/// Numbers that 16 counters give.
const GROUP: usize = 64;

/// As [`super::bernoulli`]: `on` where the word is below the threshold of 33 bits, else 0.
pub(super) fn bernoulli(key: [u32; 2], threshold: u64, on: f32, out: &mut [f32]) {
    let limit = (threshold as u32, threshold >> 32 != 0);
    in_groups(out, GROUP / 2, |tier, group, out| choose(tier, key, group, limit, on, out));
}

/// As [`super::uniform`].
pub(super) fn uniform(key: [u32; 2], low: f64, high: f64, out: &mut [f32]) {
    in_groups(out, GROUP, |tier, group, out| spread(tier, key, group, (low, high), out));
}

/// Normal numbers, by the method of Box and Muller in single precision.
pub(super) fn normal(key: [u32; 2], mean: f64, deviation: f64, out: &mut [f32]) {
    let (mean, deviation) = (mean as f32, deviation as f32);
    in_groups(out, 3 * GROUP, |tier, group, out| bells(tier, key, group, (mean, deviation), out));
}

/// Calls `fill(tier, number of the group, group)` for the groups of `out`, the last of which may be cut off.
fn in_groups(out: &mut [f32], cost: usize, fill: impl Fn(Tier, usize, &mut [f32]) + Sync) {
    let tier = tier();
    for_row_chunks(out, GROUP, cost, |first, part| {
        let mut groups = part.chunks_exact_mut(GROUP);
        let count = groups.len();
        groups.by_ref().enumerate().for_each(|(i, out)| fill(tier, first + i, out));
        let rest = groups.into_remainder();
        if !rest.is_empty() {
            let mut last = [0.0; GROUP];
            fill(tier, first + count, &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    });
}

tiered! {
    fn choose<V>(key: [u32; 2], group: usize, limit: (u32, bool), on: f32, out: &mut [f32]) {
        let words = philox4x32_16(16 * group as u64, key);
        for (i, out) in out.chunks_exact_mut(4).take(16).enumerate() {
            for (j, o) in out.iter_mut().enumerate() {
                *o = if words[j][i] < limit.0 || limit.1 { on } else { 0.0 };
            }
        }
    }
}

tiered! {
    fn spread<V>(key: [u32; 2], group: usize, range: (f64, f64), out: &mut [f32]) {
        let words = philox4x32_16(16 * group as u64, key);
        for (i, out) in out.chunks_exact_mut(4).take(16).enumerate() {
            for (j, o) in out.iter_mut().enumerate() {
                *o = uniform_single(words[j][i], range.0, range.1);
            }
        }
    }
}

tiered! {
    fn bells<V>(key: [u32; 2], group: usize, bell: (f32, f32), out: &mut [f32]) {
        let words = philox4x32_16(16 * group as u64, key);
        let (mut values, [mean, deviation]) = ([[0.0; WIDTH]; 4], [bell.0, bell.1].map(V::splat));
        for half in [0, 2] {
            let pair = box_muller::<V>(&words[half], &words[half + 1]);
            values[half] = pair[0].mul_add(deviation, mean).to_array();
            values[half + 1] = pair[1].mul_add(deviation, mean).to_array();
        }
        for (i, out) in out.chunks_exact_mut(4).take(WIDTH).enumerate() {
            out.iter_mut().zip(&values).for_each(|(o, v)| *o = v[i]);
        }
    }
}

/// Two independent standard normal numbers of every two words.
#[inline(always)]
fn box_muller<V: Lanes>(radius: &[u32; WIDTH], angle: &[u32; WIDTH]) -> [V; 2] {
    const UNIT: f32 = 1.0 / 4_294_967_296.0;
    let lanes = |x: [f32; WIDTH]| {
        // SAFETY: the array has as many numbers as are read.
        unsafe { V::load(x.as_ptr()) }
    };
    let u = lanes(radius.map(|w| w as f32)).add(V::splat(0.5)).mul(V::splat(UNIT));
    let r = functions::log(u).mul(V::splat(-2.0)).max(V::zero()).sqrt();
    // The angle less half a turn, as a part of a turn: it turns both numbers by 180 degrees, which changes nothing.
    let (sin, cos) = sin_cos_turn(lanes(angle.map(|w| w as i32 as f32)).mul(V::splat(UNIT)));
    [r.mul(cos), r.mul(sin)]
}

/// Sine and cosine of `x` turns, `|x|` at most a half, within 4e-7: by Taylor's series of half the angle.
#[inline(always)]
fn sin_cos_turn<V: Lanes>(x: V) -> (V, V) {
    const SIN: [f32; 6] = [-1.0 / 39_916_800.0, 1.0 / 362_880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0, 1.0];
    const COS: [f32; 7] =
        [1.0 / 479_001_600.0, -1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0, -0.5, 1.0];
    let half = x.mul(V::splat(std::f32::consts::PI));
    let square = half.mul(half);
    let sin = functions::polynomial(square, &SIN).mul(half);
    let cos = functions::polynomial(square, &COS);
    let twice = sin.add(sin);
    (twice.mul(cos), twice.mul_add(sin.mul(V::splat(-1.0)), V::splat(1.0)))
}

#[cfg(test)]
mod tests {
    use super::super::fill::box_muller;
    use super::super::philox::philox4x32;
    use super::*;
    use crate::simd::{available, with_tier};

    #[test]
    fn normal_numbers_follow_the_formula_on_every_tier() {
        let (key, n) = ([3, 5], 1001);
        let unit = |w: u32| (w as f64 + 0.5) / 4_294_967_296.0;
        let expected: Vec<f64> = (0..n as u32)
            .flat_map(|i| {
                let w = philox4x32([i, 0, 0, 0], key);
                let pair = |a: u32, b: u32| box_muller(unit(a), b as i32 as f64 / 4_294_967_296.0);
                [pair(w[0], w[1]), pair(w[2], w[3])].concat()
            })
            .map(|z| 1.0 + 2.0 * z)
            .take(n)
            .collect();
        for tier in available() {
            let mut out = vec![f32::NAN; n];
            with_tier(tier, || normal(key, 1.0, 2.0, &mut out));
            for (i, (got, want)) in out.iter().zip(&expected).enumerate() {
                assert!((*got as f64 - want).abs() < 1e-5, "{tier}: number {i} is {got} instead of {want}");
            }
        }
    }

    #[test]
    fn extreme_words_give_finite_numbers() {
        let words = [0, 1, u32::MAX, u32::MAX - 1, 1 << 31, (1 << 31) - 1, 1 << 30, 3 << 30];
        let radius: [u32; WIDTH] = std::array::from_fn(|i| words[i % 8]);
        for (k, &angle) in words.iter().enumerate() {
            let [a, b] = super::box_muller::<crate::simd::Portable>(&radius, &[angle; WIDTH]).map(Lanes::to_array);
            assert!(a.iter().chain(&b).all(|v| v.abs() < 6.8), "angle {k}: {a:?} {b:?}");
        }
    }
}
