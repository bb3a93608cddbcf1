use crate::{DType, Shape};
use thiserror::Error;

/// What can go wrong when tensors are made, viewed or combined.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum TensorError {
    /// A typed view of a tensor that holds another type.
    #[error("expected data of type {expected}, got {got}")]
    DType {
        /// The type that the caller needs.
        expected: DType,
        /// The type that the tensor holds.
        got: DType,
    },
    /// Two shapes that must agree do not.
    #[error("expected shape {expected}, got {got}")]
    Shape {
        /// The shape that the caller needs.
        expected: Shape,
        /// The shape that came.
        got: Shape,
    },
    /// Another number of elements than the shape holds.
    #[error("shape {shape} holds {expected} elements, got {got}")]
    Count {
        /// The shape to be filled.
        shape: Shape,
        /// Elements of that shape.
        expected: usize,
        /// Elements given.
        got: usize,
    },
    /// A range of rows outside of the tensor.
    #[error("rows {begin}..{end} are outside of shape {shape}")]
    Rows {
        /// First row.
        begin: usize,
        /// Row after the last.
        end: usize,
        /// Shape of the tensor.
        shape: Shape,
    },
    /// Two pieces of partial shape information that contradict each other.
    #[error("shapes {left} and {right} do not agree")]
    Conflict {
        /// What was known.
        left: String,
        /// What came in addition.
        right: String,
    },
    /// More bytes than the machine can address or the allocator will give.
    #[error("cannot allocate {bytes} bytes for a tensor of shape {shape}")]
    Memory {
        /// Bytes asked for.
        bytes: u128,
        /// Shape asked for.
        shape: Shape,
    },
}
