use super::MAX_RANK;
use crate::TensorError;
use std::fmt;
use thiserror::Error;

/// Why bytes are not a parameter file, or cannot be written as one.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum ParamsError {
    /// No bytes at all.
    #[error("the parameter file is empty (0 bytes): was its download or copy interrupted?")]
    Empty,
    /// A well-known kind of file that is something else.
    #[error("not a parameter file but {what}")]
    Other {
        /// What the file is and what to do about it.
        what: String,
    },
    /// The file starts with something unknown.
    #[error("not a parameter file: it starts with the bytes [{}], not with 12 01 00 00 00 00 00 00", hex(.bytes))]
    Magic {
        /// The first bytes of the file.
        bytes: Vec<u8>,
    },
    /// The file ends too early.
    #[error("the parameter file is truncated at byte {length} of at least {needed}, in {place}")]
    Truncated {
        /// Where the file ends.
        length: usize,
        /// Bytes that a complete file has at least.
        needed: u128,
        /// What was being read.
        place: Place,
    },
    /// An array starts with neither a version number nor a rank.
    #[error("{array} of the parameter file starts with {value:#010x}: no known version and no number of dimensions")]
    Version {
        /// The array.
        array: ArrayId,
        /// Its first word.
        value: u32,
    },
    /// A number of dimensions that cannot be.
    #[error("{array} of the parameter file claims {rank} dimensions; at most {MAX_RANK} are possible")]
    Rank {
        /// The array.
        array: ArrayId,
        /// The claimed number.
        rank: i32,
    },
    /// Extents that are negative or whose product overflows.
    #[error("{array} of the parameter file claims the impossible shape {dims:?}")]
    Extents {
        /// The array.
        array: ArrayId,
        /// The claimed extents.
        dims: Vec<i64>,
    },
    /// A data type number without a meaning.
    #[error("{array} of the parameter file has the unknown data type number {number}")]
    DType {
        /// The array.
        array: ArrayId,
        /// The number in the file.
        number: i32,
    },
    /// A storage type number without a meaning.
    #[error("{array} of the parameter file has the unknown storage type number {number}")]
    Storage {
        /// The array.
        array: ArrayId,
        /// The number in the file.
        number: i32,
    },
    /// A sparse array.
    #[error("{array} of the parameter file has {storage} storage, which is not supported; save it as a dense array")]
    Sparse {
        /// The array.
        array: ArrayId,
        /// MXNet's name of the storage type.
        storage: &'static str,
    },
    /// Another number of names than of arrays.
    #[error("{names} names for {arrays} arrays: there must be one for each, or none")]
    NameCount {
        /// Number of names.
        names: u64,
        /// Number of arrays.
        arrays: usize,
    },
    /// A name that is not text.
    #[error("the name of array [{index}] of the parameter file is not UTF-8: bytes [{}]", hex(.bytes))]
    Name {
        /// Position of the array.
        index: usize,
        /// The first bytes of the name.
        bytes: Vec<u8>,
    },
    /// There is no memory for an array.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// An array of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayId {
    /// Position, from 0.
    pub index: usize,
    /// Name, where the names could be read: they come after all arrays.
    pub name: Option<String>,
}

impl fmt::Display for ArrayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "array [{}]", self.index)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ('{name}')"))
    }
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first 24 bytes.
    Header,
    /// An array.
    Array {
        /// Position, from 0.
        index: usize,
        /// How many arrays the header promises.
        count: u64,
    },
    /// The number of names, after the last array.
    NameCount,
    /// A name.
    Name {
        /// Position, from 0.
        index: usize,
        /// How many names there should be.
        count: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Header => f.write_str("the header"),
            Place::Array { index, count } => write!(f, "array [{index}] of {count}"),
            Place::NameCount => f.write_str("the number of names"),
            Place::Name { index, count } => write!(f, "name [{index}] of {count}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}
