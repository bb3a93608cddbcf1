//! Convolution and transposed convolution over one to three spatial dimensions.
//!
//! Data is `[batch, channels, spatial..]`, weight `[filters, channels / groups, kernel..]`; with `channels_last` the
//! channel axis of both (and of the output) moves to the end. A transposed convolution is the data gradient of the
//! convolution that its geometry describes, so its weight is `[data channels, filters / groups, kernel..]`.

mod backward;
pub mod blocked;
mod columns;
mod deconv;
mod depthwise;
mod forward;
mod im2col;
mod joined;
mod single;
#[cfg(test)]
mod tests;

use crate::cores::cores;
use crate::layout::{channels_first, write_channels_first};
use crate::parallel::for_rows;
use crate::real::{Real, real, wide, with_wide_out};
use crate::sums::sum;
use crate::window::Window;
pub use columns::{fold, unfold};
pub use deconv::{deconv_backward_bias, deconv_backward_data, deconv_backward_weight, deconv_forward};
use rsym_tensor::Float;
pub(crate) use single::{data_single, weight_single};

/// The shapes of a convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Groups of channels that do not see each other; divides `channels` and `filters`.
    pub groups: usize,
    /// Where the windows lie.
    pub window: Window,
    /// Whether the channel axis is the last one.
    pub channels_last: bool,
}

impl ConvGeometry {
    /// Channels of the input in one group.
    pub fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    /// Channels of the output in one group.
    pub fn group_filters(&self) -> usize {
        self.filters / self.groups
    }

    /// Elements of the input.
    pub fn data_size(&self) -> usize {
        self.batch * self.channels * self.window.input_size()
    }

    /// Elements of the weight.
    pub fn weight_size(&self) -> usize {
        self.filters * self.patch()
    }

    /// Elements of the output.
    pub fn output_size(&self) -> usize {
        self.batch * self.filters * self.window.output_size()
    }

    /// Weights of one filter.
    fn patch(&self) -> usize {
        self.group_channels() * self.window.taps()
    }

    fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.channels && self.filters == self.channels
    }

    /// Input as `[batch, channels, spatial]`.
    fn planes<'a, C: Real>(&self, data: &'a [C]) -> std::borrow::Cow<'a, [C]> {
        channels_first(self.channels_last, data, self.batch, self.channels, self.window.input_size())
    }

    /// Output or its gradient as `[batch, filters, spatial]`.
    fn output_planes<'a, C: Real>(&self, out: &'a [C]) -> std::borrow::Cow<'a, [C]> {
        channels_first(self.channels_last, out, self.batch, self.filters, self.window.output_size())
    }

    /// Weight as `[filters, channels / groups, taps]`.
    fn filter_planes<'a, C: Real>(&self, weight: &'a [C]) -> std::borrow::Cow<'a, [C]> {
        channels_first(self.channels_last, weight, self.filters, self.group_channels(), self.window.taps())
    }

    fn check(&self, data: usize, weight: usize, output: usize) {
        let want = (self.data_size(), self.weight_size(), self.output_size());
        assert_eq!((data, weight, output), want, "sizes of data, weight and output of a convolution");
    }
}

/// The convolution of `data` with `weight`, plus `bias` (`[filters]`).
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn conv_forward<T: Float>(g: &ConvGeometry, data: &[T], weight: &[T], bias: Option<&[T]>, out: &mut [T]) {
    g.check(data.len(), weight.len(), out.len());
    let (data, weight, bias) = (wide(data), wide(weight), bias.map(wide));
    with_wide_out(out, |out| (cores().conv_forward)(g, &data, &weight, bias.as_deref(), out));
}

/// The gradient with respect to the data, given that of the output.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn conv_backward_data<T: Float>(g: &ConvGeometry, weight: &[T], dout: &[T], ddata: &mut [T]) {
    g.check(ddata.len(), weight.len(), dout.len());
    let (weight, dout) = (wide(weight), wide(dout));
    with_wide_out(ddata, |ddata| (cores().conv_data)(g, &weight, &dout, None, ddata));
}

/// The gradient with respect to the weight, given that of the output.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn conv_backward_weight<T: Float>(g: &ConvGeometry, data: &[T], dout: &[T], dweight: &mut [T]) {
    g.check(data.len(), dweight.len(), dout.len());
    let (data, dout) = (wide(data), wide(dout));
    with_wide_out(dweight, |dweight| (cores().conv_weight)(g, &data, &dout, dweight));
}

/// The gradient with respect to the bias, given that of the output.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn conv_backward_bias<T: Float>(g: &ConvGeometry, dout: &[T], dbias: &mut [T]) {
    assert_eq!((dout.len(), dbias.len()), (g.output_size(), g.filters), "sizes of a bias gradient");
    channel_sums(g, g.filters, g.window.output_size(), dout, dbias);
}

/// The sum of every channel over the images and positions.
fn channel_sums<T: Float>(g: &ConvGeometry, channels: usize, size: usize, x: &[T], out: &mut [T]) {
    let x = wide(x);
    let planes = channels_first(g.channels_last, &x, g.batch, channels, size);
    with_wide_out(out, |out| (cores().channel_sums)(g.batch, channels, size, &planes, out));
}

pub(crate) fn forward_core<C: Real>(g: &ConvGeometry, data: &[C], weight: &[C], bias: Option<&[C]>, out: &mut [C]) {
    write_channels_first(g.channels_last, out, g.filters, g.window.output_size(), |out| {
        fill_bias(bias, g.filters, g.window.output_size(), out);
        forward::add_conv(g, &g.planes(data), &g.filter_planes(weight), out);
    });
}

/// [`forward_core`] by vector kernels where they pay.
pub(crate) fn forward_single(g: &ConvGeometry, data: &[f32], weight: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    if g.channels_last || !blocked::forward(g, data, weight, bias, out) {
        forward_core(g, data, weight, bias, out);
    }
}

pub(crate) fn data_core<C: Real>(g: &ConvGeometry, weight: &[C], dout: &[C], bias: Option<&[C]>, ddata: &mut [C]) {
    write_channels_first(g.channels_last, ddata, g.channels, g.window.input_size(), |ddata| {
        fill_bias(bias, g.channels, g.window.input_size(), ddata);
        backward::add_data_gradient(g, &g.filter_planes(weight), &g.output_planes(dout), ddata);
    });
}

pub(crate) fn weight_core<C: Real>(g: &ConvGeometry, data: &[C], dout: &[C], dweight: &mut [C]) {
    write_channels_first(g.channels_last, dweight, g.group_channels(), g.window.taps(), |dweight| {
        backward::weight_gradient(g, &g.planes(data), &g.output_planes(dout), dweight);
    });
}

/// Every plane of `[batch, channels, size]` filled with its channel's bias, or with zeros.
fn fill_bias<C: Real>(bias: Option<&[C]>, channels: usize, size: usize, out: &mut [C]) {
    for_rows(out, size, size, |row, plane| plane.fill(bias.map_or(C::zero(), |b| b[row % channels])));
}

/// The sum of every channel of `[batch, channels, size]`.
pub(crate) fn channel_sums_core<C: Real>(batch: usize, channels: usize, size: usize, x: &[C], out: &mut [C]) {
    let plane = |n: usize, c: usize| sum(&x[(n * channels + c) * size..][..size]);
    for_rows(out, 1, batch * size, |c, out| out[0] = real((0..batch).map(|n| plane(n, c)).sum()));
}
