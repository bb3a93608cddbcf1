//! Hidden operators of gradients: one triangle of matrices, and symmetric matrices from one triangle.

use super::matrices::{extents, same_square};
use rsym_graph::*;
use rsym_kernels::linalg::{mirror, triangle};
use rsym_tensor::dispatch;

operator! {
    /// Keeps one triangle of square matrices and puts zeros in the other.
    #[hidden(true)]
    pub struct Triangle("_linalg_triangle") {
        inputs { A: "The matrices." }
        params {
            /// Keep the lower triangle instead of the upper.
            lower: bool,
        }
    }
}

operator! {
    /// Makes symmetric matrices of one triangle of square matrices.
    #[hidden(true)]
    pub struct Mirror("_linalg_mirror") {
        inputs { A: "The matrices." }
        params {
            /// Read the lower triangle instead of the upper.
            lower: bool,
        }
    }
}

impl Operator for Triangle {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_square(io)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(a.shape()).1;
        dispatch!(out.dtype(), T => triangle(n, self.lower, a.slice::<T>()?, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(self.clone(), &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for Mirror {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_square(io)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(a.shape()).1;
        dispatch!(out.dtype(), T => mirror(n, self.lower, a.slice::<T>()?, out.slice_mut::<T>()?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn every_matrix_of_a_batch() {
        let a = [Tensor::from_slice([2, 2, 2], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap()];
        assert_eq!(run(&Triangle { lower: true }, &a)[0].to_f64_vec(), [1.0, 0.0, 3.0, 4.0, 5.0, 0.0, 7.0, 8.0]);
        assert_eq!(run(&Mirror { lower: false }, &a)[0].to_f64_vec(), [1.0, 2.0, 2.0, 4.0, 5.0, 6.0, 6.0, 8.0]);
        assert!(infer(&Triangle { lower: true }, &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&Triangle { lower: false }, &[[2, 3, 3].into()], DType::Float64);
    }
}
