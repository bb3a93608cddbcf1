//! Record files: reading never panics, goes on behind damage, and what was read survives writing and reading again.
//!
//! `cargo +nightly fuzz run records -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsym_data::record::{Header, RecordReader, RecordWriter};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, copy) = (folder.path().join("a.rec"), folder.path().join("b.rec"));
    std::fs::write(&path, bytes).expect("a file");
    let mut reader = RecordReader::open(&path).expect("a file");
    let mut records = Vec::new();
    loop {
        let start = reader.tell();
        match reader.read() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => break,
            Err(_) => {
                reader.seek(start + 4).expect("within the file");
                if reader.recover().expect("a file").is_none() {
                    break;
                }
            }
        }
    }
    let mut writer = RecordWriter::create(&copy).expect("a file");
    for record in &records {
        let _ = Header::unpack(record);
        writer.write(record).expect("a record");
    }
    writer.close().expect("a file");
    let mut reader = RecordReader::open(&copy).expect("our own file");
    for record in &records {
        assert_eq!(reader.read().expect("our own file").as_ref(), Some(record));
    }
});
