//! Which axes a reduction goes over, and the shape that remains.

use crate::support::axis_of;
use rsym_graph::{OpError, OpResult, ParamType, Tuple};
use rsym_tensor::{PartialShape, Shape};

/// The axes that are reduced, in ascending order: those of `axis`, or with `exclude` the others; every one if `axis`
/// is empty or not given.
pub(crate) fn reduced_axes(axis: &Option<Tuple>, exclude: bool, rank: usize) -> OpResult<Vec<usize>> {
    let Some(given) = axis.as_ref().filter(|a| !a.is_empty()) else { return Ok((0..rank).collect()) };
    let mut axes = given.iter().map(|&a| axis_of(a, rank)).collect::<OpResult<Vec<_>>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|w| w[0] == w[1]) {
        return Err(OpError::invalid(format!("axis {} names a dimension twice", given.text())));
    }
    Ok(if exclude { (0..rank).filter(|i| !axes.contains(i)).collect() } else { axes })
}

/// What remains of `dims`: 1 at `axes` with `keepdims`, else only the others; `(1,)` if nothing else is left.
pub(crate) fn reduced_shape(dims: &[Option<usize>], axes: &[usize], keepdims: bool) -> PartialShape {
    let kept = |(i, &d): (usize, &Option<usize>)| match (axes.contains(&i), keepdims) {
        (false, _) => Some(d),
        (true, true) => Some(Some(1)),
        (true, false) => None,
    };
    let left: Vec<_> = dims.iter().enumerate().filter_map(kept).collect();
    if left.is_empty() { PartialShape::from([1]) } else { PartialShape::partial(left) }
}

/// `dims` with 1 at `axes`: from this shape results broadcast back.
pub(crate) fn kept_shape(dims: &[usize], axes: &[usize]) -> Shape {
    dims.iter().enumerate().map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // MXNet 1.9.1: infer_shape of sum.
    #[test]
    fn shapes_of_mxnet() {
        let infer = |dims: &[i64], axis: Option<&[i64]>, keepdims, exclude| -> OpResult<Vec<i64>> {
            let dims = PartialShape::from_legacy(dims).dims().unwrap();
            let axes = reduced_axes(&axis.map(Tuple::from_slice), exclude, dims.len())?;
            Ok(reduced_shape(&dims, &axes, keepdims).to_legacy())
        };
        let dims = [2, 3, 4];
        assert_eq!(infer(&dims, None, false, false).unwrap(), [1]);
        assert_eq!(infer(&dims, Some(&[]), true, true).unwrap(), [1, 1, 1]);
        assert_eq!(infer(&dims, Some(&[0, -1]), true, false).unwrap(), [1, 3, 1]);
        assert_eq!(infer(&dims, Some(&[1]), false, true).unwrap(), [3]);
        assert_eq!(infer(&[2, 0, 4], Some(&[0, 2]), false, false).unwrap(), [0]);
        assert!(infer(&dims, Some(&[5]), false, false).is_err() && infer(&dims, Some(&[1, 1]), false, false).is_err());
    }
}
