//! Text tables, indices, lists and files of MNIST's format: reading never panics.
//!
//! `cargo +nightly fuzz run tables -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsym_data::batch::read_labels;
use rsym_data::csv::CsvReader;
use rsym_data::{idx, record};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).expect("a file");
    let mut reader = CsvReader::open(&path, 3).expect("a file");
    let mut row = [0f32; 3];
    while !matches!(reader.row(&mut row), Ok(false)) {}
    reader.rewind().expect("a file");
    let mut row = [0i64; 3];
    while !matches!(reader.row(&mut row), Ok(false)) {}
    let _ = (idx::read(&path, 1), idx::read(&path, 3), record::read_index(&path), read_labels(&path, 2));
});
