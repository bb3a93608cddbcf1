//! Running sums.

use crate::number::Number;
use crate::parallel::for_rows;

/// `out[i] = src[0] + … + src[i]` along the middle axis of the shape (outer, n, inner); with `reverse` from the end.
/// Sums are carried in the type of accumulation.
pub fn cumulate<T: Number>(src: &[T], (outer, n, inner): (usize, usize, usize), reverse: bool, out: &mut [T]) {
    assert!(src.len() == outer * n * inner && out.len() == src.len(), "cumulate: lengths");
    let size = n * inner;
    for_rows(out, size, size, |row, out| {
        let src = &src[row * size..(row + 1) * size];
        let mut sums = vec![T::Acc::default(); inner];
        for step in 0..n {
            let at = if reverse { n - 1 - step } else { step } * inner;
            let lanes = out[at..at + inner].iter_mut().zip(&src[at..at + inner]).zip(&mut sums);
            for ((o, &x), sum) in lanes {
                *sum = sum.plus(x.to_acc());
                *o = T::from_acc(*sum);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    #[test]
    fn sums_run_along_the_axis() {
        for (outer, n, inner) in [(1, 1, 1), (3, 5, 1), (2, 4, 3), (500, 30, 9), (2, 0, 3)] {
            let src: Vec<i32> = (0..outer * n * inner).map(|i| (i * 7919 % 101) as i32 - 50).collect();
            for reverse in [false, true] {
                let got = same_for_threads(|| {
                    let mut out = vec![0; src.len()];
                    cumulate(&src, (outer, n, inner), reverse, &mut out);
                    out
                });
                for (i, &got) in got.iter().enumerate() {
                    let (o, k, j) = (i / (n * inner), i / inner % n, i % inner);
                    let range = if reverse { k..n } else { 0..k + 1 };
                    let want: i32 = range.map(|k| src[(o * n + k) * inner + j]).sum();
                    assert_eq!(got, want);
                }
            }
        }
    }
}
