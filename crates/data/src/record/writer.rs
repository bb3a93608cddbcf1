use super::{MAGIC, MAX_LENGTH, padded};
use crate::DataError;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a record file.
#[derive(Debug)]
pub struct RecordWriter {
    file: BufWriter<File>,
    path: PathBuf,
    at: u64,
}

impl RecordWriter {
    /// Makes an empty file, in place of what was there.
    pub fn create(path: impl AsRef<Path>) -> Result<RecordWriter, DataError> {
        let path = path.as_ref();
        let file = File::create(path).map_err(DataError::file(path))?;
        Ok(RecordWriter { file: BufWriter::with_capacity(1 << 18, file), path: path.into(), at: 0 })
    }

    /// The offset of the next record.
    pub fn tell(&self) -> u64 {
        self.at
    }

    /// Writes a record.
    ///
    /// # Errors
    /// The file cannot be written, or the record has more than [`MAX_LENGTH`] bytes.
    pub fn write(&mut self, record: &[u8]) -> Result<(), DataError> {
        if record.len() > MAX_LENGTH {
            let what = format!("a record has at most {MAX_LENGTH} bytes, this one has {}", record.len());
            return Err(DataError::Invalid(what));
        }
        let cuts: Vec<usize> = cuts(record).collect();
        let starts = std::iter::once(0).chain(cuts.iter().map(|cut| cut + 4));
        let ends = cuts.iter().copied().chain([record.len()]);
        for (i, (start, end)) in starts.zip(ends).enumerate() {
            let kind = match (i == 0, i == cuts.len()) {
                (true, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (false, true) => 3,
            };
            self.part(kind, &record[start..end]).map_err(DataError::file(&self.path))?;
        }
        Ok(())
    }

    fn part(&mut self, kind: u32, content: &[u8]) -> std::io::Result<()> {
        let length = content.len() as u64;
        self.file.write_all(&MAGIC.to_le_bytes())?;
        self.file.write_all(&(kind << 29 | length as u32).to_le_bytes())?;
        self.file.write_all(content)?;
        self.file.write_all(&[0; 3][..(padded(length) - length) as usize])?;
        self.at += 8 + padded(length);
        Ok(())
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> Result<(), DataError> {
        self.file.flush().map_err(DataError::file(&self.path))
    }

    /// Writes what is left and closes the file. Dropping does the same, but without a word where it fails.
    pub fn close(mut self) -> Result<(), DataError> {
        self.flush()
    }
}

/// Multiples of 4 at which the magic number stands.
fn cuts(record: &[u8]) -> impl Iterator<Item = usize> {
    let magic = MAGIC.to_le_bytes();
    record.chunks_exact(4).enumerate().filter(move |(_, word)| **word == magic).map(|(i, _)| i * 4)
}
