use super::Picture;
use crate::DataError;
use rsym_kernels::random::Draws;
use rsym_tensor::Element;

/// From a picture to planes of numbers: `(value - mean) * contrast / std + illumination / std`.
#[derive(Clone, Debug)]
pub struct Normalize {
    /// Always mirrored, left to right.
    pub mirror: bool,
    /// Mirrored half of the time.
    pub rand_mirror: bool,
    /// What is subtracted, by channel.
    pub mean: [f32; 4],
    /// What is subtracted, by place, instead.
    pub mean_image: Option<Vec<f32>>,
    /// By what is divided.
    pub std: [f32; 4],
    /// By what everything is multiplied.
    pub scale: f32,
    /// The contrast is within this of 1.
    pub max_contrast: f32,
    /// The illumination is within this of 0.
    pub max_illumination: f32,
}

impl Default for Normalize {
    fn default() -> Normalize {
        Normalize {
            mirror: false,
            rand_mirror: false,
            mean: [0.0; 4],
            mean_image: None,
            std: [1.0; 4],
            scale: 1.0,
            max_contrast: 0.0,
            max_illumination: 0.0,
        }
    }
}

/// Types that pictures can be brought into.
pub trait Pixel: Element {
    /// What a value from 0 to 255 becomes. Where `NORMALIZED`, it is normalised first.
    fn of(value: f32) -> Self;
    /// Whether mean, deviation and scale count.
    const NORMALIZED: bool;
    /// Whether the mean counts, rounded.
    const CENTRED: bool = false;
}

impl Pixel for f32 {
    const NORMALIZED: bool = true;
    fn of(value: f32) -> f32 {
        value
    }
}

impl Pixel for u8 {
    const NORMALIZED: bool = false;
    fn of(value: f32) -> u8 {
        value as u8
    }
}

impl Pixel for i8 {
    const NORMALIZED: bool = false;
    const CENTRED: bool = true;
    fn of(value: f32) -> i8 {
        value as i8
    }
}

impl Normalize {
    /// Writes the planes of a picture, one for each channel.
    ///
    /// # Errors
    /// The planes or the mean image have another size than the picture.
    pub fn write<T: Pixel>(&self, picture: &Picture, draws: &mut Draws, planes: &mut [T]) -> Result<(), DataError> {
        let pixels = picture.height * picture.width;
        let mean = self.mean_image.as_deref();
        if planes.len() != picture.data.len() || mean.is_some_and(|mean| mean.len() != planes.len()) {
            let what = format!(
                "a picture of {} x {} x {} does not fit: data_shape has {} numbers{}",
                picture.channels,
                picture.height,
                picture.width,
                planes.len(),
                mean.map_or(String::new(), |mean| format!(", the mean image {}", mean.len()))
            );
            return Err(DataError::Invalid(what));
        }
        let mirrored = (self.rand_mirror && draws.unit() < 0.5) || self.mirror;
        let contrast = (1.0 + self.drawn(draws, self.max_contrast)) * self.scale;
        let illumination = self.drawn(draws, self.max_illumination) * self.scale;
        for (c, plane) in planes.chunks_exact_mut(pixels.max(1)).enumerate() {
            let mean = mean.map(|mean| &mean[c * pixels..][..pixels]);
            let (factor, add) = (contrast / self.std[c & 3], illumination / self.std[c & 3]);
            match mean {
                None => plane_of_table(picture, c, plane, mirrored, &self.table::<T>(c, factor, add)),
                Some(mean) => plane_of(picture, c, plane, mirrored, |i, v| value(v, mean[i], factor, add)),
            }
        }
        Ok(())
    }

    /// What each byte of a channel becomes.
    fn table<T: Pixel>(&self, channel: usize, factor: f32, add: f32) -> [T; 256] {
        std::array::from_fn(|v| value(v as u8, self.mean[channel & 3], factor, add))
    }

    fn drawn(&self, draws: &mut Draws, range: f32) -> f32 {
        if range == 0.0 { 0.0 } else { draws.uniform(f64::from(-range), f64::from(range)) as f32 }
    }
}

fn value<T: Pixel>(byte: u8, mean: f32, factor: f32, add: f32) -> T {
    let v = f32::from(byte);
    match (T::NORMALIZED, T::CENTRED) {
        (true, _) => T::of((v - mean) * factor + add),
        (_, true) => T::of(v - mean.round()),
        _ => T::of(v),
    }
}

/// Calls `f(place, byte)` for the values of a channel and puts the results where they belong.
fn plane_of<T: Pixel>(picture: &Picture, channel: usize, plane: &mut [T], mirrored: bool, f: impl Fn(usize, u8) -> T) {
    let (width, channels) = (picture.width, picture.channels);
    for (y, (out, line)) in plane.chunks_exact_mut(width.max(1)).zip(picture.rows()).enumerate() {
        let values = line.chunks_exact(channels).enumerate().map(|(x, pixel)| f(y * width + x, pixel[channel]));
        if mirrored {
            out.iter_mut().rev().zip(values).for_each(|(o, v)| *o = v);
        } else {
            out.iter_mut().zip(values).for_each(|(o, v)| *o = v);
        }
    }
}

fn plane_of_table<T: Pixel>(picture: &Picture, channel: usize, plane: &mut [T], mirrored: bool, table: &[T; 256]) {
    if picture.channels != 3 {
        return plane_of(picture, channel, plane, mirrored, |_, v| table[usize::from(v)]);
    }
    for (out, line) in plane.chunks_exact_mut(picture.width.max(1)).zip(picture.rows()) {
        let values = line.as_chunks::<3>().0.iter().map(|pixel| table[usize::from(pixel[channel % 3])]);
        if mirrored {
            out.iter_mut().rev().zip(values).for_each(|(o, v)| *o = v);
        } else {
            out.iter_mut().zip(values).for_each(|(o, v)| *o = v);
        }
    }
}
