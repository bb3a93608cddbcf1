//! `_contrib_interleaved_matmul_*_qk`: scores of attention from projections that lie interleaved.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::gemm::{Mat, MatMut, gemm_batched};
use rsym_tensor::{Float, PartialShape, Tensor, dispatch_float};

operator! {
    /// Scores of self attention, head by head: `out[n·heads + h, i, j] = q[i, n, h] · k[j, n, h] / sqrt(d)`
    /// (A. Vaswani et al., "Attention Is All You Need", 2017).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | queries_keys_values | (length, n, heads · 3 · d): query, key and value of every head in turn | float |
    /// | output | (n · heads, length, length) | that of the input |
    ///
    /// MXNet computes this for float32 alone on the CPU.
    pub struct SelfAttentionScores("_contrib_interleaved_matmul_selfatt_qk") {
        inputs { queries_keys_values: "The projections." }
        params {
            /// Number of heads.
            #[range(1..)]
            heads: i32,
        }
    }
}

operator! {
    /// Scores of attention between two sequences, head by head: `out[n·heads + h, i, j] = q[i, n, h] · k[j, n, h] / sqrt(d)`
    /// (A. Vaswani et al., "Attention Is All You Need", 2017).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | queries | (length, n, heads · d) | float |
    /// | keys_values | (other length, n, heads · 2 · d): key and value of every head in turn | that of queries |
    /// | output | (n · heads, length, other length) | that of queries |
    ///
    /// MXNet computes this for float32 alone on the CPU.
    pub struct CrossAttentionScores("_contrib_interleaved_matmul_encdec_qk") {
        inputs { queries: "The queries.", keys_values: "The keys and values." }
        params {
            /// Number of heads.
            #[range(1..)]
            heads: i32,
        }
    }
}

operator! {
    /// The gradient of `_contrib_interleaved_matmul_selfatt_qk` and `_contrib_interleaved_matmul_encdec_qk`.
    #[variadic("num_args")]
    #[hidden(true)]
    pub struct AttentionScoresBackward("_backward_interleaved_matmul_qk") {
        inputs {}
        params {
            /// As in the forward operator.
            heads: i32,
            /// Number of inputs: the gradient of the output and the inputs of the forward operator.
            num_args: usize,
        }
    }
}

/// One of `parts` vectors that lie interleaved for every head, in a tensor (length, n, heads · parts · d).
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) heads: usize,
    pub(super) part: usize,
    pub(super) parts: usize,
}

/// Sizes of a tensor of interleaved vectors.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) length: usize,
    pub(super) batch: usize,
    pub(super) depth: usize,
    row: usize,
}

impl Part {
    pub(super) fn sizes(self, tensor: &Tensor) -> OpResult<Sizes> {
        let [length, n, row] = tensor.shape()[..] else {
            return Err(OpError::invalid(format!("expected (length, batch, vectors), got {}", tensor.shape())));
        };
        Ok(Sizes { length, batch: n * self.heads, depth: row / (self.heads * self.parts), row: n * row })
    }

    /// The matrices (length, d) of all heads, and the distance from one to the next.
    pub(super) fn of<T: Float>(self, tensor: &Tensor) -> OpResult<(Mat<'_, T>, usize)> {
        let s = self.sizes(tensor)?;
        let data = tensor.slice::<T>()?.get(self.part * s.depth..).unwrap_or_default();
        Ok((Mat { data, rows: s.length, cols: s.depth, rs: s.row, cs: 1 }, self.parts * s.depth))
    }

    /// The same matrices, to be written.
    pub(super) fn of_mut<T: Float>(self, tensor: &mut Tensor) -> OpResult<(MatMut<'_, T>, usize)> {
        let s = self.sizes(tensor)?;
        let data = tensor.slice_mut::<T>()?.get_mut(self.part * s.depth..).unwrap_or_default();
        Ok((MatMut { data, rows: s.length, cols: s.depth, rs: s.row, cs: 1 }, self.parts * s.depth))
    }
}

/// Length, batch and width of a tensor of interleaved vectors as far as they are known; the width must be a multiple of
/// `unit`.
pub(super) fn known(shape: &PartialShape, unit: usize) -> OpResult<[Option<usize>; 3]> {
    let dims = [0, 1, 2].map(|d| shape.dim(d));
    match dims[2].filter(|width| !width.is_multiple_of(unit)) {
        Some(width) => Err(OpError::invalid(format!("the last extent must be a multiple of {unit}, got {width}"))),
        None => Ok(dims),
    }
}

/// `out = scale · a · bᵀ` for the matrices of two parts; `out` is a batch of full matrices.
pub(super) fn scores<T: Float>(scale: f64, a: (&Tensor, Part), b: (&Tensor, Part), out: &mut Tensor) -> OpResult {
    let (batch, (a, a_step), (b, b_step)) = (a.1.sizes(a.0)?.batch, a.1.of::<T>(a.0)?, b.1.of::<T>(b.0)?);
    let (rows, cols) = (a.rows, b.rows);
    let out = MatMut::new(out.slice_mut::<T>()?, rows, cols);
    gemm_batched(batch, scale, (a, a_step), (b.t(), b_step), 0.0, (out, rows * cols));
    Ok(())
}

/// `out = scale · m · x`, or with `m` transposed, for a batch of full matrices `m` and the matrices of two parts.
pub(super) fn mixed<T: Float>(
    scale: f64,
    (m, transposed): (&Tensor, bool),
    x: (&Tensor, Part),
    out: (&mut Tensor, Part),
) -> OpResult {
    let [batch, rows, cols] = m.shape()[..] else {
        return Err(OpError::invalid(format!("expected (batch, rows, columns), got {}", m.shape())));
    };
    let matrix = Mat::new(m.slice::<T>()?, rows, cols);
    let matrix = if transposed { matrix.t() } else { matrix };
    let (x, x_step) = x.1.of::<T>(x.0)?;
    let (out, out_step) = out.1.of_mut::<T>(out.0)?;
    gemm_batched(batch, scale, (matrix, rows * cols), (x, x_step), 0.0, (out, out_step));
    Ok(())
}

/// Where query and key are: input and part.
struct Roles {
    query: (usize, Part),
    key: (usize, Part),
}

impl Roles {
    fn of(heads: i32, inputs: usize) -> Roles {
        let part = |part, parts| Part { heads: heads as usize, part, parts };
        match inputs {
            1 => Roles { query: (0, part(0, 3)), key: (0, part(1, 3)) },
            _ => Roles { query: (0, part(0, 1)), key: (1, part(0, 2)) },
        }
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (query, key) = ((&io.inputs[self.query.0], self.query.1), (&io.inputs[self.key.0], self.key.1));
        let scale = 1.0 / (query.1.sizes(query.0)?.depth as f64).sqrt();
        scores::<T>(scale, query, key, &mut io.outputs[0])
    }

    fn run_backward<T: Float>(&self, io: &mut Io) -> OpResult {
        let (head, inputs) = (&io.inputs[0], &io.inputs[1..]);
        io.outputs.iter_mut().for_each(|out| out.fill(0.0));
        let (query, key) = ((&inputs[self.query.0], self.query.1), (&inputs[self.key.0], self.key.1));
        let scale = 1.0 / (query.1.sizes(query.0)?.depth as f64).sqrt();
        mixed::<T>(scale, (head, false), key, (&mut io.outputs[self.query.0], self.query.1))?;
        mixed::<T>(scale, (head, true), query, (&mut io.outputs[self.key.0], self.key.1))
    }
}

/// Implements scores of attention with the given shape rule.
macro_rules! attention_scores {
    ($op:ident, $inputs:literal) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.infer(io)
            }

            fn is_costly(&self) -> bool {
                true
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (dtype, roles) = (io.outputs[0].dtype(), Roles::of(self.heads, $inputs));
                dispatch_float!(dtype, T => roles.run::<T>(io), else unsupported(dtype, "a float type"))
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let head = g.head(0)?;
                let inputs: Vec<Entry> = std::iter::once(head).chain((0..$inputs).map(|i| g.input(i))).collect();
                let op = AttentionScoresBackward { heads: self.heads, num_args: inputs.len() };
                for (i, gradient) in g.apply_multi(op, &inputs).into_iter().enumerate() {
                    g.set(i, gradient);
                }
                Ok(())
            }
        }
    };
}

attention_scores!(SelfAttentionScores, 1);
attention_scores!(CrossAttentionScores, 2);

impl SelfAttentionScores {
    fn infer(&self, io: &mut ShapeIo) -> OpResult {
        let heads = self.heads as usize;
        io.set_input(0, PartialShape::of_rank(3))?;
        let [length, n, _] = known(&io.inputs[0], 3 * heads)?;
        io.set_output(0, PartialShape::partial([n.map(|n| n * heads), length, length]))
    }
}

impl CrossAttentionScores {
    fn infer(&self, io: &mut ShapeIo) -> OpResult {
        let heads = self.heads as usize;
        (0..2).try_for_each(|i| io.set_input(i, PartialShape::of_rank(3)))?;
        let ([length, n, width], [other, m, double]) = (known(&io.inputs[0], heads)?, known(&io.inputs[1], 2 * heads)?);
        let (n, width) = (n.or(m), width.or(double.map(|d| d / 2)));
        io.set_input(0, PartialShape::partial([None, n, width]))?;
        io.set_input(1, PartialShape::partial([None, n, width.map(|w| 2 * w)]))?;
        io.set_output(0, PartialShape::partial([n.map(|n| n * heads), length, other]))
    }
}

impl Operator for AttentionScoresBackward {
    fn inputs(&self) -> Names {
        numbered(self.num_args)
    }

    fn num_outputs(&self) -> usize {
        self.num_args - 1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (1..self.num_args).try_for_each(|i| io.unify([Port::Input(i), Port::Output(i - 1)]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (dtype, roles) = (io.outputs[0].dtype(), Roles::of(self.heads, self.num_args - 1));
        dispatch_float!(dtype, T => roles.run_backward::<T>(io), else unsupported(dtype, "a float type"))
    }
}

/// Names of the inputs of the gradient operators.
pub(super) fn numbered(count: usize) -> Names {
    (0..count).map(|i| format!("arg{i}").into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, sample};
    use rsym_tensor::{DType, Shape};

    #[test]
    fn scores_are_scaled_products_of_every_head() {
        let (length, n, heads, d) = (4, 2, 3, 5);
        let qkv = sample(&Shape::new(&[length, n, heads * 3 * d]), DType::Float64, 1);
        let x = qkv.to_f64_vec();
        let at = |i: usize, b: usize, part: usize, e: usize| x[(i * n * heads + b) * 3 * d + part * d + e];
        let mut want = Vec::new();
        for b in 0..n * heads {
            for (i, j) in (0..length * length).map(|k| (k / length, k % length)) {
                want.push((0..d).map(|e| at(i, b, 0, e) * at(j, b, 1, e)).sum::<f64>() / (d as f64).sqrt());
            }
        }
        assert_close(&run(&SelfAttentionScores { heads: 3 }, &[qkv])[0], &want);
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&SelfAttentionScores { heads: 2 }, &[[3, 2, 12].into()], DType::Float64);
        check_gradient(&CrossAttentionScores { heads: 2 }, &[[3, 2, 4].into(), [5, 2, 8].into()], DType::Float64);
    }

    #[test]
    fn shapes_of_mxnet() {
        assert_eq!(infer(&SelfAttentionScores { heads: 2 }, &[&[4, 3, 12]], &[]).unwrap()[1], [6, 4, 4]);
        let cross = CrossAttentionScores { heads: 2 };
        assert_eq!(infer(&cross, &[&[5, 3, 4], &[4, 0, 0]], &[]).unwrap()[1..], [[4, 3, 8], [6, 5, 4]]);
        assert!(infer(&cross, &[&[5, 3, 4], &[4, 3, 6]], &[]).is_err());
        assert!(infer(&SelfAttentionScores { heads: 5 }, &[&[4, 3, 12]], &[]).is_err());
    }
}
