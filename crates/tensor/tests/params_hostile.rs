//! Bytes that are no parameter file, or a damaged one: each gets its own error, and none a panic.

mod files;

use files::{File, V1, V2, V3};
use rsym_tensor::params::{ArrayId, NamedTensors, ParamsError, Place, read, write};
use rsym_tensor::{DType, Tensor};

fn refused(bytes: &[u8]) -> ParamsError {
    read(bytes).expect_err("these bytes are no parameter file")
}

fn array(index: usize) -> ArrayId {
    ArrayId { index, name: None }
}

fn says(bytes: &[u8], words: &str) {
    let text = refused(bytes).to_string();
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}

#[test]
fn an_empty_file() {
    assert_eq!(refused(b""), ParamsError::Empty);
}

#[test]
fn an_html_page() {
    says(b"\n\n<!DOCTYPE html><html><body>404 Not Found</body></html>", "HTML");
    says(b"\xef\xbb\xbf<html>", "HTML");
}

#[test]
fn a_git_lfs_pointer() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 102400\n";
    says(pointer, "Git LFS pointer to a file of 102400 bytes");
    says(&pointer[..40], "Git LFS pointer:");
}

#[test]
fn a_symbol_file() {
    says(br#"{"nodes": []}"#, "sym.load");
}

#[test]
fn a_numpy_array_or_archive() {
    says(b"\x93NUMPY\x01\x00v\x00", "numpy.load");
    says(b"PK\x03\x04\x14\x00", ".npz");
}

#[test]
fn a_file_of_a_big_endian_machine() {
    says(&0x112u64.to_be_bytes(), "big-endian");
}

#[test]
fn unknown_bytes_are_shown() {
    assert_eq!(refused(&[1, 2, 3]), ParamsError::Magic { bytes: vec![1, 2, 3] });
    says(&[0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 4], "[de ad be ef 00 01 02 03]");
}

#[test]
fn a_header_that_ends_early() {
    let header = File::of(1).0;
    assert_eq!(refused(&header[..20]), ParamsError::Truncated { length: 20, needed: 24, place: Place::Header });
    assert_eq!(refused(&header[..3]), ParamsError::Truncated { length: 3, needed: 16, place: Place::Header });
}

#[test]
fn an_array_that_ends_early() {
    let file = File::of(2).array(&[1], &[1.0]).array(&[100], &[1.0, 2.0]).0;
    let start = 24 + 36 + 32;
    let place = Place::Array { index: 1, count: 2 };
    assert_eq!(refused(&file), ParamsError::Truncated { length: start + 8, needed: start as u128 + 400, place });
    says(&file, "truncated at byte 100 of at least 492, in array [1] of 2");
}

#[test]
fn every_proper_prefix_is_truncated() {
    let file = File::of(2).array(&[2], &[1.0, 2.0]).array(&[1, 1], &[3.0]).u64(2).name(b"a").name(b"bc").0;
    assert_eq!(read(&file).unwrap().names, ["a", "bc"]);
    for end in 1..file.len() {
        assert!(matches!(refused(&file[..end]), ParamsError::Truncated { length, .. } if length == end));
    }
}

#[test]
fn more_arrays_than_the_file_could_hold() {
    let place = Place::Array { index: 0, count: u64::MAX };
    assert_eq!(refused(&File::of(u64::MAX).0), ParamsError::Truncated { length: 24, needed: 28, place });
}

#[test]
fn an_array_larger_than_the_file_takes_no_memory() {
    let file = File::of(1).array(&[1 << 40, 1 << 10], &[]).u64(0).0;
    assert!(matches!(refused(&file), ParamsError::Truncated { needed, .. } if needed > 1 << 52));
}

#[test]
fn extents_whose_product_overflows() {
    for dims in [[1 << 40, 1 << 40], [i64::MAX, 1], [0, i64::MAX]] {
        let file = File::of(1).array(&dims, &[]).u64(0).0;
        assert_eq!(refused(&file), ParamsError::Extents { array: array(0), dims: dims.to_vec() });
    }
}

#[test]
fn a_negative_extent() {
    let file = File::of(1).array(&[2, -1], &[]).u64(0).0;
    assert_eq!(refused(&file), ParamsError::Extents { array: array(0), dims: vec![2, -1] });
    let file = File::of(1).u32(V3).i32(0).i32(1).i64s(&[-2]).0;
    assert_eq!(refused(&file), ParamsError::Extents { array: array(0), dims: vec![-2] });
}

#[test]
fn an_absurd_number_of_dimensions() {
    for (file, rank) in [
        (File::of(1).u32(V1).i32(33), 33),
        (File::of(1).u32(V2).i32(0).i32(i32::MAX), i32::MAX),
        (File::of(1).u32(V2).i32(0).i32(-1), -1),
        (File::of(1).u32(V3).i32(0).i32(-2), -2),
    ] {
        assert_eq!(refused(&file.0), ParamsError::Rank { array: array(0), rank });
    }
}

#[test]
fn an_unknown_version() {
    let file = File::of(2).array(&[1], &[1.0]).u32(0xF993_FACB);
    assert_eq!(refused(&file.0), ParamsError::Version { array: array(1), value: 0xF993_FACB });
}

#[test]
fn an_unknown_data_type() {
    for number in [-1, 8, 11, 13] {
        let file = File::of(1).u32(V2).i32(0).u32(1).i64s(&[1]).on_cpu(number).f32s(&[1.0]).u64(0);
        assert_eq!(refused(&file.0), ParamsError::DType { array: array(0), number });
    }
}

#[test]
fn an_unknown_storage_type() {
    let file = File::of(1).u32(V2).i32(-1);
    assert_eq!(refused(&file.0), ParamsError::Storage { array: array(0), number: -1 });
}

#[test]
fn sparse_arrays_are_refused_by_name() {
    let int64 = DType::Int64.number();
    let row_sparse = File::of(2).array(&[1], &[1.0]).u32(V2).i32(1).u32(2).i64s(&[1, 2]).u32(2).i64s(&[3, 2]);
    let row_sparse = row_sparse.on_cpu(0).i32(int64).u32(1).i64s(&[1]).f32s(&[5.0, 6.0]).i64s(&[2]);
    let named = row_sparse.clone().u64(2).name(b"bias").name(b"weight").0;
    let weight = ArrayId { index: 1, name: Some("weight".into()) };
    assert_eq!(refused(&named), ParamsError::Sparse { array: weight, storage: "row_sparse" });
    says(&named, "array [1] ('weight') of the parameter file has row_sparse storage");
    assert_eq!(refused(&row_sparse.u64(0).0), ParamsError::Sparse { array: array(1), storage: "row_sparse" });

    let csr = File::of(1).u32(V2).i32(2).u32(1).i64s(&[1]).u32(2).i64s(&[1, 3]).on_cpu(0);
    let csr = csr.i32(int64).u32(1).i64s(&[2]).i32(int64).u32(1).i64s(&[1]).f32s(&[5.0]).i64s(&[0, 1, 2]);
    let place = Place::Array { index: 0, count: 1 };
    let length = csr.0.len();
    assert_eq!(refused(&csr.0), ParamsError::Truncated { length, needed: length as u128 + 8, place: Place::NameCount });
    assert_eq!(
        refused(&csr.0[..length - 1]),
        ParamsError::Truncated { length: length - 1, needed: length as u128, place }
    );
    assert_eq!(refused(&csr.u64(0).0), ParamsError::Sparse { array: array(0), storage: "csr" });
}

#[test]
fn another_number_of_names() {
    let file = File::of(1).array(&[1], &[1.0]).u64(2).name(b"a").name(b"b");
    assert_eq!(refused(&file.0), ParamsError::NameCount { names: 2, arrays: 1 });
    let file = File::of(1).array(&[1], &[1.0]).u64(u64::MAX);
    assert_eq!(refused(&file.0), ParamsError::NameCount { names: u64::MAX, arrays: 1 });
    let tensor = Tensor::zeros([1], DType::Float32).unwrap();
    assert_eq!(write(&["a".into(), "b".into()], &[tensor]), Err(ParamsError::NameCount { names: 2, arrays: 1 }));
}

#[test]
fn a_name_longer_than_the_file() {
    let file = File::of(1).array(&[1], &[1.0]).u64(1).u64(u64::MAX);
    let place = Place::Name { index: 0, count: 1 };
    let needed = file.0.len() as u128 + u64::MAX as u128;
    assert_eq!(refused(&file.0), ParamsError::Truncated { length: file.0.len(), needed, place });
}

#[test]
fn a_name_that_is_not_text() {
    let file = File::of(1).array(&[1], &[1.0]).u64(1).name(b"ab\xff");
    assert_eq!(refused(&file.0), ParamsError::Name { index: 0, bytes: b"ab\xff".to_vec() });
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Values that break careless arithmetic, and any other.
    fn word(&mut self) -> u32 {
        let edges = [0, 1, 2, 33, 0x112, V1, V2, V3, u32::MAX, i32::MAX as u32, 1 << 31];
        if self.below(4) == 0 { self.next() as u32 } else { edges[self.below(edges.len())] }
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut SplitMix) {
    let at = random.below(bytes.len());
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes.truncate(at.max(1)),
        3 => drop(bytes.drain(at..(at + 4).min(bytes.len() - 1).max(at))),
        _ => {
            let at = at / 4 * 4;
            let end = (at + 4).min(bytes.len());
            bytes[at..end].copy_from_slice(&random.word().to_le_bytes()[..end - at]);
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let v0 = File::of(2).u32(2).u32(2).u32(1).on_cpu(0).f32s(&[1.0, 2.0]).u32(0).u64(2).name(b"a").name(b"b");
    let v1 = File::of(1).u32(V1).u32(1).i64s(&[2]).on_cpu(1).i64s(&[0, 0]).u64(0);
    let sparse = File::of(1).u32(V2).i32(1).u32(1).i64s(&[1]).u32(1).i64s(&[3]).on_cpu(0);
    let sparse = sparse.i32(6).u32(1).i64s(&[1]).f32s(&[5.0]).i64s(&[2]).u64(1).name(b"s");
    vec![v0.0, v1.0, sparse.0, include_bytes!("data/oracle_all_dtypes.params").to_vec()]
}

/// Data found in a file cannot be larger than the file.
fn plausible(found: &NamedTensors, length: usize) -> bool {
    let names: usize = found.names.iter().map(String::len).sum();
    found.tensors.iter().map(Tensor::bytes).sum::<usize>() + names <= length
}

#[test]
fn mutated_files_never_panic() {
    let mut random = SplitMix(20);
    let seeds = seeds();
    let mut read_well = 0;
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        match read(&bytes) {
            Ok(found) => {
                assert!(plausible(&found, bytes.len()), "round {round}");
                read_well += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!((1000..19_000).contains(&read_well), "{read_well} of 20000 mutations left a readable file");
}
