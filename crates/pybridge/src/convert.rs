//! Between Python values and the texts, shapes and types of the crates below.

use crate::errors::mxnet_error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple};
use rsym_tensor::{DType, PartialShape, Shape};

/// The text of a parameter value, as files hold it: `str(value)`, with the items of tuples taken one by one.
pub fn param_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_cow()?.into_owned());
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        let texts = items.iter().map(|i| param_text(&i)).collect::<PyResult<Vec<_>>>()?;
        return Ok(if texts.len() == 1 { format!("({},)", texts[0]) } else { format!("({})", texts.join(", ")) });
    }
    if let Ok(items) = value.cast::<PyList>() {
        let texts = items.iter().map(|i| param_text(&i)).collect::<PyResult<Vec<_>>>()?;
        return Ok(format!("[{}]", texts.join(", ")));
    }
    Ok(value.str()?.to_cow()?.into_owned())
}

/// The text of a data type given as a name, a NumPy type or a Python type.
pub fn dtype_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_none() || value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() {
        return param_text(value);
    }
    numpy::PyArrayDescr::new(value.py(), value)?.getattr("name")?.extract()
}

/// A data type from its number.
pub fn dtype_of(number: i32) -> PyResult<DType> {
    DType::from_number(number).ok_or_else(|| mxnet_error(format!("there is no data type with number {number}")))
}

/// A shape from a tuple or list of whole numbers, or from one number.
pub fn dims_of(value: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    if let Ok(one) = value.extract::<i64>() {
        return Ok(vec![one]);
    }
    value.extract::<Vec<i64>>().map_err(|_| {
        PyTypeError::new_err(format!(
            "expected a shape, a tuple of whole numbers, got {}",
            value.repr().map_or_else(|_| "?".into(), |r| r.to_string())
        ))
    })
}

/// A complete shape: no negative numbers.
pub fn shape_of(value: &Bound<'_, PyAny>) -> PyResult<Shape> {
    let dims = dims_of(value)?;
    dims.iter()
        .map(|&d| usize::try_from(d).map_err(|_| mxnet_error(format!("a shape has no negative numbers, got {dims:?}"))))
        .collect()
}

/// A Python tuple for a shape.
pub fn shape_tuple<'py>(py: Python<'py>, dims: &[i64]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, dims)
}

/// Partial shapes by name; an unknown dimension is -1 in NumPy's shapes, else 0.
pub fn partial_shapes(
    dict: &Bound<'_, PyDict>,
    numpy: bool,
) -> PyResult<std::collections::HashMap<String, PartialShape>> {
    let of = if numpy { PartialShape::from_signed } else { PartialShape::from_legacy };
    dict.iter().map(|(k, v)| Ok((k.extract()?, of(&dims_of(&v)?)))).collect()
}

/// Data types by name, as type numbers.
pub fn dtypes(dict: &Bound<'_, PyDict>) -> PyResult<std::collections::HashMap<String, DType>> {
    dict.iter().map(|(k, v)| Ok((k.extract()?, dtype_of(v.extract()?)?))).collect()
}

/// Text attributes; the error names the first key or value that is no text.
pub fn text_attrs(dict: &Bound<'_, PyDict>) -> PyResult<Vec<(String, String)>> {
    let not_text = |what: &str, key: &Bound<'_, PyAny>, got: &Bound<'_, PyAny>| -> PyErr {
        let (key, got) = (key.repr().map(|r| r.to_string()), got.repr().map(|r| r.to_string()));
        pyo3::exceptions::PyValueError::new_err(format!(
            "attribute {}: {what} must be text, got {}",
            key.unwrap_or_default(),
            got.unwrap_or_default()
        ))
    };
    dict.iter()
        .map(|(k, v)| {
            let key = k.extract::<String>().map_err(|_| not_text("the key", &k, &k))?;
            let value = v.extract::<String>().map_err(|_| not_text("the value", &k, &v))?;
            Ok((key, value))
        })
        .collect()
}
