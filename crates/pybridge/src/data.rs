//! Record files and batches of `rsym_data`.

use crate::classes::wrap_ndarray;
use crate::convert::dtype_of;
use crate::errors::{detached, mxnet_error};
use crate::ndarray::NDArray;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rsym_data::DataError;
use rsym_data::batch::{Ahead, Batches, Mnist, MnistSpec, RecordSpec, Records, Table, TableSpec, read_labels};
use rsym_data::picture::{Augment, Colours, Format, Interpolation, Jitter, Normalize, Picture, decode, encode};
use rsym_data::record;
use rsym_tensor::{DType, Tensor};
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

/// Parameters of `rsym.io.ImageRecordIter`, as they are called there.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct RecordParams {
    path_imgrec: String,
    path_imgidx: Option<PathBuf>,
    path_imglist: Option<PathBuf>,
    label_width: usize,
    data_shape: [usize; 3],
    batch_size: usize,
    round_batch: bool,
    shuffle: bool,
    seed: u64,
    seed_aug: Option<u64>,
    part_index: usize,
    num_parts: usize,
    preprocess_threads: usize,
    prefetch_buffer: usize,
    dtype: i32,
    resize: Option<usize>,
    rand_crop: bool,
    random_resized_crop: bool,
    max_rotate_angle: i64,
    rotate: Option<i64>,
    rotate_list: Vec<i64>,
    max_shear_ratio: f32,
    aspect_ratio: (f32, f32),
    crop_size: Option<(usize, usize)>,
    random_scale: (f32, f32),
    random_area: (f32, f32),
    image_size: (f32, f32),
    pad: usize,
    fill_value: u8,
    inter_method: i64,
    brightness: f32,
    contrast: f32,
    saturation: f32,
    pca_noise: f32,
    hsl: [i64; 3],
    mirror: bool,
    rand_mirror: bool,
    mean: [f32; 4],
    mean_image: Option<Vec<f32>>,
    std: [f32; 4],
    scale: f32,
    max_random_contrast: f32,
    max_random_illumination: f32,
}

impl RecordParams {
    fn spec(self) -> Result<RecordSpec, DataError> {
        let labels = self.path_imglist.map(|path| read_labels(&path, self.label_width)).transpose()?;
        let jitter = Jitter {
            brightness: self.brightness,
            contrast: self.contrast,
            saturation: self.saturation,
            pca_noise: self.pca_noise,
            hsl: self.hsl,
        };
        let augment = Augment {
            size: (self.data_shape[1], self.data_shape[2]),
            resize: self.resize,
            rand_crop: self.rand_crop,
            random_resized_crop: self.random_resized_crop,
            max_rotate_angle: self.max_rotate_angle,
            rotate: self.rotate,
            rotate_list: self.rotate_list,
            max_shear_ratio: self.max_shear_ratio,
            aspect_ratio: self.aspect_ratio,
            crop_size: self.crop_size,
            random_scale: self.random_scale,
            random_area: self.random_area,
            image_size: self.image_size,
            pad: self.pad,
            fill_value: self.fill_value,
            interpolation: Interpolation::from_number(self.inter_method)?,
            jitter,
        };
        let normalize = Normalize {
            mirror: self.mirror,
            rand_mirror: self.rand_mirror,
            mean: self.mean,
            mean_image: self.mean_image,
            std: self.std,
            scale: self.scale,
            max_contrast: self.max_random_contrast,
            max_illumination: self.max_random_illumination,
        };
        Ok(RecordSpec {
            path: self.path_imgrec,
            index: self.path_imgidx,
            labels,
            label_width: self.label_width,
            shape: self.data_shape,
            batch_size: self.batch_size,
            round_batch: self.round_batch,
            shuffle: self.shuffle,
            seed: self.seed,
            seed_augment: self.seed_aug,
            part: (self.part_index, self.num_parts),
            threads: self.preprocess_threads,
            dtype: DType::from_number(self.dtype).unwrap_or(DType::Float32),
            augment,
            normalize,
        })
    }
}

/// Batches of pictures in record files.
#[pyfunction]
pub fn record_batches(py: Python<'_>, params: RecordParams) -> PyResult<BatchIter> {
    let buffer = params.prefetch_buffer;
    let source = detached(py, || Records::open(params.spec()?))?;
    Ok(BatchIter::new(source, buffer))
}

/// The picture in an array of bytes with two or three axes.
fn picture_of(array: &NDArray) -> Result<Picture, DataError> {
    let dims = array.tensor.shape().to_vec();
    let (height, width, channels) = match dims[..] {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => return Err(DataError::Invalid(format!("a picture has 2 or 3 axes, got {dims:?}"))),
    };
    let bytes = array.tensor.slice::<u8>().map_err(|error| DataError::Invalid(error.to_string()))?;
    Picture::new(height, width, channels, bytes.to_vec())
}

fn picture_array<'py>(py: Python<'py>, picture: Picture) -> PyResult<Bound<'py, PyAny>> {
    let shape = [picture.height, picture.width, picture.channels];
    let tensor = detached(py, || Tensor::from_slice(shape, &picture.data))?;
    wrap_ndarray(py, NDArray::new(tensor, (1, 0)))
}

/// The picture in the bytes of a file; `channels` is 1, 3, or 0 for those of the file.
#[pyfunction]
pub fn decode_picture<'py>(py: Python<'py>, bytes: &[u8], channels: usize, turn: bool) -> PyResult<Bound<'py, PyAny>> {
    let colours = match channels {
        1 => Colours::Gray,
        3 => Colours::Rgb,
        _ => Colours::AsIs,
    };
    let picture = detached(py, || decode(bytes, colours, turn))?;
    picture_array(py, picture)
}

/// The bytes of a JPEG file, or of a PNG file.
#[pyfunction]
pub fn encode_picture<'py>(
    py: Python<'py>,
    picture: &Bound<'py, NDArray>,
    png: bool,
    quality: u8,
) -> PyResult<Bound<'py, PyBytes>> {
    let format = if png { Format::Png(quality) } else { Format::Jpeg(quality) };
    let array = picture.get();
    Ok(PyBytes::new(py, &detached(py, || encode(&picture_of(array)?, format))?))
}

/// The picture in another size.
#[pyfunction]
pub fn resize_picture<'py>(
    py: Python<'py>,
    picture: &Bound<'py, NDArray>,
    height: usize,
    width: usize,
    interpolation: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let array = picture.get();
    let resized =
        detached(py, || picture_of(array)?.resize(height, width, Interpolation::from_number(interpolation)?))?;
    picture_array(py, resized)
}
