use crate::placement::Origins;
use crate::{Device, ExecError, ExecResult};
use rsym_graph::{
    Entry, FlatGraph, GraphError, Inferred, Node, Opaque, Registry, Symbol, extend_shapes, extend_types, gradients_with,
};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What happens to the gradient of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradReq {
    /// It is not computed.
    Null,
    /// It replaces what the gradient array holds.
    Write,
    /// It is added to what the gradient array holds.
    Add,
}

/// A graph ready to be planned: forward nodes first, then the nodes of the gradients, with every shape and type known.
pub struct Program {
    /// The graph; its heads are the outputs of the symbol followed by the gradients.
    pub graph: FlatGraph,
    /// Shape of every entry.
    pub shapes: Vec<Shape>,
    /// Type of every entry.
    pub types: Vec<DType>,
    /// Number of nodes that belong to the forward pass.
    pub forward_nodes: usize,
    /// Entries of the outputs.
    pub outputs: Vec<usize>,
    /// Entry of the gradient of each argument; `None` if it is not wanted or zero.
    pub gradients: Vec<Option<usize>>,
    /// Node of the gradient of each output; `None` if no gradient depends on it.
    pub head_grads: Vec<Option<usize>>,
    /// Entries whose values are known, with these.
    pub constants: Vec<(usize, Tensor)>,
    /// The devices that it runs on, if there are several.
    pub devices: Vec<Device>,
    /// For each node the number of its device, if there are several.
    pub lanes: Vec<u16>,
}

impl Program {
    /// A program without nodes, with room for `nodes`.
    pub(crate) fn empty(nodes: usize) -> Program {
        let graph = FlatGraph {
            nodes: Vec::with_capacity(nodes),
            heads: Vec::new(),
            arguments: Vec::new(),
            aux: Vec::new(),
            num_entries: 0,
        };
        Program {
            graph,
            shapes: Vec::with_capacity(nodes),
            types: Vec::with_capacity(nodes),
            forward_nodes: 0,
            outputs: Vec::new(),
            gradients: Vec::new(),
            head_grads: Vec::new(),
            constants: Vec::new(),
            devices: Vec::new(),
            lanes: Vec::new(),
        }
    }

    /// Extends `forward`, whose facts are `shapes` and `types`, by the gradients that `wanted` asks for. Leaves in `origins`
    /// which nodes are part of the gradients of which.
    pub fn new(
        registry: &Registry,
        symbol: &Symbol,
        forward: FlatGraph,
        shapes: Inferred<PartialShape>,
        types: Inferred<Option<DType>>,
        wanted: &[GradReq],
        origins: &mut Origins,
    ) -> ExecResult<Program> {
        refuse_opaque(&forward)?;
        let forward_nodes = forward.nodes.len();
        let asked: Vec<usize> = (0..wanted.len()).filter(|&i| wanted[i] != GradReq::Null).collect();
        if asked.is_empty() {
            let outputs = forward.heads.clone();
            let (gradients, head_grads) = (vec![None; wanted.len()], vec![None; outputs.len()]);
            let (shapes, types) = decided(&forward, forward_nodes, shapes.entries, types.entries)?;
            let empty = Program::empty(0);
            return Ok(Program {
                graph: forward,
                shapes,
                types,
                forward_nodes,
                outputs,
                gradients,
                head_grads,
                ..empty
            });
        }
        let wrt: Vec<Arc<Node>> = asked.iter().map(|&i| forward.nodes[forward.arguments[i]].node.clone()).collect();
        let heads = symbol.entries();
        let head_vars: Vec<Arc<Node>> = heads
            .iter()
            .map(|h| Node::variable(&format!("{}_grad", h.node.output_name(h.index as usize)), Default::default()))
            .collect();
        let head_entries: Vec<Option<Entry>> = head_vars.iter().map(|v| Some(Entry::new(v, 0))).collect();
        let found = gradients_with(registry, heads, &head_entries, &wrt, &mut |new, node| {
            origins.push((new.clone(), node.clone()));
        })?;
        let all = heads.iter().chain(found.iter().flatten()).cloned();
        let graph = FlatGraph::new(&Symbol::from_entries(all));
        let head_grads: Vec<Option<usize>> = head_vars
            .iter()
            .map(|v| graph.nodes[forward_nodes..].iter().position(|n| Arc::ptr_eq(&n.node, v)))
            .map(|at| at.map(|k| k + forward_nodes))
            .collect();
        let (mut shapes, mut types) = (shapes.entries, types.entries);
        shapes.resize(graph.num_entries, PartialShape::unknown());
        types.resize(graph.num_entries, None);
        for (k, node) in head_grads.iter().enumerate() {
            if let Some(node) = node {
                let at = graph.nodes[*node].first;
                shapes[at] = shapes[graph.heads[k]].clone();
                types[at] = types[graph.heads[k]];
            }
        }
        let shapes = extend_shapes(&graph, shapes, forward_nodes)?;
        let types = extend_types(&graph, types, forward_nodes)?;
        let (shapes, types) = decided(&graph, forward_nodes, shapes.entries, types.entries)?;
        let mut entries = graph.heads[heads.len()..].iter().copied();
        let mut gradients = vec![None; wanted.len()];
        for (&i, gradient) in asked.iter().zip(&found) {
            gradients[i] = gradient.as_ref().and_then(|_| entries.next());
        }
        let outputs = graph.heads[..heads.len()].to_vec();
        let empty = Program::empty(0);
        Ok(Program { graph, shapes, types, forward_nodes, outputs, gradients, head_grads, ..empty })
    }

    /// The number of the device of node `i`.
    pub fn lane(&self, i: usize) -> usize {
        self.lanes.get(i).map_or(0, |&lane| lane as usize)
    }

    /// A symbol of the outputs, made of the nodes as they are now.
    pub fn symbol(&self) -> Symbol {
        let mut made: Vec<Option<Entry>> = vec![None; self.graph.num_entries];
        for node in &self.graph.nodes {
            let inputs: Vec<Entry> = node.inputs.iter().filter_map(|&e| made[e].clone()).collect();
            let same = |(a, b): (&Entry, &Entry)| Arc::ptr_eq(&a.node, &b.node) && a.index == b.index;
            let kept = inputs.iter().zip(node.node.inputs()).all(same);
            let own = if kept { node.node.clone() } else { node.node.with_inputs(inputs) };
            (0..node.outputs).for_each(|k| made[node.first + k] = Some(Entry::new(&own, k)));
        }
        Symbol::from_entries(self.outputs.iter().filter_map(|&e| made[e].clone()))
    }

    /// Bytes of entry `e`.
    pub fn bytes(&self, e: usize) -> usize {
        self.shapes[e].size() * self.types[e].size()
    }
}

/// Every shape and type, or an error that names the first entries without one: arguments, else outputs of the forward
/// pass, else those of the gradients.
fn decided(
    graph: &FlatGraph,
    forward_nodes: usize,
    shapes: Vec<PartialShape>,
    types: Vec<Option<DType>>,
) -> ExecResult<(Vec<Shape>, Vec<DType>)> {
    const SHOWN: usize = 8;
    let mut groups: [Vec<String>; 3] = Default::default();
    for (i, node) in graph.nodes.iter().enumerate() {
        let open = &mut groups[if i >= forward_nodes { 2 } else { usize::from(!node.node.is_variable()) }];
        for e in node.first..node.first + node.outputs {
            let name = || node.node.output_name(e - node.first);
            if !shapes[e].is_complete() {
                open.push(format!("shape of {} is {}", name(), shapes[e]));
            } else if types[e].is_none() {
                open.push(format!("type of {} is unknown", name()));
            }
        }
    }
    if let Some(mut open) = groups.into_iter().find(|open| !open.is_empty()) {
        if let Some(op) = graph.nodes.iter().filter_map(|n| n.node.op()).find(|op| op.shape_needs_values()) {
            return Err(ExecError::Undecided(format!(
                "the shape of what {} gives depends on values, so nothing can be planned for a graph with it: bind it to arrays",
                op.name()
            )));
        }
        let more = if open.len() > SHOWN { format!(" and {} more", open.len() - SHOWN) } else { String::new() };
        open.truncate(SHOWN);
        return Err(ExecError::Undecided(format!(
            "what was given does not decide everything: {}{more}; give the shape or type of more arguments",
            open.join("; ")
        )));
    }
    Ok((shapes.iter().filter_map(PartialShape::complete).collect(), types.into_iter().flatten().collect()))
}

/// One error for all operators that rsym does not know, with their counts.
fn refuse_opaque(graph: &FlatGraph) -> ExecResult {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for op in graph.nodes.iter().filter_map(|n| n.op.as_ref()).filter(|op| op.is_opaque()) {
        let known = op.as_any().downcast_ref::<Opaque>();
        *counts.entry(known.map_or_else(|| op.name().to_string(), Opaque::describe)).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = counts.iter().map(|(name, n)| format!("{name} (used {n} times)")).collect();
    Err(GraphError::Opaque(list.join(", ")).into())
}
