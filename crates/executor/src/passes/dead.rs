//! Leaves out nodes that nothing depends on any more.

use super::Mode;
use super::rewrite::Rewrite;
use crate::{ExecResult, Program};

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let live = live(&program);
    if live.iter().all(|&x| x) {
        return Ok(program);
    }
    let mut rewrite = Rewrite::new(program);
    for is_live in live {
        let node = rewrite.take();
        if is_live {
            rewrite.keep(node);
        }
    }
    Ok(rewrite.finish())
}

/// Whether each node is a variable, an output, has an effect, or is used by a node that lives.
fn live(program: &Program) -> Vec<bool> {
    let graph = &program.graph;
    let mut wanted = super::rewrite::is_head(program);
    let mut fixed = vec![false; graph.nodes.len()];
    graph.arguments.iter().chain(&graph.aux).chain(program.head_grads.iter().flatten()).for_each(|&i| fixed[i] = true);
    let mut live = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        let effects = node.op.as_ref().is_some_and(|op| op.has_effects());
        live[i] = fixed[i] || effects || (node.first..node.first + node.outputs).any(|e| wanted[e]);
        if live[i] {
            node.inputs.iter().for_each(|&e| wanted[e] = true);
        }
    }
    live
}
