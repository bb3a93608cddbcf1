//! Records what runs: operators of executors, operators that run at once, and what a program marks itself.
//!
//! Nothing is recorded until [`switch`] says what. A run of an executor asks once whether it is recorded, so that what is off
//! costs a load of an atomic. Statistics count everything; single events are kept up to [`MAX_EVENTS`].

use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// What can be recorded, each with a bit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Operators of executors.
    Symbolic = 1,
    /// Operators that run at once.
    Imperative = 2,
    /// What the program marks.
    User = 4,
    /// With operators, the bytes of their outputs.
    Memory = 8,
}

/// Events that are kept at most; later ones are counted, and are in the statistics alone.
pub const MAX_EVENTS: usize = 1 << 20;

/// The category of operators.
pub const OPERATOR: &str = "operator";

/// The category of what operators written in Python do, called `<operator>::<what>`.
pub const CUSTOM: &str = "Custom Operator";

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The group that it is shown in.
    pub category: Arc<str>,
    /// Name; of operators that of the operator.
    pub name: Arc<str>,
    /// The node that ran; empty where there is none.
    pub node: Arc<str>,
    /// Nanoseconds on the clock of [`now`].
    pub start: u64,
    /// What kind of event it is.
    pub kind: EventKind,
    /// Number of the thread.
    pub thread: u64,
}

/// Kinds of events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// Something that took so many nanoseconds, and made so many bytes.
    Span {
        /// How long it took.
        nanos: u64,
        /// Bytes of the outputs, where they are recorded.
        bytes: Option<u64>,
    },
    /// A value from now on.
    Counter(i64),
    /// A moment; what it concerns.
    Mark(Arc<str>),
}

/// Count, sum and extremes of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub total: i64,
    /// The smallest.
    pub min: i64,
    /// The largest.
    pub max: i64,
}

impl Default for Stat {
    fn default() -> Stat {
        Stat { count: 0, total: 0, min: i64::MAX, max: i64::MIN }
    }
}

impl Stat {
    fn add(&mut self, value: i64) {
        self.count += 1;
        self.total = self.total.saturating_add(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

/// Statistics of the events of one category, name and node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Nanoseconds of spans, or values of a counter.
    pub values: Stat,
    /// Bytes of the outputs; nothing counted where they are not recorded.
    pub bytes: Stat,
    /// Whether this is a counter.
    pub counter: bool,
}

/// Category, name and node.
pub type Key = (Arc<str>, Arc<str>, Arc<str>);

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    dropped: u64,
    stats: FxHashMap<Key, Summary>,
}

impl Log {
    fn add(&mut self, event: Event) {
        let key = (event.category.clone(), event.name.clone(), event.node.clone());
        let summary = self.stats.entry(key).or_default();
        match &event.kind {
            EventKind::Span { nanos, bytes } => {
                summary.values.add(i64::try_from(*nanos).unwrap_or(i64::MAX));
                bytes.iter().for_each(|&b| summary.bytes.add(i64::try_from(b).unwrap_or(i64::MAX)));
            }
            EventKind::Counter(value) => {
                summary.counter = true;
                summary.values.add(*value);
            }
            EventKind::Mark(_) => summary.values.count += 1,
        }
        if self.events.len() < MAX_EVENTS { self.events.push(event) } else { self.dropped += 1 }
    }
}

static ON: AtomicU8 = AtomicU8::new(0);
static LOG: OnceLock<Mutex<Log>> = OnceLock::new();
static CLOCK: OnceLock<Instant> = OnceLock::new();

fn log() -> MutexGuard<'static, Log> {
    LOG.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records from now on what `sources` lists, and nothing else.
pub fn switch(sources: &[Source]) {
    now();
    ON.store(sources.iter().fold(0, |bits, s| bits | *s as u8), Ordering::Relaxed);
}

/// Whether `source` is recorded.
pub fn is_on(source: Source) -> bool {
    ON.load(Ordering::Relaxed) & source as u8 != 0
}

/// Nanoseconds since the clock of this process was first read.
pub fn now() -> u64 {
    u64::try_from(CLOCK.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A small number for the calling thread.
fn thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static MINE: Cell<u64> = const { Cell::new(0) });
    MINE.with(|mine| {
        if mine.get() == 0 {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        mine.get()
    })
}

/// Records an event of the program itself, if such are recorded; spans lie between `start` and now.
pub fn record(category: &str, name: &str, start: u64, kind: EventKind) {
    if is_on(Source::User) {
        let (category, name, node) = (category.into(), name.into(), "".into());
        log().add(Event { category, name, node, start, kind, thread: thread() });
    }
}

/// Runs `f`, which is the Python code of the operator `label`. The operators that it runs are recorded as its own, and the
/// rest of its time as `<label>::pure_python`.
pub fn inside<T>(label: &str, f: impl FnOnce() -> T) -> T {
    if !is_on(Source::Symbolic) && !is_on(Source::Imperative) {
        return f();
    }
    let outer = INSIDE.replace(Some(Inside { label: label.into(), nanos: 0 }));
    let start = now();
    let result = f();
    let nanos = now() - start;
    let operators = INSIDE.replace(outer).map_or(0, |inside| inside.nanos);
    let kind = EventKind::Span { nanos: nanos.saturating_sub(operators), bytes: None };
    let name = format!("{label}::pure_python").into();
    log().add(Event { category: CUSTOM.into(), name, node: "".into(), start, kind, thread: thread() });
    result
}

/// The operator whose Python code the thread runs, and the nanoseconds that the operators in it took.
struct Inside {
    label: Arc<str>,
    nanos: u64,
}

thread_local!(static INSIDE: RefCell<Option<Inside>> = const { RefCell::new(None) });

/// The events so far in the order of their beginnings, and how many were not kept. `clear` forgets them.
pub fn events(clear: bool) -> (Vec<Event>, u64) {
    let mut log = log();
    let (mut events, dropped) = if clear {
        (std::mem::take(&mut log.events), std::mem::take(&mut log.dropped))
    } else {
        (log.events.clone(), log.dropped)
    };
    drop(log);
    events.sort_by_key(|e| e.start);
    (events, dropped)
}

/// The statistics so far, in the order of category, name and node. `reset` forgets them.
pub fn summaries(reset: bool) -> Vec<(Key, Summary)> {
    let mut log = log();
    let mut found: Vec<(Key, Summary)> = log.stats.iter().map(|(k, s)| (k.clone(), s.clone())).collect();
    if reset {
        log.stats.clear();
    }
    drop(log);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Times the operators of one run; they are in the log once it is dropped.
pub struct Recorder {
    /// The operator in whose Python code they run.
    label: Option<Arc<str>>,
    bytes: bool,
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    /// One for a run of `source`, if that is recorded.
    pub fn new(source: Source) -> Option<Recorder> {
        is_on(source).then(|| Recorder {
            label: INSIDE.with_borrow(|inside| inside.as_ref().map(|i| i.label.clone())),
            bytes: is_on(Source::Memory),
            events: Mutex::default(),
        })
    }

    /// Runs `f`, which is the operator `op` of node `node` and makes `bytes` bytes.
    pub fn time<T>(&self, op: &str, node: Arc<str>, bytes: usize, f: impl FnOnce() -> T) -> T {
        let start = now();
        let result = f();
        let nanos = now() - start;
        let kind = EventKind::Span { nanos, bytes: self.bytes.then_some(bytes as u64) };
        let (category, name) = match &self.label {
            Some(label) => (CUSTOM, format!("{label}::{op}").into()),
            None => (OPERATOR, op.into()),
        };
        INSIDE.with_borrow_mut(|inside| inside.iter_mut().for_each(|i| i.nanos += nanos));
        let event = Event { category: category.into(), name, node, start, kind, thread: thread() };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        result
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let events = self.events.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut log = log();
        events.drain(..).for_each(|e| log.add(e));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is recorded belongs to the process, so this is one test.
    #[test]
    fn what_is_on_is_recorded_until_it_is_forgotten() {
        record("mine", "before", 0, EventKind::Counter(1));
        assert!(Recorder::new(Source::Symbolic).is_none());
        switch(&[Source::Symbolic, Source::User]);
        assert!(Recorder::new(Source::Imperative).is_none());
        let recorder = Recorder::new(Source::Symbolic).unwrap();
        assert_eq!(recorder.time("exp", "a".into(), 8, || 5), 5);
        recorder.time("exp", "b".into(), 8, || ());
        drop(recorder);
        [3, 7, -1].into_iter().for_each(|value| record("mine", "counter", now(), EventKind::Counter(value)));
        switch(&[Source::User, Source::Memory, Source::Imperative]);
        Recorder::new(Source::Imperative).unwrap().time("exp", "".into(), 8, || ());
        switch(&[]);
        record("mine", "after", 0, EventKind::Counter(1));
        let stats: Vec<_> =
            summaries(true).into_iter().filter(|((c, n, _), _)| **c == *"mine" || **n == *"exp").collect();
        let nodes: Vec<&str> = stats.iter().map(|((_, _, node), _)| &**node).collect();
        assert_eq!(nodes, ["", "", "a", "b"]);
        assert_eq!(
            stats[0].1,
            Summary { values: Stat { count: 3, total: 9, min: -1, max: 7 }, counter: true, ..Summary::default() }
        );
        assert_eq!((stats[1].1.bytes.total, stats[2].1.bytes.count), (8, 0));
        let (seen, dropped) = events(true);
        assert!(seen.windows(2).all(|w| w[0].start <= w[1].start) && seen.len() == 6 && dropped == 0);
        assert!(events(false).0.is_empty() && summaries(false).is_empty());
    }

    #[test]
    fn events_past_the_most_are_counted() {
        let event = Event {
            category: "c".into(),
            name: "n".into(),
            node: "".into(),
            start: 0,
            kind: EventKind::Counter(1),
            thread: 1,
        };
        let mut log = Log { events: vec![event.clone(); MAX_EVENTS - 1], ..Log::default() };
        (0..3).for_each(|_| log.add(event.clone()));
        assert_eq!((log.events.len(), log.dropped), (MAX_EVENTS, 2));
        assert_eq!(log.stats.values().next().unwrap().values.count, 3);
    }
}
