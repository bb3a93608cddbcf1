//! Splitting mutable output over threads.
//!
//! Work is cut into chunks whose size depends on the shape and the estimated cost alone, never on the number of
//! threads, and every chunk is written by one thread. Small work runs on the calling thread, and so does work that is
//! started from within other parallel work.
//!
//! Costs are in elementary operations on one element: a copy or an addition is 1, an exponential about 8.

mod pool;
mod shared;
mod tasks;
mod threads;

use pool::Pool;
pub(crate) use shared::Shared;
pub use tasks::TaskGraph;
pub use threads::{
    MAX_THREADS, Running, VARIABLE, loaded, num_threads, requested, running, set_num_threads, with_threads,
};

/// Work below this cost (about 30 µs) stays on the calling thread.
pub const INLINE_COST: usize = 1 << 16;

/// Cost that one chunk should have at least.
const CHUNK_COST: usize = 1 << 15;

/// Rows that go into one chunk.
pub fn chunk_rows(cost_per_row: usize) -> usize {
    CHUNK_COST.div_ceil(cost_per_row.max(1))
}

/// Whether work of this size is worth several threads, and the calling thread may use them.
pub fn worth(rows: usize, cost_per_row: usize) -> bool {
    rows > 1 && rows.saturating_mul(cost_per_row.max(1)) >= INLINE_COST && !pool::in_section() && threads::share() > 1
}

/// Calls `f(0)..f(chunks)`, in parallel when `rows` of this cost are worth it.
fn run_chunks(chunks: usize, rows: usize, cost_per_row: usize, f: impl Fn(usize) + Sync) {
    if chunks > 1 && worth(rows, cost_per_row) {
        let helpers = threads::share().min(chunks) - 1;
        Pool::current(helpers).run(chunks, helpers, &f);
    } else {
        (0..chunks).for_each(f);
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
    let (rows, len) = (out.len().div_ceil(row_len), out.len());
    let step = chunk_rows(cost_per_row);
    let out = Shared::new(out);
    run_chunks(rows.div_ceil(step), rows, cost_per_row, |i| {
        // SAFETY: chunks are disjoint.
        f(i * step, unsafe { part(&out, len, i, step.saturating_mul(row_len)) })
    });
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
    let (rows, len) = (a.len().div_ceil(row_len.0), (a.len(), b.len()));
    let step = chunk_rows(cost_per_row);
    let (a, b) = (Shared::new(a), Shared::new(b));
    run_chunks(rows.div_ceil(step), rows, cost_per_row, |i| {
        // SAFETY: chunks are disjoint.
        let (a, b) = unsafe {
            (part(&a, len.0, i, step.saturating_mul(row_len.0)), part(&b, len.1, i, step.saturating_mul(row_len.1)))
        };
        f(i * step, a, b)
    });
}

/// Chunk `i` of `step` elements of an output of `len`; the last may be shorter.
///
/// # Safety
/// No other reference to an element of the chunk may exist.
unsafe fn part<'a, T>(out: &Shared<'a, T>, len: usize, i: usize, step: usize) -> &'a mut [T] {
    // SAFETY: the caller's contract.
    unsafe { out.slice(i * step, step.min(len - i * step)) }
}

/// The values of `f(0)..f(n)` in order, computed in parallel when the work is worth it.
pub fn map_indices<R: Send>(n: usize, cost_each: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if !worth(n, cost_each) {
        return (0..n).map(&f).collect();
    }
    let mut out: Vec<Option<R>> = (0..n).map(|_| None).collect();
    for_row_chunks(&mut out, 1, cost_each, |first, chunk| {
        chunk.iter_mut().enumerate().for_each(|(i, value)| *value = Some(f(first + i)));
    });
    out.into_iter().flatten().collect()
}

/// Calls `f(0)..f(n)` in any order, in parallel when the work is worth it.
pub fn for_tasks(n: usize, cost_each: usize, f: impl Fn(usize) + Sync) {
    let step = chunk_rows(cost_each);
    run_chunks(n.div_ceil(step), n, cost_each, |i| (i * step..n.min((i + 1) * step)).for_each(&f));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs `f` on one and on four threads and asserts equal results.
    pub(crate) fn same_for_threads<R: PartialEq + std::fmt::Debug + Send>(f: impl Fn() -> R + Sync) -> R {
        let one = with_threads(1, &f);
        let four = with_threads(4, &f);
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
