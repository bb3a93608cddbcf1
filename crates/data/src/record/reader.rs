use super::{Kind, MAGIC, padded};
use crate::DataError;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Reads a record file, one record after the other or at given offsets.
///
/// ```
/// use rsym_data::record::{RecordReader, RecordWriter};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("a.rec");
/// let mut writer = RecordWriter::create(&path)?;
/// writer.write(b"one")?;
/// let second = writer.tell();
/// writer.write(b"two")?;
/// writer.close()?;
///
/// let mut reader = RecordReader::open(&path)?;
/// reader.seek(second)?;
/// assert_eq!(reader.read()?.unwrap(), b"two");
/// assert_eq!(reader.read()?, None);
/// # Ok::<(), rsym_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct RecordReader {
    file: BufReader<File>,
    path: PathBuf,
    at: u64,
    size: u64,
}

/// The eight bytes before content.
struct Head {
    kind: Kind,
    length: u64,
}

impl RecordReader {
    /// Opens a file, at its beginning.
    pub fn open(path: impl AsRef<Path>) -> Result<RecordReader, DataError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(DataError::file(path))?;
        let size = file.metadata().map_err(DataError::file(path))?.len();
        Ok(RecordReader { file: BufReader::with_capacity(1 << 16, file), path: path.into(), at: 0, size })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The offset of the next record.
    pub fn tell(&self) -> u64 {
        self.at
    }

    /// Goes to an offset, which should be that of a record.
    pub fn seek(&mut self, offset: u64) -> Result<(), DataError> {
        // Steps within the buffer keep it.
        let step = offset.wrapping_sub(self.at) as i64;
        self.file.seek_relative(step).map_err(DataError::file(&self.path))?;
        self.at = offset;
        Ok(())
    }

    /// The next record; None at the end of the file.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        let mut record = Vec::new();
        Ok(self.read_into(&mut record)?.then_some(record))
    }

    /// Puts the next record in place of what is in `record`; false at the end of the file.
    pub fn read_into(&mut self, record: &mut Vec<u8>) -> Result<bool, DataError> {
        record.clear();
        let start = self.at;
        let Some(first) = self.head()? else { return Ok(false) };
        if !first.kind.begins() {
            return Err(self.damaged(start, "the middle of a record is where one should begin"));
        }
        self.content(&first, record)?;
        let mut kind = first.kind;
        while matches!(kind, Kind::First | Kind::Middle) {
            record.extend(MAGIC.to_le_bytes());
            kind = self.more(start, record)?;
        }
        Ok(true)
    }

    /// Adds the next part of the record that began at `start`.
    fn more(&mut self, start: u64, record: &mut Vec<u8>) -> Result<Kind, DataError> {
        let at = self.at;
        let head = self.head()?.ok_or_else(|| self.damaged(start, "the file ends within this record"))?;
        if head.kind.begins() {
            return Err(self.damaged(at, format!("the record of byte {start} goes on here, but another one begins")));
        }
        self.content(&head, record)?;
        Ok(head.kind)
    }

    /// Goes to the next record without reading it; its offset, None at the end of the file.
    pub fn skip(&mut self) -> Result<Option<u64>, DataError> {
        loop {
            let start = self.at;
            let Some(head) = self.head()? else { return Ok(None) };
            self.check_rest(&head)?;
            self.seek(self.at + padded(head.length))?;
            if head.kind.begins() {
                return Ok(Some(start));
            }
        }
    }

    /// Goes to the first record at the present offset or behind it, over whatever is in between; its offset, None if there is
    /// none.
    ///
    /// This is how to read on behind damage.
    pub fn recover(&mut self) -> Result<Option<u64>, DataError> {
        self.seek(padded(self.at))?;
        while self.at + 8 <= self.size {
            let at = self.at;
            let [magic, word] = self.words()?;
            if magic == MAGIC && Kind::of(word).is_some_and(Kind::begins) {
                self.seek(at)?;
                return Ok(Some(at));
            }
            self.seek(at + 4)?;
        }
        self.seek(self.size)?;
        Ok(None)
    }

    fn head(&mut self) -> Result<Option<Head>, DataError> {
        let at = self.at;
        match self.size.saturating_sub(at) {
            0 => return Ok(None),
            1..8 => return Err(self.damaged(at, "the file ends within the head of a record")),
            _ => {}
        }
        let [magic, word] = self.words()?;
        if magic != MAGIC {
            return Err(
                self.damaged(at, format!("a record should begin here, with {MAGIC:#010x}, but there is {magic:#010x}"))
            );
        }
        let kind = Kind::of(word).ok_or_else(|| self.damaged(at, "this part of a record is of no known kind"))?;
        Ok(Some(Head { kind, length: u64::from(word & 0x1fff_ffff) }))
    }

    fn words(&mut self) -> Result<[u32; 2], DataError> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes).map_err(DataError::file(&self.path))?;
        self.at += 8;
        let [a, b, c, d, e, f, g, h] = bytes;
        Ok([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])])
    }

    fn content(&mut self, head: &Head, record: &mut Vec<u8>) -> Result<(), DataError> {
        self.check_rest(head)?;
        let before = record.len();
        record.resize(before + head.length as usize, 0);
        self.file.read_exact(&mut record[before..]).map_err(DataError::file(&self.path))?;
        self.at += head.length;
        // Zeros at the end of the file may be missing.
        self.seek(padded(self.at).min(self.size))
    }

    /// That the file has the content that the head before the present offset speaks of.
    fn check_rest(&self, head: &Head) -> Result<(), DataError> {
        let rest = self.size - self.at;
        if head.length <= rest {
            return Ok(());
        }
        let what = format!("a record with {} bytes begins here, but the file ends after {rest}", head.length);
        Err(self.damaged(self.at - 8, what))
    }

    fn damaged(&self, offset: u64, what: impl std::fmt::Display) -> DataError {
        let hint = "the file was cut off or is damaged: copy or write it again, or keep what is whole with \
                    rsym.recordio.rescue";
        DataError::damaged(&self.path, offset, format!("{what}; {hint}"))
    }
}
