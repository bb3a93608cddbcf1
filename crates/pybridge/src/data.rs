//! Record files and batches of `rsym_data`.

use crate::classes::wrap_ndarray;
use crate::convert::dtype_of;
use crate::errors::{detached, mxnet_error};
use crate::ndarray::NDArray;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rsym_data::DataError;
use rsym_data::batch::{Ahead, Batches, Mnist, MnistSpec, Table, TableSpec};
use rsym_data::record;
use rsym_tensor::DType;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Something that one thread at a time uses, and that can be closed.
struct Held<T>(Mutex<Option<T>>);

impl<T: Send> Held<T> {
    fn new(value: T) -> Held<T> {
        Held(Mutex::new(Some(value)))
    }

    /// Calls `f` without the GIL.
    fn with<R: Send>(&self, py: Python<'_>, f: impl FnOnce(&mut T) -> Result<R, DataError> + Send) -> PyResult<R> {
        detached(py, || match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(value) => f(value),
            None => Err(DataError::Invalid("the file is closed".into())),
        })
    }

    fn take(&self, py: Python<'_>) -> Option<T> {
        py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// The Rust half of `rsym.recordio.MXRecordIO` for reading.
#[pyclass(frozen, module = "rsym._rsym")]
pub struct RecordReader(Held<record::RecordReader>);

#[pymethods]
impl RecordReader {
    #[new]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<RecordReader> {
        Ok(RecordReader(Held::new(detached(py, || record::RecordReader::open(path))?)))
    }

    /// The next record, None at the end.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.0.with(py, |reader| reader.read())?.map(|record| PyBytes::new(py, &record)))
    }

    /// Goes to an offset.
    fn seek(&self, py: Python<'_>, offset: u64) -> PyResult<()> {
        self.0.with(py, |reader| reader.seek(offset))
    }

    /// The offset of the next record.
    fn tell(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |reader| Ok(reader.tell()))
    }

    /// Goes to the next place where a record begins; its offset, None at the end.
    fn recover(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.0.with(py, |reader| reader.recover())
    }

    fn close(&self, py: Python<'_>) {
        self.0.take(py);
    }
}

/// The Rust half of `rsym.recordio.MXRecordIO` for writing.
#[pyclass(frozen, module = "rsym._rsym")]
pub struct RecordWriter(Held<record::RecordWriter>);

#[pymethods]
impl RecordWriter {
    #[new]
    fn create(py: Python<'_>, path: PathBuf) -> PyResult<RecordWriter> {
        Ok(RecordWriter(Held::new(detached(py, || record::RecordWriter::create(path))?)))
    }

    fn write(&self, py: Python<'_>, record: &[u8]) -> PyResult<()> {
        self.0.with(py, |writer| writer.write(record))
    }

    /// The offset of the next record.
    fn tell(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |writer| Ok(writer.tell()))
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |writer| writer.flush())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.take(py).map_or(Ok(()), |writer| detached(py, || writer.close()))
    }
}

/// The Rust half of `rsym.io.MXDataIter`.
#[pyclass(frozen, module = "rsym._rsym")]
pub struct BatchIter(Held<Ahead>);

/// Data, label, numbers of the examples, and how many only fill the batch.
type BatchTuple<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyArray1<u64>>, usize);

impl BatchIter {
    pub fn new(source: impl Batches + 'static, buffer: usize) -> BatchIter {
        BatchIter(Held::new(Ahead::new(source, buffer)))
    }
}

#[pymethods]
impl BatchIter {
    /// The next batch, None at the end.
    fn next<'py>(&self, py: Python<'py>, device: (i32, i32)) -> PyResult<Option<BatchTuple<'py>>> {
        let Some(batch) = self.0.with(py, |batches| batches.next())? else { return Ok(None) };
        let array = |tensor| wrap_ndarray(py, NDArray::new(tensor, device));
        Ok(Some((array(batch.data)?, array(batch.label)?, batch.index.into_pyarray(py), batch.pad)))
    }

    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |batches| batches.reset())
    }
}

/// Batches of rows of text files.
#[pyfunction]
pub fn csv_batches(
    py: Python<'_>,
    data: PathBuf,
    data_shape: Vec<usize>,
    label: Option<PathBuf>,
    label_shape: Vec<usize>,
    batch_size: usize,
    round_batch: bool,
    dtype: i32,
    buffer: usize,
) -> PyResult<BatchIter> {
    let spec = TableSpec { data, data_shape, label, label_shape, batch_size, round_batch };
    match dtype_of(dtype)? {
        DType::Float32 => Ok(BatchIter::new(detached(py, || Table::<f32>::open(spec))?, buffer)),
        DType::Int32 => Ok(BatchIter::new(detached(py, || Table::<i32>::open(spec))?, buffer)),
        DType::Int64 => Ok(BatchIter::new(detached(py, || Table::<i64>::open(spec))?, buffer)),
        other => Err(mxnet_error(format!("CSVIter: dtype is float32, int32 or int64, got {}", other.name()))),
    }
}

/// Batches of images of MNIST's format; also the shape of one.
#[pyfunction]
pub fn mnist_batches(
    py: Python<'_>,
    image: PathBuf,
    label: PathBuf,
    batch_size: usize,
    shuffle: bool,
    flat: bool,
    seed: u64,
    part: (usize, usize),
    dtype: i32,
    buffer: usize,
) -> PyResult<(BatchIter, Vec<usize>)> {
    let spec = MnistSpec { image, label, batch_size, shuffle, flat, seed, part, dtype: dtype_of(dtype)? };
    let source = detached(py, || Mnist::open(spec))?;
    let shape = source.example_shape();
    Ok((BatchIter::new(source, buffer), shape))
}
