use crate::classes::{null, wrap_symbol};
use crate::convert::{dtype_text, param_text, text_attrs};
use crate::errors::attached;
use crate::scope;
use crate::symbol::Symbol;
use pyo3::exceptions::{PyAssertionError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use rsym_graph::{ComposeArgs, OpDef};
use std::borrow::Cow;

/// The text of the parameter `key` of `op`, a data type being anything that NumPy takes for one. What goes on to an operator
/// in Python is `str(value)`.
pub fn keyword_text(op: &OpDef, key: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if op.open && op.param(key).is_none() {
        return Ok(value.str()?.to_cow()?.into_owned());
    }
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

/// A symbol of operator `op` named `name`, or after `hint`, with the attributes of the active scopes.
///
/// `inputs` are symbols or None. `params` has the values of all parameters in their order, or some of them by name;
/// `kwargs` further parameters, inputs and attributes by name.
#[pyfunction]
pub fn compose<'py>(
    py: Python<'py>,
    op: &str,
    hint: &str,
    inputs: &Bound<'py, PyTuple>,
    params: &Bound<'py, PyAny>,
    name: Option<&Bound<'py, PyAny>>,
    attr: Option<&Bound<'py, PyAny>>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let def = attached(|| rsym_ops::registry().find(op))?;
    if let Some(name) = name.filter(|name| !name.is_instance_of::<PyString>()) {
        let error = py.import("rsym.symbol._compose")?.call_method1("not_a_name", (op, name))?;
        return Err(PyErr::from_value(error));
    }
    let name = scope::name(py, name, hint)?;
    let mut call = Call { def, name: &name, null: null(py)?, args: ComposeArgs::default() };
    for (i, value) in inputs.iter().enumerate() {
        let place = def.inputs.get(i).map_or("data", |p| p.name);
        call.args.positional.push(input(def, place, &value)?);
    }
    if def.variadic.is_none() {
        while matches!(call.args.positional.last(), Some(None)) {
            call.args.positional.pop();
        }
    }
    if let Ok(values) = params.cast::<PyTuple>() {
        let keys = def.params.iter().map(|p| p.name).chain(def.variadic);
        let null = call.null;
        call.args.keywords.reserve_exact(values.iter_borrowed().filter(|value| !value.is(null)).count());
        for (key, value) in keys.zip(values.iter_borrowed()).filter(|(_, value)| !value.is(null)) {
            call.keyword(Cow::Borrowed(key), &value)?;
        }
    } else {
        call.keywords(params.cast::<PyDict>()?)?;
    }
    call.keywords(kwargs)?;
    call.args.attrs = scope::attrs(py, attr)?;
    let args = call.args;
    wrap_symbol(py, attached(|| rsym_graph::compose(def, &name, args))?)
}

/// The arguments of a call while they are sorted by kind.
struct Call<'a, 'py> {
    def: &'static OpDef,
    name: &'a str,
    null: &'a Bound<'py, PyAny>,
    args: ComposeArgs,
}

impl<'py> Call<'_, 'py> {
    fn keywords(&mut self, given: &Bound<'py, PyDict>) -> PyResult<()> {
        let null = self.null;
        for (key, value) in given.iter().filter(|(_, value)| !value.is(null)) {
            self.keyword(Cow::Owned(key.extract()?), &value)?;
        }
        Ok(())
    }

    fn keyword(&mut self, key: Cow<'static, str>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        match value.cast::<Symbol>() {
            Ok(symbol) if self.def.param(&key).is_some() => {
                return Err(PyTypeError::new_err(format!(
                    "{} '{}': parameter {key} takes a value, got the symbol {}",
                    self.def.name,
                    self.name,
                    symbol.repr()?
                )));
            }
            Ok(symbol) => self.args.named.push((key.into_owned(), symbol.get().inner.clone())),
            Err(_) => {
                let text = keyword_text(self.def, &key, value)?;
                self.args.keywords.push((key, text));
            }
        }
        Ok(())
    }
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
