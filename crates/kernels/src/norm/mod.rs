//! Normalisation: over batches, over axes, over groups of channels, by the 2-norm, and across neighbour channels.
//!
//! Statistics are accumulated in double precision in two passes: mean first, then squared deviations.

mod batch;
pub mod blocked;
mod l2;
mod lines;
mod lrn;
mod rows;
mod single;
mod strips;
#[cfg(test)]
mod tests;

pub use crate::layout::AxisDims;
pub use batch::{BatchStats, batch_norm_backward, batch_norm_inference, batch_norm_train};
pub(crate) use batch::{
    batch_gradient_core, batch_gradient_single, batch_infer_core, batch_infer_single, batch_train_core,
    batch_train_single,
};
pub(crate) use l2::{l2_core, l2_gradient_core};
pub use l2::{l2_normalize, l2_normalize_backward};
pub(crate) use lines::{layer_gradient_single, layer_single};
pub use lrn::{LrnGeometry, lrn, lrn_backward};
pub(crate) use lrn::{lrn_core, lrn_gradient_core};
pub(crate) use rows::{group_core, group_gradient_core, layer_core, layer_gradient_core};
pub use rows::{group_norm, group_norm_backward, layer_norm, layer_norm_backward};
