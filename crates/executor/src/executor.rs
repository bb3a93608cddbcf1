use crate::bind::infer;
use crate::steps::{Arrays, Layout, Step};
use crate::{ExecError, ExecResult, GradReq, MemoryPlan, Program, next_stream};
use rsym_graph::{Ctx, FlatGraph, OpError, Registry, Symbol, op_error_text};
use rsym_tensor::{DType, PartialShape, Shape, Storage, Tensor};
use std::collections::HashMap;
use std::sync::Arc;

/// The arrays that a symbol is bound to, in the order of its lists.
#[derive(Clone, Default)]
pub struct Bindings {
    /// One for each argument.
    pub args: Vec<Tensor>,
    /// One for each argument; `None` where no gradient is wanted.
    pub grads: Vec<Option<Tensor>>,
    /// One for each argument.
    pub reqs: Vec<GradReq>,
    /// One for each auxiliary state.
    pub aux: Vec<Tensor>,
    /// Memory of an executor that does not run at the same time, to be used where it is large enough.
    pub memory: Option<SharedMemory>,
}

/// The memory of an executor that others may use when it does not run.
#[derive(Clone)]
pub struct SharedMemory {
    /// That of the intermediate values.
    pub arena: Arc<Storage>,
    /// That of each output.
    pub outputs: Vec<Arc<Storage>>,
}

/// What the caller wants to see and say while steps run.
pub struct Hooks<'a> {
    /// Called with the name and value of every visible output right after it was computed.
    pub monitor: Option<&'a mut dyn FnMut(&str, &Tensor) -> ExecResult>,
    /// Whether the monitor sees inputs as well.
    pub monitor_inputs: bool,
    /// Asked now and then; `true` stops the run with [`ExecError::Interrupted`].
    pub interrupted: Option<&'a dyn Fn() -> bool>,
}

impl Hooks<'_> {
    /// Nothing to see and nothing to say.
    pub fn none() -> Hooks<'static> {
        Hooks { monitor: None, monitor_inputs: false, interrupted: None }
    }
}

/// A symbol bound to arrays, ready to run.
pub struct Executor {
    program: Program,
    bindings: Bindings,
    layout: Layout,
    trained: bool,
    ran: bool,
}

/// The interrupt is asked for after about this many bytes were touched.
const BYTES_BETWEEN_POLLS: usize = 8 << 20;

impl Executor {
    /// Binds `symbol` to `bindings`.
    pub fn bind(registry: &Registry, symbol: &Symbol, bindings: Bindings) -> ExecResult<Executor> {
        let graph = FlatGraph::new(symbol);
        let arrays = by_node(&graph, &bindings);
        let shape = |i, _: &str| arrays.get(&i).map(|t| t.shape().into());
        let (shapes, types) = infer(&graph, shape, |i, _| arrays.get(&i).map(|t| t.dtype()))?;
        Executor::assemble(registry, symbol, graph, shapes, types, bindings)
    }

    pub(crate) fn assemble(
        registry: &Registry,
        symbol: &Symbol,
        graph: FlatGraph,
        shapes: rsym_graph::Inferred<PartialShape>,
        types: rsym_graph::Inferred<Option<DType>>,
        bindings: Bindings,
    ) -> ExecResult<Executor> {
        let program = Program::new(registry, symbol, graph, shapes, types, &bindings.reqs)?;
        check_arrays(&program, &bindings)?;
        let arrays = Arrays { args: &bindings.args, aux: &bindings.aux, grads: &bindings.grads, reqs: &bindings.reqs };
        let layout = Layout::new(&program, &arrays, bindings.memory.as_ref())?;
        Ok(Executor { program, bindings, layout, trained: false, ran: false })
    }

    /// The arrays that the symbol is bound to.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// The outputs. Every forward pass writes into the same tensors.
    pub fn outputs(&self) -> &[Tensor] {
        &self.layout.outputs
    }

    /// The memory of intermediate values and outputs, to be shared with executors that do not run at the same time.
    pub fn memory(&self) -> SharedMemory {
        let outputs = self.layout.outputs.iter().map(|t| t.storage().clone()).collect();
        SharedMemory { arena: self.layout.arena.clone(), outputs }
    }

    /// The plan of that memory.
    pub fn plan(&self) -> &MemoryPlan {
        &self.layout.plan
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Computes the outputs.
    pub fn forward(&mut self, is_train: bool, hooks: &mut Hooks) -> ExecResult {
        self.trained = is_train;
        run(&self.program, &mut self.layout.forward, is_train, hooks)?;
        self.ran = true;
        Ok(())
    }

    /// Computes the gradients, after a forward pass in training mode if there was none yet. `head_grads` are those of the
    /// outputs; outputs past its end, or `None`, must not be needed; what lies past the outputs is ignored.
    pub fn backward(&mut self, head_grads: &[Option<Tensor>], hooks: &mut Hooks) -> ExecResult {
        if !self.ran {
            self.forward(true, hooks)?;
        }
        self.set_head_grads(head_grads)?;
        run(&self.program, &mut self.layout.backward, self.trained, hooks)?;
        self.layout.finish.iter_mut().try_for_each(|f| f.run())
    }

    fn set_head_grads(&mut self, given: &[Option<Tensor>]) -> ExecResult {
        let names: Vec<String> = self.program.outputs.iter().map(|&e| self.entry_name(e)).collect();
        for (k, slot) in self.layout.head_grads.iter_mut().enumerate() {
            let Some(slot) = slot else { continue };
            let Some(value) = given.get(k).and_then(Option::as_ref) else {
                return Err(ExecError::State(format!(
                    "backward needs the gradient of output '{}', which is no loss: give out_grads, one array for each output",
                    names[k]
                )));
            };
            if value.shape() != slot.shape() {
                return Err(ExecError::Array {
                    what: "gradient of output",
                    name: names[k].clone(),
                    expected: slot.shape().to_string(),
                    got: value.shape().to_string(),
                });
            }
            slot.assign(value)?;
        }
        Ok(())
    }

    fn entry_name(&self, entry: usize) -> String {
        let graph = &self.program.graph;
        let node = graph.nodes.partition_point(|n| n.first <= entry) - 1;
        graph.nodes[node].node.output_name(entry - graph.nodes[node].first)
    }
}

/// The arrays of arguments and auxiliary states by node: several may have the same name.
fn by_node(graph: &FlatGraph, bindings: &Bindings) -> HashMap<usize, Tensor> {
    let nodes = graph.arguments.iter().zip(&bindings.args).chain(graph.aux.iter().zip(&bindings.aux));
    nodes.map(|(&i, t)| (i, t.clone())).collect()
}

/// Every array must have the shape and type that inference found.
fn check_arrays(program: &Program, bindings: &Bindings) -> ExecResult {
    let check = |what: &'static str, node: usize, tensor: &Tensor| {
        let node = &program.graph.nodes[node];
        let (shape, dtype): (&Shape, DType) = (&program.shapes[node.first], program.types[node.first]);
        if tensor.shape() == shape && tensor.dtype() == dtype {
            return Ok(());
        }
        Err(ExecError::Array {
            what,
            name: node.node.name().to_string(),
            expected: format!("{shape} {dtype}"),
            got: format!("{} {}", tensor.shape(), tensor.dtype()),
        })
    };
    let graph = &program.graph;
    for (i, &node) in graph.arguments.iter().enumerate() {
        let Some(arg) = bindings.args.get(i) else { continue };
        check("argument", node, arg)?;
        if let Some(Some(grad)) = bindings.grads.get(i) {
            check("gradient of argument", node, grad)?;
        }
    }
    graph.aux.iter().zip(&bindings.aux).try_for_each(|(&node, aux)| check("auxiliary state", node, aux))
}

/// Runs the steps in order.
fn run(program: &Program, steps: &mut [Step], is_train: bool, hooks: &mut Hooks) -> ExecResult {
    let plain = Ctx { is_train, ..Ctx::default() };
    let mut touched = 0;
    for step in steps {
        let ctx = if step.op.is_random() { next_stream(is_train) } else { plain };
        if hooks.monitor_inputs {
            show_inputs(program, step, hooks)?;
        }
        step.run(&ctx).map_err(|e| run_error(program, step, &e))?;
        show_outputs(program, step, hooks)?;
        if let Some(interrupted) = hooks.interrupted {
            touched += step.bytes() + 4096;
            if touched > BYTES_BETWEEN_POLLS {
                touched = 0;
                if interrupted() {
                    return Err(ExecError::Interrupted);
                }
            }
        }
    }
    Ok(())
}

/// Shows the monitor what a step is about to read, variables under their own names as well.
fn show_inputs(program: &Program, step: &Step, hooks: &mut Hooks) -> ExecResult {
    let Some(monitor) = &mut hooks.monitor else { return Ok(()) };
    let node = &program.graph.nodes[step.node].node;
    let names = node.input_names();
    for (k, (tensor, entry)) in step.inputs.iter().zip(node.inputs().iter()).enumerate() {
        if entry.node.is_variable() {
            monitor(&entry.node.name(), tensor)?;
        }
        let input = names.get(k).map_or_else(|| format!("input{k}"), |n| n.to_string());
        monitor(&format!("{}_{input}", node.name()), tensor)?;
    }
    Ok(())
}

/// Shows the monitor what a step has computed.
fn show_outputs(program: &Program, step: &Step, hooks: &mut Hooks) -> ExecResult {
    let Some(monitor) = &mut hooks.monitor else { return Ok(()) };
    let node = &program.graph.nodes[step.node].node;
    for (k, tensor) in step.outputs.iter().enumerate().take(step.op.num_visible()) {
        monitor(&node.output_name(k), tensor)?;
    }
    Ok(())
}

fn run_error(program: &Program, step: &Step, error: &OpError) -> ExecError {
    let node = &program.graph.nodes[step.node];
    let names = node.node.input_names();
    let describe = |(k, t): (usize, &Tensor)| {
        let name = names.get(k).map_or_else(|| format!("input{k}"), |n| n.to_string());
        format!("{name}={} {}", t.shape(), t.dtype())
    };
    ExecError::Run {
        node: node.node.name().to_string(),
        op: node.node.op_name(),
        error: op_error_text(node, error),
        inputs: step.inputs.iter().enumerate().map(describe).collect::<Vec<_>>().join(", "),
    }
}
