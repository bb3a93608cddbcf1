//! Pooling over one to three spatial dimensions.
//!
//! The number of windows is the geometry's; windows may hang over the far border, and one that sees no element at all
//! gives 0, or the lowest finite value for the maximum.

mod adaptive;
mod backward;
pub mod blocked;
mod forward;
mod roi;
#[cfg(test)]
mod tests;
mod tiles;

use crate::cores::cores;
use crate::layout::{channels_first, write_channels_first};
use crate::real::{Real, wide, with_wide_out};
use crate::window::Window;
pub use adaptive::{adaptive_avg, adaptive_avg_backward};
pub(crate) use backward::gradient as gradient_core;
pub(crate) use forward::pool as pool_core;
pub use roi::{RoiGeometry, roi_pool, roi_pool_backward};
use rsym_tensor::Float;
use std::borrow::Cow;
use std::ops::Range;

/// What a window's elements are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The maximum; NaN loses against every number. The gradient goes to the first of equal elements.
    Max,
    /// The maximum, zeros of the padding included, with the gradient going to every one of equal elements.
    MaxEach,
    /// The mean: over the window inside of the padded input, or over the elements alone.
    Avg {
        /// Whether padding counts as zeros.
        count_include_pad: bool,
    },
    /// The sum divided by the number of taps, wherever the window lies.
    AvgTaps,
    /// The sum.
    Sum,
    /// The sum.
    L1,
    /// The square root of the sum of squares.
    L2,
    /// The cube root of the sum of cubes.
    L3,
}

/// The shapes of a pooling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Where the windows lie; dilations must be 1.
    pub window: Window,
    /// The reduction.
    pub kind: PoolKind,
    /// Whether data is `[batch, spatial.., channels]` instead of `[batch, channels, spatial..]`.
    pub channels_last: bool,
}

impl PoolGeometry {
    fn planes<'a, C: Real>(&self, data: &'a [C]) -> Cow<'a, [C]> {
        channels_first(self.channels_last, data, self.batch, self.channels, self.window.input_size())
    }

    fn output_planes<'a, C: Real>(&self, out: &'a [C]) -> Cow<'a, [C]> {
        channels_first(self.channels_last, out, self.batch, self.channels, self.window.output_size())
    }

    fn check(&self, data: usize, out: usize) {
        let planes = self.batch * self.channels;
        let want = (planes * self.window.input_size(), planes * self.window.output_size());
        assert_eq!((data, out), want, "sizes of data and output of a pooling");
        assert_eq!(self.window.dilate, [1; 3], "windows of a pooling are dense");
    }
}

impl Window {
    /// The input positions of window `at` in dimension `d`.
    fn span(&self, d: usize, at: usize) -> Range<usize> {
        let begin = at * self.stride[d];
        let end = (begin + self.kernel[d]).saturating_sub(self.pad[d]).min(self.input[d]);
        begin.saturating_sub(self.pad[d]).min(end)..end
    }

    /// Positions of window `at` in dimension `d` that lie inside of the input with its padding.
    fn padded(&self, d: usize, at: usize) -> usize {
        let begin = at * self.stride[d];
        (begin + self.kernel[d]).min(self.input[d] + 2 * self.pad[d]).saturating_sub(begin)
    }

    /// Positions that window `at` counts in dimension `d`, at least 1.
    fn count(&self, d: usize, at: usize, count_include_pad: bool) -> usize {
        if count_include_pad { self.padded(d, at) } else { self.span(d, at).len() }.max(1)
    }
}

/// The pooled `data`.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn pool_forward<T: Float>(g: &PoolGeometry, data: &[T], out: &mut [T]) {
    g.check(data.len(), out.len());
    let data = wide(data);
    with_wide_out(out, |out| {
        write_channels_first(g.channels_last, out, g.channels, g.window.output_size(), |out| {
            (cores().pool)(&g.window, g.kind, &g.planes(&data), out);
        });
    });
}

/// The gradient with respect to the data, given the data, the output and its gradient.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn pool_backward<T: Float>(g: &PoolGeometry, data: &[T], out: &[T], dout: &[T], ddata: &mut [T]) {
    g.check(data.len(), dout.len());
    g.check(ddata.len(), out.len());
    let (data, out, dout) = (wide(data), wide(out), wide(dout));
    with_wide_out(ddata, |ddata| {
        write_channels_first(g.channels_last, ddata, g.channels, g.window.input_size(), |ddata| {
            let (data, out) = (g.planes(&data), g.output_planes(&out));
            (cores().pool_gradient)(&g.window, g.kind, (&data, &out), &g.output_planes(&dout), ddata);
        });
    });
}
