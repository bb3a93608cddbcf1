use crate::classes::{wrap_ndarray, wrap_symbol};
use crate::errors::attached;
use crate::ndarray::NDArray;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rsym_graph::json;
use rsym_tensor::params;

/// The symbol in a JSON text, and warnings about it.
#[pyfunction]
pub fn load_json<'py>(py: Python<'py>, text: &str) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
    let loaded = attached(|| json::from_json(rsym_ops::registry(), text))?;
    Ok((wrap_symbol(py, loaded.symbol)?, loaded.warnings))
}

/// The arrays of a `.params` file and their names, none if the file has none.
#[pyfunction]
pub fn read_params<'py>(
    py: Python<'py>,
    bytes: &[u8],
    device: (i32, i32),
) -> PyResult<(Vec<String>, Vec<Bound<'py, PyAny>>)> {
    let file = attached(|| params::read(bytes))?;
    let arrays = file.tensors.into_iter().map(|t| wrap_ndarray(py, NDArray::new(t, device)));
    Ok((file.names, arrays.collect::<PyResult<Vec<_>>>()?))
}

/// The bytes of a `.params` file.
#[pyfunction]
pub fn write_params<'py>(
    py: Python<'py>,
    names: Vec<String>,
    arrays: Vec<Bound<'py, NDArray>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let tensors: Vec<_> = arrays.iter().map(|a| a.get().tensor.clone()).collect();
    Ok(PyBytes::new(py, &attached(|| params::write(&names, &tensors))?))
}
