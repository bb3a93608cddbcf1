//! Checks that a program is sound: what passes may rely on, and must leave behind.

use crate::placement::is_copy;
use crate::{ExecError, ExecResult, Program};
use rsym_graph::{FlatNode, ShapeIo, TypeIo};
use rsym_tensor::{DType, PartialShape};
use std::sync::OnceLock;

/// Whether `RSYM_VERIFY` asks for the check outside of debug builds.
pub(super) fn wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| std::env::var("RSYM_VERIFY").is_ok_and(|v| !v.is_empty() && v != "0"))
}

/// An error that names the pass `after` and the node if `program` is not sound.
pub(super) fn verify(program: &Program, after: &str) -> ExecResult {
    let graph = &program.graph;
    let fail = |what: String| Err(ExecError::State(format!("the pass '{after}' left an unsound program: {what}")));
    if program.shapes.len() != graph.num_entries || program.types.len() != graph.num_entries {
        return fail(format!("{} entries, {} shapes", graph.num_entries, program.shapes.len()));
    }
    if program.lanes.len() != if program.devices.is_empty() { 0 } else { graph.nodes.len() } {
        return fail(format!("{} nodes, {} of them with a device", graph.nodes.len(), program.lanes.len()));
    }
    let producers = graph.producers();
    let mut defined = vec![false; graph.num_entries];
    for (i, node) in graph.nodes.iter().enumerate() {
        let name = node.node.name();
        if let Some(k) = node.inputs.iter().position(|&e| !defined.get(e).copied().unwrap_or(false)) {
            return fail(format!("node {i} '{name}' uses input {k} before it is computed"));
        }
        if let Some(k) = (0..node.inputs.len()).find(|&k| crosses(program, &producers, i, k)) {
            return fail(format!("node {i} '{name}' reads input {k} on another device"));
        }
        for e in node.first..node.first + node.outputs {
            if defined.get(e).copied().unwrap_or(true) {
                return fail(format!("node {i} '{name}' has an output that another node has, or none has"));
            }
            defined[e] = true;
        }
        if let Err(error) = facts(program, node) {
            return fail(format!("node {i} '{name}': {error}"));
        }
    }
    let used = graph.heads.iter().chain(&program.outputs).chain(program.gradients.iter().flatten());
    if used.chain(program.constants.iter().map(|(e, _)| e)).any(|&e| !defined.get(e).copied().unwrap_or(false)) {
        return fail("an output, gradient or constant is computed by no node".into());
    }
    if program.outputs.iter().any(|&e| e >= graph.nodes.get(program.forward_nodes).map_or(usize::MAX, |n| n.first)) {
        return fail("an output is computed in the backward pass".into());
    }
    Ok(())
}

/// Whether node `i`, which is no copy, reads as input `k` what another device computes.
fn crosses(program: &Program, producers: &[usize], i: usize, k: usize) -> bool {
    let nodes = &program.graph.nodes;
    let Some(op) = nodes[i].op.as_ref().filter(|_| program.devices.len() > 1) else { return false };
    let from = producers[nodes[i].inputs[k]];
    let reads = op.reads(k) && !op.aux().contains(&k) && !is_copy(op);
    reads && nodes[from].op.is_some() && program.lane(from) != program.lane(i)
}

/// The operator must agree with the shapes and types around it.
fn facts(program: &Program, node: &FlatNode) -> Result<(), String> {
    let Some(op) = &node.op else { return Ok(()) };
    let outputs = || node.first..node.first + node.outputs;
    let mut shapes: (Vec<PartialShape>, Vec<PartialShape>) = (
        node.inputs.iter().map(|&e| (&program.shapes[e]).into()).collect(),
        outputs().map(|e| (&program.shapes[e]).into()).collect(),
    );
    op.infer_shape(&mut ShapeIo { inputs: &mut shapes.0, outputs: &mut shapes.1 }).map_err(|e| e.to_string())?;
    let mut types: (Vec<Option<DType>>, Vec<Option<DType>>) = (
        node.inputs.iter().map(|&e| Some(program.types[e])).collect(),
        outputs().map(|e| Some(program.types[e])).collect(),
    );
    op.infer_type(&mut TypeIo { inputs: &mut types.0, outputs: &mut types.1 }).map_err(|e| e.to_string())
}
