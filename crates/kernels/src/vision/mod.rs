//! Detection of objects in pictures: boxes, their overlaps, suppression and matching, regions and what lies in them.
//!
//! A box is four numbers; see [`boxes::BoxFormat`].

pub mod align;
pub mod boxes;
pub mod correlation;
pub mod deformable;
pub mod matching;
pub mod multibox;
pub mod nms;
pub mod proposal;
pub mod sensitive;
mod taps;

use std::cmp::Ordering;

/// Largest first, and NaN before all numbers; zeros are equal whatever their sign.
fn descending(a: f64, b: f64) -> Ordering {
    (b + 0.0).total_cmp(&(a + 0.0))
}
