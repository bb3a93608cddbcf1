//! Linear algebra on batches of C-contiguous matrices: triangular systems, factorisations, determinants.
//!
//! Triangular systems, Cholesky, LU and LQ factorisations are recursive or blocked, so that most of their work is matrix
//! products; eigenvalues come from `nalgebra`. LU, LQ and eigenvalues are computed in double precision for every type.
//! The matrices of a batch are spread over threads; within one matrix the products are.

mod cholesky;
mod eigen;
mod lq;
mod lu;
mod packed;
mod triangular;

use crate::cores::cores;
use crate::gemm::{Mat, MatMut};
use crate::real::Real;
pub use cholesky::{cholesky, cholesky_inverse};
pub(crate) use cholesky::{cholesky_core, inverse_core};
pub use eigen::{eigen, eigen_gradient};
pub use lq::lq;
pub use lu::{Determinant, determinant, inverse, inverse_transposed, lu};
pub use packed::{add_log_diagonal, diagonal_quotient, extract_triangle, insert_triangle, mirror, triangle};
use rsym_tensor::Element;
pub use triangular::{Side, Triangular, multiply, solve};
pub(crate) use triangular::{multiply_core, solve_core};

/// A matrix that cannot be factorised: its number in the batch, and the row at which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Number of the matrix in the batch.
    pub matrix: usize,
    /// The first row at which the factorisation fails; the order of the matrix where none is to blame.
    pub row: usize,
}

/// The first defect of a batch, of which every matrix has told its own.
fn first_defect(rows: impl IntoIterator<Item = Option<usize>>) -> Result<(), Defect> {
    let found = rows.into_iter().enumerate().find_map(|(matrix, row)| row.map(|row| Defect { matrix, row }));
    found.map_or(Ok(()), Err)
}

/// `c += alpha * a * b`.
fn add_product<C: Real>(alpha: C, a: Mat<C>, b: Mat<C>, c: MatMut<C>) {
    (cores().product)(1, alpha, (a, 0), (b, 0), C::one(), (c, 0));
}

/// The block of `rows` times `cols` elements from (`row`, `col`) on.
fn block<C: Copy>(a: Mat<C>, (row, col): (usize, usize), (rows, cols): (usize, usize)) -> Mat<C> {
    Mat { data: a.data.get(row * a.rs + col * a.cs..).unwrap_or_default(), rows, cols, ..a }
}

/// The transpose of a C-contiguous matrix of `cols` columns.
fn transposed<T: Copy>(a: &[T], cols: usize) -> Vec<T> {
    (0..cols).flat_map(|c| a[c.min(a.len())..].iter().step_by(cols).copied()).collect()
}

/// The first part of a recursion over `n`: a multiple of `unit`, about half.
fn half(n: usize, unit: usize) -> usize {
    n.div_ceil(2).next_multiple_of(unit)
}

/// The values in double precision.
fn doubles<T: Element>(values: &[T]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

/// The values in the type of `out`.
fn narrow<T: Element>(values: &[f64], out: &mut [T]) {
    out.iter_mut().zip(values).for_each(|(o, &v)| *o = T::from_f64(v));
}

#[cfg(test)]
mod tests {
    //! Obvious twins, in double precision.

    use crate::real::tests::noise;

    /// `a * b` for C-contiguous matrices, `k` being the inner extent.
    pub(super) fn dot(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
        let (m, n) = (a.len() / k, b.len() / k);
        let at = |i: usize| (0..k).map(|l| a[i / n * k + l] * b[l * n + i % n]).sum();
        (0..m * n).map(at).collect()
    }

    pub(super) fn t(a: &[f64], cols: usize) -> Vec<f64> {
        super::transposed(a, cols)
    }

    pub(super) fn identity(n: usize) -> Vec<f64> {
        (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()
    }

    /// A symmetric positive definite matrix.
    pub(super) fn definite(n: usize, seed: u64) -> Vec<f64> {
        let a: Vec<f64> = noise(n * n, seed);
        let product = dot(&a, &t(&a, n), n);
        product.iter().zip(identity(n)).map(|(p, e)| p + e).collect()
    }

    /// Asserts |got - want| <= tol everywhere.
    pub(super) fn near(got: &[f64], want: &[f64], tol: f64) {
        assert_eq!(got.len(), want.len());
        let worst = got.iter().zip(want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
        assert!(worst <= tol, "off by {worst}");
    }
}
