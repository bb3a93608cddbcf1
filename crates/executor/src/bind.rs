//! Binding from shapes alone: infers the rest and allocates every array.

use crate::{Bindings, ExecResult, Executor, GradReq, SharedMemory};
use rsym_graph::{FlatGraph, Inferred, Registry, Symbol, extend_types, infer_shapes, infer_types};
use rsym_tensor::{DType, PartialShape, Tensor};
use std::collections::HashMap;

/// What `simple_bind` is given.
#[derive(Default)]
pub struct SimpleBind {
    /// Shapes by variable name.
    pub shapes: HashMap<String, PartialShape>,
    /// Types by variable name.
    pub types: HashMap<String, DType>,
    /// What to do with the gradient of each argument.
    pub reqs: Vec<GradReq>,
    /// Arrays to be used, by name of argument or auxiliary state, where shape and type fit.
    pub shared: HashMap<String, Tensor>,
    /// As `shared`, for gradients.
    pub shared_grads: HashMap<String, Tensor>,
    /// Memory of an executor that does not run at the same time.
    pub memory: Option<SharedMemory>,
}

impl SimpleBind {
    /// Infers, allocates zeros and binds.
    pub fn bind(self, registry: &'static Registry, symbol: &Symbol) -> ExecResult<Executor> {
        let graph = FlatGraph::new(symbol);
        let shape = |_, name: &str| self.shapes.get(name).cloned();
        let (shapes, types) = infer(&graph, shape, |_, name| self.types.get(name).copied())?;
        let array = |node: usize, shared: &HashMap<String, Tensor>| -> ExecResult<Option<Tensor>> {
            let node = &graph.nodes[node];
            let (Some(shape), Some(dtype)) = (shapes.entries[node.first].complete(), types.entries[node.first]) else {
                return Ok(None);
            };
            let given = shared.get(&*node.node.name()).filter(|t| *t.shape() == shape && t.dtype() == dtype);
            Ok(Some(given.cloned().map_or_else(|| Tensor::zeros(shape, dtype), Ok)?))
        };
        let mut bindings = Bindings { reqs: self.reqs, memory: self.memory, ..Bindings::default() };
        // An argument that stays undecided is left out here and named by the program's own error.
        for (i, &node) in graph.arguments.iter().enumerate() {
            bindings.args.extend(array(node, &self.shared)?);
            let wanted = bindings.reqs.get(i).is_some_and(|r| *r != GradReq::Null);
            bindings.grads.push(if wanted { array(node, &self.shared_grads)? } else { None });
        }
        for &node in &graph.aux {
            bindings.aux.extend(array(node, &self.shared)?);
        }
        Executor::assemble(registry, symbol, graph, shapes, types, bindings)
    }
}

/// Infers shapes and types; arguments whose type stays open are single precision.
pub(crate) fn infer(
    graph: &FlatGraph,
    shapes: impl Fn(usize, &str) -> Option<PartialShape>,
    types: impl Fn(usize, &str) -> Option<DType>,
) -> ExecResult<(Inferred<PartialShape>, Inferred<Option<DType>>)> {
    let shapes = infer_shapes(graph, shapes)?;
    let types = complete_types(graph, infer_types(graph, types)?)?;
    Ok((shapes, types))
}

/// Makes the variables whose type is open single precision and lets the rest follow.
pub fn complete_types(graph: &FlatGraph, mut types: Inferred<Option<DType>>) -> ExecResult<Inferred<Option<DType>>> {
    let variables: Vec<usize> = graph.arguments.iter().chain(&graph.aux).map(|&i| graph.nodes[i].first).collect();
    if variables.iter().all(|&e| types.entries[e].is_some()) {
        return Ok(types);
    }
    for &e in &variables {
        types.entries[e].get_or_insert(DType::Float32);
    }
    Ok(extend_types(graph, types.entries, 0)?)
}
