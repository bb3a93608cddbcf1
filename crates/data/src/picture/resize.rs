use super::Picture;
use crate::DataError;
use rsym_kernels::picture::{self as kernels, PictureSize, resample_bytes, resample_nearest};
use rsym_kernels::random::Draws;

/// How pixels of another size come about; see MXNet's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// 0: the nearest pixel.
    Nearest,
    /// 1: between two pixels in each direction.
    #[default]
    Linear,
    /// 2: over four pixels.
    Cubic,
    /// 3: the mean of the covered area.
    Area,
    /// 4: over eight pixels.
    Lanczos,
    /// 9: cubic where both sides grow, area where both shrink, linear otherwise.
    Auto,
    /// 10: a random one of the first five.
    Random,
}

impl Interpolation {
    /// By MXNet's number.
    pub fn from_number(number: i64) -> Result<Interpolation, DataError> {
        use Interpolation::{Area, Auto, Cubic, Lanczos, Linear, Nearest, Random};
        Ok(match number {
            0 => Nearest,
            1 => Linear,
            2 => Cubic,
            3 => Area,
            4 => Lanczos,
            9 => Auto,
            10 => Random,
            _ => {
                let what = format!(
                    "interpolation must be 0 (nearest), 1 (linear), 2 (cubic), 3 (area), 4 (Lanczos), 9 (by the sizes) or \
                     10 (random), got {number}"
                );
                return Err(DataError::Invalid(what));
            }
        })
    }

    /// The method for these sizes.
    pub(super) fn chosen(self, from: (usize, usize), to: (usize, usize), draws: &mut Draws) -> Interpolation {
        match self {
            Interpolation::Auto if to.0 > from.0 && to.1 > from.1 => Interpolation::Cubic,
            Interpolation::Auto if to.0 < from.0 && to.1 < from.1 => Interpolation::Area,
            Interpolation::Auto => Interpolation::Linear,
            Interpolation::Random => Interpolation::from_number(draws.integer(0, 5)).unwrap_or_default(),
            known => known,
        }
    }

    /// The kernel; None for the nearest pixel.
    pub(super) fn kernel(self) -> Option<kernels::Interpolation> {
        match self {
            Interpolation::Nearest => None,
            Interpolation::Cubic => Some(kernels::Interpolation::Cubic),
            Interpolation::Area => Some(kernels::Interpolation::Area),
            Interpolation::Lanczos => Some(kernels::Interpolation::Lanczos),
            _ => Some(kernels::Interpolation::Linear),
        }
    }
}

impl Picture {
    /// The picture with other numbers of rows and columns, in OpenCV's arithmetic.
    ///
    /// # Errors
    /// Pixels are wanted where there are none, or too many.
    pub fn resize(&self, height: usize, width: usize, how: Interpolation) -> Result<Picture, DataError> {
        let pixels = height.checked_mul(width).filter(|&pixels| pixels > 0 && pixels <= 1 << 28);
        let (Some(pixels), false) = (pixels, self.data.is_empty()) else {
            let what = format!("cannot resize a picture of {} x {} to {height} x {width}", self.height, self.width);
            return Err(DataError::Invalid(what));
        };
        if (height, width) == (self.height, self.width) {
            return Ok(self.clone());
        }
        let to = PictureSize { height, width, channels: self.channels };
        let mut data = vec![0; pixels * self.channels];
        match how.kernel() {
            None => resample_nearest(&self.data, self.size(), to, &mut data),
            Some(kernel) => resample_bytes(&self.data, self.size(), to, kernel, &mut data),
        }
        Ok(Picture { height, width, channels: self.channels, data })
    }
}

/// Height and width of a picture of the given ones whose shorter side becomes `short`; the other keeps its ratio to it, rounded
/// down.
pub fn shorter_side(height: usize, width: usize, short: usize) -> (usize, usize) {
    if height > width { (short * height / width.max(1), short) } else { (short, short * width / height.max(1)) }
}
