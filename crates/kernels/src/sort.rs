//! Orders along an axis.

use crate::number::Number;
use crate::parallel::for_rows;
use std::cmp::Ordering;

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The positions of the first `k` elements of every column of `src`, of shape (outer, n, inner), in the given order; the
/// result has shape (outer, k, inner). Equal elements stay in their order. NaN counts as larger than every number, and as
/// equal to NaN. [`crate::index::gather_along`] then fetches the values, [`crate::index::scatter_along`] leads back.
pub fn sorted_positions<T: Number>(
    src: &[T],
    (outer, n, inner): (usize, usize, usize),
    k: usize,
    order: Order,
) -> Vec<usize> {
    assert!(src.len() == outer * n * inner && k <= n, "sorted_positions: {k} of {n}");
    let mut out = vec![0; outer * k * inner];
    let steps = n.max(2).ilog2() as usize * 4;
    for_rows(&mut out, k * inner, n.saturating_mul(inner * steps), |o, out| {
        let mut list: Vec<(T, usize)> = Vec::with_capacity(n);
        for column in 0..inner {
            let at = |i: usize| src[(o * n + i) * inner + column];
            list.clear();
            list.extend((0..n).map(|i| (at(i), i)));
            first_sorted(&mut list, k, order);
            list.iter().take(k).enumerate().for_each(|(j, (_, i))| out[j * inner + column] = *i);
        }
    });
    out
}

/// Brings the first `k` into place.
fn first_sorted<T: Number>(list: &mut [(T, usize)], k: usize, order: Order) {
    let by = |a: &(T, usize), b: &(T, usize)| {
        let values = compare(a.0, b.0);
        let values = if order == Order::Ascending { values } else { values.reverse() };
        values.then(a.1.cmp(&b.1))
    };
    if k == 0 {
        return;
    }
    let front = if k < list.len() { list.select_nth_unstable_by(k, by).0 } else { list };
    front.sort_unstable_by(by);
}

fn compare<T: Number>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use Order::*;

    #[test]
    fn positions_equal_a_stable_sort() {
        for (outer, n, inner, k) in
            [(1, 1, 1, 1), (3, 17, 1, 17), (2, 40, 5, 7), (1, 3000, 2, 3000), (64, 100, 1, 99), (2, 3, 4, 0)]
        {
            let src: Vec<f32> = (0..outer * n * inner).map(|i| (i * 7919 % 23) as f32).collect();
            for order in [Ascending, Descending] {
                let got = same_for_threads(|| sorted_positions(&src, (outer, n, inner), k, order));
                for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                    let value = |at: usize| src[(o * n + at) * inner + i];
                    let mut want: Vec<usize> = (0..n).collect();
                    want.sort_by(|&a, &b| {
                        let values = value(a).partial_cmp(&value(b)).unwrap();
                        if order == Ascending { values } else { values.reverse() }
                    });
                    let column: Vec<usize> = (0..k).map(|j| got[(o * k + j) * inner + i]).collect();
                    assert_eq!(column, want[..k]);
                }
            }
        }
    }

    // MXNet 1.9.1: topk and argsort of (3, 3, 1, 2, 3, 0).
    #[test]
    fn ties_stay_in_order() {
        let x = [3i32, 3, 1, 2, 3, 0];
        assert_eq!(sorted_positions(&x, (1, 6, 1), 4, Descending), [0, 1, 4, 3]);
        assert_eq!(sorted_positions(&x, (1, 6, 1), 6, Ascending), [5, 2, 3, 0, 1, 4]);
    }

    #[test]
    fn not_a_number_is_the_largest() {
        let x = [3.0, f32::NAN, 1.0, f32::NEG_INFINITY, f32::NAN, f32::INFINITY];
        assert_eq!(sorted_positions(&x, (1, 6, 1), 6, Ascending), [3, 2, 0, 5, 1, 4]);
        assert_eq!(sorted_positions(&x, (1, 6, 1), 3, Descending), [1, 4, 5]);
    }
}
