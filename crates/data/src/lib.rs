//! Data on its way into a network: record files, pictures, tables, and iterators that read ahead.
//!
//! * [`record`]: MXNet's record files (`.rec`, `.idx`) and the headers of examples in them.
//! * [`idx`]: arrays of bytes in the format of MNIST. [`csv`]: numbers in text.
//! * [`picture`]: decoding, encoding, resizing and the other changes of pictures.
//! * [`batch`]: batches of all of these, made ahead by threads of their own. The same seed gives the same bits, whatever
//!   the number of threads.
//!
//! What is wrong with a file is said with its path and the offset of the damage, see [`DataError`].

pub mod batch;
pub mod csv;
mod error;
pub mod idx;
pub mod picture;
pub mod record;

pub use error::DataError;
