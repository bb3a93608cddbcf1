//! `reverse`: the order along some axes turned round.

use super::moves::{moving, undone_by};
use rsym_graph::*;
use rsym_kernels::arrange;

operator! {
    /// Turns the order of the elements along some axes round.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data | that of data |
    #[aliases("flip")]
    pub struct Reverse("reverse") {
        inputs { data: "The input." }
        params {
            /// The axes; they must not be negative.
            axis: Tuple,
        }
    }
}

impl Reverse {
    fn axes(&self, rank: usize) -> OpResult<Vec<usize>> {
        let place = |&axis: &i64| {
            let inside = usize::try_from(axis).ok().filter(|&a| a < rank);
            inside.ok_or_else(|| OpError::invalid(format!("axis {axis} is not one of 0..{rank}")))
        };
        self.axis.iter().map(place).collect()
    }
}

impl Operator for Reverse {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()?;
        io.inputs[0].rank().map_or(Ok(()), |rank| self.axes(rank).map(|_| ()))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axes = self.axes(io.inputs[0].shape().len())?;
        moving!(io, |src, dims, out| arrange::flip(src, dims, &axes, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        undone_by(g, self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    fn reverse(axes: &[i64]) -> Reverse {
        Reverse { axis: axes.iter().copied().collect() }
    }

    #[test]
    fn the_order_is_turned_round() {
        let x = Tensor::from_slice([2, 3], &[1i8, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(run(&reverse(&[1]), &[x])[0].to_f64_vec(), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }

    #[test]
    fn shapes_flow_in_both_directions_and_wrong_axes_are_refused() {
        assert_eq!(infer(&reverse(&[0]), &[&[0, 3]], &[&[2, 0]]).unwrap(), [[2, 3], [2, 3]]);
        assert!(infer(&reverse(&[2]), &[&[2, 3]], &[]).is_err());
        assert!(infer(&reverse(&[-1]), &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&reverse(&[0, 2]), &[[2, 3, 4].into()], DType::Float64);
    }
}
