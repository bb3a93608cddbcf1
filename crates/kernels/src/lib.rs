//! Numeric kernels of rsym: pure functions over slices, `ndarray` views and plain geometry structs.
//!
//! The kernels know neither operators nor graphs. Lengths and shapes are the caller's contract: a kernel panics when
//! slices are shorter than the geometry says, and never reads outside of them. Results have the same bits for every
//! number of threads.

pub mod arg;
pub mod arrange;
mod axes;
pub mod broadcast;
pub mod conv;
mod cores;
pub mod ctc;
pub mod density;
pub mod elementwise;
mod feed;
pub mod fft;
pub mod fused;
pub mod gemm;
pub mod index;
pub mod layout;
pub mod linalg;
mod lines;
pub mod math;
pub mod norm;
pub mod number;
pub mod parallel;
pub mod picture;
pub mod pool;
pub mod random;
mod raw;
pub mod real;
pub mod reduce;
pub mod rnn;
pub mod sampling;
pub mod scan;
mod scratch;
pub mod sequence;
pub mod simd;
pub mod softmax;
pub mod sort;
mod sums;
pub mod update;
pub mod upsample;
pub mod vision;
pub mod window;
