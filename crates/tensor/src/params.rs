//! MXNet binary parameter files.
