//! Between planes and blocks of 16 channels.

use crate::parallel::{Shared, for_tasks};
use crate::simd::{Tier, tier, tiered};

/// Pixels that one task converts.
const PIXELS: usize = 1024;

/// Writes `[batch, channels, size]` as `[batch, channels / 16, size, 16]`.
///
/// # Panics
/// When `channels` is not a multiple of 16 or a slice has another size.
pub fn to_blocked(batch: usize, channels: usize, size: usize, planes: &[f32], out: &mut [f32]) {
    assert_eq!(planes.len(), batch * channels * size, "size of planes");
    // SAFETY: `convert` hands out places with `n` pixels of 16 planes behind them.
    convert(batch, channels, size, out, |tier, out, at, pixel, n| unsafe {
        gather(tier, planes.as_ptr().add(at + pixel), size, n, out.at(at + pixel * 16, n * 16));
    });
}

/// Writes `[batch, channels / 16, size, 16]` as `[batch, channels, size]`.
///
/// # Panics
/// As [`to_blocked`].
pub fn from_blocked(batch: usize, channels: usize, size: usize, blocked: &[f32], out: &mut [f32]) {
    assert_eq!(blocked.len(), batch * channels * size, "size of blocked data");
    // SAFETY: `convert` hands out places with `n` pixels of 16 planes behind them.
    convert(batch, channels, size, out, |tier, out, at, pixel, n| unsafe {
        scatter(tier, blocked.as_ptr().add(at + pixel * 16), size, n, out.at(at + pixel, 15 * size + n));
    });
}

/// Calls `f(tier, out, start of 16 planes, first pixel, pixels)` for parts of the planes.
fn convert(
    batch: usize,
    channels: usize,
    size: usize,
    out: &mut [f32],
    f: impl Fn(Tier, Shared<'_, f32>, usize, usize, usize) + Sync,
) {
    assert!(channels.is_multiple_of(16), "{channels} channels do not make blocks of 16");
    assert_eq!(out.len(), batch * channels * size, "size of converted data");
    let (parts, tier, out) = (size.div_ceil(PIXELS), tier(), Shared::new(out));
    for_tasks(batch * channels / 16 * parts, size.min(PIXELS) * 16, |task| {
        let pixel = task % parts * PIXELS;
        f(tier, out, task / parts * 16 * size, pixel, PIXELS.min(size - pixel));
    });
}

tiered! {
    /// `n` pixels of 16 planes that are `plane` apart, side by side.
    unsafe fn gather<V>(from: *const f32, plane: usize, n: usize, to: *mut f32) {
        for pixel in (0..n).step_by(16) {
            let (mut rows, count) = ([V::zero(); 16], (n - pixel).min(16));
            for (i, row) in rows.iter_mut().enumerate() {
                let from = from.add(i * plane + pixel);
                *row = if count == 16 { V::load(from) } else { V::load_part(from, count) };
            }
            for (i, row) in V::transposed(rows).into_iter().take(count).enumerate() {
                row.store(to.add((pixel + i) * 16));
            }
        }
    }
}

tiered! {
    /// The way back.
    unsafe fn scatter<V>(from: *const f32, plane: usize, n: usize, to: *mut f32) {
        for pixel in (0..n).step_by(16) {
            let (mut rows, count) = ([V::zero(); 16], (n - pixel).min(16));
            for (i, row) in rows.iter_mut().take(count).enumerate() {
                *row = V::load(from.add((pixel + i) * 16));
            }
            for (i, row) in V::transposed(rows).into_iter().enumerate() {
                let to = to.add(i * plane + pixel);
                if count == 16 { row.store(to) } else { row.store_part(to, count) }
            }
        }
    }
}
