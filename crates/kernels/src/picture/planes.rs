//! Pictures with the channels first.

use crate::parallel::for_rows;
use rsym_tensor::Element;

/// Pictures `[n, pixels, channels]` as planes `[n, channels, pixels]`, divided by `divisor`.
///
/// # Panics
/// When `out` is shorter than `x`.
pub fn to_planes<T: Element>(x: &[T], pixels: usize, channels: usize, divisor: f32, out: &mut [f32]) {
    for_rows(out, pixels, 4 * pixels, |plane, out| {
        let picture = &x[plane / channels * pixels * channels..][..pixels * channels];
        let values = picture.iter().skip(plane % channels).step_by(channels);
        out.iter_mut().zip(values).for_each(|(o, v)| *o = v.to_f64() as f32 / divisor);
    });
}

/// Planes `[n, channels, pixels]` as pictures `[n, pixels, channels]`, divided by `divisor`: the gradient of [`to_planes`].
///
/// # Panics
/// When `x` is shorter than `out`.
pub fn to_channels_last<T: Element>(x: &[f32], pixels: usize, channels: usize, divisor: f32, out: &mut [T]) {
    for_rows(out, pixels * channels, 4 * pixels * channels, |n, out| {
        let planes = &x[n * pixels * channels..][..pixels * channels];
        for (i, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let values = planes.iter().skip(i).step_by(pixels);
            pixel.iter_mut().zip(values).for_each(|(o, v)| *o = T::from_f64((*v / divisor) as f64));
        }
    });
}

/// `(x - mean) / deviation` on planes of `pixels` elements, whose channels repeat as `channels` (mean, deviation) do.
///
/// # Panics
/// When the slices have different lengths.
pub fn normalize<T: Element>(x: &[T], pixels: usize, channels: &[(f32, f32)], out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "size of a normalised picture");
    for_rows(out, pixels, 4 * pixels, |plane, out| {
        let (mean, deviation) = channels[plane % channels.len()];
        let (mean, deviation) = (mean as f64, deviation as f64);
        let values = x[plane * pixels..][..pixels].iter();
        out.iter_mut().zip(values).for_each(|(o, v)| *o = T::from_f64((v.to_f64() - mean) / deviation));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_move_to_the_front_and_back() {
        let x: Vec<u8> = (0..12).collect();
        let mut planes = [0f32; 12];
        to_planes(&x, 2, 3, 2.0, &mut planes);
        assert_eq!(planes, [0.0, 1.5, 0.5, 2.0, 1.0, 2.5, 3.0, 4.5, 3.5, 5.0, 4.0, 5.5]);
        let mut back = [0u8; 12];
        to_channels_last(&planes, 2, 3, 0.5, &mut back);
        assert_eq!(back.to_vec(), x);
    }

    #[test]
    fn planes_are_normalised_by_their_channel() {
        let mut out = [0i32; 4];
        normalize(&[100, 3, 100, 3], 2, &[(50.5, 2.0), (0.0, 1.0)], &mut out);
        assert_eq!(out, [24, -23, 100, 3]);
    }
}
