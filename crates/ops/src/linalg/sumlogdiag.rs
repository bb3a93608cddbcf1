//! `_linalg_sumlogdiag`: sums of logarithms of diagonals, which of a Cholesky factor is half the logarithm of a determinant.

use super::matrices::{extents, joined, square};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::{add_log_diagonal, diagonal_quotient};
use rsym_tensor::dispatch_float;

operator! {
    /// Sums the logarithms of the diagonals of square matrices: `out = Σ log(A[i, i])`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output | (…), `(1,)` for a single matrix | that of A |
    #[aliases("linalg_sumlogdiag")]
    pub struct SumLogDiag("_linalg_sumlogdiag") {
        inputs { A: "The matrices." }
        params {}
    }
}

operator! {
    /// The gradient of `_linalg_sumlogdiag`.
    #[hidden(true)]
    pub struct SumLogDiagBackward("_backward_linalg_sumlogdiag") {
        inputs { ograd: "Gradient of the output.", A: "The matrices." }
        params {}
    }
}

impl Operator for SumLogDiag {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some((batch, _)) = square(io)? else { return Ok(()) };
        io.set_output(0, joined(&batch, &[]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let (n, dtype) = (extents(a.shape()).1, out.dtype());
        dispatch_float!(dtype, T => {
            add_log_diagonal(n, a.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(SumLogDiagBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for SumLogDiagBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [head, a] = io.inputs else { return Err(OpError::invalid("takes two inputs")) };
        let (n, dtype) = (extents(a.shape()).1, a.dtype());
        let out = &mut io.outputs[0];
        dispatch_float!(dtype, T => {
            diagonal_quotient(n, head.slice::<T>()?, a.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient_at, infer, run, t32};
    use rsym_tensor::Tensor;

    #[test]
    fn logarithms_are_summed() {
        let out = run(&SumLogDiag {}, &[t32([2, 2, 2], &[1.0, 1.0, 1.0, 7.0, 3.0, 0.0, 0.0, 17.0])]).remove(0);
        assert_close(&out, &[7f64.ln(), 51f64.ln()]);
        assert_eq!(infer(&SumLogDiag {}, &[&[3, 3]], &[]).unwrap()[1], [1]);
        assert!(infer(&SumLogDiag {}, &[&[3, 2]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let a = [1.5, 0.5, 0.25, 2.0, 0.75, 1.0, -1.0, 3.0];
        check_gradient_at(&SumLogDiag {}, &[Tensor::from_slice([2, 2, 2], &a).unwrap()]);
        check_gradient_at(&SumLogDiag {}, &[Tensor::from_slice([2, 2], &a[..4]).unwrap()]);
    }
}
