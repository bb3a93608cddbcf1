use super::{Interpolation, Picture, add_shift, brightness, contrast, saturation, shift_hls, shorter_side};
use crate::DataError;
use rsym_kernels::picture::{PictureSize, warp_bytes};
use rsym_kernels::random::Draws;

/// Random changes of colours; 0 leaves them as they are.
#[derive(Clone, Debug, Default)]
pub struct Jitter {
    /// The factor of the brightness is within this of 1.
    pub brightness: f32,
    /// The same for contrast.
    pub contrast: f32,
    /// The same for saturation.
    pub saturation: f32,
    /// Standard deviation of the noise along the principal components of the colours of ImageNet.
    pub pca_noise: f32,
    /// Greatest addition to hue (of 180), saturation and lightness (of 255).
    pub hsl: [i64; 3],
}

/// From a decoded picture to one of the wanted size: resized, turned, padded, cropped, with other colours, in this order.
#[derive(Clone, Debug)]
pub struct Augment {
    /// Height and width of the result.
    pub size: (usize, usize),
    /// What the shorter side becomes first.
    pub resize: Option<usize>,
    /// Whether the part is cropped at a random place rather than from the middle.
    pub rand_crop: bool,
    /// Whether a part of random area and ratio is cropped and brought to the size.
    pub random_resized_crop: bool,
    /// Degrees: turned by a random angle between minus and plus this.
    pub max_rotate_angle: i64,
    /// Turned by this angle instead.
    pub rotate: Option<i64>,
    /// Turned by a random one of these angles instead.
    pub rotate_list: Vec<i64>,
    /// Sheared by a random part between minus and plus this.
    pub max_shear_ratio: f32,
    /// Least and greatest ratio of width to height, relative to that of the picture.
    pub aspect_ratio: (f32, f32),
    /// Least and greatest side of a square that is cropped and brought to the size.
    pub crop_size: Option<(usize, usize)>,
    /// Least and greatest factor of both sides.
    pub random_scale: (f32, f32),
    /// Least and greatest part of the area that a random resized crop takes.
    pub random_area: (f32, f32),
    /// Least and greatest side after turning and scaling.
    pub image_size: (f32, f32),
    /// Rows and columns that are added at every side.
    pub pad: usize,
    /// The value of pixels that are added.
    pub fill_value: u8,
    /// How pixels between pixels come about.
    pub interpolation: Interpolation,
    /// Changes of colours.
    pub jitter: Jitter,
}

/// Eigenvectors of the colours of ImageNet times their eigenvalues: a row each for red, green and blue.
const COMPONENTS: [[f32; 3]; 3] = [
    [55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009],
    [55.46 * -0.5808, 4.794 * -0.0045, 1.148 * -0.8140],
    [55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203],
];

impl Augment {
    /// Changes nothing but the size.
    pub fn to_size(height: usize, width: usize) -> Augment {
        Augment {
            size: (height, width),
            resize: None,
            rand_crop: false,
            random_resized_crop: false,
            max_rotate_angle: 0,
            rotate: None,
            rotate_list: Vec::new(),
            max_shear_ratio: 0.0,
            aspect_ratio: (1.0, 1.0),
            crop_size: None,
            random_scale: (1.0, 1.0),
            random_area: (1.0, 1.0),
            image_size: (0.0, 1e10),
            pad: 0,
            fill_value: 255,
            interpolation: Interpolation::Linear,
            jitter: Jitter::default(),
        }
    }

    /// That the settings make sense together.
    pub fn check(&self) -> Result<(), DataError> {
        let refuse = |what: &str| Err(DataError::Invalid(what.into()));
        let (low, high) = self.aspect_ratio;
        let plain = self.random_scale == (1.0, 1.0) && self.crop_size.is_none() && !self.rand_crop;
        match () {
            () if self.size.0 == 0 || self.size.1 == 0 => refuse("data_shape must be positive"),
            () if self.random_resized_crop && !plain => refuse(
                "random_resized_crop goes without rand_crop, min/max_crop_size and min/max_random_scale: leave those out",
            ),
            () if !(low > 0.0 && low <= high) => {
                refuse("aspect ratios must be positive, the least (1 - max_aspect_ratio, or min_aspect_ratio) first")
            }
            () if self.random_area.0 > self.random_area.1 || self.random_area.0 < 0.0 => {
                refuse("min_random_area must be from 0 to max_random_area")
            }
            () if self.crop_size.is_some_and(|(least, greatest)| least == 0 || least > greatest) => {
                refuse("min_crop_size and max_crop_size must both be positive, the least first")
            }
            () if !(self.random_scale.0 > 0.0 && self.random_scale.0 <= self.random_scale.1) => {
                refuse("min_random_scale must be positive and at most max_random_scale")
            }
            () if self.warps() && self.interpolation == Interpolation::Nearest => {
                refuse("inter_method=0 (nearest) does not go with turning, shearing and scaling: use another")
            }
            () => Ok(()),
        }
    }

    /// The picture in its new size.
    pub fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, DataError> {
        let mut picture = self.resized(picture, draws)?;
        if self.warps() {
            picture = self.warped(&picture, draws)?;
        }
        if self.pad > 0 {
            picture = picture.pad(self.pad, self.fill_value);
        }
        let mut picture = self.cropped(picture, draws)?;
        self.recolour(&mut picture, draws);
        Ok(picture)
    }

    fn to(&self, picture: &Picture, height: usize, width: usize, draws: &mut Draws) -> Result<Picture, DataError> {
        let how = self.interpolation.chosen((picture.width, picture.height), (width, height), draws);
        picture.resize(height, width, how)
    }

    fn resized(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, DataError> {
        let Some(short) = self.resize else { return Ok(picture) };
        let (height, width) = shorter_side(picture.height, picture.width, short);
        if (height, width) == (picture.height, picture.width) {
            Ok(picture)
        } else {
            self.to(&picture, height, width, draws)
        }
    }

    /// Whether anything turns, shears or scales.
    fn warps(&self) -> bool {
        self.max_rotate_angle > 0
            || self.max_shear_ratio > 0.0
            || self.rotate.is_some()
            || !self.rotate_list.is_empty()
            || self.random_scale != (1.0, 1.0)
            || (!self.random_resized_crop && self.aspect_ratio != (1.0, 1.0))
            || self.image_size != (0.0, 1e10)
    }

    fn angle(&self, draws: &mut Draws) -> i64 {
        match (self.rotate_list.as_slice(), self.rotate) {
            ([], Some(angle)) => angle,
            ([], None) => draws.integer(-self.max_rotate_angle, self.max_rotate_angle + 1),
            (angles, _) => angles[draws.integer(0, angles.len() as i64) as usize],
        }
    }

    fn warped(&self, picture: &Picture, draws: &mut Draws) -> Result<Picture, DataError> {
        let shear = uniform(draws, -self.max_shear_ratio, self.max_shear_ratio);
        let (sin, cos) = (self.angle(draws) as f64).to_radians().sin_cos();
        let (sin, cos) = (sin as f32, cos as f32);
        let (mut scale, mut ratio) = (1.0, 1.0);
        if !self.random_resized_crop {
            scale = uniform(draws, self.random_scale.0, self.random_scale.1);
            ratio = uniform(draws, self.aspect_ratio.0, self.aspect_ratio.1);
        }
        let high = 2.0 * scale / (1.0 + ratio);
        let wide = ratio * high;
        let (least, greatest) = self.image_size;
        let (h, w) = (picture.height as f32, picture.width as f32);
        let (new_w, new_h) = (least.max(greatest.min(scale * w)), least.max(greatest.min(scale * h)));
        let (a, b) = (high * cos - shear * sin * wide, high * sin + shear * cos * wide);
        let (c, d) = (-sin * wide, cos * wide);
        let (x, y) = ((new_w - (a * w + b * h)) / 2.0, (new_h - (c * w + d * h)) / 2.0);
        let (height, width) = (new_h as usize, new_w as usize);
        if height == 0 || width == 0 || height.saturating_mul(width) > 1 << 28 {
            let what = format!("turning and scaling would make a picture of {height} x {width}");
            return Err(DataError::Invalid(what));
        }
        let how = self.interpolation.chosen((picture.width, picture.height), (width, height), draws);
        let to = PictureSize { height, width, channels: picture.channels };
        let mut data = vec![0; height * width * picture.channels];
        let matrix = [a, b, x, c, d, y].map(f64::from);
        let kernel = how.kernel().unwrap_or(rsym_kernels::picture::Interpolation::Linear);
        warp_bytes(&picture.data, picture.size(), to, matrix, kernel, self.fill_value, &mut data);
        Picture::new(height, width, picture.channels, data)
    }

    fn cropped(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, DataError> {
        if self.random_resized_crop {
            if let Some(part) = self.random_part(&picture, draws)? {
                return Ok(part);
            }
        } else if let Some((least, greatest)) = self.crop_size {
            return self.square(&picture, least, greatest, draws);
        }
        self.part(picture, draws)
    }

    /// A part of random area and ratio, if one of ten fits into the picture.
    fn random_part(&self, picture: &Picture, draws: &mut Draws) -> Result<Option<Picture>, DataError> {
        if self.random_area == (1.0, 1.0) && self.aspect_ratio == (1.0, 1.0) {
            return Ok(None);
        }
        let area = picture.height as f32 * picture.width as f32;
        for _ in 0..10 {
            let area = area * uniform(draws, self.random_area.0, self.random_area.1);
            let ratio = uniform(draws, self.aspect_ratio.0, self.aspect_ratio.1);
            let sides = ((area / ratio).sqrt().round() as usize, (area * ratio).sqrt().round() as usize);
            let (height, width) = if draws.unit() > 0.5 { (sides.1, sides.0) } else { sides };
            if (1..=picture.height).contains(&height) && (1..=picture.width).contains(&width) {
                let (y, x) = (place(draws, picture.height - height), place(draws, picture.width - width));
                let part = picture.crop(x, y, width, height)?;
                return self.to(&part, self.size.0, self.size.1, draws).map(Some);
            }
        }
        Ok(None)
    }

    /// A square of random size.
    fn square(
        &self,
        picture: &Picture,
        least: usize,
        greatest: usize,
        draws: &mut Draws,
    ) -> Result<Picture, DataError> {
        if picture.width < greatest || picture.height < greatest {
            let what = format!(
                "this picture of {} x {} is smaller than max_crop_size={greatest}: give resize, or a smaller one",
                picture.height, picture.width
            );
            return Err(DataError::Invalid(what));
        }
        let side = draws.integer(least as i64, greatest as i64 + 1) as usize;
        let (y, x) = self.corner(picture.height - side, picture.width - side, draws);
        let part = picture.crop(x, y, side, side)?;
        self.to(&part, self.size.0, self.size.1, draws)
    }

    /// A part of the wanted size; a smaller picture grows first.
    fn part(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, DataError> {
        let (height, width) = self.size;
        let how = self.interpolation.chosen((picture.width, picture.height), (width, height), draws);
        if picture.height < height {
            let columns = height as f32 / picture.height as f32 * picture.width as f32;
            picture = picture.resize(height, columns as usize, how)?;
        }
        if picture.width < width {
            let rows = width as f32 / picture.width as f32 * picture.height as f32;
            picture = picture.resize(rows as usize, width, how)?;
        }
        if picture.height < height || picture.width < width {
            // Rounding took a row or a column.
            picture = picture.resize(picture.height.max(height), picture.width.max(width), how)?;
        }
        let (y, x) = self.corner(picture.height - height, picture.width - width, draws);
        if (picture.height, picture.width) == self.size { Ok(picture) } else { picture.crop(x, y, width, height) }
    }

    /// Where a part begins that leaves this many rows and columns.
    fn corner(&self, rows: usize, columns: usize, draws: &mut Draws) -> (usize, usize) {
        if self.rand_crop { (place(draws, rows), place(draws, columns)) } else { (rows / 2, columns / 2) }
    }

    fn recolour(&self, picture: &mut Picture, draws: &mut Draws) {
        let jitter = &self.jitter;
        if jitter.brightness > 0.0 || jitter.contrast > 0.0 || jitter.saturation > 0.0 {
            let mut around = |range: f32| 1.0 + uniform(draws, -range, range);
            let factors = [jitter.brightness, jitter.contrast, jitter.saturation].map(&mut around);
            let mut order = [0, 1, 2];
            order.swap(2, draws.integer(0, 3) as usize);
            order.swap(1, draws.integer(0, 2) as usize);
            for i in order {
                [brightness, contrast, saturation][i](picture, factors[i]);
            }
        }
        if jitter.hsl != [0; 3] {
            let [h, s, l] = jitter.hsl.map(|range| {
                // Two uniform numbers, so that great changes are rarer.
                let share = (draws.unit() + 4.0 * draws.unit()) / 5.0;
                ((2.0 * share - 1.0) * range as f64).trunc() as f32
            });
            shift_hls(picture, h, s, l);
        }
        if jitter.pca_noise > 0.0 {
            let weights: [f32; 3] = std::array::from_fn(|_| draws.normal(0.0, f64::from(jitter.pca_noise)) as f32);
            add_shift(picture, COMPONENTS.map(|row| row.iter().zip(weights).map(|(c, w)| c * w).sum()));
        }
    }
}

fn uniform(draws: &mut Draws, low: f32, high: f32) -> f32 {
    if low == high { low } else { draws.uniform(f64::from(low), f64::from(high)) as f32 }
}

/// A whole number from 0 to `greatest`.
fn place(draws: &mut Draws, greatest: usize) -> usize {
    draws.integer(0, greatest as i64 + 1) as usize
}
