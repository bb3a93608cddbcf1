//! Convolutions of many small images, computed as one of a single large image.
//!
//! An image of a few windows makes slow products of matrices. Side by side, as slices of one image with a depth that no window
//! spans, the images of a batch make one window matrix.

use super::{ConvGeometry, backward, forward};
use crate::parallel::for_rows;
use crate::real::Real;
use crate::scratch::with_scratch;
use crate::window::Window;

/// Windows of an image from which on products are as fast image by image.
const WINDOWS: usize = 96;

/// The convolution of the joined image, if images are worth joining.
pub(super) fn joined(g: &ConvGeometry) -> Option<ConvGeometry> {
    let w = &g.window;
    let flat = (w.input[0], w.kernel[0], w.stride[0], w.pad[0], w.output[0]) == (1, 1, 1, 0, 1);
    let worth = flat && g.batch > 1 && g.groups == 1 && w.output_size() > 0 && w.output_size() < WINDOWS;
    let deep = |extent: [usize; 3]| [g.batch, extent[1], extent[2]];
    let window = || Window { input: deep(w.input), output: deep(w.output), ..w.clone() };
    worth.then(|| ConvGeometry { batch: 1, window: window(), ..g.clone() })
}

/// Adds the convolution of `data` with `weight` to `out`; `all` is the joined one.
pub(super) fn add_conv<C: Real>(g: &ConvGeometry, all: &ConvGeometry, data: &[C], weight: &[C], out: &mut [C]) {
    with_scratch(data.len() + out.len(), |scratch| {
        let (images, sums) = scratch.split_at_mut(data.len());
        join(g.batch, g.channels, g.window.input_size(), data, images);
        sums.fill(C::zero());
        forward::add_conv(all, images, weight, sums);
        add_parted(g.batch, g.filters, g.window.output_size(), sums, out);
    });
}

/// Adds the gradient with respect to the data to `ddata`.
pub(super) fn add_data_gradient<C: Real>(
    g: &ConvGeometry,
    all: &ConvGeometry,
    weight: &[C],
    dout: &[C],
    ddata: &mut [C],
) {
    with_scratch(dout.len() + ddata.len(), |scratch| {
        let (heads, sums) = scratch.split_at_mut(dout.len());
        join(g.batch, g.filters, g.window.output_size(), dout, heads);
        sums.fill(C::zero());
        backward::add_data_gradient(all, weight, heads, sums);
        add_parted(g.batch, g.channels, g.window.input_size(), sums, ddata);
    });
}

/// Writes the gradient with respect to the weight.
pub(super) fn weight_gradient<C: Real>(
    g: &ConvGeometry,
    all: &ConvGeometry,
    data: &[C],
    dout: &[C],
    dweight: &mut [C],
) {
    with_scratch(data.len() + dout.len(), |scratch| {
        let (images, heads) = scratch.split_at_mut(data.len());
        join(g.batch, g.channels, g.window.input_size(), data, images);
        join(g.batch, g.filters, g.window.output_size(), dout, heads);
        backward::weight_gradient(all, images, heads, dweight);
    });
}

/// `[batch, channels, size]` as `[channels, batch, size]`.
fn join<C: Real>(batch: usize, channels: usize, size: usize, from: &[C], to: &mut [C]) {
    for_rows(to, size, size, |row, to| {
        to.copy_from_slice(&from[(row % batch * channels + row / batch) * size..][..size]);
    });
}

/// Adds `[channels, batch, size]` to `[batch, channels, size]`.
fn add_parted<C: Real>(batch: usize, channels: usize, size: usize, from: &[C], to: &mut [C]) {
    for_rows(to, size, size, |row, to| {
        let from = &from[(row % channels * batch + row / channels) * size..][..size];
        to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
    });
}
