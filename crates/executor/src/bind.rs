//! Binding from shapes alone: infers the rest and allocates every array.

use crate::{Bindings, ExecResult, Executor, GradReq, Placement, SharedMemory};
use rsym_graph::{FlatGraph, Inferred, Registry, Symbol, extend_types, infer_shapes, infer_types};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
use std::collections::HashMap;

/// What `simple_bind` is given.
#[derive(Default)]
pub struct SimpleBind {
    /// Shapes by variable name.
    pub shapes: HashMap<String, PartialShape>,
    /// Types by variable name.
    pub types: HashMap<String, DType>,
    /// What to do with the gradient of each argument.
    pub reqs: Requests,
    /// Arrays to be used, by name of argument or auxiliary state, where shape and type fit.
    pub shared: HashMap<String, Tensor>,
    /// As `shared`, for gradients.
    pub shared_grads: HashMap<String, Tensor>,
    /// Memory of an executor that does not run at the same time.
    pub memory: Option<SharedMemory>,
    /// As in [`Bindings`].
    pub budget: Option<usize>,
    /// As in [`Bindings`].
    pub placement: Option<Placement>,
}

/// What to do with gradients.
pub enum Requests {
    /// The same for every argument.
    All(GradReq),
    /// One for each argument, in their order.
    Each(Vec<GradReq>),
}

impl Default for Requests {
    fn default() -> Requests {
        Requests::All(GradReq::Null)
    }
}

impl From<Vec<GradReq>> for Requests {
    fn from(reqs: Vec<GradReq>) -> Requests {
        Requests::Each(reqs)
    }
}

impl SimpleBind {
    /// Infers, allocates zeros and binds.
    pub fn bind(self, registry: &'static Registry, symbol: &Symbol) -> ExecResult<Executor> {
        let graph = FlatGraph::new(symbol);
        let shape = |_, name: &str| self.shapes.get(name).cloned();
        let (shapes, types) = infer(&graph, shape, |_, name| self.types.get(name).copied())?;
        let reqs = match self.reqs {
            Requests::All(req) => vec![req; graph.arguments.len()],
            Requests::Each(reqs) => reqs,
        };
        let mut arrays = Arrays { graph: &graph, shapes: &shapes.entries, types: &types.entries, fresh: Vec::new() };
        let (mut args, mut grads) = (Vec::with_capacity(reqs.len()), Vec::with_capacity(reqs.len()));
        // An argument that stays undecided is left out here and named by the program's own error.
        for (i, &node) in graph.arguments.iter().enumerate() {
            args.extend(arrays.place(node, &self.shared));
            let wanted = reqs.get(i).is_some_and(|r| *r != GradReq::Null);
            grads.push(if wanted { arrays.place(node, &self.shared_grads) } else { None });
        }
        let aux: Vec<Array> = graph.aux.iter().filter_map(|&node| arrays.place(node, &self.shared)).collect();
        let fresh = Tensor::zeros_together(arrays.fresh)?;
        let tensor = |array: Array| match array {
            Array::Given(tensor) => tensor,
            Array::Fresh(k) => fresh[k].clone(),
        };
        let mut placement = self.placement;
        if let Some(placement) = &mut placement {
            let device = |&i: &usize| placement.of_variable(&graph.nodes[i].node);
            let args = graph.arguments.iter().map(device).collect::<ExecResult<_>>()?;
            placement.aux = graph.aux.iter().map(device).collect::<ExecResult<_>>()?;
            placement.args = args;
        }
        let bindings = Bindings {
            args: args.into_iter().map(tensor).collect(),
            grads: grads.into_iter().map(|g| g.map(tensor)).collect(),
            reqs,
            aux: aux.into_iter().map(tensor).collect(),
            memory: self.memory,
            budget: self.budget,
            placement,
        };
        Executor::assemble(registry, symbol, graph, shapes, types, bindings)
    }
}

/// The array of a variable: one that is shared, or number so and so of those to be made.
enum Array {
    Given(Tensor),
    Fresh(usize),
}

/// Finds arrays for variables and collects what is to be made.
struct Arrays<'a> {
    graph: &'a FlatGraph,
    shapes: &'a [PartialShape],
    types: &'a [Option<DType>],
    fresh: Vec<(Shape, DType)>,
}

impl Arrays<'_> {
    /// The array of variable `node`; `None` if its shape or type is not decided.
    fn place(&mut self, node: usize, shared: &HashMap<String, Tensor>) -> Option<Array> {
        let node = &self.graph.nodes[node];
        let (shape, dtype) = (self.shapes[node.first].complete()?, self.types[node.first]?);
        let given = if shared.is_empty() { None } else { shared.get(&*node.node.name()) };
        if let Some(given) = given.filter(|t| *t.shape() == shape && t.dtype() == dtype) {
            return Some(Array::Given(given.clone()));
        }
        self.fresh.push((shape, dtype));
        Some(Array::Fresh(self.fresh.len() - 1))
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
