//! Positions of extremes.

use crate::feed::BLOCK;
use crate::number::Number;
use crate::parallel::for_rows;
use rsym_tensor::Element;

/// Which extreme is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    /// The largest element.
    Max,
    /// The smallest element.
    Min,
}

/// For `src` of shape (outer, n, inner), the position along the middle axis of the extreme, written to `out` of shape
/// (outer, inner). The first of equals counts; a NaN beats every number. Position 0 where `n` is 0.
pub fn arg_extreme<T: Number, I: Element>(
    which: Extreme,
    src: &[T],
    (outer, n, inner): (usize, usize, usize),
    out: &mut [I],
) {
    assert_eq!((src.len(), out.len()), (outer * n * inner, outer * inner), "arg_extreme: lengths");
    match which {
        Extreme::Max => scan(src, n, inner, out, |a, b| a > b),
        Extreme::Min => scan(src, n, inner, out, |a, b| a < b),
    }
}

fn scan<T: Number, I: Element>(
    src: &[T],
    n: usize,
    inner: usize,
    out: &mut [I],
    order: impl Fn(T, T) -> bool + Copy + Sync,
) {
    let beats = move |a: T, b: T| order(a, b) || (a.is_nan() && !b.is_nan());
    for_rows(out, inner, n.saturating_mul(inner), |row, out| {
        let src = &src[row * n * inner..(row + 1) * n * inner];
        if inner == 1 {
            out[0] = I::from_i64(first_best(src, beats) as i64);
        } else {
            out.chunks_mut(BLOCK).enumerate().for_each(|(b, out)| scan_columns(src, b * BLOCK, inner, out, beats));
        }
    });
}

fn first_best<T: Number>(xs: &[T], beats: impl Fn(T, T) -> bool) -> usize {
    let Some(&first) = xs.first() else { return 0 };
    let (mut best, mut place) = (first, 0);
    for (i, &x) in xs.iter().enumerate().skip(1) {
        if beats(x, best) {
            (best, place) = (x, i);
        }
    }
    place
}

/// The columns from `first` on of one (n, inner) matrix, row by row.
fn scan_columns<T: Number, I: Element>(
    src: &[T],
    first: usize,
    inner: usize,
    out: &mut [I],
    beats: impl Fn(T, T) -> bool,
) {
    let mut best = [0; BLOCK];
    for (i, row) in src.chunks_exact(inner).enumerate().skip(1) {
        for (j, b) in best[..out.len()].iter_mut().enumerate() {
            if beats(row[first + j], src[*b * inner + first + j]) {
                *b = i;
            }
        }
    }
    out.iter_mut().zip(best).for_each(|(o, b)| *o = I::from_i64(b as i64));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    #[test]
    fn positions_equal_the_naive_twin() {
        for (outer, n, inner) in [(1, 7, 1), (3, 5, 1), (3, 5, 7), (2, 33, 600), (500, 300, 1), (1, 200, 1000)] {
            let src: Vec<i32> = (0..outer * n * inner).map(|i| (i * 7919 % 101) as i32).collect();
            let got = same_for_threads(|| {
                let mut out = vec![0f32; outer * inner];
                arg_extreme(Extreme::Max, &src, (outer, n, inner), &mut out);
                out
            });
            for (at, got) in got.iter().enumerate() {
                let column = |i: usize| src[at / inner * n * inner + i * inner + at % inner];
                let want = (0..n).rev().max_by_key(|&i| column(i)).unwrap();
                assert_eq!(*got as usize, want);
            }
        }
    }

    // MXNet 1.9.1: argmax and argmin of the same lists.
    #[test]
    fn the_first_not_a_number_wins() {
        let nan = f32::NAN;
        let run = |which, x: &[f32]| {
            let mut out = [9i64];
            arg_extreme(which, x, (1, x.len(), 1), &mut out);
            out[0]
        };
        for (list, want) in
            [(&[1.0, nan, 3.0, 2.0][..], 1), (&[nan, 1.0, 3.0], 0), (&[1.0, 3.0, nan], 2), (&[nan, nan], 0)]
        {
            assert_eq!((run(Extreme::Max, list), run(Extreme::Min, list)), (want, want));
        }
        assert_eq!((run(Extreme::Max, &[1.0, 3.0, 3.0]), run(Extreme::Min, &[2.0, 1.0, 1.0])), (1, 1));
    }
}
