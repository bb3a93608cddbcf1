use crate::symbol::aux_nodes;
use crate::visit::NodeMap;
use crate::{Entry, Node, OpRef, Symbol};
use std::sync::Arc;

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
    pub inputs: Vec<usize>,
    /// Number of the first output.
    pub first: usize,
    /// Number of outputs, hidden ones included.
    pub outputs: usize,
}

impl FlatGraph {
    /// Lays out the graph of `symbol`.
    pub fn new(symbol: &Symbol) -> FlatGraph {
        let order = symbol.nodes();
        let aux_set = aux_nodes(&order);
        let mut index: NodeMap<usize> = NodeMap::with_capacity_and_hasher(order.len(), Default::default());
        let mut graph = FlatGraph {
            nodes: Vec::with_capacity(order.len()),
            heads: Vec::new(),
            arguments: Vec::new(),
            aux: Vec::new(),
            num_entries: 0,
        };
        for (i, node) in order.into_iter().enumerate() {
            let op = node.op();
            let outputs = op.as_ref().map_or(1, |op| op.num_outputs());
            if node.is_variable() {
                if aux_set.contains(&Arc::as_ptr(&node)) { graph.aux.push(i) } else { graph.arguments.push(i) }
            }
            let inputs = node.inputs().iter().map(|e| graph.entry(&index, e)).collect();
            index.insert(Arc::as_ptr(&node), i);
            graph.nodes.push(FlatNode { node, op, inputs, first: graph.num_entries, outputs });
            graph.num_entries += outputs;
        }
        graph.heads = symbol.entries().iter().map(|e| graph.entry(&index, e)).collect();
        graph
    }

    fn entry(&self, index: &NodeMap<usize>, entry: &Entry) -> usize {
        self.nodes[index[&Arc::as_ptr(&entry.node)]].first + entry.index as usize
    }

    /// For every entry, the number of its node.
    pub fn producers(&self) -> Vec<usize> {
        let mut out = vec![0; self.num_entries];
        for (i, node) in self.nodes.iter().enumerate() {
            out[node.first..node.first + node.outputs].fill(i);
        }
        out
    }

    /// For every entry, the numbers of the nodes that use it, in order.
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); self.num_entries];
        for (i, node) in self.nodes.iter().enumerate() {
            for &e in &node.inputs {
                if out[e].last() != Some(&i) {
                    out[e].push(i);
                }
            }
        }
        out
    }
}
