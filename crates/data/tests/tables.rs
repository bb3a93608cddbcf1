//! Text files and files of MNIST's format: what is read, and how damage is named.

use flate2::Compression;
use flate2::write::GzEncoder;
use rsym_data::DataError;
use rsym_data::batch::{Ahead, Table, TableSpec};
use rsym_data::csv::CsvReader;
use rsym_data::idx;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn rows(text: &str) -> Result<Vec<[f32; 2]>, DataError> {
    let (_folder, path) = file(text.as_bytes());
    let mut reader = CsvReader::open(path, 2)?;
    let (mut rows, mut row) = (Vec::new(), [0.0; 2]);
    while reader.row(&mut row)? {
        rows.push(row);
    }
    Ok(rows)
}

/// Where the damage of a text is, and what it is.
fn damage(text: &str) -> (u64, String) {
    match rows(text) {
        Err(DataError::Damaged { offset, what, .. }) => (offset, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_may_have_space_empty_lines_and_a_last_comma() {
    let read = rows("\u{feff}1, 2\r\n\r\n  -3e1 ,+.5,\n \n7,8").unwrap();
    assert_eq!(read, [[1.0, 2.0], [-30.0, 0.5], [7.0, 8.0]]);
    assert!(rows("").unwrap().is_empty() && rows("\n\n").unwrap().is_empty());
}

#[test]
fn whole_numbers_leave_out_what_stands_behind_the_point() {
    let (_folder, path) = file(b"1.9,-1.9,9007199254740993\n3000000000,0,0\n");
    let mut reader = CsvReader::open(&path, 3).unwrap();
    let mut row = [0i64; 3];
    assert!(reader.row(&mut row).unwrap());
    assert_eq!(row, [1, -1, 9_007_199_254_740_993]);
    assert!(reader.row(&mut [0i32; 3]).is_err());
}

#[test]
fn what_is_no_number_is_named() {
    let (offset, what) = damage("1,2\n 3,x\u{1b}y\n");
    assert!(offset == 7 && what.contains("line 2") && what.contains("'x\\u{1b}y'"), "{offset} {what}");
}

#[test]
fn an_empty_field_is_named() {
    assert_eq!(damage("1,2\n,3\n").0, 4);
}

#[test]
fn a_header_line_is_named() {
    assert_eq!(damage("a,b\n1,2\n").0, 0);
}

#[test]
fn rows_of_another_length_are_named() {
    assert!(damage("1,2\n3\n").1.contains("1 numbers"));
    assert!(damage("1,2,3\n").1.contains("3 numbers"));
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let (_folder, path) = file(b"1,\xff\xfe\n");
    let error = CsvReader::open(path, 2).unwrap().row(&mut [0f32; 2]).unwrap_err();
    assert!(error.to_string().contains("no number"), "{error}");
}

fn batches(text: &str, batch_size: usize, round_batch: bool, epochs: usize) -> Vec<(Vec<f64>, usize)> {
    let (_folder, path) = file(text.as_bytes());
    let spec = TableSpec { data: path, data_shape: vec![1], batch_size, round_batch, ..TableSpec::default() };
    let mut ahead = Ahead::new(Table::<f32>::open(spec).unwrap(), 3);
    let mut found = Vec::new();
    for _ in 0..epochs {
        while let Some(batch) = ahead.next().unwrap() {
            found.push((batch.data.to_f64_vec(), batch.pad));
        }
        assert!(ahead.next().unwrap().is_none());
        ahead.reset().unwrap();
    }
    found
}

// MXNet 1.9.1: CSVIter on the same rows.
#[test]
fn the_last_batch_is_filled_as_in_mxnet() {
    let found = batches("1\n2\n3\n4\n", 3, true, 3);
    let expected = [([1.0, 2.0, 3.0], 0), ([4.0, 1.0, 2.0], 2), ([3.0, 4.0, 1.0], 1), ([2.0, 3.0, 4.0], 0)];
    assert_eq!(found, expected.map(|(values, pad)| (values.to_vec(), pad)));
    let found = batches("1\n2\n3\n4\n", 3, false, 2);
    let expected = [([1.0, 2.0, 3.0], 0), ([4.0, 2.0, 3.0], 2), ([1.0, 2.0, 3.0], 0), ([4.0, 2.0, 3.0], 2)];
    assert_eq!(found, expected.map(|(values, pad)| (values.to_vec(), pad)));
}

#[test]
fn a_batch_may_be_larger_than_the_table() {
    assert_eq!(batches("1\n2\n", 5, true, 1), [(vec![1.0, 2.0, 1.0, 2.0, 1.0], 3)]);
}

#[test]
fn resetting_within_an_epoch_begins_the_next() {
    let (_folder, path) = file(b"1\n2\n3\n");
    let spec = TableSpec { data: path, data_shape: vec![1], ..TableSpec::default() };
    let mut ahead = Ahead::new(Table::<f32>::open(spec).unwrap(), 1);
    for _ in 0..50 {
        assert_eq!(ahead.next().unwrap().unwrap().data.to_f64_vec(), [1.0]);
        assert_eq!(ahead.next().unwrap().unwrap().data.to_f64_vec(), [2.0]);
        ahead.reset().unwrap();
    }
}

#[test]
fn an_error_ends_the_epoch_only() {
    let (_folder, path) = file(b"1\nx\n");
    let spec = TableSpec { data: path, data_shape: vec![1], ..TableSpec::default() };
    let mut ahead = Ahead::new(Table::<f32>::open(spec).unwrap(), 4);
    for _ in 0..2 {
        assert!(ahead.next().unwrap().is_some());
        assert!(ahead.next().is_err());
        assert!(ahead.next().unwrap().is_none());
        ahead.reset().unwrap();
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let (_folder, data) = file(b"1\n");
    let spec = TableSpec { data, data_shape: vec![1], ..TableSpec::default() };
    let bad = [
        TableSpec { data_shape: vec![], batch_size: 0, ..spec.clone() },
        TableSpec { data_shape: vec![0], ..spec.clone() },
        TableSpec { data_shape: vec![usize::MAX, 2], ..spec.clone() },
        TableSpec { batch_size: usize::MAX, data_shape: vec![2], ..spec.clone() },
        TableSpec { label_shape: vec![2], ..spec.clone() },
    ];
    for spec in bad {
        assert!(Table::<f32>::open(spec.clone()).is_err(), "{spec:?}");
    }
}

fn idx_bytes() -> Vec<u8> {
    [b"\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03".as_slice(), b"abcdef"].concat()
}

#[test]
fn arrays_are_read_plain_and_compressed() {
    let expected = idx::Bytes { shape: vec![2, 1, 3], data: b"abcdef".to_vec() };
    let (_folder, path) = file(&idx_bytes());
    assert_eq!(idx::read(&path, 3).unwrap(), expected);
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&idx_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    fs::write(&path, &zipped).unwrap();
    assert_eq!(idx::read(&path, 3).unwrap(), expected);
    for cut in 0..zipped.len() {
        fs::write(&path, &zipped[..cut]).unwrap();
        // What is behind the elements is a checksum, which may be missing.
        if let Ok(read) = idx::read(&path, 3) {
            assert_eq!(read, expected);
        }
    }
}

/// Where the damage of an array is, and what it is.
fn idx_damage(change: impl Fn(&mut Vec<u8>)) -> (u64, String) {
    let mut bytes = idx_bytes();
    change(&mut bytes);
    let (_folder, path) = file(&bytes);
    match idx::read(path, 3) {
        Err(DataError::Damaged { offset, what, .. }) => (offset, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn arrays_cut_off_anywhere_are_named() {
    for length in 0..idx_bytes().len() {
        let (offset, what) = idx_damage(|bytes| bytes.truncate(length));
        assert!(offset <= length as u64 && what.contains("ends"), "{offset} {what}");
    }
}

#[test]
fn arrays_of_another_kind_are_named() {
    assert!(idx_damage(|bytes| bytes[0] = 1).1.contains("two zeros"));
    assert!(idx_damage(|bytes| bytes[2] = 13).1.contains("type 13"));
    assert!(idx_damage(|bytes| bytes[3] = 1).1.contains("swapped"));
}

#[test]
fn extents_beyond_the_file_allocate_nothing() {
    let (offset, _) = idx_damage(|bytes| bytes[4..8].fill(0xff));
    assert_eq!(offset, 22);
    assert!(idx_damage(|bytes| bytes[4..16].fill(0xff)).1.contains("too large"));
}
