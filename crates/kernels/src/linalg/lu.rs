//! The LU factorisation with exchanged rows, determinants and inverses.

use super::triangular::solve_left;
use super::{Defect, add_product, doubles, first_defect, half, narrow};
use crate::gemm::{Mat, MatMut};
use crate::parallel::{for_rows, for_rows2};
use rsym_tensor::Element;

/// Columns that are eliminated one by one.
const COLS: usize = 16;

/// Factorises matrices of order `n`: both triangles in one matrix, the lower one with ones on its diagonal, and for every
/// row the row (from 1 on) with which it was exchanged, as LAPACK has it. A column without a pivot is left as it is.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn lu<T: Element>(n: usize, a: &[T], factors: &mut [T], pivots: &mut [i32]) {
    let mut work = doubles(a);
    factorise_all(n, &mut work, pivots);
    narrow(&work, factors);
}

fn factorise_all(n: usize, a: &mut [f64], pivots: &mut [i32]) {
    for_rows2((a, pivots), (n * n, n), n * n * n, |_, a, pivots| {
        let rows = factorise(a, n);
        pivots.iter_mut().zip(rows).for_each(|(p, row)| *p = row as i32 + 1);
    });
}

/// The inverses of matrices of order `n`.
///
/// # Errors
/// The first singular matrix, and the row at which it shows.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn inverse<T: Element>(n: usize, a: &[T], out: &mut [T]) -> Result<(), Defect> {
    let mut work = doubles(a);
    invert_all(n, &mut work)?;
    narrow(&work, out);
    Ok(())
}

fn invert_all(n: usize, a: &mut [f64]) -> Result<(), Defect> {
    let mut defects = vec![None; a.len() / (n * n).max(1)];
    for_rows2((a, &mut defects), (n * n, 1), n * n * n, |_, a, defect| {
        let rows = factorise(a, n);
        defect[0] = (0..n).find(|r| a[r * (n + 1)] == 0.0);
        let inverse = inverted(a, rows);
        a.copy_from_slice(&inverse);
    });
    first_defect(defects)
}

/// A determinant as its sign and the logarithm of its size; 0 and minus infinity for a singular matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Determinant {
    /// -1, 0 or 1.
    pub sign: f64,
    /// Logarithm of the absolute value.
    pub log: f64,
}

impl Determinant {
    /// The determinant itself.
    pub fn value(self) -> f64 {
        if self.sign == 0.0 { 0.0 } else { self.sign * self.log.exp() }
    }
}

/// The determinants of matrices of order `n` with the factors that [`lu`] found.
pub fn determinant<T: Element>(n: usize, factors: &[T], pivots: &[i32]) -> Vec<Determinant> {
    let count = pivots.len() / n.max(1);
    let place = |i: usize| i / n * n * n + i % n * (n + 1);
    let diagonals: Vec<f64> = (0..count * n).map(|i| factors[place(i)].to_f64()).collect();
    diagonals.chunks(n.max(1)).zip(pivots.chunks(n.max(1))).map(|(d, p)| from_diagonal(d, p)).collect()
}

fn from_diagonal(diagonal: &[f64], pivots: &[i32]) -> Determinant {
    let exchanged = pivots.iter().enumerate().filter(|&(r, &p)| p != r as i32 + 1).count();
    let start = Determinant { sign: if exchanged % 2 == 1 { -1.0 } else { 1.0 }, log: 0.0 };
    diagonal.iter().fold(start, |d, v| Determinant { sign: d.sign * sign(*v), log: d.log + v.abs().ln() })
}

/// -1, 0 or 1; NaN stays.
fn sign(v: f64) -> f64 {
    if v == 0.0 || v.is_nan() { v } else { v.signum() }
}

/// `scale * a⁻ᵀ` for matrices of order `n` with the factors that [`lu`] found; zeros for singular matrices.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn inverse_transposed<T: Element>(n: usize, scale: &[f64], factors: &[T], pivots: &[i32], out: &mut [T]) {
    let mut work = doubles(factors);
    turn_all(n, scale, &mut work, pivots);
    narrow(&work, out);
}

/// Leaves `scale * a⁻ᵀ` in the place of the factors.
fn turn_all(n: usize, scale: &[f64], factors: &mut [f64], pivots: &[i32]) {
    for_rows(factors, n * n, n * n * n, |i, a| {
        if a.iter().step_by(n + 1).any(|&v| v == 0.0) {
            return a.fill(0.0);
        }
        let rows = pivots[i * n..][..n].iter().map(|&p| (p.max(1) as usize - 1).min(n - 1)).collect();
        let inverse = inverted(a, rows);
        a.iter_mut().enumerate().for_each(|(e, o)| *o = scale[i] * inverse[e % n * n + e / n]);
    });
}

/// The inverse of the matrix with these factors, whose rows were exchanged with `rows` one after the other.
fn inverted(factors: &[f64], rows: Vec<usize>) -> Vec<f64> {
    let n = rows.len();
    let mut out = vec![0.0; n * n];
    let mut order: Vec<usize> = (0..n).collect();
    rows.iter().enumerate().for_each(|(r, &other)| order.swap(r, other));
    order.iter().enumerate().for_each(|(r, &from)| out[r * n + from] = 1.0);
    let factors = Mat::new(factors, n, n);
    solve_left(factors, true, true, &mut out, n);
    solve_left(factors, false, false, &mut out, n);
    out
}

/// Factorises a matrix of order `n` in its place; tells with which row each row was exchanged.
fn factorise(a: &mut [f64], n: usize) -> Vec<usize> {
    let mut rows = vec![0; n];
    eliminate(a, n, (0, n), &mut rows);
    rows
}

/// Factorises the columns `first..first + cols` from row `first` on, and exchanges rows in these columns alone.
fn eliminate(a: &mut [f64], n: usize, (first, cols): (usize, usize), rows: &mut [usize]) {
    if cols <= COLS {
        return by_columns(a, n, (first, cols), rows);
    }
    let left = half(cols, COLS);
    let (middle, end) = (first + left, first + cols);
    eliminate(a, n, (first, left), rows);
    (first..middle).for_each(|r| exchange(a, n, (r, rows[r]), middle..end));
    update(a, n, first, middle, end);
    eliminate(a, n, (middle, cols - left), rows);
    (middle..end).for_each(|r| exchange(a, n, (r, rows[r]), first..middle));
}

/// With the columns `first..middle` factorised, takes their part off the columns `middle..end`.
fn update(a: &mut [f64], n: usize, first: usize, middle: usize, end: usize) {
    let (left, right) = (middle - first, end - middle);
    let (above, below) = a.split_at_mut(middle * n);
    let mut corner: Vec<f64> = Vec::with_capacity(left * right);
    above[first * n..].chunks_exact(n).for_each(|row| corner.extend_from_slice(&row[middle..end]));
    let factor = Mat { data: &above[first * n + first..], rows: left, cols: left, rs: n, cs: 1 };
    solve_left(factor, true, true, &mut corner, right);
    for (row, solved) in above[first * n..].chunks_exact_mut(n).zip(corner.chunks_exact(right)) {
        row[middle..end].copy_from_slice(solved);
    }
    let rest = n - middle;
    if rest == 0 {
        return;
    }
    let side: Vec<f64> = below.chunks_exact(n).flat_map(|row| row[first..middle].iter().copied()).collect();
    let target = MatMut { data: &mut below[middle..], rows: rest, cols: right, rs: n, cs: 1 };
    add_product(-1.0, Mat::new(&side, rest, left), Mat::new(&corner, left, right), target);
}

fn exchange(a: &mut [f64], n: usize, (row, other): (usize, usize), columns: std::ops::Range<usize>) {
    if row != other {
        columns.for_each(|c| a.swap(row * n + c, other * n + c));
    }
}

fn by_columns(a: &mut [f64], n: usize, (first, cols): (usize, usize), rows: &mut [usize]) {
    let end = first + cols;
    for c in first..end {
        let size = |r: usize| a[r * n + c].abs();
        rows[c] = (c..n).fold(c, |best, r| if size(r) > size(best) { r } else { best });
        exchange(a, n, (c, rows[c]), first..end);
        let (above, below) = a.split_at_mut((c + 1) * n);
        let pivot = &above[c * n + c..c * n + end];
        if pivot[0] == 0.0 {
            continue;
        }
        for row in below.chunks_exact_mut(n) {
            row[c] /= pivot[0];
            let factor = row[c];
            row[c + 1..end].iter_mut().zip(&pivot[1..]).for_each(|(x, p)| *x -= factor * p);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dot, identity, near, t};
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::noise;

    #[test]
    fn inverses_and_determinants() {
        for n in [1, 2, 3, 16, 17, 40, 100] {
            let a: Vec<f64> = noise(n * n, 5 + n as u64);
            let mut inv = vec![f64::NAN; n * n];
            inverse(n, &a, &mut inv).unwrap();
            near(&dot(&a, &inv, n), &identity(n), 1e-9);
            let (mut factors, mut pivots) = (vec![0.0; n * n], vec![0; n]);
            lu(n, &a, &mut factors, &mut pivots);
            let mut turned = vec![f64::NAN; n * n];
            inverse_transposed(n, &[1.0], &factors, &pivots, &mut turned);
            near(&t(&turned, n), &inv, 1e-13);
            let lower: Vec<f64> = (0..n * n).map(|i| if i % n < i / n { factors[i] } else { identity(n)[i] }).collect();
            let upper: Vec<f64> = (0..n * n).map(|i| if i % n >= i / n { factors[i] } else { 0.0 }).collect();
            let mut exchanged = a.clone();
            (0..n).for_each(|r| exchange(&mut exchanged, n, (r, pivots[r] as usize - 1), 0..n));
            near(&dot(&lower, &upper, n), &exchanged, 1e-13);
            assert!(lower.iter().all(|v| v.abs() <= 1.0));
        }
    }

    /// By the first row.
    fn slow_determinant(a: &[f64], n: usize) -> f64 {
        let minor = |c: usize| -> Vec<f64> { (n..n * n).filter(|i| i % n != c).map(|i| a[i]).collect() };
        let sign = |c: usize| if c.is_multiple_of(2) { 1.0 } else { -1.0 };
        if n == 0 { 1.0 } else { (0..n).map(|c| sign(c) * a[c] * slow_determinant(&minor(c), n - 1)).sum() }
    }

    #[test]
    fn determinants_agree_with_the_expansion() {
        for n in 1..7 {
            let a: Vec<f64> = noise(3 * n * n, 11);
            let (mut factors, mut pivots) = (vec![0.0; a.len()], vec![0; 3 * n]);
            lu(n, &a, &mut factors, &mut pivots);
            for (d, a) in determinant(n, &factors, &pivots).iter().zip(a.chunks(n * n)) {
                near(&[d.value()], &[slow_determinant(a, n)], 1e-13);
            }
        }
    }

    #[test]
    fn singular_matrices() {
        let a = [1f32, 2.0, 2.0, 4.0];
        assert_eq!(inverse(2, &a, &mut [0f32; 4]), Err(Defect { matrix: 0, row: 1 }));
        let (mut factors, mut pivots) = ([0f32; 4], [0; 2]);
        lu(2, &a, &mut factors, &mut pivots);
        let d = determinant(2, &factors, &pivots)[0];
        assert_eq!((d.value(), d.log), (0.0, f64::NEG_INFINITY));
        let mut out = [7f32; 4];
        inverse_transposed(2, &[1.0], &factors, &pivots, &mut out);
        assert_eq!(out, [0.0; 4]);
    }

    #[test]
    fn batches_give_the_same_bits_for_every_number_of_threads() {
        let a: Vec<f32> = noise(4 * 60 * 60, 2);
        let all = same_for_threads(|| {
            let mut out = vec![0f32; a.len()];
            inverse(60, &a, &mut out).unwrap();
            out
        });
        let mut one = vec![0f32; 3600];
        inverse(60, &a[3600..7200], &mut one).unwrap();
        assert_eq!(all[3600..7200], one);
    }
}
