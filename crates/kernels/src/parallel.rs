//! Splitting mutable output over rayon's threads.
//!
//! Work is cut into chunks whose size depends on the shape and the estimated cost alone, never on the number of
//! threads, and every chunk is written by one thread. Small work runs on the calling thread.
//!
//! Costs are in elementary operations on one element: a copy or an addition is 1, an exponential about 8.

use rayon::prelude::*;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

/// Work below this cost (about 30 µs) stays on the calling thread.
pub const INLINE_COST: usize = 1 << 16;

/// Cost that one chunk should have at least.
const CHUNK_COST: usize = 1 << 15;

/// Rows that go into one chunk.
pub fn chunk_rows(cost_per_row: usize) -> usize {
    CHUNK_COST.div_ceil(cost_per_row.max(1))
}

/// Whether work of this size is worth several threads, and this process has them.
pub fn worth(rows: usize, cost_per_row: usize) -> bool {
    rows > 1 && rows.saturating_mul(cost_per_row.max(1)) >= INLINE_COST && has_threads()
}

/// False in a child that was forked after its parent started rayon's threads: they do not exist in the child, which would
/// wait for them for ever.
fn has_threads() -> bool {
    static STARTED_IN: AtomicU32 = AtomicU32::new(0);
    let me = std::process::id();
    match STARTED_IN.compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => true,
        Err(owner) => owner == me,
    }
}

/// Calls `f(row, output row)` for every row of `row_len` elements.
pub fn for_rows<T: Send>(out: &mut [T], row_len: usize, cost_per_row: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    for_row_chunks(out, row_len, cost_per_row, |first, chunk| {
        chunk.chunks_mut(row_len).enumerate().for_each(|(i, row)| f(first + i, row));
    });
}

/// Calls `f(first row, output rows)` for chunks of whole rows; the last chunk may be shorter.
pub fn for_row_chunks<T: Send>(out: &mut [T], row_len: usize, cost_per_row: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if row_len == 0 || out.is_empty() {
        return;
    }
    let rows = chunk_rows(cost_per_row);
    let chunks = |(i, chunk): (usize, &mut [T])| f(i * rows, chunk);
    if worth(out.len() / row_len, cost_per_row) {
        out.par_chunks_mut(rows.saturating_mul(row_len)).enumerate().for_each(chunks);
    } else {
        out.chunks_mut(rows.saturating_mul(row_len)).enumerate().for_each(chunks);
    }
}

/// Calls `f(offset, output elements)` for chunks of single elements.
pub fn for_elements<T: Send>(out: &mut [T], cost_per_element: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    for_row_chunks(out, 1, cost_per_element, f);
}

/// Calls `f(row, row of a, row of b)`; both outputs have equally many rows, of `row_len.0` and `row_len.1` elements.
pub fn for_rows2<A: Send, B: Send>(
    (a, b): (&mut [A], &mut [B]),
    row_len: (usize, usize),
    cost_per_row: usize,
    f: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    for_row_chunks2((a, b), row_len, cost_per_row, |first, a, b| {
        let rows = a.chunks_mut(row_len.0).zip(b.chunks_mut(row_len.1));
        rows.enumerate().for_each(|(i, (a, b))| f(first + i, a, b));
    });
}

/// Calls `f(first row, rows of a, rows of b)` for chunks of whole rows of two outputs.
pub fn for_row_chunks2<A: Send, B: Send>(
    (a, b): (&mut [A], &mut [B]),
    row_len: (usize, usize),
    cost_per_row: usize,
    f: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    if row_len.0 == 0 || row_len.1 == 0 || a.is_empty() {
        return;
    }
    assert_eq!(a.len() / row_len.0, b.len() / row_len.1, "outputs of different row counts");
    let rows = chunk_rows(cost_per_row);
    let len = (rows.saturating_mul(row_len.0), rows.saturating_mul(row_len.1));
    let chunks = |(i, (a, b)): (usize, (&mut [A], &mut [B]))| f(i * rows, a, b);
    if worth(a.len() / row_len.0, cost_per_row) {
        a.par_chunks_mut(len.0).zip(b.par_chunks_mut(len.1)).enumerate().for_each(chunks);
    } else {
        a.chunks_mut(len.0).zip(b.chunks_mut(len.1)).enumerate().for_each(chunks);
    }
}

/// The values of `f(0)..f(n)` in order, computed in parallel when the work is worth it.
pub fn map_indices<R: Send>(n: usize, cost_each: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if worth(n, cost_each) {
        (0..n).into_par_iter().with_min_len(chunk_rows(cost_each)).map(&f).collect()
    } else {
        (0..n).map(&f).collect()
    }
}

/// Calls `f(0)..f(n)` in any order, in parallel when the work is worth it.
pub fn for_tasks(n: usize, cost_each: usize, f: impl Fn(usize) + Sync) {
    if worth(n, cost_each) {
        (0..n).into_par_iter().with_min_len(chunk_rows(cost_each)).for_each(&f);
    } else {
        (0..n).for_each(f);
    }
}

/// Output that several tasks write in disjoint parts which are not whole rows.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    _borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through unsafe functions whose callers keep the parts of different threads disjoint.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(out: &'a mut [T]) -> Self {
        Shared { start: out.as_mut_ptr(), len: out.len(), _borrow: PhantomData }
    }

    /// The place of element `offset`, from which `len` elements must be inside of the output.
    ///
    /// # Safety
    /// What is written through it must be written by no other thread.
    pub(crate) unsafe fn at(&self, offset: usize, len: usize) -> *mut T {
        assert!(offset + len <= self.len, "part outside of the output");
        self.start.wrapping_add(offset)
    }

    /// The part of `len` elements at `offset`.
    ///
    /// # Safety
    /// No other reference to an element of the part may exist.
    pub(crate) unsafe fn slice(&self, offset: usize, len: usize) -> &'a mut [T] {
        // SAFETY: `at` checks the bounds, the caller vouches for exclusive access.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset, len), len) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs `f` in pools of one and of four threads and asserts equal results.
    pub(crate) fn same_for_threads<R: PartialEq + std::fmt::Debug + Send>(f: impl Fn() -> R + Sync) -> R {
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let one = pool(1).install(&f);
        let four = pool(4).install(&f);
        assert!(one == four, "results depend on the number of threads");
        one
    }

    #[test]
    fn every_row_is_visited_once_with_its_index() {
        for (rows, len, cost) in [(1, 1, 1), (7, 3, 1), (1000, 17, 100), (3, 5, 1 << 20), (70_000, 1, 1)] {
            let out = same_for_threads(|| {
                let mut out = vec![0usize; rows * len];
                for_rows(&mut out, len, cost, |row, slice| slice.iter_mut().for_each(|v| *v += row + 1));
                out
            });
            assert!(out.iter().enumerate().all(|(i, &v)| v == i / len + 1));
        }
    }

    #[test]
    fn two_outputs_keep_in_step() {
        let (mut a, mut b) = (vec![0usize; 900 * 2], vec![0u8; 900 * 3]);
        for_rows2((&mut a, &mut b), (2, 3), 1000, |row, a, b| {
            a.fill(row);
            b.fill(row as u8);
        });
        assert!((0..900).all(|r| a[2 * r + 1] == r && b[3 * r] == r as u8 && b[3 * r + 2] == r as u8));
    }

    #[test]
    fn empty_output_calls_nothing() {
        for_rows(&mut [0u8; 0], 4, 1, |_, _| panic!("no rows"));
        for_rows(&mut [1u8; 4], 0, 1, |_, _| panic!("no columns"));
    }

    #[test]
    fn mapped_values_come_in_order() {
        let got = map_indices(5000, 1000, |i| i * i);
        assert!(got.iter().enumerate().all(|(i, &v)| v == i * i));
    }

    #[test]
    fn chunks_hold_whole_rows() {
        let mut out = vec![0u32; 999 * 7];
        for_row_chunks(&mut out, 7, 500, |first, chunk| {
            assert_eq!(chunk.len() % 7, 0);
            chunk.iter_mut().enumerate().for_each(|(i, v)| *v = (first * 7 + i) as u32);
        });
        assert!(out.iter().enumerate().all(|(i, &v)| v == i as u32));
    }
}
