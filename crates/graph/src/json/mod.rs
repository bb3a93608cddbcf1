//! MXNet's symbol JSON: writes the dialect of 1.9.1, reads every dialect since 0.7.

mod keys;
mod write;

pub use write::to_json;

/// The version of MXNet whose dialect is written: 1.9.1.
pub const VERSION: u32 = 10901;
