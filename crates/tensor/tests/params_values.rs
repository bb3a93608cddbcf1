//! The right numbers come out of files, and the right bytes go in. Expected values and files are MXNet 1.9.1's.

mod files;

use files::{File, V1, V2, V3, models};
use rsym_tensor::params::{NamedTensors, ParamsError, read, write};
use rsym_tensor::{DType, Tensor};
use std::path::{Path, PathBuf};

const ALL_DTYPES: &[u8] = include_bytes!("data/oracle_all_dtypes.params");
const NP_SHAPE: &[u8] = include_bytes!("data/oracle_np_shape.params");

fn values(found: &NamedTensors, index: usize) -> Vec<f64> {
    found.tensors[index].to_f64_vec()
}

#[test]
fn mxnet_file_of_every_dtype() {
    let found = read(ALL_DTYPES).unwrap();
    let names = ["arg:f32", "arg:f64", "aux:f16", "u8", "i32", "i8", "i64", "b", "bf16", "größe"];
    assert_eq!(found.names, names);
    let dtypes: Vec<DType> = found.tensors.iter().map(Tensor::dtype).collect();
    use DType::*;
    assert_eq!(dtypes, [Float32, Float64, Float16, UInt8, Int32, Int8, Int64, Bool, BFloat16, Float32]);
    for (i, dtype) in dtypes[..8].iter().enumerate() {
        let expected = match dtype {
            UInt8 => [0.0, 1.0, 2.0, 100.0, 3.0, 7.0],
            Bool => [0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            _ => [0.0, 1.0, 2.0, 100.0, -3.0, 7.0],
        };
        assert_eq!(values(&found, i), expected, "{dtype}");
        assert_eq!(**found.tensors[i].shape(), [2, 3]);
    }
    assert_eq!(values(&found, 8), [1.0, 2.5, -3.0]);
}

#[test]
fn writing_gives_the_bytes_of_mxnet() {
    assert_eq!(read(ALL_DTYPES).unwrap().write().unwrap(), ALL_DTYPES);
    assert_eq!(write(&[], &[]).unwrap(), File::of(0).u64(0).0);
}

#[test]
fn scalars_make_an_np_shape_file_as_mxnet_does() {
    let found = read(NP_SHAPE).unwrap();
    let shapes: Vec<String> = found.tensors.iter().map(|t| t.shape().to_string()).collect();
    assert_eq!(shapes, ["()", "(2, 0)", "(2,)"]);
    assert_eq!((values(&found, 0), values(&found, 2)), (vec![3.5], vec![1.0, 2.0]));
    assert_eq!(found.write().unwrap(), NP_SHAPE);
}

#[test]
fn every_dtype_survives_a_round_trip() {
    for dtype in DType::ALL {
        let source = Tensor::from_slice([2, 2], &[0f64, 1.0, 2.0, 100.0]).unwrap().cast(dtype).unwrap();
        let found = read(&write(&["x".into()], std::slice::from_ref(&source)).unwrap()).unwrap();
        assert_eq!(found.tensors[0].dtype(), dtype);
        assert_eq!(found.tensors[0].shape(), source.shape());
        assert_eq!(found.tensors[0].as_bytes(), source.as_bytes());
    }
}

#[test]
fn a_window_writes_its_rows_alone() {
    let whole = Tensor::from_slice([3, 2], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let file = write(&[], &[whole.rows(1, 2).unwrap()]).unwrap();
    assert_eq!(file, File::of(1).array(&[1, 2], &[3.0, 4.0]).u64(0).0);
}

#[test]
fn arrays_of_every_version_in_one_file() {
    let file = File::of(4).u32(2).u32(1).u32(2).on_cpu(0).f32s(&[1.0, 2.0]);
    let file = file.u32(V1).u32(1).i64s(&[1]).on_cpu(0).f32s(&[3.0]).array(&[1], &[4.0]);
    let file = file.u32(V3).i32(0).i32(0).on_cpu(0).f32s(&[5.0]).u64(0);
    let found = read(&file.0).unwrap();
    let all: Vec<Vec<f64>> = (0..4).map(|i| values(&found, i)).collect();
    assert_eq!(all, [vec![1.0, 2.0], vec![3.0], vec![4.0], vec![5.0]]);
    assert!(found.names.is_empty());
}

#[test]
fn arrays_never_filled_are_empty() {
    let file = File::of(5).u32(0).u32(V1).u32(0).u32(V2).i32(0).u32(0);
    let file = file.u32(V3).i32(0).i32(-1).u32(V3).i32(0).i32(2).i64s(&[3, -1]).u64(0);
    let found = read(&file.0).unwrap();
    assert!(found.tensors.iter().all(|t| **t.shape() == [0] && t.dtype() == DType::Float32));
    assert_eq!(found.tensors.len(), 5);
}

#[test]
fn arrays_without_elements_keep_their_shape() {
    let file = File::of(1).array(&[2, 0], &[]).u64(0).0;
    let found = read(&file).unwrap();
    assert_eq!(**found.tensors[0].shape(), [2, 0]);
    assert_eq!(found.write().unwrap(), file);
}

#[test]
fn devices_reserved_words_and_trailing_bytes_are_ignored() {
    let file = File::default().u64(0x112).u64(77).u64(1);
    let file = file.u32(V2).i32(0).u32(1).i64s(&[1]).i32(2).i32(3).i32(0).f32s(&[1.5]).u64(0).u32(9);
    assert_eq!(values(&read(&file.0).unwrap(), 0), [1.5]);
}

#[test]
fn truth_values_are_0_or_1() {
    let file = File::of(1).u32(V2).i32(0).u32(1).i64s(&[4]).on_cpu(7).u32(0xff02_0100).u64(0);
    assert_eq!(read(&file.0).unwrap().tensors[0].slice::<bool>().unwrap(), [false, true, true, true]);
}

/// zlib's CRC-32, continued from `start`.
fn crc32(start: u32, bytes: &[u8]) -> u32 {
    let bit = |c: u32| (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg());
    !bytes.iter().fold(!start, |c, &b| (0..8).fold(c ^ b as u32, |c, _| bit(c)))
}

/// Checksum over name, shape, type and elements of every array in order.
fn checksum(found: &NamedTensors) -> u32 {
    found.tensors.iter().enumerate().fold(0, |c, (i, t)| {
        let name = found.names.get(i).cloned().unwrap_or_else(|| i.to_string());
        let head = format!("{name}|{}|{}|", t.shape(), t.dtype());
        crc32(crc32(c, head.as_bytes()), t.as_bytes())
    })
}

#[test]
fn real_files_of_every_version_hold_what_mxnet_reads() {
    let Some(models) = models() else { return };
    for (file, arrays, expected) in [
        ("V0_binarized_mnist.params", 18, 1979007670),
        ("V0_det1.params", 13, 4208745425),
        ("V2_mnist.params", 6, 1830393275),
        ("V3_npshape_deepfm.params", 12, 1934385465),
        ("mean_224.nd", 1, 531535558),
    ] {
        let found = read(&std::fs::read(models.join("_formats").join(file)).unwrap()).unwrap();
        assert_eq!((found.tensors.len(), checksum(&found)), (arrays, expected), "{file}");
    }
}

#[test]
fn a_real_row_sparse_file_is_refused_by_name() {
    let Some(models) = models() else { return };
    let bytes = std::fs::read(models.join("_formats/V2_rowsparse_stype1.params")).unwrap();
    let error = read(&bytes).unwrap_err();
    assert!(matches!(&error, ParamsError::Sparse { array, .. } if array.name.as_deref() == Some("arg:1_weight")));
}

fn params_files(models: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(models).unwrap().map(|f| f.unwrap().path()).filter(|f| f.is_dir());
    let files = folders.flat_map(|f| std::fs::read_dir(f).unwrap()).map(|f| f.unwrap().path());
    files.filter(|f| f.extension().is_some_and(|e| e == "params")).collect()
}

/// The bytes with the device of every array set to the first CPU, as `write` does.
fn without_devices(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 24;
    for tensor in &read(bytes).unwrap().tensors {
        at += 12 + 8 * tensor.shape().len();
        out[at..at + 8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        at += 12 + tensor.bytes();
    }
    out
}

#[test]
fn real_version_2_files_are_rewritten_byte_by_byte() {
    let Some(models) = models() else { return };
    let mut compared = 0;
    for path in params_files(&models) {
        let bytes = std::fs::read(&path).unwrap();
        let found = match read(&bytes) {
            Err(ParamsError::Sparse { .. }) => continue,
            found => found.unwrap_or_else(|e| panic!("{}: {e}", path.display())),
        };
        if bytes[24..28] == V2.to_le_bytes() {
            assert_eq!(found.write().unwrap(), without_devices(&bytes), "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared >= 5, "only {compared} files of version 2 under {}", models.display());
}
