//! Computes once, when binding, what depends on no argument: zeros, ranges, and what is made of them.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::{Ctx, FlatNode, Io};
use rsym_tensor::Tensor;

/// Larger constants are cheaper to compute again than to keep.
const LARGEST: usize = 1 << 20;

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let heads = is_head(&program);
    if !program.graph.nodes.iter().any(|n| n.op.as_ref().is_some_and(|op| op.num_inputs() == 0)) {
        return Ok(program);
    }
    let mut rewrite = Rewrite::new(program);
    let mut known: Vec<Option<Tensor>> = Vec::new();
    for _ in 0..rewrite.len() {
        let mut node = rewrite.take();
        let (old, outputs) = (node.first, node.outputs);
        let values = if (old..old + outputs).any(|e| heads[e]) { None } else { value(&node, &rewrite, old, &known) };
        if values.is_some() {
            (node.op, node.inputs) = (None, Default::default());
        }
        let first = rewrite.keep(node);
        known.resize(first + outputs, None);
        for (k, tensor) in values.into_iter().flatten().enumerate() {
            rewrite.new.constants.push((first + k, tensor.clone()));
            known[first + k] = Some(tensor);
        }
    }
    Ok(rewrite.finish())
}

/// The outputs of a node whose inputs are constants; `None` if they are not, or it cannot be computed now.
fn value(node: &FlatNode, rewrite: &Rewrite, old: usize, known: &[Option<Tensor>]) -> Option<Vec<Tensor>> {
    let op = node.op.as_ref()?;
    if !op.subgraphs().is_empty()
        || op.is_random()
        || op.has_effects()
        || op.is_opaque()
        || !op.aux().is_empty()
        || op.depends_on_mode()
    {
        return None;
    }
    let inputs: Vec<Tensor> = node.inputs.iter().map(|&e| known.get(e)?.clone()).collect::<Option<_>>()?;
    let facts: Vec<_> = (old..old + node.outputs).map(|e| rewrite.fact(e)).collect();
    if facts.iter().map(|(shape, dtype)| shape.size() * dtype.size()).sum::<usize>() > LARGEST {
        return None;
    }
    let mut outputs =
        facts.into_iter().map(|(shape, dtype)| Tensor::zeros(shape, dtype)).collect::<Result<Vec<_>, _>>().ok()?;
    op.forward(&mut Io { inputs: &inputs, outputs: &mut outputs }, &Ctx::default()).ok()?;
    Some(outputs)
}
