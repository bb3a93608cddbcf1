//! `FullyConnected`: a dense layer.

use crate::forms::{FusedDense, activate};
use crate::support::unsupported;
use crate::math::broadcast::BroadcastAdd;
use crate::math::constant::ZerosLike;
use crate::math::formula::set_sum;
use rsym_graph::*;
use rsym_kernels::conv::blocked;
use rsym_kernels::gemm::{Activation, Epilogue, Mat, MatMut, PackedB, gemm, gemm_packed};
use rsym_kernels::parallel::for_row_chunks;
use rsym_tensor::{DType, Float, PartialShape, Shape, dispatch_float};
use std::sync::Arc;

operator! {
    /// Applies a linear transformation: `out = data · weightᵀ + bias`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, …), seen as (batch, n) with `flatten`, else (…, n) | float |
    /// | weight | (num_hidden, n) | that of data |
    /// | bias | (num_hidden,), absent with `no_bias` | that of data |
    /// | output | (batch, num_hidden) with `flatten`, else (…, num_hidden) | that of data |
    #[aliases("_npx_fully_connected", "_sparse_FullyConnected")]
    pub struct FullyConnected("FullyConnected") {
        inputs { data: "The input.", weight: "The weight matrix.", bias: "The bias, one for each hidden unit." }
        params {
            /// Number of hidden units: columns of the output.
            #[range(1..)]
            num_hidden: i32,
            /// Leave the bias out.
            no_bias: bool = false,
            /// Collapse all dimensions of data after the first into one; else the last alone is transformed.
            flatten: bool = true,
        }
    }
}

operator! {
    /// Gradients of `FullyConnected` for data, weight and bias, those that are asked for.
    #[hidden(true)]
    pub struct FullyConnectedBackward("_backward_FullyConnected") {
        inputs { ograd: "Gradient of the output.", data: "The input.", weight: "The weight matrix." }
        params {
            /// As in `FullyConnected`.
            num_hidden: i32,
            /// As in `FullyConnected`.
            flatten: bool,
            /// Give the gradient of data.
            for_data: bool,
            /// Give the gradient of the weight.
            for_weight: bool,
            /// Give the gradient of the bias.
            for_bias: bool,
        }
    }
}

/// With fewer rows the weight is read as it lies: packing would double its memory for nothing.
const FEWEST_ROWS: usize = 2;
/// The form of a packed weight in a cache.
const PACKED: u64 = 0xfc;

/// The packed factor, in the memory of what was packed before.
fn repacked(old: Option<PackedB>, factor: Mat<f32>) -> PackedB {
    match old {
        Some(mut packed) => {
            packed.repack(factor);
            packed
        }
        None => PackedB::pack(factor),
    }
}

/// Rows, columns of data and number of hidden units.
struct Sizes {
    rows: usize,
    cols: usize,
    hidden: usize,
}

impl Sizes {
    fn new(data: &Shape, hidden: i32, flatten: bool) -> Sizes {
        let split = if flatten { 1 } else { data.len() - 1 };
        Sizes { rows: data.product(..split), cols: data.product(split..), hidden: hidden as usize }
    }
}

impl Operator for FullyConnected {
    fn inputs(&self) -> Names {
        if self.no_bias { names!["data", "weight"] } else { names!["data", "weight", "bias"] }
    }

    fn num_inputs(&self) -> usize {
        if self.no_bias { 2 } else { 3 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let hidden = Some(self.num_hidden as usize);
        // As in MXNet, parameters stay undecided until something is known of the data.
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        if !self.no_bias {
            io.set_input(2, PartialShape::partial([hidden]))?;
        }
        if dims.is_empty() {
            return Err(OpError::invalid("data must have at least one dimension, got a scalar"));
        }
        let split = if self.flatten { 1 } else { dims.len() - 1 };
        let cols = dims[split..].iter().copied().product();
        io.set_input(1, PartialShape::partial([hidden, cols]))?;
        io.set_output(0, PartialShape::partial(dims[..split].iter().copied().chain([hidden])))?;
        let Some(out) = io.outputs[0].dims() else { return Ok(()) };
        io.set_input(0, PartialShape::partial(out[..split].iter().chain(&dims[split..]).copied()))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if dtype == DType::Float32 {
            return self.single(io, ctx, false, blocked::Activation::None);
        }
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn absorbs(&self) -> bool {
        true
    }

    fn absorb(&self, here: &Site, next: &Site, _: usize) -> Option<OpRef> {
        FusedDense::new(self.clone()).extended(here, next)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = FullyConnectedBackward {
            num_hidden: self.num_hidden,
            flatten: self.flatten,
            for_data: g.needs(0),
            for_weight: g.needs(1),
            for_bias: !self.no_bias && g.needs(2),
        };
        let wanted = op.wanted();
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        for (i, gradient) in wanted.into_iter().zip(g.apply_multi(op, &inputs)) {
            g.set(i, gradient);
        }
        Ok(())
    }
}

impl FullyConnected {
    /// In single precision: with the weight packed, which a bound program does once for every value of the weight; `add` to
    /// what the output holds.
    pub(crate) fn single(&self, io: &mut Io, ctx: &Ctx, add: bool, function: blocked::Activation) -> OpResult {
        let Sizes { rows, cols, hidden } = Sizes::new(io.inputs[0].shape(), self.num_hidden, self.flatten);
        let (data, weight) = (io.inputs[0].slice::<f32>()?, io.inputs[1].slice::<f32>()?);
        let bias = if self.no_bias { None } else { Some(io.inputs[2].slice::<f32>()?) };
        let out = io.outputs[0].slice_mut::<f32>()?;
        let (data, factor) = (Mat::new(data, rows, cols), Mat::new(weight, hidden, cols).t());
        if let (Some(cache), true) = (ctx.cache, rows >= FEWEST_ROWS) {
            let packed = cache.get(PACKED, &[&io.inputs[1]], |old: Option<PackedB>| repacked(old, factor));
            let map = |piece: &mut [f32]| activate(function, piece);
            let activation = match function {
                blocked::Activation::None => Activation::Identity,
                blocked::Activation::Relu => Activation::Relu,
                _ => Activation::Map(&map),
            };
            gemm_packed(data, &packed, &Epilogue { bias, accumulate: add, activation }, out);
            return Ok(());
        }
        if let Some(bias) = bias {
            let start = |old: f32| if add { old } else { 0.0 };
            let rows = out.chunks_mut(hidden.max(1));
            rows.for_each(|row| row.iter_mut().zip(bias).for_each(|(o, b)| *o = start(*o) + b));
        }
        let beta = if add || bias.is_some() { 1.0 } else { 0.0 };
        gemm(1.0, data, factor, beta, MatMut::new(out, rows, hidden));
        activate(function, out);
        Ok(())
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let Sizes { rows, cols, hidden } = Sizes::new(io.inputs[0].shape(), self.num_hidden, self.flatten);
        let (data, weight) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let out = io.outputs[0].slice_mut::<T>()?;
        if let Some(bias) = io.inputs.get(2) {
            let bias = bias.slice::<T>()?;
            out.chunks_mut(hidden).for_each(|row| row.copy_from_slice(bias));
        }
        let beta = if self.no_bias { 0.0 } else { 1.0 };
        gemm(1.0, Mat::new(data, rows, cols), Mat::new(weight, hidden, cols).t(), beta, MatMut::new(out, rows, hidden));
        Ok(())
    }
}

impl Operator for FullyConnectedBackward {
    fn num_outputs(&self) -> usize {
        self.wanted().len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let shapes = [io.inputs[1].clone(), io.inputs[2].clone(), [self.num_hidden as usize].into()];
        self.wanted().into_iter().enumerate().try_for_each(|(o, i)| io.set_output(o, shapes[i].clone()))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.inputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let wanted = self.wanted();
        let head = |g: &mut Grad, of: usize| wanted.iter().position(|&w| w == of).and_then(|o| g.head_opt(o));
        let [by_data, by_weight, by_bias] = [0, 1, 2].map(|of| head(g, of));
        let (ograd, data, weight) = (g.input(0), g.input(1), g.input(2));
        let only = FullyConnectedBackward { for_data: false, for_weight: false, for_bias: false, ..self.clone() };
        if let Some(head) = by_weight.clone().filter(|_| g.needs(1)) {
            let op = FullyConnectedBackward { for_data: true, ..only.clone() };
            let gradient = g.apply(op, &[ograd.clone(), data.clone(), head]);
            g.set(1, gradient);
        }
        if let Some(head) = by_data.clone().filter(|_| g.needs(2)) {
            let op = FullyConnectedBackward { for_weight: true, ..only };
            let gradient = g.apply(op, &[ograd.clone(), head, weight.clone()]);
            g.set(2, gradient);
        }
        if !g.needs(0) {
            return Ok(());
        }
        let dense = FullyConnected { num_hidden: self.num_hidden, no_bias: true, flatten: self.flatten };
        let mut parts = Vec::new();
        if let Some(head) = by_data {
            parts.push(g.apply(dense.clone(), &[head, weight]));
        }
        if let Some(head) = by_weight {
            parts.push(g.apply(dense, &[data, head]));
        }
        if let Some(head) = by_bias {
            let zeros = g.apply(ZerosLike {}, &[ograd]);
            parts.push(g.apply(BroadcastAdd {}, &[zeros, head]));
        }
        set_sum(g, 0, parts);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        [true, self.for_weight, self.for_data][input]
    }

    fn joined_sum(&self, output: usize) -> Option<JoinedSum> {
        let only = self.wanted()[output];
        let op = FullyConnectedBackward { for_data: false, for_weight: only == 1, for_bias: only == 2, ..self.clone() };
        (only > 0).then(|| JoinedSum { op: Arc::new(op), joined: 2 })
    }

    fn without_outputs(&self, outputs: &[usize]) -> Option<OpRef> {
        let wanted = self.wanted();
        let keeps = |i: usize| wanted.iter().enumerate().any(|(o, &w)| w == i && !outputs.contains(&o));
        let (for_data, for_weight, for_bias) = (keeps(0), keeps(1), keeps(2));
        let any = for_data || for_weight || for_bias;
        any.then(|| Arc::new(FullyConnectedBackward { for_data, for_weight, for_bias, ..self.clone() }) as OpRef)
    }
}

impl FullyConnectedBackward {
    /// The inputs of the forward operator whose gradients are the outputs.
    fn wanted(&self) -> Vec<usize> {
        let flags = [self.for_data, self.for_weight, self.for_bias];
        (0..3).filter(|&i| flags[i]).collect()
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let Sizes { rows, cols, hidden } = Sizes::new(io.inputs[1].shape(), self.num_hidden, self.flatten);
        let ograd = io.inputs[0].slice::<T>()?;
        let heads = Mat::new(ograd, rows, hidden);
        let data = Mat::new(io.inputs[1].slice::<T>()?, rows, cols);
        let weight = Mat::new(io.inputs[2].slice::<T>()?, hidden, cols);
        for (o, i) in self.wanted().into_iter().enumerate() {
            let out = io.outputs[o].slice_mut::<T>()?;
            match i {
                0 => gemm(1.0, heads, weight, 0.0, MatMut::new(out, rows, cols)),
                1 => gemm(1.0, heads.t(), data, 0.0, MatMut::new(out, hidden, cols)),
                _ => column_sums(ograd, hidden, out),
            }
        }
        Ok(())
    }
}

/// Sums a (rows, cols) matrix over its rows, in double precision.
fn column_sums<T: Float>(source: &[T], cols: usize, out: &mut [T]) {
    for_row_chunks(out, 1, source.len() / cols.max(1), |first, out| {
        let mut sums = vec![0f64; out.len()];
        for row in source.chunks_exact(cols) {
            sums.iter_mut().zip(&row[first..]).for_each(|(s, v)| *s += v.to_f64());
        }
        out.iter_mut().zip(sums).for_each(|(o, s)| *o = T::from_f64(s));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn multiplies_by_the_transposed_weight_and_adds_the_bias() {
        let op = FullyConnected { num_hidden: 2, no_bias: false, flatten: true };
        let data = Tensor::from_slice([2, 3], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let weight = Tensor::from_slice([2, 3], &[1f32, 0.0, -1.0, 0.5, 0.5, 0.5]).unwrap();
        let bias = Tensor::from_slice([2], &[10f32, 20.0]).unwrap();
        let out = run(&op, &[data, weight, bias]);
        assert_eq!(out[0].to_f64_vec(), [8.0, 23.0, 8.0, 27.5]);
    }

    #[test]
    fn a_partial_batch_still_tells_the_weight() {
        let op = FullyConnected { num_hidden: 4, no_bias: true, flatten: true };
        let mut inputs = [PartialShape::from_legacy(&[0, 3]), PartialShape::unknown()];
        let mut outputs = [PartialShape::unknown()];
        op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap();
        assert_eq!(inputs[1], PartialShape::from([4, 3]));
        assert_eq!(outputs[0], PartialShape::from_legacy(&[0, 4]));
    }

    #[test]
    fn gradient_agrees_with_differences() {
        for flatten in [true, false] {
            let op = FullyConnected { num_hidden: 3, no_bias: false, flatten };
            let weight = if flatten { Shape::from([3, 10]) } else { Shape::from([3, 5]) };
            check_gradient(&op, &[[4, 2, 5].into(), weight, [3].into()], DType::Float64);
        }
    }
}
