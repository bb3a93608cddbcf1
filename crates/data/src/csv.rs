//! Numbers in text: a line for each row, commas between the numbers.

use crate::DataError;
use rsym_tensor::Element;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Types that a table can have.
pub trait Number: Element {
    /// The number that a text says, without space around it.
    fn parse(text: &str) -> Option<Self>;
}

impl Number for f32 {
    fn parse(text: &str) -> Option<f32> {
        text.parse().ok()
    }
}

macro_rules! whole {
    ($($t:ty),*) => {$(
        impl Number for $t {
            /// What stands behind a decimal point is left out.
            fn parse(text: &str) -> Option<$t> {
                text.parse().ok().or_else(|| {
                    let number = text.parse::<f64>().ok()?.trunc();
                    (number >= <$t>::MIN as f64 && number < -(<$t>::MIN as f64)).then_some(number as $t)
                })
            }
        }
    )*};
}

whole!(i32, i64);

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 30;

/// Reads rows of `width` numbers from text files.
///
/// Empty lines are left out, and so is an empty field at the end of a line.
#[derive(Debug)]
pub struct CsvReader {
    paths: Vec<PathBuf>,
    /// The file that is read.
    file: BufReader<File>,
    number: usize,
    /// Where the next line begins, and its number.
    at: u64,
    line: u64,
    text: Vec<u8>,
    width: usize,
}

impl CsvReader {
    /// Opens a file, or all files of a folder in the order of their names.
    pub fn open(path: impl AsRef<Path>, width: usize) -> Result<CsvReader, DataError> {
        let path = path.as_ref();
        let paths = if path.is_dir() { inside(path)? } else { vec![path.to_path_buf()] };
        let Some(first) = paths.first() else {
            return Err(DataError::Invalid(format!("there is no file in '{}'", path.display())));
        };
        let file = BufReader::with_capacity(1 << 16, File::open(first).map_err(DataError::file(first))?);
        Ok(CsvReader { file, paths, number: 0, at: 0, line: 0, text: Vec::new(), width })
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.paths[self.number]
    }

    /// Goes back to the first row.
    pub fn rewind(&mut self) -> Result<(), DataError> {
        if self.number == 0 {
            self.file.seek(SeekFrom::Start(0)).map_err(DataError::file(&self.paths[0]))?;
            (self.at, self.line) = (0, 0);
            return Ok(());
        }
        self.start(0)
    }

    fn start(&mut self, number: usize) -> Result<(), DataError> {
        let path = &self.paths[number];
        self.file = BufReader::with_capacity(1 << 16, File::open(path).map_err(DataError::file(path))?);
        (self.number, self.at, self.line) = (number, 0, 0);
        Ok(())
    }

    /// Puts the next row into `row`; false at the end.
    ///
    /// # Errors
    /// The row has not `width` numbers, or something that is no number; reading can go on behind it.
    pub fn row<T: Number>(&mut self, row: &mut [T]) -> Result<bool, DataError> {
        let Some(start) = self.next_line()? else { return Ok(false) };
        self.fields(row).map_err(|(column, what)| {
            let what = format!("line {}: {what}", self.line);
            DataError::damaged(self.path(), start + column as u64, what)
        })?;
        Ok(true)
    }

    /// Leaves a row out; false at the end.
    pub fn skip(&mut self) -> Result<bool, DataError> {
        Ok(self.next_line()?.is_some())
    }

    /// Reads the next line that is not empty; where it begins.
    fn next_line(&mut self) -> Result<Option<u64>, DataError> {
        loop {
            self.text.clear();
            let start = self.at;
            let mut limited = std::io::Read::take(&mut self.file, MAX_LINE);
            let read = limited.read_until(b'\n', &mut self.text).map_err(DataError::file(&self.paths[self.number]))?;
            self.at += read as u64;
            self.line += 1;
            if read as u64 == MAX_LINE {
                return Err(DataError::damaged(self.path(), start, "this line is longer than 1 GiB: is it a table?"));
            }
            if !line_text(&self.text, start).trim_ascii().is_empty() {
                return Ok(Some(start));
            }
            if read == 0 {
                if self.number + 1 == self.paths.len() {
                    return Ok(None);
                }
                self.start(self.number + 1)?;
            }
        }
    }

    /// Reads the fields of the line; what is wrong with it, and in which column.
    fn fields<T: Number>(&self, row: &mut [T]) -> Result<(), (usize, String)> {
        let line = line_text(&self.text, self.at - self.text.len() as u64);
        let (mut column, mut count) = (self.text.len() - line.len(), 0);
        let line = line.trim_ascii_end();
        let line = line.strip_suffix(b",").unwrap_or(line);
        for field in line.split(|&byte| byte == b',') {
            if let Some(place) = row.get_mut(count) {
                *place = number(field).ok_or_else(|| (column, format!("'{}' is no number", shown(field))))?;
            }
            column += field.len() + 1;
            count += 1;
        }
        if count == self.width {
            return Ok(());
        }
        Err((0, format!("there are {count} numbers, but data_shape or label_shape needs {}", self.width)))
    }
}

/// The line that begins at `start`, without the mark that some programs put at the beginning of a file.
fn line_text(line: &[u8], start: u64) -> &[u8] {
    if start == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line }
}

fn number<T: Number>(field: &[u8]) -> Option<T> {
    T::parse(str::from_utf8(field).ok()?.trim())
}

/// A field in a message.
fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(40)]);
    text.trim().escape_default().to_string()
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<_> = entries.map_err(DataError::file(folder))?.iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}
