use crate::classes::wrap_ndarray;
use crate::convert::{dtype_of, shape_of};
use crate::errors::{attached, mxnet_error};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use rsym_tensor::{DType, Element, Tensor, TensorError, f16};

/// The Rust half of `rsym.ndarray.NDArray`: a tensor and the device it was asked for.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
#[derive(Clone)]
pub struct NDArray {
    pub tensor: Tensor,
    /// MXNet's device type number and the device id.
    pub device: (i32, i32),
}

impl NDArray {
    pub fn new(tensor: Tensor, device: (i32, i32)) -> NDArray {
        NDArray { tensor, device }
    }

    fn like(&self, tensor: Tensor) -> NDArray {
        NDArray { tensor, device: self.device }
    }
}

#[pymethods]
impl NDArray {
    #[new]
    fn from_base(base: &NDArray) -> NDArray {
        base.clone()
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
        wrap_ndarray(py, NDArray::new(attached(|| Tensor::zeros(shape, dtype))?, device))
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
        wrap_ndarray(py, self.like(attached(|| self.tensor.reshape(shape))?))
    }

    /// The rows `begin..end` of the first dimension, sharing the memory.
    fn _rows<'py>(&self, py: Python<'py>, begin: usize, end: usize) -> PyResult<Bound<'py, PyAny>> {
        wrap_ndarray(py, self.like(attached(|| self.tensor.rows(begin, end))?))
    }

    /// A copy on a device.
    fn _copy<'py>(&self, py: Python<'py>, device: (i32, i32)) -> PyResult<Bound<'py, PyAny>> {
        wrap_ndarray(py, NDArray::new(attached(|| self.tensor.deep_copy())?, device))
    }

    /// A copy with another data type.
    fn _cast<'py>(&self, py: Python<'py>, dtype: i32) -> PyResult<Bound<'py, PyAny>> {
        let dtype = dtype_of(dtype)?;
        wrap_ndarray(py, self.like(attached(|| self.tensor.cast(dtype))?))
    }

    /// Takes over the elements of `source`, of the same size, converting the type.
    fn _assign(&self, source: &NDArray) -> PyResult<()> {
        attached(|| self.tensor.clone().assign(&source.tensor))
    }

    /// Takes over the elements of a C-contiguous NumPy array of the same size, converting the type.
    fn _assign_numpy(&self, source: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        let source = from_numpy(source)?;
        attached(|| self.tensor.clone().assign(&source))
    }

    /// Sets every element.
    fn _fill(&self, value: f64) {
        self.tensor.clone().fill(value);
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
