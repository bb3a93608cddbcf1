//! Convolutions of every channel with one filter of its own, plane by plane without a window matrix.

use super::ConvGeometry;
use crate::parallel::{for_rows, map_indices};
use crate::real::{Real, real};
use crate::sums::sum_by2;
use crate::window::Window;
use std::ops::Range;

/// Adds the convolution of `data` with `weight` to `out`.
pub(super) fn add_conv<C: Real>(g: &ConvGeometry, data: &[C], weight: &[C], out: &mut [C]) {
    let (w, taps) = (&g.window, g.window.taps());
    for_rows(out, w.output_size(), w.output_size() * taps / 2, |row, out| {
        let plane = &data[row * w.input_size()..][..w.input_size()];
        let filter = &weight[row % g.channels * taps..][..taps];
        for_tap_lines(w, |tap, to, from| {
            let (k, out) = (filter[tap], &mut out[to.clone()]);
            if w.stride[2] == 1 {
                out.iter_mut().zip(&plane[from..]).for_each(|(o, &x)| *o += k * x);
            } else {
                out.iter_mut().zip(plane[from..].iter().step_by(w.stride[2])).for_each(|(o, &x)| *o += k * x);
            }
        });
    });
}

/// Adds the gradient with respect to the data to `ddata`.
pub(super) fn add_data_gradient<C: Real>(g: &ConvGeometry, weight: &[C], dout: &[C], ddata: &mut [C]) {
    let (w, taps) = (&g.window, g.window.taps());
    for_rows(ddata, w.input_size(), w.output_size() * taps / 2, |row, ddata| {
        let dout = &dout[row * w.output_size()..][..w.output_size()];
        let filter = &weight[row % g.channels * taps..][..taps];
        for_tap_lines(w, |tap, to, from| {
            let (k, dout) = (filter[tap], &dout[to]);
            if w.stride[2] == 1 {
                ddata[from..].iter_mut().zip(dout).for_each(|(d, &o)| *d += k * o);
            } else {
                ddata[from..].iter_mut().step_by(w.stride[2]).zip(dout).for_each(|(d, &o)| *d += k * o);
            }
        });
    });
}

/// Writes the gradient with respect to the weight.
pub(super) fn weight_gradient<C: Real>(g: &ConvGeometry, data: &[C], dout: &[C], dweight: &mut [C]) {
    let (w, taps) = (&g.window, g.window.taps());
    let sums = map_indices(g.channels, g.batch * w.output_size() * taps, |channel| {
        let mut sums = vec![0.0; taps];
        for row in (0..g.batch).map(|n| n * g.channels + channel) {
            let plane = &data[row * w.input_size()..][..w.input_size()];
            let dout = &dout[row * w.output_size()..][..w.output_size()];
            for_tap_lines(w, |tap, to, from| sums[tap] += dot(&dout[to], &plane[from..], w.stride[2]));
        }
        sums
    });
    dweight.iter_mut().zip(sums.iter().flatten()).for_each(|(d, &s)| *d = real(s));
}

/// The sum of products of `x` with every `stride`-th element of `y`.
fn dot<C: Real>(x: &[C], y: &[C], stride: usize) -> f64 {
    if stride == 1 {
        return sum_by2(x, &y[..x.len()], |a, b| a * b);
    }
    let products = x.iter().zip(y.iter().step_by(stride));
    products.map(|(&a, &b)| crate::real::double(a) * crate::real::double(b)).sum()
}

/// Calls `f(tap, output range, first input position)` for every tap and every output line it touches.
fn for_tap_lines(w: &Window, mut f: impl FnMut(usize, Range<usize>, usize)) {
    for z in 0..w.output[0] {
        for y in 0..w.output[1] {
            for tap in 0..w.taps() {
                if let Some((to, from)) = tap_line(w, w.tap(tap), z, y) {
                    f(tap, to, from);
                }
            }
        }
    }
}

fn tap_line(w: &Window, tap: [usize; 3], z: usize, y: usize) -> Option<(Range<usize>, usize)> {
    let (in_z, in_y) = (w.source(0, z, tap[0])?, w.source(1, y, tap[1])?);
    let across = w.inside(2, tap[2]);
    let in_x = (!across.is_empty()).then(|| w.source(2, across.start, tap[2]))??;
    let line = (z * w.output[1] + y) * w.output[2];
    Some((line + across.start..line + across.end, (in_z * w.input[1] + in_y) * w.input[2] + in_x))
}
