//! Programs of elementwise functions in single precision, evaluated tile by tile in cache.
//!
//! A [`Program`] reads each operand once and writes each result once, however many functions lie between: a tile of
//! about a thousand elements goes through all of them before the next one is fetched. Every function is one loop over
//! vectors of the [tier](crate::simd), the same one whether it runs in a program or alone ([`apply`]), so that fusing
//! never changes a bit. An operand may lie in the memory of a result, also where a tile needs it after the result is
//! known.

mod feed;
mod op;
mod program;
mod run;
#[cfg(test)]
mod tests;
mod tile;

pub use feed::{Feed, Repeated};
pub use op::Op;
pub use program::{Arg, Builder, MAX_INPUTS, MAX_LIVE, MAX_OUTPUTS, Program, TooLarge};
pub use run::{Given, Operand, apply};
