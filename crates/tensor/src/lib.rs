//! The ground floor of rsym: data types, shapes (complete and partial), storage and tensors.
//!
//! A [`Tensor`] is a C-contiguous window into a shared, 64-byte aligned [`Storage`]. Windows of one storage
//! (a row range, a reshape) share their memory, as MXNet's `NDArray` views do; every other rearrangement copies.

mod dtype;
mod element;
mod error;
mod file;
pub mod params;
mod shape;
mod storage;
mod tensor;

pub use dtype::DType;
pub use element::{Element, Float, bf16, f16};
pub use error::TensorError;
pub use file::write_atomic;
pub use shape::{Dims, PartialShape, Shape};
pub use storage::{Storage, borrow_memory};
pub use tensor::Tensor;
