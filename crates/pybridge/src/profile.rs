//! What `rsym.profiler` records and reads.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rsym_executor::profile::{self, EventKind, Source, Stat};

/// Records from now on what is true, and nothing else.
#[pyfunction]
pub fn profile_switch(symbolic: bool, imperative: bool, user: bool, memory: bool) {
    let all = [
        (symbolic, Source::Symbolic),
        (imperative, Source::Imperative),
        (user, Source::User),
        (memory, Source::Memory),
    ];
    let on: Vec<Source> = all.into_iter().filter(|(on, _)| *on).map(|(_, source)| source).collect();
    profile::switch(&on);
}

/// Nanoseconds on the clock of all events.
#[pyfunction]
pub fn profile_clock() -> u64 {
    profile::now()
}

/// Records something that began at `start` and ends now.
#[pyfunction]
pub fn profile_span(category: &str, name: &str, start: u64) {
    let nanos = profile::now().saturating_sub(start);
    profile::record(category, name, start, EventKind::Span { nanos, bytes: None });
}

/// Records the new value of a counter.
#[pyfunction]
pub fn profile_counter(category: &str, name: &str, value: i64) {
    profile::record(category, name, profile::now(), EventKind::Counter(value));
}

/// Records a moment.
#[pyfunction]
pub fn profile_mark(category: &str, name: &str, scope: &str) {
    profile::record(category, name, profile::now(), EventKind::Mark(scope.into()));
}

/// Rows of (category, name, node, whether it is a counter, values, bytes), nanoseconds being
/// the values of what takes time; values and bytes are (count, total, min, max).
#[pyfunction]
pub fn profile_summaries(py: Python<'_>, reset: bool) -> PyResult<Bound<'_, PyList>> {
    let row = |((category, name, node), s): &(profile::Key, profile::Summary)| {
        (&**category, &**name, &**node, s.counter, stat(&s.values), stat(&s.bytes)).into_pyobject(py)
    };
    let rows = py.detach(|| profile::summaries(reset));
    PyList::new(py, rows.iter().map(row).collect::<PyResult<Vec<_>>>()?)
}

fn stat(s: &Stat) -> (u64, i64, i64, i64) {
    (s.count, s.total, s.min, s.max)
}

/// Rows of (category, name, node, thread, microsecond, kind, value, bytes), and the number of events that were not kept.
#[pyfunction]
pub fn profile_events(py: Python<'_>, clear: bool) -> PyResult<(Bound<'_, PyList>, u64)> {
    let (events, dropped) = py.detach(|| profile::events(clear));
    let rows = PyList::empty(py);
    for e in &events {
        rows.append(event(py, e)?)?;
    }
    Ok((rows, dropped))
}

fn event<'py>(py: Python<'py>, e: &profile::Event) -> PyResult<Bound<'py, PyTuple>> {
    let (category, name, node) = (&*e.category, &*e.name, &*e.node);
    let (thread, start) = (e.thread, e.start as f64 / 1e3);
    match &e.kind {
        EventKind::Span { nanos, bytes } => {
            (category, name, node, thread, start, "span", *nanos as f64 / 1e3, *bytes).into_pyobject(py)
        }
        EventKind::Counter(value) => {
            (category, name, node, thread, start, "counter", *value, None::<u64>).into_pyobject(py)
        }
        EventKind::Mark(scope) => {
            (category, name, node, thread, start, "mark", &**scope, None::<u64>).into_pyobject(py)
        }
    }
}
