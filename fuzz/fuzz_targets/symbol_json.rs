//! Symbol files: reading never panics, and what was written is read back and written the same.
//!
//! `cargo +nightly fuzz run symbol_json fuzz/corpus/symbol_json <folder of symbol files> -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsym_graph::json::{from_bytes, from_json, to_json};

fuzz_target!(|bytes: &[u8]| {
    let registry = rsym_ops::registry();
    let Ok(first) = from_bytes(registry, bytes) else { return };
    let written = to_json(&first.symbol).expect("a symbol that was read can be written");
    let second = from_json(registry, &written).expect("our own file");
    assert_eq!(written, to_json(&second.symbol).expect("as before"));
});
