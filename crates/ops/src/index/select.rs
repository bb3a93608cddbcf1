//! `where`: elements of one tensor or the other.

use rsym_graph::*;
use rsym_kernels::index;
use rsym_tensor::{PartialShape, Tensor, dispatch};

operator! {
    /// Chooses between two tensors: `out = x` where the condition differs from 0, else `y`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | condition | that of x, or (rows of x,) | any |
    /// | x, y | any, both equal | any, both equal |
    /// | output | that of x | that of x |
    ///
    /// The gradient of the condition is zero. NaN counts as different from 0.
    #[aliases("_sparse_where")]
    pub struct Where("where") {
        inputs { condition: "What decides.", x: "Taken where it holds.", y: "Taken elsewhere." }
        params {}
    }
}

operator! {
    /// The gradients of `where` for x and y.
    #[hidden(true)]
    pub struct WhereBackward("_backward_where") {
        inputs { ograd: "Gradient of the output.", condition: "What decides." }
        params {}
    }
}

fn truths(condition: &Tensor) -> OpResult<Vec<bool>> {
    dispatch!(condition.dtype(), T => Ok(index::truths(condition.slice::<T>()?)))
}

impl Operator for Where {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        // As in MXNet, nothing is decided while the condition is known in part.
        if io.inputs[0].rank().is_some() && !io.inputs[0].is_complete() {
            return Ok(());
        }
        io.unify([Port::Input(1), Port::Input(2), Port::Output(0)])?;
        match (io.inputs[0].rank(), io.inputs[1].rank()) {
            (Some(1), Some(rank)) if rank != 1 => {
                let rows = io.inputs[1].dim(0);
                io.set_input(0, PartialShape::partial([rows]))
            }
            (Some(2..), _) | (Some(1), Some(1)) => {
                io.unify([Port::Input(0), Port::Input(1), Port::Input(2), Port::Output(0)])
            }
            _ => Ok(()),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[1, 2], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let condition = truths(&io.inputs[0])?;
        let (x, y, out) = (&io.inputs[1], &io.inputs[2], &mut io.outputs[0]);
        dispatch!(out.dtype(), T => {
            index::select(&condition, x.slice::<T>()?, y.slice::<T>()?, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradients = g.apply_multi(WhereBackward {}, &inputs);
        gradients.into_iter().enumerate().for_each(|(i, gradient)| g.set(i + 1, gradient));
        Ok(())
    }
}

impl Operator for WhereBackward {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0), Port::Output(1)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0, 1])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let condition = truths(&io.inputs[1])?;
        let head = &io.inputs[0];
        for (out, when) in io.outputs.iter_mut().zip([true, false]) {
            dispatch!(head.dtype(), T => index::keep(&condition, when, head.slice::<T>()?, out.slice_mut::<T>()?));
        }
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.input(1), g.head(0)?, g.head(1)?];
        let gradient = g.apply(Where {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, sample, t32};
    use rsym_tensor::DType;

    #[test]
    fn elements_and_whole_rows_are_chosen() {
        let (x, y) = (t32([2, 2], &[1.0, 2.0, 3.0, 4.0]), t32([2, 2], &[5.0, 6.0, 7.0, 8.0]));
        let each = t32([2, 2], &[0.0, f32::NAN, -0.0, 0.5]);
        assert_eq!(run(&Where {}, &[each, x.clone(), y.clone()])[0].to_f64_vec(), [5.0, 2.0, 7.0, 4.0]);
        let rows = Tensor::from_slice([2], &[0u8, 255]).unwrap();
        assert_eq!(run(&Where {}, &[rows, x, y])[0].to_f64_vec(), [5.0, 6.0, 3.0, 4.0]);
    }

    #[test]
    fn shapes_flow_between_the_alternatives() {
        assert_eq!(infer(&Where {}, &[&[2], &[0, 3], &[2, 0]], &[]).unwrap()[3], [2, 3]);
        assert_eq!(infer(&Where {}, &[&[2, 3], &[], &[]], &[]).unwrap()[1], [2, 3]);
        assert!(infer(&Where {}, &[&[3], &[2, 3], &[2, 3]], &[]).is_err());
        assert!(infer(&Where {}, &[&[2], &[2], &[3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let condition = Tensor::from_slice([2, 2], &[1i32, 0, 0, 3]).unwrap();
        let [x, y] = [1, 2].map(|seed| sample(&[2, 2].into(), DType::Float64, seed));
        check_gradient_at(&Where {}, &[condition, x, y]);
    }
}
