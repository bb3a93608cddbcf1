//! `_linalg_potrf` and `_linalg_potri`: the Cholesky factorisation, and the inverse from its factor.

use super::gemm::Gemm2;
use super::matrices::{defective, extents, same_square};
use super::triangle::{Mirror, Triangle};
use super::triangular::{Trmm, Trsm};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::{cholesky, cholesky_inverse};
use rsym_tensor::{Float, dispatch_float};

operator! {
    /// Factorises symmetric positive definite matrices: `A = out · outᵀ` with a lower triangular output, or `A = outᵀ · out`
    /// with an upper triangular one.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output | (…, n, n) | that of A |
    ///
    /// Only the triangle of A that the output fills is read; the gradient of A is symmetric. A matrix that is not positive
    /// definite is an error.
    #[aliases("linalg_potrf")]
    pub struct Potrf("_linalg_potrf") {
        inputs { A: "The matrices." }
        params {
            /// The factor is lower triangular, not upper.
            lower: bool = true,
        }
    }
}

operator! {
    /// Inverts symmetric positive definite matrices whose Cholesky factors are given: `out = (A · Aᵀ)⁻¹` for lower triangular
    /// A, or `(Aᵀ · A)⁻¹` for upper triangular A.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output | (…, n, n) | that of A |
    ///
    /// Only one triangle of A is read. A zero on its diagonal is an error. Solving equations with the factor
    /// (`_linalg_trsm`) is cheaper and more accurate.
    #[aliases("linalg_potri")]
    pub struct Potri("_linalg_potri") {
        inputs { A: "The factors, as `_linalg_potrf` gives them." }
        params {
            /// The factors are lower triangular, not upper.
            lower: bool = true,
        }
    }
}

impl Potrf {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(a.shape()).1;
        cholesky(n, self.lower, a.slice::<T>()?, out.slice_mut()?).map_err(defective("positive definite"))
    }
}

impl Operator for Potrf {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_square(io)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    /// `½ L⁻ᵀ · mirror(Lᵀ · head) · L⁻¹` with the triangle of the factor mirrored.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, factor, lower) = (g.head(0)?, g.output(0), self.lower);
        let trmm = Trmm { transpose: true, rightside: !lower, lower, alpha: 1.0 };
        let product = g.apply(trmm, &[factor.clone(), head]);
        let symmetric = g.apply(Mirror { lower }, &[product]);
        let half = g.apply(Trsm::plain(lower, lower, false), &[factor.clone(), symmetric]);
        let gradient = g.apply(Trsm { alpha: 0.5, ..Trsm::plain(lower, !lower, true) }, &[factor, half]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Potri {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(a.shape()).1;
        cholesky_inverse(n, self.lower, a.slice::<T>()?, out.slice_mut()?).map_err(defective("invertible"))
    }
}

impl Operator for Potri {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_square(io)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    /// The triangle of `-out · (head + headᵀ) · A⁻ᵀ`, or of `-A⁻ᵀ · (head + headᵀ) · out` for upper triangles.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, out, a, lower) = (g.head(0)?, g.output(0), g.input(0), self.lower);
        let (one, other) = if lower {
            let pair = [out, head];
            (g.apply(Gemm2::plain(false, false), &pair), g.apply(Gemm2::plain(false, true), &pair))
        } else {
            let pair = [head, out];
            (g.apply(Gemm2::plain(false, false), &pair), g.apply(Gemm2::plain(true, false), &pair))
        };
        let sum = g.named("elemwise_add", &[], &[one, other])?;
        let full = g.apply(Trsm { alpha: -1.0, ..Trsm::plain(lower, true, lower) }, &[a, sum]);
        let gradient = g.apply(Triangle { lower }, &[full]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Shape, Tensor};

    #[test]
    fn examples_of_mxnet() {
        let factor = run(&Potrf { lower: true }, &[t32([2, 2], &[4.0, 1.0, 1.0, 4.25])]).remove(0);
        assert_eq!(factor.to_f64_vec(), [2.0, 0.0, 0.5, 2.0]);
        assert_close(&run(&Potri { lower: true }, &[factor])[0], &[0.265625, -0.0625, -0.0625, 0.25]);
        assert_eq!(infer(&Potrf { lower: true }, &[&[]], &[&[5, 2, 2]]).unwrap()[0], [5, 2, 2]);
        assert!(infer(&Potrf { lower: true }, &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn bad_matrices_are_refused_by_number_and_row() {
        let a = t32([2, 2, 2], &[4.0, 1.0, 1.0, 4.25, 1.0, 2.0, 2.0, 1.0]);
        let error = run_with(&Potrf { lower: true }, &[a], &Ctx::default()).unwrap_err().to_string();
        assert!(error.contains("matrix 1") && error.contains("positive definite") && error.contains("row 1"), "{error}");
        let error = run_with(&Potri { lower: true }, &[t32([1, 1], &[0.0])], &Ctx::default()).unwrap_err().to_string();
        assert!(error.contains("not invertible"), "{error}");
    }

    /// Lower triangular factors with a diagonal around 2, or their transposes.
    fn factors(lower: bool) -> Tensor {
        let keeps = |i: usize| if lower { i % 3 < i / 3 } else { i % 3 > i / 3 };
        let value = |(i, v): (usize, f64)| if i % 9 % 4 == 0 { 2.0 + v } else if keeps(i % 9) { v } else { 0.0 };
        let noise = sample(&Shape::from([2, 3, 3]), DType::Float64, 1).to_f64_vec();
        Tensor::from_slice([2, 3, 3], &noise.into_iter().enumerate().map(value).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn gradients_agree_with_differences() {
        for lower in [true, false] {
            check_gradient_at(&Potri { lower }, &[factors(lower)]);
            let square = Gemm2::plain(!lower, lower);
            let matrix = run(&square, &[factors(lower), factors(lower)]).remove(0);
            let head = sample(matrix.shape(), DType::Float64, 5);
            let found = backward(&Potrf { lower }, std::slice::from_ref(&matrix), &[Some(head.clone())]);
            let found = found[0].as_ref().unwrap().to_f64_vec();
            for (r, c) in [(0, 0), (1, 0), (2, 1), (2, 2)] {
                let along = |delta: f64| {
                    let mut moved = matrix.to_f64_vec();
                    moved[3 * r + c] += delta / 2.0;
                    moved[3 * c + r] += delta / 2.0;
                    let out = run(&Potrf { lower }, &[Tensor::from_slice([2, 3, 3], &moved).unwrap()]);
                    out[0].to_f64_vec().iter().zip(head.to_f64_vec()).map(|(o, h)| o * h).sum::<f64>()
                };
                let numeric = (along(1e-5) - along(-1e-5)) / 2e-5;
                let near = |got: f64| (got - numeric).abs() < 1e-7 * (1.0 + numeric.abs());
                assert!(near(found[3 * r + c]) && near(found[3 * c + r]), "({r}, {c}): {found:?}, differences {numeric}");
            }
        }
    }
}
