//! Greedy bipartite matching of rows with columns by a matrix of scores.

use super::descending;
use crate::parallel::for_rows2;
use rsym_tensor::Float;

/// Sizes of the score matrices, and when a pair matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matching {
    /// Rows of each matrix.
    pub rows: usize,
    /// Columns of each matrix.
    pub columns: usize,
    /// Whether small scores are the better ones.
    pub ascending: bool,
    /// Scores must be better than this.
    pub threshold: f64,
    /// The most pairs of a matrix.
    pub most: usize,
}

/// Pairs rows with columns, the best score first: for every row its column, for every column its row, -1 without a partner.
pub fn bipartite_match<T: Float>(m: Matching, scores: &[T], rows: &mut [T], columns: &mut [T]) {
    let size = m.rows * m.columns;
    let cost = size.saturating_mul(size.max(2).ilog2() as usize);
    for_rows2((rows, columns), (m.rows, m.columns), cost, |matrix, rows, columns| {
        let alone = T::from_f64(-1.0);
        rows.fill(alone);
        columns.fill(alone);
        let mut left = m.most;
        for (row, column) in m.ordered(&scores[matrix * size..][..size]) {
            if left > 0 && rows[row] == alone && columns[column] == alone {
                rows[row] = T::from_f64(column as f64);
                columns[column] = T::from_f64(row as f64);
                left -= 1;
            }
        }
    });
}

impl Matching {
    /// The places of the scores that are good enough, best first.
    fn ordered<T: Float>(&self, scores: &[T]) -> impl Iterator<Item = (usize, usize)> {
        let sign = if self.ascending { -1.0 } else { 1.0 };
        let key = |i: usize| sign * scores[i].to_f64();
        let mut order: Vec<usize> = (0..scores.len()).filter(|&i| key(i) > sign * self.threshold).collect();
        order.sort_by(|&a, &b| descending(key(a), key(b)));
        let columns = self.columns;
        order.into_iter().map(move |i| (i / columns, i % columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: Matching = Matching { rows: 3, columns: 2, ascending: false, threshold: 1e-12, most: usize::MAX };

    fn matched(m: Matching, scores: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut rows, mut columns) = (vec![9.0; 3], vec![9.0; 2]);
        bipartite_match(m, scores, &mut rows, &mut columns);
        (rows, columns)
    }

    // Documentation of MXNet 1.9.1, and the same call in other directions.
    #[test]
    fn best_pairs_first() {
        let scores = [0.5, 0.6, 0.1, 0.2, 0.3, 0.4];
        assert_eq!(matched(M, &scores), (vec![1.0, -1.0, 0.0], vec![2.0, 0.0]));
        let up = Matching { ascending: true, threshold: 0.45, ..M };
        assert_eq!(matched(up, &scores), (vec![-1.0, 0.0, 1.0], vec![1.0, 2.0]));
        assert_eq!(matched(Matching { threshold: 0.5, ..M }, &scores), (vec![1.0, -1.0, -1.0], vec![-1.0, 0.0]));
        assert_eq!(matched(Matching { most: 1, ..M }, &scores), (vec![1.0, -1.0, -1.0], vec![-1.0, 0.0]));
    }

    #[test]
    fn equal_scores_match_in_their_order_and_nan_never() {
        assert_eq!(matched(M, &[0.5; 6]), (vec![0.0, 1.0, -1.0], vec![0.0, 1.0]));
        assert_eq!(matched(M, &[f32::NAN; 6]), (vec![-1.0; 3], vec![-1.0; 2]));
    }
}
