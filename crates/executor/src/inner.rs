//! Graphs inside of operators: each is an executor of its own, bound to the tensors that the operator gives it.

use crate::{Bindings, ExecError, Executor, GradReq, Hooks};
use rsym_graph::{Binder, BoundGraph, Ctx, Gradient, Interrupted, Node, OpError, OpResult, Registry, Symbol};
use rsym_tensor::Tensor;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Binds graphs whose operators are in a registry.
pub(crate) struct Graphs(pub &'static Registry);

impl Binder for Graphs {
    fn bind(&self, graph: &Symbol, inputs: &[Tensor], gradients: &[Gradient]) -> OpResult<Box<dyn BoundGraph>> {
        let mut bindings = Bindings::default();
        for ((_, is_aux), (tensor, gradient)) in graph.variables().iter().zip(inputs.iter().zip(gradients)) {
            if *is_aux {
                bindings.aux.push(tensor.clone());
                continue;
            }
            bindings.args.push(tensor.clone());
            let (req, array) = match gradient {
                Gradient::None => (GradReq::Null, None),
                Gradient::Write(array) => (GradReq::Write, Some(array.clone())),
                Gradient::Add(array) => (GradReq::Add, Some(array.clone())),
            };
            bindings.reqs.push(req);
            bindings.grads.push(array);
        }
        let executor = Executor::bind(self.0, graph, bindings).map_err(op_error)?;
        let numbers = graph.nodes().iter().enumerate().map(|(i, node)| (address(node), i as u64)).collect();
        Ok(Box::new(Inner { executor, numbers: Arc::new(numbers) }))
    }
}

struct Inner {
    executor: Executor,
    numbers: Arc<FxHashMap<usize, u64>>,
}

impl BoundGraph for Inner {
    fn outputs(&self) -> &[Tensor] {
        self.executor.outputs()
    }

    fn forward(&mut self, ctx: &Ctx, interrupted: Interrupted) -> OpResult {
        let keys = Keys { seed: ctx.seed, stream: ctx.stream, numbers: self.numbers.clone() };
        self.executor.forward_inside(ctx.is_train, keys, &mut hooks(interrupted)).map_err(op_error)
    }

    fn backward(&mut self, heads: &[Tensor], interrupted: Interrupted) -> OpResult {
        let heads: Vec<Option<Tensor>> = heads.iter().cloned().map(Some).collect();
        self.executor.backward(&heads, &mut hooks(interrupted)).map_err(op_error)
    }
}

fn hooks<'a>(interrupted: Interrupted<'a>) -> Hooks<'a> {
    Hooks { monitor: None, monitor_inputs: false, interrupted: Some(interrupted) }
}

fn op_error(error: ExecError) -> OpError {
    match error {
        ExecError::Interrupted => OpError::Interrupted,
        other => OpError::invalid(format!("in the graph inside: {other}")),
    }
}

/// Random keys of a graph inside of an operator: they follow from the key of the operator and from the place of each node in
/// the graph as it was written, so that every form in which it is compiled draws the same.
pub(crate) struct Keys {
    seed: u64,
    stream: u64,
    numbers: Arc<FxHashMap<usize, u64>>,
}

impl Keys {
    /// The context of a random node.
    pub fn of(&self, node: &Arc<Node>, is_train: bool) -> Ctx<'static> {
        let number = self.numbers.get(&address(node)).copied().unwrap_or(self.numbers.len() as u64);
        Ctx { is_train, seed: self.seed, stream: self.stream, cache: None }.derived(number)
    }
}

fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}
