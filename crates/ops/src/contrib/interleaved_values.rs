//! `_contrib_interleaved_matmul_*_valatt`: values weighted by attention, from projections that lie interleaved.

use super::interleaved_attention::{Part, known, mixed, scores};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Values weighted by self attention, head by head: `out[i, n, h] = Σ_j attention[n·heads + h, i, j] · v[j, n, h]`
    /// (A. Vaswani et al., "Attention Is All You Need", 2017).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | queries_keys_values | (length, n, heads · 3 · d): query, key and value of every head in turn | float |
    /// | attention | (n · heads, length, length) | that of the first input |
    /// | output | (length, n, heads · d) | that of the first input |
    ///
    /// MXNet computes this for float32 alone on the CPU.
    pub struct SelfAttentionValues("_contrib_interleaved_matmul_selfatt_valatt") {
        inputs { queries_keys_values: "The projections.", attention: "The weights." }
        params {
            /// Number of heads.
            #[range(1..)]
            heads: i32,
        }
    }
}

operator! {
    /// Values of another sequence weighted by attention, head by head:
    /// `out[i, n, h] = Σ_j attention[n·heads + h, i, j] · v[j, n, h]`
    /// (A. Vaswani et al., "Attention Is All You Need", 2017).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | keys_values | (other length, n, heads · 2 · d): key and value of every head in turn | float |
    /// | attention | (n · heads, length, other length) | that of keys_values |
    /// | output | (length, n, heads · d) | that of keys_values |
    ///
    /// MXNet computes this for float32 alone on the CPU.
    pub struct CrossAttentionValues("_contrib_interleaved_matmul_encdec_valatt") {
        inputs { keys_values: "The keys and values.", attention: "The weights." }
        params {
            /// Number of heads.
            #[range(1..)]
            heads: i32,
        }
    }
}

operator! {
    /// The gradient of `_contrib_interleaved_matmul_selfatt_valatt` and `_contrib_interleaved_matmul_encdec_valatt`.
    #[hidden(true)]
    pub struct AttentionValuesBackward("_backward_interleaved_matmul_valatt") {
        inputs {
            ograd: "Gradient of the output.",
            projections: "The first input of the forward operator.",
            attention: "The weights.",
        }
        params {
            /// As in the forward operator.
            heads: i32,
            /// Vectors of every head in the projections.
            parts: usize,
        }
    }
}

/// Where the values are among the vectors of a head: the last.
fn values(heads: i32, parts: usize) -> Part {
    Part { heads: heads as usize, part: parts - 1, parts }
}

/// Where the outputs are: alone.
fn alone(heads: i32) -> Part {
    Part { heads: heads as usize, part: 0, parts: 1 }
}

fn infer(io: &mut ShapeIo, heads: i32, parts: usize) -> OpResult {
    let heads = heads as usize;
    (0..2).try_for_each(|i| io.set_input(i, PartialShape::of_rank(3)))?;
    let [other, n, width] = known(&io.inputs[0], parts * heads)?;
    io.set_input(1, PartialShape::partial([n.map(|n| n * heads), None, other]))?;
    if parts == 3 {
        io.set_input(1, PartialShape::partial([None, other, other]))?;
    }
    let length = io.inputs[1].dim(1);
    io.set_input(0, PartialShape::partial([io.inputs[1].dim(2), None, None]))?;
    io.set_output(0, PartialShape::partial([length, n, width.map(|w| w / parts)]))
}

fn run<T: Float>(io: &mut Io, heads: i32, parts: usize) -> OpResult {
    let [projections, attention] = io.inputs else { return Err(OpError::invalid("takes two inputs")) };
    mixed::<T>(1.0, (attention, false), (projections, values(heads, parts)), (&mut io.outputs[0], alone(heads)))
}

/// Implements values weighted by attention for a number of vectors of every head.
macro_rules! attention_values {
    ($op:ident, $parts:literal) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer(io, self.heads, $parts)
            }

            fn is_costly(&self) -> bool {
                true
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let dtype = io.outputs[0].dtype();
                dispatch_float!(dtype, T => run::<T>(io, self.heads, $parts), else unsupported(dtype, "a float type"))
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let inputs = [g.head(0)?, g.input(0), g.input(1)];
                let op = AttentionValuesBackward { heads: self.heads, parts: $parts };
                for (i, gradient) in g.apply_multi(op, &inputs).into_iter().enumerate() {
                    g.set(i, gradient);
                }
                Ok(())
            }
        }
    };
}

attention_values!(SelfAttentionValues, 3);
attention_values!(CrossAttentionValues, 2);

impl AttentionValuesBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let ([head, projections, attention], [d_projections, d_attention]) = (io.inputs, &mut *io.outputs) else {
            return Err(OpError::invalid("takes three inputs and has two outputs"));
        };
        let (values, alone) = (values(self.heads, self.parts), alone(self.heads));
        d_projections.fill(0.0);
        mixed::<T>(1.0, (attention, true), (head, alone), (d_projections, values))?;
        scores::<T>(1.0, (head, alone), (projections, values), d_attention)
    }
}

impl Operator for AttentionValuesBackward {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (1..3).try_for_each(|i| io.unify([Port::Input(i), Port::Output(i - 1)]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, sample};
    use rsym_tensor::{DType, Shape};

    #[test]
    fn values_are_weighted_head_by_head() {
        let (length, other, n, heads, d) = (3, 4, 2, 2, 5);
        let kv = sample(&Shape::new(&[other, n, heads * 2 * d]), DType::Float64, 1);
        let weights = sample(&Shape::new(&[n * heads, length, other]), DType::Float64, 2);
        let (x, w) = (kv.to_f64_vec(), weights.to_f64_vec());
        let mut want = Vec::new();
        for (i, b) in (0..length * n * heads).map(|k| (k / (n * heads), k % (n * heads))) {
            for e in 0..d {
                let one = |j: usize| w[(b * length + i) * other + j] * x[(j * n * heads + b) * 2 * d + d + e];
                want.push((0..other).map(one).sum::<f64>());
            }
        }
        assert_close(&run(&CrossAttentionValues { heads: 2 }, &[kv, weights])[0], &want);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (own, cross) = (SelfAttentionValues { heads: 2 }, CrossAttentionValues { heads: 2 });
        check_gradient(&own, &[[3, 2, 12].into(), [4, 3, 3].into()], DType::Float64);
        check_gradient(&cross, &[[5, 2, 8].into(), [4, 3, 5].into()], DType::Float64);
    }

    #[test]
    fn shapes_of_mxnet() {
        let own = SelfAttentionValues { heads: 2 };
        assert_eq!(infer(&own, &[&[4, 3, 12], &[6, 4, 4]], &[]).unwrap()[2], [4, 3, 4]);
        assert_eq!(infer(&CrossAttentionValues { heads: 2 }, &[&[4, 3, 8], &[6, 5, 4]], &[]).unwrap()[2], [5, 3, 4]);
        assert!(infer(&own, &[&[4, 3, 12], &[6, 4, 5]], &[]).is_err());
        assert!(infer(&own, &[&[4, 3, 8], &[6, 4, 4]], &[]).is_err());
    }
}
