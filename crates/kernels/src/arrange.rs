//! Rearrangements: copies that read or write along other strides. Nothing is computed, so the kernels serve every
//! element type alike. All arrays are C-contiguous.

mod diagonal;
mod join;
mod pad;
mod square;
mod strided;
#[cfg(test)]
mod tests;

pub use diagonal::{Diagonal, put_diagonal, take_diagonal};
pub use join::{concat, split};
pub use pad::{PadMode, pad, pad_backward};

use crate::raw::pair;
use rsym_tensor::{Element, Shape};
use strided::{Loop, Nest};

/// One axis of a slice: `count` elements from `begin` on, `step` apart (negative: backwards).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceAxis {
    /// The first element.
    pub begin: usize,
    /// The distance of neighbours; not 0.
    pub step: isize,
    /// How many elements.
    pub count: usize,
}

impl SliceAxis {
    /// All of an axis.
    pub fn all(extent: usize) -> SliceAxis {
        SliceAxis { begin: 0, step: 1, count: extent }
    }

    /// The elements `begin..end`.
    pub fn range(begin: usize, end: usize) -> SliceAxis {
        SliceAxis { begin, step: 1, count: end - begin }
    }
}

/// Distances of neighbours along each axis of a C-contiguous array.
fn strides(dims: &[usize]) -> Vec<isize> {
    let mut stride = 1;
    let mut strides: Vec<isize> = dims
        .iter()
        .rev()
        .map(|&d| {
            let own = stride;
            stride *= d as isize;
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// A copy that fills a contiguous output of shape `dims` along the strides `from` of the source.
fn gather(dims: &[usize], from: &[isize], start: isize) -> Nest {
    let loops = dims.iter().zip(from).zip(strides(dims));
    let loops = loops.map(|((&extent, &from), to)| Loop { extent, from, to }).collect();
    Nest { loops, from: start, to: 0 }
}

/// Permutes the axes: axis `i` of the output is axis `axes[i]` of `src`.
pub fn transpose<T: Element>(src: &[T], dims: &[usize], axes: &[usize], out: &mut [T]) {
    assert!(dims.len() == axes.len() && src.len() == out.len(), "transpose: {axes:?} of {dims:?}");
    let strides = strides(dims);
    let from: Vec<isize> = axes.iter().map(|&a| strides[a]).collect();
    let dims: Vec<usize> = axes.iter().map(|&a| dims[a]).collect();
    gather(&dims, &from, 0).run(pair(src, out));
}

/// The elements that `axes` select, one entry per axis of `src`.
pub fn slice<T: Element>(src: &[T], dims: &[usize], axes: &[SliceAxis], out: &mut [T]) {
    slice_nest(dims, axes).run(pair(src, out));
}

/// Writes `values` to the places of `out` (of shape `dims`) that `axes` select, and leaves the others.
pub fn slice_assign<T: Element>(values: &[T], dims: &[usize], axes: &[SliceAxis], out: &mut [T]) {
    let mut nest = slice_nest(dims, axes);
    std::mem::swap(&mut nest.from, &mut nest.to);
    nest.loops.iter_mut().for_each(|l| std::mem::swap(&mut l.from, &mut l.to));
    nest.run(pair(values, out));
}

/// Gradient of [`slice`]: `grad` at the places that `axes` select in `out` (of shape `dims`), zero elsewhere.
pub fn slice_backward<T: Element>(grad: &[T], dims: &[usize], axes: &[SliceAxis], out: &mut [T]) {
    fill(out, T::default());
    slice_assign(grad, dims, axes, out);
}

fn slice_nest(dims: &[usize], axes: &[SliceAxis]) -> Nest {
    assert_eq!(dims.len(), axes.len(), "slice: one entry per axis");
    let strides = strides(dims);
    let start = axes.iter().zip(&strides).map(|(a, s)| a.begin as isize * s).sum();
    let from: Vec<isize> = axes.iter().zip(&strides).map(|(a, s)| a.step * s).collect();
    let counts: Vec<usize> = axes.iter().map(|a| a.count).collect();
    axes.iter().zip(dims).filter(|(a, _)| a.count > 0).for_each(|(a, &d)| {
        let last = a.begin as isize + a.step * (a.count as isize - 1);
        assert!(a.begin < d && (0..d as isize).contains(&last), "slice: {a:?} of {d}");
    });
    gather(&counts, &from, start)
}

/// Sets every element.
pub fn fill<T: Element>(out: &mut [T], value: T) {
    crate::elementwise::split(out, &|_, part| part.fill(value));
}

/// Reverses the order along `axes`.
pub fn flip<T: Element>(src: &[T], dims: &[usize], axes: &[usize], out: &mut [T]) {
    let turned = |(i, &d): (usize, &usize)| match axes.contains(&i) {
        true => SliceAxis { begin: d.saturating_sub(1), step: -1, count: d },
        false => SliceAxis::all(d),
    };
    slice(src, dims, &dims.iter().enumerate().map(turned).collect::<Vec<_>>(), out);
}

/// Repeats axes of extent 1, and the whole along new leading axes, until the shape is `target`.
pub fn broadcast_to<T: Element>(src: &[T], dims: &[usize], target: &[usize], out: &mut [T]) {
    assert!(dims.len() <= target.len(), "broadcast_to: {dims:?} to {target:?}");
    let pad = target.len() - dims.len();
    let strides = strides(dims);
    let from = |(i, &t): (usize, &usize)| {
        let own = if i < pad { 1 } else { dims[i - pad] };
        assert!(own == t || own == 1, "broadcast_to: {dims:?} to {target:?}");
        if own == 1 { 0 } else { strides[i - pad] }
    };
    let from: Vec<isize> = target.iter().enumerate().map(from).collect();
    gather(target, &from, 0).run(pair(src, out));
}

/// The shape in which the copies that [`tile`] makes are axes of their own: (reps, extent) for every axis, the shorter of the
/// two lists padded with ones on the left. Its even axes are those that the gradient sums over.
pub fn tile_axes(dims: &[usize], reps: &[usize]) -> Shape {
    let rank = dims.len().max(reps.len());
    let at = |list: &[usize], i: usize| if i + list.len() < rank { 1 } else { list[i + list.len() - rank] };
    (0..rank).flat_map(|i| [at(reps, i), at(dims, i)]).collect()
}

/// Lays `reps[i]` copies side by side along each axis, as NumPy's `tile` does.
pub fn tile<T: Element>(src: &[T], dims: &[usize], reps: &[usize], out: &mut [T]) {
    let target = tile_axes(dims, reps);
    let extents: Vec<usize> = target.iter().skip(1).step_by(2).copied().collect();
    let from: Vec<isize> = strides(&extents).into_iter().flat_map(|s| [0, s]).collect();
    gather(&target, &from, 0).run(pair(src, out));
}

/// Repeats every element of the middle axis of (outer, n, inner) `times` times in place.
pub fn repeat<T: Element>(src: &[T], (outer, n, inner): (usize, usize, usize), times: usize, out: &mut [T]) {
    let from = [(n * inner) as isize, inner as isize, 0, 1];
    gather(&[outer, n, times, inner], &from, 0).run(pair(src, out));
}

/// Moves blocks of channels of a (n, c, h, w) array into the picture: `block` by `block` pixels from as many channels.
pub fn depth_to_space<T: Element>(src: &[T], dims: [usize; 4], block: usize, out: &mut [T]) {
    let [n, c, h, w] = dims;
    transpose(src, &[n, block, block, c / (block * block), h, w], &[0, 3, 4, 1, 5, 2], out);
}

/// The inverse of [`depth_to_space`].
pub fn space_to_depth<T: Element>(src: &[T], dims: [usize; 4], block: usize, out: &mut [T]) {
    let [n, c, h, w] = dims;
    transpose(src, &[n, c, h / block, block, w / block, block], &[0, 3, 5, 1, 2, 4], out);
}
