//! The Python classes that objects made in Rust belong to. They derive from the classes of this module and are
//! registered when `rsym` is imported.

use crate::{ndarray::NDArray, symbol::Symbol};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyAny, PyType};
use std::cell::Cell;

struct Classes {
    symbol: Py<PyType>,
    ndarray: Py<PyType>,
    null: Py<PyAny>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

/// Registers the Python classes `Symbol` and `NDArray`, and the object that stands for a parameter not given.
#[pyfunction]
pub fn register_classes(py: Python<'_>, symbol: Py<PyType>, ndarray: Py<PyType>, null: Py<PyAny>) {
    // A second import of the package keeps the first registration.
    let _ = CLASSES.set(py, Classes { symbol, ndarray, null });
}

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get(py).ok_or_else(|| {
        pyo3::exceptions::PyImportError::new_err("rsym._rsym is not to be imported by itself: import rsym")
    })
}

thread_local! {
    /// What the constructor of the next `Symbol` takes: one object is made instead of two.
    static MADE: Cell<Option<rsym_graph::Symbol>> = const { Cell::new(None) };
}

/// A Python `Symbol`.
pub fn wrap_symbol<'py>(py: Python<'py>, symbol: rsym_graph::Symbol) -> PyResult<Bound<'py, PyAny>> {
    let class = classes(py)?.symbol.bind(py);
    MADE.set(Some(symbol));
    class.call0()
}

/// The symbol that [`wrap_symbol`] is wrapping. TypeError if Python called the class itself.
pub fn take_made_symbol() -> PyResult<Symbol> {
    let made = MADE.take().map(Symbol::from);
    made.ok_or_else(|| PyTypeError::new_err("symbols are made by Variable, by operators and by load"))
}

thread_local! {
    /// What the constructor of the next `NDArray` takes.
    static MADE_ARRAY: Cell<Option<NDArray>> = const { Cell::new(None) };
}

/// A Python `NDArray`.
pub fn wrap_ndarray<'py>(py: Python<'py>, array: NDArray) -> PyResult<Bound<'py, PyAny>> {
    let class = classes(py)?.ndarray.bind(py);
    MADE_ARRAY.set(Some(array));
    class.call0()
}

/// The array that [`wrap_ndarray`] is wrapping. TypeError if Python called the class itself.
pub fn take_made_array() -> PyResult<NDArray> {
    let made = MADE_ARRAY.take();
    made.ok_or_else(|| PyTypeError::new_err("arrays are made by rsym.nd.array and its like, and by operators"))
}

/// The object that stands for a parameter not given.
pub fn null(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    Ok(classes(py)?.null.bind(py))
}
