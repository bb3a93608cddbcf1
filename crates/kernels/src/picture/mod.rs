//! Pictures: resizing, colours and the order of channels.

mod bilinear;
mod colour;
mod planes;
mod resample;
mod warp;

pub use bilinear::{bilinear, bilinear_backward};
pub use colour::{Adjustment, adjust};
pub use planes::{normalize, to_channels_last, to_planes};
pub use resample::{Interpolation, PictureSize, resample_bytes, resample_floats, resample_nearest};
pub use warp::warp_bytes;
