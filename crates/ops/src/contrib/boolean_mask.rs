//! `_contrib_boolean_mask`: the rows that a mask selects.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::index::{scatter_rows, take, truths};
use rsym_tensor::{PartialShape, Shape, Tensor, dispatch, dispatch_num};

operator! {
    /// Selects rows: those of data whose element of index is not zero.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, …) | any |
    /// | index | (n,) | any |
    /// | output | (number of elements of index that are not zero, …) | that of data |
    ///
    /// The shape of the output depends on values. A symbol with this operator can be bound to arrays, and its operators then run
    /// one by one; `simple_bind` cannot know its shapes. The gradient of index is zero.
    #[aliases("_npi_boolean_mask")]
    pub struct BooleanMask("_contrib_boolean_mask") {
        inputs { data: "The rows.", index: "The mask." }
        params {
            /// The axis that is masked; only 0 is supported, as in MXNet.
            #[range(0..=0)]
            axis: i32 = 0,
        }
    }
}

operator! {
    /// The gradient of `_contrib_boolean_mask` for data.
    #[hidden(true)]
    pub struct BooleanMaskBackward("_backward_contrib_boolean_mask") {
        inputs {
            ograd: "Gradient of the output.",
            data: "The rows; their values are not read.",
            index: "The mask.",
        }
        params {}
    }
}

/// Numbers of the selected rows.
fn selected(index: &Tensor) -> OpResult<Vec<usize>> {
    let chosen = dispatch!(index.dtype(), T => truths(index.slice::<T>()?));
    Ok(chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(i, _)| i).collect())
}

/// Number of rows, and elements of one.
fn rows(shape: &Shape) -> (usize, usize) {
    (shape[0], shape.product(1..))
}

impl Operator for BooleanMask {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some(first) = dims.first_mut() else { return Err(OpError::invalid("data must have rows, got a scalar")) };
        let rows = first.take();
        io.set_input(1, PartialShape::partial([rows]))?;
        io.set_output(0, PartialShape::partial(dims))
    }

    fn shape_needs_values(&self) -> bool {
        true
    }

    fn shape_from_values(&self, inputs: &[Tensor], io: &mut ShapeIo) -> OpResult {
        let count = selected(&inputs[1])?.len();
        let rest = inputs[0].shape()[1..].iter().copied();
        io.set_output(0, PartialShape::partial(std::iter::once(count).chain(rest).map(Some)))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let chosen = selected(&io.inputs[1])?;
        let (data, out) = io.pair(0, 0);
        let (n, inner) = rows(data.shape());
        dispatch!(out.dtype(), T => take(data.slice::<T>()?, (1, n, inner), &chosen, out.slice_mut()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(BooleanMaskBackward {}, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl Operator for BooleanMaskBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let chosen = selected(&io.inputs[2])?;
        let (head, out) = io.pair(0, 0);
        let ((_, inner), dtype) = (rows(out.shape()), out.dtype());
        dispatch_num!(dtype, T => {
            let out = out.slice_mut::<T>()?;
            out.fill(T::default());
            scatter_rows(head.slice::<T>()?, inner, &chosen, out);
            Ok(())
        }, else unsupported(dtype, "a number type"))
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn forward(mask: &[f32]) -> Vec<f64> {
        let inputs = [t32([3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), t32([3], mask)];
        let (op, mut ins) = (BooleanMask { axis: 0 }, inputs.each_ref().map(|t| PartialShape::from(t.shape())));
        let mut outs = [PartialShape::unknown()];
        let mut io = ShapeIo { inputs: &mut ins, outputs: &mut outs };
        op.infer_shape(&mut io).unwrap();
        op.shape_from_values(&inputs, &mut io).unwrap();
        let mut outputs = [Tensor::full(io.output(0).unwrap(), rsym_tensor::DType::Float32, 7.0).unwrap()];
        op.forward(&mut Io { inputs: &inputs, outputs: &mut outputs }, &Ctx::default()).unwrap();
        outputs[0].to_f64_vec()
    }

    #[test]
    fn rows_are_selected_by_truth() {
        assert_eq!(forward(&[0.0, 0.5, -1.0]), [2.0, 3.0, 4.0, 5.0]);
        assert!(forward(&[0.0; 3]).is_empty());
    }

    #[test]
    fn gradients_return_to_their_rows() {
        let (head, data) = (t32([1, 2], &[5.0, 6.0]), t32([3, 2], &[0.0; 6]));
        let out = run(&BooleanMaskBackward {}, &[head, data, t32([3], &[0.0, 1.0, 0.0])]);
        assert_eq!(out[0].to_f64_vec(), [0.0, 0.0, 5.0, 6.0, 0.0, 0.0]);
    }

    #[test]
    fn the_number_of_rows_stays_open() {
        let got = infer(&BooleanMask { axis: 0 }, &[&[3, 2], &[]], &[]).unwrap();
        assert_eq!((&got[1], &got[2]), (&vec![3], &vec![0, 2]));
        assert!(infer(&BooleanMask { axis: 0 }, &[&[3, 2], &[2]], &[]).is_err());
    }
}
