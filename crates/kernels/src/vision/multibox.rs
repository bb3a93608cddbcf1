//! Anchors, training targets and detections of single-shot detectors (W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016).

mod detection;
mod prior;
mod target;

pub use detection::{Detection, detect};
pub use prior::{Priors, prior_boxes};
pub use target::{TargetInput, Targeting, Targets, assign_targets};
