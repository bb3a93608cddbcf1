//! Average pooling to a given number of bins: bin `i` of `n` covers `floor(i·extent/n) .. ceil((i+1)·extent/n)`.

use crate::parallel::for_rows;
use crate::real::{double, wide};
use rsym_tensor::Float;
use std::ops::Range;

fn bin(i: usize, bins: usize, extent: usize) -> Range<usize> {
    i * extent / bins..((i + 1) * extent).div_ceil(bins)
}

/// The means of the bins of every plane of `[planes, height, width]`, as `[planes, rows, columns]`; 0 for empty planes.
///
/// # Panics
/// When the slices do not hold equally many planes.
pub fn adaptive_avg<T: Float>(
    x: &[T],
    (height, width): (usize, usize),
    (rows, columns): (usize, usize),
    out: &mut [T],
) {
    let x = wide(x);
    let plane_of = |i: usize| &x[i * height * width..][..height * width];
    for_rows(out, rows * columns, height * width + 4 * rows * columns, |plane, out| {
        let x = plane_of(plane);
        for (i, mean) in out.iter_mut().enumerate() {
            let (ys, xs) = (bin(i / columns, rows, height), bin(i % columns, columns, width));
            let count = (ys.len() * xs.len()).max(1) as f64;
            let sum = |y: usize| x[y * width..][xs.clone()].iter().map(|&v| double(v)).sum::<f64>();
            *mean = T::from_f64(ys.map(sum).sum::<f64>() / count);
        }
    });
}

/// The gradient of [`adaptive_avg`].
///
/// # Panics
/// When the slices do not hold equally many planes.
pub fn adaptive_avg_backward<T: Float>(
    dout: &[T],
    (height, width): (usize, usize),
    (rows, columns): (usize, usize),
    dx: &mut [T],
) {
    let dout = wide(dout);
    for_rows(dx, height * width, 2 * height * width + 4 * rows * columns, |plane, dx| {
        let mut sums = vec![0.0; dx.len()];
        for (i, &gradient) in dout[plane * rows * columns..][..rows * columns].iter().enumerate() {
            let (ys, xs) = (bin(i / columns, rows, height), bin(i % columns, columns, width));
            let share = double(gradient) / (ys.len() * xs.len()) as f64;
            ys.for_each(|y| sums[y * width..][xs.clone()].iter_mut().for_each(|s| *s += share));
        }
        dx.iter_mut().zip(sums).for_each(|(d, s)| *d = T::from_f64(s));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, noise};
    use rsym_tensor::f16;

    fn check<T: Float>(planes: usize, size: (usize, usize), bins: (usize, usize), tol: f64) {
        let (x, dout) = (noise::<T>(planes * size.0 * size.1, 1), noise::<T>(planes * bins.0 * bins.1, 2));
        let (mut want, mut want_dx) = (vec![0.0; dout.len()], vec![0.0; x.len()]);
        let inside = |i: usize, y: usize, n: usize, extent: usize| y * n < (i + 1) * extent && (y + 1) * n > i * extent;
        for (o, want) in want.iter_mut().enumerate() {
            let (plane, r, c) = (o / (bins.0 * bins.1), o / bins.1 % bins.0, o % bins.1);
            let mut members = Vec::new();
            for i in 0..size.0 * size.1 {
                if inside(r, i / size.1, bins.0, size.0) && inside(c, i % size.1, bins.1, size.1) {
                    members.push(plane * size.0 * size.1 + i);
                }
            }
            *want = members.iter().map(|&i| x[i].to_f64()).sum::<f64>() / members.len() as f64;
            members.iter().for_each(|&i| want_dx[i] += dout[o].to_f64() / members.len() as f64);
        }
        let (mut out, mut dx) = (dout.clone(), x.clone());
        adaptive_avg(&x, size, bins, &mut out);
        adaptive_avg_backward(&dout, size, bins, &mut dx);
        assert_close(&out, &want, tol);
        assert_close(&dx, &want_dx, tol);
    }

    #[test]
    fn bins_cover_the_plane() {
        for bins in [(1, 1), (2, 3), (3, 2), (5, 7), (7, 9), (10, 4)] {
            check::<f32>(2, (5, 7), bins, 1e-6);
            check::<f64>(3, (6, 4), bins, 1e-14);
        }
        check::<f16>(1, (5, 3), (2, 2), 1e-3);
    }

    #[test]
    fn large_images_are_the_same_for_every_thread_count() {
        let x = noise::<f32>(40 * 50 * 60, 1);
        same_for_threads(|| {
            let (mut out, mut dx) = (vec![0f32; 40 * 7 * 9], x.clone());
            adaptive_avg(&x, (50, 60), (7, 9), &mut out);
            adaptive_avg_backward(&out, (50, 60), (7, 9), &mut dx);
            (out, dx)
        });
    }
}
