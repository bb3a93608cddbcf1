//! What is behind the operator dunders of symbols.

use crate::classes::wrap_symbol;
use crate::convert::param_text;
use crate::errors::{attached, mxnet_error};
use crate::scope;
use crate::symbol::Symbol;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyInt, PyString};
use rsym_graph::arithmetic::{self as signs, Sign, Spelling};
use rsym_graph::{ComposeArgs, compose};

type Value<'a, 'py> = &'a Bound<'py, PyAny>;

/// A new symbol.
pub type Composed<'py> = PyResult<Bound<'py, PyAny>>;

/// `left` combined with `right` by a sign, symbols or one of them a number. TypeError for anything else.
#[pyfunction]
pub fn combine<'py>(sign: &str, left: &Bound<'py, PyAny>, right: &Bound<'py, PyAny>) -> Composed<'py> {
    let found = Sign::find(sign).ok_or_else(|| mxnet_error(format!("there is no sign called '{sign}'")))?;
    binary(left, right, found)
}

/// `left` combined with `right` by a sign.
pub fn binary<'py>(left: Value<'_, 'py>, right: Value<'_, 'py>, sign: &Sign) -> Composed<'py> {
    match (left.cast::<Symbol>(), right.cast::<Symbol>()) {
        (Ok(a), Ok(b)) => apply(sign.both, a, Some(b), None),
        (Ok(a), Err(_)) => apply(sign.right, a, None, Some(number_text(right)?)),
        (Err(_), Ok(b)) => apply(sign.left, b, None, Some(number_text(left)?)),
        (Err(_), Err(_)) => Err(unsupported(left)),
    }
}

/// The operator of `spelling` applied to symbols, and to a number.
fn apply<'py>(
    spelling: Spelling,
    first: &Bound<'py, Symbol>,
    second: Option<&Bound<'py, Symbol>>,
    scalar: Option<String>,
) -> Composed<'py> {
    let py = first.py();
    let mut args = ComposeArgs { attrs: scope::attrs(py, None)?, ..ComposeArgs::default() };
    args.positional.push(Some(first.get().inner.clone()));
    if let Some(second) = second {
        args.positional.push(Some(second.get().inner.clone()));
    }
    if let Some(text) = scalar {
        args.keywords = vec![("scalar".into(), text)];
    }
    let name = scope::name(py, None, spelling.stem)?;
    let symbol = attached(|| compose(rsym_ops::registry().find(spelling.op)?, &name, args))?;
    wrap_symbol(py, symbol)
}

/// The text of a number, NumPy's scalars as Python's. TypeError for what is none.
fn number_text(value: Value<'_, '_>) -> PyResult<String> {
    if value.is_exact_instance_of::<PyInt>() || value.is_exact_instance_of::<PyFloat>() {
        return param_text(value);
    }
    static SLOW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let text = SLOW.import(value.py(), "rsym.symbol._arithmetic", "number_text")?.call1((value,))?;
    match text.cast::<PyString>() {
        Ok(text) => Ok(text.to_cow()?.into_owned()),
        Err(_) => Err(unsupported(value)),
    }
}

fn unsupported(value: Value<'_, '_>) -> PyErr {
    PyTypeError::new_err(format!(
        "type {} not supported in arithmetic with a Symbol; make a Variable of an array",
        value.get_type()
    ))
}

/// `-symbol`, as a product.
pub fn negative<'py>(symbol: &Bound<'py, Symbol>) -> Composed<'py> {
    apply(signs::MUL.right, symbol, None, Some("-1.0".into()))
}

/// The absolute value.
pub fn absolute<'py>(symbol: &Bound<'py, Symbol>) -> Composed<'py> {
    apply(Spelling { op: "abs", stem: "abs" }, symbol, None, None)
}

/// A comparison, element by element.
pub fn compare<'py>(left: Value<'_, 'py>, right: Value<'_, 'py>, op: CompareOp) -> Composed<'py> {
    let sign = match op {
        CompareOp::Eq => signs::EQUAL,
        CompareOp::Ne => signs::NOT_EQUAL,
        CompareOp::Gt => signs::GREATER,
        CompareOp::Ge => signs::GREATER_EQUAL,
        CompareOp::Lt => signs::LESSER,
        CompareOp::Le => signs::LESSER_EQUAL,
    };
    binary(left, right, sign)
}

/// `base ** exponent`.
pub fn power<'py>(base: Value<'_, 'py>, exponent: Value<'_, 'py>, modulo: Value<'_, 'py>) -> Composed<'py> {
    if modulo.is_none() {
        return binary(base, exponent, signs::POW);
    }
    Err(PyTypeError::new_err("pow of symbols takes no third argument"))
}
