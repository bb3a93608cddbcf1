//! Parameter files built by hand, and where the example models lie.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

pub const V1: u32 = 0xF993_FAC8;
pub const V2: u32 = 0xF993_FAC9;
pub const V3: u32 = 0xF993_FACA;

/// Little-endian bytes, put together piece by piece.
#[derive(Clone, Default)]
pub struct File(pub Vec<u8>);

impl File {
    /// A header that promises `count` arrays.
    pub fn of(count: u64) -> File {
        File::default().u64(0x112).u64(0).u64(count)
    }

    pub fn u32(mut self, value: u32) -> File {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn i32(self, value: i32) -> File {
        self.u32(value as u32)
    }

    pub fn u64(mut self, value: u64) -> File {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn i64s(self, values: &[i64]) -> File {
        values.iter().fold(self, |file, &v| file.u64(v as u64))
    }

    pub fn f32s(self, values: &[f32]) -> File {
        values.iter().fold(self, |file, v| file.u32(v.to_bits()))
    }

    /// The device and the type number.
    pub fn on_cpu(self, dtype: i32) -> File {
        self.i32(1).i32(0).i32(dtype)
    }

    /// A complete version 2 array of float32.
    pub fn array(self, dims: &[i64], values: &[f32]) -> File {
        self.u32(V2).i32(0).u32(dims.len() as u32).i64s(dims).on_cpu(0).f32s(values)
    }

    pub fn name(mut self, bytes: &[u8]) -> File {
        self = self.u64(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }
}

/// The folder of real models: `RSYM_MODELS`, or `shared/models` in a folder above. Says so when there is none.
pub fn models() -> Option<PathBuf> {
    let given = std::env::var_os("RSYM_MODELS").map(PathBuf::from);
    let near =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|d| d.join("shared/models")).find(|d| d.is_dir());
    let found = given.or_else(near);
    if found.is_none() {
        eprintln!("SKIPPED: no folder shared/models above {} and no RSYM_MODELS", env!("CARGO_MANIFEST_DIR"));
    }
    found
}
