//! Pictures of bytes with the channels last: red, green, blue, and possibly alpha; or gray.

mod augment;
mod colour;
mod decode;
mod encode;
mod normalize;
mod resize;

pub use augment::{Augment, Jitter};
pub use colour::{add_shift, brightness, contrast, saturation, shift_hls};
pub use decode::{Colours, decode};
pub use encode::{Format, encode};
pub use normalize::{Normalize, Pixel};
pub use resize::{Interpolation, shorter_side};

use crate::DataError;
use rsym_kernels::picture::PictureSize;

/// A picture of bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// The values, row by row, those of a pixel together.
    pub data: Vec<u8>,
}

impl Picture {
    /// A picture of these values.
    pub fn new(height: usize, width: usize, channels: usize, data: Vec<u8>) -> Result<Picture, DataError> {
        let size = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        if size != Some(data.len()) {
            let what = format!("a picture of {height} x {width} with {channels} channels has not {} bytes", data.len());
            return Err(DataError::Invalid(what));
        }
        Ok(Picture { height, width, channels, data })
    }

    /// The extents.
    pub fn size(&self) -> PictureSize {
        PictureSize { height: self.height, width: self.width, channels: self.channels }
    }

    /// Bytes of a row.
    fn row(&self) -> usize {
        self.width * self.channels
    }

    /// The rows.
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.row().max(1))
    }

    /// The part of `width` columns and `height` rows from column `x` and row `y` on.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Result<Picture, DataError> {
        let inside = x.checked_add(width).is_some_and(|end| end <= self.width)
            && y.checked_add(height).is_some_and(|end| end <= self.height);
        if !inside {
            let what = format!(
                "a part of {height} x {width} from row {y}, column {x} on is not inside of a picture of {} x {}",
                self.height, self.width
            );
            return Err(DataError::Invalid(what));
        }
        if width == self.width && height == self.height {
            return Ok(self.clone());
        }
        let (from, length) = (x * self.channels, width * self.channels);
        let data = self.rows().skip(y).take(height).flat_map(|row| &row[from..from + length]).copied().collect();
        Ok(Picture { height, width, channels: self.channels, data })
    }

    /// The picture with `border` more rows and columns of the value `fill` on every side.
    pub fn pad(&self, border: usize, fill: u8) -> Picture {
        let (height, width) = (self.height + 2 * border, self.width + 2 * border);
        let mut padded =
            Picture { height, width, channels: self.channels, data: vec![fill; height * width * self.channels] };
        let (row, side) = (padded.row(), border * self.channels);
        for (line, source) in padded.data.chunks_exact_mut(row.max(1)).skip(border).zip(self.rows()) {
            line[side..][..source.len()].copy_from_slice(source);
        }
        padded
    }
}
