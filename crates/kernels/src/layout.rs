//! Arrays seen around one axis, and exchanging that axis with those behind or in front of it.

use crate::arrange::transpose;
use rsym_tensor::Element;
use std::borrow::Cow;

/// An array seen as `[outer, axis, inner]` around one of its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisDims {
    /// Product of the extents in front of the axis.
    pub outer: usize,
    /// Extent of the axis.
    pub axis: usize,
    /// Product of the extents behind the axis.
    pub inner: usize,
}

impl AxisDims {
    /// The view of an array of `shape` around `axis`.
    ///
    /// # Panics
    /// When the axis is outside of the shape.
    pub fn new(shape: &[usize], axis: usize) -> Self {
        let size = |range: &[usize]| range.iter().product();
        AxisDims { outer: size(&shape[..axis]), axis: shape[axis], inner: size(&shape[axis + 1..]) }
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.outer * self.axis * self.inner
    }

    /// Number of lines along the axis.
    pub fn lines(&self) -> usize {
        self.outer * self.inner
    }
}

/// `[outer, a, b]` rearranged to `[outer, b, a]`.
pub fn swap_last<T: Element>(x: &[T], outer: usize, a: usize, b: usize) -> Vec<T> {
    let mut out = vec![T::default(); outer * a * b];
    swap_last_into(x, a, b, &mut out);
    out
}

/// `[outer, a, b]` rearranged to `[outer, b, a]` into `out`.
pub fn swap_last_into<T: Element>(x: &[T], a: usize, b: usize, out: &mut [T]) {
    transpose(x, &[x.len() / (a * b).max(1), a, b], &[0, 2, 1], out);
}

/// `[outer, spatial, channels]` as `[outer, channels, spatial]` when `last`, else the data itself.
pub(crate) fn channels_first<T: Element>(
    last: bool,
    x: &[T],
    outer: usize,
    channels: usize,
    spatial: usize,
) -> Cow<'_, [T]> {
    if last { Cow::Owned(swap_last(x, outer, spatial, channels)) } else { Cow::Borrowed(x) }
}

/// Lets `f` write `[outer, channels, spatial]` and stores it as `[outer, spatial, channels]` when `last`.
pub(crate) fn write_channels_first<T: Element>(
    last: bool,
    out: &mut [T],
    channels: usize,
    spatial: usize,
    f: impl FnOnce(&mut [T]),
) {
    if !last {
        return f(out);
    }
    let mut buffer = vec![T::default(); out.len()];
    f(&mut buffer);
    swap_last_into(&buffer, channels, spatial, out);
}

/// Lines along the axis as C-contiguous rows.
pub(crate) fn as_rows<T: Element>(dims: AxisDims, x: &[T]) -> Cow<'_, [T]> {
    channels_first(dims.inner > 1, x, dims.outer, dims.inner, dims.axis)
}

/// Lets `f` write rows and stores them as lines along the axis.
pub(crate) fn write_rows<T: Element>(dims: AxisDims, out: &mut [T], f: impl FnOnce(&mut [T])) {
    write_channels_first(dims.inner > 1, out, dims.inner, dims.axis, f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapping_twice_is_the_identity() {
        for (outer, a, b) in [(1, 1, 7), (2, 3, 5), (3, 33, 17)] {
            let x: Vec<i32> = (0..(outer * a * b) as i32).collect();
            let swapped = swap_last(&x, outer, a, b);
            assert_eq!(swapped[(outer - 1) * a * b + (b - 1) * a], x[(outer - 1) * a * b + b - 1]);
            assert_eq!(swap_last(&swapped, outer, b, a), x);
        }
    }

    #[test]
    fn written_planes_come_back_as_channels_last() {
        let mut out = [0; 6];
        write_channels_first(true, &mut out, 2, 3, |planes| planes.copy_from_slice(&[1, 2, 3, 4, 5, 6]));
        assert_eq!(out, [1, 4, 2, 5, 3, 6]);
        assert_eq!(&*channels_first(true, &out, 1, 2, 3), &[1, 2, 3, 4, 5, 6]);
    }
}
