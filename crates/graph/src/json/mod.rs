//! MXNet's symbol JSON: writes the dialect of 1.9.1, reads every dialect since 0.7.
//!
//! Reading goes in steps: the text becomes a `raw` graph, whose indices are checked; `upgrade` rewrites what older
//! versions meant; `build` makes nodes of it.

mod attrs;
mod build;
mod keys;
mod order;
mod raw;
mod read;
mod sniff;
mod split;
mod upgrade;
mod write;

pub use read::{Loaded, from_bytes, from_json};
pub(crate) use write::push_number;
pub use write::to_json;

/// The version of MXNet whose dialect is written: 1.9.1.
pub const VERSION: u32 = 10901;
