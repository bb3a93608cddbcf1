use crate::autograd;
use crate::classes::{null, wrap_ndarray};
use crate::compose::keyword_text;
use crate::errors::{attached, detached, mxnet_error};
use crate::ndarray::NDArray;
use pyo3::exceptions::{PyAssertionError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rsym_executor::autograd::{Mode, Slot, Taped, mode};
use rsym_graph::{OpDef, ParamTexts, input_places, parse_op};
use rsym_tensor::Tensor;

/// Runs operator `op` on arrays at once; a list of arrays.
///
/// `inputs` are arrays by position, None ending them; `params` and `kwargs` hold parameters and further inputs.
#[pyfunction]
pub fn invoke<'py>(
    py: Python<'py>,
    op: &str,
    inputs: &Bound<'py, PyTuple>,
    params: &Bound<'py, PyDict>,
    kwargs: &Bound<'py, PyDict>,
    out: Option<Vec<Bound<'py, NDArray>>>,
    device: (i32, i32),
) -> PyResult<Bound<'py, PyList>> {
    let def = attached(|| rsym_ops::registry().find(op))?;
    let mut arrays: Vec<Option<Bound<'py, NDArray>>> = Vec::new();
    for (i, value) in inputs.iter().enumerate() {
        arrays.push(array(def, def.inputs.get(i).map_or("data", |p| p.name), &value)?);
    }
    let mut texts = ParamTexts::default();
    let mut named: Vec<(String, Bound<'py, NDArray>)> = Vec::new();
    let null = null(py)?;
    for (key, value) in params.iter().chain(kwargs.iter()) {
        if value.is(null) {
            continue;
        }
        let key: String = key.extract()?;
        match value.cast::<NDArray>() {
            Ok(input) => named.push((key, input.clone())),
            Err(_) => {
                let text = keyword_text(def, &key, &value)?;
                texts.set(key, text);
            }
        }
    }
    while matches!(arrays.last(), Some(None)) {
        arrays.pop();
    }
    if let Some(count) = def.variadic.filter(|c| texts.get(c).is_none()) {
        texts.set(count, (arrays.len() + named.len()).to_string());
    }
    let op = attached(|| parse_op(def, "", &texts, &[]))?;
    let given: Vec<bool> = arrays.iter().map(Option::is_some).collect();
    if let Some(places) = input_places(def, &op, &given) {
        let mut seats: Vec<_> = (0..op.num_inputs()).map(|_| None).collect();
        places.into_iter().zip(arrays).filter(|(_, array)| array.is_some()).for_each(|(i, array)| seats[i] = array);
        arrays = seats;
    }
    place(def, &mut arrays, named, &op.inputs())?;
    let device = arrays.iter().flatten().next().map_or(device, |a| a.get().device);
    let tensors = arrays
        .iter()
        .enumerate()
        .map(|(i, a)| a.as_ref().map(|a| a.get().tensor.clone()).ok_or_else(|| missing(def, i)))
        .collect::<PyResult<Vec<Tensor>>>()?;
    let targets: Option<Vec<Tensor>> = out.as_ref().map(|out| out.iter().map(|o| o.get().tensor.clone()).collect());
    let Mode { recording, training } = mode();
    if let (true, Some(out)) = (recording, &out) {
        autograd::refuse_out(out, &arrays)?;
    }
    let mut results = detached(py, || {
        let _running = rsym_kernels::parallel::running();
        rsym_executor::run(&op, &tensors, targets.as_deref(), training)
    })?;
    let node = if recording { autograd::record(&op, &arrays, &results)? } else { None };
    let slot = |index| Slot::new(node.as_ref().map(|node| Taped { node: node.clone(), index }));
    if let Some(out) = out {
        if node.is_some() {
            out.iter().enumerate().for_each(|(k, o)| o.get().slot.set(slot(k).taped()));
        }
        return PyList::new(py, out);
    }
    results.truncate(op.num_visible());
    let wrap = |(k, tensor)| wrap_ndarray(py, NDArray { tensor, device, slot: slot(k) });
    let arrays = results.into_iter().enumerate().map(wrap).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, arrays)
}

/// Runs operator `op` on each group of arrays, the first of which takes the output, all of them at once.
///
/// `common` has parameters for all groups, `each` lists of parameters with one value for each group.
#[pyfunction]
pub fn update_each(
    py: Python<'_>,
    op: &str,
    groups: Vec<Vec<Bound<'_, NDArray>>>,
    common: &Bound<'_, PyDict>,
    each: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let def = attached(|| rsym_ops::registry().find(op))?;
    let mut shared = ParamTexts::default();
    for (key, value) in common.iter() {
        let key: String = key.extract()?;
        let text = keyword_text(def, &key, &value)?;
        shared.set(key, text);
    }
    let lists = each.iter().map(|(key, values)| Ok((key.extract()?, values.extract()?)));
    let lists = lists.collect::<PyResult<Vec<(String, Vec<Bound<'_, PyAny>>)>>>()?;
    let mut ops = Vec::with_capacity(groups.len());
    for k in 0..groups.len() {
        let mut texts = shared.clone();
        for (key, values) in &lists {
            let value = values.get(k).ok_or_else(|| mxnet_error(format!("{op}: {key} has no value for weight {k}")))?;
            texts.set(key.clone(), keyword_text(def, key, value)?);
        }
        ops.push(attached(|| parse_op(def, "", &texts, &[]))?);
    }
    if mode().recording {
        for group in &groups {
            let inputs: Vec<_> = group.iter().cloned().map(Some).collect();
            autograd::refuse_out(&group[..1.min(group.len())], &inputs)?;
        }
    }
    let tensors: Vec<Vec<Tensor>> = groups.iter().map(|g| g.iter().map(|a| a.get().tensor.clone()).collect()).collect();
    detached(py, || {
        let _running = rsym_kernels::parallel::running();
        rsym_executor::run_each(&ops, &tensors)
    })
}

fn array<'py>(def: &OpDef, place: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, NDArray>>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.cast::<NDArray>() {
        Ok(array) => Ok(Some(array.clone())),
        Err(_) => Err(PyAssertionError::new_err(format!(
            "{}: input {place} must be an NDArray, got {}; convert it with nd.array(…), or pass parameters by keyword",
            def.name,
            value.get_type().name()?
        ))),
    }
}

/// Puts keyword inputs beside the positional ones.
fn place<'py>(
    def: &OpDef,
    arrays: &mut Vec<Option<Bound<'py, NDArray>>>,
    named: Vec<(String, Bound<'py, NDArray>)>,
    names: &rsym_graph::Names,
) -> PyResult<()> {
    for (key, value) in named {
        let Some(i) = names.iter().position(|n| *n == key) else {
            let hint = rsym_graph::did_you_mean(&key, names.iter().map(|n| &**n));
            let names = names.join(", ");
            return Err(mxnet_error(format!("{}: there is no input named '{key}'{hint}; inputs: {names}", def.name)));
        };
        if arrays.len() <= i {
            arrays.resize_with(i + 1, || None);
        }
        if arrays[i].replace(value).is_some() {
            return Err(PyTypeError::new_err(format!("{}: input '{key}' is given twice", def.name)));
        }
    }
    Ok(())
}

fn missing(def: &OpDef, i: usize) -> PyErr {
    let name = def.inputs.get(i).map_or_else(|| format!("number {i}"), |p| p.name.to_string());
    PyTypeError::new_err(format!("{}: input {name} is missing", def.name))
}

/// Starts the random stream anew.
#[pyfunction]
pub fn seed(seed: u64) {
    rsym_executor::seed(seed);
}
