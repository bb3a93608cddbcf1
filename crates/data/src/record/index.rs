use super::RecordReader;
use crate::DataError;
use std::fs;
use std::path::{Path, PathBuf};

/// Keys and offsets of an index file, in its order.
pub fn read_index(path: &Path) -> Result<Vec<(u64, u64)>, DataError> {
    let text = fs::read(path).map_err(DataError::file(path))?;
    let mut entries = Vec::new();
    let mut offset = 0;
    for line in text.split(|&byte| byte == b'\n') {
        if !line.trim_ascii().is_empty() {
            let what = "a line of an index has a number, a tab and an offset";
            entries.push(entry(line).ok_or_else(|| DataError::damaged(path, offset, what))?);
        }
        offset += line.len() as u64 + 1;
    }
    Ok(entries)
}

fn entry(line: &[u8]) -> Option<(u64, u64)> {
    let mut words = str::from_utf8(line).ok()?.split_ascii_whitespace();
    let entry = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(entry)
}

/// Where a record is: the number of a file, and an offset in it.
pub type Place = (u32, u64);

/// All records of one or several files, or of a part of them.
#[derive(Debug)]
pub struct Places {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// The records, in the order of the files.
    pub places: Vec<Place>,
}

impl Places {
    /// The records of files: `path` is a file, a folder with files, or several of both with `;` between them.
    ///
    /// With `index`, that of the only file, the file itself is not looked at. `part` is the number of a part and how many parts
    /// there are: with an index parts have equally many records (the last one less), otherwise about as many bytes.
    pub fn find(path: &str, index: Option<&Path>, part: (usize, usize)) -> Result<Places, DataError> {
        if part.0 >= part.1 {
            let what = format!("part_index must be below num_parts, got part {} of {}", part.0, part.1);
            return Err(DataError::Invalid(what));
        }
        let paths = files(path)?;
        let places = match index {
            Some(index) => indexed(&paths, index, part)?,
            None => scanned(&paths, part)?,
        };
        Ok(Places { paths, places })
    }
}

fn files(path: &str) -> Result<Vec<PathBuf>, DataError> {
    let mut found = Vec::new();
    for path in path.split(';').filter(|path| !path.is_empty()).map(Path::new) {
        if path.is_dir() {
            let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let mut inside: Vec<_> = entries.map_err(DataError::file(path))?.iter().map(|e| e.path()).collect();
            inside.retain(|path| path.is_file());
            inside.sort();
            found.extend(inside);
        } else {
            found.push(path.to_path_buf());
        }
    }
    if found.is_empty() {
        return Err(DataError::Invalid(format!("there is no record file at '{path}'")));
    }
    Ok(found)
}

fn indexed(paths: &[PathBuf], index: &Path, (part, parts): (usize, usize)) -> Result<Vec<Place>, DataError> {
    if paths.len() != 1 {
        let what = format!("an index is for one record file, there are {}: leave path_imgidx out", paths.len());
        return Err(DataError::Invalid(what));
    }
    let mut places: Vec<Place> = read_index(index)?.into_iter().map(|(_, offset)| (0, offset)).collect();
    places.sort_unstable();
    let step = places.len().div_ceil(parts);
    let rest = places.split_off((step * part).min(places.len()));
    Ok(rest.into_iter().take(step).collect())
}

fn scanned(paths: &[PathBuf], (part, parts): (usize, usize)) -> Result<Vec<Place>, DataError> {
    let readers = paths.iter().map(RecordReader::open).collect::<Result<Vec<_>, _>>()?;
    let total: u64 = readers.iter().map(RecordReader::size).sum();
    let step = total.div_ceil(parts as u64).next_multiple_of(4);
    let (begin, end) = (step * part as u64, step * (part as u64 + 1));
    let (mut before, mut places) = (0, Vec::new());
    for (i, mut reader) in readers.into_iter().enumerate() {
        let (first, last) = (begin.saturating_sub(before), end.saturating_sub(before));
        before += reader.size();
        if first < reader.size() {
            between(&mut reader, first, last, |offset| places.push((i as u32, offset)))?;
        }
    }
    Ok(places)
}

/// Calls `f` with the offsets of the records that begin in `first..last`.
fn between(reader: &mut RecordReader, first: u64, last: u64, mut f: impl FnMut(u64)) -> Result<(), DataError> {
    if first > 0 {
        reader.seek(first)?;
        reader.recover()?;
    }
    while let Some(offset) = reader.skip()? {
        if offset >= last {
            break;
        }
        f(offset);
    }
    Ok(())
}
