//! The Cholesky factorisation and the inverse that it gives.

use super::triangular::solve_left;
use super::{Defect, add_product, first_defect, half, transposed};
use crate::cores::cores;
use crate::gemm::{Mat, MatMut};
use crate::parallel::for_rows2;
use crate::real::{Real, wide, with_wide_out};
use num_traits::{one, zero};
use rsym_tensor::Float;

/// Order up to which a matrix is factorised row by row.
const ROWS: usize = 32;

/// The triangular factors of symmetric positive definite matrices of order `n`: `a = l * lᵀ` with `lower`, of which only the
/// lower triangles are read, else `a = uᵀ * u`, of which only the upper are.
///
/// # Errors
/// The first matrix that is not positive definite, with the row at which it shows.
pub fn cholesky<T: Float>(n: usize, lower: bool, a: &[T], out: &mut [T]) -> Result<(), Defect> {
    let a = wide(a);
    with_wide_out(out, |out| (cores().cholesky)(n, lower, &a, out))
}

pub(crate) fn cholesky_core<C: Real>(n: usize, lower: bool, a: &[C], out: &mut [C]) -> Result<(), Defect> {
    each(n, out, |i, out| {
        let a = &a[i * n * n..][..n * n];
        let mut factor = if lower { a.to_vec() } else { transposed(a, n) };
        let defect = factorise(&mut factor, n, n);
        (0..n).for_each(|r| factor[r * n + r + 1..][..n - r - 1].fill(zero()));
        out.copy_from_slice(&if lower { factor } else { transposed(&factor, n) });
        defect
    })
}

/// `(l * lᵀ)⁻¹` for lower triangular matrices of order `n`, or `(uᵀ * u)⁻¹` for upper ones.
///
/// # Errors
/// The first matrix with a zero on the diagonal, and its row.
pub fn cholesky_inverse<T: Float>(n: usize, lower: bool, a: &[T], out: &mut [T]) -> Result<(), Defect> {
    let a = wide(a);
    with_wide_out(out, |out| (cores().cholesky_inverse)(n, lower, &a, out))
}

pub(crate) fn inverse_core<C: Real>(n: usize, lower: bool, a: &[C], out: &mut [C]) -> Result<(), Defect> {
    each(n, out, |i, out| {
        let factor = Mat::new(&a[i * n * n..][..n * n], n, n);
        let factor = if lower { factor } else { factor.t() };
        if let Some(row) = (0..n).find(|r| factor.data[r * (n + 1)] == zero()) {
            return Some(row);
        }
        let mut inverse = vec![zero(); n * n];
        (0..n).for_each(|r| inverse[r * (n + 1)] = one());
        solve_left(factor, true, false, &mut inverse, n);
        let inverse = Mat::new(&inverse, n, n);
        out.fill(zero());
        add_product(one(), inverse.t(), inverse, MatMut::new(out, n, n));
        None
    })
}

/// Calls `f(number, matrix)` for every matrix of order `n`; `f` tells the row of a defect.
fn each<C: Real>(n: usize, out: &mut [C], f: impl Fn(usize, &mut [C]) -> Option<usize> + Sync) -> Result<(), Defect> {
    let mut defects = vec![None; out.len() / (n * n).max(1)];
    for_rows2((out, &mut defects), (n * n, 1), n * n * n, |i, out, defect| defect[0] = f(i, out));
    first_defect(defects)
}

/// Factorises the leading matrix of order `n`, whose rows are `stride` apart, in its lower triangle. Tells the row at which it
/// turns out not to be positive definite.
fn factorise<C: Real>(a: &mut [C], stride: usize, n: usize) -> Option<usize> {
    if n <= ROWS {
        return by_rows(a, stride, n);
    }
    let first = half(n, ROWS);
    let rest = n - first;
    let (top, bottom) = a.split_at_mut(first * stride);
    if let Some(row) = factorise(top, stride, first) {
        return Some(row);
    }
    let mut side: Vec<C> = vec![C::zero(); first * rest];
    for (r, row) in bottom.chunks(stride).take(rest).enumerate() {
        row[..first].iter().enumerate().for_each(|(c, &v)| side[c * rest + r] = v);
    }
    let factor = Mat { data: top, rows: first, cols: first, rs: stride, cs: 1 };
    solve_left(factor, true, false, &mut side, rest);
    for (r, row) in bottom.chunks_mut(stride).take(rest).enumerate() {
        row[..first].iter_mut().enumerate().for_each(|(c, v)| *v = side[c * rest + r]);
    }
    let corner = MatMut { data: &mut bottom[first..], rows: rest, cols: rest, rs: stride, cs: 1 };
    let side = Mat::new(&side, first, rest);
    add_product(-C::one(), side.t(), side, corner);
    factorise(&mut bottom[first..], stride, rest).map(|row| first + row)
}

fn by_rows<C: Real>(a: &mut [C], stride: usize, n: usize) -> Option<usize> {
    let dot = |x: &[C], y: &[C]| x.iter().zip(y).fold(C::zero(), |sum, (&x, &y)| sum + x * y);
    for r in 0..n {
        let (above, row) = a.split_at_mut(r * stride);
        for c in 0..r {
            let pivot = &above[c * stride..][..c + 1];
            row[c] = (row[c] - dot(&row[..c], &pivot[..c])) / pivot[c];
        }
        let square = row[r] - dot(&row[..r], &row[..r]);
        if square.is_nan() || square <= C::zero() {
            return Some(r);
        }
        row[r] = square.sqrt();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::{definite, dot, identity, near, t};
    use super::*;

    #[test]
    fn factors_multiply_to_the_matrix_and_give_its_inverse() {
        for n in [1, 2, 5, 32, 33, 64, 131] {
            let a = definite(n, n as u64);
            for lower in [true, false] {
                let (mut factor, mut inverse) = (vec![f64::NAN; n * n], vec![f64::NAN; n * n]);
                let read = |i: usize| if lower { i % n <= i / n } else { i % n >= i / n };
                let half: Vec<f64> = (0..n * n).map(|i| if read(i) { a[i] } else { 99.0 }).collect();
                cholesky(n, lower, &half, &mut factor).unwrap();
                let back = if lower { dot(&factor, &t(&factor, n), n) } else { dot(&t(&factor, n), &factor, n) };
                near(&back, &a, 1e-11);
                assert!((0..n * n).all(|i| read(i) || factor[i] == 0.0));
                cholesky_inverse(n, lower, &factor, &mut inverse).unwrap();
                near(&dot(&inverse, &a, n), &identity(n), 1e-9);
            }
        }
    }

    #[test]
    fn the_first_bad_matrix_is_told_with_its_row() {
        let good = [4.0, 1.0, 1.0, 4.25];
        let a: Vec<f64> = good.into_iter().chain([1.0, 2.0, 2.0, 1.0]).collect();
        assert_eq!(cholesky(2, true, &a, &mut [0.0; 8]), Err(Defect { matrix: 1, row: 1 }));
        assert_eq!(cholesky(1, true, &[f32::NAN], &mut [0f32]), Err(Defect { matrix: 0, row: 0 }));
        assert_eq!(cholesky_inverse(2, true, &[1f32, 0.0, 5.0, 0.0], &mut [0.0; 4]), Err(Defect { matrix: 0, row: 1 }));
        let mut a = definite(40, 1);
        a[35 * 41] = -1.0;
        assert_eq!(cholesky(40, true, &a, &mut vec![0.0; 1600]), Err(Defect { matrix: 0, row: 35 }));
    }
}
