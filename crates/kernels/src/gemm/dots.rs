//! Products of few rows with many columns, both factors contiguous along the sum: nothing is packed.

// Loops over small arrays of vectors stay plain: only then do the arrays become registers.
#![allow(clippy::needless_range_loop)]

use crate::simd::{Lanes, tiered};

/// `c = beta * c + a * bᵀ`: rows of `a` times rows of `b`, each contiguous.
#[derive(Clone, Copy)]
pub(super) struct Dots {
    pub a: *const f32,
    pub a_row: usize,
    pub rows: usize,
    pub b: *const f32,
    pub b_row: usize,
    pub cols: usize,
    pub k: usize,
    /// Element (r, j) of the result is at `c[r * c_row + j * c_col]`. Not read when `beta` is 0.
    pub c: *mut f32,
    pub c_row: usize,
    pub c_col: usize,
    pub beta: f32,
}

/// Vectors that are summed at once.
const SUMS: usize = 16;

tiered! {
    /// Computes all sums.
    ///
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch those of the result.
    pub(super) unsafe fn dots<V>(d: &Dots) {
        match (V::REGISTERS, d.rows) {
            (1, 1) => tiles::<V, 1, 4>(d),
            (1, 2) => tiles::<V, 2, 8>(d),
            (1, _) => tiles::<V, 4, 4>(d),
            (_, 1) => tiles::<V, 1, 4>(d),
            _ => tiles::<V, 2, 2>(d),
        }
    }
}

/// # Safety
/// As for [`dots`].
#[inline(always)]
unsafe fn tiles<V: Lanes, const R: usize, const C: usize>(d: &Dots) {
    for col in (0..d.cols).step_by(C) {
        for row in (0..d.rows).step_by(R) {
            // SAFETY: the caller's contract.
            unsafe { tile::<V, R, C>(d, row, col) }
        }
    }
}

/// Rows behind the last are computed as copies of the last, and not stored.
///
/// # Safety
/// As for [`dots`].
#[inline(always)]
unsafe fn tile<V: Lanes, const R: usize, const C: usize>(d: &Dots, row: usize, col: usize) {
    let a: [*const f32; R] = std::array::from_fn(|r| d.a.wrapping_add((row + r).min(d.rows - 1) * d.a_row));
    let b: [*const f32; C] = std::array::from_fn(|c| d.b.wrapping_add((col + c).min(d.cols - 1) * d.b_row));
    let mut acc = [[V::zero(); C]; R];
    let whole = d.k / 16 * 16;
    let mut p = 0;
    // SAFETY: the caller's contract.
    unsafe {
        while p < whole {
            step::<V, R, C>(&mut acc, |r| V::load(a[r].add(p)), |c| V::load(b[c].add(p)));
            p += 16;
        }
        if whole < d.k {
            let rest = d.k - whole;
            step::<V, R, C>(&mut acc, |r| V::load_part(a[r].add(p), rest), |c| V::load_part(b[c].add(p), rest));
        }
    }
    let sums = sums(acc);
    for r in 0..R.min(d.rows - row) {
        for c in 0..C.min(d.cols - col) {
            // SAFETY: the caller's contract.
            unsafe {
                let to = d.c.add((row + r) * d.c_row + (col + c) * d.c_col);
                *to = if d.beta == 0.0 { sums[r * C + c] } else { d.beta * *to + sums[r * C + c] };
            }
        }
    }
}

#[inline(always)]
fn step<V: Lanes, const R: usize, const C: usize>(
    acc: &mut [[V; C]; R],
    a: impl Fn(usize) -> V,
    b: impl Fn(usize) -> V,
) {
    let mut x = [V::zero(); R];
    for r in 0..R {
        x[r] = a(r);
    }
    for c in 0..C {
        let w = b(c);
        for r in 0..R {
            acc[r][c] = x[r].mul_add(w, acc[r][c]);
        }
    }
}

/// The sum of each vector.
#[inline(always)]
fn sums<V: Lanes, const R: usize, const C: usize>(acc: [[V; C]; R]) -> [f32; SUMS] {
    let mut lines = [V::zero(); SUMS];
    for r in 0..R {
        for c in 0..C {
            lines[r * C + c] = acc[r][c];
        }
    }
    let mut lines = V::transposed(lines);
    let mut half = SUMS / 2;
    while half > 0 {
        for i in 0..half {
            lines[i] = lines[i].add(lines[i + half]);
        }
        half /= 2;
    }
    lines[0].to_array()
}
