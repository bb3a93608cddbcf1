use crate::bind::infer;
use crate::branches::stretches;
use crate::inner::Keys;
use crate::passes::{BRANCHES, Mode, PassSet, join_equal, optimise};
use crate::placement::{Origins, place};
use crate::run::{Run, draws};
use crate::steps::{Arrays, Layout, external};
use crate::{
    Device, ExecError, ExecResult, GradReq, MemoryPlan, MemoryReport, Placement, Program, Recomputed, recompute,
};
use rsym_graph::{Cache, Ctx, FlatGraph, Inferred, Interrupted, Registry, Symbol};
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
    /// The most bytes that intermediate values may take: where they would take more, the backward pass computes values of
    /// the forward pass again instead of having them kept. Does not hold while a monitor sees every value.
    pub budget: Option<usize>,
    /// Where what runs, if there are several devices. Monitors see the graph as it was written, on one.
    pub placement: Option<Placement>,
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
    pub interrupted: Option<Interrupted<'a>>,
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
    /// The devices of the outputs, if there is a placement.
    output_devices: Vec<Device>,
}

/// A pass that is about to run.
pub(crate) struct Pass {
    variant: Variant,
    is_train: bool,
    draws: Vec<Ctx<'static>>,
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
        let mut origins = Origins::new();
        let mut program = Program::new(registry, symbol, graph, shapes, types, &bindings.reqs, &mut origins)?;
        check_arrays(&program, &bindings)?;
        let trains = bindings.reqs.iter().any(|req| *req != GradReq::Null);
        let first = if trains { Variant::Training } else { Variant::Inference };
        let mut operators = program.graph.nodes.iter().filter_map(|n| n.op.as_ref());
        let draws = trains && operators.any(|op| op.is_random() && !op.is_identity(false));
        let mut output_devices = Vec::new();
        if let Some(placement) = &bindings.placement {
            (program, output_devices) = place(program, placement, &origins)?;
        }
        let compiled = source.compile(program, first, &bindings, bindings.memory.as_ref(), bindings.budget)?;
        let outputs = compiled.layout.outputs.clone();
        let mut variants = [const { None }; 3];
        variants[first as usize] = Some(compiled);
        let (last, cache, keys) = (None, Cache::default(), None);
        Ok(Executor { source, bindings, outputs, variants, last, cache, draws, keys, output_devices })
    }

    /// The arrays that the symbol is bound to.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// The outputs. Every forward pass writes into the same tensors.
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// The devices of the outputs; none if there is no placement.
    pub fn output_devices(&self) -> &[Device] {
        &self.output_devices
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
        let (program, _) = self.source.program(Variant::Inference, &self.bindings)?;
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
        let pass = self.begin_forward(is_train, hooks.monitor.is_some())?;
        self.go_forward(&pass, hooks)
    }

    /// Makes everything ready for a forward pass; what it draws is decided now.
    pub(crate) fn begin_forward(&mut self, is_train: bool, seen: bool) -> ExecResult<Pass> {
        let variant = match (seen, is_train) {
            (true, _) => Variant::Plain,
            (_, true) => Variant::Training,
            // A backward pass must see the numbers that were drawn, so they cannot be drawn anew for it.
            (_, false) if self.draws => Variant::Training,
            (_, false) => Variant::Inference,
        };
        self.begin(variant, is_train)
    }

    /// Computes the outputs of a graph inside of an operator, with random keys of its own. Where it has gradients, they come
    /// next.
    pub(crate) fn forward_inside(&mut self, is_train: bool, keys: Keys, hooks: &mut Hooks) -> ExecResult {
        let has_gradients = self.bindings.reqs.iter().any(|req| *req != GradReq::Null);
        let variant = if is_train || has_gradients { Variant::Training } else { Variant::Inference };
        self.keys = Some(keys);
        let pass = self.begin(variant, is_train)?;
        self.go_forward(&pass, hooks)
    }

    fn begin(&mut self, variant: Variant, is_train: bool) -> ExecResult<Pass> {
        self.last = None;
        self.prepare(variant)?;
        let compiled = self.variants[variant as usize].as_ref();
        let draw = |c: &Compiled| draws(&c.program, &c.layout.forward, self.keys.as_ref(), is_train);
        Ok(Pass { variant, is_train, draws: compiled.map(draw).unwrap_or_default() })
    }

    /// Runs the forward pass that was made ready.
    pub(crate) fn go_forward(&mut self, pass: &Pass, hooks: &mut Hooks) -> ExecResult {
        let Some(compiled) = &mut self.variants[pass.variant as usize] else { return Ok(()) };
        let run = pass.run(&compiled.program, &self.cache);
        run.steps(&mut compiled.layout.forward, hooks)?;
        self.last = Some((pass.variant, pass.is_train));
        Ok(())
    }

    /// Computes the gradients, after a forward pass in training mode if there was none yet. `head_grads` are those of the
    /// outputs; outputs past its end, or `None`, must not be needed; what lies past the outputs is ignored.
    pub fn backward(&mut self, head_grads: &[Option<Tensor>], hooks: &mut Hooks) -> ExecResult {
        if let Some(pass) = self.missing_forward(hooks.monitor.is_some())? {
            self.go_forward(&pass, hooks)?;
        }
        let pass = self.begin_backward(head_grads)?;
        self.go_backward(&pass, hooks)
    }

    /// The forward pass that a backward pass needs first, if the last one is not what it needs.
    pub(crate) fn missing_forward(&mut self, seen: bool) -> ExecResult<Option<Pass>> {
        if self.last.is_some_and(|last| last.0 != Variant::Inference) {
            return Ok(None);
        }
        let variant = if seen { Variant::Plain } else { Variant::Training };
        let is_train = self.last.is_none_or(|(_, is_train)| is_train);
        self.begin(variant, is_train).map(Some)
    }

    /// Makes everything ready for a backward pass, which follows a forward pass.
    pub(crate) fn begin_backward(&mut self, head_grads: &[Option<Tensor>]) -> ExecResult<Pass> {
        let (variant, is_train) = self.last.unwrap_or((Variant::Training, true));
        let Some(compiled) = &mut self.variants[variant as usize] else {
            return Ok(Pass { variant, is_train, draws: Vec::new() });
        };
        compiled.set_head_grads(head_grads)?;
        let draws = draws(&compiled.program, &compiled.layout.backward, self.keys.as_ref(), is_train);
        Ok(Pass { variant, is_train, draws })
    }

    /// Runs the backward pass that was made ready.
    pub(crate) fn go_backward(&mut self, pass: &Pass, hooks: &mut Hooks) -> ExecResult {
        let Some(compiled) = &mut self.variants[pass.variant as usize] else { return Ok(()) };
        // A monitor that came after the forward pass would see values that are not those of the graph as written.
        let mut unseen = Hooks { monitor: None, monitor_inputs: false, interrupted: hooks.interrupted };
        let hooks = if pass.variant == Variant::Plain { hooks } else { &mut unseen };
        let run = pass.run(&compiled.program, &self.cache);
        run.steps(&mut compiled.layout.backward, hooks)?;
        compiled.layout.finish.iter_mut().try_for_each(|f| f.run())
    }

    /// Compiles `variant` unless that was done before.
    fn prepare(&mut self, variant: Variant) -> ExecResult {
        if self.variants[variant as usize].is_some() {
            return Ok(());
        }
        let memory = self.memory();
        let (mut program, origins) = self.source.program(variant, &self.bindings)?;
        if let Some(placement) = self.bindings.placement.as_ref().filter(|_| variant != Variant::Plain) {
            program = place(program, placement, &origins)?.0;
        }
        let compiled = self.source.compile(program, variant, &self.bindings, Some(&memory), None)?;
        self.variants[variant as usize] = Some(compiled);
        Ok(())
    }
}

impl Pass {
    fn run<'a>(&'a self, program: &'a Program, cache: &'a Cache) -> Run<'a> {
        Run { program, is_train: self.is_train, cache, draws: &self.draws }
    }
}

impl Source {
    /// The program of `variant` before any pass, from the arrays that are bound.
    fn program(&self, variant: Variant, bindings: &Bindings) -> ExecResult<(Program, Origins)> {
        let graph = FlatGraph::new(&self.symbol);
        let (shapes, types) = infer_bound(&graph, bindings)?;
        let (reqs, mut origins) = (wanted(variant, bindings), Origins::new());
        let program = Program::new(self.registry, &self.symbol, graph, shapes, types, &reqs, &mut origins)?;
        Ok((program, origins))
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
        let several = program.devices.len() > 1;
        let apart = several || variant == Variant::Plain || budget.is_some() || self.off.contains(BRANCHES);
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
