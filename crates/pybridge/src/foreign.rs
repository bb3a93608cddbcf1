//! Operators written in Python: passes on what `Custom` asks to `rsym._custom`, with the GIL.

use crate::classes::wrap_ndarray;
use crate::convert::partial_shape;
use crate::errors::keep_raised;
use crate::ndarray::NDArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rsym_executor::profile;
use rsym_graph::{OpError, OpResult, ParamTexts};
use rsym_ops::foreign::{Backward, Foreign, Forward, Instance, Signature, set_source};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
use std::sync::Arc;

/// Lets `Custom` find operators in Python.
pub fn install() {
    set_source(find);
}

fn find(op_type: &str, params: &ParamTexts) -> Result<Option<Arc<dyn Foreign>>, String> {
    called(op_type, "__init__", |py| {
        let keywords = PyDict::new(py);
        for (key, text) in params.0.iter().filter(|(key, _)| key != "op_type") {
            keywords.set_item(key, text)?;
        }
        let object = py.import("rsym._custom")?.call_method1("find", (op_type, keywords))?;
        if object.is_none() {
            return Ok(None);
        }
        let names = |name: &str| object.getattr(name)?.extract::<Vec<String>>();
        let signature = Signature {
            arguments: names("arguments")?,
            outputs: names("outputs")?,
            aux: names("aux")?,
            uses: object.getattr("uses")?.extract()?,
        };
        Ok(Some(Arc::new(Property { object: object.unbind(), op_type: op_type.into(), signature }) as Arc<dyn Foreign>))
    })
    .map_err(|error| error.to_string())
}

/// Calls Python; what it raises becomes an error that names operator and method, and the cause of what comes out.
fn called<T>(op_type: &str, method: &str, f: impl FnOnce(Python<'_>) -> PyResult<T>) -> OpResult<T> {
    Python::attach(|py| {
        f(py).map_err(|error| {
            let text = format!("{method} of the custom operator '{op_type}' raised {error}");
            keep_raised(error);
            OpError::invalid(text)
        })
    })
}

/// As [`called`], for code that computes: the profiler sees it.
fn inside(op_type: &str, method: &str, f: impl FnOnce(Python<'_>) -> PyResult<()>) -> OpResult {
    let label = if method == "backward" { format!("_backward_{op_type}") } else { op_type.to_string() };
    profile::inside(&label, || called(op_type, method, f))
}

/// A `CustomOpProp`.
#[derive(Debug)]
struct Property {
    object: Py<PyAny>,
    op_type: String,
    signature: Signature,
}

impl Foreign for Property {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn infer_shape(&self, inputs: &[PartialShape]) -> OpResult<Vec<PartialShape>> {
        called(&self.op_type, "infer_shape", |py| {
            let known: Vec<Vec<i64>> = inputs.iter().map(PartialShape::to_legacy).collect();
            let complete: Vec<bool> = inputs.iter().map(PartialShape::is_complete).collect();
            let found = self.object.bind(py).call_method1("infer_shape", (known, complete))?;
            let one = |shape: Bound<'_, PyAny>| match shape.is_none() {
                true => Ok(PartialShape::unknown()),
                false => partial_shape(&shape, true),
            };
            found.try_iter()?.map(|shape| one(shape?)).collect()
        })
    }

    fn infer_type(&self, inputs: &[Option<DType>]) -> OpResult<Vec<Option<DType>>> {
        called(&self.op_type, "infer_type", |py| {
            let known: Vec<Option<i32>> = inputs.iter().map(|dtype| dtype.map(DType::number)).collect();
            let found = self.object.bind(py).call_method1("infer_type", (known,))?;
            Ok(found.extract::<Vec<Option<i32>>>()?.into_iter().map(|n| n.and_then(DType::from_number)).collect())
        })
    }

    fn create(&self, shapes: &[Shape], types: &[DType]) -> OpResult<Arc<dyn Instance>> {
        called(&self.op_type, "create_operator", |py| {
            let shapes: Vec<Vec<usize>> = shapes.iter().map(|shape| shape.to_vec()).collect();
            let types: Vec<i32> = types.iter().map(|dtype| dtype.number()).collect();
            let object = self.object.bind(py).call_method1("create", (shapes, types))?.unbind();
            Ok(Arc::new(Operator { object, op_type: self.op_type.clone() }) as Arc<dyn Instance>)
        })
    }
}

/// A `CustomOp`.
struct Operator {
    object: Py<PyAny>,
    op_type: String,
}

fn array<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    wrap_ndarray(py, NDArray::new(tensor.clone(), (1, 0)))
}

fn arrays<'py>(py: Python<'py>, tensors: &[Tensor]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, tensors.iter().map(|tensor| array(py, tensor)).collect::<PyResult<Vec<_>>>()?)
}

fn given<'py>(py: Python<'py>, tensors: &[Option<Tensor>]) -> PyResult<Bound<'py, PyList>> {
    let one = |tensor: &Option<Tensor>| tensor.as_ref().map(|tensor| array(py, tensor)).transpose();
    PyList::new(py, tensors.iter().map(one).collect::<PyResult<Vec<_>>>()?)
}

impl Instance for Operator {
    fn forward(&self, call: &Forward) -> OpResult {
        inside(&self.op_type, "forward", |py| {
            let data = (arrays(py, call.inputs)?, arrays(py, call.outputs)?, arrays(py, call.aux)?);
            self.object.bind(py).call_method1("forward", (call.is_train, data.0, data.1, data.2)).map(|_| ())
        })
    }

    fn backward(&self, call: &Backward) -> OpResult {
        inside(&self.op_type, "backward", |py| {
            let values = (given(py, call.out_grads)?, given(py, call.inputs)?, given(py, call.outputs)?);
            let written = (arrays(py, call.gradients)?, arrays(py, call.aux)?);
            let needed = call.needed.to_vec();
            let all = (call.is_train, needed, values.0, values.1, values.2, written.0, written.1);
            self.object.bind(py).call_method1("backward", all).map(|_| ())
        })
    }
}
