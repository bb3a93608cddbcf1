use std::io;
use std::path::Path;
use thiserror::Error;

/// What can go wrong with data.
#[derive(Debug, Error)]
pub enum DataError {
    /// The operating system refuses to read or write a file.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The content of a file is not what it should be.
    #[error("{path}, byte {offset}: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What is there, and what to do.
        what: String,
    },
    /// Bytes that are no picture, or one that cannot be read.
    #[error("{0}")]
    Picture(String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
}

impl DataError {
    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> DataError + '_ {
        move |source| DataError::File { path: path.display().to_string(), source }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> DataError {
        DataError::Damaged { path: path.display().to_string(), offset, what: what.into() }
    }

    /// The same error, about something at `offset` of a file.
    pub(crate) fn at(self, path: &Path, offset: u64) -> DataError {
        match self {
            DataError::Picture(what) | DataError::Invalid(what) => DataError::damaged(path, offset, what),
            known => known,
        }
    }
}
