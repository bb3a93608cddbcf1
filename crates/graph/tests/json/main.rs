//! Symbol files: what is written, and what every dialect is read as.

mod ops;
mod write;
