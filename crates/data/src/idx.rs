//! Arrays of bytes in the format of MNIST, plain or compressed with gzip.
//!
//! A file is two zeros, the type (8: bytes), the number of dimensions, their extents as big endian `u32`, and the elements.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::Path;

/// An array of bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bytes {
    /// The extents.
    pub shape: Vec<usize>,
    /// The elements, C-contiguous.
    pub data: Vec<u8>,
}

/// Reads an array of bytes with `rank` dimensions.
pub fn read(path: impl AsRef<Path>, rank: usize) -> Result<Bytes, DataError> {
    let path = path.as_ref();
    let mut file = BufReader::new(File::open(path).map_err(DataError::file(path))?);
    let mut first = [0; 2];
    let zipped = file.read_exact(&mut first).is_ok() && first == [0x1f, 0x8b];
    file.rewind().map_err(DataError::file(path))?;
    if zipped { parse(MultiGzDecoder::new(file), path, rank) } else { parse(file, path, rank) }
}

fn parse(mut source: impl Read, path: &Path, rank: usize) -> Result<Bytes, DataError> {
    let [zero, zero2, kind, found] = word(&mut source, path, 0)?;
    if (zero, zero2) != (0, 0) {
        let what = "this is no file of MNIST's format, which begins with two zeros; is the path right?";
        return Err(DataError::damaged(path, 0, what));
    }
    if kind != 8 || usize::from(found) != rank {
        let what = format!(
            "expected bytes (type 8) in {rank} dimensions, got type {kind} in {found}: images and labels may be swapped"
        );
        return Err(DataError::damaged(path, 2, what));
    }
    let mut shape = Vec::with_capacity(rank);
    for i in 0..rank {
        shape.push(u32::from_be_bytes(word(&mut source, path, 4 + 4 * i as u64)?) as usize);
    }
    elements(source, path, shape)
}

fn elements(source: impl Read, path: &Path, shape: Vec<usize>) -> Result<Bytes, DataError> {
    let wanted = shape.iter().try_fold(1usize, |size, &extent| size.checked_mul(extent));
    let wanted =
        wanted.ok_or_else(|| DataError::damaged(path, 4, format!("an array of shape {shape:?} is too large")))?;
    let mut data = Vec::new();
    let read = source.take(wanted as u64).read_to_end(&mut data);
    let offset = 4 + 4 * shape.len() as u64 + data.len() as u64;
    read.map_err(|error| unreadable(path, offset, error))?;
    if data.len() < wanted {
        let what = format!(
            "the file ends, but shape {shape:?} needs {} bytes more: was it copied as a whole?",
            wanted - data.len()
        );
        return Err(DataError::damaged(path, offset, what));
    }
    Ok(Bytes { shape, data })
}

fn word(source: &mut impl Read, path: &Path, offset: u64) -> Result<[u8; 4], DataError> {
    let mut bytes = [0; 4];
    source.read_exact(&mut bytes).map_err(|error| unreadable(path, offset, error))?;
    Ok(bytes)
}

/// The error for bytes that cannot be read; the offset is that in what was compressed.
fn unreadable(path: &Path, offset: u64, error: std::io::Error) -> DataError {
    match error.kind() {
        ErrorKind::UnexpectedEof => DataError::damaged(path, offset, "the file ends here: was it copied as a whole?"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            DataError::damaged(path, offset, format!("what is compressed here is damaged ({error})"))
        }
        _ => DataError::file(path)(error),
    }
}
