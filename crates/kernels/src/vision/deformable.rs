//! Convolution whose taps move by offsets (J. Dai et al., "Deformable Convolutional Networks", 2017), and are weighed by a mask
//! (X. Zhu et al., "Deformable ConvNets v2", 2019).

use crate::gemm::{Mat, MatMut, product};
use crate::parallel::{for_elements, for_rows};
use crate::real::{Real, double, real, wide, with_wide_out};
use crate::window::Window;
use rsym_tensor::Float;

/// Sizes of a deformable convolution of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Deformable {
    /// Number of pictures.
    pub batch: usize,
    /// Channels of each picture.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Groups of channels that are convolved separately.
    pub groups: usize,
    /// Groups of channels with offsets of their own.
    pub moves: usize,
    /// The windows, in two dimensions.
    pub window: Window,
}

/// Inputs of a deformable convolution.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, T> {
    /// (n, channels, rows, columns).
    pub data: &'a [T],
    /// (n, moves * taps * 2, rows', columns'): y before x for every tap.
    pub offset: &'a [T],
    /// (n, moves * taps, rows', columns'); with a mask, pixels outside count as 0, without one they repeat the last row and column.
    pub mask: Option<&'a [T]>,
    /// (filters, channels / groups, kernel).
    pub weight: &'a [T],
}

/// Where a tap has moved: up to four pixels, how far it is below and right of the first, and its mask.
#[derive(Clone, Copy, Debug)]
struct Place<C> {
    at: [Option<u32>; 4],
    down: C,
    right: C,
    mask: C,
}

impl<C: Real> Place<C> {
    /// The pixels' values, 0 outside.
    fn values(&self, plane: &[C]) -> [C; 4] {
        self.at.map(|at| at.map_or(C::zero(), |at| plane[at as usize]))
    }

    fn weights(&self) -> [C; 4] {
        let (up, left) = (C::one() - self.down, C::one() - self.right);
        [up * left, up * self.right, self.down * left, self.down * self.right]
    }

    fn value(&self, plane: &[C]) -> C {
        self.values(plane).iter().zip(self.weights()).fold(C::zero(), |sum, (&v, w)| sum + v * w)
    }

    /// Derivatives of the value by y and by x.
    fn slopes(&self, plane: &[C]) -> (C, C) {
        let [a, b, c, d] = self.values(plane);
        let (up, left) = (C::one() - self.down, C::one() - self.right);
        (left * (c - a) + self.right * (d - b), up * (b - a) + self.down * (d - c))
    }
}

impl Deformable {
    fn taps(&self) -> usize {
        self.window.taps()
    }

    fn windows(&self) -> usize {
        self.window.output_size()
    }

    fn plane(&self) -> usize {
        self.window.input_size()
    }

    fn size(&self) -> (usize, usize) {
        (self.window.input[1], self.window.input[2])
    }

    /// Rows of the matrix of window contents.
    fn rows(&self) -> usize {
        self.channels * self.taps()
    }

    /// The place of a position; pixels beyond the last row and column are those themselves (`repeat`) or nothing.
    fn place<C: Real>(&self, y: C, x: C, mask: C, repeat: bool) -> Place<C> {
        let (height, width) = self.size();
        let least = if repeat { C::zero() } else { -C::one() };
        let inside = |v: C, size: usize| (if repeat { v >= least } else { v > least }) && v < real(size as f64);
        let nothing = Place { at: [None; 4], down: C::zero(), right: C::zero(), mask };
        if !inside(y, height) || !inside(x, width) {
            return nothing;
        }
        let pair = |v: C, size: usize| {
            let low = double(v.floor()) as i64;
            let last = size as i64 - 1;
            if repeat && low >= last { (last, last, C::zero()) } else { (low, low + 1, v - v.floor()) }
        };
        let ((y0, y1, down), (x0, x1, right)) = (pair(y, height), pair(x, width));
        let at = |y: i64, x: i64| {
            let inside = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
            inside.then_some((y * width as i64 + x) as u32)
        };
        Place { at: [at(y0, x0), at(y0, x1), at(y1, x0), at(y1, x1)], down, right, mask }
    }

    /// The places of a picture's taps: (moves, taps, windows).
    fn places<C: Real>(&self, offset: &[C], mask: Option<&[C]>) -> Vec<Place<C>> {
        let (n, taps, w) = (self.windows(), self.taps(), &self.window);
        let mut out = vec![self.place(-C::one(), -C::one(), C::zero(), true); self.moves * taps * n];
        for_rows(&mut out, n, n * 16, |row, out| {
            let (tap, offset) = (w.tap(row % taps), &offset[row * 2 * n..][..2 * n]);
            for (k, place) in out.iter_mut().enumerate() {
                let start = |d: usize, at: usize| (at * w.stride[d] + tap[d] * w.dilate[d]) as f64 - w.pad[d] as f64;
                let y = real::<C>(start(1, k / w.output[2])) + offset[k];
                let x = real::<C>(start(2, k % w.output[2])) + offset[n + k];
                *place = self.place(y, x, mask.map_or_else(C::one, |m| m[row * n + k]), mask.is_none());
            }
        });
        out
    }

    /// The places of a tap of a channel.
    fn of<'a, C>(&self, places: &'a [Place<C>], channel: usize, tap: usize) -> &'a [Place<C>] {
        let (n, group) = (self.windows(), channel / (self.channels / self.moves));
        &places[(group * self.taps() + tap) * n..][..n]
    }

    /// Writes the matrix of window contents (channels * taps, windows) of a picture.
    fn gather<C: Real>(&self, data: &[C], places: &[Place<C>], out: &mut [C]) {
        let n = self.windows();
        for_rows(out, n, n * 16, |row, out| {
            let (channel, tap) = (row / self.taps(), row % self.taps());
            let plane = &data[channel * self.plane()..][..self.plane()];
            for (o, place) in out.iter_mut().zip(self.of(places, channel, tap)) {
                *o = place.value(plane) * place.mask;
            }
        });
    }

    /// Gradient of [`Deformable::gather`] for the picture.
    fn scatter<C: Real>(&self, columns: &[C], places: &[Place<C>], out: &mut [C]) {
        let n = self.windows();
        for_rows(out, self.plane(), n * self.taps() * 16, |channel, plane| {
            plane.fill(C::zero());
            for tap in 0..self.taps() {
                let grad = &columns[(channel * self.taps() + tap) * n..][..n];
                for (place, &g) in self.of(places, channel, tap).iter().zip(grad) {
                    for (at, w) in place.at.iter().zip(place.weights()) {
                        at.iter().for_each(|&at| plane[at as usize] += w * place.mask * g);
                    }
                }
            }
        });
    }

    /// Calls `f` with (window, gradient, place, plane) for every channel that shares the offsets of row (moves, taps) `row`.
    fn each_channel<C: Real>(
        &self,
        row: usize,
        columns: &[C],
        places: &[Place<C>],
        data: &[C],
        mut f: impl FnMut(usize, C, &Place<C>, &[C]),
    ) {
        let (n, taps, each) = (self.windows(), self.taps(), self.channels / self.moves);
        let (group, tap) = (row / taps, row % taps);
        for channel in group * each..(group + 1) * each {
            let plane = &data[channel * self.plane()..][..self.plane()];
            let grad = &columns[(channel * taps + tap) * n..][..n];
            let places = &places[row * n..][..n];
            grad.iter().zip(places).enumerate().for_each(|(k, (&g, place))| f(k, g, place, plane));
        }
    }

    /// Gradient of [`Deformable::gather`] for the offsets.
    fn move_gradient<C: Real>(&self, columns: &[C], places: &[Place<C>], data: &[C], out: &mut [C]) {
        let n = self.windows();
        for_rows(out, 2 * n, n * self.channels / self.moves * 24, |row, out| {
            out.fill(C::zero());
            self.each_channel(row, columns, places, data, |k, g, place, plane| {
                let (by_y, by_x) = place.slopes(plane);
                out[k] += g * place.mask * by_y;
                out[n + k] += g * place.mask * by_x;
            });
        });
    }

    /// Gradient of [`Deformable::gather`] for the mask.
    fn mask_gradient<C: Real>(&self, columns: &[C], places: &[Place<C>], data: &[C], out: &mut [C]) {
        let n = self.windows();
        for_rows(out, n, n * self.channels / self.moves * 16, |row, out| {
            out.fill(C::zero());
            self.each_channel(row, columns, places, data, |k, g, place, plane| out[k] += g * place.value(plane));
        });
    }

    /// Picture `i` of the inputs: data, offset, mask.
    fn picture<'a, C>(&self, i: usize, data: &'a [C], offset: &'a [C], mask: Option<&'a [C]>) -> Picture<'a, C> {
        let moves = self.moves * self.taps() * self.windows();
        let size = self.channels * self.plane();
        (&data[i * size..][..size], &offset[i * 2 * moves..][..2 * moves], mask.map(|m| &m[i * moves..][..moves]))
    }

    /// Rows and columns of a group's weight, and windows.
    fn product(&self) -> (usize, usize, usize) {
        (self.filters / self.groups, self.rows() / self.groups, self.windows())
    }
}

type Picture<'a, C> = (&'a [C], &'a [C], Option<&'a [C]>);

/// The convolution: `out` has shape (n, filters, rows', columns').
pub fn deformable_conv<T: Float>(g: &Deformable, from: Inputs<T>, bias: Option<&[T]>, out: &mut [T]) {
    let (data, offset, mask) = (wide(from.data), wide(from.offset), from.mask.map(wide));
    let (weight, bias) = (wide(from.weight), bias.map(wide));
    let (m, k, n) = g.product();
    let mut matrix = vec![T::Compute::default(); g.rows() * n];
    with_wide_out(out, |out| {
        for (i, out) in out.chunks_exact_mut((g.filters * n).max(1)).enumerate() {
            for (filter, out) in out.chunks_exact_mut(n.max(1)).enumerate() {
                out.fill(bias.as_ref().map_or(real(0.0), |b| b[filter]));
            }
            let (data, offset, mask) = g.picture(i, &data, &offset, mask.as_deref());
            g.gather(data, &g.places(offset, mask), &mut matrix);
            let (a, b) = (Mat::new(&weight, m, k), Mat::new(&matrix, k, n));
            product(g.groups, real(1.0), (a, m * k), (b, k * n), real(1.0), (MatMut::new(out, m, n), m * n));
        }
    });
}

/// Where the gradients go that are wanted.
#[derive(Debug)]
pub struct Gradients<'a, T> {
    /// As the data.
    pub data: Option<&'a mut [T]>,
    /// As the offset.
    pub offset: Option<&'a mut [T]>,
    /// As the mask.
    pub mask: Option<&'a mut [T]>,
    /// As the weight.
    pub weight: Option<&'a mut [T]>,
    /// As the bias.
    pub bias: Option<&'a mut [T]>,
}

/// Gradients of [`deformable_conv`].
pub fn deformable_conv_backward<T: Float>(g: &Deformable, from: Inputs<T>, grad: &[T], to: Gradients<T>) {
    let (data, offset, mask) = (wide(from.data), wide(from.offset), from.mask.map(wide));
    let (weight, grad) = (wide(from.weight), wide(grad));
    if let Some(bias) = to.bias {
        bias_gradient(g, &grad, bias);
    }
    let inner = [to.data.is_some(), to.offset.is_some(), to.mask.is_some()].contains(&true);
    let zeros = |wanted: bool, n: usize| vec![T::Compute::default(); if wanted { n } else { 0 }];
    let mut ddata = zeros(to.data.is_some(), data.len());
    let mut doffset = zeros(to.offset.is_some(), offset.len());
    let mut dmask = zeros(to.mask.is_some(), mask.as_ref().map_or(0, |m| m.len()));
    let mut dweight = zeros(to.weight.is_some(), weight.len());
    let (m, k, n) = g.product();
    let (plane, moves) = (g.channels * g.plane(), g.moves * g.taps() * n);
    let mut matrix = zeros(true, g.rows() * n);
    for (i, grad) in grad.chunks_exact((g.filters * n).max(1)).enumerate().filter(|_| k > 0) {
        let (data, offset, mask) = g.picture(i, &data, &offset, mask.as_deref());
        let places = g.places(offset, mask);
        let b = Mat::new(grad, m, n);
        if inner {
            let a = Mat::new(&weight, m, k).t();
            product(g.groups, real(1.0), (a, m * k), (b, m * n), real(0.0), (MatMut::new(&mut matrix, k, n), k * n));
        }
        if to.data.is_some() {
            g.scatter(&matrix, &places, &mut ddata[i * plane..][..plane]);
        }
        if to.offset.is_some() {
            g.move_gradient(&matrix, &places, data, &mut doffset[i * 2 * moves..][..2 * moves]);
        }
        if to.mask.is_some() {
            g.mask_gradient(&matrix, &places, data, &mut dmask[i * moves..][..moves]);
        }
        if to.weight.is_some() {
            g.gather(data, &places, &mut matrix);
            let columns = Mat::new(&matrix, k, n).t();
            let out = MatMut::new(&mut dweight, m, k);
            product(g.groups, real(1.0), (b, m * n), (columns, k * n), real(1.0), (out, m * k));
        }
    }
    for (from, to) in [(ddata, to.data), (doffset, to.offset), (dmask, to.mask), (dweight, to.weight)] {
        if let Some(to) = to {
            for_elements(to, 1, |at, to| to.iter_mut().zip(&from[at..]).for_each(|(o, v)| *o = T::narrow(*v)));
        }
    }
}

fn bias_gradient<T: Float>(g: &Deformable, grad: &[T::Compute], out: &mut [T]) {
    let n = g.windows();
    for_rows(out, 1, g.batch * n, |filter, out| {
        let planes = (0..g.batch).map(|i| &grad[(i * g.filters + filter) * n..][..n]);
        out[0] = T::from_f64(planes.flatten().map(|&v| double(v)).sum());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    fn noise(n: usize, k: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + k * 37) % 1009) as f64 / 504.5 - 1.0).collect()
    }

    fn geometry() -> Deformable {
        let window = Window::new(&[6, 5], &[3, 2], &[2, 1], &[1, 2], &[1, 1]);
        Deformable { batch: 2, channels: 4, filters: 6, groups: 2, moves: 2, window }
    }

    /// Data, offset, mask, weight, bias.
    fn inputs(g: &Deformable) -> [Vec<f64>; 5] {
        let moves = g.batch * g.moves * g.taps() * g.windows();
        let weights = g.filters * g.rows() / g.groups;
        let offset = noise(2 * moves, 2).iter().map(|v| v * 1.7 + 0.013).collect();
        [noise(g.batch * g.channels * g.plane(), 1), offset, noise(moves, 3), noise(weights, 4), noise(g.filters, 5)]
    }

    fn run(g: &Deformable, [data, offset, mask, weight, bias]: &[Vec<f64>; 5], masked: bool) -> Vec<f64> {
        let mut out = vec![9.0; g.batch * g.filters * g.windows()];
        let mask = masked.then_some(&mask[..]);
        deformable_conv(g, Inputs { data, offset, mask, weight }, Some(bias), &mut out);
        out
    }

    #[test]
    fn without_offsets_it_is_a_convolution() {
        let g = geometry();
        let mut inputs = inputs(&g);
        inputs[1].fill(0.0);
        inputs[2].fill(1.0);
        let conv = crate::conv::ConvGeometry {
            batch: 2,
            channels: 4,
            filters: 6,
            groups: 2,
            window: g.window.clone(),
            channels_last: false,
        };
        let mut want = vec![9.0; g.batch * g.filters * g.windows()];
        crate::conv::conv_forward(&conv, &inputs[0], &inputs[3], Some(&inputs[4]), &mut want);
        for masked in [false, true] {
            let got = same_for_threads(|| run(&g, &inputs, masked));
            assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn taps_move_between_pixels_and_beyond_the_border() {
        let window = Window::new(&[2, 2], &[1, 1], &[1, 1], &[1, 1], &[0, 0]);
        let g = Deformable { batch: 1, channels: 1, filters: 1, groups: 1, moves: 1, window };
        let data = vec![1.0, 2.0, 3.0, 4.0];
        let offset = vec![0.5, 0.0, 0.0, 0.5, 0.0, -0.25, -1.5, 0.0];
        let inputs = [data, offset, vec![1.0, 1.0, 1.0, 2.0], vec![1.0], vec![0.0]];
        assert_eq!(run(&g, &inputs, false), [2.0, 1.75, 0.0, 4.0]);
        assert_eq!(run(&g, &inputs, true), [2.0, 1.75, 0.0, 4.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let g = geometry();
        let inputs = inputs(&g);
        let grad = noise(g.batch * g.filters * g.windows(), 6);
        for masked in [false, true] {
            let mut out = inputs.clone();
            let [data, offset, mask, weight, bias] = &mut out;
            let from = Inputs {
                data: &inputs[0],
                offset: &inputs[1],
                mask: masked.then_some(&inputs[2][..]),
                weight: &inputs[3],
            };
            let to = Gradients {
                data: Some(data),
                offset: Some(offset),
                mask: masked.then_some(mask),
                weight: Some(weight),
                bias: Some(bias),
            };
            deformable_conv_backward(&g, from, &grad, to);
            for (place, got) in out.iter().enumerate().filter(|(place, _)| masked || *place != 2) {
                for i in (0..got.len()).step_by(1 + got.len() / 40) {
                    let at = |delta: f64| {
                        let mut moved = inputs.clone();
                        moved[place][i] += delta;
                        run(&g, &moved, masked).iter().zip(&grad).map(|(o, g)| o * g).sum::<f64>()
                    };
                    let want = (at(1e-6) - at(-1e-6)) / 2e-6;
                    assert!((got[i] - want).abs() < 1e-5, "{masked} {place}[{i}]: {} {want}", got[i]);
                }
            }
        }
    }
}
