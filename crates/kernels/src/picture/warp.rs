//! Affine changes of pictures with the channels last, in the arithmetic of OpenCV: places count in steps of 1/32 pixel.

use super::resample::{Interpolation, PictureSize, cubic, lanczos};
use crate::parallel::for_rows;

/// Steps of a pixel.
const STEPS: i64 = 32;

/// Steps of a pixel in which coordinates are added up, before they are rounded down to [`STEPS`].
const FINE: i64 = 1024;

/// The picture through `matrix`: pixel (x, y) goes to (m0 x + m1 y + m2, m3 x + m4 y + m5). What comes from outside of the
/// picture has the value `fill`. [`Interpolation::Area`] is computed as `Linear`.
///
/// # Panics
/// When the slices do not have the sizes given.
pub fn warp_bytes(
    x: &[u8],
    from: PictureSize,
    to: PictureSize,
    matrix: [f64; 6],
    how: Interpolation,
    fill: u8,
    out: &mut [u8],
) {
    let (back, weights) = (inverse(matrix), weights(how));
    let (taps, c) = (weights[0].len(), from.channels);
    let source = Source { x, from, fill };
    for_rows(out, to.width * c, 8 * taps * taps * to.width * c, |y, row| {
        let start = |slope: f64, offset: f64| fine(slope * y as f64 + offset) + FINE / STEPS / 2;
        let (x0, y0) = (start(back[1], back[2]), start(back[4], back[5]));
        let place = |start: i64, slope: f64, i: usize| (start + fine(slope * i as f64)).div_euclid(FINE / STEPS);
        for (i, pixel) in row.chunks_exact_mut(c).enumerate() {
            let places = (place(x0, back[0], i), place(y0, back[3], i));
            let share = |place: i64| weights[place.rem_euclid(STEPS) as usize].as_slice();
            let first = |place: i64| place.div_euclid(STEPS) + 1 - taps as i64 / 2;
            source.sum((first(places.0), first(places.1)), (share(places.0), share(places.1)), pixel);
        }
    });
}

/// The matrix that leads back; zeros if there is none.
fn inverse([a, b, x, c, d, y]: [f64; 6]) -> [f64; 6] {
    let det = a * d - b * c;
    let scale = if det == 0.0 { 0.0 } else { 1.0 / det };
    let [a, b, c, d] = [d * scale, -b * scale, -c * scale, a * scale];
    [a, b, -a * x - b * y, c, d, -c * x - d * y]
}

fn fine(place: f64) -> i64 {
    let limit = i32::MAX as f64;
    (place * FINE as f64).round_ties_even().clamp(-limit, limit) as i64
}

/// Weights of the pixels around every step of a pixel.
fn weights(how: Interpolation) -> Vec<Vec<f32>> {
    let share = |step: i64| step as f32 / STEPS as f32;
    let of = |share: f32| match how {
        Interpolation::Cubic => cubic(share),
        Interpolation::Lanczos => lanczos(share),
        Interpolation::Linear | Interpolation::Area => vec![1.0 - share, share],
    };
    (0..STEPS).map(|step| of(share(step))).collect()
}

/// A picture and what is around it.
struct Source<'a> {
    x: &'a [u8],
    from: PictureSize,
    fill: u8,
}

impl Source<'_> {
    /// The pixel at a place.
    fn pixel(&self, x: i64, y: i64) -> Option<&[u8]> {
        let inside = (0..self.from.width as i64).contains(&x) && (0..self.from.height as i64).contains(&y);
        let at = (y as usize).wrapping_mul(self.from.width).wrapping_add(x as usize);
        inside.then(|| &self.x[at * self.from.channels..][..self.from.channels])
    }

    /// The weighted sum of the pixels from `first` on.
    fn sum(&self, first: (i64, i64), (wx, wy): (&[f32], &[f32]), out: &mut [u8]) {
        let mut sums = [0.0f32; 4];
        for (j, wy) in wy.iter().enumerate() {
            for (i, wx) in wx.iter().enumerate() {
                let weight = wx * wy;
                let pixel = self.pixel(first.0 + i as i64, first.1 + j as i64);
                for (channel, sum) in sums.iter_mut().take(out.len()).enumerate() {
                    *sum += weight * f32::from(pixel.map_or(self.fill, |pixel| pixel[channel]));
                }
            }
        }
        // Halves are rounded up: sums of weights in steps of 1/1024 are exact.
        out.iter_mut().zip(sums).for_each(|(o, sum)| *o = (sum + 0.5).floor() as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    fn warp(matrix: [f64; 6], how: Interpolation, to: (usize, usize)) -> Vec<u8> {
        let from = PictureSize { height: 2, width: 3, channels: 1 };
        let to = PictureSize { height: to.0, width: to.1, channels: 1 };
        let mut out = vec![0; to.height * to.width];
        warp_bytes(&[10, 20, 30, 40, 50, 60], from, to, matrix, how, 9, &mut out);
        out
    }

    #[test]
    fn whole_steps_move_pixels() {
        for how in [Interpolation::Linear, Interpolation::Area, Interpolation::Cubic, Interpolation::Lanczos] {
            assert_eq!(warp([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], how, (2, 3)), [10, 20, 30, 40, 50, 60]);
            assert_eq!(warp([1.0, 0.0, 1.0, 0.0, 1.0, -1.0], how, (2, 3)), [9, 40, 50, 9, 9, 9]);
            // A quarter turn.
            assert_eq!(warp([0.0, -1.0, 1.0, 1.0, 0.0, 0.0], how, (3, 2)), [40, 10, 50, 20, 60, 30]);
        }
    }

    #[test]
    fn half_steps_are_means() {
        assert_eq!(warp([1.0, 0.0, 0.5, 0.0, 1.0, 0.0], Interpolation::Linear, (1, 3)), [10, 15, 25]);
    }

    #[test]
    fn matrices_without_inverse_and_beyond_reach_are_harmless() {
        assert_eq!(warp([0.0; 6], Interpolation::Linear, (1, 2)), [10, 10]);
        assert_eq!(warp([1e-300, 0.0, 1e300, 0.0, 1e-300, 0.0], Interpolation::Cubic, (1, 2)).len(), 2);
        assert_eq!(warp([f64::NAN; 6], Interpolation::Lanczos, (1, 2)).len(), 2);
    }

    #[test]
    fn the_bits_are_the_same_for_all_threads() {
        let size = PictureSize { height: 300, width: 200, channels: 3 };
        let x: Vec<u8> = (0..180_000u32).map(|i| (i * 31 % 251) as u8).collect();
        same_for_threads(|| {
            let mut out = vec![0; x.len()];
            warp_bytes(&x, size, size, [0.9, 0.1, 3.0, -0.1, 0.9, 5.0], Interpolation::Cubic, 255, &mut out);
            out
        });
    }
}
