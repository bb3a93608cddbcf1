//! Gives the backward pass its copies.

use crate::Program;
use rsym_graph::{FlatNode, OpRef};
use std::collections::HashSet;

/// The program in which the backward pass reads copies of the forward nodes marked in `again`; and the copies.
pub(super) fn rewritten(program: &Program, again: &[bool]) -> (Program, Vec<usize>) {
    let mut rewriter = Rewriter::new(program, again);
    (program.forward_nodes..program.graph.nodes.len()).for_each(|i| rewriter.backward_node(i));
    rewriter.finish()
}

struct Rewriter<'a> {
    old: &'a Program,
    new: Program,
    again: Vec<bool>,
    producers: Vec<usize>,
    /// New entries of old ones, and new nodes.
    entries: Vec<usize>,
    nodes: Vec<usize>,
    /// First output of the copy of each forward node.
    first: Vec<Option<usize>>,
    copies: Vec<usize>,
    /// States that the backward pass has written so far.
    written: HashSet<usize>,
}

impl<'a> Rewriter<'a> {
    fn new(old: &'a Program, again: &[bool]) -> Rewriter<'a> {
        let mut this = Rewriter {
            old,
            new: Program::empty(old.graph.nodes.len()),
            again: again.to_vec(),
            producers: old.graph.producers(),
            entries: (0..old.graph.num_entries).collect(),
            nodes: (0..old.graph.nodes.len()).collect(),
            first: vec![None; again.len()],
            copies: Vec::new(),
            written: HashSet::new(),
        };
        for i in 0..old.forward_nodes {
            this.push(i, old.graph.nodes[i].inputs.iter().copied());
        }
        this.new.forward_nodes = old.forward_nodes;
        this.new.devices = old.devices.clone();
        this
    }

    /// Adds old node `i` with these inputs; returns its first output.
    fn push(&mut self, i: usize, inputs: impl IntoIterator<Item = usize>) -> usize {
        let node = &self.old.graph.nodes[i];
        let first = self.new.graph.num_entries;
        let old = node.first..node.first + node.outputs;
        self.new.shapes.extend(self.old.shapes[old.clone()].iter().cloned());
        self.new.types.extend(&self.old.types[old]);
        self.new.graph.num_entries += node.outputs;
        self.new.lanes.extend(self.old.lanes.get(i));
        let (op, outputs) = (node.op.clone(), node.outputs);
        self.new.graph.nodes.push(FlatNode {
            node: node.node.clone(),
            op,
            inputs: inputs.into_iter().collect(),
            first,
            outputs,
        });
        first
    }

    fn backward_node(&mut self, i: usize) {
        let node = &self.old.graph.nodes[i];
        let inputs: Vec<usize> =
            node.inputs.iter().enumerate().map(|(k, &e)| self.input(node.op.as_ref(), k, e)).collect();
        self.nodes[i] = self.new.graph.nodes.len();
        let first = self.push(i, inputs);
        (0..node.outputs).for_each(|k| self.entries[node.first + k] = first + k);
        let states = node.op.iter().flat_map(|op| op.aux()).map(|&k| node.inputs[k]);
        self.written.extend(states);
    }

    /// The new entry that input `k` of an operator is to read instead of `e`.
    fn input(&mut self, op: Option<&OpRef>, k: usize, e: usize) -> usize {
        if self.producers[e] < self.old.forward_nodes && op.is_some_and(|op| op.reads(k)) {
            self.copy(self.producers[e]);
        }
        self.replaced(op, k, e)
    }

    fn replaced(&self, op: Option<&OpRef>, k: usize, e: usize) -> usize {
        let producer = self.producers[e];
        let copy = self.first.get(producer).copied().flatten().filter(|_| op.is_some_and(|op| op.reads(k)));
        copy.map_or(self.entries[e], |first| first + e - self.old.graph.nodes[producer].first)
    }

    /// Makes the copy of forward node `root`, if it is to have one, after those of what it reads.
    fn copy(&mut self, root: usize) {
        let old = self.old;
        let mut stack = vec![root];
        while let Some(&i) = stack.last() {
            let node = &old.graph.nodes[i];
            // What reads a state that has moved on would not compute the same.
            if node.inputs.iter().any(|e| self.written.contains(e)) {
                self.again[i] = self.first[i].is_some();
            }
            if !self.again[i] || self.first[i].is_some() {
                stack.pop();
                continue;
            }
            let op = node.op.as_ref();
            let reads = |k: usize| op.is_some_and(|op| op.reads(k));
            let producers = node.inputs.iter().enumerate().filter(|(k, _)| reads(*k)).map(|(_, &e)| self.producers[e]);
            let open: Vec<usize> = producers.filter(|&p| self.again[p] && self.first[p].is_none()).collect();
            if !open.is_empty() {
                stack.extend(open.into_iter().rev());
                continue;
            }
            stack.pop();
            let inputs: Vec<usize> = node.inputs.iter().enumerate().map(|(k, &e)| self.replaced(op, k, e)).collect();
            self.copies.push(self.new.graph.nodes.len());
            self.first[i] = Some(self.push(i, inputs));
        }
    }

    fn finish(mut self) -> (Program, Vec<usize>) {
        let (old, new) = (self.old, &mut self.new);
        let entry = |e: &usize| self.entries[*e];
        let node = |i: &usize| self.nodes[*i];
        new.graph.heads = old.graph.heads.iter().map(entry).collect();
        new.graph.arguments = old.graph.arguments.iter().map(node).collect();
        new.graph.aux = old.graph.aux.iter().map(node).collect();
        new.outputs = old.outputs.clone();
        new.gradients = old.gradients.iter().map(|g| g.as_ref().map(entry)).collect();
        new.head_grads = old.head_grads.iter().map(|g| g.as_ref().map(node)).collect();
        new.constants = old.constants.iter().map(|(e, t)| (entry(e), t.clone())).collect();
        (self.new, self.copies)
    }
}
