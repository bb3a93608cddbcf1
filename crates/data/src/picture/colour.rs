//! Changes of colours as OpenCV computes them: every step ends in bytes.

use super::Picture;

/// The nearest byte, halves to even.
fn byte(value: f32) -> u8 {
    // Behind 2^23 + 2^22 the steps of single precision are whole numbers: the sum is rounded as it should be.
    (value.clamp(0.0, 255.0) + 12_582_912.0).to_bits() as u8
}

/// The gray of a pixel with red, green and blue, in fixed point.
pub(super) fn gray(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((r * 4899 + g * 9617 + b * 1868 + (1 << 13)) >> 14) as u8
}

/// Every value through `f`, by a table.
fn map(picture: &mut Picture, f: impl Fn(f32) -> f32) {
    let table: [u8; 256] = std::array::from_fn(|v| byte(f(v as f32)));
    picture.data.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
}

/// The sum of all grays.
fn gray_sum(picture: &Picture) -> u64 {
    let sum = |values: &mut dyn Iterator<Item = u8>| values.map(u64::from).sum();
    match picture.channels {
        3 => picture.data.as_chunks::<3>().0.iter().map(|pixel| u64::from(gray(pixel))).sum(),
        4 => sum(&mut picture.data.chunks_exact(4).map(gray)),
        _ => sum(&mut picture.data.iter().copied()),
    }
}

/// Multiplies all values.
pub fn brightness(picture: &mut Picture, factor: f32) {
    map(picture, |v| v * factor);
}

/// Moves all values away from the mean gray (factor above 1) or towards it.
pub fn contrast(picture: &mut Picture, factor: f32) {
    let pixels = (picture.height * picture.width).max(1);
    let rest = (1.0 - factor) * (gray_sum(picture) as f64 / pixels as f64) as f32;
    map(picture, |v| v * factor + rest);
}

/// Moves every pixel away from its gray (factor above 1) or towards it.
pub fn saturation(picture: &mut Picture, factor: f32) {
    if picture.channels < 3 {
        return;
    }
    let toward = |pixel: &mut [u8]| {
        let rest = (1.0 - factor) * f32::from(gray(pixel));
        pixel[..3].iter_mut().for_each(|v| *v = byte(f32::from(*v) * factor + rest));
    };
    if picture.channels == 3 {
        picture.data.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| toward(pixel));
    } else {
        picture.data.chunks_exact_mut(picture.channels).for_each(toward);
    }
}

/// Adds to hue (in steps of two degrees), saturation and lightness (of 255); what leaves the range stays at its end.
pub fn shift_hls(picture: &mut Picture, hue: f32, saturation: f32, light: f32) {
    if picture.channels < 3 {
        return;
    }
    for pixel in picture.data.chunks_exact_mut(picture.channels) {
        let (h, l, s) = to_hls([pixel[0], pixel[1], pixel[2]]);
        let h = (h + hue).clamp(0.0, 180.0);
        pixel[..3].copy_from_slice(&from_hls(h, (l + light).clamp(0.0, 255.0), (s + saturation).clamp(0.0, 255.0)));
    }
}

/// Hue in steps of two degrees, lightness and saturation from 0 to 255.
fn to_hls(rgb: [u8; 3]) -> (f32, f32, f32) {
    let [r, g, b] = rgb.map(f32::from);
    let (top, bottom) = (r.max(g).max(b), r.min(g).min(b));
    let (range, sum) = (top - bottom, top + bottom);
    if range == 0.0 {
        return (0.0, sum / 2.0, 0.0);
    }
    let saturation = range / if sum < 255.0 { sum } else { 510.0 - sum };
    let sector = match () {
        () if top == r => (g - b) / range,
        () if top == g => 2.0 + (b - r) / range,
        () => 4.0 + (r - g) / range,
    };
    (30.0 * if sector < 0.0 { sector + 6.0 } else { sector }, sum / 2.0, saturation * 255.0)
}

fn from_hls(hue: f32, light: f32, saturation: f32) -> [u8; 3] {
    let (light, saturation) = (light / 255.0, saturation / 255.0);
    let chroma = (1.0 - (2.0 * light - 1.0).abs()) * saturation;
    // Red, green and blue are the same curve over the hue, shifted by a third of the circle.
    let channel = |shift: f32| {
        let place = (hue / 30.0 + shift).rem_euclid(6.0);
        let share = (1.0 - (place - 3.0).abs() + 1.0 - 0.5).clamp(-0.5, 0.5);
        byte(255.0 * (light - chroma * share))
    };
    [channel(0.0), channel(4.0), channel(2.0)]
}

/// Adds to red, green and blue; what is left behind the point is cut off.
pub fn add_shift(picture: &mut Picture, shift: [f32; 3]) {
    if picture.channels < 3 {
        return;
    }
    for pixel in picture.data.chunks_exact_mut(picture.channels) {
        for (v, add) in pixel.iter_mut().zip(shift) {
            *v = (f32::from(*v) + add) as u8;
        }
    }
}
