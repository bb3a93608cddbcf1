//! Several executors that run at once, as data parallel training needs them.
//!
//! Each takes its share of the threads while others run too; what they draw is decided before, in the order in which they are
//! given. So every bit is as if they ran one after the other.

use crate::executor::Pass;
use crate::{ExecError, ExecResult, Executor, Hooks};
use rsym_graph::Interrupted;
use rsym_kernels::parallel::TaskGraph;
use rsym_tensor::{Storage, Tensor};
use rustc_hash::FxHashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Computes the outputs of all executors, at once where they do not write memory that another one uses. Monitors see nothing.
pub fn forward_all(executors: &mut [&mut Executor], is_train: bool, interrupted: Interrupted) -> ExecResult {
    let passes = executors.iter_mut().map(|e| e.begin_forward(is_train, false).map(Some));
    let passes = passes.collect::<ExecResult<Vec<_>>>()?;
    run_all(executors, &passes, interrupted, Executor::go_forward)
}

/// Computes the gradients of all executors, as [`forward_all`]; `head_grads` has a list for each, as
/// [`Executor::backward`] takes it.
pub fn backward_all(
    executors: &mut [&mut Executor],
    head_grads: &[Vec<Option<Tensor>>],
    interrupted: Interrupted,
) -> ExecResult {
    if head_grads.len() != executors.len() {
        let (given, needed) = (head_grads.len(), executors.len());
        return Err(ExecError::State(format!("{given} lists of gradients of outputs for {needed} executors")));
    }
    let missing = executors.iter_mut().map(|e| e.missing_forward(false));
    let missing = missing.collect::<ExecResult<Vec<_>>>()?;
    run_all(executors, &missing, interrupted, Executor::go_forward)?;
    let passes = executors.iter_mut().zip(head_grads).map(|(e, heads)| e.begin_backward(heads).map(Some));
    let passes = passes.collect::<ExecResult<Vec<_>>>()?;
    run_all(executors, &passes, interrupted, Executor::go_backward)
}

/// Runs what is to run of each executor. Of the errors that of the first executor is given.
fn run_all(
    executors: &mut [&mut Executor],
    passes: &[Option<Pass>],
    interrupted: Interrupted,
    go: impl Fn(&mut Executor, &Pass, &mut Hooks) -> ExecResult + Sync,
) -> ExecResult {
    let caller = thread::current().id();
    let stop = AtomicBool::new(false);
    let stopped = || {
        if thread::current().id() == caller && !stop.load(Ordering::Relaxed) && interrupted() {
            stop.store(true, Ordering::Relaxed);
        }
        stop.load(Ordering::Relaxed)
    };
    let most = if are_apart(executors) { executors.len() } else { 1 };
    let failed: Mutex<Option<(usize, ExecError)>> = Mutex::new(None);
    let places: Vec<_> = executors.iter_mut().map(Mutex::new).collect();
    let run = |i: usize| {
        let Some(pass) = &passes[i] else { return true };
        let mut executor = places[i].lock().unwrap_or_else(PoisonError::into_inner);
        let mut hooks = Hooks { monitor: None, monitor_inputs: false, interrupted: Some(&stopped) };
        let Err(error) = go(&mut executor, pass, &mut hooks) else { return true };
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.as_ref().is_none_or(|(first, _)| i < *first) {
            *failed = Some((i, error));
        }
        false
    };
    TaskGraph::new(passes.len(), &[]).wide(most).run_watched(run, || !stopped());
    if stop.into_inner() {
        return Err(ExecError::Interrupted);
    }
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, e)| Err(e))
}

/// Whether no executor writes memory that another one uses.
fn are_apart(executors: &[&mut Executor]) -> bool {
    let mut read: FxHashSet<*const Storage> = FxHashSet::default();
    let mut written: FxHashSet<*const Storage> = FxHashSet::default();
    executors.iter().all(|e| {
        let b = e.bindings();
        let memory = e.memory();
        let arrays = b.aux.iter().chain(b.grads.iter().flatten()).map(|t| t.storage());
        let writes: FxHashSet<_> =
            arrays.chain(&memory.outputs).chain([&memory.arena]).filter(|s| !s.is_empty()).map(Arc::as_ptr).collect();
        let reads: FxHashSet<_> = b.args.iter().map(|t| Arc::as_ptr(t.storage())).collect();
        let apart = writes.iter().all(|s| !read.contains(s) && !written.contains(s))
            && reads.iter().all(|s| !written.contains(s));
        read.extend(reads);
        written.extend(writes);
        apart
    })
}
