//! Joins operators with those that follow them, where an operator offers it: a convolution takes over the batch
//! normalisation, the addition and the activation behind it.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::{Fact, FlatNode, OpRef, Site};

pub(super) fn run(program: Program, mode: Mode) -> ExecResult<Program> {
    let absorbs = program.graph.nodes.iter().any(|n| n.op.as_ref().is_some_and(|op| op.absorbs()));
    if mode == Mode::Training || !absorbs {
        return Ok(program);
    }
    let mut uses = uses(&program);
    let mut rewrite = Rewrite::new(program);
    // How often each new entry is still used, heads counting as uses.
    let mut left: Vec<usize> = Vec::new();
    for _ in 0..rewrite.len() {
        let node = rewrite.take();
        let (old, outputs) = (node.first, node.outputs);
        let count: Vec<usize> = (old..old + outputs).map(|e| std::mem::take(&mut uses[e])).collect();
        let first = match joined(&rewrite, &node, &left, &count) {
            Some((host, at, op)) => {
                let (mut inputs, rest) = rewrite.unplug(host, &node, at);
                inputs.extend(rest);
                let first = rewrite.push(node.node.clone(), op, inputs, vec![rewrite.fact(old)]);
                rewrite.alias(old, first);
                first
            }
            None => rewrite.keep(node),
        };
        left.resize(first, 0);
        left.extend(count);
    }
    Ok(rewrite.finish())
}

/// How often every entry is used by nodes and as a head.
fn uses(program: &Program) -> Vec<usize> {
    let mut out: Vec<usize> = is_head(program).into_iter().map(usize::from).collect();
    program.graph.nodes.iter().flat_map(|n| &n.inputs).for_each(|&e| out[e] += 1);
    out
}

/// The latest node whose output `node` alone uses and that takes `node` over: its number, the input, and what it becomes.
fn joined(rewrite: &Rewrite, node: &FlatNode, left: &[usize], count: &[usize]) -> Option<(usize, usize, OpRef)> {
    let op = node.op.as_ref().filter(|op| !op.is_random())?;
    if count.iter().skip(1).any(|&uses| uses > 0) {
        return None;
    }
    let facts = |entries: &mut dyn Iterator<Item = usize>| -> Vec<Fact> {
        entries.map(|e| (rewrite.new.shapes[e].clone(), rewrite.new.types[e])).collect()
    };
    let there = facts(&mut node.inputs.iter().copied());
    let outputs: Vec<Fact> = (node.first..node.first + node.outputs).map(|e| rewrite.fact(e)).collect();
    let next = Site { op: op.as_ref(), inputs: &there, outputs: &outputs, is_train: false };
    let mut hosts: Vec<(usize, usize)> = node
        .inputs
        .iter()
        .enumerate()
        .filter(|(_, e)| left[**e] == 1)
        .map(|(at, &e)| (rewrite.producer(e), at))
        .collect();
    hosts.sort_unstable_by(|a, b| b.cmp(a));
    hosts.into_iter().find_map(|(host, at)| {
        let host_node = &rewrite.new.graph.nodes[host];
        let own = host_node.op.as_ref().filter(|_| host_node.first == node.inputs[at])?;
        if (host_node.first + 1..host_node.first + host_node.outputs).any(|e| left[e] > 0) {
            return None;
        }
        let inputs = facts(&mut host_node.inputs.iter().copied());
        let outputs = facts(&mut (host_node.first..host_node.first + host_node.outputs));
        own.absorb(&Site { op: own.as_ref(), inputs: &inputs, outputs: &outputs, is_train: false }, &next, at)
            .map(|op| (host, at, op))
    })
}
