//! What several operator files need: axes, unsupported types.

use rsym_graph::{OpError, OpResult};
use rsym_tensor::DType;

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

#[cfg(test)]
pub(crate) mod tests {
    //! A tiny interpreter for operator tests: infers, allocates and runs one operator or a gradient graph.

    use rsym_graph::*;
    use rsym_tensor::{DType, PartialShape, Shape, Tensor};
    use std::collections::HashMap;
    use std::sync::Arc;

    /// Runs one operator in training mode and returns all of its outputs.
    pub(crate) fn run(op: &dyn Operator, inputs: &[Tensor]) -> Vec<Tensor> {
        run_with(op, inputs, &Ctx { is_train: true, seed: 7, stream: 1 }).unwrap()
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

    /// As `check_gradient`, at the given inputs, in double precision.
    pub(crate) fn check_gradient_at(op: &(impl Operator + Clone), inputs: &[Tensor]) {
        let ctx = Ctx { is_train: true, seed: 7, stream: 1 };
        let op: OpRef = Arc::new(op.clone());
        let variables: Vec<Arc<Node>> =
            (0..inputs.len()).map(|i| Node::variable(&format!("x{i}"), Default::default())).collect();
        let entries = variables.iter().map(|v| Entry::new(v, 0)).collect();
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
