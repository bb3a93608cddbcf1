//! Values of the forward pass that the backward pass computes again instead of having them kept (Chen et al., Training
//! Deep Nets with Sublinear Memory Cost, 2016).
//!
//! The backward pass gets copies of forward nodes, placed before their first use, on inputs that are copies themselves or
//! kept. A copy is the same operator on the same values, so that gradients keep their bits. This runs after all passes,
//! which would join copies and originals.

mod rewriter;
mod search;

use crate::passes::{check, is_head};
use crate::{ExecResult, MemoryPlan, Program};
use rewriter::rewritten;
use rsym_graph::FlatNode;
use search::Search;

/// The environment variable that asks for copies of all cheap operators, if it is 1.
const VARIABLE: &str = "MXNET_BACKWARD_DO_MIRROR";
/// The attribute of nodes that are to be computed again.
const ATTRIBUTE: &str = "__force_mirroring__";

/// What is computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recomputed {
    /// Numbers of the nodes that are copies.
    pub copies: Vec<usize>,
    /// Bytes of the arena if everything were kept.
    pub planned_without: usize,
}

/// Rewrites `program` as its attributes and `budget`, the most bytes of the arena, ask for. `external` says which values
/// of a program have their place outside of the arena.
pub(crate) fn run(
    program: Program,
    external: impl Fn(&Program) -> Vec<bool>,
    budget: Option<usize>,
) -> ExecResult<(Program, Option<Recomputed>)> {
    if budget.is_none() && program.forward_nodes >= program.graph.nodes.len() {
        return Ok((program, None));
    }
    let asked = mirrored(&program);
    let nothing = !asked.contains(&true);
    if nothing && budget.is_none() {
        return Ok((program, None));
    }
    let planned = |program: &Program| MemoryPlan::new(program, &external(program), &[]).arena_bytes;
    let fits = |bytes: usize| budget.is_none_or(|most| bytes <= most);
    let kept = planned(&program);
    if nothing && fits(kept) {
        return Ok((program, None));
    }
    let mut found = rewritten(&program, &asked);
    let planned_with = planned(&found.0);
    if !fits(planned_with) {
        if fits(kept) {
            return Ok((program, None));
        }
        found = Search::new(&program, &asked, &planned).fit(budget.unwrap_or(0), planned_with.min(kept))?;
    }
    let (program, copies) = found;
    check(&program, "recompute")?;
    Ok((program, Some(Recomputed { copies, planned_without: kept })))
}

/// The forward nodes that can be copied: what they compute is the same each time, and is in no array of the caller.
fn candidates(program: &Program) -> Vec<bool> {
    let heads = is_head(program);
    let nodes = program.graph.nodes[..program.forward_nodes].iter();
    nodes
        .map(|n| {
            let repeatable = n.op.as_ref().is_some_and(|op| op.is_repeatable());
            repeatable && (n.first..n.first + n.outputs).all(|e| !heads[e])
        })
        .collect()
}

/// The forward nodes that attributes, or the environment, mark for being computed again.
fn mirrored(program: &Program) -> Vec<bool> {
    let cheap = std::env::var(VARIABLE).is_ok_and(|v| v == "1");
    if !cheap && !program.graph.nodes[..program.forward_nodes].iter().any(is_marked) {
        return vec![false; program.forward_nodes];
    }
    let able = candidates(program);
    let producers = program.graph.producers();
    let mut out = vec![false; able.len()];
    for (i, node) in program.graph.nodes[..program.forward_nodes].iter().enumerate() {
        let Some(op) = node.op.as_ref().filter(|_| able[i]) else { continue };
        // What the passes put between nodes goes with what it is made of.
        let between = op.def().hidden && node.inputs.len() == 1;
        out[i] = (cheap && !op.is_costly()) || is_marked(node) || (between && out[producers[node.inputs[0]]]);
    }
    out
}

fn is_marked(node: &FlatNode) -> bool {
    node.node.user_attr(ATTRIBUTE).is_some_and(|v| matches!(&*v, "True" | "true" | "1"))
}
