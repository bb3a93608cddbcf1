//! Computes equal subexpressions once: nodes of the same operator and parameters on the same inputs.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::FlatNode;
use rustc_hash::FxHasher;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let heads = is_head(&program);
    let mut rewrite = Rewrite::new(program);
    // Nodes of the new program by the hash of operator name and inputs; parameters are only compared where these agree.
    let mut seen: HashMap<u64, Vec<usize>, BuildHasherDefault<FxHasher>> = HashMap::default();
    for _ in 0..rewrite.len() {
        let node = rewrite.take();
        if !pure(&node) {
            rewrite.keep(node);
            continue;
        }
        let same = seen.entry(hash(&node)).or_default();
        let earlier = same.iter().copied().find(|&k| equal(&rewrite.new.graph.nodes[k], &node));
        match earlier.filter(|_| (node.first..node.first + node.outputs).all(|e| !heads[e])) {
            Some(k) => {
                let first = rewrite.new.graph.nodes[k].first;
                (0..node.outputs).for_each(|o| rewrite.alias(node.first + o, first + o));
            }
            None => {
                same.push(rewrite.new.graph.nodes.len());
                rewrite.keep(node);
            }
        }
    }
    Ok(rewrite.finish())
}

/// Whether the node computes the same for the same inputs, and nothing else.
fn pure(node: &FlatNode) -> bool {
    node.op.as_ref().is_some_and(|op| {
        !op.is_random() && op.aux().is_empty() && op.subgraphs().is_empty() && !op.has_effects() && !op.is_opaque()
    })
}

fn hash(node: &FlatNode) -> u64 {
    let mut hasher = FxHasher::default();
    node.op.as_ref().map(|op| op.name()).hash(&mut hasher);
    node.inputs.hash(&mut hasher);
    hasher.finish()
}

fn equal(a: &FlatNode, b: &FlatNode) -> bool {
    let (Some(x), Some(y)) = (&a.op, &b.op) else { return false };
    a.inputs == b.inputs && x.name() == y.name() && x.param_texts().0 == y.param_texts().0
}
