//! The register tile: some pixels by some blocks of 16 filters, summed over a range of input channels and taps.
//!
//! Everything that does not change in the summation is loaded before it or applied after it, so that the accumulators
//! stay in registers. The hot functions are called `summed` and `plane`: a disassembly of theirs with the stack pointer beside
//! a vector register shows a spill.

// Loops over constants keep the accumulators in registers.
#![allow(clippy::needless_range_loop)]

use super::Activation;
use crate::simd::{Lanes, Tier, prefetch};

/// What a tile reads and writes. Distances are in floats.
pub(super) struct Tile {
    /// The first value that the first pixel reads.
    pub src: *const f32,
    /// From a source pixel to that of the next output pixel in the row, for the kernels of any stride.
    pub pixel: usize,
    /// From a source row to that of the next output row.
    pub row: usize,
    /// `[blocks][taps][depth][panel width]`, read from front to back.
    pub weight: *const f32,
    /// What to bring near meanwhile: a line for every two values of a tap, and from one to the next.
    pub prefetch: *const f32,
    pub prefetch_step: usize,
    /// Distance of every tap from `src`.
    pub taps: *const usize,
    pub tap_count: usize,
    /// Values of one tap that lie side by side.
    pub depth: usize,
    /// Blocks of input channels, and from one to the next.
    pub blocks: usize,
    pub block_step: usize,
    /// The sums start as this plus the bias, as the bias alone where it is null. Steps as those of `out`.
    pub from: *const f32,
    pub bias: *const f32,
    pub out: *mut f32,
    /// From an output block of filters to the next.
    pub out_block: usize,
    /// From an output row to the next.
    pub out_row: usize,
    pub activation: Activation,
}

/// A compiled tile.
pub(super) type TileFn = unsafe fn(&Tile);

type Sums<V, const R: usize, const P: usize, const NB: usize> = [[[V; NB]; P]; R];

#[inline(always)]
unsafe fn start<V: Lanes, const R: usize, const P: usize, const NB: usize>(t: &Tile) -> Sums<V, R, P, NB> {
    let mut acc = [[[V::zero(); NB]; P]; R];
    // SAFETY: the caller's contract: `from` and `bias` are as long as the tile.
    unsafe {
        for j in 0..NB {
            let bias = V::load(t.bias.add(16 * j));
            for r in 0..R {
                for p in 0..P {
                    acc[r][p][j] = bias;
                }
            }
        }
        if !t.from.is_null() {
            for j in 0..NB {
                for r in 0..R {
                    for p in 0..P {
                        let from = t.from.add(j * t.out_block + r * t.out_row + p * 16);
                        acc[r][p][j] = acc[r][p][j].add(V::load(from));
                    }
                }
            }
        }
    }
    acc
}

#[inline(always)]
unsafe fn finish<V: Lanes, const R: usize, const P: usize, const NB: usize>(t: &Tile, mut acc: Sums<V, R, P, NB>) {
    if let Activation::Leaky(slope) = t.activation {
        let slope = V::splat(slope);
        for r in 0..R {
            for p in 0..P {
                for j in 0..NB {
                    acc[r][p][j] = acc[r][p][j].if_less(V::zero(), acc[r][p][j].mul(slope), acc[r][p][j]);
                }
            }
        }
    }
    if let Some((low, high)) = t.activation.limits() {
        // The bounds are the first operands, for the comparison gives the second one where one is NaN.
        let (low, high) = (V::splat(low), V::splat(high));
        for r in 0..R {
            for p in 0..P {
                for j in 0..NB {
                    acc[r][p][j] = high.min(low.max(acc[r][p][j]));
                }
            }
        }
    }
    for j in 0..NB {
        for r in 0..R {
            for p in 0..P {
                // SAFETY: the caller's contract: `out` is as long as the tile.
                unsafe { acc[r][p][j].store(t.out.add(j * t.out_block + r * t.out_row + p * 16)) };
            }
        }
    }
}

/// Adds the products of one channel of one tap.
macro_rules! step {
    ($v:ident, $r:ident, $p:ident, $nb:ident, $acc:ident, $x:expr, $row:expr, $pixel:expr, $w:expr) => {{
        let mut w = [$v::zero(); $nb];
        for j in 0..$nb {
            w[j] = $v::load($w.add(16 * j));
        }
        for r in 0..$r {
            for p in 0..$p {
                let x = $v::splat(*$x.add(r * $row + p * $pixel));
                for j in 0..$nb {
                    $acc[r][p][j] = x.mul_add(w[j], $acc[r][p][j]);
                }
            }
        }
    }};
}

/// `R` rows of `P` pixels, `NB` blocks, `S` blocks of 16 from a source pixel to the next (0: as [`Tile::pixel`] says).
///
/// # Safety
/// The places of `t` must be good for what the tile reads and writes; `depth` is even.
#[inline(always)]
unsafe fn summed_tile<V: Lanes, const R: usize, const P: usize, const NB: usize, const S: usize>(t: &Tile) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut acc = start::<V, R, P, NB>(t);
        let pixel = if S == 0 { t.pixel } else { S * 16 };
        let (mut w, mut ahead) = (t.weight, t.prefetch);
        for b in 0..t.blocks {
            for k in 0..t.tap_count {
                let mut x = t.src.add(b * t.block_step + *t.taps.add(k));
                let end = x.add(t.depth);
                while x < end {
                    prefetch(ahead);
                    ahead = ahead.wrapping_add(t.prefetch_step);
                    step!(V, R, P, NB, acc, x, t.row, pixel, w);
                    step!(V, R, P, NB, acc, x.add(1), t.row, pixel, w.add(16 * NB));
                    x = x.add(2);
                    w = w.add(32 * NB);
                }
            }
        }
        finish(t, acc);
    }
}

/// The same with one value per tap, `S` floats from a source pixel to the next.
///
/// # Safety
/// As for [`summed_tile`].
#[inline(always)]
unsafe fn planes_tile<V: Lanes, const R: usize, const P: usize, const NB: usize, const S: usize>(t: &Tile) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut acc = start::<V, R, P, NB>(t);
        let pixel = if S == 0 { t.pixel } else { S };
        let mut w = t.weight;
        for k in 0..t.tap_count {
            let x = t.src.add(*t.taps.add(k));
            step!(V, R, P, NB, acc, x, t.row, pixel, w);
            w = w.add(16 * NB);
        }
        finish(t, acc);
    }
}

/// Blocks of filters in a full panel.
pub(super) fn panel_blocks(tier: Tier) -> usize {
    if tier == Tier::Avx512 { 2 } else { 1 }
}

/// Pixels of the widest tile.
pub(super) fn most_pixels(tier: Tier, stride: usize) -> usize {
    match tier {
        // Of other strides every pixel's distance takes a register.
        Tier::Avx512 if stride <= 2 => 14,
        Tier::Avx512 => 6,
        Tier::Avx2 | Tier::Neon => 6,
        Tier::Portable => 2,
    }
}

/// Which tile is wanted.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub rows: usize,
    pub pixels: usize,
    /// Blocks of filters.
    pub blocks: usize,
    pub stride: usize,
}

/// Every tile of a tier, compiled with its instructions.
macro_rules! tiles {
    ($name:ident, $v:ty, $(#[$feature:meta])?, $blocks:tt, $pixels:tt, $pairs:tt) => {
        mod $name {
            use super::*;

            $(#[$feature])?
            unsafe fn summed<const P: usize, const R: usize, const NB: usize, const S: usize>(t: &Tile) {
                // SAFETY: the caller's contract.
                unsafe { summed_tile::<$v, R, P, NB, S>(t) }
            }
            $(#[$feature])?
            unsafe fn plane<const P: usize, const R: usize, const NB: usize, const S: usize>(t: &Tile) {
                // SAFETY: the caller's contract.
                unsafe { planes_tile::<$v, R, P, NB, S>(t) }
            }
            pub(super) fn blocked(s: Shape) -> Option<TileFn> {
                tiles!(@blocks summed, s, $blocks, $pixels, $pairs)
            }
            pub(super) fn planes(s: Shape) -> Option<TileFn> {
                tiles!(@blocks plane, s, $blocks, $pixels, [])
            }
        }
    };
    (@blocks $f:ident, $s:ident, [$($nb:literal)*], $pixels:tt, $pairs:tt) => {
        match ($s.blocks, $s.rows, $s.stride) {
            $(($nb, 1, 1) => tiles!(@row $f, $s, 1, $nb, 1, $pixels),
            ($nb, 1, 2) => tiles!(@row $f, $s, 1, $nb, 2, $pixels),
            ($nb, 1, 3..) => tiles!(@row $f, $s, 1, $nb, 0, [1 2 3 4 5 6]),
            ($nb, 2, 1) => tiles!(@row $f, $s, 2, $nb, 1, $pairs),
            ($nb, 2, 2) => tiles!(@row $f, $s, 2, $nb, 2, $pairs),)*
            _ => None,
        }
    };
    (@row $f:ident, $s:ident, $r:literal, $nb:literal, $stride:literal, [$($p:literal)*]) => {
        match $s.pixels {
            $($p => Some($f::<$p, $r, $nb, $stride> as TileFn),)*
            _ => None,
        }
    };
}

#[cfg(target_arch = "x86_64")]
tiles!(
    avx512,
    crate::simd::Avx512,
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")],
    [1 2],
    [1 2 3 4 5 6 7 8 9 10 11 12 13 14],
    [4 5 6 7]
);
#[cfg(target_arch = "x86_64")]
tiles!(avx2, crate::simd::Avx2, #[target_feature(enable = "avx2,fma")], [1], [1 2 3 4 5 6], [2 3]);
#[cfg(target_arch = "aarch64")]
tiles!(neon, crate::simd::Neon, , [1], [1 2 3 4 5 6], [2 3]);
tiles!(portable, crate::simd::Portable, , [1], [1 2], []);

/// The tile that sums over blocks of 16 channels, if this tier has it.
pub(super) fn blocked(tier: Tier, shape: Shape) -> Option<TileFn> {
    match tier {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => avx512::blocked(shape),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => avx2::blocked(shape),
        #[cfg(target_arch = "aarch64")]
        Tier::Neon => neon::blocked(shape),
        _ => portable::blocked(shape),
    }
}

/// The tile that sums over single values, if this tier has it.
pub(super) fn planes(tier: Tier, shape: Shape) -> Option<TileFn> {
    match tier {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => avx512::planes(shape),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => avx2::planes(shape),
        #[cfg(target_arch = "aarch64")]
        Tier::Neon => neon::planes(shape),
        _ => portable::planes(shape),
    }
}
