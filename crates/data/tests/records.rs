//! Record files: what is written is read again, and every kind of damage is named with its offset.

use rsym_data::DataError;
use rsym_data::record::{Header, MAGIC, Places, RecordReader, RecordWriter, read_index};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rec");
    (folder, path)
}

fn write(path: &Path, records: &[&[u8]]) -> Vec<u64> {
    let mut writer = RecordWriter::create(path).unwrap();
    let offsets = records.iter().map(|record| {
        let at = writer.tell();
        writer.write(record).unwrap();
        at
    });
    let offsets = offsets.collect();
    writer.close().unwrap();
    offsets
}

fn read_all(path: &Path) -> Result<Vec<Vec<u8>>, DataError> {
    let mut reader = RecordReader::open(path)?;
    let mut records = Vec::new();
    while let Some(record) = reader.read()? {
        records.push(record);
    }
    Ok(records)
}

/// What is wrong with a file of two records of which `damage` has changed the bytes, and where.
fn damage(damage: impl Fn(&mut Vec<u8>)) -> (u64, String) {
    let (_folder, path) = folder();
    write(&path, &[b"first", b"second"]);
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    match read_all(&path) {
        Err(DataError::Damaged { offset, what, .. }) => (offset, what),
        other => panic!("{other:?}"),
    }
}

// The bytes that MXNet 1.9.1 writes for the same records.
#[test]
fn the_bytes_are_those_of_mxnet() {
    let (_folder, path) = folder();
    write(&path, &[b"abcde", b""]);
    assert_eq!(fs::read(&path).unwrap(), b"\x0a\x23\xd7\xce\x05\0\0\0abcde\0\0\0\x0a\x23\xd7\xce\0\0\0\0");
}

#[test]
fn records_with_the_magic_number_are_cut_and_joined() {
    let (_folder, path) = folder();
    let magic = MAGIC.to_le_bytes();
    let inside = [b"abcd".as_slice(), &magic, b"efg"].concat();
    let often = [magic, magic, *b"abcd", magic].concat();
    let unaligned = [b"ab".as_slice(), &magic, b"cd"].concat();
    let records: [&[u8]; 5] = [&inside, &often, &unaligned, &magic, b""];
    write(&path, &records);
    assert_eq!(read_all(&path).unwrap(), records);
    // Every place with the number begins a part.
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.chunks(4).filter(|word| **word == magic).count(), 5 + 1 + 3 + 1);
    let mut reader = RecordReader::open(&path).unwrap();
    let mut found = 0;
    while reader.skip().unwrap().is_some() {
        found += 1;
    }
    assert_eq!(found, 5);
}

#[test]
fn records_of_every_length_survive() {
    let (_folder, path) = folder();
    let records: Vec<Vec<u8>> = (0..300).map(|n| (0..n).map(|i| (i * 7 + n) as u8).collect()).collect();
    let offsets = write(&path, &records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(read_all(&path).unwrap(), records);
    let mut reader = RecordReader::open(&path).unwrap();
    for i in [299, 0, 150, 151, 3] {
        reader.seek(offsets[i]).unwrap();
        assert_eq!(reader.read().unwrap().unwrap(), records[i]);
    }
}

#[test]
fn zeros_that_are_missing_at_the_end_do_not_matter() {
    let (_folder, path) = folder();
    write(&path, &[b"first", b"second"]);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 2]).unwrap();
    assert_eq!(read_all(&path).unwrap().len(), 2);
}

#[test]
fn a_wrong_first_word_is_named() {
    let (offset, what) = damage(|bytes| bytes[16] = 0);
    assert!(offset == 16 && what.contains("0xced7230a") && what.contains("0xced72300"), "{offset} {what}");
}

#[test]
fn a_file_cut_within_content_is_named() {
    let (offset, what) = damage(|bytes| bytes.truncate(27));
    assert!(offset == 16 && what.contains("6 bytes") && what.contains("after 3"), "{offset} {what}");
}

#[test]
fn a_file_cut_within_a_head_is_named() {
    let (offset, what) = damage(|bytes| bytes.truncate(20));
    assert!(offset == 16 && what.contains("head"), "{offset} {what}");
}

#[test]
fn a_length_beyond_the_file_allocates_nothing() {
    let (offset, what) = damage(|bytes| bytes[4..8].copy_from_slice(&0x1fff_ffffu32.to_le_bytes()));
    assert!(offset == 0 && what.contains("536870911"), "{offset} {what}");
}

#[test]
fn an_unknown_kind_is_named() {
    let (offset, what) = damage(|bytes| bytes[23] = 0xe0);
    assert!(offset == 16 && what.contains("kind"), "{offset} {what}");
}

#[test]
fn a_part_without_its_first_is_named() {
    let (offset, what) = damage(|bytes| bytes[23] = 0x60);
    assert!(offset == 16 && what.contains("middle"), "{offset} {what}");
}

#[test]
fn a_part_without_its_last_is_named() {
    let (offset, what) = damage(|bytes| bytes[7] = 0x20);
    assert!(offset == 16 && what.contains("byte 0"), "{offset} {what}");
    let (offset, what) = damage(|bytes| bytes[23] = 0x20);
    assert!(offset == 16 && what.contains("ends within"), "{offset} {what}");
}

#[test]
fn reading_goes_on_behind_damage() {
    let (_folder, path) = folder();
    let offsets = write(&path, &[b"first", b"second", b"third"]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..20].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let mut reader = RecordReader::open(&path).unwrap();
    reader.read().unwrap();
    assert!(reader.read().is_err());
    assert_eq!(reader.recover().unwrap(), Some(offsets[2]));
    assert_eq!(reader.read().unwrap().unwrap(), b"third");
    assert_eq!(reader.recover().unwrap(), None);
}

#[test]
fn a_missing_file_is_named() {
    let error = RecordReader::open("/nowhere/a.rec").unwrap_err();
    assert!(matches!(&error, DataError::File { path, .. } if path == "/nowhere/a.rec"), "{error}");
}

#[test]
fn parts_have_every_record_once() {
    let (_folder, path) = folder();
    let records: Vec<Vec<u8>> = (0..57).map(|n| vec![n as u8; n % 11]).collect();
    let offsets = write(&path, &records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let index = path.with_extension("idx");
    let lines: String = offsets.iter().enumerate().map(|(i, at)| format!("{i}\t{at}\n")).collect();
    fs::write(&index, lines).unwrap();
    assert_eq!(read_index(&index).unwrap()[5], (5, offsets[5]));
    for index in [None, Some(index.as_path())] {
        for parts in [1, 2, 5, 100] {
            let of = |part| Places::find(path.to_str().unwrap(), index, (part, parts)).unwrap().places;
            let found: Vec<u64> = (0..parts).flat_map(of).map(|(_, at)| at).collect();
            assert_eq!(found, offsets, "{index:?} {parts}");
        }
    }
    let all = Places::find(path.parent().unwrap().to_str().unwrap(), None, (0, 1));
    assert!(all.is_err(), "an index is no record file");
    let two = format!("{0};{0}", path.display());
    assert_eq!(Places::find(&two, None, (0, 1)).unwrap().places.len(), 2 * 57);
}

#[test]
fn a_line_of_an_index_that_is_none_is_named() {
    let (_folder, path) = folder();
    for (text, at) in
        [("0\t0\n1\n", 4), ("0\t0\nx\t3\n", 4), ("0 -1\n", 0), ("\n0\t0\t0", 1), ("0\t99999999999999999999", 0)]
    {
        fs::write(&path, text).unwrap();
        let error = read_index(&path).unwrap_err();
        assert!(matches!(error, DataError::Damaged { offset, .. } if offset == at), "{text}: {error}");
    }
}

#[test]
fn headers_that_are_too_short_are_refused() {
    for length in 0..Header::SIZE {
        assert!(Header::unpack(&vec![0; length]).is_err());
    }
    let mut record = vec![0; Header::SIZE + 7];
    record[0] = 2;
    assert!(Header::unpack(&record).unwrap_err().to_string().contains("2 labels"));
    record[..4].fill(0xff);
    assert!(Header::unpack(&record).is_err());
}
