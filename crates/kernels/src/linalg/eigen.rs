//! Eigenvalues and eigenvectors of symmetric matrices.

use super::{Defect, doubles, first_defect, narrow, transposed};
use crate::cores::cores;
use crate::gemm::{Mat, MatMut};
use crate::parallel::{for_rows, for_rows2};
use nalgebra::{DMatrix, SymmetricEigen};
use rsym_tensor::{DType, Element};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Iterations for each eigenvalue before the search is given up.
const TRIES: usize = 60;
/// Elements of an eigenvector whose sizes differ by less than this part count as equally large.
const TIE: f64 = 1e-6;

/// `a = uᵀ * diag(values) * u` for symmetric matrices of order `n`, of which the lower triangles are read. The eigenvalues
/// ascend; the rows of `u` are the eigenvectors, each with a positive first one among its largest elements.
///
/// # Errors
/// The first matrix with an element that is not finite.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn eigen<T: Element>(n: usize, a: &[T], u: &mut [T], values: &mut [T]) -> Result<(), Defect> {
    let (mut wide_u, mut wide_values) = (doubles(a), vec![0.0; values.len()]);
    decompose_all(n, &mut wide_u, &mut wide_values)?;
    narrow(&wide_u, u);
    narrow(&wide_values, values);
    Ok(())
}

/// Leaves the eigenvectors in the place of the matrices.
fn decompose_all(n: usize, u: &mut [f64], values: &mut [f64]) -> Result<(), Defect> {
    let failed = AtomicUsize::new(usize::MAX);
    for_rows2((u, values), (n * n, n), 10 * n * n * n, |i, u, values| {
        let Some((vectors, found)) = decompose(n, u) else {
            failed.fetch_min(i, Ordering::Relaxed);
            return;
        };
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&x, &y| found[x].total_cmp(&found[y]));
        for ((row, value), &from) in u.chunks_exact_mut(n).zip(values).zip(&order) {
            *value = found[from];
            let vector = &vectors[from * n..][..n];
            let sign = sign(vector);
            row.iter_mut().zip(vector).for_each(|(o, v)| *o = sign * v);
        }
    });
    let failed = failed.into_inner();
    first_defect(
        (failed != usize::MAX).then(|| std::iter::repeat_n(None, failed).chain([Some(n)])).into_iter().flatten(),
    )
}

/// The eigenvectors, one after the other, and the eigenvalues.
fn decompose(n: usize, a: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let matrix = DMatrix::from_fn(n, n, |r, c| a[r.max(c) * n + r.min(c)]);
    if matrix.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let found = SymmetricEigen::try_new(matrix, f64::EPSILON, TRIES * n.max(1))?;
    Some((found.eigenvectors.as_slice().to_vec(), found.eigenvalues.as_slice().to_vec()))
}

/// The sign that makes the first of the largest elements positive.
fn sign(vector: &[f64]) -> f64 {
    let largest = vector.iter().fold(0f64, |m, v| m.max(v.abs()));
    let first = vector.iter().find(|v| v.abs() >= largest * (1.0 - TIE));
    if first.is_some_and(|&v| v < 0.0) { -1.0 } else { 1.0 }
}

/// The gradient of [`eigen`] with respect to `a`, given those of `u` and of the values. Eigenvalues that are closer than
/// 1e-30 (1e-100 in double precision) count as that far apart.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn eigen_gradient<T: Element>(n: usize, (du, dvalues): (&[T], &[T]), (u, values): (&[T], &[T]), da: &mut [T]) {
    let least = if T::DTYPE == DType::Float64 { 1e-100 } else { 1e-30 };
    let mut work = doubles(du);
    differentiate_all(n, least, &doubles(dvalues), (&doubles(u), &doubles(values)), &mut work);
    narrow(&work, da);
}

/// Leaves the gradients in the place of those of the eigenvectors.
fn differentiate_all(n: usize, least: f64, dvalues: &[f64], (u, values): (&[f64], &[f64]), da: &mut [f64]) {
    for_rows(da, n * n, 6 * n * n * n, |i, da| {
        let u = &u[i * n * n..][..n * n];
        let (values, dvalues) = (&values[i * n..][..n], &dvalues[i * n..][..n]);
        let turned = transposed(u, n);
        let along = product(n, da, &turned);
        let mix = |e: usize| {
            let (r, c) = (e / n, e % n);
            let (high, low) = (r.max(c), r.min(c));
            let apart = (values[high] - values[low]).max(least);
            let skew = along[high * n + low] - along[low * n + high];
            if r == c { dvalues[r] } else { skew / (2.0 * apart) }
        };
        let mixed: Vec<f64> = (0..n * n).map(mix).collect();
        da.copy_from_slice(&product(n, &product(n, &turned, &mixed), u));
    });
}

/// `a * b` for matrices of order `n`.
fn product(n: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    let (a, b) = (Mat::new(a, n, n), Mat::new(b, n, n));
    (cores().product)(1, 1.0, (a, 0), (b, 0), 0.0, (MatMut::new(&mut out, n, n), 0));
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dot, identity, near, t};
    use super::*;
    use crate::real::tests::noise;

    fn symmetric(n: usize, seed: u64) -> Vec<f64> {
        let a: Vec<f64> = noise(n * n, seed);
        a.iter().zip(t(&a, n)).map(|(x, y)| x + y).collect()
    }

    fn check(a: &[f64], n: usize, tol: f64) -> Vec<f64> {
        let (mut u, mut values) = (vec![f64::NAN; n * n], vec![f64::NAN; n]);
        let lower: Vec<f64> = (0..n * n).map(|i| if i % n <= i / n { a[i] } else { 99.0 }).collect();
        eigen(n, &lower, &mut u, &mut values).unwrap();
        let scaled: Vec<f64> = u.iter().enumerate().map(|(i, v)| v * values[i / n]).collect();
        near(&dot(&t(&u, n), &scaled, n), a, tol);
        near(&dot(&u, &t(&u, n), n), &identity(n), 1e-12);
        assert!(values.windows(2).all(|w| w[0] <= w[1]));
        values
    }

    #[test]
    fn vectors_and_values_make_the_matrix() {
        for n in [1, 2, 3, 10, 64, 100] {
            check(&symmetric(n, n as u64), n, 1e-12);
        }
        check(&identity(5), 5, 1e-14);
        check(&[0.0; 9], 3, 0.0);
        let graded: Vec<f64> =
            symmetric(12, 4).iter().enumerate().map(|(i, v)| v * 4f64.powi(-((i / 12 + i % 12) as i32))).collect();
        check(&graded, 12, 1e-14);
        near(&check(&[2.0, -1.0, -1.0, 2.0], 2, 1e-15), &[1.0, 3.0], 1e-15);
        let huge: Vec<f64> = [2.0, -1.0, -1.0, 2.0].map(|v| v * 1e200).to_vec();
        near(&check(&huge, 2, 1e186), &[1e200, 3e200], 1e186);
    }

    #[test]
    fn the_first_of_the_largest_elements_is_positive() {
        let (mut u, mut values) = ([0f32; 4], [0f32; 2]);
        eigen(2, &[2f32, -1.0, -1.0, 2.0], &mut u, &mut values).unwrap();
        assert!(u[0] > 0.0 && u[1] > 0.0 && u[2] > 0.0 && u[3] < 0.0);
    }

    #[test]
    fn elements_that_are_not_finite_are_told() {
        let a = [1f32, 0.0, 0.0, 1.0, f32::NAN, 0.0, 0.0, 1.0];
        assert_eq!(eigen(2, &a, &mut [0.0; 8], &mut [0.0; 4]), Err(Defect { matrix: 1, row: 2 }));
    }
}
