use super::draws::Draws;
use super::{Key, fill};
use crate::parallel::for_rows2;
use rsym_tensor::{Element, Float};
use std::collections::HashSet;

/// Draws categories: row `r` of `weights`, a matrix with `categories` columns, gives the relative weights for row `r` of
/// `out`, which has `draws` columns. Weights that are negative or NaN count as 0; a row without weight gives category 0.
pub fn categorical<T: Float, I: Element>(key: Key, weights: &[T], categories: usize, draws: usize, out: &mut [I]) {
    assert_eq!(weights.len() * draws, out.len() * categories, "categorical: lengths");
    let mut sums = Vec::with_capacity(weights.len());
    for row in weights.chunks(categories.max(1)) {
        sums.extend(row.iter().scan(0.0, |sum, w| {
            *sum += w.to_f64().max(0.0);
            Some(*sum)
        }));
    }
    fill(key, out, |i, numbers| {
        let row = &sums[i / draws * categories..][..categories];
        let point = numbers.unit() * row[categories - 1];
        let place = row.partition_point(|&sum| sum <= point);
        I::from_i64(if place < categories { place as i64 } else { 0 })
    });
}

/// A random order of `0..n`, every one equally likely.
pub fn permutation(key: Key, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut draws = Draws::new(key.mix(), 0);
    for i in (1..n).rev() {
        order.swap(i, draws.integer(0, i as i64 + 1) as usize);
    }
    order
}

/// Draws `count` different numbers of `0..range` for every row, about as often as Zipf's law has it: number `c` with
/// probability `log((c + 1.5) / (c + 0.5)) / log(range)`, the first and the last with what is left of it at the ends of the
/// range. `tries` takes how many draws each row needed.
///
/// # Panics
/// When `count` is more than `range`, or the slices do not have the same number of rows.
pub fn unique_zipfian(key: Key, range: usize, count: usize, out: &mut [i64], tries: &mut [i64]) {
    assert!(count <= range, "more different numbers than there are");
    tries.fill(0);
    let (key, log) = (key.mix(), (range as f64).ln());
    for_rows2((out, tries), (count, 1), 100 * count, |row, out, tries| {
        let mut draws = Draws::new(key, row as u64);
        let mut seen = HashSet::with_capacity(count);
        for slot in out {
            *slot = std::iter::repeat_with(|| {
                tries[0] += 1;
                (draws.unit() * log).exp().round() as i64 - 1
            })
            .find(|&number| seen.insert(number))
            .unwrap_or_default();
        }
    });
}
