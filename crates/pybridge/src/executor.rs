use crate::classes::{wrap_ndarray, wrap_symbol};
use crate::convert::{dtypes, partial_shapes};
use crate::errors::{attached, detached, mxnet_error};
use crate::ndarray::NDArray;
use crate::settings;
use crate::symbol::Symbol;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rsym_executor::{
    Bindings, ExecError, ExecResult, GradReq, Hooks, MemoryReport, Placement, Requests, SharedMemory, SimpleBind,
};
use rsym_graph::Interrupted;
use rsym_tensor::Tensor;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// The Rust half of `rsym.executor.Executor`.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
pub struct Executor {
    inner: Mutex<rsym_executor::Executor>,
    /// The thread that runs it right now: a monitor that called back in would wait for itself.
    runner: Mutex<Option<ThreadId>>,
    arg_arrays: Vec<Py<PyAny>>,
    grad_arrays: Vec<Option<Py<PyAny>>>,
    aux_arrays: Vec<Py<PyAny>>,
    outputs: Vec<Py<PyAny>>,
    monitor: Mutex<Option<(Py<PyAny>, bool)>>,
}

/// MXNet's device type number and the device id.
type Device = (i32, i32);

/// The device of those that no group has, and the devices of groups by their names, if there are any.
type Groups = Option<Vec<(String, Device)>>;

fn placement(default: Device, groups: Groups, args: Vec<Device>, aux: Vec<Device>) -> Option<Placement> {
    let device = |(kind, id): Device| rsym_executor::Device { kind, id };
    let all = |devices: Vec<Device>| devices.into_iter().map(device).collect();
    groups.map(|groups| Placement {
        default: device(default),
        groups: groups.into_iter().map(|(name, own)| (name, device(own))).collect(),
        args: all(args),
        aux: all(aux),
    })
}

impl Executor {
    fn new(py: Python<'_>, inner: rsym_executor::Executor, default: Device) -> PyResult<Executor> {
        let b = inner.bindings();
        let own = b.placement.as_ref();
        let wrap = |t: &Tensor, devices: Option<&[rsym_executor::Device]>, i: usize| {
            let device = devices.and_then(|d| d.get(i)).map_or(default, |d| (d.kind, d.id));
            Ok::<_, PyErr>(wrap_ndarray(py, NDArray::new(t.clone(), device))?.unbind())
        };
        let (in_args, in_aux) = (own.map(|p| &p.args[..]), own.map(|p| &p.aux[..]));
        let args = b.args.iter().enumerate().map(|(i, t)| wrap(t, in_args, i)).collect::<PyResult<_>>()?;
        let grads = b.grads.iter().enumerate();
        let grad = |(i, t): (usize, &Option<Tensor>)| t.as_ref().map(|t| wrap(t, in_args, i)).transpose();
        let grads = grads.map(grad).collect::<PyResult<_>>()?;
        let aux = b.aux.iter().enumerate().map(|(i, t)| wrap(t, in_aux, i)).collect::<PyResult<_>>()?;
        let outputs = inner.outputs().iter().enumerate();
        let outputs = outputs.map(|(i, t)| wrap(t, Some(inner.output_devices()), i)).collect::<PyResult<_>>()?;
        Ok(Executor {
            inner: Mutex::new(inner),
            runner: Mutex::new(None),
            arg_arrays: args,
            grad_arrays: grads,
            aux_arrays: aux,
            outputs,
            monitor: Mutex::new(None),
        })
    }

    /// Gives `f` the executor, for one caller at a time. To be called without the GIL.
    fn with<T>(&self, f: impl FnOnce(&mut rsym_executor::Executor) -> ExecResult<T>) -> ExecResult<T> {
        f(&mut self.hold()?.inner)
    }

    /// Waits until nobody else has the executor. To be called without the GIL.
    fn hold(&self) -> ExecResult<Held<'_>> {
        let me = Some(thread::current().id());
        if *lock(&self.runner) == me {
            let message =
                "the executor is running: its monitor callback cannot use it; copy what you need and return first";
            return Err(ExecError::State(message.into()));
        }
        let inner = lock(&self.inner);
        *lock(&self.runner) = me;
        Ok(Held { _reset: Reset(&self.runner), inner })
    }

    /// Runs `f` without the GIL, with the monitor and with Ctrl-C stopping it.
    fn run(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut rsym_executor::Executor, &mut Hooks) -> ExecResult + Send,
    ) -> PyResult<()> {
        let monitor = lock(&self.monitor).as_ref().map(|(callback, inputs)| (callback.clone_ref(py), *inputs));
        let mut raised: Option<PyErr> = None;
        let result = interruptible(py, |interrupted| {
            let mut show = |name: &str, value: &Tensor| {
                let Some((callback, _)) = &monitor else { return Ok(()) };
                Python::attach(|py| call_monitor(py, callback, name, value)).map_err(|e| {
                    let text = e.to_string();
                    raised = Some(e);
                    ExecError::Monitor(text)
                })
            };
            let mut hooks = Hooks { monitor: None, monitor_inputs: false, interrupted: Some(interrupted) };
            if let Some((_, inputs)) = &monitor {
                hooks.monitor = Some(&mut show);
                hooks.monitor_inputs = *inputs;
            }
            self.with(|inner| f(inner, &mut hooks))
        });
        match (result, raised) {
            (Err(_), Some(error)) => Err(error),
            (result, _) => result,
        }
    }
}

/// Runs `f` without the GIL, with Ctrl-C stopping it.
fn interruptible(py: Python<'_>, f: impl FnOnce(Interrupted) -> ExecResult + Send) -> PyResult<()> {
    let signal: Mutex<Option<PyErr>> = Mutex::new(None);
    let result = detached(py, || {
        let interrupted = || Python::attach(|py| py.check_signals().map_err(|e| *lock(&signal) = Some(e)).is_err());
        let _running = rsym_kernels::parallel::running();
        f(&interrupted)
    });
    match (result, signal.into_inner().unwrap_or_else(PoisonError::into_inner)) {
        (Err(_), Some(error)) => Err(error),
        (result, _) => result,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An executor that one caller has.
struct Held<'a> {
    // Reset also when a run panics, which the caller turns into an error, and before the lock goes.
    _reset: Reset<'a>,
    inner: MutexGuard<'a, rsym_executor::Executor>,
}

/// Forgets the running thread when dropped.
struct Reset<'a>(&'a Mutex<Option<ThreadId>>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        *lock(self.0) = None;
    }
}

fn call_monitor(py: Python<'_>, callback: &Py<PyAny>, name: &str, value: &Tensor) -> PyResult<()> {
    let copy = attached(|| value.deep_copy())?;
    callback.call1(py, (name, wrap_ndarray(py, NDArray::new(copy, (1, 0)))?)).map(|_| ())
}

#[pymethods]
impl Executor {
    #[getter]
    fn arg_arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.arg_arrays.iter().map(|a| a.bind(py)))
    }

    #[getter]
    fn grad_arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.grad_arrays.iter().map(|a| a.as_ref().map(|a| a.bind(py))))
    }

    #[getter]
    fn aux_arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.aux_arrays.iter().map(|a| a.bind(py)))
    }

    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.outputs.iter().map(|a| a.bind(py)))
    }

    fn _forward(&self, py: Python<'_>, is_train: bool) -> PyResult<()> {
        self.run(py, |e, hooks| e.forward(is_train, hooks))
    }

    fn _backward(&self, py: Python<'_>, head_grads: Vec<Option<Bound<'_, NDArray>>>) -> PyResult<()> {
        let grads: Vec<Option<Tensor>> =
            head_grads.iter().map(|g| g.as_ref().map(|g| g.get().tensor.clone())).collect();
        self.run(py, move |e, hooks| e.backward(&grads, hooks))
    }

    /// The Rust half of the symbol with equal subexpressions joined.
    fn _optimized_symbol(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let symbol = detached(py, || self.with(|inner| inner.optimized_symbol()))?;
        Ok(wrap_symbol(py, symbol)?.unbind())
    }

    #[pyo3(signature = (callback, monitor_all))]
    fn _set_monitor(&self, callback: Option<Py<PyAny>>, monitor_all: bool) {
        *lock(&self.monitor) = callback.map(|c| (c, monitor_all));
    }

    /// Where the bytes go: numbers by name, rows of (name, operator, bytes, offset, first step, last step, again, device)
    /// for the intermediate values, the largest first, and rows of (device, planned, steps, copies, copied) for devices.
    fn _memory<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyList>, Bound<'py, PyList>)> {
        let (numbers, rows, devices) = (PyDict::new(py), PyList::empty(py), PyList::empty(py));
        let Some(report) = detached(py, || self.with(|inner| Ok(inner.memory_report())))? else {
            return Ok((numbers, rows, devices));
        };
        for (name, number) in numbers_of(&report) {
            numbers.set_item(name, number)?;
        }
        for v in &report.values {
            let device = v.device.map(|d| (d.kind, d.id));
            rows.append((&v.name, &v.op, v.bytes, v.offset, v.first, v.last, v.again, device))?;
        }
        for d in &report.devices {
            devices.append(((d.device.kind, d.device.id), d.planned, d.steps, d.copies, d.copied))?;
        }
        Ok((numbers, rows, devices))
    }
}

fn numbers_of(report: &MemoryReport) -> [(&'static str, usize); 15] {
    [
        ("planned", report.planned),
        ("unshared", report.unshared),
        ("inplace", report.inplace),
        ("planned_without_recomputing", report.planned_without),
        ("recomputed", report.recomputed),
        ("arguments", report.arguments),
        ("gradients", report.gradients),
        ("auxiliary_states", report.aux),
        ("outputs", report.outputs),
        ("output_gradients", report.head_gradients),
        ("constants", report.constants),
        ("packed_weights", report.packed),
        ("forward_steps", report.forward_steps),
        ("together", report.together),
        ("steps", report.steps),
    ]
}

/// What to do with gradients: the same for all arguments, or for each.
#[derive(FromPyObject)]
pub enum Wanted {
    All(String),
    Each(Vec<String>),
}

impl Wanted {
    fn requests(&self) -> PyResult<Requests> {
        Ok(match self {
            Wanted::All(text) => Requests::All(grad_req(text)?),
            Wanted::Each(texts) => Requests::Each(texts.iter().map(|t| grad_req(t)).collect::<PyResult<_>>()?),
        })
    }
}

fn grad_req(text: &str) -> PyResult<GradReq> {
    match text {
        "null" => Ok(GradReq::Null),
        "write" => Ok(GradReq::Write),
        "add" => Ok(GradReq::Add),
        other => Err(mxnet_error(format!("grad_req must be 'write', 'add' or 'null', got '{other}'"))),
    }
}

fn tensors(dict: &Bound<'_, PyDict>) -> PyResult<HashMap<String, Tensor>> {
    let one = |(k, v): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let array = v.cast::<NDArray>().map_err(|_| PyTypeError::new_err("expected a dict of NDArray"))?;
        Ok((k.extract::<String>()?, array.get().tensor.clone()))
    };
    dict.iter().map(one).collect()
}

/// Runs `f` on several executors at once, each for one caller at a time.
fn run_all(
    py: Python<'_>,
    executors: &[Bound<'_, Executor>],
    f: impl FnOnce(&mut [&mut rsym_executor::Executor], Interrupted) -> ExecResult + Send,
) -> PyResult<()> {
    let executors: Vec<&Executor> = executors.iter().map(|e| e.get()).collect();
    interruptible(py, |interrupted| {
        // Always locked in the same order, so that two callers never wait for each other.
        let mut order: Vec<usize> = (0..executors.len()).collect();
        order.sort_by_key(|&i| std::ptr::from_ref(executors[i]));
        if order.windows(2).any(|w| std::ptr::eq(executors[w[0]], executors[w[1]])) {
            return Err(ExecError::State("an executor is given twice".into()));
        }
        let mut held = Vec::with_capacity(order.len());
        for &i in &order {
            held.push((i, executors[i].hold()?));
        }
        held.sort_by_key(|(i, _)| *i);
        f(&mut held.iter_mut().map(|(_, held)| &mut *held.inner).collect::<Vec<_>>(), interrupted)
    })
}

/// Computes the outputs of several executors at once.
#[pyfunction]
pub fn forward_all(py: Python<'_>, executors: Vec<Bound<'_, Executor>>, is_train: bool) -> PyResult<()> {
    run_all(py, &executors, |all, interrupted| rsym_executor::forward_all(all, is_train, interrupted))
}

/// Computes the gradients of several executors at once, from a list of gradients of outputs for each.
#[pyfunction]
pub fn backward_all(
    py: Python<'_>,
    executors: Vec<Bound<'_, Executor>>,
    head_grads: Vec<Vec<Option<Bound<'_, NDArray>>>>,
) -> PyResult<()> {
    let tensor = |g: &Option<Bound<'_, NDArray>>| g.as_ref().map(|g| g.get().tensor.clone());
    let heads: Vec<Vec<Option<Tensor>>> = head_grads.iter().map(|g| g.iter().map(tensor).collect()).collect();
    run_all(py, &executors, move |all, interrupted| rsym_executor::backward_all(all, &heads, interrupted))
}

/// Binds a symbol from shapes and types; everything is allocated, or taken from the shared arrays by name.
#[pyfunction]
pub fn simple_bind(
    py: Python<'_>,
    symbol: &Symbol,
    shapes: &Bound<'_, PyDict>,
    types: &Bound<'_, PyDict>,
    grad_req: Wanted,
    device: Device,
    groups: Groups,
    shared: &Bound<'_, PyDict>,
    shared_grads: &Bound<'_, PyDict>,
    shared_exec: Option<&Executor>,
    numpy_shape: bool,
    memory_budget: Option<usize>,
) -> PyResult<Executor> {
    settings::check()?;
    let request = SimpleBind {
        shapes: partial_shapes(shapes, numpy_shape)?,
        types: dtypes(types)?,
        reqs: grad_req.requests()?,
        shared: tensors(shared)?,
        shared_grads: tensors(shared_grads)?,
        memory: memory(py, shared_exec)?,
        budget: memory_budget,
        placement: placement(device, groups, Vec::new(), Vec::new()),
    };
    let inner = detached(py, || request.bind(rsym_ops::registry(), &symbol.inner))?;
    Executor::new(py, inner, device)
}

/// Binds a symbol to arrays, in the order of its lists.
#[pyfunction]
pub fn bind(
    py: Python<'_>,
    symbol: &Symbol,
    args: Vec<Bound<'_, NDArray>>,
    grads: Vec<Option<Bound<'_, NDArray>>>,
    grad_req: Vec<String>,
    aux: Vec<Bound<'_, NDArray>>,
    device: Device,
    groups: Groups,
    shared_exec: Option<&Executor>,
    memory_budget: Option<usize>,
) -> PyResult<Executor> {
    settings::check()?;
    let on = |arrays: &[Bound<'_, NDArray>]| arrays.iter().map(|a| a.get().device).collect();
    let bindings = Bindings {
        args: args.iter().map(|a| a.get().tensor.clone()).collect(),
        grads: grads.iter().map(|g| g.as_ref().map(|g| g.get().tensor.clone())).collect(),
        reqs: grad_req.iter().map(|r| self::grad_req(r)).collect::<PyResult<_>>()?,
        aux: aux.iter().map(|a| a.get().tensor.clone()).collect(),
        memory: memory(py, shared_exec)?,
        budget: memory_budget,
        placement: placement(device, groups, on(&args), on(&aux)),
    };
    let inner = detached(py, || rsym_executor::Executor::bind(rsym_ops::registry(), &symbol.inner, bindings))?;
    let mut executor = Executor::new(py, inner, device)?;
    // The caller's own objects are what `arg_arrays` and its like show.
    executor.arg_arrays = args.into_iter().map(|a| a.into_any().unbind()).collect();
    executor.aux_arrays = aux.into_iter().map(|a| a.into_any().unbind()).collect();
    executor.grad_arrays = grads.into_iter().map(|g| g.map(|g| g.into_any().unbind())).collect();
    Ok(executor)
}

fn memory(py: Python<'_>, shared_exec: Option<&Executor>) -> PyResult<Option<SharedMemory>> {
    let Some(shared) = shared_exec else { return Ok(None) };
    detached(py, || shared.with(|inner| Ok(Some(inner.memory()))))
}
