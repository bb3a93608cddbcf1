//! Colours of pictures with the channels last: three (red, green, blue) or one.

use crate::parallel::{for_elements, for_rows};
use rsym_tensor::{DType, Element};

/// A change of colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjustment {
    /// Multiplies all values.
    Brightness(f32),
    /// Moves all values away from the mean gray (factor above 1) or towards it (below 1).
    Contrast(f32),
    /// Moves every pixel away from a gray of 0.114 times its blue, or towards it.
    Saturation(f32),
    /// Turns the hue by this part of a full turn.
    Hue(f32),
    /// Adds to every channel.
    Shift([f32; 3]),
}

/// Weights of red, green and blue in a gray.
const GRAY: [f32; 3] = [0.299, 0.587, 0.114];

/// The nearest value towards zero; bytes stay between 0 and 255.
fn saturated<T: Element>(value: f32) -> T {
    T::from_f64(if T::DTYPE == DType::UInt8 { value.clamp(0.0, 255.0) } else { value } as f64)
}

fn single<T: Element>(value: T) -> f32 {
    value.to_f64() as f32
}

/// Changes the colours of a picture in place. Pictures of one channel have brightness and contrast alone.
pub fn adjust<T: Element>(change: Adjustment, channels: usize, picture: &mut [T]) {
    match change {
        Adjustment::Brightness(factor) => each(picture, |v| v * factor),
        Adjustment::Contrast(factor) => {
            let rest = (1.0 - factor) * mean_gray(channels, picture);
            each(picture, |v| v * factor + rest);
        }
        _ if channels != 3 => {}
        Adjustment::Saturation(factor) => pixels(picture, 8, |[r, g, b]| {
            let gray = b * GRAY[2] * (1.0 - factor);
            [r, g, b].map(|v| gray + v * factor)
        }),
        Adjustment::Hue(turn) => pixels(picture, 60, |rgb| {
            let (hue, light, saturation) = hls(rgb);
            from_hls(hue + turn * 360.0, light, saturation)
        }),
        Adjustment::Shift([r, g, b]) => pixels(picture, 6, |v| [v[0] + r, v[1] + g, v[2] + b]),
    }
}

fn each<T: Element>(picture: &mut [T], f: impl Fn(f32) -> f32 + Sync) {
    for_elements(picture, 2, |_, part| part.iter_mut().for_each(|v| *v = saturated(f(single(*v)))));
}

fn pixels<T: Element>(picture: &mut [T], cost: usize, f: impl Fn([f32; 3]) -> [f32; 3] + Sync) {
    for_rows(picture, 3, cost, |_, pixel| {
        let changed = f([0, 1, 2].map(|c| single(pixel[c])));
        pixel.iter_mut().zip(changed).for_each(|(v, new)| *v = saturated(new));
    });
}

fn mean_gray<T: Element>(channels: usize, picture: &[T]) -> f32 {
    let gray = |pixel: &[T]| match channels {
        3 => pixel.iter().zip(GRAY).map(|(&v, weight)| (single(v) * weight) as f64).sum::<f64>(),
        _ => pixel[0].to_f64(),
    };
    let count = picture.len() / channels.max(1);
    (picture.chunks_exact(channels.max(1)).map(gray).sum::<f64>() / count.max(1) as f64) as f32
}

/// Hue in degrees, lightness and saturation of a colour between 0 and 255.
fn hls(rgb: [f32; 3]) -> (f32, f32, f32) {
    let [r, g, b] = rgb.map(|v| v / 255.0);
    let (top, bottom) = (r.max(g).max(b), r.min(g).min(b));
    let (range, light) = (top - bottom, (top + bottom) * 0.5);
    if range <= f32::EPSILON {
        return (0.0, light, 0.0);
    }
    let saturation = range / if light < 0.5 { top + bottom } else { 2.0 - top - bottom };
    let step = 60.0 / range;
    let hue = if top == r {
        (g - b) * step
    } else if top == g {
        (b - r) * step + 120.0
    } else {
        (r - g) * step + 240.0
    };
    (if hue < 0.0 { hue + 360.0 } else { hue }, light, saturation)
}

fn from_hls(hue: f32, light: f32, saturation: f32) -> [f32; 3] {
    if saturation == 0.0 {
        return [light * 255.0; 3];
    }
    let high = if light <= 0.5 { light * (1.0 + saturation) } else { light + saturation - light * saturation };
    let low = 2.0 * light - high;
    let turn = hue * (1.0 / 60.0);
    let turn = turn - 6.0 * (turn / 6.0).floor();
    let (sector, part) = (turn.floor() as usize % 6, turn - turn.floor());
    let (falling, rising) = (low + (high - low) * (1.0 - part), low + (high - low) * part);
    let rgb = match sector {
        0 => [high, rising, low],
        1 => [falling, high, low],
        2 => [low, high, rising],
        3 => [low, falling, high],
        4 => [rising, low, high],
        _ => [high, low, falling],
    };
    rgb.map(|v| v * 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed<T: Element>(change: Adjustment, channels: usize, picture: &[T]) -> Vec<f64> {
        let mut out = picture.to_vec();
        adjust(change, channels, &mut out);
        out.iter().map(|v| v.to_f64()).collect()
    }

    fn close(got: &[f64], want: &[f64]) {
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-3), "{got:?}, want {want:?}");
    }

    // MXNet 1.9.1: the same pictures.
    #[test]
    fn colours_of_mxnet() {
        let bytes = [100u8, 200, 3, 1, 2, 3];
        let floats = bytes.map(|b| b as f32);
        close(&changed(Adjustment::Brightness(2.0), 3, &bytes[..3]), &[200.0, 255.0, 6.0]);
        close(&changed(Adjustment::Contrast(2.0), 3, &bytes), &[125.0, 255.0, 0.0, 0.0, 0.0, 0.0]);
        close(&changed(Adjustment::Contrast(0.5), 1, &[100u8, 1]), &[75.0, 25.0]);
        close(&changed(Adjustment::Saturation(0.5), 3, &floats), &[50.171, 100.171, 1.671, 0.671, 1.171, 1.671]);
        close(&changed(Adjustment::Hue(0.3), 3, &floats), &[3.0, 139.39993, 200.0, 3.0, 1.0, 2.4]);
        close(&changed(Adjustment::Shift([-2.31972, -3.50577, -3.75807]), 3, &bytes[..3]), &[97.0, 196.0, 0.0]);
    }

    #[test]
    fn signed_types_wrap_and_gray_pictures_have_no_hue() {
        assert_eq!(changed(Adjustment::Brightness(2.0), 3, &[100i8, 120, 3]), [-56.0, -16.0, 6.0]);
        assert_eq!(changed(Adjustment::Hue(0.5), 1, &[100u8, 3]), [100.0, 3.0]);
    }

    #[test]
    fn a_full_turn_of_hue_changes_nothing() {
        let picture: Vec<f32> = (0..300).map(|i| (i * 37 % 256) as f32).collect();
        let turned = changed(Adjustment::Hue(1.0), 3, &picture);
        assert!(turned.iter().zip(&picture).all(|(a, &b)| (a - b as f64).abs() < 1e-2));
    }
}
