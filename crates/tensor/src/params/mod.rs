//! MXNet's binary parameter files (`.params`, `.nd`): every version is read, version 2 is written.
//!
//! All numbers are little endian. A file is `u64 0x112`, a reserved `u64`, a `u64` count and that many arrays, a `u64`
//! count and that many names (`u64` length, UTF-8 bytes); the second count may be 0. An array is one of
//!
//! | version | starts with | extents |
//! | --- | --- | --- |
//! | 0 | nothing | `u32` rank, `u32` each |
//! | 1 | `u32 0xF993fac8` | `u32` rank, `i64` each |
//! | 2 | `u32 0xF993fac9`, `i32` storage type | `u32` rank, `i64` each |
//! | 3, under `np_shape` | `u32 0xF993faca`, `i32` storage type | `i32` rank (-1: unknown), `i64` each (-1: unknown) |
//!
//! then `i32` device type, `i32` device number, `i32` data type number and the elements. An array that was never filled
//! (rank 0 before version 3, an unknown shape in version 3) ends after its extents.

mod error;
mod reader;
mod sniff;
mod writer;

pub use error::{ArrayId, ParamsError, Place};
pub use reader::read;
pub use writer::write;

use crate::Tensor;

/// First eight bytes of every file.
const FILE_MAGIC: u64 = 0x112;
/// 64-bit extents.
const V1: u32 = 0xF993_FAC8;
/// A storage type comes first.
const V2: u32 = 0xF993_FAC9;
/// The shape `()` is a scalar.
const V3: u32 = 0xF993_FACA;
/// The largest number of dimensions that is believed; NumPy has the same limit.
const MAX_RANK: u32 = 32;

/// The arrays of a file and their names.
#[derive(Clone, Debug, Default)]
pub struct NamedTensors {
    /// One name for each array, or none at all. As in the file: repetitions and prefixes such as `arg:` stay.
    pub names: Vec<String>,
    /// The arrays. One that was never filled has shape `(0,)` and type float32.
    pub tensors: Vec<Tensor>,
}
