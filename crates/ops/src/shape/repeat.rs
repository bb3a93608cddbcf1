//! `tile` and `repeat`: copies side by side.

use super::moves::{around, moving, summing};
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_kernels::reduce::{Reduction, reduce};
use rsym_tensor::{PartialShape, Shape};

operator! {
    /// Lays copies of the whole input side by side along each axis.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (d1, …, dn) | any |
    /// | output | (d1 · reps1, …, dn · repsn), the shorter list padded with ones on the left | that of data |
    #[aliases("_npi_tile")]
    #[check(no_negative_reps)]
    pub struct Tile("tile") {
        inputs { data: "The input." }
        params {
            /// Number of copies along each axis.
            reps: Tuple,
        }
    }
}

operator! {
    /// The gradient of `tile`: the sum over the copies.
    #[hidden(true)]
    pub struct TileBackward("_backward_tile") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `tile`.
            reps: Tuple,
        }
    }
}

operator! {
    /// Repeats every slice of an axis in place: `a b` becomes `a a b b`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, n, …) | any |
    /// | output | (…, n · repeats, …); (size · repeats,) without an axis | that of data |
    #[aliases("_np_repeat")]
    pub struct Repeat("repeat") {
        inputs { data: "The input." }
        params {
            /// How often each slice occurs.
            #[range(0..)]
            repeats: i32,
            /// The axis, negative numbers counted from the end; `None` repeats the elements of the flattened input.
            axis: Option<i32> = None,
        }
    }
}

operator! {
    /// The gradient of `repeat`: the sum over the repetitions.
    #[hidden(true)]
    pub struct RepeatBackward("_backward_repeat") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `repeat`.
            repeats: i32,
            /// As in `repeat`.
            axis: Option<i32> = None,
        }
    }
}

fn no_negative_reps(op: &Tile) -> Result<(), String> {
    let fine = op.reps.iter().all(|&r| r >= 0);
    if fine { Ok(()) } else { Err(format!("reps must not be negative, got {}", op.reps.text())) }
}

/// The number of copies of each axis.
fn counts(reps: &Tuple) -> Vec<usize> {
    reps.iter().map(|&r| r.max(0) as usize).collect()
}

impl Operator for Tile {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let reps = counts(&self.reps);
        let rank = dims.len().max(reps.len());
        let dim = |i: usize| if i + dims.len() < rank { Some(1) } else { dims[i + dims.len() - rank] };
        let rep = |i: usize| if i + reps.len() < rank { 1 } else { reps[i + reps.len() - rank] };
        io.set_output(0, PartialShape::partial((0..rank).map(|i| dim(i).map(|d| d.saturating_mul(rep(i))))))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let reps = counts(&self.reps);
        moving!(io, |src, dims, out| arrange::tile(src, dims, &reps, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(TileBackward { reps: self.reps.clone() }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for TileBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axes = arrange::tile_axes(io.outputs[0].shape(), &counts(&self.reps));
        sum_even_axes(io, &axes)
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

/// Sums input 0, seen in the shape `dims`, over the axes 0, 2, 4, ….
fn sum_even_axes(io: &mut Io, dims: &Shape) -> OpResult {
    let even: Vec<usize> = (0..dims.len()).step_by(2).collect();
    summing!(io, |src, _own, out| reduce(Reduction::Sum, src, dims, &even, out))
}

/// (outer, extent, inner) around the axis that is repeated.
fn repeated(dims: &[usize], axis: Option<i32>) -> OpResult<(usize, usize, usize)> {
    match axis {
        None => Ok((1, dims.iter().product(), 1)),
        Some(axis) => Ok(around(dims, axis_of(axis as i64, dims.len())?)),
    }
}

impl Operator for Repeat {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let times = self.repeats as usize;
        let Some(axis) = self.axis else {
            let size = dims.iter().copied().product::<Option<usize>>();
            return io.set_output(0, PartialShape::partial([size.map(|s| s.saturating_mul(times))]));
        };
        let axis = axis_of(axis as i64, dims.len())?;
        dims[axis] = dims[axis].map(|d| d.saturating_mul(times));
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let middle = repeated(io.inputs[0].shape(), self.axis)?;
        moving!(io, |src, _dims, out| arrange::repeat(src, middle, self.repeats as usize, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(RepeatBackward { repeats: self.repeats, axis: self.axis }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for RepeatBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (outer, n, inner) = repeated(io.outputs[0].shape(), self.axis)?;
        sum_even_axes(io, &[1, outer * n, self.repeats as usize, inner].into())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    fn tile(reps: &[i64]) -> Tile {
        Tile { reps: reps.iter().copied().collect() }
    }

    #[test]
    fn copies_lie_side_by_side() {
        let x = Tensor::from_slice([2, 2], &[1i64, 2, 3, 4]).unwrap();
        let values = |op: &dyn Operator| run(op, std::slice::from_ref(&x)).remove(0).to_f64_vec();
        assert_eq!(values(&tile(&[2])), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
        assert_eq!(values(&tile(&[])), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&Repeat { repeats: 2, axis: Some(0) }), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
        assert_eq!(values(&Repeat { repeats: 2, axis: None }), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    }

    #[test]
    fn shapes_grow() {
        assert_eq!(infer(&tile(&[2, 1, 3]), &[&[0, 3]], &[]).unwrap()[1], [2, 0, 9]);
        assert_eq!(infer(&tile(&[2]), &[&[4, 3]], &[]).unwrap()[1], [4, 6]);
        assert_eq!(infer(&Repeat { repeats: 2, axis: Some(-1) }, &[&[0, 3]], &[]).unwrap()[1], [0, 6]);
        assert_eq!(infer(&Repeat { repeats: 2, axis: None }, &[&[2, 3]], &[]).unwrap()[1], [12]);
        assert!(infer(&Repeat { repeats: 2, axis: Some(2) }, &[&[2, 3]], &[]).is_err());
        assert!(crate::registry().make("tile", &[("reps", "(-1,)")]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&tile(&[2, 1, 3]), &[[3, 2].into()], DType::Float64);
        check_gradient(&tile(&[2]), &[[3, 2].into()], DType::Float64);
        check_gradient(&Repeat { repeats: 2, axis: Some(1) }, &[[2, 3, 2].into()], DType::Float64);
        check_gradient(&Repeat { repeats: 3, axis: None }, &[[2, 3].into()], DType::Float64);
    }
}
