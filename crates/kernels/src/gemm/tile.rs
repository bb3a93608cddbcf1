//! The innermost loops of a product in single precision: rows of the left factor, broadcast, times panels of the right.

// Loops over small arrays of vectors stay plain: only then do the arrays become registers.
#![allow(clippy::needless_range_loop)]

use crate::simd::{Lanes, Tier, tiered};

/// Columns of a panel: the lanes of one vector.
pub(super) const PANEL: usize = 16;
/// Rows of a tile of the result.
pub(super) const ROWS: usize = 6;

/// Panels that a tile spans at most. 6 rows of 4 panels take 24 of the 32 registers of AVX-512; elsewhere one panel takes
/// as many.
pub(super) fn widest(tier: Tier) -> usize {
    if tier == Tier::Avx512 { 4 } else { 1 }
}

/// Some columns of a product: `c = start + a * b` for all rows of `a`, where `start` is `beta * c + bias`.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    /// Element (6 g + r, p) of the left factor is at `a[g * a_group + r * a_row + p * a_step]`.
    pub a: *const f32,
    pub a_group: usize,
    pub a_row: usize,
    pub a_step: usize,
    pub rows: usize,
    /// Element (p, 16 j + i) of the right factor is at `b[j * b_panel + p * b_step + i]`; panels are whole.
    pub b: *const f32,
    pub b_panel: usize,
    pub b_step: usize,
    /// Columns of the result; the panels that they begin may reach further.
    pub cols: usize,
    pub k: usize,
    /// Element (r, j) of the result is at `c[r * c_row + j]`. Not read when `beta` is 0.
    pub c: *mut f32,
    pub c_row: usize,
    pub beta: f32,
    /// As many elements as columns, or null.
    pub bias: *const f32,
    /// Negative results become 0.
    pub relu: bool,
}

tiered! {
    /// Computes a strip of at most [`widest`] panels.
    ///
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch those of the result.
    pub(super) unsafe fn strip<V>(s: &Strip) {
        match s.cols.div_ceil(PANEL) {
            1 => rows::<V, 1>(s),
            2 if V::REGISTERS == 1 => rows::<V, 2>(s),
            3 if V::REGISTERS == 1 => rows::<V, 3>(s),
            4 if V::REGISTERS == 1 => rows::<V, 4>(s),
            _ => {}
        }
    }
}

/// # Safety
/// As for [`strip`].
#[inline(always)]
unsafe fn rows<V: Lanes, const N: usize>(s: &Strip) {
    let mut row = 0;
    // SAFETY: the caller's contract.
    unsafe {
        while row + ROWS <= s.rows {
            tile::<V, ROWS, N>(s, row);
            row += ROWS;
        }
        match s.rows - row {
            1 => tile::<V, 1, N>(s, row),
            2 => tile::<V, 2, N>(s, row),
            3 => tile::<V, 3, N>(s, row),
            4 => tile::<V, 4, N>(s, row),
            5 => tile::<V, 5, N>(s, row),
            _ => {}
        }
    }
}

/// # Safety
/// As for [`strip`].
#[inline(always)]
unsafe fn tile<V: Lanes, const R: usize, const N: usize>(s: &Strip, row: usize) {
    let c = s.c.wrapping_add(row * s.c_row);
    // SAFETY: the caller's contract.
    unsafe {
        if s.cols == N * PANEL {
            let mut acc = start::<V, R, N, true>(s, c);
            multiply(s, row, &mut acc);
            finish::<V, R, N, true>(s, c, acc);
        } else {
            let mut acc = start::<V, R, N, false>(s, c);
            multiply(s, row, &mut acc);
            finish::<V, R, N, false>(s, c, acc);
        }
    }
}

/// # Safety
/// As for [`strip`].
#[inline(always)]
unsafe fn multiply<V: Lanes, const R: usize, const N: usize>(s: &Strip, row: usize, acc: &mut [[V; N]; R]) {
    let (mut a, mut b) = (s.a.wrapping_add(row / ROWS * s.a_group), s.b);
    let Strip { a_row, a_step, b_panel, b_step, .. } = *s;
    for _ in 0..s.k {
        // SAFETY: the caller's contract.
        unsafe {
            let mut w = [V::zero(); N];
            for j in 0..N {
                w[j] = V::load(b.add(j * b_panel));
            }
            for r in 0..R {
                let x = V::splat(*a.add(r * a_row));
                for j in 0..N {
                    acc[r][j] = x.mul_add(w[j], acc[r][j]);
                }
            }
        }
        a = a.wrapping_add(a_step);
        b = b.wrapping_add(b_step);
    }
}

/// # Safety
/// As for [`strip`].
#[inline(always)]
unsafe fn start<V: Lanes, const R: usize, const N: usize, const WHOLE: bool>(s: &Strip, c: *mut f32) -> [[V; N]; R] {
    let mut acc = [[V::zero(); N]; R];
    // SAFETY: the caller's contract.
    unsafe {
        if !s.bias.is_null() {
            for r in 0..R {
                for j in 0..N {
                    acc[r][j] = get::<V, WHOLE>(s.bias, j, s.cols);
                }
            }
        }
        if s.beta != 0.0 {
            let beta = V::splat(s.beta);
            for r in 0..R {
                for j in 0..N {
                    acc[r][j] = get::<V, WHOLE>(c.add(r * s.c_row), j, s.cols).mul_add(beta, acc[r][j]);
                }
            }
        }
    }
    acc
}

/// # Safety
/// As for [`strip`].
#[inline(always)]
unsafe fn finish<V: Lanes, const R: usize, const N: usize, const WHOLE: bool>(
    s: &Strip,
    c: *mut f32,
    mut acc: [[V; N]; R],
) {
    if s.relu {
        for r in 0..R {
            for j in 0..N {
                // The order keeps NaN.
                acc[r][j] = V::zero().max(acc[r][j]);
            }
        }
    }
    for r in 0..R {
        for j in 0..N {
            // SAFETY: the caller's contract.
            unsafe {
                let to = c.add(r * s.c_row + j * PANEL);
                if WHOLE { acc[r][j].store(to) } else { acc[r][j].store_part(to, PANEL.min(s.cols - j * PANEL)) }
            }
        }
    }
}

/// Vector `j` of a row of `cols` elements.
///
/// # Safety
/// The row must be good for reading; only where it is not `WHOLE` may it end within the vector.
#[inline(always)]
unsafe fn get<V: Lanes, const WHOLE: bool>(row: *const f32, j: usize, cols: usize) -> V {
    // SAFETY: the caller's contract.
    unsafe {
        let from = row.add(j * PANEL);
        if WHOLE { V::load(from) } else { V::load_part(from, PANEL.min(cols - j * PANEL)) }
    }
}
