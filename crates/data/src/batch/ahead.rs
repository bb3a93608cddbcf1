use super::{Batch, Batches};
use crate::DataError;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Makes batches ahead in a thread of its own.
///
/// ```no_run
/// use rsym_data::batch::{Ahead, Table, TableSpec};
/// let spec = TableSpec { data: "x.csv".into(), data_shape: vec![3], batch_size: 2, ..TableSpec::default() };
/// let mut batches = Ahead::new(Table::<f32>::open(spec)?, 4);
/// for _ in 0..10 {
///     while let Some(batch) = batches.next()? {
///         println!("{:?}", batch.data.shape());
///     }
///     batches.reset()?;
/// }
/// # Ok::<(), rsym_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Ahead {
    line: Arc<Line>,
    thread: Option<JoinHandle<()>>,
    /// With how many examples of the next epoch the last batch was filled.
    borrowed: usize,
    /// The process that has the thread: a fork has not.
    process: u32,
}

/// What the maker and the user of batches share.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Result<Batch, DataError>>,
    /// The epoch that is wanted, and how many of its examples are not.
    epoch: u64,
    skip: usize,
    /// Nothing more comes in this epoch.
    ended: bool,
    /// Nobody wants batches any more.
    closed: bool,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let guard = self.changed.wait_while(self.lock(), |state| condition(state));
        guard.unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        f(&mut self.lock());
        self.changed.notify_all();
    }
}

impl Ahead {
    /// Starts with epoch 0; at most `buffer` batches wait.
    pub fn new(source: impl Batches + 'static, buffer: usize) -> Ahead {
        let line = Arc::new(Line::default());
        let theirs = line.clone();
        let make = move || produce(source, &theirs, buffer.max(1));
        let thread = thread::Builder::new().name("rsym-data".into()).spawn(make);
        if let Err(source) = &thread {
            let source = std::io::Error::new(source.kind(), source.to_string());
            line.change(|state| {
                state.batches.push_back(Err(DataError::File { path: "a thread for batches".into(), source }));
                state.ended = true;
            });
        }
        Ahead { line, thread: thread.ok(), borrowed: 0, process: std::process::id() }
    }

    /// The next batch; None at the end of the epoch. What went wrong comes out once, and then the epoch is over.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Batch>, DataError> {
        self.check_process()?;
        let mut state = self.line.wait_while(|state| state.batches.is_empty() && !state.ended);
        let batch = state.batches.pop_front().transpose();
        drop(state);
        self.line.changed.notify_all();
        if let Ok(Some(batch)) = &batch {
            self.borrowed = batch.borrowed;
        }
        batch
    }

    /// Goes on with the next epoch, behind the examples that filled the last batch.
    pub fn reset(&mut self) -> Result<(), DataError> {
        self.check_process()?;
        let skip = std::mem::take(&mut self.borrowed);
        self.line.change(|state| {
            state.batches.clear();
            (state.epoch, state.skip, state.ended) = (state.epoch + 1, skip, false);
        });
        Ok(())
    }

    fn check_process(&self) -> Result<(), DataError> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let what = "this iterator was made before the process was forked: make one of its own in every process";
        Err(DataError::Invalid(what.into()))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.thread.take());
            return;
        }
        self.line.change(|state| state.closed = true);
        if let Some(thread) = self.thread.take() {
            // It ends with the batch that it is making; a panic in it was caught.
            let _ = thread.join();
        }
    }
}

/// Makes batches until nobody wants any.
fn produce(mut source: impl Batches, line: &Line, buffer: usize) {
    let mut current = None;
    loop {
        let waits = |state: &State| state.ended || state.batches.len() >= buffer;
        let state = line.wait_while(|state| !state.closed && Some(state.epoch) == current && waits(state));
        if state.closed {
            return;
        }
        let (epoch, skip, begins) = (state.epoch, state.skip, Some(state.epoch) != current);
        current = Some(epoch);
        drop(state);
        let made = caught(|| {
            if begins {
                source.start(epoch, skip)?;
            }
            source.next()
        });
        line.change(|state| {
            // What was made for an epoch that is over is left out.
            if state.epoch == epoch {
                state.ended = !matches!(made, Ok(Some(_)));
                state.batches.extend(made.transpose());
            }
        });
    }
}

/// What `f` gives; a panic becomes an error.
fn caught<T>(f: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
        Err(DataError::Invalid(format!("internal error of rsym, please report it: {}", text.unwrap_or_default())))
    })
}
