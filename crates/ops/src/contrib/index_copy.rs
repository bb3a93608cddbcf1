//! `_contrib_index_copy`: some rows replaced.

use rsym_graph::*;
use rsym_kernels::index::{IndexMode, indices, resolve, scatter_rows};
use rsym_tensor::{PartialShape, Tensor, dispatch};

operator! {
    /// Replaces rows: `out = old_tensor` with `out[index_vector[i]] = new_tensor[i]`; the last one counts where an index is
    /// repeated.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | old_tensor | (n, …) | any |
    /// | index_vector | (k,) | any; fractions are cut off |
    /// | new_tensor | (k, …) | that of old_tensor |
    /// | output | that of old_tensor | that of old_tensor |
    ///
    /// Indices must lie in 0..n. The gradient of replaced rows of old_tensor is zero; every row of new_tensor gets the
    /// gradient of the row that it names. The gradient of index_vector is zero.
    pub struct IndexCopy("_contrib_index_copy") {
        inputs {
            old_tensor: "The rows.",
            index_vector: "Which rows are replaced.",
            new_tensor: "What they are replaced by.",
        }
        params {}
    }
}

fn places(index: &Tensor, rows: usize) -> OpResult<Vec<usize>> {
    let wanted = dispatch!(index.dtype(), T => indices(index.slice::<T>()?));
    resolve(&wanted, rows, IndexMode::Raise).map_err(|e| OpError::invalid(e.to_string()))
}

impl Operator for IndexCopy {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let count = io.inputs[1].dim(0).or(io.inputs[2].dim(0));
        io.set_input(1, PartialShape::partial([count]))?;
        let Some(old) = io.inputs[0].dims() else { return Ok(()) };
        let Some((_, rest)) = old.split_first() else {
            return Err(OpError::invalid("old_tensor must have rows, got a scalar"));
        };
        io.set_input(2, PartialShape::partial(std::iter::once(count).chain(rest.iter().copied())))?;
        let Some(new) = io.inputs[2].dims() else { return Ok(()) };
        io.set_input(0, PartialShape::partial(std::iter::once(None).chain(new[1..].iter().copied())))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 2], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [old, index, new] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let places = places(index, old.shape()[0])?;
        let (inner, out) = (old.shape().product(1..), &mut io.outputs[0]);
        out.assign(old)?;
        dispatch!(out.dtype(), T => scatter_rows(new.slice::<T>()?, inner, &places, out.slice_mut()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, index) = (g.head(0)?, g.input(1));
        if g.needs(0) {
            let new = g.input(2);
            let zeros = g.named("zeros_like", &[], &[new])?;
            let gradient = g.apply(IndexCopy {}, &[head.clone(), index.clone(), zeros]);
            g.set(0, gradient);
        }
        if g.needs(2) {
            let gradient = g.named("take", &[], &[head, index])?;
            g.set(2, gradient);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::DType;

    #[test]
    fn rows_are_replaced_and_the_last_one_counts() {
        let (old, new) = (t32([4, 1], &[0.0; 4]), t32([2, 1], &[1.0, 2.0]));
        let of = |index: &[f32]| run(&IndexCopy {}, &[old.clone(), t32([2], index), new.clone()])[0].to_f64_vec();
        assert_eq!(of(&[3.0, 0.0]), [2.0, 0.0, 0.0, 1.0]);
        assert_eq!(of(&[2.7, 2.0]), [0.0, 0.0, 2.0, 0.0]);
        assert_eq!(old.to_f64_vec(), [0.0; 4]);
        let outside = run_with(&IndexCopy {}, &[old.clone(), t32([2], &[4.0, 0.0]), new.clone()], &Ctx::default());
        assert!(outside.unwrap_err().to_string().contains("outside of 0..4"));
    }

    #[test]
    fn gradients_agree_with_differences() {
        let index = Tensor::from_slice([2], &[3i32, 0]).unwrap();
        let (old, new) = (sample(&[4, 3].into(), DType::Float64, 1), sample(&[2, 3].into(), DType::Float64, 2));
        check_gradient_at(&IndexCopy {}, &[old, index, new]);
    }

    #[test]
    fn shapes_flow() {
        let got = infer(&IndexCopy {}, &[&[4, 3], &[2], &[]], &[]).unwrap();
        assert_eq!((&got[2], &got[3]), (&vec![2, 3], &vec![4, 3]));
        assert!(infer(&IndexCopy {}, &[&[4, 3], &[2], &[3, 3]], &[]).is_err());
    }
}
