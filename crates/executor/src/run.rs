//! One walk over the steps of a schedule.

use crate::inner::Keys;
use crate::profile::{Recorder, Source as Recorded};
use crate::schedule::Schedule;
use crate::steps::Step;
use crate::{ExecError, ExecResult, Hooks, Program, next_stream};
use rsym_graph::{Cache, Ctx, Interrupted, OpError, op_error_text};
use rsym_kernels::parallel::TaskGraph;
use rsym_tensor::Tensor;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The interrupt is asked for after about this many bytes were touched.
const BYTES_BETWEEN_POLLS: usize = 8 << 20;

/// What a run of steps needs to know.
pub(crate) struct Run<'a> {
    pub program: &'a Program,
    pub is_train: bool,
    pub cache: &'a Cache,
    /// The random keys of the steps that draw numbers, in their order.
    pub draws: &'a [Ctx<'static>],
}

/// Random keys for the steps that draw numbers, in their order: so they do not depend on which runs first.
pub(crate) fn draws(program: &Program, schedule: &Schedule, keys: Option<&Keys>, is_train: bool) -> Vec<Ctx<'static>> {
    let random = schedule.steps().iter().filter(|step| step.op.is_random());
    let key = |step: &Step| match keys {
        Some(keys) => keys.of(&program.graph.nodes[step.node].node, is_train),
        None => next_stream(is_train),
    };
    random.map(key).collect()
}

impl<'a> Run<'a> {
    /// Runs the steps; each is shown to the monitor, and those of devices and branches run side by side where there is none.
    pub fn steps(&self, schedule: &mut Schedule, hooks: &mut Hooks) -> ExecResult {
        let recorder = Recorder::new(Recorded::Symbolic);
        let interrupted = hooks.interrupted.unwrap_or(&|| false);
        let mut draws = self.draws.iter();
        let mut touched = 0;
        schedule.each(hooks.monitor.is_none(), |steps, tasks| {
            let mut ctxs = Vec::new();
            if let Some(tasks) = tasks {
                ctxs.extend(steps.iter().map(|step| self.ctx(step, &mut draws)));
                let bytes = steps.iter().map(|step| step.bytes() + 4096).sum();
                self.run_together(steps, &ctxs, tasks, recorder.as_ref(), interrupted)?;
                return poll(hooks, &mut touched, bytes);
            }
            for step in steps {
                let ctx = self.ctx(step, &mut draws);
                if hooks.monitor_inputs {
                    show_inputs(self.program, step, hooks)?;
                }
                self.run_step(step, &ctx, recorder.as_ref(), interrupted)
                    .map_err(|e| run_error(self.program, step, &e))?;
                show_outputs(self.program, step, hooks)?;
                poll(hooks, &mut touched, step.bytes() + 4096)?;
            }
            Ok(())
        })
    }

    /// The context of the next step.
    fn ctx(&self, step: &Step, draws: &mut std::slice::Iter<Ctx<'static>>) -> Ctx<'a> {
        let plain = Ctx { is_train: self.is_train, ..Ctx::default() };
        let own = if step.op.is_random() { draws.next().copied() } else { None };
        Ctx { cache: Some(self.cache), ..own.unwrap_or(plain) }
    }

    fn run_step(
        &self,
        step: &mut Step,
        ctx: &Ctx,
        recorder: Option<&Recorder>,
        interrupted: Interrupted,
    ) -> Result<(), OpError> {
        let Some(recorder) = recorder else { return step.run(ctx, interrupted) };
        let (op, node) = (step.op.clone(), self.program.graph.nodes[step.node].node.name());
        let bytes = step.outputs.iter().map(Tensor::bytes).sum();
        recorder.time(op.name(), node, bytes, || step.run(ctx, interrupted))
    }

    /// Runs steps side by side. Of those that fail the first is given. Only the calling thread asks for interrupts.
    fn run_together(
        &self,
        steps: &mut [Step],
        ctxs: &[Ctx],
        tasks: &TaskGraph,
        recorder: Option<&Recorder>,
        interrupted: Interrupted,
    ) -> ExecResult {
        let caller = thread::current().id();
        let (stop, touched) = (AtomicBool::new(false), AtomicUsize::new(0));
        let stopped = || {
            if thread::current().id() == caller && !stop.load(Ordering::Relaxed) && interrupted() {
                stop.store(true, Ordering::Relaxed);
            }
            stop.load(Ordering::Relaxed)
        };
        let stopped_after = |bytes: usize| {
            if thread::current().id() != caller || touched.fetch_add(bytes, Ordering::Relaxed) <= BYTES_BETWEEN_POLLS {
                return stop.load(Ordering::Relaxed);
            }
            touched.store(0, Ordering::Relaxed);
            stopped()
        };
        let failed: Mutex<Option<(usize, OpError)>> = Mutex::new(None);
        let places: Vec<Mutex<&mut Step>> = steps.iter_mut().map(Mutex::new).collect();
        let run = |i: usize| {
            let mut step = places[i].lock().unwrap_or_else(PoisonError::into_inner);
            let result = self.run_step(&mut step, &ctxs[i], recorder, &stopped);
            let Err(error) = result else { return !stopped_after(step.bytes() + 4096) };
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if failed.as_ref().is_none_or(|(first, _)| i < *first) {
                *failed = Some((i, error));
            }
            false
        };
        tasks.run_watched(run, || !stopped());
        drop(places);
        if stop.into_inner() {
            return Err(ExecError::Interrupted);
        }
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |(i, e)| Err(run_error(self.program, &steps[i], &e)))
    }
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
        let name = names.get(k).filter(|_| !step.op.def().unnamed);
        let input = name.map_or_else(|| format!("input{k}"), |n| n.to_string());
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
