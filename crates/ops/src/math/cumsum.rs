//! `cumsum`: running sums.

use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::scan::cumulate;
use rsym_tensor::{DType, PartialShape, Shape, Tensor, dispatch_num};

operator! {
    /// Takes running sums along an axis: `out[i] = data[0] + … + data[i]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | a | any | any |
    /// | output | that of a; flat without `axis` | `dtype`, or that of a (int64 for bool) |
    ///
    /// Elements are converted to `dtype` before they are added.
    #[aliases("cumsum")]
    pub struct Cumsum("_np_cumsum") {
        inputs { a: "The input." }
        params {
            /// The axis to sum along, negative counted from the end; None flattens.
            axis: Option<i32> = None,
            /// Type of the output; that of a if None.
            dtype: Option<DType> = None,
        }
    }
}

operator! {
    /// The gradient of `cumsum`: running sums from the end.
    #[hidden(true)]
    pub struct CumsumGrad("_backward_np_cumsum") {
        inputs { ograd: "Gradient of the output.", a: "The input; not read." }
        params {
            /// As in `cumsum`.
            axis: Option<i32> = None,
        }
    }
}

/// (outer, n, inner) around the axis; everything in `n` without one.
fn geometry(shape: &Shape, axis: Option<i32>) -> OpResult<(usize, usize, usize)> {
    let Some(axis) = axis else { return Ok((1, shape.size(), 1)) };
    let axis = axis_of(axis.into(), shape.len())?;
    Ok((shape.product(..axis), shape[axis], shape.product(axis + 1..)))
}

/// Sums `data`, converted to the type of `out`, along the axis of `shape`.
fn sum(data: &Tensor, geometry: (usize, usize, usize), reverse: bool, out: &mut Tensor) -> OpResult {
    let dtype = out.dtype();
    let data = if data.dtype() == dtype { data.clone() } else { data.cast(dtype)? };
    dispatch_num!(dtype, T => {
        cumulate::<T>(data.slice()?, geometry, reverse, out.slice_mut()?);
        Ok(())
    }, else unsupported(dtype, "a float or integer type"))
}

impl Operator for Cumsum {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if let Some(axis) = self.axis {
            io.inputs[0].rank().map_or(Ok(0), |rank| axis_of(axis.into(), rank))?;
            return io.same();
        }
        match io.input(0) {
            Some(shape) => io.set_output(0, [shape.size()]),
            None => io.set_output(0, PartialShape::of_rank(1)),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        match (self.dtype, io.inputs[0]) {
            (Some(dtype), _) => io.set_output(0, dtype),
            (None, Some(DType::Bool)) => io.set_output(0, DType::Int64),
            _ => io.same(),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        sum(data, geometry(data.shape(), self.axis)?, false, out)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(CumsumGrad { axis: self.axis }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for CumsumGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (head, out) = io.pair(0, 0);
        let geometry = geometry(out.shape(), self.axis)?;
        sum(head, geometry, true, out)
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};

    // MXNet 1.9.1.
    #[test]
    fn running_sums() {
        let x = [Tensor::from_slice([2, 3], &[1f32, 5.0, 2.0, 7.0, 0.0, 7.0]).unwrap()];
        let value = |axis, dtype| run(&Cumsum { axis, dtype }, &x).remove(0);
        assert_eq!(value(None, None).to_f64_vec(), [1.0, 6.0, 8.0, 15.0, 15.0, 22.0]);
        assert_eq!(value(Some(1), None).to_f64_vec(), [1.0, 6.0, 8.0, 7.0, 7.0, 14.0]);
        assert_eq!(value(Some(0), None).to_f64_vec(), [1.0, 5.0, 2.0, 8.0, 5.0, 9.0]);
        let x = [Tensor::from_slice([3], &[1.7f32, 5.5, 2.2]).unwrap()];
        let out = run(&Cumsum { axis: Some(0), dtype: Some(DType::Int32) }, &x).remove(0);
        assert_eq!((out.dtype(), out.to_f64_vec()), (DType::Int32, vec![1.0, 6.0, 8.0]));
        let flags = [Tensor::from_slice([3], &[true, false, true]).unwrap()];
        assert_eq!(run(&Cumsum { axis: None, dtype: None }, &flags)[0].slice::<i64>().unwrap(), [1, 1, 2]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for axis in [None, Some(0), Some(-1)] {
            check_gradient(&Cumsum { axis, dtype: None }, &[[2, 3].into()], DType::Float64);
        }
    }
}
