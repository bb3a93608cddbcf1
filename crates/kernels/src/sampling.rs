//! Bilinear sampling of pictures at free positions; everything beyond the border counts as 0.
//!
//! Positions run from -1 (the first pixel) to 1 (the last one) along both axes. A grid holds, for every picture, all x and then
//! all y (M. Jaderberg et al., "Spatial Transformer Networks", 2015).

use crate::parallel::for_rows;
use rsym_tensor::Float;

/// Sizes of a batch of pictures and of the grids that sample them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Channels of each picture.
    pub channels: usize,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
    /// Positions of each grid.
    pub points: usize,
}

/// The pixel above and to the left of a position, and how far the position is from it.
struct Corner {
    x: i64,
    y: i64,
    right: f64,
    down: f64,
}

impl Sampling {
    fn plane(&self) -> usize {
        self.height * self.width
    }

    fn corner<T: Float>(&self, grid: &[T], picture: usize, point: usize) -> Corner {
        let at = |axis: usize| grid[(picture * 2 + axis) * self.points + point].to_f64();
        let place = |v: f64, extent: usize| (v + 1.0) * (extent as f64 - 1.0) / 2.0;
        let (x, y) = (place(at(0), self.width), place(at(1), self.height));
        Corner { x: x.floor() as i64, y: y.floor() as i64, right: x - x.floor(), down: y - y.floor() }
    }

    /// The place of a pixel in its plane, if it is inside.
    fn inside(&self, x: i64, y: i64) -> Option<usize> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.width && y < self.height).then(|| y * self.width + x)
    }

    /// The four pixels around a position, each with its weight.
    fn neighbours(&self, c: &Corner) -> [(Option<usize>, f64); 4] {
        let (x1, y1) = (c.x.saturating_add(1), c.y.saturating_add(1));
        [
            (self.inside(c.x, c.y), (1.0 - c.right) * (1.0 - c.down)),
            (self.inside(x1, c.y), c.right * (1.0 - c.down)),
            (self.inside(c.x, y1), (1.0 - c.right) * c.down),
            (self.inside(x1, y1), c.right * c.down),
        ]
    }
}

/// Samples `data` (n, channels, height, width) at `grid` (n, 2, points): `out` has shape (n, channels, points).
pub fn bilinear_sample<T: Float>(s: Sampling, data: &[T], grid: &[T], out: &mut [T]) {
    for_rows(out, s.points, s.points * 16, |row, out| {
        let plane = &data[row * s.plane()..][..s.plane()];
        for (point, value) in out.iter_mut().enumerate() {
            let around = s.neighbours(&s.corner(grid, row / s.channels, point));
            let sum: f64 = around.iter().filter_map(|(at, w)| at.map(|at| w * plane[at].to_f64())).sum();
            *value = T::from_f64(sum);
        }
    });
}

/// Gradient of [`bilinear_sample`] for the pictures.
pub fn bilinear_sample_backward_data<T: Float>(s: Sampling, grad: &[T], grid: &[T], out: &mut [T]) {
    for_rows(out, s.plane(), s.points * 16, |row, out| {
        let mut sums = vec![0f64; s.plane()];
        for (point, g) in grad[row * s.points..][..s.points].iter().enumerate() {
            for (at, weight) in s.neighbours(&s.corner(grid, row / s.channels, point)) {
                if let Some(at) = at {
                    sums[at] += weight * g.to_f64();
                }
            }
        }
        out.iter_mut().zip(sums).for_each(|(o, sum)| *o = T::from_f64(sum));
    });
}

/// Gradient of [`bilinear_sample`] for the grid.
pub fn bilinear_sample_backward_grid<T: Float>(s: Sampling, grad: &[T], data: &[T], grid: &[T], out: &mut [T]) {
    for_rows(out, 2 * s.points, s.points * s.channels * 16, |picture, out| {
        let (dx, dy) = out.split_at_mut(s.points);
        for point in 0..s.points {
            let c = s.corner(grid, picture, point);
            let (mut sum_x, mut sum_y) = (0.0, 0.0);
            for row in picture * s.channels..(picture + 1) * s.channels {
                let plane = &data[row * s.plane()..][..s.plane()];
                let g = grad[row * s.points + point].to_f64();
                let [a, b, d, e] = s.neighbours(&c).map(|(at, _)| at.map_or(0.0, |at| plane[at].to_f64()));
                sum_x += g * ((b - a) * (1.0 - c.down) + (e - d) * c.down);
                sum_y += g * ((d - a) * (1.0 - c.right) + (e - b) * c.right);
            }
            dx[point] = T::from_f64(sum_x * (s.width as f64 - 1.0) / 2.0);
            dy[point] = T::from_f64(sum_y * (s.height as f64 - 1.0) / 2.0);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    const S: Sampling = Sampling { channels: 1, height: 3, width: 4, points: 3 };

    // MXNet 1.9.1: BilinearSampler and its gradients for the same numbers.
    #[test]
    fn answers_of_mxnet() {
        let data: Vec<f64> = (0..12).map(f64::from).collect();
        let grid = [-1.0, 0.0, 1.5, 0.0, 0.3, -1.2];
        let close = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6);
        let mut out = [9.0; 3];
        bilinear_sample(S, &data, &grid, &mut out);
        assert!(close(&out, &[4.0, 6.7, 0.6]), "{out:?}");
        let mut out = [9.0; 12];
        bilinear_sample_backward_data(S, &[1.0, 2.0, 3.0], &grid, &mut out);
        assert!(close(&out, &[0.0, 0.0, 0.0, 0.6, 1.0, 0.7, 0.7, 0.0, 0.0, 0.3, 0.3, 0.0]), "{out:?}");
        let mut out = [9.0; 6];
        bilinear_sample_backward_grid(S, &[1.0, 2.0, 3.0], &data, &grid, &mut out);
        assert!(close(&out, &[1.5, 3.0, -10.8, 4.0, 8.0, 2.25]), "{out:?}");
    }

    #[test]
    fn threads_do_not_matter_and_wild_positions_do_no_harm() {
        let s = Sampling { channels: 4, height: 20, width: 30, points: 5000 };
        let data: Vec<f32> = (0..2 * 4 * 600).map(|i| (i * 7919 % 101) as f32).collect();
        let grid: Vec<f32> = (0..2 * 2 * 5000).map(|i| (i * 31 % 997) as f32 / 400.0 - 1.2).collect();
        same_for_threads(|| {
            let mut out = vec![0f32; 2 * 4 * 5000];
            bilinear_sample(s, &data, &grid, &mut out);
            out
        });
        let mut out = [0f32; 3];
        bilinear_sample(S, &data[..12], &[f32::NAN, f32::INFINITY, 1e30, 0.0, -1e30, 0.0], &mut out);
        assert_eq!(out[2], 0.0);
    }
}
