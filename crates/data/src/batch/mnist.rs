use super::{Batch, Batches, batch_shape};
use crate::DataError;
use crate::idx::{self, Bytes};
use rsym_kernels::random::{Key, permutation};
use rsym_tensor::{DType, Tensor, TensorError};
use std::path::PathBuf;

/// Which images of MNIST's format, and how.
#[derive(Clone, Debug)]
pub struct MnistSpec {
    /// File of the images.
    pub image: PathBuf,
    /// File of the labels.
    pub label: PathBuf,
    /// Examples of a batch.
    pub batch_size: usize,
    /// Whether to take the examples in another order, the same in every epoch.
    pub shuffle: bool,
    /// Whether an example is a row rather than a picture with one channel.
    pub flat: bool,
    /// Which order.
    pub seed: u64,
    /// The number of a part of the examples, and how many parts there are.
    pub part: (usize, usize),
    /// The type of data and labels.
    pub dtype: DType,
}

/// Batches of images of MNIST's format, with values from 0 to 255/256. The rest that fills no batch is left out.
#[derive(Debug)]
pub struct Mnist {
    spec: MnistSpec,
    images: Bytes,
    labels: Bytes,
    order: Vec<usize>,
    at: usize,
}

impl Mnist {
    /// Reads the files.
    pub fn open(spec: MnistSpec) -> Result<Mnist, DataError> {
        let (part, parts) = spec.part;
        if spec.batch_size == 0 || part >= parts {
            let what = format!(
                "batch_size must be positive and part_index below num_parts, got {} and {part} of {parts}",
                spec.batch_size
            );
            return Err(DataError::Invalid(what));
        }
        let (images, labels) = (idx::read(&spec.image, 3)?, idx::read(&spec.label, 1)?);
        let count = images.shape[0];
        if labels.shape[0] != count {
            let what = format!("there are {} labels, but {count} images in {}", labels.shape[0], spec.image.display());
            return Err(DataError::damaged(&spec.label, 4, what));
        }
        let range = count * part / parts..count * (part + 1) / parts;
        let order = if spec.shuffle {
            permutation(Key { seed: spec.seed, stream: 0 }, range.len()).into_iter().map(|i| i + range.start).collect()
        } else {
            range.collect()
        };
        Ok(Mnist { spec, images, labels, order, at: 0 })
    }

    /// Examples, those of other parts not counted.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The shape of an example.
    pub fn example_shape(&self) -> Vec<usize> {
        let (rows, columns) = (self.images.shape[1], self.images.shape[2]);
        if self.spec.flat { vec![rows * columns] } else { vec![1, rows, columns] }
    }

    fn batch(&self, chosen: &[usize]) -> Result<Batch, TensorError> {
        let shape = self.example_shape();
        let size: usize = shape.iter().product();
        let pixels = chosen.iter().flat_map(|&i| &self.images.data[i * size..][..size]);
        let values: Vec<f32> = pixels.map(|&byte| f32::from(byte) / 256.0).collect();
        let labels: Vec<f32> = chosen.iter().map(|&i| f32::from(self.labels.data[i])).collect();
        let n = chosen.len();
        let data = Tensor::from_slice(batch_shape(n, &shape), &values)?;
        Ok(Batch {
            data: converted(data, self.spec.dtype)?,
            label: converted(Tensor::from_slice([n], &labels)?, self.spec.dtype)?,
            index: chosen.iter().map(|&i| i as u64).collect(),
            pad: 0,
            borrowed: 0,
        })
    }
}

/// The tensor itself if it has the type.
fn converted(tensor: Tensor, dtype: DType) -> Result<Tensor, TensorError> {
    if tensor.dtype() == dtype { Ok(tensor) } else { tensor.cast(dtype) }
}

impl Batches for Mnist {
    fn start(&mut self, _: u64, _: usize) -> Result<(), DataError> {
        self.at = 0;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Batch>, DataError> {
        let Some(chosen) = self.order.get(self.at..self.at + self.spec.batch_size) else { return Ok(None) };
        self.at += self.spec.batch_size;
        self.batch(chosen).map(Some).map_err(|error| DataError::Invalid(error.to_string()))
    }
}
