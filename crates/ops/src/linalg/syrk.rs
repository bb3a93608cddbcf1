//! `_linalg_syrk`: products of matrices with their own transposes.

use super::gemm::Gemm2;
use super::matrices::{extents, joined, known, split};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::gemm::{Mat, MatMut, gemm_batched};
use rsym_tensor::{Float, dispatch_float};

operator! {
    /// Multiplies matrices by their own transposes: `out = alpha * A · Aᵀ`, or `alpha * Aᵀ · A` with `transpose`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, n) | float |
    /// | output | (…, m, m); (…, n, n) with `transpose` | that of A |
    #[aliases("linalg_syrk")]
    pub struct Syrk("_linalg_syrk") {
        inputs { A: "The matrices." }
        params {
            /// Put the transposed matrix first.
            transpose: bool = false,
            /// Factor of the product.
            alpha: f64 = 1.0,
        }
    }
}

impl Syrk {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let (rows, cols) = extents(a.shape());
        let a = Mat::new(a.slice::<T>()?, rows, cols);
        let a = if self.transpose { a.t() } else { a };
        let n = a.rows;
        let batch = out.size() / (n * n).max(1);
        let size = rows * cols;
        gemm_batched(batch, self.alpha, (a, size), (a.t(), size), 0.0, (MatMut::new(out.slice_mut()?, n, n), n * n));
        Ok(())
    }
}

impl Operator for Syrk {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = known(io, 0)? else { return Ok(()) };
        let (batch, rows, cols) = split(&dims);
        let order = if self.transpose { cols } else { rows };
        io.set_output(0, joined(batch, &[order, order]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    /// `alpha * (head + headᵀ) · A`, or `alpha * A · (head + headᵀ)` with `transpose`.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, a, alpha) = (g.head(0)?, g.input(0), self.alpha);
        let (inputs, flags) = if self.transpose { ([a, head], (false, true)) } else { ([head, a], (true, false)) };
        let one = g.apply(Gemm2 { alpha, ..Gemm2::plain(false, false) }, &inputs);
        let other = g.apply(Gemm2 { alpha, ..Gemm2::plain(flags.0, flags.1) }, &inputs);
        let gradient = g.named("elemwise_add", &[], &[one, other])?;
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    #[test]
    fn both_orders() {
        let a = [t32([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])];
        let op = Syrk { transpose: false, alpha: 1.0 };
        assert_eq!(run(&op, &a)[0].to_f64_vec(), [14.0, 32.0, 32.0, 77.0]);
        let op = Syrk { transpose: true, alpha: 2.0 };
        assert_eq!(run(&op, &a)[0].to_f64_vec(), [34.0, 44.0, 54.0, 44.0, 58.0, 72.0, 54.0, 72.0, 90.0]);
        assert_eq!(infer(&op, &[&[4, 2, 3]], &[]).unwrap()[1], [4, 3, 3]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for transpose in [true, false] {
            check_gradient(&Syrk { transpose, alpha: -1.5 }, &[[2, 2, 3].into()], DType::Float64);
        }
    }
}
