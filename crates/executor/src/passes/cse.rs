//! Computes equal subexpressions once: nodes of the same operator and parameters on the same inputs.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::FlatNode;
use rustc_hash::FxHasher;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let Some(earlier) = repeated(&program) else { return Ok(program) };
    let firsts: Vec<usize> = program.graph.nodes.iter().map(|n| n.first).collect();
    let mut rewrite = Rewrite::new(program);
    for earlier in earlier {
        let node = rewrite.take();
        match earlier {
            Some(k) => (0..node.outputs).for_each(|o| rewrite.alias(node.first + o, rewrite.entry(firsts[k] + o))),
            None => {
                rewrite.keep(node);
            }
        }
    }
    Ok(rewrite.finish())
}

/// For each node the earlier one that computes the same; `None` if there is none at all.
fn repeated(program: &Program) -> Option<Vec<Option<usize>>> {
    let (graph, heads) = (&program.graph, is_head(program));
    if !may_repeat(program) {
        return None;
    }
    let mut earlier: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    // The entry that stands for each entry; parameters are only compared where operator name and inputs agree.
    let mut stands: Vec<usize> = (0..graph.num_entries).collect();
    let mut seen: HashMap<u64, SmallVec<[usize; 1]>, BuildHasherDefault<FxHasher>> =
        HashMap::with_capacity_and_hasher(graph.nodes.len(), BuildHasherDefault::default());
    let mut found = false;
    for (i, node) in graph.nodes.iter().enumerate().filter(|(_, n)| pure(n)) {
        let same = seen.entry(hash(node, &stands)).or_default();
        let first =
            same.iter().copied().find(|&k| program.lane(k) == program.lane(i) && equal(&graph.nodes[k], node, &stands));
        match first.filter(|_| (node.first..node.first + node.outputs).all(|e| !heads[e])) {
            Some(k) => {
                (0..node.outputs).for_each(|o| stands[node.first + o] = stands[graph.nodes[k].first + o]);
                (earlier[i], found) = (Some(k), true);
            }
            None => same.push(i),
        }
    }
    found.then_some(earlier)
}

/// Whether some value has several uses, or there are several nodes without inputs: where equal subexpressions begin.
fn may_repeat(program: &Program) -> bool {
    let (mut used, mut sources) = (vec![false; program.graph.num_entries], 0);
    program.graph.nodes.iter().filter(|n| n.op.is_some()).any(|node| {
        sources += usize::from(node.inputs.is_empty());
        sources > 1 || node.inputs.iter().any(|&e| std::mem::replace(&mut used[e], true))
    })
}

/// Whether the node computes the same for the same inputs, and nothing else.
fn pure(node: &FlatNode) -> bool {
    node.op.as_ref().is_some_and(|op| {
        !op.is_random() && op.aux().is_empty() && op.subgraphs().is_empty() && !op.has_effects() && !op.is_opaque()
    })
}

fn hash(node: &FlatNode, stands: &[usize]) -> u64 {
    let mut hasher = FxHasher::default();
    node.op.as_ref().map(|op| op.name()).hash(&mut hasher);
    node.inputs.iter().for_each(|&e| stands[e].hash(&mut hasher));
    hasher.finish()
}

fn equal(a: &FlatNode, b: &FlatNode, stands: &[usize]) -> bool {
    let (Some(x), Some(y)) = (&a.op, &b.op) else { return false };
    let inputs = |n: &FlatNode| n.inputs.iter().map(|&e| stands[e]).collect::<SmallVec<[usize; 8]>>();
    inputs(a) == inputs(b) && x.name() == y.name() && x.param_texts().0 == y.param_texts().0
}
