//! Batches: examples put together, made ahead of their use.

mod ahead;
mod mnist;
mod records;
mod table;

pub use ahead::Ahead;
pub use mnist::{Mnist, MnistSpec};
pub use records::{Labels, RecordSpec, Records, read_labels};
pub use table::{Table, TableSpec};

use crate::DataError;
use rsym_tensor::{Shape, Tensor};

/// Examples for one step of training or prediction.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The examples, along the first axis.
    pub data: Tensor,
    /// Their labels.
    pub label: Tensor,
    /// Their numbers.
    pub index: Vec<u64>,
    /// How many examples at the end only fill the batch.
    pub pad: usize,
    /// With how many examples of the next epoch the batch was filled.
    pub borrowed: usize,
}

/// What batches are made of. All that is random follows from a seed and the number of the epoch.
pub trait Batches: Send {
    /// Goes to the beginning of an epoch, without its first `skip` examples.
    fn start(&mut self, epoch: u64, skip: usize) -> Result<(), DataError>;

    /// The next batch; None at the end of the epoch.
    fn next(&mut self) -> Result<Option<Batch>, DataError>;
}

/// The shape of `batch` labels of a shape; one number each needs no axis of its own.
fn label_shape(batch: usize, label: &[usize]) -> Shape {
    let own = if label == [1] { &[] } else { label };
    std::iter::once(batch).chain(own.iter().copied()).collect()
}

/// The shape of `batch` examples of a shape.
fn batch_shape(batch: usize, example: &[usize]) -> Shape {
    std::iter::once(batch).chain(example.iter().copied()).collect()
}
