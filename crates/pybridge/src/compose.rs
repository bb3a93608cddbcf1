use crate::classes::{is_null, wrap_symbol};
use crate::convert::{dtype_text, param_text, text_attrs};
use crate::errors::attached;
use crate::symbol::Symbol;
use pyo3::exceptions::{PyAssertionError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rsym_graph::{ComposeArgs, OpDef};

/// The text of the parameter `key`, a data type being anything that NumPy takes for one.
pub fn keyword_text(key: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if key == "dtype" { dtype_text(value) } else { param_text(value) }
}

fn input(op: &OpDef, place: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<rsym_graph::Symbol>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.cast::<Symbol>() {
        Ok(symbol) => Ok(Some(symbol.get().inner.clone())),
        Err(_) => Err(PyAssertionError::new_err(format!(
            "{}: input {place} must be a Symbol, got {}; make a Variable of it, or pass parameters by keyword",
            op.name,
            value.repr()?
        ))),
    }
}

/// A symbol of operator `op` named `name`.
///
/// `inputs` are symbols or None, `params` and `kwargs` keywords, `attrs` user attributes or None.
#[pyfunction]
pub fn compose<'py>(
    py: Python<'py>,
    op: &str,
    name: &str,
    inputs: &Bound<'py, PyTuple>,
    params: &Bound<'py, PyDict>,
    kwargs: &Bound<'py, PyDict>,
    attrs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let def = attached(|| rsym_ops::registry().find(op))?;
    let mut args = ComposeArgs::default();
    for (i, value) in inputs.iter().enumerate() {
        let place = def.inputs.get(i).map_or("data", |p| p.name);
        args.positional.push(input(def, place, &value)?);
    }
    if def.variadic.is_none() {
        while matches!(args.positional.last(), Some(None)) {
            args.positional.pop();
        }
    }
    for (key, value) in params.iter().chain(kwargs.iter()) {
        if is_null(&value)? {
            continue;
        }
        let key: String = key.extract()?;
        match value.cast::<Symbol>() {
            Ok(symbol) if def.param(&key).is_some() => {
                return Err(PyTypeError::new_err(format!(
                    "{op} '{name}': parameter {key} takes a value, got the symbol {}",
                    symbol.repr()?
                )));
            }
            Ok(symbol) => args.named.push((key, symbol.get().inner.clone())),
            Err(_) => {
                let text = keyword_text(&key, &value)?;
                args.keywords.push((key, text));
            }
        }
    }
    args.attrs = attrs.map(text_attrs).transpose()?.unwrap_or_default();
    wrap_symbol(py, attached(|| rsym_graph::compose(def, name, args))?)
}

/// A variable with user attributes.
#[pyfunction]
pub fn variable<'py>(py: Python<'py>, name: &str, attrs: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
    let attrs = attrs.map(text_attrs).transpose()?.unwrap_or_default();
    wrap_symbol(py, rsym_graph::Symbol::variable(name, rsym_graph::attrs::stored(attrs)))
}

/// A group of symbols.
#[pyfunction]
pub fn group<'py>(py: Python<'py>, symbols: Vec<Bound<'py, Symbol>>) -> PyResult<Bound<'py, PyAny>> {
    wrap_symbol(py, rsym_graph::Symbol::group(symbols.iter().map(|s| &s.get().inner)))
}
