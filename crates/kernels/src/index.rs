//! Reading and writing at positions that come as data.
//!
//! Positions are resolved first ([`resolve`], [`resolve_nd`]), which is where wrong ones are found; the kernels proper
//! take positions that are known to be inside.

mod along;
mod nd;
mod select;
mod take;
#[cfg(test)]
mod tests;

pub use along::{gather_along, scatter_along};
pub use nd::{resolve_nd, scatter_rows};
pub use select::{keep, one_hot, select, truths};
pub use take::{take, take_backward};

use rsym_tensor::Element;
use thiserror::Error;

/// What to do with a position outside of its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexMode {
    /// The nearest end.
    Clip,
    /// The remainder, never negative.
    Wrap,
    /// An error.
    Raise,
}

/// A position outside of its axis.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("index {value} at position {position} is outside of 0..{bound}")]
pub struct IndexError {
    /// The offending value.
    pub value: i64,
    /// Its place among the indices.
    pub position: usize,
    /// The extent of the axis.
    pub bound: usize,
}

/// Indices of any type as whole numbers, fractions cut off.
pub fn indices<I: Element>(src: &[I]) -> Vec<i64> {
    src.iter().map(|i| i.to_i64()).collect()
}

/// The positions that `indices` mean on an axis of extent `bound`. An empty axis has none, whatever the mode.
pub fn resolve(indices: &[i64], bound: usize, mode: IndexMode) -> Result<Vec<usize>, IndexError> {
    let extent = bound as i64;
    let place = |(position, &value): (usize, &i64)| match mode {
        _ if (0..extent).contains(&value) => Ok(value as usize),
        IndexMode::Clip if bound > 0 => Ok(value.clamp(0, extent - 1) as usize),
        IndexMode::Wrap if bound > 0 => Ok(value.rem_euclid(extent) as usize),
        _ => Err(IndexError { value, position, bound }),
    };
    indices.iter().enumerate().map(place).collect()
}
