//! `_linalg_gelqf`: the LQ factorisation.

use super::gemm::Gemm2;
use super::matrices::{extents, joined, known, split};
use super::triangle::Mirror;
use super::triangular::{Trmm, Trsm};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::lq;
use rsym_tensor::dispatch_float;

operator! {
    /// Factorises matrices into a lower triangular one and one with orthonormal rows: `A = L · Q`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, n), m ≤ n | float |
    /// | output 0: Q | (…, m, n), `Q · Qᵀ` is the identity | that of A |
    /// | output 1: L | (…, m, m), zeros above the diagonal | that of A |
    ///
    /// The signs of the diagonal of L are those that LAPACK's reflections give, as in MXNet.
    #[aliases("linalg_gelqf")]
    pub struct Gelqf("_linalg_gelqf") {
        inputs { A: "The matrices." }
        params {}
    }
}

impl Operator for Gelqf {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = known(io, 0)? else { return Ok(()) };
        let (batch, rows, cols) = split(&dims);
        if let (Some(m), Some(n)) = (rows, cols)
            && m > n
        {
            return Err(OpError::invalid(format!("A must not have more rows than columns, got {m} and {n}")));
        }
        io.set_output(1, joined(batch, &[rows, rows]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        let a = &io.inputs[0];
        let [q, l] = io.outputs else { return Err(OpError::invalid("makes two outputs")) };
        dispatch_float!(dtype, T => {
            lq(extents(a.shape()), a.slice::<T>()?, q.slice_mut::<T>()?, l.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    /// `L⁻ᵀ · (dQ + mirror(M) · Q)` with `M = Lᵀ · dL - dQ · Qᵀ`, whose lower triangle is mirrored.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (dq, dl, q, l) = (g.head(0)?, g.head(1)?, g.output(0), g.output(1));
        let trmm = Trmm { transpose: true, rightside: false, lower: true, alpha: 1.0 };
        let lower = g.apply(trmm, &[l.clone(), dl]);
        let along = g.apply(Gemm2::plain(false, true), &[dq.clone(), q.clone()]);
        let m = g.named("elemwise_sub", &[], &[lower, along])?;
        let m = g.apply(Mirror { lower: true }, &[m]);
        let turned = g.apply(Gemm2::plain(false, false), &[m, q]);
        let sum = g.named("elemwise_add", &[], &[dq, turned])?;
        let gradient = g.apply(Trsm::plain(true, true, false), &[l, sum]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    // MXNet 1.9.1: the same call.
    #[test]
    fn factors_of_mxnet() {
        let out = run(&Gelqf {}, &[t32([2, 2], &[1.0, 2.0, 3.0, 4.0])]);
        assert_close(&out[0], &[-0.44721353, -0.8944272, -0.8944272, 0.4472136]);
        assert_close(&out[1], &[-2.236068, 0.0, -4.919349, -0.8944271]);
        assert_eq!(infer(&Gelqf {}, &[&[5, 2, 3]], &[]).unwrap()[1..], [[5, 2, 3], [5, 2, 2]]);
        assert!(infer(&Gelqf {}, &[&[3, 2]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&Gelqf {}, &[[3, 5].into()], DType::Float64);
        check_gradient(&Gelqf {}, &[[2, 3, 3].into()], DType::Float64);
    }
}
