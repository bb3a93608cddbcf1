use super::Key;
use super::draws::Draws;
use super::philox::{philox4x32, unit, unit53};
use super::vector;
use crate::parallel::for_row_chunks;
use rsym_tensor::{DType, Element};
use std::f64::consts::TAU;

/// Marks the counters of [`fill`], apart from those of the bulk fills.
pub(super) const PER_ELEMENT: u32 = 1;

/// Sets `out[i] = f(i, draws)` with a generator of its own for every element.
pub fn fill<T: Element>(key: Key, out: &mut [T], f: impl Fn(usize, &mut Draws) -> T + Sync) {
    let key = key.mix();
    for_row_chunks(out, 1, 32, |first, part| {
        for (i, value) in part.iter_mut().enumerate() {
            *value = f(first + i, &mut Draws::new(key, (first + i) as u64));
        }
    });
}

/// Uniform numbers in [low, high).
pub fn uniform<T: Element>(key: Key, low: f64, high: f64, out: &mut [T]) {
    if let Some(out) = as_single(out) {
        return vector::uniform(key.mix(), low, high, out);
    }
    let scale = |u: f64| T::from_f64(low + u * (high - low));
    let (bottom, top) = (T::from_f64(low), T::from_f64(high));
    let below = |value: T| if value < top { value } else { bottom };
    match digits(T::DTYPE) {
        53 => bulk(key, out, |[a, b, c, d]| [unit53(a, b), unit53(c, d)].map(scale).map(below)),
        digits => bulk(key, out, |words| words.map(|w| below(scale(unit(w, digits))))),
    }
}

/// The number of [`uniform`] that a word gives in single precision.
#[inline(always)]
pub(super) fn uniform_single(word: u32, low: f64, high: f64) -> f32 {
    let value = (low + unit(word, 24) * (high - low)) as f32;
    if value < high as f32 { value } else { low as f32 }
}

/// The slice itself when it is one of single precision.
fn as_single<T: Element>(x: &mut [T]) -> Option<&mut [f32]> {
    // SAFETY: `Element` is sealed with one type per DTYPE, so T is f32.
    (T::DTYPE == DType::Float32).then(|| unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) })
}

/// Significant binary digits of the type; those of single precision for integers.
fn digits(dtype: DType) -> u32 {
    match dtype {
        DType::Float64 => 53,
        DType::Float16 => 11,
        DType::BFloat16 => 8,
        _ => 24,
    }
}

/// Normal numbers, by the method of Box and Muller.
pub fn normal<T: Element>(key: Key, mean: f64, deviation: f64, out: &mut [T]) {
    if let Some(out) = as_single(out) {
        return vector::normal(key.mix(), mean, deviation, out);
    }
    let scale = |z: f64| T::from_f64(mean + z * deviation);
    if T::DTYPE == DType::Float64 {
        bulk(key, out, |[a, b, c, d]| box_muller(1.0 - unit53(a, b), unit53(c, d)).map(scale));
    } else {
        bulk(key, out, |[a, b, c, d]| {
            let ([p, q], [r, s]) = (pair(a, b), pair(c, d));
            [p, q, r, s].map(scale)
        });
    }
}

fn pair(a: u32, b: u32) -> [f64; 2] {
    box_muller(1.0 - unit(a, 32), unit(b, 32))
}

/// Two independent standard normal numbers from two uniform ones, the first in (0, 1].
pub(super) fn box_muller(u: f64, v: f64) -> [f64; 2] {
    let radius = (-2.0 * u.ln()).sqrt();
    let (sin, cos) = (TAU * v).sin_cos();
    [radius * cos, radius * sin]
}

/// `on` with the probability `p`, else 0. The mask of a dropout has `p` = the share that is kept and `on` = 1/p.
pub fn bernoulli<T: Element>(key: Key, p: f64, on: f64, out: &mut [T]) {
    let threshold = (p.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
    if let Some(out) = as_single(out) {
        return vector::bernoulli(key.mix(), threshold, on as f32, out);
    }
    let values = [T::default(), T::from_f64(on)];
    bulk(key, out, |words| words.map(|w| values[((w as u64) < threshold) as usize]));
}

/// Fills `out` with the `N` values that `f` makes of every four words.
fn bulk<T: Element, const N: usize>(key: Key, out: &mut [T], f: impl Fn([u32; 4]) -> [T; N] + Sync) {
    let key = key.mix();
    let block = |n: usize| f(philox4x32([n as u32, (n as u64 >> 32) as u32, 0, 0], key));
    let whole = out.len() / N * N;
    let (head, tail) = out.split_at_mut(whole);
    for_row_chunks(head, N, 8 * N, |first, part| {
        part.chunks_exact_mut(N).enumerate().for_each(|(i, values)| values.copy_from_slice(&block(first + i)));
    });
    if !tail.is_empty() {
        tail.copy_from_slice(&block(whole / N)[..tail.len()]);
    }
}
