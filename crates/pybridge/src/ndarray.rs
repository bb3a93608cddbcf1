use crate::autograd;
use crate::classes::{take_made_array, wrap_ndarray};
use crate::convert::{dtype_of, shape_of};
use crate::errors::{attached, mxnet_error};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use rsym_executor::autograd::Slot;
use rsym_executor::profile::{Recorder, Source};
use rsym_tensor::{DType, Element, Tensor, TensorError, f16};

/// The Rust half of `rsym.ndarray.NDArray`: a tensor, the device it was asked for, and its place on the tape.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
#[derive(Clone)]
pub struct NDArray {
    pub tensor: Tensor,
    /// MXNet's device type number and the device id.
    pub device: (i32, i32),
    /// Where it stands on the tape of `autograd`.
    pub slot: Slot,
}

impl NDArray {
    pub fn new(tensor: Tensor, device: (i32, i32)) -> NDArray {
        NDArray { tensor, device, slot: Slot::default() }
    }

    /// `tensor`, made of this array by the operator `op` with these parameters, which is recorded if the thread records.
    fn derived<'py>(
        &self,
        py: Python<'py>,
        tensor: Tensor,
        device: (i32, i32),
        op: &str,
        params: &[(&str, String)],
    ) -> PyResult<Bound<'py, PyAny>> {
        let slot = autograd::derive(self, &tensor, op, params)?;
        wrap_ndarray(py, NDArray { tensor, device, slot })
    }
}

#[pymethods]
impl NDArray {
    /// An array on the memory of another one.
    #[new]
    #[pyo3(signature = (base=None))]
    fn new_object(base: Option<&NDArray>) -> PyResult<NDArray> {
        base.map_or_else(take_made_array, |base| Ok(base.clone()))
    }

    /// An array of zeros.
    #[staticmethod]
    fn _zeros<'py>(
        py: Python<'py>,
        shape: &Bound<'py, PyAny>,
        dtype: i32,
        device: (i32, i32),
    ) -> PyResult<Bound<'py, PyAny>> {
        let (shape, dtype) = (shape_of(shape)?, dtype_of(dtype)?);
        let zeros = || attached(|| Tensor::zeros(shape.clone(), dtype));
        let tensor = match Recorder::new(Source::Imperative) {
            Some(recorder) => recorder.time("_zeros", "".into(), shape.size() * dtype.size(), zeros)?,
            None => zeros()?,
        };
        wrap_ndarray(py, NDArray::new(tensor, device))
    }

    /// A copy of a C-contiguous NumPy array, converted to another type if `dtype` says so.
    #[staticmethod]
    fn _from_numpy<'py>(
        py: Python<'py>,
        array: &Bound<'py, PyUntypedArray>,
        dtype: i32,
        device: (i32, i32),
    ) -> PyResult<Bound<'py, PyAny>> {
        let tensor = from_numpy(array)?;
        let dtype = dtype_of(dtype)?;
        let tensor = if tensor.dtype() == dtype { tensor } else { attached(|| tensor.cast(dtype))? };
        wrap_ndarray(py, NDArray::new(tensor, device))
    }

    /// An array over the memory at `address`, which `owner` keeps alive.
    #[staticmethod]
    fn _over<'py>(
        py: Python<'py>,
        address: usize,
        shape: &Bound<'py, PyAny>,
        dtype: i32,
        owner: Py<PyAny>,
        device: (i32, i32),
    ) -> PyResult<Bound<'py, PyAny>> {
        let (shape, dtype) = (shape_of(shape)?, dtype_of(dtype)?);
        let tensor = attached(|| rsym_tensor::borrow_memory(address, shape, dtype, Box::new(owner)))?;
        wrap_ndarray(py, NDArray::new(tensor, device))
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.tensor.shape().iter())
    }

    #[getter]
    fn size(&self) -> usize {
        self.tensor.size()
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.tensor.shape().len()
    }

    /// MXNet's type number.
    #[getter]
    fn _dtype(&self) -> i32 {
        self.tensor.dtype().number()
    }

    #[getter]
    fn _device(&self) -> (i32, i32) {
        self.device
    }

    /// Address of the first element.
    #[getter]
    fn _address(&self) -> usize {
        self.tensor.as_ptr() as usize
    }

    /// Announces that the memory was or will be written from outside.
    fn _touch(&self) {
        self.tensor.storage().touch();
    }

    /// Says that others may write the memory from now on without announcing it.
    fn _expose(&self) {
        self.tensor.storage().expose();
    }

    /// A NumPy copy; bfloat16 becomes float32.
    fn asnumpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat = match self.tensor.dtype() {
            DType::Float32 => copy_out::<f32>(py, &self.tensor),
            DType::Float64 => copy_out::<f64>(py, &self.tensor),
            DType::Float16 => copy_out::<f16>(py, &self.tensor),
            DType::UInt8 => copy_out::<u8>(py, &self.tensor),
            DType::Int32 => copy_out::<i32>(py, &self.tensor),
            DType::Int8 => copy_out::<i8>(py, &self.tensor),
            DType::Int64 => copy_out::<i64>(py, &self.tensor),
            DType::Bool => copy_out::<bool>(py, &self.tensor),
            DType::BFloat16 => copy_out::<f32>(py, &attached(|| self.tensor.cast(DType::Float32))?),
        }?;
        flat.call_method1("reshape", (self.shape(py)?,))
    }

    /// The same memory under another shape of the same size.
    fn _view<'py>(&self, py: Python<'py>, shape: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let shape = shape_of(shape)?;
        let view = attached(|| self.tensor.reshape(shape))?;
        let text = || view.shape().to_string();
        let params = if autograd::records(self) { vec![("shape", text())] } else { Vec::new() };
        self.derived(py, view, self.device, "Reshape", &params)
    }

    /// The same memory, without a place on the tape.
    fn detach<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap_ndarray(py, NDArray::new(self.tensor.clone(), self.device))
    }

    /// The rows `begin..end` of the first dimension, sharing the memory.
    fn _rows<'py>(&self, py: Python<'py>, begin: usize, end: usize) -> PyResult<Bound<'py, PyAny>> {
        let view = attached(|| self.tensor.rows(begin, end))?;
        let number = |n: usize| n.to_string();
        let params = if autograd::records(self) {
            vec![("axis", number(0)), ("begin", number(begin)), ("end", number(end))]
        } else {
            Vec::new()
        };
        self.derived(py, view, self.device, "slice_axis", &params)
    }

    /// A copy on a device.
    fn _copy<'py>(&self, py: Python<'py>, device: (i32, i32)) -> PyResult<Bound<'py, PyAny>> {
        let copy = attached(|| self.tensor.deep_copy())?;
        self.derived(py, copy, device, "_copy", &[])
    }

    /// A copy with another data type.
    fn _cast<'py>(&self, py: Python<'py>, dtype: i32) -> PyResult<Bound<'py, PyAny>> {
        let dtype = dtype_of(dtype)?;
        let cast = attached(|| self.tensor.cast(dtype))?;
        let params = if autograd::records(self) { vec![("dtype", dtype.to_string())] } else { Vec::new() };
        self.derived(py, cast, self.device, "Cast", &params)
    }

    /// Takes over the elements of `source`, of the same size, converting the type.
    fn _assign(&self, source: &NDArray) -> PyResult<()> {
        autograd::refuse_write(self)?;
        attached(|| self.tensor.clone().assign(&source.tensor))?;
        autograd::assigned(self, source)
    }

    /// Takes over the elements of a C-contiguous NumPy array of the same size, converting the type.
    fn _assign_numpy(&self, source: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        autograd::refuse_write(self)?;
        let source = from_numpy(source)?;
        attached(|| self.tensor.clone().assign(&source))
    }

    /// Sets every element.
    fn _fill(&self, value: f64) -> PyResult<()> {
        autograd::refuse_write(self)?;
        self.tensor.clone().fill(value);
        Ok(())
    }

    /// Whether this thread records, and the array takes part in gradients.
    #[getter]
    fn _records(&self) -> bool {
        autograd::records(self)
    }

    /// Refuses to be written, in a part of it with the values of `source`, where the tape would not notice.
    #[pyo3(signature = (source=None))]
    fn _refuse_write(&self, source: Option<&NDArray>) -> PyResult<()> {
        autograd::refuse_write(self)?;
        source.map_or(Ok(()), autograd::refuse_part)
    }

    /// Marks the array: its gradient goes to `grad`, as `req` says (0 null, 1 write, 3 add).
    fn _mark(&self, grad: &NDArray, req: u32) -> PyResult<()> {
        autograd::mark(self, grad, req)
    }

    /// The gradient array of a marked array.
    #[getter]
    fn grad<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let grad = self.slot.variable().and_then(|node| node.as_variable().map(|v| v.grad.clone()));
        grad.map(|grad| wrap_ndarray(py, NDArray::new(grad, self.device))).transpose()
    }

    /// Takes the mark from a marked array, and its gradient array with it.
    fn drop_grad(&self) {
        if self.slot.variable().is_some() {
            self.slot.set(None);
        }
    }

    /// Whether a gradient came since this was last set to false.
    #[getter]
    fn _fresh_grad(&self) -> bool {
        self.slot.variable().is_some_and(|node| node.as_variable().is_some_and(|v| v.fresh))
    }

    #[setter(_fresh_grad)]
    fn set_fresh_grad(&self, fresh: bool) {
        if let Some(node) = self.slot.variable()
            && let Some(mut variable) = node.as_variable()
        {
            variable.fresh = fresh;
        }
    }

    /// Element number `index` in C order.
    fn _item(&self, index: usize) -> Option<f64> {
        self.tensor.get_f64(index)
    }

    /// Whether both look at exactly the same memory.
    fn _same_memory(&self, other: &NDArray) -> bool {
        self.tensor.same_memory(&other.tensor)
    }

    /// The raw bytes in C order.
    fn _bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.tensor.as_bytes())
    }

    /// NumPy's array interface: shares the memory.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.tensor.storage().expose();
        self._interface(py)
    }

    /// As `__array_interface__`, for callers that announce what they write.
    fn _interface<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let code = match self.tensor.dtype() {
            DType::Float32 => "<f4",
            DType::Float64 => "<f8",
            DType::Float16 => "<f2",
            DType::UInt8 => "|u1",
            DType::Int32 => "<i4",
            DType::Int8 => "|i1",
            DType::Int64 => "<i8",
            DType::Bool => "|b1",
            DType::BFloat16 => {
                return Err(PyTypeError::new_err("NumPy has no bfloat16: use x.asnumpy(), which gives float32"));
            }
        };
        let dict = PyDict::new(py);
        dict.set_item("version", 3)?;
        dict.set_item("typestr", code)?;
        dict.set_item("shape", self.shape(py)?)?;
        dict.set_item("data", (self._address(), false))?;
        Ok(dict)
    }
}

fn copy_out<'py, T: Element + numpy::Element>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let data = attached(|| tensor.slice::<T>())?;
    Ok(PyArray1::from_slice(py, data).into_any())
}

/// A tensor with a copy of a C-contiguous NumPy array.
fn from_numpy(array: &Bound<'_, PyUntypedArray>) -> PyResult<Tensor> {
    if !array.is_c_contiguous() {
        return Err(PyTypeError::new_err("expected a C-contiguous array"));
    }
    let shape: Vec<usize> = array.shape().to_vec();
    let flat = array.call_method1("reshape", (-1,))?;
    let name: String = array.dtype().getattr("name")?.extract()?;
    macro_rules! by_name {
        ($($text:literal => $t:ty),*) => {
            match name.as_str() {
                $($text => copy_in::<$t>(&flat, shape),)*
                _ => Err(mxnet_error(format!(
                    "NumPy type {name} has no counterpart in rsym; convert the array with astype('float32') or another of: \
                     float16, float32, float64, int8, int32, int64, uint8, bool"
                ))),
            }
        };
    }
    by_name!("float32" => f32, "float64" => f64, "float16" => f16, "uint8" => u8, "int32" => i32, "int8" => i8,
             "int64" => i64, "bool" => bool)
}

fn copy_in<T: Element + numpy::Element>(flat: &Bound<'_, PyAny>, shape: Vec<usize>) -> PyResult<Tensor> {
    let array: PyReadonlyArray1<T> = flat.cast::<PyArray1<T>>()?.try_readonly()?;
    let data = array.as_slice()?;
    attached(|| -> Result<Tensor, TensorError> { Tensor::from_slice(shape, data) })
}
