//! Transposed convolution: the data gradient of a convolution as a forward operation.
//!
//! The geometry is that of the convolution which leads from the output back to the data: its `channels` are the
//! filters of the transposed convolution, its `filters` the channels of the data.

use super::{ConvGeometry, channel_sums, conv_backward_weight, conv_forward};
use crate::cores::cores;
use crate::real::{wide, with_wide_out};
use crate::window::Window;
use rsym_tensor::Float;

impl ConvGeometry {
    /// The geometry of a transposed convolution of `channels` with `filters`, over `input` positions, whose output
    /// has the extents `stride * (input - 1) + dilate * (kernel - 1) + 1 - 2 * pad + adj`,
    /// at least 0.
    ///
    /// # Panics
    /// When the slices are longer than three.
    pub fn transposed(
        (batch, channels, filters, groups): (usize, usize, usize, usize),
        input: &[usize],
        (kernel, stride, dilate): (&[usize], &[usize], &[usize]),
        (pad, adj): (&[usize], &[usize]),
        channels_last: bool,
    ) -> Self {
        let or = |values: &[usize], d: usize, default| values.get(d).copied().unwrap_or(default);
        let extent = |d: usize| {
            let full =
                or(stride, d, 1) * input[d].saturating_sub(1) + or(dilate, d, 1) * (kernel[d] - 1) + 1 + or(adj, d, 0);
            full.saturating_sub(2 * or(pad, d, 0))
        };
        let output: Vec<usize> = (0..input.len()).map(extent).collect();
        let window = Window::new(&output, kernel, stride, dilate, pad).with_output(input);
        ConvGeometry { batch, channels: filters, filters: channels, groups, window, channels_last }
    }
}

/// The transposed convolution of `data` with `weight`, plus `bias` (`[g.channels]`).
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn deconv_forward<T: Float>(g: &ConvGeometry, data: &[T], weight: &[T], bias: Option<&[T]>, out: &mut [T]) {
    g.check(out.len(), weight.len(), data.len());
    let (data, weight, bias) = (wide(data), wide(weight), bias.map(wide));
    with_wide_out(out, |out| (cores().conv_data)(g, &weight, &data, bias.as_deref(), out));
}

/// The gradient with respect to the data, given that of the output.
pub fn deconv_backward_data<T: Float>(g: &ConvGeometry, weight: &[T], dout: &[T], ddata: &mut [T]) {
    conv_forward(g, dout, weight, None, ddata);
}

/// The gradient with respect to the weight, given that of the output.
pub fn deconv_backward_weight<T: Float>(g: &ConvGeometry, data: &[T], dout: &[T], dweight: &mut [T]) {
    conv_backward_weight(g, dout, data, dweight);
}

/// The gradient with respect to the bias, given that of the output.
///
/// # Panics
/// When the output gradient has another size than the geometry says.
pub fn deconv_backward_bias<T: Float>(g: &ConvGeometry, dout: &[T], dbias: &mut [T]) {
    assert_eq!((dout.len(), dbias.len()), (g.data_size(), g.channels), "sizes of a bias gradient");
    channel_sums(g, g.channels, g.window.input_size(), dout, dbias);
}
