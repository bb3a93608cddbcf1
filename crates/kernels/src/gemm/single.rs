//! Products in single precision: which loops a shape takes, and how it is cut.

use super::dots::{Dots, dots};
use super::pack::{Source, panel, row_groups};
use super::tile::{PANEL, ROWS, Strip, strip, widest};
use super::{Mat, Tiling};
use crate::scratch::with_scratch;
use crate::simd::Tier;
use std::ptr::null;

/// Length of the sums that are added up before the next part of the factors is looked at.
const DEPTH: usize = 256;
/// Rows up to which a product of factors that are contiguous along the sum is a matter of [`dots`].
const DOT_ROWS: usize = 12;
/// Sums below this length are too short for [`dots`].
const DOT_DEPTH: usize = 32;
/// Rows up to which rows of the right factor are read where they are, however far apart.
const FEW_ROWS: usize = 2 * ROWS;
/// Distance of rows up to which they are read where they are.
const NEAR: usize = 256;
/// Columns from which on a transposed left factor is worth a copy, and how many more for one whose columns lie near each
/// other: far apart they share few lines of a cache.
const COPY_COLS: usize = 64;
const COPY_NEAR_COLS: usize = 128;

/// The right factor of a [`Block`].
#[derive(Clone, Copy)]
pub(super) enum Right {
    /// Panels of as many lines.
    Packed(*const f32, usize),
    /// Strides as in a matrix.
    Strided(Source),
}

/// A product that one thread computes: `c = beta * c + bias + a * b`.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub a: Source,
    pub rows: usize,
    pub b: Right,
    pub cols: usize,
    pub k: usize,
    /// Element (r, j) of the result is at `c[r * c_row + j]`.
    pub c: *mut f32,
    pub c_row: usize,
    pub beta: f32,
    /// As many elements as columns, or null.
    pub bias: *const f32,
    pub relu: bool,
}

impl Block {
    /// Whether rows of the right factor can be read where they are.
    fn in_place(&self) -> bool {
        match self.b {
            Right::Packed(..) => true,
            Right::Strided(b) => b.cs == 1 && (self.rows <= FEW_ROWS || b.rs <= NEAR),
        }
    }

    fn copies_left(&self) -> bool {
        let cols = if self.a.cs <= NEAR { COPY_NEAR_COLS } else { COPY_COLS };
        self.a.cs > 4 * ROWS && self.cols >= cols && self.rows > ROWS
    }

    /// Computes the product.
    ///
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch those of the result.
    pub(super) unsafe fn run(&self, tier: Tier) {
        let whole = self.in_place() && (matches!(self.b, Right::Packed(..)) || self.cols.is_multiple_of(PANEL));
        let left = if self.copies_left() { self.rows.next_multiple_of(ROWS) * self.k.min(DEPTH) } else { 0 };
        let right = if whole { 0 } else { widest(tier) * PANEL * self.k.min(DEPTH) };
        if left + right == 0 {
            // SAFETY: the caller's contract.
            return unsafe { self.parts(tier, std::ptr::null_mut(), std::ptr::null_mut()) };
        }
        with_scratch::<f32, _>(left + right + PANEL, |buffer| {
            let start = buffer.as_mut_ptr();
            let b = start.wrapping_add(start.align_offset(64));
            let a = if left == 0 { std::ptr::null_mut() } else { b.wrapping_add(right) };
            // SAFETY: the caller's contract; the buffer has room for both copies.
            unsafe { self.parts(tier, a, b) }
        });
    }

    /// # Safety
    /// As for `run`; each copy is null, or has room for what is not read in place.
    unsafe fn parts(&self, tier: Tier, copy_a: *mut f32, copy_b: *mut f32) {
        let mut first = 0;
        loop {
            let depth = DEPTH.min(self.k - first);
            let last = first + depth == self.k;
            let mut a = Source { at: self.a.at.wrapping_add(first * self.a.cs), ..self.a };
            let mut group = ROWS * a.rs;
            if !copy_a.is_null() {
                // SAFETY: the caller's contract.
                unsafe { row_groups(a, self.rows, depth, copy_a) };
                (a, group) = (Source { at: copy_a, rs: 1, cs: ROWS }, ROWS * depth);
            }
            let part = Strip {
                a: a.at,
                a_group: group,
                a_row: a.rs,
                a_step: a.cs,
                rows: self.rows,
                b: null(),
                b_panel: 0,
                b_step: 0,
                cols: 0,
                k: depth,
                c: self.c,
                c_row: self.c_row,
                beta: if first == 0 { self.beta } else { 1.0 },
                bias: if first == 0 { self.bias } else { null() },
                relu: self.relu && last,
            };
            // SAFETY: the caller's contract.
            unsafe { self.strips(tier, part, first, copy_b) };
            first += depth;
            if last {
                return;
            }
        }
    }

    /// Computes the part of the sums from `first` on for all columns.
    ///
    /// # Safety
    /// As for `parts`.
    unsafe fn strips(&self, tier: Tier, part: Strip, first: usize, copy: *mut f32) {
        let wide = widest(tier) * PANEL;
        for col in (0..self.cols).step_by(wide) {
            let cols = wide.min(self.cols - col);
            // SAFETY: the caller's contract.
            unsafe {
                let (b, b_panel, b_step) = self.right(tier, (first, part.k), (col, cols), copy);
                let bias = if part.bias.is_null() { null() } else { part.bias.add(col) };
                strip(tier, &Strip { b, b_panel, b_step, cols, bias, c: part.c.add(col), ..part });
            }
        }
    }

    /// The place of some columns of the right factor, the distance of its panels and that of its rows.
    ///
    /// # Safety
    /// As for `parts`.
    unsafe fn right(
        &self,
        tier: Tier,
        (first, depth): (usize, usize),
        (col, cols): (usize, usize),
        copy: *mut f32,
    ) -> (*const f32, usize, usize) {
        let from = match self.b {
            Right::Packed(start, lines) => {
                return (start.wrapping_add(col * lines + first * PANEL), lines * PANEL, PANEL);
            }
            Right::Strided(b) => Source { at: b.at.wrapping_add(first * b.rs + col * b.cs), ..b },
        };
        if self.in_place() && cols.is_multiple_of(PANEL) {
            return (from.at, PANEL, from.rs);
        }
        for c in (0..cols).step_by(PANEL) {
            let to = copy.wrapping_add(c * depth);
            let from = Source { at: from.at.wrapping_add(c * from.cs), ..from };
            // SAFETY: the caller's contract.
            unsafe { panel(tier, from, depth, PANEL.min(cols - c), to) };
        }
        (copy, depth * PANEL, PANEL)
    }
}

/// `c = beta * c + a * b` on the calling thread.
///
/// # Safety
/// All indices of the three matrices must be inside of their memory, and no other thread may touch the result's. The
/// result has rows or columns whose elements follow each other.
pub(super) unsafe fn product(tier: Tier, a: Mat<f32>, b: Mat<f32>, beta: f32, c: *mut f32, (rs, cs): (usize, usize)) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    // SAFETY: the caller's contract.
    unsafe {
        if m.min(n) <= DOT_ROWS && k >= DOT_DEPTH && a.cs == 1 && b.rs == 1 {
            return few(tier, a, b, beta, c, (rs, cs));
        }
        if cs != 1 {
            return product(tier, b.t(), a.t(), beta, c, (cs, rs));
        }
        let source = |m: Mat<f32>| Source { at: m.data.as_ptr(), rs: m.rs, cs: m.cs };
        let (a, b) = (source(a), Right::Strided(source(b)));
        Block { a, rows: m, b, cols: n, k, c, c_row: rs, beta, bias: null(), relu: false }.run(tier);
    }
}

/// The product of factors that are contiguous along the sum.
///
/// # Safety
/// As for [`product`].
unsafe fn few(tier: Tier, a: Mat<f32>, b: Mat<f32>, beta: f32, c: *mut f32, (c_row, c_col): (usize, usize)) {
    let sums = Dots {
        a: a.data.as_ptr(),
        a_row: a.rs,
        rows: a.rows,
        b: b.data.as_ptr(),
        b_row: b.cs,
        cols: b.cols,
        k: a.cols,
        c,
        c_row,
        c_col,
        beta,
    };
    let swapped = Dots {
        a: sums.b,
        a_row: sums.b_row,
        rows: sums.cols,
        b: sums.a,
        b_row: sums.a_row,
        cols: sums.rows,
        c_row: sums.c_col,
        c_col: sums.c_row,
        ..sums
    };
    // SAFETY: the caller's contract.
    unsafe { dots(tier, if a.rows <= b.cols { &sums } else { &swapped }) }
}

/// Multiplications that one task should have at least, and the number of tasks beyond which tasks only grow.
const TASK_WORK: usize = 1 << 20;
const MAX_TASKS: usize = 32;
/// Tasks for which it is worth to halve `TASK_COLS`.
const FEW_TASKS: usize = 8;
/// Columns and rows of the smallest tasks. Rows of a task share what it copies of the right factor: few would not pay.
const TASK_COLS: usize = 8 * PANEL;
const TASK_ROWS: usize = 16 * ROWS;

/// Cuts a product for several threads, columns before rows.
pub(super) fn tiling(batch: usize, m: usize, n: usize, k: usize) -> Tiling {
    let wanted = (m * n * k / TASK_WORK).min(MAX_TASKS.div_ceil(batch.max(1)));
    let half = |size: usize, unit: usize| size.div_ceil(2).next_multiple_of(unit);
    let mut tile = Tiling { rows: m, cols: n };
    while tile.count(m, n) < wanted {
        if tile.cols > TASK_COLS {
            tile.cols = half(tile.cols, TASK_COLS / 2);
        } else if tile.rows > TASK_ROWS {
            tile.rows = half(tile.rows, TASK_ROWS);
        } else if tile.cols > TASK_COLS / 2 && tile.count(m, n) < FEW_TASKS {
            tile.cols = TASK_COLS / 2;
        } else {
            break;
        }
    }
    tile
}
