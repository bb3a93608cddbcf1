//! Pictures: decoding never panics, and what was decoded has the extents that it says.
//!
//! `cargo +nightly fuzz run pictures fuzz/corpus/pictures tests/oracle/pictures -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsym_data::picture::{Colours, decode};

fuzz_target!(|bytes: &[u8]| {
    for colours in [Colours::Gray, Colours::Rgb, Colours::AsIs] {
        if let Ok(picture) = decode(bytes, colours, true) {
            assert_eq!(picture.data.len(), picture.height * picture.width * picture.channels);
        }
    }
});
