//! `_linalg_gemm` and `_linalg_gemm2`: products of matrices, with and without an addend.

use super::matrices::{Extent, agree, known};
use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::gemm::{Mat, MatMut, gemm_batched};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Multiplies matrices and adds: `out = alpha * op(A) · op(B) + beta * C`, where `op` transposes or not.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, k); (…, k, m) with `transpose_a` | float |
    /// | B | (…, k, n); (…, n, k) with `transpose_b` | that of A |
    /// | C, output | (…, m, n) | that of A |
    ///
    /// The leading dimensions are those of all inputs. `axis` names another dimension as that of the rows: `axis=1` for four
    /// dimensions makes the shapes (batch, m, …, k). With half precision it computes in float32; MXNet takes float32 and
    /// float64 only.
    #[aliases("linalg_gemm")]
    pub struct Gemm("_linalg_gemm") {
        inputs { A: "The left factors.", B: "The right factors.", C: "What is added." }
        params {
            /// Transpose the left factors.
            transpose_a: bool = false,
            /// Transpose the right factors.
            transpose_b: bool = false,
            /// Factor of the product.
            alpha: f64 = 1.0,
            /// Factor of C.
            beta: f64 = 1.0,
            /// Dimension of the rows; the columns are the last dimension.
            axis: i32 = -2,
        }
    }
}

operator! {
    /// Multiplies matrices: `out = alpha * op(A) · op(B)`, where `op` transposes or not.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m, k); (…, k, m) with `transpose_a` | float |
    /// | B | (…, k, n); (…, n, k) with `transpose_b` | that of A |
    /// | output | (…, m, n) | that of A |
    ///
    /// The leading dimensions are those of both inputs. `axis` names another dimension as that of the rows. With half
    /// precision it computes in float32; MXNet takes float32 and float64 only.
    #[aliases("linalg_gemm2")]
    pub struct Gemm2("_linalg_gemm2") {
        inputs { A: "The left factors.", B: "The right factors." }
        params {
            /// Transpose the left factors.
            transpose_a: bool = false,
            /// Transpose the right factors.
            transpose_b: bool = false,
            /// Factor of the product.
            alpha: f64 = 1.0,
            /// Dimension of the rows; the columns are the last dimension.
            axis: i32 = -2,
        }
    }
}

impl Gemm2 {
    /// The product without a factor, over the last two dimensions.
    pub(super) fn plain(transpose_a: bool, transpose_b: bool) -> Gemm2 {
        Gemm2::along(transpose_a, transpose_b, 1.0, -2)
    }

    fn along(transpose_a: bool, transpose_b: bool, alpha: f64, axis: i32) -> Gemm2 {
        Gemm2 { transpose_a, transpose_b, alpha, axis }
    }

    /// The shape of the product, once the numbers of dimensions are known.
    fn infer(&self, io: &ShapeIo) -> OpResult<Option<PartialShape>> {
        let (Some(a), Some(b)) = (known(io, 0)?, known(io, 1)?) else { return Ok(None) };
        if a.len() != b.len() {
            let text = format!("A and B must have equally many dimensions, got {} and {}", a.len(), b.len());
            return Err(OpError::invalid(text));
        }
        let rows = self.rows(a.len())?;
        let last = a.len() - 1;
        let (m, k) = if self.transpose_a { (a[last], a[rows]) } else { (a[rows], a[last]) };
        let (l, n) = if self.transpose_b { (b[last], b[rows]) } else { (b[rows], b[last]) };
        agree(k, l, "the summed dimensions of A and B")?;
        let extent = |i: usize| -> OpResult<Extent> {
            match i {
                _ if i == rows => Ok(m),
                _ if i == last => Ok(n),
                _ => agree(a[i], b[i], "the leading dimensions of A and B"),
            }
        };
        Ok(Some(PartialShape::partial((0..a.len()).map(extent).collect::<OpResult<Vec<_>>>()?)))
    }

    /// The dimension of the rows.
    fn rows(&self, rank: usize) -> OpResult<usize> {
        match axis_of(self.axis as i64, rank)? {
            rows if rows + 1 < rank => Ok(rows),
            _ => Err(OpError::invalid(format!("axis {} is the last dimension, which holds the columns", self.axis))),
        }
    }

    fn run<T: Float>(&self, io: &mut Io, beta: f64) -> OpResult {
        let rows = self.rows(io.outputs[0].shape().len())?;
        let [a, b, ..] = io.inputs else { return Err(OpError::invalid("takes two inputs")) };
        let places = [a, b, &io.outputs[0]].map(|t| Place::of(t.shape(), rows));
        let (a, b) = (a.slice::<T>()?, b.slice::<T>()?);
        let out = io.outputs[0].slice_mut::<T>()?;
        // Where rows are the dimension before the last, all matrices have one distance and make one batch.
        let (groups, batch) = if places[2].inner == 1 { (1, places[2].outer) } else { (places[2].outer, places[2].inner) };
        let sizes = places.map(|p| batch * p.rows * p.cols);
        for (i, out) in out.chunks_exact_mut(sizes[2].max(1)).enumerate().take(groups) {
            let a = places[0].factor(&a[i * sizes[0]..][..sizes[0]], self.transpose_a);
            let b = places[1].factor(&b[i * sizes[1]..][..sizes[1]], self.transpose_b);
            let Place { rows, cols, .. } = places[2];
            let target = MatMut { data: out, rows, cols, rs: places[2].row_step(), cs: 1 };
            gemm_batched(batch, self.alpha, a, b, beta, (target, places[2].step()));
        }
        Ok(())
    }
}

/// Where the matrices of a tensor are, whose rows are any dimension and whose columns are the last.
#[derive(Clone, Copy)]
struct Place {
    outer: usize,
    rows: usize,
    /// Matrices between two rows.
    inner: usize,
    cols: usize,
}

impl Place {
    fn of(shape: &Shape, rows: usize) -> Place {
        let last = shape.len() - 1;
        let (outer, inner) = (shape.product(..rows), shape.product(rows + 1..last));
        Place { outer, rows: shape[rows], inner, cols: shape[last] }
    }

    fn row_step(self) -> usize {
        self.inner * self.cols
    }

    /// Distance of two matrices of a batch.
    fn step(self) -> usize {
        if self.inner == 1 { self.rows * self.cols } else { self.cols }
    }

    /// The matrices of one batch, and their distance.
    fn factor<T>(self, data: &[T], transpose: bool) -> (Mat<'_, T>, usize) {
        let mat = Mat { data, rows: self.rows, cols: self.cols, rs: self.row_step(), cs: 1 };
        (if transpose { mat.t() } else { mat }, self.step())
    }
}

impl Gemm {
    fn product(&self) -> Gemm2 {
        Gemm2::along(self.transpose_a, self.transpose_b, self.alpha, self.axis)
    }
}

/// Leaves the gradients of the factors A and B, given that of the product.
fn factor_gradients(op: &Gemm2, g: &mut Grad) -> GraphResult {
    let (head, a, b) = (g.head(0)?, g.input(0), g.input(1));
    let (ta, tb) = (op.transpose_a, op.transpose_b);
    if g.needs(0) {
        let inputs = if ta { [b.clone(), head.clone()] } else { [head.clone(), b] };
        let (first, second) = if ta { (tb, true) } else { (false, !tb) };
        let gradient = g.apply(Gemm2::along(first, second, op.alpha, op.axis), &inputs);
        g.set(0, gradient);
    }
    if g.needs(1) {
        let inputs = if tb { [head, a] } else { [a, head] };
        let (first, second) = if tb { (true, ta) } else { (!ta, false) };
        let gradient = g.apply(Gemm2::along(first, second, op.alpha, op.axis), &inputs);
        g.set(1, gradient);
    }
    Ok(())
}

impl Operator for Gemm {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(shape) = self.product().infer(io)? else { return Ok(()) };
        io.set_output(0, shape)?;
        io.unify([Port::Input(2), Port::Output(0)])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn inplace(&self) -> &[(usize, usize)] {
        &[(2, 0)]
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        if self.beta != 0.0 && !io.is_inplace(2, 0) {
            io.outputs[0].assign(&io.inputs[2])?;
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.product().run::<T>(io, self.beta), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        factor_gradients(&self.product(), g)?;
        if g.needs(2) {
            let head = g.head(0)?;
            let gradient = g.named("_mul_scalar", &[("scalar", &self.beta.to_string())], &[head])?;
            g.set(2, gradient);
        }
        Ok(())
    }
}

impl Operator for Gemm2 {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(shape) = self.infer(io)? else { return Ok(()) };
        io.set_output(0, shape)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io, 0.0), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        factor_gradients(self, g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, sample};
    use rsym_tensor::{DType, Tensor};

    const FLAGS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

    /// Shape of a factor with (rows, columns) as `op` sees it.
    fn shape(rows: usize, cols: usize, transpose: bool) -> Shape {
        if transpose { [2, 3, cols, rows].into() } else { [2, 3, rows, cols].into() }
    }

    /// The tensor with dimensions 1 and 2 exchanged.
    fn swapped(x: &Tensor) -> Tensor {
        let op = crate::registry().make("SwapAxis", &[("dim1", "1"), ("dim2", "2")]).unwrap();
        run(op.as_ref(), std::slice::from_ref(x)).remove(0)
    }

    #[test]
    fn another_axis_is_an_exchange_of_axes() {
        for (transpose_a, transpose_b) in FLAGS {
            let a = sample(&shape(4, 5, transpose_a), DType::Float64, 1);
            let b = sample(&shape(5, 6, transpose_b), DType::Float64, 2);
            let c = sample(&shape(4, 6, false), DType::Float64, 3);
            let op = Gemm { transpose_a, transpose_b, alpha: 1.5, beta: -0.5, axis: -2 };
            let want = run(&op, &[a.clone(), b.clone(), c.clone()]).remove(0);
            let got = run(&Gemm { axis: 1, ..op }, &[swapped(&a), swapped(&b), swapped(&c)]).remove(0);
            assert_eq!(swapped(&got).to_f64_vec(), want.to_f64_vec());
        }
    }

    #[test]
    fn the_product_of_every_batch() {
        let a = Tensor::from_slice([2, 1, 2], &[1f32, 1.0, 0.5, 0.25]).unwrap();
        let b = Tensor::from_slice([2, 1, 2], &[1f32, 2.0, 4.0, 8.0]).unwrap();
        let op = Gemm2 { transpose_a: false, transpose_b: true, alpha: 2.0, axis: -2 };
        assert_eq!(run(&op, &[a, b])[0].to_f64_vec(), [6.0, 8.0]);
    }

    #[test]
    fn no_summand_leaves_the_addend() {
        let empty = |dims: [usize; 2]| Tensor::zeros(dims, DType::Float32).unwrap();
        let c = Tensor::from_slice([1, 2], &[3f32, 4.0]).unwrap();
        let op = Gemm { transpose_a: false, transpose_b: false, alpha: 1.0, beta: 2.0, axis: -2 };
        assert_eq!(run(&op, &[empty([1, 0]), empty([0, 2]), c])[0].to_f64_vec(), [6.0, 8.0]);
    }

    #[test]
    fn shapes_flow_and_are_checked() {
        let op = Gemm::from_texts(&Default::default()).unwrap();
        assert_eq!(infer(&op, &[&[3, 4], &[4, 5], &[]], &[]).unwrap()[2..], [[3, 5], [3, 5]]);
        assert!(infer(&op, &[&[3, 4], &[3, 5], &[]], &[]).is_err());
        assert!(infer(&op, &[&[2, 3, 4], &[3, 4, 5], &[]], &[]).is_err());
        assert!(infer(&op, &[&[3], &[3], &[]], &[]).is_err());
        assert!(infer(&Gemm { axis: 1, ..op.clone() }, &[&[3, 4], &[4, 5], &[]], &[]).is_err());
        assert!(infer(&Gemm { axis: -4, ..op }, &[&[3, 4], &[4, 5], &[]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for (transpose_a, transpose_b) in FLAGS {
            let shapes = [shape(2, 3, transpose_a), shape(3, 2, transpose_b), shape(2, 2, false)];
            let op = Gemm { transpose_a, transpose_b, alpha: 1.5, beta: -0.5, axis: -2 };
            check_gradient(&op, &shapes, DType::Float64);
            let turned = shapes.map(|s| Shape::from([s[0], s[2], s[1], s[3]]));
            check_gradient(&Gemm { axis: -3, ..op.clone() }, &turned, DType::Float64);
            check_gradient(&op.product(), &[shape(2, 3, transpose_a), shape(3, 2, transpose_b)], DType::Float64);
        }
    }
}
