//! Copies of a factor in the order in which the innermost loops read it.

// Loops over small arrays of vectors stay plain: only then do the arrays become registers.
#![allow(clippy::needless_range_loop)]

use super::Mat;
use super::tile::{PANEL, ROWS};
use crate::parallel::for_row_chunks;
use crate::simd::{Lanes, tier, tiered};

/// A row of a panel, on one line of the cache. Read through pointers alone.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [f32; PANEL]);

/// A right factor, packed once for many products: panels of 16 columns, the last filled up with zeros.
#[derive(Clone, Debug)]
pub struct PackedB {
    lines: Vec<Line>,
    rows: usize,
    cols: usize,
}

impl PackedB {
    /// Packs a matrix of any strides: the weight of a dense layer is `Mat::new(weight, n, k).t()`.
    ///
    /// # Panics
    /// When the matrix does not fit its slice.
    pub fn pack(b: Mat<f32>) -> PackedB {
        let mut packed = PackedB { lines: Vec::new(), rows: 0, cols: 0 };
        packed.repack(b);
        packed
    }

    /// Packs another matrix into the same memory, which grows if it must.
    ///
    /// # Panics
    /// When the matrix does not fit its slice.
    pub fn repack(&mut self, b: Mat<f32>) {
        b.check(1, 0);
        (self.rows, self.cols) = (b.rows, b.cols);
        self.lines.resize(b.rows * b.cols.div_ceil(PANEL), Line([0.0; PANEL]));
        let (tier, rows) = (tier(), b.rows);
        for_row_chunks(&mut self.lines, rows, rows * 4, |first, lines| {
            for (i, lines) in lines.chunks_mut(rows).enumerate() {
                let col = (first + i) * PANEL;
                let cols = PANEL.min(b.cols - col);
                // SAFETY: `check` found all indices inside of the slice; the target has a line for every row.
                unsafe {
                    let from = Source { at: b.data.as_ptr().add(col * b.cs), rs: b.rs, cs: b.cs };
                    panel(tier, from, rows, cols, lines.as_mut_ptr().cast());
                }
            }
        });
    }

    /// Rows of the matrix: the length of the sums of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the matrix.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes of memory that the copy takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.lines[..])
    }

    /// The first panel; panels follow each other at a distance of 16 times the rows.
    pub(super) fn start(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }
}

/// Element (r, c) is at `at[r * rs + c * cs]`.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) at: *const f32,
    pub(super) rs: usize,
    pub(super) cs: usize,
}

tiered! {
    /// Copies `cols <= 16` columns as lines of 16, the rest of each line 0.
    ///
    /// # Safety
    /// All elements must be readable, and the target good for 16 writes for every row.
    pub(super) unsafe fn panel<V>(from: Source, rows: usize, cols: usize, to: *mut f32) {
        if from.cs == 1 {
            for r in 0..rows {
                let at = from.at.add(r * from.rs);
                let line = if cols == PANEL { V::load(at) } else { V::load_part(at, cols) };
                line.store(to.add(r * PANEL));
            }
        } else if from.rs == 1 {
            let mut r = 0;
            while r < rows {
                square::<V>(from.at.add(r), from.cs, (rows - r).min(PANEL), cols, to.add(r * PANEL));
                r += PANEL;
            }
        } else {
            for r in 0..rows {
                for c in 0..PANEL {
                    *to.add(r * PANEL + c) = if c < cols { *from.at.add(r * from.rs + c * from.cs) } else { 0.0 };
                }
            }
        }
    }
}

/// Transposes a square: `to[r * 16 + c] = from[c * cs + r]` for `rows <= 16` and `cols <= 16`, 0 for further columns.
///
/// # Safety
/// As for [`panel`].
#[inline(always)]
unsafe fn square<V: Lanes>(from: *const f32, cs: usize, rows: usize, cols: usize, to: *mut f32) {
    let mut lines = [V::zero(); PANEL];
    // SAFETY: the caller's contract.
    unsafe {
        if rows == PANEL && cols == PANEL {
            for c in 0..PANEL {
                lines[c] = V::load(from.add(c * cs));
            }
        } else {
            for c in 0..PANEL {
                if c < cols {
                    lines[c] = V::load_part(from.add(c * cs), rows);
                }
            }
        }
        let lines = V::transposed(lines);
        if rows == PANEL {
            for r in 0..PANEL {
                lines[r].store(to.add(r * PANEL));
            }
        } else {
            for r in 0..PANEL {
                if r < rows {
                    lines[r].store(to.add(r * PANEL));
                }
            }
        }
    }
}

/// Rows that are copied together: three lines of a cache, if they are neighbours.
const TOGETHER: usize = 8 * ROWS;

/// Copies `cols` columns of a left factor in groups of 6 rows, column after column, the last group filled up with zeros.
///
/// # Safety
/// All elements must be readable, and the target good for `cols` writes for each of the rows rounded up to six.
pub(super) unsafe fn row_groups(from: Source, rows: usize, cols: usize, to: *mut f32) {
    for first in (0..rows).step_by(TOGETHER) {
        for c in 0..cols {
            let at = from.at.wrapping_add(first * from.rs + c * from.cs);
            // SAFETY: the caller's contract.
            unsafe { column(at, from.rs, TOGETHER.min(rows - first), cols, to.wrapping_add(first * cols + c * ROWS)) }
        }
    }
}

/// # Safety
/// As for [`row_groups`].
#[inline(always)]
unsafe fn column(from: *const f32, rs: usize, rows: usize, cols: usize, to: *mut f32) {
    let whole = if rs == 1 { rows / ROWS } else { 0 };
    for group in 0..whole {
        // SAFETY: the caller's contract.
        unsafe {
            let six = from.add(group * ROWS).cast::<[f32; ROWS]>().read_unaligned();
            to.add(group * ROWS * cols).cast::<[f32; ROWS]>().write_unaligned(six);
        }
    }
    for row in whole * ROWS..rows.next_multiple_of(ROWS) {
        // SAFETY: the caller's contract.
        unsafe {
            let x = if row < rows { *from.add(row * rs) } else { 0.0 };
            *to.add(row / ROWS * ROWS * cols + row % ROWS) = x;
        }
    }
}
