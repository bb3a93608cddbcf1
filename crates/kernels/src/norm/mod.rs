//! Normalisation: over batches, over axes, over groups of channels, by the 2-norm, and across neighbour channels.
//!
//! Statistics are accumulated in double precision in two passes: mean first, then squared deviations.

mod batch;
mod l2;
mod lrn;
mod rows;
#[cfg(test)]
mod tests;

pub use crate::layout::AxisDims;
pub use batch::{BatchStats, batch_norm_backward, batch_norm_inference, batch_norm_train};
pub use l2::{l2_normalize, l2_normalize_backward};
pub use lrn::{LrnGeometry, lrn, lrn_backward};
pub use rows::{group_norm, group_norm_backward, layer_norm, layer_norm_backward};
