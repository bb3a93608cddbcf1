//! Between Python values and the texts, shapes and types of the crates below.

use crate::errors::mxnet_error;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};
use rsym_graph::FlatGraph;
use rsym_tensor::{DType, PartialShape, Shape};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// The text of a parameter value, as files hold it: `str(value)`, with the items of tuples taken one by one.
pub fn param_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    push_param(&mut text, value)?;
    Ok(text)
}

fn push_param(text: &mut String, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(value) = value.cast::<PyString>() {
        text.push_str(&value.to_cow()?);
    } else if let Ok(value) = value.cast_exact::<PyBool>() {
        text.push_str(if value.is_true() { "True" } else { "False" });
    } else if let Some(number) = small_integer(value) {
        // Writing to a text cannot fail.
        let _ = write!(text, "{number}");
    } else if let Ok(items) = value.cast::<PyTuple>() {
        text.push('(');
        push_params(text, items.iter())?;
        text.push_str(if items.len() == 1 { ",)" } else { ")" });
    } else if let Ok(items) = value.cast::<PyList>() {
        text.push('[');
        push_params(text, items.iter())?;
        text.push(']');
    } else if value.cast::<PyUntypedArray>().is_ok_and(|array| array.ndim() > 0) {
        push_param(text, &value.call_method0("tolist")?)?;
    } else {
        text.push_str(&value.str()?.to_cow()?);
    }
    Ok(())
}

fn push_params<'py>(text: &mut String, items: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<()> {
    for (i, item) in items.enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        push_param(text, &item)?;
    }
    Ok(())
}

fn small_integer(value: &Bound<'_, PyAny>) -> Option<i64> {
    if value.is_exact_instance_of::<PyInt>() { value.extract().ok() } else { None }
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

/// What a call says of arguments: by name in a dict, or by position in a list, None saying nothing.
pub struct Given<T> {
    by_name: Vec<(String, Option<T>)>,
    by_position: Vec<Option<T>>,
}

impl<T: Clone> Given<T> {
    /// Reads a dict or a list, every value with `one`.
    pub fn read(value: &Bound<'_, PyAny>, one: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<Given<T>> {
        let one = |value: &Bound<'_, PyAny>| if value.is_none() { Ok(None) } else { one(value).map(Some) };
        let mut given = Given { by_name: Vec::new(), by_position: Vec::new() };
        if let Ok(dict) = value.cast::<PyDict>() {
            given.by_name = dict.iter().map(|(k, v)| Ok((k.extract()?, one(&v)?))).collect::<PyResult<_>>()?;
        } else {
            given.by_position = value.try_iter()?.map(|item| one(&item?)).collect::<PyResult<_>>()?;
        }
        Ok(given)
    }

    /// What is said of a variable, asked by node number and name. An error if a name is that of no variable.
    pub fn of(self, graph: &FlatGraph) -> PyResult<impl Fn(usize, &str) -> Option<T>> {
        self.refuse_unknown(graph)?;
        let places = graph.arguments.iter().copied().zip(self.by_position);
        let by_node: HashMap<usize, T> = places.filter_map(|(node, fact)| Some((node, fact?))).collect();
        let by_name: HashMap<String, T> = self.by_name.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
        Ok(move |node, name: &str| by_node.get(&node).or_else(|| by_name.get(name)).cloned())
    }

    fn refuse_unknown(&self, graph: &FlatGraph) -> PyResult<()> {
        let mut open: HashSet<&str> = self.by_name.iter().map(|(name, _)| name.as_str()).collect();
        for &node in graph.arguments.iter().chain(&graph.aux) {
            if open.is_empty() {
                return Ok(());
            }
            open.remove(&*graph.nodes[node].node.name());
        }
        let Some((unknown, _)) = self.by_name.iter().find(|(name, _)| open.contains(name.as_str())) else {
            return Ok(());
        };
        let names: Vec<_> = graph.arguments.iter().map(|&i| graph.nodes[i].node.name()).collect();
        Err(mxnet_error(format!("there is no argument named '{unknown}'; arguments: {}", names.join(", "))))
    }
}

/// A partial shape; an unknown dimension is -1 in NumPy's shapes, else 0.
pub fn partial_shape(value: &Bound<'_, PyAny>, numpy: bool) -> PyResult<PartialShape> {
    let of = if numpy { PartialShape::from_signed } else { PartialShape::from_legacy };
    Ok(of(&dims_of(value)?))
}

/// Partial shapes by name; see [`partial_shape`].
pub fn partial_shapes(dict: &Bound<'_, PyDict>, numpy: bool) -> PyResult<HashMap<String, PartialShape>> {
    dict.iter().map(|(k, v)| Ok((k.extract()?, partial_shape(&v, numpy)?))).collect()
}

/// Data types by name, as type numbers.
pub fn dtypes(dict: &Bound<'_, PyDict>) -> PyResult<HashMap<String, DType>> {
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
