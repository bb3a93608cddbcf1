//! Normalisation: over batches, over axes, over groups of channels, by the 2-norm, and across neighbour channels.
//!
//! Statistics are accumulated in double precision in two passes: mean first, then squared deviations.

mod batch;
mod l2;
mod lrn;
mod rows;
#[cfg(test)]
mod tests;

pub use batch::{BatchStats, batch_norm_backward, batch_norm_inference, batch_norm_train};
pub use l2::{l2_normalize, l2_normalize_backward};
pub use lrn::{LrnGeometry, lrn, lrn_backward};
pub use rows::{group_norm, group_norm_backward, layer_norm, layer_norm_backward};

/// An array seen as `[outer, axis, inner]` around one of its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisDims {
    /// Product of the extents in front of the axis.
    pub outer: usize,
    /// Extent of the axis.
    pub axis: usize,
    /// Product of the extents behind the axis.
    pub inner: usize,
}

impl AxisDims {
    /// The view of an array of `shape` around `axis`.
    ///
    /// # Panics
    /// When the axis is outside of the shape.
    pub fn new(shape: &[usize], axis: usize) -> Self {
        let size = |range: &[usize]| range.iter().product();
        AxisDims { outer: size(&shape[..axis]), axis: shape[axis], inner: size(&shape[axis + 1..]) }
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.outer * self.axis * self.inner
    }

    /// Number of lines along the axis.
    pub fn lines(&self) -> usize {
        self.outer * self.inner
    }
}
