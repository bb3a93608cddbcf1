use crate::bind::infer;
use crate::branches::stretches;
use crate::inner::Keys;
use crate::passes::{BRANCHES, Mode, PassSet, join_equal, optimise};
use crate::profile::{Recorder, Source as Recorded};
use crate::schedule::Schedule;
use crate::steps::{Arrays, Layout, Step, external};
use crate::{ExecError, ExecResult, GradReq, MemoryPlan, MemoryReport, Program, Recomputed, next_stream, recompute};
use rsym_graph::{Cache, Ctx, FlatGraph, Inferred, OpError, Registry, Symbol, op_error_text};
use rsym_kernels::parallel::TaskGraph;
use rsym_tensor::{DType, PartialShape, Shape, Storage, Tensor};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// The most bytes that intermediate values may take: where they would take more, the backward pass computes values of
    /// the forward pass again instead of having them kept. Does not hold while a monitor sees every value.
    pub budget: Option<usize>,
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
///
/// What runs is compiled when it is first needed: for inference, for training, and as the graph was written for
/// monitors. All of them share arrays, outputs and memory.
pub struct Executor {
    source: Source,
    bindings: Bindings,
    outputs: Vec<Tensor>,
    variants: [Option<Compiled>; 3],
    /// What ran last, and whether it was a training pass.
    last: Option<(Variant, bool)>,
    cache: Cache,
    /// Whether passes that are no training draw numbers on which gradients may depend.
    draws: bool,
    /// The random keys of the next run, where it does not take those of the process.
    keys: Option<Keys>,
}

/// What programs are made from.
struct Source {
    registry: &'static Registry,
    symbol: Symbol,
    off: PassSet,
}

/// A program in the form in which it runs.
struct Compiled {
    program: Program,
    layout: Layout,
    recomputed: Option<Recomputed>,
}

/// Forms of one symbol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// Forward passes that are no training.
    Inference,
    /// Forward and backward.
    Training,
    /// Forward and backward without any pass over the program: every value can be seen.
    Plain,
}

impl Variant {
    /// What an executor is taken for, the first that was compiled.
    const BY_RANK: [Variant; 3] = [Variant::Training, Variant::Inference, Variant::Plain];
}

/// The interrupt is asked for after about this many bytes were touched.
const BYTES_BETWEEN_POLLS: usize = 8 << 20;

impl Executor {
    /// Binds `symbol` to `bindings`.
    pub fn bind(registry: &'static Registry, symbol: &Symbol, bindings: Bindings) -> ExecResult<Executor> {
        let graph = FlatGraph::new(symbol);
        let (shapes, types) = infer_bound(&graph, &bindings)?;
        Executor::assemble(registry, symbol, graph, shapes, types, bindings)
    }

    pub(crate) fn assemble(
        registry: &'static Registry,
        symbol: &Symbol,
        graph: FlatGraph,
        shapes: Inferred<PartialShape>,
        types: Inferred<Option<DType>>,
        bindings: Bindings,
    ) -> ExecResult<Executor> {
        let source = Source { registry, symbol: symbol.clone(), off: PassSet::off()? };
        let program = Program::new(registry, symbol, graph, shapes, types, &bindings.reqs)?;
        check_arrays(&program, &bindings)?;
        let trains = bindings.reqs.iter().any(|req| *req != GradReq::Null);
        let first = if trains { Variant::Training } else { Variant::Inference };
        let mut operators = program.graph.nodes.iter().filter_map(|n| n.op.as_ref());
        let draws = trains && operators.any(|op| op.is_random() && !op.is_identity(false));
        let compiled = source.compile(program, first, &bindings, bindings.memory.as_ref(), bindings.budget)?;
        let outputs = compiled.layout.outputs.clone();
        let mut variants = [const { None }; 3];
        variants[first as usize] = Some(compiled);
        Ok(Executor { source, bindings, outputs, variants, last: None, cache: Cache::default(), draws, keys: None })
    }

    /// The arrays that the symbol is bound to.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// The outputs. Every forward pass writes into the same tensors.
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// The memory of intermediate values and outputs, to be shared with executors that do not run at the same time.
    pub fn memory(&self) -> SharedMemory {
        let arenas = self.variants.iter().flatten().map(|c| &c.layout.arena);
        let arena = arenas.max_by_key(|a| a.len()).cloned().unwrap_or_else(|| Arc::new(Storage::default()));
        SharedMemory { arena, outputs: self.outputs.iter().map(|t| t.storage().clone()).collect() }
    }

    /// The program and the memory plan that were compiled first: for training if there are gradients, else for inference.
    pub fn compiled(&self) -> Option<(&Program, &MemoryPlan)> {
        let found = Variant::BY_RANK.into_iter().find_map(|v| self.variants[v as usize].as_ref());
        found.map(|c| (&c.program, &c.layout.plan))
    }

    /// The symbol with equal subexpressions joined, unless that pass is off.
    pub fn optimized_symbol(&self) -> ExecResult<Symbol> {
        let program = self.source.program(Variant::Inference, &self.bindings)?;
        join_equal(program, self.source.off).map(|program| program.symbol())
    }

    /// Where the bytes of what [`Executor::compiled`] gives go.
    pub fn memory_report(&self) -> Option<MemoryReport> {
        let found = Variant::BY_RANK.into_iter().find_map(|v| self.variants[v as usize].as_ref());
        found.map(|c| {
            MemoryReport::new(&c.program, &c.layout, &self.bindings, c.recomputed.as_ref(), self.cache.bytes())
        })
    }

    /// Computes the outputs.
    pub fn forward(&mut self, is_train: bool, hooks: &mut Hooks) -> ExecResult {
        let variant = match (hooks.monitor.is_some(), is_train) {
            (true, _) => Variant::Plain,
            (_, true) => Variant::Training,
            // A backward pass must see the numbers that were drawn, so they cannot be drawn anew for it.
            (_, false) if self.draws => Variant::Training,
            (_, false) => Variant::Inference,
        };
        self.last = None;
        self.run_forward(variant, is_train, hooks)
    }

    /// Computes the outputs of a graph inside of an operator, with random keys of its own. Where it has gradients, they come
    /// next.
    pub(crate) fn forward_inside(&mut self, is_train: bool, keys: Keys, hooks: &mut Hooks) -> ExecResult {
        let has_gradients = self.bindings.reqs.iter().any(|req| *req != GradReq::Null);
        let variant = if is_train || has_gradients { Variant::Training } else { Variant::Inference };
        self.keys = Some(keys);
        self.run_forward(variant, is_train, hooks)
    }

    fn run_forward(&mut self, variant: Variant, is_train: bool, hooks: &mut Hooks) -> ExecResult {
        self.prepare(variant)?;
        let Some(compiled) = &mut self.variants[variant as usize] else { return Ok(()) };
        let run = Run { program: &compiled.program, is_train, cache: &self.cache, keys: self.keys.as_ref() };
        run.steps(&mut compiled.layout.forward, hooks)?;
        self.last = Some((variant, is_train));
        Ok(())
    }

    /// Computes the gradients, after a forward pass in training mode if there was none yet. `head_grads` are those of the
    /// outputs; outputs past its end, or `None`, must not be needed; what lies past the outputs is ignored.
    pub fn backward(&mut self, head_grads: &[Option<Tensor>], hooks: &mut Hooks) -> ExecResult {
        let (variant, is_train) = match self.last {
            Some(last) if last.0 != Variant::Inference => last,
            last => {
                let variant = if hooks.monitor.is_some() { Variant::Plain } else { Variant::Training };
                let is_train = last.is_none_or(|(_, is_train)| is_train);
                self.run_forward(variant, is_train, hooks)?;
                (variant, is_train)
            }
        };
        let Some(compiled) = &mut self.variants[variant as usize] else { return Ok(()) };
        compiled.set_head_grads(head_grads)?;
        // A monitor that came after the forward pass would see values that are not those of the graph as written.
        let mut unseen = Hooks { monitor: None, monitor_inputs: false, interrupted: hooks.interrupted };
        let hooks = if variant == Variant::Plain { hooks } else { &mut unseen };
        let run = Run { program: &compiled.program, is_train, cache: &self.cache, keys: self.keys.as_ref() };
        run.steps(&mut compiled.layout.backward, hooks)?;
        compiled.layout.finish.iter_mut().try_for_each(|f| f.run())
    }

    /// Compiles `variant` unless that was done before.
    fn prepare(&mut self, variant: Variant) -> ExecResult {
        if self.variants[variant as usize].is_some() {
            return Ok(());
        }
        let memory = self.memory();
        let program = self.source.program(variant, &self.bindings)?;
        let compiled = self.source.compile(program, variant, &self.bindings, Some(&memory), None)?;
        self.variants[variant as usize] = Some(compiled);
        Ok(())
    }
}

impl Source {
    /// The program of `variant` before any pass, from the arrays that are bound.
    fn program(&self, variant: Variant, bindings: &Bindings) -> ExecResult<Program> {
        let graph = FlatGraph::new(&self.symbol);
        let (shapes, types) = infer_bound(&graph, bindings)?;
        Program::new(self.registry, &self.symbol, graph, shapes, types, &wanted(variant, bindings))
    }

    fn compile(
        &self,
        program: Program,
        variant: Variant,
        bindings: &Bindings,
        memory: Option<&SharedMemory>,
        budget: Option<usize>,
    ) -> ExecResult<Compiled> {
        let program = match variant {
            Variant::Inference => optimise(program, Mode::Inference, self.off)?,
            Variant::Training => optimise(program, Mode::Training, self.off)?,
            Variant::Plain => program,
        };
        let reqs = wanted(variant, bindings);
        let arrays = Arrays { args: &bindings.args, aux: &bindings.aux, grads: &bindings.grads, reqs: &reqs };
        let (program, recomputed) = match variant {
            Variant::Plain => (program, None),
            _ => recompute::run(program, |p| external(p, &arrays), budget)?,
        };
        let apart = variant == Variant::Plain || budget.is_some() || self.off.contains(BRANCHES);
        let stretches = if apart { Vec::new() } else { stretches(&program) };
        let layout = Layout::new(self.registry, &program, &arrays, memory, &stretches)?;
        Ok(Compiled { program, layout, recomputed })
    }
}

/// What `variant` does with the gradients.
fn wanted(variant: Variant, bindings: &Bindings) -> Vec<GradReq> {
    let none = variant == Variant::Inference;
    bindings.reqs.iter().map(|&req| if none { GradReq::Null } else { req }).collect()
}

impl Compiled {
    fn set_head_grads(&mut self, given: &[Option<Tensor>]) -> ExecResult {
        let outputs = &self.program.outputs;
        let name = |k: usize| entry_name(&self.program, outputs[k]);
        for (k, slot) in self.layout.head_grads.iter_mut().enumerate() {
            let Some(slot) = slot else { continue };
            let Some(value) = given.get(k).and_then(Option::as_ref) else {
                return Err(ExecError::State(format!(
                    "backward needs the gradient of output '{}', which is no loss: give out_grads, one array for each output",
                    name(k)
                )));
            };
            if value.shape() != slot.shape() {
                return Err(ExecError::Array {
                    what: "gradient of output",
                    name: name(k),
                    expected: slot.shape().to_string(),
                    got: value.shape().to_string(),
                });
            }
            slot.assign(value)?;
        }
        Ok(())
    }
}

fn entry_name(program: &Program, entry: usize) -> String {
    let producer = program.graph.nodes.iter().find(|n| (n.first..n.first + n.outputs).contains(&entry));
    producer.map_or_else(String::new, |n| n.node.output_name(entry - n.first))
}

/// Shapes and types of a graph whose variables are bound.
fn infer_bound(
    graph: &FlatGraph,
    bindings: &Bindings,
) -> ExecResult<(Inferred<PartialShape>, Inferred<Option<DType>>)> {
    let arrays = by_node(graph, bindings);
    infer(graph, |i, _: &str| arrays.get(&i).map(|t| t.shape().into()), |i, _| arrays.get(&i).map(|t| t.dtype()))
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

/// What steps run with.
struct Run<'a> {
    program: &'a Program,
    is_train: bool,
    cache: &'a Cache,
    keys: Option<&'a Keys>,
}

impl Run<'_> {
    /// Runs the steps of a schedule, and records them where that is asked for.
    fn steps(&self, schedule: &mut Schedule, hooks: &mut Hooks) -> ExecResult {
        let (program, recorder) = (self.program, Recorder::new(Recorded::Symbolic));
        let run_step = |step: &mut Step, ctx: &Ctx, interrupted: &dyn Fn() -> bool| {
            let Some(recorder) = &recorder else { return step.run(ctx, interrupted) };
            let (op, node) = (step.op.clone(), program.graph.nodes[step.node].node.name());
            let bytes = step.outputs.iter().map(Tensor::bytes).sum();
            recorder.time(op.name(), node, bytes, || step.run(ctx, interrupted))
        };
        let interrupted = hooks.interrupted.unwrap_or(&|| false);
        let plain = Ctx { is_train: self.is_train, cache: Some(self.cache), ..Ctx::default() };
        let mut touched = 0;
        schedule.each(hooks.monitor.is_none(), |steps, tasks| {
            if let Some(tasks) = tasks {
                run_together(steps, tasks, |step| run_step(step, &plain, &|| false))
                    .map_err(|(failed, e)| run_error(program, &steps[failed], &e))?;
                return poll(hooks, &mut touched, steps.iter().map(|step| step.bytes() + 4096).sum());
            }
            for step in steps {
                let ctx = if step.op.is_random() { self.random(step) } else { plain };
                if hooks.monitor_inputs {
                    show_inputs(program, step, hooks)?;
                }
                run_step(step, &ctx, interrupted).map_err(|e| run_error(program, step, &e))?;
                show_outputs(program, step, hooks)?;
                poll(hooks, &mut touched, step.bytes() + 4096)?;
            }
            Ok(())
        })
    }

    /// The context of a step that draws numbers.
    fn random(&self, step: &Step) -> Ctx<'_> {
        let ctx = match self.keys {
            Some(keys) => keys.of(&self.program.graph.nodes[step.node].node, self.is_train),
            None => next_stream(self.is_train),
        };
        Ctx { cache: Some(self.cache), ..ctx }
    }
}

/// Runs steps side by side. Of those that fail the first is given.
fn run_together(
    steps: &mut [Step],
    tasks: &TaskGraph,
    run_step: impl Fn(&mut Step) -> Result<(), OpError> + Sync,
) -> Result<(), (usize, OpError)> {
    let failed: Mutex<Option<(usize, OpError)>> = Mutex::new(None);
    let steps: Vec<Mutex<&mut Step>> = steps.iter_mut().map(Mutex::new).collect();
    tasks.run(|i| {
        let result = run_step(&mut steps[i].lock().unwrap_or_else(PoisonError::into_inner));
        let Err(error) = result else { return true };
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.as_ref().is_none_or(|(first, _)| i < *first) {
            *failed = Some((i, error));
        }
        false
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Asks now and then, after `bytes` more, whether the run is to stop.
fn poll(hooks: &Hooks, touched: &mut usize, bytes: usize) -> ExecResult {
    let Some(interrupted) = hooks.interrupted else { return Ok(()) };
    *touched += bytes;
    if *touched <= BYTES_BETWEEN_POLLS {
        return Ok(());
    }
    *touched = 0;
    if interrupted() { Err(ExecError::Interrupted) } else { Ok(()) }
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
    if *error == OpError::Interrupted {
        return ExecError::Interrupted;
    }
    let node = &program.graph.nodes[step.node];
    let names = node.node.input_names();
    let describe = |(k, t): (usize, &Tensor)| {
        let name = names.get(k).map_or_else(|| format!("input{k}"), |n| n.to_string());
        format!("{name}={} {}", t.shape(), t.dtype())
    };
    let inputs = step.inputs.iter().enumerate().map(describe).collect::<Vec<_>>().join(", ");
    ExecError::run(node.node.name().to_string(), node.node.op_name(), error, op_error_text(node, error), inputs)
}
