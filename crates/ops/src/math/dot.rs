//! Products of matrices and of batches of matrices.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::gemm::{Mat, MatMut, gemm, gemm_batched};
use rsym_tensor::{Float, PartialShape, Shape, Tensor, dispatch_float};

enum_param! {
    /// A storage type; everything is dense here.
    pub enum Storage {
        Csr = "csr",
        Default = "default",
        RowSparse = "row_sparse",
    }
}

operator! {
    /// Multiplies two tensors: sums over the last axis of lhs and the first of rhs.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | (…, k); (k, …) with `transpose_a` | float |
    /// | rhs | (k, …); (…, k) with `transpose_b` | that of lhs |
    /// | output | the other dimensions of lhs, then those of rhs; `(1,)` for two vectors | that of lhs |
    ///
    /// With half precision and bfloat16 it computes in float32; MXNet refuses both on the CPU.
    #[aliases("_sparse_dot")]
    pub struct Dot("dot") {
        inputs { lhs: "The left factor.", rhs: "The right factor." }
        params {
            /// Sum over the first axis of lhs instead of the last; the axis moves to the end.
            transpose_a: bool = false,
            /// Sum over the last axis of rhs instead of the first.
            transpose_b: bool = false,
            /// Accepted and ignored: results are dense.
            forward_stype: Option<Storage> = None,
        }
    }
}

operator! {
    /// The gradient of `dot` for one of the factors.
    #[hidden(true)]
    pub struct DotGrad("_backward_dot") {
        inputs { ograd: "Gradient of the output.", other: "The other factor.", like: "The factor; not read." }
        params {
            /// As in `dot`.
            transpose_a: bool,
            /// As in `dot`.
            transpose_b: bool,
            /// Whether the factor is the left one.
            of_lhs: bool,
        }
    }
}

operator! {
    /// Multiplies two batches of matrices: `out[i] = lhs[i] · rhs[i]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | (…, m, k); (…, k, m) with `transpose_a` | float |
    /// | rhs | (…, k, n); (…, n, k) with `transpose_b` | that of lhs |
    /// | output | (…, m, n) | that of lhs |
    ///
    /// The leading dimensions, at least one, are those of both. With half precision and bfloat16 it computes in
    /// float32; MXNet refuses both on the CPU.
    #[aliases("_npx_batch_dot")]
    pub struct BatchDot("batch_dot") {
        inputs { lhs: "The left factors.", rhs: "The right factors." }
        params {
            /// Transpose each matrix of lhs.
            transpose_a: bool = false,
            /// Transpose each matrix of rhs.
            transpose_b: bool = false,
            /// Accepted and ignored: results are dense.
            forward_stype: Option<Storage> = None,
        }
    }
}

/// Splits dimensions into those that stay and the one that is summed over, the first or the last.
fn split<T: Copy>(dims: &[T], first: bool) -> (&[T], T) {
    if first { (&dims[1..], dims[0]) } else { (&dims[..dims.len() - 1], dims[dims.len() - 1]) }
}

/// A factor as the matrix (stays, summed).
fn left<'a, T>(data: &'a [T], shape: &Shape, first: bool) -> Mat<'a, T> {
    let (stay, k) = split(shape, first);
    let m = stay.iter().product();
    if first { Mat::new(data, k, m).t() } else { Mat::new(data, m, k) }
}

impl Dot {
    fn infer(&self, a: &[Option<usize>], b: &[Option<usize>]) -> OpResult<PartialShape> {
        if a.is_empty() || b.is_empty() {
            return Err(OpError::invalid("expected at least one dimension, got a scalar"));
        }
        if a.len() == 1 && b.len() == 1 && (self.transpose_a || self.transpose_b) {
            return Err(OpError::invalid("vectors cannot be transposed"));
        }
        let (m, k) = split(a, self.transpose_a);
        let (n, l) = split(b, !self.transpose_b);
        if let (Some(k), Some(l)) = (k, l)
            && k != l
        {
            let (a, b) = (PartialShape::partial(a.to_vec()), PartialShape::partial(b.to_vec()));
            return Err(OpError::invalid(format!("the summed dimensions of {a} and {b} differ: {k} and {l}")));
        }
        let dims: Vec<_> = m.iter().chain(n).copied().collect();
        Ok(if dims.is_empty() { PartialShape::from([1]) } else { PartialShape::partial(dims) })
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (a, b) = (&io.inputs[0], &io.inputs[1]);
        let lhs = left(a.slice::<T>()?, a.shape(), self.transpose_a);
        let rhs = left(b.slice::<T>()?, b.shape(), !self.transpose_b).t();
        gemm(1.0, lhs, rhs, 0.0, MatMut::new(io.outputs[0].slice_mut::<T>()?, lhs.rows, rhs.cols));
        Ok(())
    }
}

impl Operator for Dot {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(a), Some(b)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        io.set_output(0, self.infer(&a, &b)?)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let (transpose_a, transpose_b) = (self.transpose_a, self.transpose_b);
        for i in 0..2 {
            if g.needs(i) {
                let inputs = [head.clone(), g.input(1 - i), g.input(i)];
                let gradient = g.apply(DotGrad { transpose_a, transpose_b, of_lhs: i == 0 }, &inputs);
                g.set(i, gradient);
            }
        }
        Ok(())
    }
}

impl Operator for DotGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(2), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, ograd, other) = (g.head(0)?, g.input(0), g.input(1));
        let (transpose_a, transpose_b) = (self.transpose_a, self.transpose_b);
        if g.needs(0) {
            let factors = if self.of_lhs { [head.clone(), other.clone()] } else { [other.clone(), head.clone()] };
            let gradient = g.apply(Dot { transpose_a, transpose_b, forward_stype: None }, &factors);
            g.set(0, gradient);
        }
        if g.needs(1) {
            let op = DotGrad { of_lhs: !self.of_lhs, ..self.clone() };
            let gradient = g.apply(op, &[ograd, head, other]);
            g.set(1, gradient);
        }
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 2
    }
}

impl DotGrad {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (head, other) = (&io.inputs[0], &io.inputs[1]);
        let own_first = if self.of_lhs { self.transpose_a } else { !self.transpose_b };
        let other_first = if self.of_lhs { !self.transpose_b } else { self.transpose_a };
        let other = left(other.slice::<T>()?, other.shape(), other_first);
        let (stay, k) = split(io.outputs[0].shape(), own_first);
        let stay: usize = stay.iter().product();
        let head = head.slice::<T>()?;
        let head = if self.of_lhs { Mat::new(head, stay, other.rows) } else { Mat::new(head, other.rows, stay).t() };
        let out = io.outputs[0].slice_mut::<T>()?;
        if own_first {
            gemm(1.0, other.t(), head.t(), 0.0, MatMut::new(out, k, stay));
        } else {
            gemm(1.0, head, other, 0.0, MatMut::new(out, stay, k));
        }
        Ok(())
    }
}

impl BatchDot {
    fn new(transpose_a: bool, transpose_b: bool) -> BatchDot {
        BatchDot { transpose_a, transpose_b, forward_stype: None }
    }

    fn infer(&self, a: &[Option<usize>], b: &[Option<usize>]) -> OpResult<PartialShape> {
        let show = || format!("{} and {}", PartialShape::partial(a.to_vec()), PartialShape::partial(b.to_vec()));
        if a.len() < 3 || a.len() != b.len() {
            return Err(OpError::invalid(format!("expected equally many dimensions, at least 3, got {}", show())));
        }
        let batch = a.len() - 2;
        let clash = |x: Option<usize>, y: Option<usize>| x.zip(y).is_some_and(|(x, y)| x != y);
        if a[..batch].iter().zip(&b[..batch]).any(|(x, y)| clash(*x, *y)) {
            return Err(OpError::invalid(format!("leading dimensions must be equal, got {}", show())));
        }
        let (m, k) = if self.transpose_a { (a[batch + 1], a[batch]) } else { (a[batch], a[batch + 1]) };
        let (l, n) = if self.transpose_b { (b[batch + 1], b[batch]) } else { (b[batch], b[batch + 1]) };
        if clash(k, l) {
            return Err(OpError::invalid(format!("the summed dimensions differ in {}", show())));
        }
        let leading = a[..batch].iter().zip(&b[..batch]).map(|(x, y)| x.or(*y));
        Ok(PartialShape::partial(leading.chain([m, n])))
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let lhs = matrices::<T>(&io.inputs[0], self.transpose_a)?;
        let rhs = matrices::<T>(&io.inputs[1], self.transpose_b)?;
        let (m, n) = (lhs.rows, rhs.cols);
        let shape = io.outputs[0].shape();
        let batch = shape.product(..shape.len() - 2);
        let out = MatMut::new(io.outputs[0].slice_mut::<T>()?, m, n);
        gemm_batched(batch, 1.0, (lhs, m * lhs.cols), (rhs, n * lhs.cols), 0.0, (out, m * n));
        Ok(())
    }
}

/// A batch of matrices, each transposed if asked for.
fn matrices<T: Float>(tensor: &Tensor, transposed: bool) -> OpResult<Mat<'_, T>> {
    let rank = tensor.shape().len();
    let mat = Mat::new(tensor.slice::<T>()?, tensor.shape()[rank - 2], tensor.shape()[rank - 1]);
    Ok(if transposed { mat.t() } else { mat })
}

impl Operator for BatchDot {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(a), Some(b)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        let shape = self.infer(&a, &b)?;
        // As in MXNet, nothing is decided before the length of the products is known on both sides.
        let inner = |dims: &[Option<usize>], first: bool| dims[if first { 1 } else { 2 }].is_some();
        if !inner(&a, self.transpose_a) || !inner(&b, !self.transpose_b) {
            return Ok(());
        }
        io.set_output(0, shape)
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
        let (ta, tb) = (self.transpose_a, self.transpose_b);
        if g.needs(0) {
            let (op, factors) = if ta {
                (BatchDot::new(tb, true), [b, head.clone()])
            } else {
                (BatchDot::new(false, !tb), [head.clone(), b])
            };
            let gradient = g.apply(op, &factors);
            g.set(0, gradient);
        }
        if g.needs(1) {
            let (op, factors) =
                if tb { (BatchDot::new(true, ta), [head, a]) } else { (BatchDot::new(!ta, false), [a, head]) };
            let gradient = g.apply(op, &factors);
            g.set(1, gradient);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::DType;

    fn dot(transpose_a: bool, transpose_b: bool) -> Dot {
        Dot { transpose_a, transpose_b, forward_stype: None }
    }

    fn infer(op: &dyn Operator, a: &[i64], b: &[i64]) -> OpResult<Vec<i64>> {
        let mut inputs = [PartialShape::from_legacy(a), PartialShape::from_legacy(b)];
        let mut outputs = [PartialShape::unknown()];
        op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs })?;
        Ok(outputs[0].to_legacy())
    }

    // MXNet 1.9.1: infer_shape_partial of dot and batch_dot.
    #[test]
    fn shapes_of_mxnet() {
        assert_eq!(infer(&dot(false, false), &[2, 3, 4], &[4, 5, 6]).unwrap(), [2, 3, 5, 6]);
        assert_eq!(infer(&dot(false, false), &[3], &[3]).unwrap(), [1]);
        assert_eq!(infer(&dot(true, false), &[3], &[3, 4]).unwrap(), [4]);
        assert_eq!(infer(&dot(false, true), &[2, 3, 4], &[4]).unwrap(), [2, 3]);
        assert_eq!(infer(&dot(false, false), &[0, 3], &[3, 4]).unwrap(), [0, 4]);
        assert!(infer(&dot(true, false), &[3], &[3]).is_err() && infer(&dot(false, true), &[2, 3], &[3, 4]).is_err());
        let batch = |ta| BatchDot::new(ta, false);
        assert_eq!(infer(&batch(true), &[2, 3, 4], &[2, 3, 5]).unwrap(), [2, 4, 5]);
        assert_eq!(infer(&batch(false), &[2, 3, 4, 5], &[2, 3, 5, 6]).unwrap(), [2, 3, 4, 6]);
        assert!(infer(&batch(false), &[2, 3, 4], &[1, 4, 5]).is_err() && infer(&batch(false), &[3, 4], &[4, 5]).is_err());
    }

    #[test]
    fn sums_over_the_shared_axis() {
        let a = Tensor::from_slice([2, 2], &[1f32, 2.0, 3.0, 4.0]).unwrap();
        let b = Tensor::from_slice([2, 2], &[5f32, 6.0, 7.0, 8.0]).unwrap();
        let value = |op: &dyn Operator| run(op, &[a.clone(), b.clone()]).remove(0).to_f64_vec();
        assert_eq!(value(&dot(false, false)), [19.0, 22.0, 43.0, 50.0]);
        assert_eq!(value(&dot(true, false)), [26.0, 30.0, 38.0, 44.0]);
        assert_eq!(value(&dot(false, true)), [17.0, 23.0, 39.0, 53.0]);
        assert_eq!(value(&dot(true, true)), [23.0, 31.0, 34.0, 46.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let check = |ta, tb, a: &[usize], b: &[usize]| check_gradient(&dot(ta, tb), &[a.into(), b.into()], DType::Float64);
        check(false, false, &[2, 2, 3], &[3, 2, 2]);
        check(true, false, &[3, 2, 2], &[3, 4]);
        check(false, true, &[2, 3], &[4, 2, 3]);
        check(true, true, &[3, 2], &[4, 3]);
        check(false, false, &[3], &[3]);
        check(false, false, &[2, 3], &[3]);
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = if ta { [2, 4, 3] } else { [2, 3, 4] };
            let b = if tb { [2, 5, 4] } else { [2, 4, 5] };
            check_gradient(&BatchDot::new(ta, tb), &[a.into(), b.into()], DType::Float64);
        }
    }
}
