//! The tape of `rsym.autograd`, as Python sees it.

use crate::classes::{wrap_ndarray, wrap_symbol};
use crate::errors::{attached, detached, mxnet_error};
use crate::ndarray::NDArray;
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rsym_executor::autograd::{self as tape, Head, Recorded, Slot, TapeFunction, TapeNode, Taped, Way, mode};
use rsym_executor::{ExecError, ExecResult, GradReq};
use rsym_graph::OpRef;
use rsym_tensor::{Shape, Tensor};
use std::cell::Cell;
use std::ffi::CString;
use std::sync::Arc;

/// Whether this thread records, and whether it trains.
#[pyfunction]
pub fn autograd_mode() -> (bool, bool) {
    let mode = mode();
    (mode.recording, mode.training)
}

/// Switches recording in this thread; what it was.
#[pyfunction]
pub fn set_recording(recording: bool) -> bool {
    tape::set_recording(recording)
}

/// Switches training in this thread; what it was.
#[pyfunction]
pub fn set_training(training: bool) -> bool {
    tape::set_training(training)
}

/// Whether the thread records, and `array` takes part in gradients.
pub fn records(array: &NDArray) -> bool {
    mode().recording && array.slot.taped().is_some()
}

/// The place of `tensor`, made of `array` by the operator `op`.
pub fn derive(array: &NDArray, tensor: &Tensor, op: &str, params: &[(&str, String)]) -> PyResult<Slot> {
    if !records(array) {
        return Ok(Slot::default());
    }
    let params: Vec<(&str, &str)> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let registry = rsym_ops::registry();
    let op = attached(|| registry.make(op, &params))?;
    let mut outputs = vec![tensor.clone()];
    outputs.resize(op.num_outputs(), tensor.clone());
    let node = tape::record(registry, &op, &[(&array.tensor, &array.slot)], &outputs);
    Ok(Slot::new(node.map(|node| Taped { node, index: 0 })))
}

/// Puts on the tape that `op` made `outputs` of `inputs`.
pub fn record(
    op: &OpRef,
    inputs: &[Option<Bound<'_, NDArray>>],
    outputs: &[Tensor],
) -> PyResult<Option<Arc<TapeNode>>> {
    let inputs: Vec<(&Tensor, &Slot)> = inputs.iter().flatten().map(|a| (&a.get().tensor, &a.get().slot)).collect();
    attached(|| Ok::<_, ExecError>(tape::record(rsym_ops::registry(), op, &inputs, outputs)))
}

/// Refuses to write an array that the tape refers to while the thread records.
pub fn refuse_write(array: &NDArray) -> PyResult<()> {
    if mode().recording && array.slot.is_used() {
        return Err(mxnet_error(
            "an array that is already in a computational graph cannot be written inside autograd.record(): x += y, x[:] = y and \
             out=x would change values that gradients need. Make a new array (x = x + y), write it inside autograd.pause(), or \
             run backward first",
        ));
    }
    Ok(())
}

/// Refuses to write the values of `source` into a part of another array while they take part in gradients.
pub fn refuse_part(source: &NDArray) -> PyResult<()> {
    if records(source) {
        return Err(mxnet_error(
            "Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd: values that take part in \
             gradients cannot be written into a part of an array; join arrays with concat, stack or where instead",
        ));
    }
    Ok(())
}

/// Refuses targets that the tape refers to, and targets that are inputs beside others that take part in gradients.
pub fn refuse_out(out: &[Bound<'_, NDArray>], inputs: &[Option<Bound<'_, NDArray>>]) -> PyResult<()> {
    out.iter().try_for_each(|target| refuse_write(target.get()))?;
    let is_target = |input: &Bound<'_, NDArray>| out.iter().any(|target| target.is(input));
    if inputs.iter().flatten().any(is_target) {
        inputs.iter().flatten().try_for_each(|input| {
            if records(input.get()) {
                return Err(mxnet_error(
                    "Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd: an input takes part \
                     in gradients; make a new array, as x = x + y",
                ));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Puts on the tape that all of `target` was written with the values of `source`.
pub fn assigned(target: &NDArray, source: &NDArray) -> PyResult<()> {
    if records(source) {
        let dtype = target.tensor.dtype();
        let slot = if source.tensor.dtype() == dtype {
            derive(source, &target.tensor, "_copy", &[])?
        } else {
            derive(source, &target.tensor, "Cast", &[("dtype", dtype.to_string())])?
        };
        target.slot.set(slot.taped());
    }
    Ok(())
}

/// Marks `array`: its gradient goes to `grad`.
pub fn mark(array: &NDArray, grad: &NDArray, req: u32) -> PyResult<()> {
    if array.tensor.shape() != grad.tensor.shape() {
        return Err(mxnet_error(format!(
            "the gradient array must have the shape of its variable, {}, got {}",
            array.tensor.shape(),
            grad.tensor.shape()
        )));
    }
    let req = match req {
        0 => GradReq::Null,
        3 => GradReq::Add,
        _ => GradReq::Write,
    };
    array.slot.set(Some(Taped { node: TapeNode::variable(grad.tensor.clone(), req), index: 0 }));
    Ok(())
}

/// The gradients of `heads` with respect to `variables`; without these, those of all marked arrays go to their places.
#[pyfunction]
#[pyo3(signature = (heads, head_grads, variables, retain_graph, create_graph, is_train))]
pub fn backward<'py>(
    py: Python<'py>,
    heads: Vec<Bound<'py, NDArray>>,
    head_grads: Vec<Option<Bound<'py, NDArray>>>,
    variables: Option<Vec<Bound<'py, NDArray>>>,
    retain_graph: bool,
    create_graph: bool,
    is_train: bool,
) -> PyResult<Bound<'py, PyList>> {
    let recorded = |a: &Bound<'py, NDArray>| {
        let array = a.get();
        Recorded { tensor: array.tensor.clone(), from: array.slot.taped() }
    };
    let head = |(head, grad): (&Bound<'py, NDArray>, &Option<Bound<'py, NDArray>>)| {
        let array = recorded(head);
        let grad = grad.as_ref().map(|grad| rows_of(py, recorded(grad), array.tensor.shape())).transpose()?;
        Ok(Head { array, grad })
    };
    let heads: Vec<Head> = heads.iter().zip(&head_grads).map(head).collect::<PyResult<_>>()?;
    let wanted = variables.as_ref().map(|all| marked(all)).transpose()?;
    let way = Way { retain: retain_graph, create: create_graph, is_train };
    let found = detached(py, || {
        let _running = rsym_kernels::parallel::running();
        tape::backward(rsym_ops::registry(), &heads, wanted.as_deref(), way)
    });
    let found = found.inspect_err(|error| error.set_cause(py, RAISED.take()))?;
    let devices = variables.iter().flatten().map(|v| v.get().device);
    let wrap =
        |(r, device): (Recorded, _)| wrap_ndarray(py, NDArray { tensor: r.tensor, device, slot: Slot::new(r.from) });
    PyList::new(py, found.into_iter().zip(devices).map(wrap).collect::<PyResult<Vec<_>>>()?)
}

/// The gradient of a head without the rows that a head of this shape does not have, of which it warns.
fn rows_of(py: Python<'_>, grad: Recorded, shape: &Shape) -> PyResult<Recorded> {
    let given = grad.tensor.shape();
    let rows = |s: &Shape| s.first().copied().unwrap_or_default();
    if rows(given) <= rows(shape) || given.get(1..) != shape.get(1..) {
        return Ok(grad);
    }
    let text = format!(
        "backward: the gradient of a head has {} rows, and the head {}; the others are left out",
        rows(given),
        rows(shape)
    );
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 2)?;
    Ok(Recorded { tensor: attached(|| grad.tensor.rows(0, rows(shape)))?, from: None })
}

/// The places of arrays that must be marked.
fn marked(arrays: &[Bound<'_, NDArray>]) -> PyResult<Vec<Taped>> {
    let one = |(k, array): (usize, &Bound<'_, NDArray>)| {
        array.get().slot.variable().map(|node| Taped { node, index: 0 }).ok_or_else(|| {
            mxnet_error(format!(
                "cannot differentiate with respect to variable number {k}: it is not marked; call attach_grad() on it before it is \
                 used"
            ))
        })
    };
    arrays.iter().enumerate().map(one).collect()
}

/// What was recorded on the way to `array`, as a symbol.
#[pyfunction]
pub fn recorded_symbol<'py>(py: Python<'py>, array: &Bound<'py, NDArray>) -> PyResult<Bound<'py, PyAny>> {
    let head = array.get().slot.taped().ok_or_else(|| {
        mxnet_error(
            "the array is not part of a computation graph: compute it inside autograd.record() from a marked array",
        )
    })?;
    wrap_symbol(py, attached(|| tape::recorded_symbol(&head))?)
}

thread_local! {
    /// What a function of the user's raised in the backward pass that is under way.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// The backward half of an `autograd.Function`.
struct Function {
    /// Takes the list of arriving gradients; gives a list with one for each input.
    call: Py<PyAny>,
    name: String,
    device: (i32, i32),
}

impl Function {
    fn run(&self, py: Python<'_>, heads: Vec<Tensor>) -> PyResult<Vec<Tensor>> {
        let heads = heads.into_iter().map(|t| wrap_ndarray(py, NDArray::new(t, self.device)));
        let heads = PyTuple::new(py, heads.collect::<PyResult<Vec<_>>>()?)?;
        let found: Vec<Bound<'_, NDArray>> = self.call.bind(py).call1(heads)?.extract()?;
        Ok(found.iter().map(|a| a.get().tensor.clone()).collect())
    }
}

impl TapeFunction for Function {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn backward(&self, heads: Vec<Tensor>, is_train: bool) -> ExecResult<Vec<Tensor>> {
        let (recorded, trained) = (tape::set_recording(false), tape::set_training(is_train));
        let found = Python::attach(|py| {
            self.run(py, heads).map_err(|error| {
                let text = format!("{}.backward failed: {error}", self.name);
                RAISED.set(Some(error));
                ExecError::State(text)
            })
        });
        tape::set_recording(recorded);
        tape::set_training(trained);
        found
    }
}

/// Puts a function on the tape that made `outputs` of `inputs`; arrays on the memory of the outputs that come from it.
#[pyfunction]
pub fn record_function<'py>(
    py: Python<'py>,
    name: String,
    call: Py<PyAny>,
    inputs: Vec<Bound<'py, NDArray>>,
    outputs: Vec<Bound<'py, NDArray>>,
) -> PyResult<Bound<'py, PyList>> {
    let device = inputs.first().map_or((1, 0), |a| a.get().device);
    let function = Arc::new(Function { call, name, device });
    let pairs: Vec<(&Tensor, &Slot)> = inputs.iter().map(|a| (&a.get().tensor, &a.get().slot)).collect();
    let tensors: Vec<Tensor> = outputs.iter().map(|a| a.get().tensor.clone()).collect();
    let node = tape::record_function(function, &pairs, &tensors);
    let wrap = |(index, tensor)| {
        let from = node.clone().map(|node| Taped { node, index });
        wrap_ndarray(py, NDArray { tensor, device, slot: Slot::new(from) })
    };
    PyList::new(py, tensors.into_iter().enumerate().map(wrap).collect::<PyResult<Vec<_>>>()?)
}
