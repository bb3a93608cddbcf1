//! Windows into a tensor: which elements `begin`, `end` and `step` select.

use super::moves::moving;
use rsym_graph::{Io, OpError, OpResult, ParamType, ShapeIo, Tuple};
use rsym_kernels::arrange::{self, SliceAxis};
use rsym_tensor::PartialShape;

/// One number per axis, or `None` for the default.
pub(crate) type Bounds = Tuple<Option<i64>>;

/// The selection of one axis: begin, end and step as given.
pub(crate) type Selection = (Option<i64>, Option<i64>, i64);

/// The selections of the leading axes.
pub(crate) fn selections(begin: &Bounds, end: &Bounds, step: &Bounds, rank: usize) -> OpResult<Vec<Selection>> {
    if begin.len() != end.len() || (!step.is_empty() && step.len() != begin.len()) {
        let message = format!(
            "begin, end and step must have equally many numbers, got {}, {} and {}",
            begin.text(),
            end.text(),
            step.text()
        );
        return Err(OpError::invalid(message));
    }
    if begin.len() > rank {
        return Err(OpError::invalid(format!("begin has {} numbers for {rank} axes", begin.len())));
    }
    let one = |i: usize| match step.get(i).copied().flatten().unwrap_or(1) {
        0 => Err(OpError::invalid("step must not be 0")),
        step => Ok((begin[i], end[i], step)),
    };
    (0..begin.len()).map(one).collect()
}

/// The elements that a selection means on an axis of `extent`; ends past the border are cut, nothing is left if they
/// cross.
pub(crate) fn select(extent: usize, (begin, end, step): Selection) -> SliceAxis {
    let n = extent as i64;
    let (first, last) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let place = |v: i64| if v < 0 { v.saturating_add(n) } else { v }.clamp(first, last);
    let (begin, end) = match step > 0 {
        true => (begin.map_or(0, place), end.map_or(n, place)),
        false => (begin.map_or(n - 1, place), end.map_or(-1, place)),
    };
    let length = if step > 0 { end - begin } else { begin - end };
    let count = if length > 0 { (length as u64).div_ceil(step.unsigned_abs()) as usize } else { 0 };
    let step = isize::try_from(step).unwrap_or(1);
    SliceAxis { begin: begin.max(0) as usize, step: if count > 1 { step } else { 1 }, count }
}

/// The elements of an array of shape `dims`; axes without a selection are taken whole.
pub(crate) fn window(dims: &[usize], selections: &[Selection]) -> Vec<SliceAxis> {
    let whole = (None, None, 1);
    dims.iter().enumerate().map(|(i, &d)| select(d, *selections.get(i).unwrap_or(&whole))).collect()
}

/// Extents of a window; unknown where the axis is unknown or nothing would be left.
pub(crate) fn window_shape(shape: &PartialShape, selections: &[Selection]) -> PartialShape {
    let extent = |(i, d): (usize, &Option<usize>)| match selections.get(i) {
        None | Some((None, None, 1 | -1)) => *d,
        Some(&selection) => d.map(|d| select(d, selection).count).filter(|&c| c > 0),
    };
    shape.dims().map_or_else(PartialShape::unknown, |dims| PartialShape::partial(dims.iter().enumerate().map(extent)))
}

/// Lets the axes that are taken whole agree with those of the window in `output`.
pub(crate) fn infer_whole(io: &mut ShapeIo, selections: &[Selection]) -> OpResult {
    let Some(rank) = io.inputs[0].rank() else { return Ok(()) };
    let output = io.outputs[0].clone();
    let whole = |i: &usize| matches!(selections.get(*i), None | Some((None, None, 1 | -1)));
    io.set_input(0, PartialShape::partial((0..rank).map(|i| Some(i).filter(whole).and_then(|i| output.dim(i)))))
}

/// Output 0 is the window into input 0.
pub(crate) fn cut(io: &mut Io, axes: &[SliceAxis]) -> OpResult {
    moving!(io, |src, dims, out| arrange::slice(src, dims, axes, out))
}

/// Output 0 holds input 0 in the window, and zeros elsewhere.
pub(crate) fn spread(io: &mut Io, axes: &[SliceAxis]) -> OpResult {
    let target = io.outputs[0].shape().clone();
    moving!(io, |src, _dims, out| arrange::slice_backward(src, &target, axes, out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_those_of_python() {
        let take = |begin, end, step| {
            let axis = select(5, (begin, end, step));
            (0..axis.count as isize).map(|i| axis.begin as isize + i * axis.step).collect::<Vec<_>>()
        };
        assert_eq!(take(Some(1), Some(3), 1), [1, 2]);
        assert_eq!(take(Some(-2), None, 1), [3, 4]);
        assert_eq!(take(Some(4), None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(take(None, None, -2), [4, 2, 0]);
        assert_eq!(take(Some(0), Some(99), 2), [0, 2, 4]);
        assert_eq!(take(Some(3), Some(3), 1), [0isize; 0]);
        assert_eq!(take(Some(i64::MIN), Some(i64::MAX), i64::MAX), [0]);
    }
}
