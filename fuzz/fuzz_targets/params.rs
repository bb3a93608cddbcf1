//! Parameter files: reading never panics, and what was read survives writing and reading again.
//!
//! `cargo +nightly fuzz run params fuzz/corpus/params crates/tensor/tests/data -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsym_tensor::params::{read, write};

fuzz_target!(|bytes: &[u8]| {
    let Ok(first) = read(bytes) else { return };
    let written = write(&first.names, &first.tensors).expect("as many names as arrays, or none");
    let second = read(&written).expect("our own file");
    assert_eq!(first.names, second.names);
    assert_eq!(first.tensors.len(), second.tensors.len());
    for (a, b) in first.tensors.iter().zip(&second.tensors) {
        assert_eq!((a.shape(), a.dtype(), a.as_bytes()), (b.shape(), b.dtype(), b.as_bytes()));
    }
});
