use crate::parallel::for_rows;
use crate::raw::{each_width, pair};
use rsym_tensor::Element;

/// From `src` of shape (outer, n, inner), `k` elements of every column: element (o, j, i) of `out` is that of `src` at
/// (o, at[o, j, i], i). With `k` 1 this picks one element of each column.
pub fn gather_along<T: Element>(
    src: &[T],
    (outer, n, inner): (usize, usize, usize),
    k: usize,
    at: &[usize],
    out: &mut [T],
) {
    assert_eq!((src.len(), out.len(), at.len()), (outer * n * inner, outer * k * inner, out.len()), "gather: lengths");
    assert!(at.iter().all(|&i| i < n), "gather: position outside");
    each_width!(pair(src, out), (src, out) => gather_bits(src, n, inner, k, at, out))
}

fn gather_bits<U: Copy + Send + Sync>(src: &[U], n: usize, inner: usize, k: usize, at: &[usize], out: &mut [U]) {
    let row = k * inner;
    for_rows(out, row, 2 * row, |o, out| {
        let (src, at) = (&src[o * n * inner..], &at[o * row..]);
        out.iter_mut().zip(at).enumerate().for_each(|(j, (out, &at))| *out = src[at * inner + j % inner]);
    });
}

/// The inverse of [`gather_along`]: puts `values` at their places in `out` of shape (outer, n, inner) and `rest`
/// everywhere else. The last one counts where positions repeat within a column.
pub fn scatter_along<T: Element>(
    values: &[T],
    (outer, n, inner): (usize, usize, usize),
    k: usize,
    at: &[usize],
    rest: T,
    out: &mut [T],
) {
    assert_eq!(
        (out.len(), values.len(), at.len()),
        (outer * n * inner, outer * k * inner, values.len()),
        "scatter: lengths"
    );
    assert!(at.iter().all(|&i| i < n), "scatter: position outside");
    crate::arrange::fill(out, rest);
    each_width!(pair(values, out), (values, out) => scatter_bits(values, n, inner, k, at, out))
}

fn scatter_bits<U: Copy + Send + Sync>(values: &[U], n: usize, inner: usize, k: usize, at: &[usize], out: &mut [U]) {
    let row = k * inner;
    for_rows(out, n * inner, n * inner, |o, out| {
        let pairs = values[o * row..].iter().zip(&at[o * row..]).take(row).enumerate();
        pairs.for_each(|(j, (&value, &at))| out[at * inner + j % inner] = value);
    });
}
