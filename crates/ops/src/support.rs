//! What several operator files need: axes, unsupported types.

use rsym_graph::{Io, OpError, OpResult};
use rsym_kernels::elementwise::Operand;
use rsym_tensor::{DType, Element};

/// Axis `axis` of a tensor of `rank` dimensions, counted from the end if negative.
#[allow(dead_code)]
pub(crate) fn axis_of(axis: i64, rank: usize) -> OpResult<usize> {
    let shifted = if axis < 0 { axis + rank as i64 } else { axis };
    if (0..rank as i64).contains(&shifted) {
        return Ok(shifted as usize);
    }
    Err(OpError::invalid(format!("axis {axis} is out of range for {rank} dimensions")))
}

/// The refusal of a data type that the operator does not compute with.
pub(crate) fn unsupported<T>(dtype: DType, supported: &str) -> OpResult<T> {
    Err(OpError::invalid(format!("type {dtype} is not supported; expected {supported}: insert a Cast")))
}

/// Input `i` as an operand of output `o`: the output itself where both have the same memory.
pub(crate) fn operand<'a, T: Element>(io: &Io<'a>, i: usize, o: usize) -> OpResult<Operand<'a, T>> {
    if io.is_inplace(i, o) { Ok(Operand::Out) } else { Ok(Operand::Slice(io.inputs[i].slice()?)) }
}

#[cfg(test)]
pub(crate) mod tests {
    //! A tiny interpreter for operator tests: infers, allocates and runs one operator or a gradient graph.

    use rsym_graph::*;
    use rsym_tensor::{DType, PartialShape, Shape, Tensor};
    use std::collections::HashMap;
    use std::sync::Arc;

    /// Runs one operator in training mode and returns all of its outputs.
    pub(crate) fn run(op: &dyn Operator, inputs: &[Tensor]) -> Vec<Tensor> {
        run_with(op, inputs, &Ctx { is_train: true, seed: 7, stream: 1, cache: None }).unwrap()
    }

    /// Runs one operator.
    pub(crate) fn run_with(op: &dyn Operator, inputs: &[Tensor], ctx: &Ctx) -> OpResult<Vec<Tensor>> {
        let mut shapes: Vec<PartialShape> = inputs.iter().map(|t| t.shape().into()).collect();
        let mut out_shapes = vec![PartialShape::unknown(); op.num_outputs()];
        op.infer_shape(&mut ShapeIo { inputs: &mut shapes, outputs: &mut out_shapes })?;
        let mut types: Vec<Option<DType>> = inputs.iter().map(|t| Some(t.dtype())).collect();
        let mut out_types = vec![None; op.num_outputs()];
        op.infer_type(&mut TypeIo { inputs: &mut types, outputs: &mut out_types })?;
        let mut outputs = out_shapes
            .iter()
            .zip(&out_types)
            .map(|(s, t)| Tensor::full(s.complete().expect("shape known"), t.expect("type known"), 77.0))
            .collect::<Result<Vec<_>, _>>()?;
        op.forward(&mut Io { inputs, outputs: &mut outputs }, ctx)?;
        Ok(outputs)
    }

    /// Runs a graph with the given values of its variables.
    pub(crate) fn eval(entries: &[Entry], values: &HashMap<String, Tensor>, ctx: &Ctx) -> Vec<Tensor> {
        let mut done: HashMap<*const Node, Vec<Tensor>> = HashMap::new();
        for node in post_order(entries) {
            let outputs = match node.op() {
                None => vec![values[&*node.name()].clone()],
                Some(op) => {
                    let inputs: Vec<Tensor> =
                        node.inputs().iter().map(|e| done[&Arc::as_ptr(&e.node)][e.index as usize].clone()).collect();
                    run_with(op.as_ref(), &inputs, ctx).unwrap()
                }
            };
            done.insert(Arc::as_ptr(&node), outputs);
        }
        entries.iter().map(|e| done[&Arc::as_ptr(&e.node)][e.index as usize].clone()).collect()
    }

    /// Values between -1 and 1 that look random and are the same in every run.
    pub(crate) fn sample(shape: &Shape, dtype: DType, seed: u64) -> Tensor {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let values: Vec<f64> = (0..shape.size())
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
            })
            .collect();
        Tensor::from_slice(shape.clone(), &values).unwrap().cast(dtype).unwrap()
    }

    /// Compares the gradient of `sum(weights * op(inputs))` with central differences, for every input that is no
    /// auxiliary state. Inputs are random in [-1, 1].
    pub(crate) fn check_gradient(op: &(impl Operator + Clone), shapes: &[Shape], dtype: DType) {
        let inputs: Vec<Tensor> = shapes.iter().enumerate().map(|(i, s)| sample(s, dtype, i as u64 + 1)).collect();
        check_gradient_at(op, &inputs);
    }

    /// The gradients of all inputs, given those of the visible outputs; `None` is a gradient of zero.
    pub(crate) fn backward(
        op: &(impl Operator + Clone),
        inputs: &[Tensor],
        heads: &[Option<Tensor>],
    ) -> Vec<Option<Tensor>> {
        let ctx = Ctx { is_train: true, seed: 7, stream: 1, cache: None };
        let variable = |name: String| Node::variable(&name, Default::default());
        let variables: Vec<Arc<Node>> = (0..inputs.len()).map(|i| variable(format!("x{i}"))).collect();
        let entries = variables.iter().map(|v| Entry::new(v, 0)).collect::<Vec<_>>();
        let node = Node::operator("op", Arc::new(op.clone()), op.param_texts(), Default::default(), entries);
        let mut values: HashMap<String, Tensor> =
            inputs.iter().enumerate().map(|(i, t)| (format!("x{i}"), t.clone())).collect();
        let mut head_grads = Vec::new();
        for (k, head) in heads.iter().enumerate() {
            head_grads.push(head.as_ref().map(|h| {
                values.insert(format!("w{k}"), h.clone());
                Entry::new(&variable(format!("w{k}")), 0)
            }));
        }
        let outputs: Vec<Entry> = (0..heads.len()).map(|k| Entry::new(&node, k)).collect();
        let found = gradients(crate::registry(), &outputs, &head_grads, &variables).unwrap();
        let set: Vec<Entry> = found.iter().flatten().cloned().collect();
        let mut results = eval(&set, &values, &ctx).into_iter();
        found.iter().map(|entry| entry.as_ref().and_then(|_| results.next())).collect()
    }

    /// What inference makes of the given input shapes in MXNet's spelling: completed inputs, then outputs.
    pub(crate) fn infer(op: &dyn Operator, inputs: &[&[i64]], outputs: &[&[i64]]) -> OpResult<Vec<Vec<i64>>> {
        let mut ins: Vec<PartialShape> = inputs.iter().map(|s| PartialShape::from_legacy(s)).collect();
        let mut outs: Vec<PartialShape> = outputs.iter().map(|s| PartialShape::from_legacy(s)).collect();
        outs.resize(op.num_outputs(), PartialShape::unknown());
        for _ in 0..2 {
            op.infer_shape(&mut ShapeIo { inputs: &mut ins, outputs: &mut outs })?;
        }
        Ok(ins.iter().chain(&outs).map(PartialShape::to_legacy).collect())
    }

    /// A single precision tensor.
    pub(crate) fn t32(shape: impl Into<Shape>, values: &[f32]) -> Tensor {
        Tensor::from_slice(shape, values).unwrap()
    }

    /// Asserts |got - want| <= 1e-5 (1 + |want|) everywhere.
    pub(crate) fn assert_close(got: &Tensor, want: &[f64]) {
        let got = got.to_f64_vec();
        assert_eq!(got.len(), want.len());
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() <= 1e-5 * (1.0 + w.abs()), "got {got:?}, want {want:?}");
        }
    }

    /// As `check_gradient`, at the given inputs, in double precision.
    pub(crate) fn check_gradient_at(op: &(impl Operator + Clone), inputs: &[Tensor]) {
        let ctx = Ctx { is_train: true, seed: 7, stream: 1, cache: None };
        let op: OpRef = Arc::new(op.clone());
        let variables: Vec<Arc<Node>> =
            (0..inputs.len()).map(|i| Node::variable(&format!("x{i}"), Default::default())).collect();
        let entries = variables.iter().map(|v| Entry::new(v, 0)).collect::<Vec<_>>();
        let node = Node::operator("op", op.clone(), op.param_texts(), Default::default(), entries);
        let mut values: HashMap<String, Tensor> =
            inputs.iter().enumerate().map(|(i, t)| (format!("x{i}"), t.clone())).collect();
        let outputs = run_with(op.as_ref(), inputs, &ctx).unwrap();
        let (mut heads, mut head_grads) = (Vec::new(), Vec::new());
        for (k, out) in outputs.iter().enumerate().take(op.num_visible()) {
            let weight = Node::variable(&format!("w{k}"), Default::default());
            values.insert(format!("w{k}"), sample(out.shape(), out.dtype(), 99 + k as u64));
            heads.push(Entry::new(&node, k));
            head_grads.push(Some(Entry::new(&weight, 0)));
        }
        let found = gradients(crate::registry(), &heads, &head_grads, &variables).unwrap();
        let objective = |values: &HashMap<String, Tensor>| -> f64 {
            let outs = eval(&heads, values, &ctx);
            let dot = |(k, out): (usize, &Tensor)| -> f64 {
                out.to_f64_vec().iter().zip(values[&format!("w{k}")].to_f64_vec()).map(|(a, b)| a * b).sum()
            };
            outs.iter().enumerate().map(dot).sum()
        };
        for (i, input) in inputs.iter().enumerate() {
            if op.aux().contains(&i) || !input.dtype().is_float() {
                continue;
            }
            let analytic = match &found[i] {
                Some(entry) => eval(std::slice::from_ref(entry), &values, &ctx).remove(0).to_f64_vec(),
                None => vec![0.0; input.size()],
            };
            let base = input.to_f64_vec();
            for k in 0..base.len() {
                let eps = 1e-5;
                let mut at = |delta: f64| {
                    let mut moved = base.clone();
                    moved[k] += delta;
                    let moved = Tensor::from_slice(input.shape().clone(), &moved).unwrap().cast(input.dtype()).unwrap();
                    values.insert(format!("x{i}"), moved);
                    objective(&values)
                };
                let numeric = (at(eps) - at(-eps)) / (2.0 * eps);
                let error = (numeric - analytic[k]).abs();
                assert!(
                    error <= 1e-4 * (1.0 + numeric.abs()),
                    "input {i}[{k}]: graph {}, differences {numeric}",
                    analytic[k]
                );
            }
            values.insert(format!("x{i}"), input.clone());
        }
    }
}
