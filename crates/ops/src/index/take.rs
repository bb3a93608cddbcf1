//! `take` and `batch_take`: elements by position.

use super::positions::positions;
use crate::shape::moves::around;
use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::index::{self, IndexMode};
use rsym_tensor::{DType, PartialShape, dispatch, dispatch_num};

enum_param! {
    /// What to do with positions outside of the axis.
    pub enum TakeMode { Clip = "clip", Raise = "raise", Wrap = "wrap" }
}

impl TakeMode {
    fn kernel(self) -> IndexMode {
        match self {
            TakeMode::Clip => IndexMode::Clip,
            TakeMode::Raise => IndexMode::Raise,
            TakeMode::Wrap => IndexMode::Wrap,
        }
    }
}

operator! {
    /// Takes slices of an axis at the given positions: `out[…, i, …] = a[…, indices[i], …]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | a | (…, n, …) | any |
    /// | indices | (k1, …) | any; fractions are cut off |
    /// | output | (…, k1, …, …): that of a with the axis replaced by the shape of indices | that of a |
    ///
    /// The gradient of indices is zero.
    #[aliases("_npi_take")]
    pub struct Take("take") {
        inputs { a: "What is taken from.", indices: "The positions." }
        params {
            /// The axis; negative numbers count from the end.
            axis: i32 = 0,
            /// Positions outside: `clip` takes the nearest end, `wrap` counts around, `raise` is an error.
            mode: TakeMode = TakeMode::Clip,
        }
    }
}

operator! {
    /// The gradient of `take`: every slice is the sum of the gradients of its copies.
    #[hidden(true)]
    pub struct TakeBackward("_backward_take") {
        inputs {
            ograd: "Gradient of the output.",
            a: "Has the shape; its values are not read.",
            indices: "The positions.",
        }
        params {
            /// As in `take`.
            axis: i32 = 0,
            /// As in `take`.
            mode: TakeMode = TakeMode::Clip,
        }
    }
}

operator! {
    /// Takes one element of each row: `out[i] = a[i, indices[i]]`. Positions outside mean the nearest end.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | a | (…, n) | any |
    /// | indices | (…) | int32 |
    /// | output | that of indices | that of a |
    ///
    /// There is no gradient; `pick` has one.
    pub struct BatchTake("batch_take") {
        inputs { a: "What is taken from.", indices: "One position for each row." }
        params {}
    }
}

impl Operator for Take {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axis = axis_of(self.axis as i64, dims.len())?;
        let Some(at) = io.inputs[1].dims() else { return Ok(()) };
        let out = dims[..axis].iter().chain(&at).chain(&dims[axis + 1..]);
        io.set_output(0, PartialShape::partial(out.copied()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        let middle = around(dims, axis_of(self.axis as i64, dims.len())?);
        let at = positions(&io.inputs[1], middle.1, self.mode.kernel())?;
        let (a, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => index::take(a.slice::<T>()?, middle, &at, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(TakeBackward { axis: self.axis, mode: self.mode }, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl Operator for TakeBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape();
        let middle = around(dims, axis_of(self.axis as i64, dims.len())?);
        let at = positions(&io.inputs[2], middle.1, self.mode.kernel())?;
        let (head, out) = io.pair(0, 0);
        let dtype = out.dtype();
        dispatch_num!(dtype, T => {
            index::take_backward(head.slice::<T>()?, middle, &at, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(2)];
        let gradient = g.apply(Take { axis: self.axis, mode: self.mode }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

impl Operator for BatchTake {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((_, rows)) = dims.split_last().filter(|(_, rows)| !rows.is_empty()) else {
            return Err(OpError::invalid("a must have at least two dimensions"));
        };
        let rows: Option<usize> = rows.iter().copied().product();
        match (rows, io.input(1)) {
            (Some(rows), Some(at)) if rows != at.size() => {
                Err(OpError::invalid(format!("indices must have {rows} elements, one for each row of a, got {at}")))
            }
            _ => Ok(()),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_input(1, DType::Int32)?;
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let rows = io.inputs[1].size();
        let columns = io.inputs[0].shape().last().copied().unwrap_or(1);
        let at = positions(&io.inputs[1], columns, IndexMode::Clip)?;
        let (a, out) = io.pair(0, 0);
        let middle = (rows, columns, 1);
        dispatch!(out.dtype(), T => index::gather_along(a.slice::<T>()?, middle, 1, &at, out.slice_mut::<T>()?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::Tensor;

    fn take(axis: i32, mode: TakeMode) -> Take {
        Take { axis, mode }
    }

    #[test]
    fn positions_of_every_type_and_mode() {
        let a = t32([3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        for dtype in [DType::Float32, DType::Float16, DType::Int64, DType::UInt8] {
            let at = Tensor::from_slice([2], &[2f64, 0.0]).unwrap().cast(dtype).unwrap();
            let out = run(&take(0, TakeMode::Clip), &[a.clone(), at]).remove(0);
            assert_eq!(out.to_f64_vec(), [5.0, 6.0, 1.0, 2.0]);
        }
        let at = t32([3], &[-1.0, 3.9, 1.9]);
        let clip = run(&take(0, TakeMode::Clip), &[a.clone(), at.clone()]).remove(0);
        assert_eq!(clip.to_f64_vec(), [1.0, 2.0, 5.0, 6.0, 3.0, 4.0]);
        let wrap = run(&take(-1, TakeMode::Wrap), &[a.clone(), at.clone()]).remove(0);
        assert_eq!(wrap.to_f64_vec(), [2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 6.0, 6.0, 6.0]);
        let raised = run_with(&take(0, TakeMode::Raise), &[a, at], &Ctx::default()).unwrap_err();
        assert!(raised.to_string().contains("index -1 at position 0"), "{raised}");
    }

    #[test]
    fn shapes_are_put_together() {
        assert_eq!(infer(&take(1, TakeMode::Clip), &[&[0, 4], &[5, 0]], &[]).unwrap()[2], [0, 5, 0]);
        assert!(infer(&take(2, TakeMode::Clip), &[&[3, 2], &[1]], &[]).is_err());
        assert_eq!(infer(&BatchTake {}, &[&[3, 4], &[3]], &[]).unwrap()[2], [3]);
        assert!(infer(&BatchTake {}, &[&[3, 4], &[2]], &[]).is_err());
    }

    #[test]
    fn one_element_of_each_row() {
        let at = Tensor::from_slice([3], &[-1i32, 9, 1]).unwrap();
        let a = t32([3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(run(&BatchTake {}, &[a, at])[0].to_f64_vec(), [1.0, 4.0, 6.0]);
    }

    #[test]
    fn gradient_adds_up_repetitions() {
        let a = sample(&[2, 3, 2].into(), DType::Float64, 1);
        let at = Tensor::from_slice([4], &[1i32, 1, 0, 1]).unwrap();
        check_gradient_at(&take(1, TakeMode::Clip), &[a, at]);
        let (a, at) = (Tensor::zeros([3], DType::Float16).unwrap(), t32([2], &[2.0, 2.0]));
        let found =
            backward(&take(0, TakeMode::Clip), &[a, at], &[Some(Tensor::full([2], DType::Float16, 1.5).unwrap())]);
        let gradient = found[0].as_ref().unwrap();
        assert_eq!((gradient.dtype(), gradient.to_f64_vec()), (DType::Float16, vec![0.0, 0.0, 3.0]));
        assert!(found[1].is_none());
    }
}
