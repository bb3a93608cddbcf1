//! The maximum over square windows of two or three elements a side that lie edge to edge, without padding.

use crate::parallel::for_rows;
use crate::real::Real;
use crate::window::Window;

/// The side of the windows, if they are of that kind.
fn side(w: &Window) -> Option<usize> {
    let side = w.kernel[2];
    let square = w.kernel == [1, side, side] && w.stride[1..] == [side, side] && w.pad == [0; 3] && w.input[0] == 1;
    let inside = w.dilate == [1; 3] && (1..3).all(|d| w.output[d] * side <= w.input[d]);
    (square && inside && matches!(side, 2 | 3) && w.output_size() > 0).then_some(side)
}

/// Writes the maxima; false, and nothing is written, for other windows.
pub(super) fn max<C: Real>(w: &Window, data: &[C], out: &mut [C]) -> bool {
    match side(w) {
        Some(2) => maxima::<C, 2>(w, data, out),
        Some(3) => maxima::<C, 3>(w, data, out),
        _ => return false,
    }
    true
}

/// Writes the gradient of the maxima; false, and nothing is written, for other windows.
pub(super) fn max_gradient<C: Real>(w: &Window, data: &[C], dout: &[C], ddata: &mut [C]) -> bool {
    match side(w) {
        Some(2) => gradients::<C, 2>(w, data, dout, ddata),
        Some(3) => gradients::<C, 3>(w, data, dout, ddata),
        _ => return false,
    }
    true
}

/// The lines of input that line `y` of windows covers.
fn lines<'a, C, const K: usize>(w: &Window, plane: &'a [C], y: usize) -> [&'a [C]; K] {
    std::array::from_fn(|i| &plane[(y * K + i) * w.input[2]..][..w.output[2] * K])
}

fn maxima<C: Real, const K: usize>(w: &Window, data: &[C], out: &mut [C]) {
    let size = w.input_size();
    for_rows(out, w.output_size(), w.output_size() * K * K / 4, |row, out| {
        let plane = &data[row * size..][..size];
        for (y, out) in out.chunks_exact_mut(w.output[2]).enumerate() {
            let lines = lines::<C, K>(w, plane, y);
            for (x, out) in out.iter_mut().enumerate() {
                let window = lines.iter().flat_map(|line| &line[x * K..x * K + K]);
                *out = window.fold(C::neg_infinity(), |best, &v| if v > best { v } else { best });
            }
        }
    });
}

fn gradients<C: Real, const K: usize>(w: &Window, data: &[C], dout: &[C], ddata: &mut [C]) {
    let (size, windows, width) = (w.input_size(), w.output_size(), w.input[2]);
    for_rows(ddata, size, windows * K * K / 2, |row, ddata| {
        let (plane, dout) = (&data[row * size..][..size], &dout[row * windows..][..windows]);
        ddata.fill(C::zero());
        for (y, dout) in dout.chunks_exact(w.output[2]).enumerate() {
            let lines = lines::<C, K>(w, plane, y);
            for (x, &gradient) in dout.iter().enumerate() {
                let (mut best, mut at) = (C::neg_infinity(), 0);
                for (i, line) in lines.iter().enumerate() {
                    for (j, &v) in line[x * K..x * K + K].iter().enumerate() {
                        at = if v > best { i * width + j } else { at };
                        best = if v > best { v } else { best };
                    }
                }
                ddata[y * K * width + x * K + at] = gradient;
            }
        }
    });
}
