use crate::visit::Order;
use crate::{Entry, Node, OpRef, Symbol};
use smallvec::SmallVec;
use std::ops::Index;
use std::sync::Arc;

/// Numbers of entries, as many as a node has inputs.
pub type EntryNumbers = SmallVec<[usize; 4]>;

/// A graph laid out in arrays: nodes in depth-first order, every output of every node with a number of its own.
pub struct FlatGraph {
    /// Nodes, inputs before users.
    pub nodes: Vec<FlatNode>,
    /// Entry numbers of the outputs.
    pub heads: Vec<usize>,
    /// Node numbers of the arguments, in the order of `list_arguments`.
    pub arguments: Vec<usize>,
    /// Node numbers of the auxiliary states, in the order of `list_auxiliary_states`.
    pub aux: Vec<usize>,
    /// Number of entries.
    pub num_entries: usize,
}

/// A node of a [`FlatGraph`].
pub struct FlatNode {
    /// The node of the symbol.
    pub node: Arc<Node>,
    /// The operator; `None` for a variable.
    pub op: Option<OpRef>,
    /// Entry numbers of the inputs.
    pub inputs: EntryNumbers,
    /// Number of the first output.
    pub first: usize,
    /// Number of outputs, hidden ones included.
    pub outputs: usize,
}

impl FlatGraph {
    /// Lays out the graph of `symbol`.
    pub fn new(symbol: &Symbol) -> FlatGraph {
        let order = Order::new(symbol.entries());
        let mut is_aux = vec![false; order.nodes.len()];
        let mut graph = FlatGraph {
            nodes: Vec::with_capacity(order.nodes.len()),
            heads: Vec::new(),
            arguments: Vec::new(),
            aux: Vec::new(),
            num_entries: 0,
        };
        for &node in &order.nodes {
            let op = node.op();
            let outputs = op.as_ref().map_or(1, |op| op.num_outputs());
            let inputs: EntryNumbers = node.inputs().iter().map(|e| graph.entry(&order, e)).collect();
            for aux in op.iter().flat_map(|op| op.aux()).filter_map(|&k| node.inputs().get(k)) {
                is_aux[order.number(&aux.node)] = true;
            }
            graph.nodes.push(FlatNode { node: node.clone(), op, inputs, first: graph.num_entries, outputs });
            graph.num_entries += outputs;
        }
        for (i, _) in order.nodes.iter().enumerate().filter(|(_, n)| n.is_variable()) {
            if is_aux[i] { graph.aux.push(i) } else { graph.arguments.push(i) }
        }
        graph.heads = symbol.entries().iter().map(|e| graph.entry(&order, e)).collect();
        graph
    }

    fn entry(&self, order: &Order, entry: &Entry) -> usize {
        self.nodes[order.number(&entry.node)].first + entry.index as usize
    }

    /// For every entry, the number of its node.
    pub fn producers(&self) -> Vec<usize> {
        let mut out = Vec::with_capacity(self.num_entries);
        for (i, node) in self.nodes.iter().enumerate() {
            out.resize(node.first + node.outputs, i);
        }
        out
    }

    /// For every entry, the nodes that use it.
    pub fn consumers(&self) -> Consumers {
        let edges = || self.nodes.iter().enumerate().flat_map(|(i, n)| n.inputs.iter().map(move |&e| (i, e)));
        let mut starts = vec![0; self.num_entries + 1];
        edges().for_each(|(_, e)| starts[e + 1] += 1);
        for e in 0..self.num_entries {
            starts[e + 1] += starts[e];
        }
        let mut nodes = vec![0; starts[self.num_entries]];
        let mut next = starts.clone();
        for (i, e) in edges() {
            nodes[next[e]] = i;
            next[e] += 1;
        }
        Consumers { starts, nodes }
    }
}

/// The nodes that use each entry of a graph.
pub struct Consumers {
    starts: Vec<usize>,
    nodes: Vec<usize>,
}

impl Index<usize> for Consumers {
    type Output = [usize];

    /// The numbers of the nodes that use an entry, in order; a node that uses it twice is there twice.
    fn index(&self, entry: usize) -> &[usize] {
        &self.nodes[self.starts[entry]..self.starts[entry + 1]]
    }
}
