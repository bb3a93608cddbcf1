//! The search for what to compute again.

use super::candidates;
use super::rewriter::rewritten;
use crate::{ExecError, ExecResult, Program};
use rsym_graph::FlatNode;

/// How much longer a costly operator takes for each byte than a cheap one: a rough figure for comparing choices.
const COSTLY: usize = 32;
/// Choices that are made smaller, the cheapest first, and how finely.
const REFINED: usize = 4;
const HALVINGS: usize = 6;

/// A choice of nodes to compute again.
struct Choice {
    again: Vec<bool>,
    /// What computing them takes, in bytes that cheap operators touch.
    cost: usize,
    /// Bytes of the arena.
    planned: usize,
}

/// The search for a choice that fits.
pub(super) struct Search<'a> {
    program: &'a Program,
    /// Nodes that are computed again in any case.
    asked: &'a [bool],
    able: Vec<bool>,
    planned: &'a dyn Fn(&Program) -> usize,
    /// The forward node after which no forward node reads an entry.
    last: Vec<usize>,
    /// Bytes that the nodes up to here make, were they computed again.
    made: Vec<usize>,
    /// Bytes of the values that pass from the nodes up to here to those behind.
    cut: Vec<usize>,
}

impl<'a> Search<'a> {
    pub fn new(program: &'a Program, asked: &'a [bool], planned: &'a dyn Fn(&Program) -> usize) -> Search<'a> {
        let able = candidates(program);
        let nodes = &program.graph.nodes[..program.forward_nodes];
        let mut last = program.graph.producers();
        for (i, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&e| last[e] = i);
        }
        let bytes = |i: usize| outputs(&nodes[i]).map(|e| program.bytes(e)).sum::<usize>();
        let mut made = vec![0; nodes.len()];
        let mut ends = vec![0; nodes.len() + 1];
        let (mut sum, mut live) = (0, 0);
        let mut cut = vec![0; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            if able[i] {
                sum += bytes(i);
                for e in outputs(node).filter(|&e| last[e] > i) {
                    live += program.bytes(e);
                    ends[last[e]] += program.bytes(e);
                }
            }
            live -= ends[i];
            (made[i], cut[i]) = (sum, live);
        }
        Search { program, asked, able, planned, last, made, cut }
    }

    /// The program of the cheapest choice found whose plan has at most `budget` bytes; an error that states the least
    /// bytes, of which `known` can be had.
    pub fn fit(&self, budget: usize, known: usize) -> ExecResult<(Program, Vec<usize>)> {
        let mut choices = self.choices();
        let least = choices.iter().map(|c| c.planned).min().unwrap_or(known).min(known);
        choices.retain(|c| c.planned <= budget);
        choices.sort_by_key(|c| (c.cost, c.planned));
        choices.truncate(REFINED);
        let smaller: Vec<Choice> = choices.iter().filter_map(|c| self.shortened(c, budget)).collect();
        let best = choices.into_iter().chain(smaller).min_by_key(|c| (c.cost, c.planned));
        best.map(|c| rewritten(self.program, &c.again)).ok_or_else(|| {
            ExecError::State(format!(
                "memory_budget: the intermediate values need at least {least} bytes, even where the backward pass \
                 computes them again; the budget is {budget} bytes"
            ))
        })
    }

    /// Choices with ever more nodes that are kept.
    fn choices(&self) -> Vec<Choice> {
        let total = self.made.last().copied().unwrap_or(0);
        let mut out = Vec::new();
        for cheap in [true, false] {
            let mut segments = 1;
            while segments <= 2 * self.able.len() && total / segments > 0 {
                out.push(self.choice(self.segmented(total / segments, cheap)));
                segments = segments * 3 / 2 + 1;
            }
        }
        out
    }

    /// All nodes but those whose values pass from one segment, of about `bytes`, to the next.
    fn segmented(&self, bytes: usize, cheap: bool) -> Vec<bool> {
        let nodes = &self.program.graph.nodes[..self.program.forward_nodes];
        let costly = |i: usize| nodes[i].op.as_ref().is_some_and(|op| op.is_costly());
        let mut again: Vec<bool> = (0..nodes.len()).map(|i| self.able[i] && !(cheap && costly(i))).collect();
        let (mut start, mut best) = (0, None::<usize>);
        let mut checkpoints = Vec::new();
        for i in 0..nodes.len() {
            let filled = self.made[i] - start;
            if filled * 2 >= bytes && best.is_none_or(|b| self.cut[i] <= self.cut[b]) {
                best = Some(i);
            }
            if let Some(b) = best.filter(|_| filled >= bytes) {
                checkpoints.push(b);
                (start, best) = (self.made[b], None);
            }
        }
        for (i, node) in nodes.iter().enumerate() {
            let at = checkpoints.partition_point(|&c| c < i);
            let passes = |&c: &usize| outputs(node).any(|e| self.last[e] > c);
            again[i] &= !checkpoints.get(at).is_some_and(passes);
        }
        again
    }

    fn choice(&self, mut again: Vec<bool>) -> Choice {
        again.iter_mut().zip(self.asked).for_each(|(a, &asked)| *a |= asked);
        let (program, copies) = rewritten(self.program, &again);
        let cost = copies.iter().map(|&i| cost(&program, i)).sum();
        Choice { cost, planned: (self.planned)(&program), again }
    }

    /// `choice` for the first forward nodes alone, as few as fit: the last ones are needed first.
    fn shortened(&self, choice: &Choice, budget: usize) -> Option<Choice> {
        let (mut low, mut high) = (0usize, self.able.len());
        let mut best = None;
        for _ in 0..HALVINGS {
            let middle = low.midpoint(high);
            let part = choice.again.iter().enumerate().map(|(i, &a)| a && i < middle).collect();
            let found = self.choice(part);
            if found.planned <= budget {
                (high, best) = (middle, Some(found));
            } else {
                low = middle;
            }
        }
        best
    }
}

fn outputs(node: &FlatNode) -> std::ops::Range<usize> {
    node.first..node.first + node.outputs
}

fn cost(program: &Program, i: usize) -> usize {
    let node = &program.graph.nodes[i];
    let bytes: usize = node.inputs.iter().copied().chain(outputs(node)).map(|e| program.bytes(e)).sum();
    bytes * if node.op.as_ref().is_some_and(|op| op.is_costly()) { COSTLY } else { 1 }
}
