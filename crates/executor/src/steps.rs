//! The list of steps that a program becomes once every value has its place.

use crate::inner::Graphs;
use crate::schedule::Schedule;
use crate::{ExecError, ExecResult, GradReq, MemoryPlan, Place, Program, SharedMemory};
use rsym_graph::{BoundOp, Ctx, FlatNode, Interrupted, Io, OpRef, Registry, op_error_text};
use rsym_tensor::{Element, Storage, Tensor, dispatch};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// One operator on fixed tensors.
pub(crate) struct Step {
    pub op: OpRef,
    pub inputs: SmallVec<[Tensor; 2]>,
    pub outputs: SmallVec<[Tensor; 1]>,
    /// What runs in place of the operator, if that has graphs inside.
    bound: Option<Box<dyn BoundOp>>,
    /// Number of the node in the program.
    pub node: usize,
}

impl Step {
    fn new(
        registry: &'static Registry,
        op: &OpRef,
        node: (usize, &FlatNode),
        inputs: SmallVec<[Tensor; 2]>,
        outputs: SmallVec<[Tensor; 1]>,
    ) -> ExecResult<Step> {
        let bound = match op.subgraphs() {
            [] => None,
            _ => op.bind(&inputs, &outputs, &Graphs(registry)).map_err(|error| ExecError::Run {
                node: node.1.node.name().to_string(),
                op: op.name().to_string(),
                error: op_error_text(node.1, &error),
                inputs: inputs.iter().map(|t| format!("{} {}", t.shape(), t.dtype())).collect::<Vec<_>>().join(", "),
            })?,
        };
        Ok(Step { op: op.clone(), inputs, outputs, bound, node: node.0 })
    }

    pub fn run(&mut self, ctx: &Ctx, interrupted: Interrupted) -> Result<(), rsym_graph::OpError> {
        let mut io = Io { inputs: &self.inputs, outputs: &mut self.outputs };
        match &mut self.bound {
            Some(bound) => bound.forward(&mut io, ctx, interrupted),
            None => self.op.forward(&mut io, ctx),
        }
    }

    /// Bytes that the step touches: a measure of how long it may take.
    pub fn bytes(&self) -> usize {
        self.inputs.iter().chain(&self.outputs).map(Tensor::bytes).sum()
    }
}

/// What is done with a gradient after the backward pass, where the last operator could not write it in place.
pub(crate) enum Finish {
    Copy { from: Tensor, to: Tensor },
    Add { from: Tensor, to: Tensor },
    Zero { to: Tensor },
}

impl Finish {
    pub fn run(&mut self) -> ExecResult {
        match self {
            Finish::Copy { from, to } => Ok(to.assign(from)?),
            Finish::Zero { to } => {
                to.fill(0.0);
                Ok(())
            }
            Finish::Add { from, to } => dispatch!(to.dtype(), T => add::<T>(from, to)),
        }
    }
}

fn add<T: Element>(from: &Tensor, to: &mut Tensor) -> ExecResult {
    let sum = |a: T, b: T| T::narrow(a.widen() + b.widen());
    to.slice_mut::<T>()?.iter_mut().zip(from.slice::<T>()?).for_each(|(o, &x)| *o = sum(*o, x));
    Ok(())
}

/// The arrays that exist before the plan: one for each argument, auxiliary state, output and gradient of an output.
pub(crate) struct Arrays<'a> {
    pub args: &'a [Tensor],
    pub aux: &'a [Tensor],
    pub grads: &'a [Option<Tensor>],
    pub reqs: &'a [GradReq],
}

/// Everything that running needs.
pub(crate) struct Layout {
    pub forward: Schedule,
    pub backward: Schedule,
    pub finish: Vec<Finish>,
    pub outputs: Vec<Tensor>,
    pub head_grads: Vec<Option<Tensor>>,
    pub arena: Arc<Storage>,
    pub plan: MemoryPlan,
}

impl Layout {
    /// Plans the memory of `program` and places every value; `shared` memory is used where it is large enough. The nodes of
    /// each of the `stretches` run side by side.
    pub fn new(
        registry: &'static Registry,
        program: &Program,
        arrays: &Arrays,
        shared: Option<&SharedMemory>,
        stretches: &[Range<usize>],
    ) -> ExecResult<Layout> {
        let graph = &program.graph;
        let mut tensors: Vec<Option<Tensor>> = vec![None; graph.num_entries];
        for (&node, tensor) in graph.arguments.iter().zip(arrays.args).chain(graph.aux.iter().zip(arrays.aux)) {
            tensors[graph.nodes[node].first] = Some(tensor.clone());
        }
        for (e, tensor) in &program.constants {
            tensors[*e] = Some(tensor.clone());
        }
        let fresh = |e: usize| Tensor::zeros(program.shapes[e].clone(), program.types[e]);
        for (k, &e) in program.outputs.iter().enumerate() {
            if tensors[e].is_none() {
                let storage = shared.and_then(|s| s.outputs.get(k)).filter(|s| usable(s, program.bytes(e), arrays));
                tensors[e] = Some(match storage {
                    Some(s) => Tensor::window(s.clone(), 0, program.shapes[e].clone(), program.types[e])?,
                    None => fresh(e)?,
                });
            }
        }
        let mut head_grads = Vec::new();
        for (k, node) in program.head_grads.iter().enumerate() {
            let tensor = node.map(|_| fresh(program.outputs[k])).transpose()?;
            if let Some(node) = node {
                tensors[graph.nodes[*node].first] = tensor.clone();
            }
            head_grads.push(tensor);
        }
        let mut external: Vec<bool> = tensors.iter().map(Option::is_some).collect();
        for (e, i) in place_gradients(program, arrays, &mut external) {
            tensors[e] = arrays.grads[i].clone();
        }
        let plan = MemoryPlan::new(program, &external, stretches);
        let arena = match shared.filter(|s| s.arena.len() >= plan.arena_bytes) {
            Some(shared) => shared.arena.clone(),
            None => Arc::new(Storage::zeroed(plan.arena_bytes as u128, &[plan.arena_bytes].into())?),
        };
        for (e, place) in plan.places.iter().enumerate() {
            if let (None, Place::Arena(at)) = (&tensors[e], place) {
                tensors[e] = Some(Tensor::window(arena.clone(), *at, program.shapes[e].clone(), program.types[e])?);
            }
        }
        let get = |e: usize| {
            tensors[e].clone().ok_or_else(|| ExecError::State(format!("value {e} has no place in the memory plan")))
        };
        let mut steps = Vec::with_capacity(graph.nodes.len());
        for (i, node) in graph.nodes.iter().enumerate() {
            let Some(op) = &node.op else { continue };
            let inputs = node.inputs.iter().map(|&e| get(e)).collect::<ExecResult<_>>()?;
            let outputs = (node.first..node.first + node.outputs).map(get).collect::<ExecResult<_>>()?;
            steps.push(Step::new(registry, op, (i, node), inputs, outputs)?);
        }
        let split = steps.partition_point(|s| s.node < program.forward_nodes);
        let later = steps.split_off(split);
        let schedule = |steps| match program.devices.len() {
            0 | 1 => Schedule::new(steps, stretches, arena.as_ptr()),
            _ => Schedule::on_devices(steps, program),
        };
        let (forward, backward) = (schedule(steps), schedule(later));
        let finish = finishes(program, arrays, &get)?;
        let outputs = program.outputs.iter().map(|&e| get(e)).collect::<ExecResult<_>>()?;
        Ok(Layout { forward, backward, finish, outputs, head_grads, arena, plan })
    }
}

/// Whether an output may live in the memory of another executor's output: it fits, and is none of our own arrays.
fn usable(storage: &Arc<Storage>, bytes: usize, arrays: &Arrays) -> bool {
    let own = arrays.args.iter().chain(arrays.aux).chain(arrays.grads.iter().flatten());
    storage.len() >= bytes && !own.into_iter().any(|t| Arc::ptr_eq(t.storage(), storage))
}

/// Which values of `program` have their place outside of the arena.
pub(crate) fn external(program: &Program, arrays: &Arrays) -> Vec<bool> {
    let mut out = vec![false; program.graph.num_entries];
    program.graph.nodes.iter().filter(|n| n.op.is_none()).for_each(|n| out[n.first..n.first + n.outputs].fill(true));
    program.outputs.iter().chain(program.constants.iter().map(|(e, _)| e)).for_each(|&e| out[e] = true);
    place_gradients(program, arrays, &mut out);
    out
}

/// Lets the node that computes a gradient write into the gradient's array, where nothing else is in the way: the entries
/// with the number of the gradient, marked in `external`.
fn place_gradients(program: &Program, arrays: &Arrays, external: &mut [bool]) -> Vec<(usize, usize)> {
    let backward_start = program.graph.nodes.get(program.forward_nodes).map_or(usize::MAX, |n| n.first);
    let mut out = Vec::new();
    for (i, gradient) in program.gradients.iter().enumerate() {
        let (Some(e), Some(array), GradReq::Write) = (gradient, &arrays.grads[i], arrays.reqs[i]) else { continue };
        let others = arrays.args.iter().chain(arrays.aux);
        let others =
            others.chain(arrays.grads.iter().enumerate().filter(|(k, _)| *k != i).filter_map(|(_, g)| g.as_ref()));
        let shared = others.into_iter().any(|t| Arc::ptr_eq(t.storage(), array.storage()));
        let usable = !external[*e] && *e >= backward_start && !shared;
        if usable && *array.shape() == program.shapes[*e] && array.dtype() == program.types[*e] {
            external[*e] = true;
            out.push((*e, i));
        }
    }
    out
}

/// Copies, additions and zeros for the gradients that are not written in place.
fn finishes(program: &Program, arrays: &Arrays, get: &dyn Fn(usize) -> ExecResult<Tensor>) -> ExecResult<Vec<Finish>> {
    let mut out = Vec::new();
    for (i, req) in arrays.reqs.iter().enumerate() {
        let Some(to) = arrays.grads[i].clone() else { continue };
        match (req, program.gradients[i]) {
            (GradReq::Null, _) | (GradReq::Add, None) => {}
            (GradReq::Write, None) => out.push(Finish::Zero { to }),
            (GradReq::Write, Some(e)) => {
                let from = get(e)?;
                if !from.same_memory(&to) {
                    out.push(Finish::Copy { from, to });
                }
            }
            (GradReq::Add, Some(e)) => out.push(Finish::Add { from: get(e)?, to }),
        }
    }
    Ok(out)
}
