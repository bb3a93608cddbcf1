//! Weight gradients of data with few channels, in planes: the windows of some lines are laid out one after the other, and
//! are the channels of a convolution of single positions.

use super::sweep::{PARK, Sweep, sweep};
use super::{BLOCK, TASKS, UNIT};
use crate::conv::ConvGeometry;
use crate::parallel::for_rows;
use crate::scratch::with_scratch;
use crate::simd::{tier, tiered};
use std::ops::Range;

pub(super) fn weight_gradient(g: &ConvGeometry, data: &[f32], dout: &[f32], dweight: &mut [f32]) {
    let windows = Windows::new(g);
    let (filters, blocks) = (g.filters / BLOCK, windows.step / BLOCK);
    let size = filters * blocks * PARK;
    let units = g.batch * windows.parts();
    let shares = units.clamp(1, TASKS);
    let mut parks = vec![0.0; shares * size];
    for_rows(&mut parks, size, g.output_size() * windows.step / BLOCK / shares, |share, park| {
        for unit in share * units / shares..(share + 1) * units / shares {
            windows.add_unit(unit, data, dout, park);
        }
    });
    let (sum, others) = parks.split_at_mut(size);
    for other in others.chunks_exact(size) {
        sum.iter_mut().zip(other).for_each(|(sum, v)| *sum += v);
    }
    for (filter, line) in dweight.chunks_exact_mut(g.patch()).enumerate() {
        let park = &sum[filter / BLOCK * blocks * PARK..];
        line.iter_mut().enumerate().for_each(|(i, v)| *v = park[i * BLOCK + filter % BLOCK]);
    }
}

/// How windows are laid out.
struct Windows<'a> {
    g: &'a ConvGeometry,
    /// Floats of one window, whole vectors.
    step: usize,
    /// Output lines of a unit.
    lines: usize,
    /// Floats of an input line with its padding.
    line: usize,
}

impl<'a> Windows<'a> {
    fn new(g: &'a ConvGeometry) -> Self {
        let (w, step) = (&g.window, g.patch().next_multiple_of(BLOCK));
        let width = w.output[2];
        let lines = (UNIT / (width * step).max(1)).clamp(1, (w.output[0] * w.output[1]).max(1));
        let reach = ((w.kernel[2] - 1) * w.dilate[2] + 1).max(w.kernel[2].next_multiple_of(BLOCK));
        Windows { g, step, lines, line: width.saturating_sub(1) * w.stride[2] + reach }
    }

    /// Units of an image.
    fn parts(&self) -> usize {
        let w = &self.g.window;
        (w.output[0] * w.output[1]).div_ceil(self.lines)
    }

    /// Adds the products of one unit.
    fn add_unit(&self, unit: usize, data: &[f32], dout: &[f32], park: &mut [f32]) {
        let (g, w) = (self.g, &self.g.window);
        let (image, first) = (unit / self.parts(), unit % self.parts() * self.lines);
        let lines = first..(w.output[0] * w.output[1]).min(first + self.lines);
        let pixels = lines.len() * w.output[2];
        let size = g.channels * w.input_size();
        with_scratch(pixels * self.step + BLOCK, |matrix: &mut [f32]| {
            self.lay_out(&data[image * size..][..size], lines.clone(), matrix);
            let parks = park.chunks_exact_mut(PARK).enumerate();
            let blocks = self.step / BLOCK;
            for (filter, block, park) in parks.map(|(i, park)| (i / blocks, i % blocks, park)) {
                let plane = (image * g.filters / BLOCK + filter) * w.output_size() + first * w.output[2];
                let s = Sweep {
                    data: matrix[block * BLOCK..].as_ptr(),
                    dout: dout[plane * BLOCK..][..pixels * BLOCK].as_ptr(),
                    planes: 1,
                    rows: 1,
                    pixels,
                    data_step: [0, 0, self.step],
                    dout_step: [0, 0, BLOCK],
                };
                // SAFETY: the matrix and the gradient hold `pixels` vectors, a park 16 x 16 elements.
                unsafe { sweep(tier(), &s, park.as_mut_ptr()) };
            }
        });
    }

    /// Writes the windows of some output lines; what follows a window's elements is arbitrary.
    fn lay_out(&self, planes: &[f32], lines: Range<usize>, matrix: &mut [f32]) {
        let (w, [depth, height, width]) = (&self.g.window, self.g.window.kernel);
        let rows = self.g.channels * depth * height;
        let size = w.output[2] * self.step;
        with_scratch(rows * self.line, |padded: &mut [f32]| {
            padded.fill(0.0);
            for (i, line) in lines.enumerate() {
                for (row, to) in padded.chunks_exact_mut(self.line).enumerate() {
                    let (channel, kz, ky) = (row / (depth * height), row / height % depth, row % height);
                    let source = (w.source(0, line / w.output[1], kz), w.source(1, line % w.output[1], ky));
                    self.pad_line(planes, channel, source, to);
                }
                let to = &mut matrix[i * size..][..size + BLOCK];
                let (step, stride) = (self.step, (w.stride[2], w.dilate[2]));
                // SAFETY: padded lines hold the windows of all pixels, rounded up to vectors; so does `to`.
                unsafe { gather(tier(), padded, self.line, width, stride, to.as_mut_ptr(), step, w.output[2]) };
            }
        });
    }

    /// Copies an input line between its zeros.
    fn pad_line(&self, planes: &[f32], channel: usize, source: (Option<usize>, Option<usize>), to: &mut [f32]) {
        let w = &self.g.window;
        let (_, inside) = to.split_at_mut(w.pad[2].min(to.len()));
        let n = inside.len().min(w.input[2]);
        match source {
            (Some(z), Some(y)) => {
                let at = ((channel * w.input[0] + z) * w.input[1] + y) * w.input[2];
                inside[..n].copy_from_slice(&planes[at..at + n]);
            }
            _ => inside[..n].fill(0.0),
        }
    }
}

tiered! {
    /// Writes, for every one of `n` pixels, `taps` elements of every line of `padded` one after the other, and up to 15
    /// more; pixels are `step` apart in `to`, and `stride.0` apart in a line, taps `stride.1`.
    ///
    /// # Safety
    /// Lines must have the taps of all pixels, rounded up to vectors, and `to` room for them and one vector more.
    unsafe fn gather<V>(
        padded: &[f32],
        line: usize,
        taps: usize,
        stride: (usize, usize),
        to: *mut f32,
        step: usize,
        n: usize,
    ) {
        let whole = stride.1 == 1 && taps <= BLOCK;
        for pixel in 0..n {
            let (mut from, mut to) = (padded.as_ptr().wrapping_add(pixel * stride.0), to.wrapping_add(pixel * step));
            for _ in 0..padded.len() / line {
                if whole {
                    V::load(from).store(to);
                } else {
                    for tap in 0..taps {
                        *to.add(tap) = *from.add(tap * stride.1);
                    }
                }
                (from, to) = (from.wrapping_add(line), to.wrapping_add(taps));
            }
        }
    }
}
