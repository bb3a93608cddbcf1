//! Nearest upsampling of planes by a whole number.

use crate::parallel::for_rows;
use crate::real::{double, wide};
use rsym_tensor::{Element, Float};

/// Every element of `[planes, height, width]` repeated `scale` times in both directions.
///
/// # Panics
/// When `out` is not `scale * scale` times as long as `x`.
pub fn upsample_nearest<T: Element>(x: &[T], width: usize, scale: usize, out: &mut [T]) {
    assert_eq!(out.len(), x.len() * scale * scale, "size of an upsampled image");
    for_rows(out, width * scale, 2 * width * scale, |row, out| {
        let line = &x[row / scale * width..][..width];
        out.chunks_exact_mut(scale).zip(line).for_each(|(out, &v)| out.fill(v));
    });
}

/// The gradient of [`upsample_nearest`]: sums over the copies.
///
/// # Panics
/// When `dout` is not `scale * scale` times as long as `dx`.
pub fn upsample_nearest_backward<T: Float>(dout: &[T], width: usize, scale: usize, dx: &mut [T]) {
    assert_eq!(dout.len(), dx.len() * scale * scale, "size of an upsampled image");
    let (dout, wide_width) = (wide(dout), width * scale);
    for_rows(dx, width, width * scale * scale, |row, dx| {
        let lines = &dout[row * scale * wide_width..][..scale * wide_width];
        for (x, d) in dx.iter_mut().enumerate() {
            let copies = lines.chunks_exact(wide_width).flat_map(|line| &line[x * scale..][..scale]);
            *d = T::from_f64(copies.map(|&v| double(v)).sum());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, noise};
    use rsym_tensor::f16;

    fn check<T: Float>(lines: usize, width: usize, scale: usize, tol: f64) {
        let (x, dout) = (noise::<T>(lines * width, 1), noise::<T>(lines * width * scale * scale, 2));
        let (mut out, mut dx) = (dout.clone(), x.clone());
        upsample_nearest(&x, width, scale, &mut out);
        upsample_nearest_backward(&dout, width, scale, &mut dx);
        let mut want = vec![0.0; x.len()];
        for (i, v) in out.iter().enumerate() {
            let (y, col) = (i / (width * scale), i % (width * scale));
            let from = y / scale * width + col / scale;
            assert!(*v == x[from]);
            want[from] += dout[i].to_f64();
        }
        assert_close(&dx, &want, tol);
    }

    #[test]
    fn every_element_becomes_a_square() {
        for n in [1, 3, 7, 8, 15, 16, 17, 33] {
            for scale in [1, 2, 3] {
                check::<f32>(5, n, scale, 1e-6);
                check::<f64>(n, 3, scale, 1e-14);
            }
        }
        check::<f16>(2, 3, 2, 1e-3);
    }

    #[test]
    fn large_images_are_the_same_for_every_thread_count() {
        let x = noise::<f32>(300 * 200, 1);
        same_for_threads(|| {
            let (mut out, mut dx) = (vec![0f32; 4 * x.len()], x.clone());
            upsample_nearest(&x, 200, 2, &mut out);
            upsample_nearest_backward(&out, 200, 2, &mut dx);
            (out, dx)
        });
    }
}
