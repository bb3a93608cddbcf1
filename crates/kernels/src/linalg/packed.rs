//! Triangles and diagonals: cut out, packed and unpacked.

use crate::parallel::for_rows;
use rsym_tensor::Element;

/// One triangle of matrices of order `n`, zeros in the other.
pub fn triangle<T: Element>(n: usize, lower: bool, a: &[T], out: &mut [T]) {
    for_rows(out, n, n, |row, out| {
        let (a, r) = (&a[row * n..][..n], row % n);
        let kept = if lower { 0..r + 1 } else { r..n };
        out.fill(T::default());
        out[kept.clone()].copy_from_slice(&a[kept]);
    });
}

/// Symmetric matrices of order `n` from one triangle of others.
pub fn mirror<T: Element>(n: usize, lower: bool, a: &[T], out: &mut [T]) {
    for_rows(out, n, 2 * n, |row, out| {
        let (first, r) = (row / n * n * n, row % n);
        out.iter_mut().enumerate().for_each(|(c, o)| {
            let (r, c) = if (c <= r) == lower { (r, c) } else { (c, r) };
            *o = a[first + r * n + c];
        });
    });
}

/// Places in a matrix of order `n` of the elements of the triangle that begins at diagonal `offset`, in their order: row by
/// row for lower triangles, column by column for upper ones.
fn places(n: usize, offset: i64, lower: bool) -> Vec<usize> {
    let upper = offset > 0 || (offset == 0 && !lower);
    let skip = (offset.unsigned_abs() as usize).min(n);
    let place = |r: usize, c: usize| if upper { c * n + r + skip } else { (r + skip) * n + c };
    (0..n - skip).flat_map(|r| (0..r + 1).map(move |c| place(r, c))).collect()
}

/// Packs the triangles that begin at diagonal `offset` of matrices of order `n`; `lower` decides where `offset` is 0.
pub fn extract_triangle<T: Element>(n: usize, offset: i64, lower: bool, a: &[T], out: &mut [T]) {
    let places = places(n, offset, lower);
    for_rows(out, places.len(), places.len(), |i, out| {
        let a = &a[i * n * n..][..n * n];
        out.iter_mut().zip(&places).for_each(|(o, &place)| *o = a[place]);
    });
}

/// Unpacks the triangles that [`extract_triangle`] packs; zeros elsewhere.
pub fn insert_triangle<T: Element>(n: usize, offset: i64, lower: bool, a: &[T], out: &mut [T]) {
    let places = places(n, offset, lower);
    for_rows(out, n * n, n * n, |i, out| {
        out.fill(T::default());
        let a = &a[i * places.len()..][..places.len()];
        a.iter().zip(&places).for_each(|(&v, &place)| out[place] = v);
    });
}

/// The sums of the logarithms of the diagonals of matrices of order `n`.
pub fn add_log_diagonal<T: Element>(n: usize, a: &[T], out: &mut [T]) {
    for_rows(out, 1, 16 * n, |i, out| {
        out[0] = T::from_f64(a[i * n * n..][..n * n].iter().step_by(n + 1).map(|v| v.to_f64().ln()).sum());
    });
}

/// `scale / a` on the diagonals of matrices of order `n`, zeros elsewhere; one scale for each matrix.
pub fn diagonal_quotient<T: Element>(n: usize, scale: &[T], a: &[T], out: &mut [T]) {
    for_rows(out, n * n, n * n, |i, out| {
        out.fill(T::default());
        let diagonal = a[i * n * n..][..n * n].iter().step_by(n + 1);
        let quotient = |v: &T| T::from_f64(scale[i].to_f64() / v.to_f64());
        out.iter_mut().step_by(n + 1).zip(diagonal).for_each(|(o, v)| *o = quotient(v));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [i32; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    fn packed(offset: i64, lower: bool, size: usize) -> Vec<i32> {
        let mut out = vec![0; size];
        extract_triangle(3, offset, lower, &A, &mut out);
        out
    }

    // MXNet 1.9.1: linalg.extracttrian of the same matrix.
    #[test]
    fn triangles_are_packed_by_rows_below_and_by_columns_above() {
        assert_eq!(packed(0, true, 6), [1, 4, 5, 7, 8, 9]);
        assert_eq!(packed(0, false, 6), [1, 2, 5, 3, 6, 9]);
        assert_eq!(packed(1, true, 3), [2, 3, 6]);
        assert_eq!(packed(-1, false, 3), [4, 7, 8]);
        assert_eq!(packed(-2, false, 1), [7]);
        let mut out = [9; 9];
        insert_triangle(3, -1, true, &[4, 7, 8], &mut out);
        assert_eq!(out, [0, 0, 0, 4, 0, 0, 7, 8, 0]);
    }

    #[test]
    fn triangles_are_kept_and_mirrored() {
        let mut out = [0; 9];
        triangle(3, true, &A, &mut out);
        assert_eq!(out, [1, 0, 0, 4, 5, 0, 7, 8, 9]);
        triangle(3, false, &A, &mut out);
        assert_eq!(out, [1, 2, 3, 0, 5, 6, 0, 0, 9]);
        mirror(3, true, &A, &mut out);
        assert_eq!(out, [1, 4, 7, 4, 5, 8, 7, 8, 9]);
        mirror(3, false, &A, &mut out);
        assert_eq!(out, [1, 2, 3, 2, 5, 6, 3, 6, 9]);
    }

    #[test]
    fn logarithms_of_diagonals() {
        let mut out = [0f64];
        add_log_diagonal(2, &[2.0, 9.0, 9.0, 8.0], &mut out);
        assert_eq!(out, [2f64.ln() + 8f64.ln()]);
        let mut back = [9f64; 4];
        diagonal_quotient(2, &[3.0], &[2.0, 9.0, 9.0, 8.0], &mut back);
        assert_eq!(back, [1.5, 0.0, 0.0, 0.375]);
    }
}
