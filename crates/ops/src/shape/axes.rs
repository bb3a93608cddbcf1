//! Operators that add, drop and permute axes.

use super::moves::{hand_on, map_axes, moving, undone_by};
use super::restore::restore;
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::PartialShape;

operator! {
    /// Inserts an axis of extent 1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…) | any |
    /// | output | that of data with a 1 at `axis` | that of data |
    #[aliases("_npi_expand_dims")]
    #[unnamed(true)]
    pub struct ExpandDims("expand_dims") {
        inputs { data: "The input." }
        params {
            /// Place of the new axis in the output; negative numbers count from the end.
            axis: i32,
        }
    }
}

operator! {
    /// Drops axes of extent 1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, 1, …) | any |
    /// | output | that of data without the axes, at least (1,) | that of data |
    pub struct Squeeze("squeeze") {
        inputs { data: "The input." }
        params {
            /// The axes to drop; `None` drops all of extent 1.
            axis: Option<Tuple> = None,
        }
    }
}

operator! {
    /// Exchanges two axes.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data with two extents exchanged | that of data |
    #[aliases("_npi_swapaxes", "swapaxes")]
    pub struct SwapAxis("SwapAxis") {
        inputs { data: "The input." }
        params {
            /// One axis.
            dim1: i32 = 0,
            /// The other axis.
            dim2: i32 = 0,
        }
    }
}

operator! {
    /// Permutes the axes: axis `i` of the output is axis `axes[i]` of the input.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | the extents of data in the order of `axes` | that of data |
    #[unnamed(true)]
    pub struct Transpose("transpose") {
        inputs { data: "The input." }
        params {
            /// The order of the axes; nothing turns it round.
            axes: Tuple = Tuple::new(),
        }
    }
}

/// The input axis of every output axis when one is inserted at `at`.
fn inserted(at: usize, rank: usize) -> Vec<Option<usize>> {
    (0..=rank).map(|i| if i == at { None } else { Some(i - usize::from(i > at)) }).collect()
}

impl Operator for ExpandDims {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let rank = io.inputs[0].rank().or(io.outputs[0].rank().and_then(|r| r.checked_sub(1)));
        let Some(rank) = rank else { return Ok(()) };
        let at = axis_of(self.axis as i64, rank + 1)?;
        map_axes(io, rank, &inserted(at, rank))?;
        io.set_output(0, PartialShape::partial((0..=rank).map(|i| (i == at).then_some(1))))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        hand_on(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        restore(g)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Squeeze {
    /// Whether each axis is dropped; `None` as long as that is unknown.
    fn dropped(&self, io: &mut ShapeIo) -> OpResult<Option<Vec<bool>>> {
        let Some(dims) = io.inputs[0].dims() else { return Ok(None) };
        let Some(axes) = &self.axis else {
            let known = dims.iter().map(|d| d.map(|d| d == 1)).collect();
            return Ok(known);
        };
        let mut dropped = vec![false; dims.len()];
        for &axis in axes {
            let axis = axis_of(axis, dims.len())?;
            if std::mem::replace(&mut dropped[axis], true) {
                return Err(OpError::invalid(format!("axis {axis} is dropped twice")));
            }
        }
        io.set_input(0, PartialShape::partial(dropped.iter().map(|&d| d.then_some(1))))?;
        Ok(Some(dropped))
    }
}

impl Operator for Squeeze {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dropped) = self.dropped(io)? else { return Ok(()) };
        let kept: Vec<Option<usize>> = (0..dropped.len()).filter(|&i| !dropped[i]).map(Some).collect();
        if kept.is_empty() { io.set_output(0, [1]) } else { map_axes(io, dropped.len(), &kept) }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        hand_on(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        restore(g)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

/// Infers the shapes of a permutation in both directions.
fn infer_permuted(io: &mut ShapeIo, axes: &[usize]) -> OpResult {
    map_axes(io, axes.len(), &axes.iter().map(|&a| Some(a)).collect::<Vec<_>>())
}

fn permute(io: &mut Io, axes: &[usize]) -> OpResult {
    moving!(io, |src, dims, out| arrange::transpose(src, dims, axes, out))
}

fn rank_of(io: &ShapeIo) -> Option<usize> {
    io.inputs[0].rank().or(io.outputs[0].rank())
}

impl SwapAxis {
    fn order(&self, rank: usize) -> OpResult<Vec<usize>> {
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(axis_of(self.dim1 as i64, rank)?, axis_of(self.dim2 as i64, rank)?);
        Ok(axes)
    }
}

impl Operator for SwapAxis {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = rank_of(io) else { return Ok(()) };
        infer_permuted(io, &self.order(rank)?)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axes = self.order(io.inputs[0].shape().len())?;
        permute(io, &axes)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        undone_by(g, self.clone())
    }
}

impl Transpose {
    fn order(&self, rank: usize) -> OpResult<Vec<usize>> {
        if self.axes.is_empty() {
            return Ok((0..rank).rev().collect());
        }
        let axes: Vec<usize> = self.axes.iter().filter_map(|&a| usize::try_from(a).ok()).collect();
        let all = (0..rank).all(|i| axes.contains(&i));
        if axes.len() == rank && self.axes.len() == rank && all {
            return Ok(axes);
        }
        let given = self.axes.text();
        Err(OpError::invalid(format!("axes must hold each of the {rank} axes of data once, got {given}")))
    }

    fn inverse(&self) -> Transpose {
        let place = |i| self.axes.iter().position(|&a| a == i).unwrap_or_default() as i64;
        Transpose { axes: (0..self.axes.len() as i64).map(place).collect() }
    }
}

impl Operator for Transpose {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = rank_of(io) else { return Ok(()) };
        infer_permuted(io, &self.order(rank)?)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axes = self.order(io.inputs[0].shape().len())?;
        permute(io, &axes)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        undone_by(g, self.inverse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    fn transpose(axes: &[i64]) -> Transpose {
        Transpose { axes: axes.iter().copied().collect() }
    }

    fn squeeze(axes: &[i64]) -> Squeeze {
        Squeeze { axis: Some(axes.iter().copied().collect()) }
    }

    #[test]
    fn axes_move_with_their_elements() {
        let x = Tensor::from_slice([2, 3], &[1i32, 2, 3, 4, 5, 6]).unwrap();
        for op in [&transpose(&[]) as &dyn Operator, &transpose(&[1, 0]), &SwapAxis { dim1: 0, dim2: -1 }] {
            let out = run(op, std::slice::from_ref(&x)).remove(0);
            assert_eq!(
                (out.shape().as_ref(), out.to_f64_vec()),
                (&[3usize, 2][..], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
            );
        }
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        assert_eq!(
            infer(&transpose(&[2, 0, 1]), &[&[0, 3, 0]], &[&[4, 2, 0]]).unwrap(),
            [vec![2, 3, 4], vec![4, 2, 3]]
        );
        assert_eq!(infer(&SwapAxis { dim1: 0, dim2: 1 }, &[&[]], &[&[2, 3]]).unwrap()[0], [3, 2]);
        assert_eq!(infer(&ExpandDims { axis: -1 }, &[&[0, 3]], &[&[2, 0, 0]]).unwrap(), [vec![2, 3], vec![2, 3, 1]]);
        assert_eq!(infer(&ExpandDims { axis: 0 }, &[&[]], &[&[1, 3]]).unwrap()[0], [3]);
        assert_eq!(infer(&squeeze(&[1]), &[&[0, 0, 3]], &[&[2, 0]]).unwrap(), [vec![2, 1, 3], vec![2, 3]]);
        assert_eq!(infer(&Squeeze { axis: None }, &[&[1, 3, 1]], &[]).unwrap()[1], [3]);
        assert_eq!(infer(&Squeeze { axis: None }, &[&[1, 1]], &[]).unwrap()[1], [1]);
        assert_eq!(infer(&Squeeze { axis: None }, &[&[0, 1]], &[]).unwrap()[1], [0i64; 0]);
    }

    #[test]
    fn wrong_axes_are_refused() {
        for axes in [&[0i64, 0][..], &[0, 2], &[-1, 0], &[0]] {
            assert!(infer(&transpose(axes), &[&[2, 3]], &[]).is_err(), "{axes:?}");
        }
        assert!(infer(&SwapAxis { dim1: 0, dim2: 2 }, &[&[2, 3]], &[]).is_err());
        assert!(infer(&ExpandDims { axis: 4 }, &[&[2, 3]], &[]).is_err());
        assert!(infer(&squeeze(&[0]), &[&[2, 3]], &[]).is_err());
        assert!(infer(&squeeze(&[0, -2]), &[&[1, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&transpose(&[2, 0, 1]), &[[2, 3, 4].into()], DType::Float64);
        check_gradient(&transpose(&[]), &[[2, 3, 4].into()], DType::Float64);
        check_gradient(&SwapAxis { dim1: 0, dim2: 2 }, &[[2, 3, 4].into()], DType::Float64);
        check_gradient(&ExpandDims { axis: 1 }, &[[2, 3].into()], DType::Float64);
        check_gradient(&squeeze(&[1]), &[[2, 1, 3].into()], DType::Float64);
    }
}
