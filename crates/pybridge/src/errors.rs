//! The one place where Rust errors become Python exceptions, panics are caught and the GIL is released.

use pyo3::exceptions::PyException;
use pyo3::exceptions::{PyIndexError, PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use rsym_data::DataError;
use rsym_executor::ExecError;
use rsym_graph::GraphError;
use rsym_tensor::TensorError;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An error of `rsym.base.MXNetError`.
pub fn mxnet_error(message: impl Into<String>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    error_of(&CLASS, "MXNetError", message.into())
}

/// An error of `rsym.base.BoundsError`.
fn bounds_error(message: String) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    error_of(&CLASS, "BoundsError", message)
}

/// The error of `rsym._files` for a file.
fn file_error(path: &str, error: &std::io::Error) -> PyErr {
    let make = || {
        Python::attach(|py| {
            let error = match error.raw_os_error() {
                Some(number) => py.import("builtins")?.getattr("OSError")?.call1((number, os_text(error)))?,
                None => py.import("builtins")?.getattr("OSError")?.call1((error.to_string(),))?,
            };
            Ok(PyErr::from_value(py.import("rsym._files")?.getattr("error_about")?.call1((error, path))?))
        })
    };
    make().unwrap_or_else(|error| error)
}

/// What the operating system says, without the number that Rust adds.
fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

fn error_of(class: &'static PyOnceLock<Py<PyType>>, name: &str, message: String) -> PyErr {
    Python::attach(|py| match class.import(py, "rsym.base", name) {
        Ok(class) => PyErr::from_type(class.clone(), message),
        Err(error) => error,
    })
}

/// What can come up from the crates below.
pub enum Error {
    Graph(GraphError),
    Exec(ExecError),
    Tensor(TensorError),
    Params(rsym_tensor::params::ParamsError),
    Data(DataError),
    Panic(String),
}

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        match error {
            Error::Graph(error) | Error::Exec(ExecError::Graph(error)) => graph_error(error),
            Error::Tensor(error) | Error::Exec(ExecError::Tensor(error)) => mxnet_error(error.to_string()),
            Error::Params(error) => mxnet_error(error.to_string()),
            Error::Data(DataError::File { path, source }) => file_error(&path, &source),
            Error::Data(error @ (DataError::Damaged { .. } | DataError::Picture(_) | DataError::Invalid(_))) => {
                mxnet_error(error.to_string())
            }
            Error::Panic(message) => mxnet_error(format!("internal error of rsym, please report it: {message}")),
            Error::Exec(ExecError::Bounds(message)) => bounds_error(message),
            Error::Exec(ExecError::Interrupted) => PyKeyboardInterrupt::new_err(()),
            Error::Exec(
                error @ (ExecError::Run { .. }
                | ExecError::Array { .. }
                | ExecError::Undecided(_)
                | ExecError::Monitor(_)
                | ExecError::State(_)),
            ) => mxnet_error(error.to_string()),
        }
    }
}

fn graph_error(error: GraphError) -> PyErr {
    let message = error.to_string();
    match error {
        GraphError::Name(_) => PyValueError::new_err(message),
        GraphError::Index(_) => PyIndexError::new_err(message),
        GraphError::UnknownOperator { .. }
        | GraphError::UnknownParam { .. }
        | GraphError::MissingParam { .. }
        | GraphError::BadParam { .. }
        | GraphError::Unregistered { .. }
        | GraphError::Compose { .. }
        | GraphError::Node { .. }
        | GraphError::Invalid(_)
        | GraphError::Json(_)
        | GraphError::Opaque(_) => mxnet_error(message),
    }
}

macro_rules! from {
    ($($variant:ident($t:ty);)*) => {$(
        impl From<$t> for Error {
            fn from(error: $t) -> Error { Error::$variant(error) }
        }
    )*};
}

from! {
    Graph(GraphError);
    Exec(ExecError);
    Tensor(TensorError);
    Params(rsym_tensor::params::ParamsError);
    Data(DataError);
}

/// Runs `f` without the GIL; a panic becomes an error.
pub fn detached<T: Send, E: Into<Error> + Send>(
    py: Python<'_>,
    f: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    py.detach(|| guarded(f)).map_err(with_cause)
}

/// Runs `f` with the GIL; a panic becomes an error.
pub fn attached<T, E: Into<Error>>(f: impl FnOnce() -> Result<T, E>) -> PyResult<T> {
    guarded(f).map_err(with_cause)
}

thread_local! {
    /// What Python code that Rust called has raised, on its way up through the errors of the crates below.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Keeps what a callback raised; the error that comes out in the end has it as its cause.
pub fn keep_raised(error: PyErr) {
    RAISED.set(Some(error));
}

/// The exception for `error`, caused by what a callback raised. What is no `Exception`, such as `KeyboardInterrupt`, comes
/// out as it is.
fn with_cause(error: Error) -> PyErr {
    let Some(cause) = RAISED.take() else { return error.into() };
    Python::attach(|py| {
        if !cause.is_instance_of::<PyException>(py) {
            return cause;
        }
        let error = PyErr::from(error);
        error.set_cause(py, Some(cause));
        error
    })
}

fn guarded<T, E: Into<Error>>(f: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    // What was raised before and did not come up was dealt with below.
    RAISED.set(None);
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(Into::into),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|s| s.to_string());
            Err(Error::Panic(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()))
        }
    }
}
