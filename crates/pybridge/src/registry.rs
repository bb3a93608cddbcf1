use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rsym_graph::OpDef;

/// Every operator that users may call, as dictionaries: what functions, stubs and documentation are generated from.
#[pyfunction]
pub fn operators(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = rsym_ops::registry().iter().filter(|d| !d.hidden).map(|d| describe(py, d));
    PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
}

fn describe<'py>(py: Python<'py>, def: &OpDef) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("name", def.name)?;
    row.set_item("aliases", def.aliases)?;
    row.set_item("doc", def.doc)?;
    row.set_item("variadic", def.variadic)?;
    row.set_item("open", def.open)?;
    row.set_item("list", def.list)?;
    row.set_item("inputs", def.inputs.iter().map(|i| (i.name, i.doc)).collect::<Vec<_>>())?;
    let params = PyList::empty(py);
    for param in def.params {
        let item = PyDict::new(py);
        item.set_item("name", param.name)?;
        item.set_item("doc", param.doc)?;
        item.set_item("type", (param.type_name)())?;
        item.set_item("values", (param.values)())?;
        item.set_item("default", (param.default)())?;
        item.set_item("range", param.range)?;
        params.append(item)?;
    }
    row.set_item("params", params)?;
    Ok(row)
}
