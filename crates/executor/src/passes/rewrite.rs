//! The tool of the passes: a program is taken apart node by node and put together anew.

use crate::Program;
use rsym_graph::{FlatNode, Node, OpRef};
use rsym_tensor::{DType, Shape};
use std::sync::Arc;

/// No entry yet.
const NONE: usize = usize::MAX;

/// A program under reconstruction. The old nodes are visited in order ([`Rewrite::take`]); each is kept, replaced by
/// others, or left out, its outputs standing for those of another.
pub(crate) struct Rewrite {
    /// The new program so far; what refers to entries and nodes is filled in at the end.
    pub new: Program,
    old: Program,
    entries: Vec<usize>,
    nodes: Vec<usize>,
    taken: usize,
}

impl Rewrite {
    /// Starts with an empty program.
    pub fn new(old: Program) -> Rewrite {
        let (entries, nodes) = (vec![NONE; old.graph.num_entries], vec![NONE; old.graph.nodes.len()]);
        let mut new = Program::empty(old.graph.nodes.len());
        new.devices = old.devices.clone();
        Rewrite { new, old, entries, nodes, taken: 0 }
    }

    /// Number of nodes of the old program.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of the device of old node `i`.
    pub fn old_lane(&self, i: usize) -> usize {
        self.old.lane(i)
    }

    /// The next old node, its inputs turned into entries of the new program.
    pub fn take(&mut self) -> FlatNode {
        let i = self.taken;
        self.taken += 1;
        if i == self.old.forward_nodes {
            self.new.forward_nodes = self.new.graph.nodes.len();
        }
        let empty = FlatNode {
            node: self.old.graph.nodes[i].node.clone(),
            op: None,
            inputs: Default::default(),
            first: 0,
            outputs: 0,
        };
        let mut node = std::mem::replace(&mut self.old.graph.nodes[i], empty);
        node.inputs.iter_mut().for_each(|e| *e = self.entries[*e]);
        node
    }

    /// Keeps the node that was taken last; returns its first output.
    pub fn keep(&mut self, node: FlatNode) -> usize {
        let facts = (node.first..node.first + node.outputs)
            .map(|e| (std::mem::take(&mut self.old.shapes[e]), self.old.types[e]))
            .collect::<smallvec::SmallVec<[_; 4]>>();
        self.nodes[self.taken - 1] = self.new.graph.nodes.len();
        let (old_first, outputs) = (node.first, node.outputs);
        let first = self.add(node, facts);
        (0..outputs).for_each(|k| self.entries[old_first + k] = first + k);
        first
    }

    /// Adds a node that the old program does not have, its outputs having the given shapes and types. It goes to the device
    /// of the node that was taken last.
    pub fn push(&mut self, node: Arc<Node>, op: OpRef, inputs: Vec<usize>, facts: Vec<(Shape, DType)>) -> usize {
        let outputs = facts.len();
        self.add(FlatNode { node, op: Some(op), inputs: inputs.into_iter().collect(), first: 0, outputs }, facts)
    }

    fn add(&mut self, mut node: FlatNode, facts: impl IntoIterator<Item = (Shape, DType)>) -> usize {
        let first = self.new.graph.num_entries;
        node.first = first;
        self.new.graph.num_entries += node.outputs;
        for (shape, dtype) in facts {
            self.new.shapes.push(shape);
            self.new.types.push(dtype);
        }
        self.new.graph.nodes.push(node);
        self.new.lanes.extend(self.old.lanes.get(self.taken - 1));
        first
    }

    /// Lets entry `new` stand for entry `old` of the old program.
    pub fn alias(&mut self, old: usize, new: usize) {
        self.entries[old] = new;
    }

    /// The new entry that stands for an old one.
    pub fn entry(&self, old: usize) -> usize {
        self.entries[old]
    }

    /// Shape and type of an old entry whose node was not kept yet.
    pub fn fact(&self, old: usize) -> (Shape, DType) {
        (self.old.shapes[old].clone(), self.old.types[old])
    }

    /// The new node that computes a new entry.
    pub fn producer(&self, entry: usize) -> usize {
        // Entries are numbered in the order of the nodes; nodes without outputs do not exist.
        self.new.graph.nodes.partition_point(|n| n.first <= entry) - 1
    }

    /// Makes the new node `host` a dead one: returns its inputs, and those of `next` but for input `at`. What is left of it
    /// computes nothing and is removed by the pass `dead`.
    pub fn unplug(&mut self, host: usize, next: &FlatNode, at: usize) -> (Vec<usize>, Vec<usize>) {
        let host = &mut self.new.graph.nodes[host];
        host.op = None;
        let inputs = std::mem::take(&mut host.inputs).into_iter().collect();
        (inputs, next.inputs.iter().enumerate().filter(|(k, _)| *k != at).map(|(_, &e)| e).collect())
    }

    /// The finished program, once every old node was taken.
    pub fn finish(mut self) -> Program {
        let old = self.old;
        let entry = |e: &usize| self.entries[*e];
        let node = |i: &usize| self.nodes[*i];
        let new = &mut self.new;
        if old.forward_nodes >= self.nodes.len() {
            new.forward_nodes = new.graph.nodes.len();
        }
        new.graph.heads = old.graph.heads.iter().map(entry).collect();
        new.graph.arguments = old.graph.arguments.iter().map(node).collect();
        new.graph.aux = old.graph.aux.iter().map(node).collect();
        new.outputs = old.outputs.iter().map(entry).collect();
        new.gradients = old.gradients.iter().map(|g| g.as_ref().map(entry)).collect();
        new.head_grads = old.head_grads.iter().map(|g| g.as_ref().map(node)).collect();
        new.constants.extend(old.constants.into_iter().map(|(e, t)| (self.entries[e], t)).filter(|(e, _)| *e != NONE));
        self.new
    }
}

/// Whether each entry is an output or gradient of the program: its place is the caller's, so no other value may stand
/// for it.
pub(crate) fn is_head(program: &Program) -> Vec<bool> {
    let mut out = vec![false; program.graph.num_entries];
    program.outputs.iter().chain(program.gradients.iter().flatten()).for_each(|&e| out[e] = true);
    out
}
