//! `_linalg_inverse`: inverses of square matrices.

use super::gemm::Gemm2;
use super::matrices::{defective, extents, same_square};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::inverse;
use rsym_tensor::dispatch_float;

operator! {
    /// Inverts square matrices: `out · A` is the identity.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output | (…, n, n) | that of A |
    ///
    /// A singular matrix is an error.
    #[aliases("_npi_inv", "linalg_inverse")]
    pub struct Inverse("_linalg_inverse") {
        inputs { A: "The matrices." }
        params {}
    }
}

impl Operator for Inverse {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_square(io)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let (n, dtype) = (extents(a.shape()).1, out.dtype());
        dispatch_float!(dtype, T => {
            inverse(n, a.slice::<T>()?, out.slice_mut::<T>()?).map_err(defective("invertible"))
        }, else unsupported(dtype, "a float type"))
    }

    /// `-outᵀ · head · outᵀ`.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, out) = (g.head(0)?, g.output(0));
        let right = g.apply(Gemm2::plain(false, true), &[head, out.clone()]);
        let gradient = g.apply(Gemm2 { alpha: -1.0, ..Gemm2::plain(true, false) }, &[out, right]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, run_with, t32};
    use rsym_tensor::DType;

    #[test]
    fn inverses_of_a_batch() {
        let a = t32([2, 2, 2], &[1.0, 4.0, 2.0, 3.0, 1.0, 3.0, 2.0, 4.0]);
        assert_close(&run(&Inverse {}, &[a])[0], &[-0.6, 0.8, 0.4, -0.2, -2.0, 1.5, 1.0, -0.5]);
        assert!(infer(&Inverse {}, &[&[2, 3]], &[]).is_err());
        assert!(infer(&Inverse {}, &[&[3]], &[]).is_err());
    }

    #[test]
    fn a_singular_matrix_is_refused() {
        let error = run_with(&Inverse {}, &[t32([2, 2], &[1.0, 2.0, 2.0, 4.0])], &Ctx::default()).unwrap_err();
        assert!(error.to_string().contains("matrix 0 of the batch is not invertible (row 1)"), "{error}");
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&Inverse {}, &[[2, 3, 3].into()], DType::Float64);
    }
}
