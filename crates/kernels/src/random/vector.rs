//! Fills of single-precision memory, 16 counters at a time; the numbers are those of the general fills.

use super::fill::uniform_single;
use super::philox::philox4x32_16;
use crate::parallel::for_row_chunks;
use crate::simd::{tier, tiered};

/// Numbers that 16 counters give.
const GROUP: usize = 64;

/// As [`super::bernoulli`]: `on` where the word is below the threshold of 33 bits, else 0.
pub(super) fn bernoulli(key: [u32; 2], threshold: u64, on: f32, out: &mut [f32]) {
    let (below, always) = (threshold as u32, threshold >> 32 != 0);
    let tier = tier();
    for_row_chunks(out, GROUP, GROUP / 2, |first, part| {
        let mut groups = part.chunks_exact_mut(GROUP);
        let count = groups.len();
        groups.by_ref().enumerate().for_each(|(i, out)| choose(tier, key, first + i, (below, always), on, out));
        let rest = groups.into_remainder();
        let mut last = [0.0; GROUP];
        if !rest.is_empty() {
            choose(tier, key, first + count, (below, always), on, &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    });
}

/// As [`super::uniform`].
pub(super) fn uniform(key: [u32; 2], low: f64, high: f64, out: &mut [f32]) {
    let tier = tier();
    for_row_chunks(out, GROUP, GROUP, |first, part| {
        let mut groups = part.chunks_exact_mut(GROUP);
        let count = groups.len();
        groups.by_ref().enumerate().for_each(|(i, out)| spread(tier, key, first + i, (low, high), out));
        let rest = groups.into_remainder();
        let mut last = [0.0; GROUP];
        if !rest.is_empty() {
            spread(tier, key, first + count, (low, high), &mut last);
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
