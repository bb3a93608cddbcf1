//! Leaves out nodes that nothing depends on any more, and what control flow keeps for gradients that nobody asks for.

use super::Mode;
use super::rewrite::Rewrite;
use crate::{ExecResult, Program};
use rsym_graph::{FlatNode, OpRef};

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let Live { nodes, entries } = Live::new(&program);
    let shorter: Vec<Option<OpRef>> = program.graph.nodes.iter().map(|n| without_unused(n, &entries)).collect();
    if nodes.iter().all(|&x| x) && shorter.iter().all(Option::is_none) {
        return Ok(program);
    }
    let mut rewrite = Rewrite::new(program);
    for (is_live, shorter) in nodes.into_iter().zip(shorter) {
        let node = rewrite.take();
        match shorter.filter(|_| is_live) {
            Some(op) => {
                let facts = (0..op.num_outputs()).map(|o| rewrite.fact(node.first + o)).collect::<Vec<_>>();
                let outputs = facts.len();
                let first = rewrite.push(node.node, op, node.inputs.to_vec(), facts);
                (0..outputs).for_each(|o| rewrite.alias(node.first + o, first + o));
            }
            None if is_live => {
                rewrite.keep(node);
            }
            None => {}
        }
    }
    Ok(rewrite.finish())
}

/// A node with graphs inside as an operator without its hidden outputs, if nobody uses any of them.
fn without_unused(node: &FlatNode, used: &[bool]) -> Option<OpRef> {
    let op = node.op.as_ref().filter(|op| !op.subgraphs().is_empty())?;
    let hidden: Vec<usize> = (op.num_visible()..node.outputs).collect();
    if hidden.is_empty() || hidden.iter().any(|o| used[node.first + o]) {
        return None;
    }
    op.without_outputs(&hidden)
}

/// What is needed.
struct Live {
    /// Whether each node is a variable, an output, has an effect, or is used by a node that lives.
    nodes: Vec<bool>,
    /// Whether each entry is an output or used by a node that lives.
    entries: Vec<bool>,
}

impl Live {
    fn new(program: &Program) -> Live {
        let graph = &program.graph;
        let mut wanted = super::rewrite::is_head(program);
        let mut fixed = vec![false; graph.nodes.len()];
        let variables = graph.arguments.iter().chain(&graph.aux).chain(program.head_grads.iter().flatten());
        variables.for_each(|&i| fixed[i] = true);
        let mut live = vec![false; graph.nodes.len()];
        for (i, node) in graph.nodes.iter().enumerate().rev() {
            let effects = node.op.as_ref().is_some_and(|op| op.has_effects());
            live[i] = fixed[i] || effects || (node.first..node.first + node.outputs).any(|e| wanted[e]);
            if live[i] {
                node.inputs.iter().for_each(|&e| wanted[e] = true);
            }
        }
        Live { nodes: live, entries: wanted }
    }
}
