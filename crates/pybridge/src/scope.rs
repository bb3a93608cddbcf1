//! The scopes that composing asks: for attributes, and for a name.

use crate::convert::text_attrs;
use crate::errors::mxnet_error;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use rsym_graph::AttrMap;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The attributes of an `AttrScope`: what the scope says itself, and how it combines with what is around it.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
pub struct AttrScope {
    attrs: OnceLock<AttrMap>,
}

#[pymethods]
impl AttrScope {
    /// Takes anything: subclasses may have constructors of their own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> AttrScope {
        AttrScope { attrs: OnceLock::new() }
    }

    /// Gives the scope its attributes, once. ValueError for a key or value that is not text.
    fn _define(&self, attrs: &Bound<'_, PyDict>) -> PyResult<()> {
        let attrs = text_attrs(attrs)?.into_iter().collect();
        // A second call changes nothing: a scope does not change while it may be entered.
        let _ = self.attrs.set(attrs);
        Ok(())
    }

    /// The scope's own attributes.
    #[getter]
    fn _attr(&self) -> AttrMap {
        self.attrs.get().cloned().unwrap_or_default()
    }

    /// `outer` overlaid with the scope's own attributes, key by key.
    fn _over(&self, outer: AttrMap) -> AttrMap {
        rsym_graph::attrs::overlay(outer, self.attrs.get())
    }
}

/// The counters behind automatic names.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
pub struct NameManager {
    counts: Mutex<FxHashMap<String, usize>>,
}

#[pymethods]
impl NameManager {
    /// Takes anything: subclasses may have constructors of their own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> NameManager {
        NameManager { counts: Mutex::default() }
    }

    /// How many names each stem has had.
    #[getter]
    fn _counter(&self) -> FxHashMap<String, usize> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `hint` followed by the number of earlier calls with it.
    fn _next(&self, hint: &str) -> String {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match counts.get_mut(hint) {
            Some(count) => count,
            None => counts.entry(hint.to_string()).or_default(),
        };
        *count += 1;
        rsym_graph::attrs::numbered(hint, *count - 1)
    }
}

thread_local! {
    static SLOTS: RefCell<Vec<Option<Py<PyAny>>>> = const { RefCell::new(Vec::new()) };
}

/// A place for one object in every thread.
#[pyclass(frozen, module = "rsym._rsym")]
pub struct ThreadSlot {
    index: usize,
}

#[pymethods]
impl ThreadSlot {
    #[new]
    fn new() -> ThreadSlot {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        ThreadSlot { index: MADE.fetch_add(1, Ordering::Relaxed) }
    }

    /// This thread's object, or None.
    fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        SLOTS.with_borrow(|slots| Some(slots.get(self.index)?.as_ref()?.bind(py).clone()))
    }

    /// Sets this thread's object.
    fn set(&self, value: Py<PyAny>) {
        let earlier = SLOTS.with_borrow_mut(|slots| {
            slots.resize_with(slots.len().max(self.index + 1), || None);
            slots[self.index].replace(value)
        });
        // Here, since its end may run Python code that asks for a slot.
        drop(earlier);
    }
}

/// A `ScopeStack` of Python and the class whose scopes need not be asked in Python.
struct Stack {
    /// Bound method `get` of the context variable.
    get: Py<PyAny>,
    /// Where the outermost frame of a thread is.
    thread: Py<ThreadSlot>,
    stack: Py<PyAny>,
    plain: Py<PyType>,
}

/// What composing takes from Python.
struct Scopes {
    names: Stack,
    attrs: Stack,
    /// Attributes of the active scopes and those given, combined by whatever the innermost scope says.
    merge: Py<PyAny>,
}

static SCOPES: PyOnceLock<Scopes> = PyOnceLock::new();

/// Registers the stacks of name managers and of attribute scopes with their classes, and `attribute.merge`.
#[pyfunction]
pub fn register_scopes(
    py: Python<'_>,
    names: (Bound<'_, PyAny>, Bound<'_, PyType>),
    attrs: (Bound<'_, PyAny>, Bound<'_, PyType>),
    merge: Py<PyAny>,
) -> PyResult<()> {
    let scopes = Scopes { names: Stack::new(names)?, attrs: Stack::new(attrs)?, merge };
    // A second import of the package keeps the first registration.
    let _ = SCOPES.set(py, scopes);
    Ok(())
}

fn scopes(py: Python<'_>) -> PyResult<&Scopes> {
    SCOPES.get(py).ok_or_else(|| mxnet_error("rsym._rsym is not to be imported by itself: import rsym"))
}

impl Stack {
    fn new((stack, plain): (Bound<'_, PyAny>, Bound<'_, PyType>)) -> PyResult<Stack> {
        let get = stack.getattr("_var")?.getattr("get")?.unbind();
        let thread = stack.getattr("_thread")?.cast_into::<ThreadSlot>()?.unbind();
        Ok(Stack { get, thread, stack: stack.unbind(), plain: plain.unbind() })
    }

    /// Owner and payload of the innermost scope, as `ScopeStack.frame` of Python finds it.
    fn innermost<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let mut frame = self.get.bind(py).call0()?;
        if frame.is_none() {
            frame = match self.thread.get().get(py) {
                Some(frame) => frame,
                None => self.stack.bind(py).call_method0(intern!(py, "frame"))?,
            };
        }
        let frame = frame.cast::<PyTuple>()?;
        Ok((frame.get_borrowed_item(0)?.to_owned(), frame.get_borrowed_item(1)?.to_owned()))
    }

    fn is_plain(&self, owner: &Bound<'_, PyAny>) -> bool {
        owner.get_type().is(self.plain.bind(owner.py()))
    }
}

/// The name of a new symbol: what the active name manager makes of `given` or of a stem.
pub fn name(py: Python<'_>, given: Option<&Bound<'_, PyAny>>, stem: &str) -> PyResult<String> {
    let names = &scopes(py)?.names;
    let (owner, _) = names.innermost(py)?;
    match given {
        Some(given) if names.is_plain(&owner) && given.is_truthy()? => given.extract(),
        None if names.is_plain(&owner) => Ok(owner.cast::<NameManager>()?.get()._next(stem)),
        given => owner.call_method1(intern!(py, "get"), (given, stem))?.extract(),
    }
}

/// The attributes of a new symbol: those of the active scopes, then `given`.
pub fn attrs(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, String)>> {
    let scopes = scopes(py)?;
    let (owner, payload) = scopes.attrs.innermost(py)?;
    if given.is_none() && scopes.attrs.is_plain(&owner) && payload.cast::<PyDict>()?.is_empty() {
        return Ok(Vec::new());
    }
    let merged: Option<Bound<'_, PyDict>> = scopes.merge.bind(py).call1((given,))?.extract()?;
    merged.as_ref().map_or_else(|| Ok(Vec::new()), text_attrs)
}
