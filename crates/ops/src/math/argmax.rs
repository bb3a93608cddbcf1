//! Positions of extremes.

use super::reduced::reduced_shape;
use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::arg::{Extreme, arg_extreme};
use rsym_tensor::dispatch_num;

/// The axis searched: every element in a row without `axis` and for vectors.
fn searched(axis: Option<i32>, rank: usize) -> OpResult<Option<usize>> {
    match axis {
        Some(axis) if rank > 1 => axis_of(axis.into(), rank).map(Some),
        _ => Ok(None),
    }
}

fn infer(io: &mut ShapeIo, axis: Option<i32>, keepdims: bool) -> OpResult {
    let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
    let axes = searched(axis, dims.len())?.map_or_else(|| (0..dims.len()).collect(), |a| vec![a]);
    io.set_output(0, reduced_shape(&dims, &axes, keepdims))
}

fn search(io: &mut Io, which: Extreme, axis: Option<i32>) -> OpResult {
    let (data, out) = io.pair(0, 0);
    let dims = data.shape();
    let geometry = match searched(axis, dims.len())? {
        Some(axis) => (dims.product(..axis), dims[axis], dims.product(axis + 1..)),
        None => (1, dims.size(), 1),
    };
    dispatch_num!(out.dtype(), T => {
        arg_extreme::<T, T>(which, data.slice()?, geometry, out.slice_mut()?);
        Ok(())
    }, else unsupported(out.dtype(), "a float or integer type"))
}

macro_rules! argument {
    ($(#[doc = $doc:literal])* $op:ident($name:literal) = $extreme:ident) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any but bool |
            /// | output | that of data without `axis`, or with 1 there; `(1,)` if nothing is left | that of data |
            ///
            /// The first of equals counts. The gradient is zero.
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The input." }
                params {
                    /// The axis to search along, negative counted from the end; None searches the flattened data.
                    axis: Option<i32> = None,
                    /// Keep the searched axis with extent 1.
                    keepdims: bool = false,
                }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer(io, self.axis, self.keepdims)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                search(io, Extreme::$extreme, self.axis)
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }
        }
    };
}

argument! {
    /// Finds the position of the largest element along an axis: `out = argmax(data)`.
    Argmax("argmax") = Max
}

argument! {
    /// Finds the position of the smallest element along an axis: `out = argmin(data)`.
    Argmin("argmin") = Min
}

operator! {
    /// Finds the position of the largest element along axis 1: `out = argmax(data, axis=1)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, …) | any but bool |
    /// | output | (n, …) | that of data |
    ///
    /// There is no gradient; put BlockGrad around the input.
    #[unnamed(true)]
    pub struct ArgmaxChannel("argmax_channel") {
        inputs { data: "The input." }
        params {}
    }
}

impl Operator for ArgmaxChannel {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, Some(1), false)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        search(io, Extreme::Max, Some(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::run;
    use rsym_tensor::{DType, Tensor};

    // MXNet 1.9.1.
    #[test]
    fn positions_have_the_type_of_the_data() {
        let x = [Tensor::from_slice([2, 3], &[1i32, 5, 2, 7, 0, 7]).unwrap()];
        let value = |op: &dyn Operator| {
            let out = run(op, &x).remove(0);
            (out.dtype(), out.shape().to_vec(), out.to_f64_vec())
        };
        assert_eq!(value(&Argmax { axis: Some(1), keepdims: false }), (DType::Int32, vec![2], vec![1.0, 0.0]));
        assert_eq!(value(&Argmax { axis: None, keepdims: true }), (DType::Int32, vec![1, 1], vec![3.0]));
        assert_eq!(value(&Argmin { axis: Some(0), keepdims: true }), (DType::Int32, vec![1, 3], vec![0.0, 1.0, 0.0]));
        assert_eq!(value(&ArgmaxChannel {}), (DType::Int32, vec![2], vec![1.0, 0.0]));
        let vector = [Tensor::from_slice([3], &[1f32, 5.0, 2.0]).unwrap()];
        assert_eq!(run(&ArgmaxChannel {}, &vector)[0].to_f64_vec(), [1.0]);
    }
}
