//! Products and equations with triangular matrices.

use super::{add_product, block, half, transposed};
use crate::cores::cores;
use crate::gemm::{Mat, MatMut};
use crate::parallel::for_rows;
use crate::real::{Real, real, wide, with_wide_out};
use rsym_tensor::Float;

/// Order up to which equations are solved row by row.
const ROWS: usize = 32;

/// On which side of the unknown the triangular matrix stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `op(a) * x`.
    Left,
    /// `x * op(a)`.
    Right,
}

/// Square matrices `a` of which one triangle counts, and how they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangular {
    /// Order of the matrices.
    pub n: usize,
    /// Whether the lower triangle counts, not the upper.
    pub lower: bool,
    /// Whether the transposed matrices are meant.
    pub transpose: bool,
    /// On which side they stand.
    pub side: Side,
}

impl Triangular {
    /// The triangular matrix as the left factor, lower or not: `x * op(a)` is computed transposed.
    fn left<C>(self, a: &[C]) -> (Mat<'_, C>, bool) {
        let flip = self.transpose != (self.side == Side::Right);
        let a = Mat::new(a, self.n, self.n);
        (if flip { a.t() } else { a }, self.lower != flip)
    }

    /// Lets `f` change `x`, made of `b` times `alpha`, as the right factor of the triangular matrix.
    fn on<C: Real>(self, alpha: C, b: &[C], x: &mut [C], f: impl FnOnce(&mut [C], usize)) {
        let cols = b.len() / self.n.max(1);
        match self.side {
            Side::Left => {
                x.iter_mut().zip(b).for_each(|(x, &b)| *x = alpha * b);
                f(x, cols);
            }
            Side::Right => {
                let mut turned = transposed(b, self.n);
                turned.iter_mut().for_each(|v| *v *= alpha);
                f(&mut turned, cols);
                x.copy_from_slice(&transposed(&turned, cols));
            }
        }
    }
}

/// `x = alpha * op(a) * b` or `x = alpha * b * op(a)` for every matrix of a batch; `b` has `size` elements in each.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn multiply<T: Float>(how: Triangular, alpha: f64, a: &[T], b: &[T], size: usize, x: &mut [T]) {
    let (a, b) = (wide(a), wide(b));
    with_wide_out(x, |x| (cores().triangular_product)(how, real(alpha), &a, &b, size, x));
}

pub(crate) fn multiply_core<C: Real>(how: Triangular, alpha: C, a: &[C], b: &[C], size: usize, x: &mut [C]) {
    let n = how.n;
    for_rows(x, size, size * n, |i, x| {
        let (factor, lower) = how.left(&a[i * n * n..][..n * n]);
        let kept = kept_triangle(factor, lower);
        how.on(alpha, &b[i * size..][..size], x, |x, cols| {
            let b = x.to_vec();
            let (a, b, x) = (Mat::new(&kept, n, n), Mat::new(&b, n, cols), MatMut::new(x, n, cols));
            (cores().product)(1, C::one(), (a, 0), (b, 0), C::zero(), (x, 0));
        });
    });
}

/// A copy with zeros in the other triangle.
fn kept_triangle<C: Real>(a: Mat<C>, lower: bool) -> Vec<C> {
    let keeps = |r: usize, c: usize| if lower { c <= r } else { c >= r };
    let at = |i: usize| (i / a.cols, i % a.cols);
    let value = |(r, c)| if keeps(r, c) { a.data[r * a.rs + c * a.cs] } else { C::zero() };
    (0..a.rows * a.cols).map(at).map(value).collect()
}

/// Solves `op(a) * x = alpha * b` or `x * op(a) = alpha * b` for every matrix of a batch; `b` has `size` elements in each.
/// Zeros on the diagonal give infinities and NaN.
///
/// # Panics
/// When the slices do not have the sizes of the same number of matrices.
pub fn solve<T: Float>(how: Triangular, alpha: f64, a: &[T], b: &[T], size: usize, x: &mut [T]) {
    let (a, b) = (wide(a), wide(b));
    with_wide_out(x, |x| (cores().triangular_solution)(how, real(alpha), &a, &b, size, x));
}

pub(crate) fn solve_core<C: Real>(how: Triangular, alpha: C, a: &[C], b: &[C], size: usize, x: &mut [C]) {
    let n = how.n;
    for_rows(x, size, size * n, |i, x| {
        let (factor, lower) = how.left(&a[i * n * n..][..n * n]);
        how.on(alpha, &b[i * size..][..size], x, |x, cols| solve_left(factor, lower, false, x, cols));
    });
}

/// Solves `a * x = b` in the place of `b`, whose rows have `cols` elements. With `unit` the diagonal counts as ones.
pub(super) fn solve_left<C: Real>(a: Mat<C>, lower: bool, unit: bool, b: &mut [C], cols: usize) {
    let n = a.rows;
    if n <= ROWS {
        return substitute(a, lower, unit, b, cols);
    }
    let first = half(n, ROWS);
    let rest = n - first;
    let (top, bottom) = b.split_at_mut(first * cols);
    let (a11, a22) = (block(a, (0, 0), (first, first)), block(a, (first, first), (rest, rest)));
    if lower {
        solve_left(a11, lower, unit, top, cols);
        let a21 = block(a, (first, 0), (rest, first));
        add_product(-C::one(), a21, Mat::new(top, first, cols), MatMut::new(bottom, rest, cols));
        solve_left(a22, lower, unit, bottom, cols);
    } else {
        solve_left(a22, lower, unit, bottom, cols);
        let a12 = block(a, (0, first), (first, rest));
        add_product(-C::one(), a12, Mat::new(bottom, rest, cols), MatMut::new(top, first, cols));
        solve_left(a11, lower, unit, top, cols);
    }
}

fn substitute<C: Real>(a: Mat<C>, lower: bool, unit: bool, b: &mut [C], cols: usize) {
    let n = a.rows;
    for step in 0..n {
        let r = if lower { step } else { n - 1 - step };
        let (before, from) = b.split_at_mut(r * cols);
        let (row, after) = from.split_at_mut(cols);
        let (known, first) = if lower { (&*before, 0) } else { (&*after, r + 1) };
        for (k, solved) in known.chunks_exact(cols.max(1)).enumerate() {
            let factor = a.data[r * a.rs + (first + k) * a.cs];
            row.iter_mut().zip(solved).for_each(|(x, &s)| *x -= factor * s);
        }
        if !unit {
            let diagonal = a.data[r * (a.rs + a.cs)];
            row.iter_mut().for_each(|x| *x /= diagonal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dot, near, t};
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::noise;

    /// A well-conditioned matrix; both triangles are filled.
    fn matrix(n: usize, seed: u64) -> Vec<f64> {
        let mut a: Vec<f64> = noise(n * n, seed);
        a.iter_mut().for_each(|v| *v /= n as f64);
        (0..n).for_each(|i| a[i * (n + 1)] += 2.0);
        a
    }

    fn kept(a: &[f64], n: usize, lower: bool) -> Vec<f64> {
        let keeps = |i: usize| if lower { i % n <= i / n } else { i % n >= i / n };
        a.iter().enumerate().map(|(i, &v)| if keeps(i) { v } else { 0.0 }).collect()
    }

    fn all() -> impl Iterator<Item = (bool, bool, Side)> {
        let side = |i: usize| if i & 4 == 0 { Side::Left } else { Side::Right };
        (0..8).map(move |i| (i & 1 == 0, i & 2 == 0, side(i)))
    }

    #[test]
    fn products_and_equations_use_one_triangle() {
        for (n, k) in [(1, 1), (3, 2), (32, 5), (33, 7), (150, 40)] {
            for (lower, transpose, side) in all() {
                let how = Triangular { n, lower, transpose, side };
                let (a, b) = (matrix(n, 3), noise::<f64>(n * k, 4));
                let op = kept(&a, n, lower);
                let op = if transpose { t(&op, n) } else { op };
                let want = match side {
                    Side::Left => dot(&op, &b, n),
                    Side::Right => dot(&b, &op, n),
                };
                let want: Vec<f64> = want.iter().map(|v| 1.5 * v).collect();
                let mut got = vec![f64::NAN; n * k];
                multiply(how, 1.5, &a, &b, n * k, &mut got);
                near(&got, &want, 1e-12);
                let mut back = vec![f64::NAN; n * k];
                solve(how, 1.0 / 1.5, &a, &got, n * k, &mut back);
                near(&back, &b, 1e-12);
            }
        }
    }

    #[test]
    fn batches_give_the_same_bits_for_every_number_of_threads() {
        let (n, k, batch) = (70, 20, 5);
        let a: Vec<f32> = (0..batch).flat_map(|i| matrix(n, i)).map(|v| v as f32).collect();
        let b: Vec<f32> = noise(batch as usize * n * k, 9);
        let how = Triangular { n, lower: true, transpose: false, side: Side::Right };
        let solved = same_for_threads(|| {
            let mut x = vec![0f32; b.len()];
            solve(how, 1.0, &a, &b, n * k, &mut x);
            x
        });
        let mut back = vec![0f32; b.len()];
        multiply(how, 1.0, &a, &solved, n * k, &mut back);
        assert!(back.iter().zip(&b).all(|(g, w)| (g - w).abs() < 1e-5));
    }

    #[test]
    fn a_zero_on_the_diagonal_gives_infinity() {
        let how = Triangular { n: 1, lower: true, transpose: false, side: Side::Left };
        let mut x = [0f32];
        solve(how, 1.0, &[0f32], &[2f32], 1, &mut x);
        assert_eq!(x, [f32::INFINITY]);
    }
}
