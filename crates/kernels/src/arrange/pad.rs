use super::{SliceAxis, fill, slice_assign};
use crate::axes::MAX_AXES;
use crate::number::Number;
use crate::parallel::for_rows;
use crate::raw::{each_width, pair};
use rsym_tensor::Element;

/// What lies beyond the border of a padded array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode<T> {
    /// This value.
    Constant(T),
    /// The nearest element.
    Edge,
    /// The elements mirrored at the border element, which itself is not repeated.
    Reflect,
}

/// Pads each axis of `src` (of shape `dims`) by `widths[i]` elements before and after.
pub fn pad<T: Element>(mode: PadMode<T>, src: &[T], dims: &[usize], widths: &[(usize, usize)], out: &mut [T]) {
    let tables = match mode {
        PadMode::Constant(value) => {
            let padded: Vec<usize> = dims.iter().zip(widths).map(|(d, w)| d + w.0 + w.1).collect();
            let inside: Vec<_> = dims.iter().zip(widths).map(|(d, w)| SliceAxis::range(w.0, w.0 + d)).collect();
            fill(out, value);
            return slice_assign(src, &padded, &inside, out);
        }
        PadMode::Edge => tables(dims, widths, edge),
        PadMode::Reflect => tables(dims, widths, reflect),
    };
    each_width!(pair(src, out), (src, out) => look_up(src, dims, &tables, out))
}

/// Gradient of [`pad`]: every element of `out` (of shape `dims`) is the sum of `grad` over its copies.
pub fn pad_backward<T: Number>(mode: PadMode<T>, grad: &[T], dims: &[usize], widths: &[(usize, usize)], out: &mut [T]) {
    let tables = match mode {
        PadMode::Constant(_) => {
            let padded: Vec<usize> = dims.iter().zip(widths).map(|(d, w)| d + w.0 + w.1).collect();
            let inside: Vec<_> = dims.iter().zip(widths).map(|(d, w)| SliceAxis::range(w.0, w.0 + d)).collect();
            return super::slice(grad, &padded, &inside, out);
        }
        PadMode::Edge => tables(dims, widths, edge),
        PadMode::Reflect => tables(dims, widths, reflect),
    };
    let mut shape: Vec<usize> = tables.iter().map(Vec::len).collect();
    let mut current = grad.to_vec();
    for (axis, table) in tables.iter().enumerate().filter(|(i, t)| t.len() != dims[*i]) {
        current = fold_axis(&current, &shape, axis, table, dims[axis]);
        shape[axis] = dims[axis];
    }
    out.copy_from_slice(&current);
}

/// For every axis, the source index of every index of the padded array.
fn tables(dims: &[usize], widths: &[(usize, usize)], index: fn(isize, isize) -> isize) -> Vec<Vec<usize>> {
    assert_eq!(dims.len(), widths.len(), "pad: one width per axis");
    let table = |(&n, &(before, after)): (&usize, &(usize, usize))| {
        let at = |i: usize| index(i as isize - before as isize, n as isize) as usize;
        (0..before + n + after).map(at).collect()
    };
    dims.iter().zip(widths).map(table).collect()
}

fn edge(i: isize, n: isize) -> isize {
    i.clamp(0, (n - 1).max(0))
}

fn reflect(i: isize, n: isize) -> isize {
    let period = 2 * (n - 1).max(1);
    let i = i.rem_euclid(period);
    if n <= 1 { 0 } else { i.min(period - i) }
}

fn look_up<U: Copy + Send + Sync>(src: &[U], dims: &[usize], tables: &[Vec<usize>], out: &mut [U]) {
    let Some((inner, outer)) = tables.split_last() else {
        return out.copy_from_slice(src);
    };
    assert!(outer.len() < MAX_AXES, "pad: too many axes");
    for_rows(out, inner.len(), inner.len(), |mut row, out| {
        let (mut offset, mut stride) = (0, dims[dims.len() - 1]);
        for (table, n) in outer.iter().zip(dims).rev() {
            offset += table[row % table.len()] * stride;
            row /= table.len();
            stride *= n;
        }
        out.iter_mut().zip(inner).for_each(|(o, i)| *o = src[offset + i]);
    });
}

/// Adds up the slices along `axis` that `table` maps to the same one of `n`, in their order.
fn fold_axis<T: Number>(grad: &[T], shape: &[usize], axis: usize, table: &[usize], n: usize) -> Vec<T> {
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let mut out = vec![T::default(); outer * n * inner];
    for_rows(&mut out, n * inner, table.len() * inner, |row, out| {
        let grad = &grad[row * table.len() * inner..];
        for (slice, &to) in grad.chunks_exact(inner).zip(table) {
            out[to * inner..][..inner].iter_mut().zip(slice).for_each(|(o, &g)| *o = o.plus(g));
        }
    });
    out
}
