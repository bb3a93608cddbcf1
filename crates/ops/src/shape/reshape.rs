//! `Reshape` and `Flatten`: the same elements in the same order under another shape.

use super::moves::hand_on;
use super::reshape_codes::{legacy_target, reshaped};
use super::restore::restore;
use rsym_graph::*;
use rsym_tensor::PartialShape;

operator! {
    /// Gives the input another shape of the same size; the order of the elements stays.
    ///
    /// `shape` lists the new extents. Special numbers in it:
    ///
    /// - `0` copies the axis of the input at this place,
    /// - `-1` takes whatever is left; it may occur once,
    /// - `-2` copies all remaining axes,
    /// - `-3` joins the next two axes into one,
    /// - `-4` splits the next axis into the two numbers that follow, one of which may be -1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | as `shape` says | that of data |
    ///
    /// Unlike MXNet, a shape of another size is refused: at once, or when it is computed where `-1` was rounded down.
    #[aliases("reshape")]
    #[unnamed(true)]
    pub struct Reshape("Reshape") {
        inputs { data: "The input." }
        params {
            /// The new shape, with the special numbers above.
            shape: Tuple = Tuple::new(),
            /// Match the special numbers with the axes from the last to the first.
            reverse: bool = false,
            /// Old form of `shape`, in which 0 takes whatever is left.
            target_shape: Tuple = Tuple::new(),
            /// With `target_shape`: keep the first axis of the input.
            keep_highest: bool = false,
        }
    }
}

operator! {
    /// Joins all axes but the first into one: `out[i, j] = data[i, …]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, …) | any |
    /// | output | (n, product of the others) | that of data |
    #[aliases("_npx_batch_flatten", "flatten")]
    #[unnamed(true)]
    pub struct Flatten("Flatten") {
        inputs { data: "The input." }
        params {}
    }
}

impl Reshape {
    /// A reshape to the given codes.
    pub fn to(shape: impl IntoIterator<Item = i64>) -> Reshape {
        Reshape { shape: shape.into_iter().collect(), reverse: false, target_shape: Tuple::new(), keep_highest: false }
    }
}

impl Operator for Reshape {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if self.shape.is_empty() && self.target_shape.is_empty() {
            return Ok(());
        }
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let out = match self.shape.is_empty() {
            false => reshaped(&dims, &self.shape, self.reverse)?,
            true => legacy_target(&dims, &self.target_shape, self.keep_highest)?,
        };
        io.set_output(0, PartialShape::partial(out))?;
        complete_input(io)
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

/// Finds the only unknown axis of the input from the size of the output.
fn complete_input(io: &mut ShapeIo) -> OpResult {
    let (Some(out), Some(dims)) = (io.output(0), io.inputs[0].dims()) else { return Ok(()) };
    let known: usize = dims.iter().flatten().product();
    if dims.iter().filter(|d| d.is_none()).count() != 1 || known == 0 || out.size() % known != 0 {
        return Ok(());
    }
    io.set_input(0, PartialShape::partial(dims.iter().map(|d| d.or(Some(out.size() / known)))))
}

impl Operator for Flatten {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, PartialShape::of_rank(2))?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((&rows, rest)) = dims.split_first() else {
            return Err(OpError::invalid("data must have at least one dimension, got a scalar"));
        };
        io.set_output(0, PartialShape::partial([rows, rest.iter().copied().product()]))?;
        let rows = io.outputs[0].dim(0);
        io.set_input(0, PartialShape::partial(std::iter::once(rows).chain(rest.iter().copied())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, sample};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn elements_keep_their_order() {
        for dtype in DType::ALL {
            let x = sample(&[2, 3, 4].into(), dtype, 3);
            let out = run(&Reshape::to([-3, 0]), std::slice::from_ref(&x)).remove(0);
            assert_eq!((out.shape().as_ref(), out.to_f64_vec()), (&[6usize, 4][..], x.to_f64_vec()));
            assert_eq!(run(&Flatten {}, &[x])[0].shape().as_ref(), [2, 12]);
        }
    }

    #[test]
    fn unknown_axes_are_found_in_both_directions() {
        assert_eq!(infer(&Reshape::to([0, -1]), &[&[0, 3, 4]], &[&[2, 12]]).unwrap(), [vec![2, 3, 4], vec![2, 12]]);
        assert_eq!(infer(&Reshape::to([2, 6]), &[&[0, 6]], &[]).unwrap(), [vec![2, 6], vec![2, 6]]);
        assert_eq!(infer(&Reshape::to([2, 6]), &[&[]], &[]).unwrap(), [vec![], vec![0i64; 0]]);
        assert_eq!(infer(&Reshape::to([]), &[&[2, 3]], &[]).unwrap(), [vec![2, 3], vec![]]);
        assert_eq!(infer(&Flatten {}, &[&[0, 3, 4]], &[&[2, 0]]).unwrap(), [vec![2, 3, 4], vec![2, 12]]);
        assert!(infer(&Reshape::to([7]), &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn a_rest_that_does_not_divide_is_inferred_but_not_computed() {
        assert_eq!(infer(&Reshape::to([-1, 4]), &[&[2, 3]], &[]).unwrap(), [vec![2, 3], vec![1, 4]]);
        let x = sample(&[2, 3].into(), DType::Float32, 1);
        let mut out = [Tensor::zeros([1usize, 4], DType::Float32).unwrap()];
        let error = Reshape::to([-1, 4]).forward(&mut Io { inputs: &[x], outputs: &mut out }, &Ctx::default());
        assert_eq!(error.unwrap_err().to_string(), "cannot give 6 elements the shape (1, 4)");
    }

    #[test]
    fn gradients_return_to_the_shape_of_the_input() {
        check_gradient(&Reshape::to([0, -1]), &[[2, 3, 2].into()], DType::Float64);
        check_gradient(&Flatten {}, &[[2, 3, 2].into()], DType::Float64);
    }
}
