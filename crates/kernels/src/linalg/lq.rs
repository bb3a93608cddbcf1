//! The LQ factorisation, by blocks of Householder reflections (R. Schreiber and C. Van Loan, "A storage-efficient WY
//! representation for products of Householder transformations", 1989).

use super::{add_product, doubles, narrow};
use crate::gemm::{Mat, MatMut};
use crate::parallel::for_rows2;
use rsym_tensor::Element;

/// Rows that are reflected one by one before the rest follows in a product.
const ROWS: usize = 32;

/// `a = l * q` for matrices of `m` rows and `n >= m` columns: `q` (m × n) has orthonormal rows, `l` (m × m) is lower
/// triangular. The signs are LAPACK's: a row is reflected away from its diagonal element, one that is already zero beyond the
/// diagonal stays as it is.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices, or `n < m`.
pub fn lq<T: Element>((m, n): (usize, usize), a: &[T], q: &mut [T], l: &mut [T]) {
    let (mut wide_q, mut wide_l) = (vec![0.0; q.len()], vec![0.0; l.len()]);
    in_doubles((m, n), &doubles(a), &mut wide_q, &mut wide_l);
    narrow(&wide_q, q);
    narrow(&wide_l, l);
}

fn in_doubles((m, n): (usize, usize), a: &[f64], q: &mut [f64], l: &mut [f64]) {
    assert!(m <= n, "more rows than columns");
    for_rows2((q, l), (m * n, m * m), m * m * n, |i, q, l| {
        let mut work = a[i * m * n..][..m * n].to_vec();
        let blocks: Vec<Block> = (0..m).step_by(ROWS).map(|first| reduce(&mut work, (m, n), first)).collect();
        let lower = |i: usize| if i % m <= i / m { work[i / m * n + i % m] } else { 0.0 };
        l.iter_mut().enumerate().for_each(|(i, l)| *l = lower(i));
        work.fill(0.0);
        (0..m).for_each(|r| work[r * (n + 1)] = 1.0);
        blocks.iter().rev().for_each(|block| block.apply(&mut work, n, true));
        q.copy_from_slice(&work);
    });
}

/// The product of some reflections, `1 - vᵀ t v`, on the columns from `first` on.
struct Block {
    first: usize,
    /// The vectors, one per row, over the columns from `first` on.
    v: Vec<f64>,
    /// Upper triangular.
    t: Vec<f64>,
    count: usize,
}

/// Makes up to [`ROWS`] rows from `first` on lower triangular and lets the rows below follow.
fn reduce(a: &mut [f64], (m, n): (usize, usize), first: usize) -> Block {
    let (count, width) = (ROWS.min(m - first), n - first);
    let mut block = Block { first, v: vec![0.0; count * width], t: vec![0.0; count * count], count };
    let (panel, below) = a[first * n..].split_at_mut(count * n);
    for j in 0..count {
        let (row, rest) = panel[j * n..].split_at_mut(n);
        let v = &mut block.v[j * width + j..(j + 1) * width];
        let scale = reflection(&mut row[first + j..], v);
        for row in rest.chunks_exact_mut(n) {
            let row = &mut row[first + j..];
            let factor = scale * dot(row, v);
            row.iter_mut().zip(&*v).for_each(|(x, v)| *x -= factor * v);
        }
        block.join(j, scale);
    }
    block.apply(below, n, false);
    block
}

/// Turns `row` into one element and zeros; leaves the vector of the reflection in `v` and returns its factor.
fn reflection(row: &mut [f64], v: &mut [f64]) -> f64 {
    let (&mut head, tail) = match row.split_first_mut() {
        Some(parts) => parts,
        None => return 0.0,
    };
    v[0] = 1.0;
    let largest = tail.iter().fold(0f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let scale = largest.max(head.abs());
    let norm = scale * ((head / scale).powi(2) + tail.iter().map(|x| (x / scale).powi(2)).sum::<f64>()).sqrt();
    let end = -norm.copysign(head);
    v[1..].iter_mut().zip(&*tail).for_each(|(v, x)| *v = x / (head - end));
    row.fill(0.0);
    row[0] = end;
    (end - head) / end
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

impl Block {
    /// Takes reflection `j`, whose vector is there, with its factor into `t`.
    fn join(&mut self, j: usize, scale: f64) {
        let (count, width) = (self.count, self.v.len() / self.count);
        let row = |i: usize| &self.v[i * width..][..width];
        let products: Vec<f64> = (0..j).map(|i| dot(row(i), row(j))).collect();
        for i in 0..j {
            self.t[i * count + j] = -scale * dot(&self.t[i * count + i..][..j - i], &products[i..]);
        }
        self.t[j * count + j] = scale;
    }

    /// Multiplies the rows of `x`, of `n` elements, by the block, or by its transpose.
    fn apply(&self, x: &mut [f64], n: usize, transpose: bool) {
        let (rows, count, width) = (x.len() / n.max(1), self.count, n - self.first);
        if rows == 0 {
            return;
        }
        let v = Mat::new(&self.v, count, width);
        let (mut along, mut mixed) = (vec![0.0; rows * count], vec![0.0; rows * count]);
        let part = Mat { data: &x[self.first..], rows, cols: width, rs: n, cs: 1 };
        add_product(1.0, part, v.t(), MatMut::new(&mut along, rows, count));
        let t = Mat::new(&self.t, count, count);
        let t = if transpose { t.t() } else { t };
        add_product(1.0, Mat::new(&along, rows, count), t, MatMut::new(&mut mixed, rows, count));
        let part = MatMut { data: &mut x[self.first..], rows, cols: width, rs: n, cs: 1 };
        add_product(-1.0, Mat::new(&mixed, rows, count), v, part);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dot, identity, near, t};
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::noise;

    #[test]
    fn factors_multiply_to_the_matrix_and_rows_are_orthonormal() {
        for (m, n) in [(1, 1), (1, 4), (2, 2), (3, 5), (31, 40), (32, 32), (33, 33), (70, 100), (100, 100)] {
            let a: Vec<f64> = noise(m * n, 3);
            let (mut q, mut l) = (vec![f64::NAN; m * n], vec![f64::NAN; m * m]);
            lq((m, n), &a, &mut q, &mut l);
            near(&dot(&l, &q, m), &a, 1e-13);
            near(&dot(&q, &t(&q, n), n), &identity(m), 1e-13);
            assert!((0..m * m).all(|i| i % m <= i / m || l[i] == 0.0));
        }
    }

    // MXNet 1.9.1: linalg.gelqf of the same matrices.
    #[test]
    fn signs_are_those_of_lapack() {
        let (mut q, mut l) = ([0f64; 4], [0f64; 4]);
        lq((2, 2), &[1.0, 2.0, 3.0, 4.0], &mut q, &mut l);
        near(&l, &[-2.236068, 0.0, -4.919349, -0.8944271], 1e-6);
        near(&q, &[-0.44721353, -0.8944272, -0.8944272, 0.4472136], 1e-6);
        lq((2, 2), &[0.0; 4], &mut q, &mut l);
        assert_eq!((q, l), ([1.0, 0.0, 0.0, 1.0], [0.0; 4]));
    }

    #[test]
    fn every_matrix_of_a_batch_counts_for_itself() {
        let a: Vec<f32> = noise(5 * 40 * 50, 8);
        let run = |a: &[f32]| {
            let (mut q, mut l) = (vec![0f32; a.len()], vec![0f32; a.len() / 50 * 40]);
            lq((40, 50), a, &mut q, &mut l);
            (q, l)
        };
        let (q, l) = same_for_threads(|| run(&a));
        let (one_q, one_l) = run(&a[3 * 2000..4 * 2000]);
        assert_eq!((&q[6000..8000], &l[4800..6400]), (&one_q[..], &one_l[..]));
    }

    #[test]
    fn huge_and_tiny_rows_neither_overflow_nor_vanish() {
        for scale in [1e300, 1e-300] {
            let (mut q, mut l) = ([0f64; 2], [0f64; 1]);
            lq((1, 2), &[3.0 * scale, 4.0 * scale], &mut q, &mut l);
            near(&q, &[-0.6, -0.8], 1e-15);
            near(&[l[0] / scale], &[-5.0], 1e-14);
        }
    }
}
