//! `_linalg_trmm` and `_linalg_trsm`: products and equations with triangular matrices.

use super::gemm::Gemm2;
use super::matrices::{agree, extents, joined, known, split};
use super::triangle::Triangle;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::{Side, Triangular, multiply, solve};
use rsym_tensor::{Float, Tensor, dispatch_float};

operator! {
    /// Multiplies by triangular matrices: `out = alpha * op(A) · B`, or `alpha * B · op(A)` with `rightside`, where `op`
    /// transposes or not.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, m); (…, n, n) with `rightside` | float |
    /// | B, output | (…, m, n) | that of A |
    ///
    /// Only one triangle of A is read, and only it has a gradient: MXNet wants zeros in the other.
    #[aliases("linalg_trmm")]
    pub struct Trmm("_linalg_trmm") {
        inputs { A: "The triangular matrices.", B: "The other factors." }
        params {
            /// Transpose A.
            transpose: bool = false,
            /// Multiply by A from the right.
            rightside: bool = false,
            /// A is lower triangular, not upper.
            lower: bool = true,
            /// Factor of the product.
            alpha: f64 = 1.0,
        }
    }
}

operator! {
    /// Solves equations with triangular matrices: `op(A) · out = alpha * B`, or `out · op(A) = alpha * B` with `rightside`,
    /// where `op` transposes or not.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, m); (…, n, n) with `rightside` | float |
    /// | B, output | (…, m, n) | that of A |
    ///
    /// Only one triangle of A is read, and only it has a gradient. A zero on its diagonal gives infinities and NaN.
    #[aliases("linalg_trsm")]
    pub struct Trsm("_linalg_trsm") {
        inputs { A: "The triangular matrices.", B: "The right hand sides." }
        params {
            /// Transpose A.
            transpose: bool = false,
            /// The unknown stands to the left of A.
            rightside: bool = false,
            /// A is lower triangular, not upper.
            lower: bool = true,
            /// Factor of B.
            alpha: f64 = 1.0,
        }
    }
}

/// The shape rule of both.
fn infer(io: &mut ShapeIo, rightside: bool) -> OpResult {
    io.unify([Port::Input(1), Port::Output(0)])?;
    if let Some(b) = known(io, 1)? {
        let (batch, rows, cols) = split(&b);
        let order = if rightside { cols } else { rows };
        io.set_input(0, joined(batch, &[order, order]))?;
        let Some(a) = known(io, 0)? else { return Ok(()) };
        let (batch, rows, cols) = split(&a);
        let order = agree(rows, cols, "rows and columns of A")?;
        io.set_input(1, joined(batch, &if rightside { [None, order] } else { [order, None] }))?;
    }
    io.unify([Port::Input(1), Port::Output(0)])
}

/// How the matrices `a` are used.
fn how(a: &Tensor, transpose: bool, rightside: bool, lower: bool) -> Triangular {
    let side = if rightside { Side::Right } else { Side::Left };
    Triangular { n: extents(a.shape()).1, lower, transpose, side }
}

impl Trmm {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [a, b] = io.inputs else { return Err(OpError::invalid("takes two inputs")) };
        let (rows, cols) = extents(b.shape());
        let how = how(a, self.transpose, self.rightside, self.lower);
        multiply(how, self.alpha, a.slice::<T>()?, b.slice()?, rows * cols, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for Trmm {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, self.rightside)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, a, b) = (g.head(0)?, g.input(0), g.input(1));
        let (turned, alpha) = (self.transpose, self.alpha);
        if g.needs(0) {
            let first = self.rightside == turned;
            let (op, inputs) = if first {
                (Gemm2 { alpha, ..Gemm2::plain(turned, !turned) }, [head.clone(), b])
            } else {
                (Gemm2 { alpha, ..Gemm2::plain(!turned, turned) }, [b, head.clone()])
            };
            let full = g.apply(op, &inputs);
            let gradient = g.apply(Triangle { lower: self.lower }, &[full]);
            g.set(0, gradient);
        }
        if g.needs(1) {
            let gradient = g.apply(Trmm { transpose: !turned, ..self.clone() }, &[a, head]);
            g.set(1, gradient);
        }
        Ok(())
    }
}

impl Trsm {
    /// The solution with A, or with its transpose, without a factor.
    pub(super) fn plain(lower: bool, transpose: bool, rightside: bool) -> Trsm {
        Trsm { transpose, rightside, lower, alpha: 1.0 }
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [a, b] = io.inputs else { return Err(OpError::invalid("takes two inputs")) };
        let (rows, cols) = extents(b.shape());
        let how = how(a, self.transpose, self.rightside, self.lower);
        solve(how, self.alpha, a.slice::<T>()?, b.slice()?, rows * cols, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for Trsm {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, self.rightside)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    /// With `d` the solution of the transposed equation for the head gradient: B gets `alpha * d`, A the triangle of
    /// `-d · outᵀ` in its order and orientation.
    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, a, out) = (g.head(0)?, g.input(0), g.output(0));
        let turned = self.transpose;
        let solved = g.apply(Trsm { transpose: !turned, alpha: 1.0, ..self.clone() }, &[a, head]);
        if g.needs(0) {
            let first = self.rightside == turned;
            let (op, inputs) = if first {
                (Gemm2 { alpha: -1.0, ..Gemm2::plain(turned, !turned) }, [solved.clone(), out])
            } else {
                (Gemm2 { alpha: -1.0, ..Gemm2::plain(!turned, turned) }, [out, solved.clone()])
            };
            let full = g.apply(op, &inputs);
            let gradient = g.apply(Triangle { lower: self.lower }, &[full]);
            g.set(0, gradient);
        }
        if g.needs(1) {
            let gradient = g.named("_mul_scalar", &[("scalar", &self.alpha.to_string())], &[solved])?;
            g.set(1, gradient);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, sample, t32};
    use rsym_tensor::{DType, Shape};

    #[test]
    fn examples_of_mxnet() {
        let a = t32([2, 2], &[1.0, 0.0, 1.0, 1.0]);
        let trmm = Trmm { transpose: false, rightside: false, lower: true, alpha: 2.0 };
        assert_eq!(run(&trmm, &[a.clone(), t32([2, 3], &[1.0; 6])])[0].to_f64_vec(), [2.0, 2.0, 2.0, 4.0, 4.0, 4.0]);
        let trsm = Trsm { alpha: 0.5, ..Trsm::plain(true, false, false) };
        let b = t32([2, 3], &[2.0, 2.0, 2.0, 4.0, 4.0, 4.0]);
        assert_eq!(run(&trsm, &[a, b])[0].to_f64_vec(), [1.0; 6]);
    }

    #[test]
    fn shapes_flow_both_ways() {
        let left = Trsm::plain(true, false, false);
        assert_eq!(infer(&left, &[&[], &[]], &[&[2, 3, 4]]).unwrap(), [vec![2, 3, 3], vec![2, 3, 4], vec![2, 3, 4]]);
        let right = Trsm::plain(true, false, true);
        assert_eq!(infer(&right, &[&[4, 4], &[3, 4]], &[]).unwrap()[2], [3, 4]);
        assert!(infer(&right, &[&[3, 3], &[3, 4]], &[]).is_err());
        assert!(infer(&left, &[&[3, 4], &[3, 4]], &[]).is_err());
        assert!(infer(&left, &[&[3, 3], &[2, 3, 4]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for i in 0..8 {
            let (transpose, rightside, lower) = (i & 1 == 0, i & 2 == 0, i & 4 == 0);
            let identity = t32([3, 3], &[2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]).to_f64_vec();
            let noise = sample(&Shape::from([2, 3, 3]), DType::Float64, 1).to_f64_vec();
            let a: Vec<f64> = noise.iter().enumerate().map(|(i, v)| v + identity[i % 9]).collect();
            let a = Tensor::from_slice([2, 3, 3], &a).unwrap();
            let b = if rightside { Shape::from([2, 2, 3]) } else { Shape::from([2, 3, 2]) };
            let inputs = [a, sample(&b, DType::Float64, 2)];
            check_gradient_at(&Trmm { transpose, rightside, lower, alpha: 1.5 }, &inputs);
            check_gradient_at(&Trsm { transpose, rightside, lower, alpha: -0.5 }, &inputs);
        }
    }
}
