//! The gradients, plane by plane.

use super::forward::{for_lines, line_counts};
use super::{PoolKind, tiles};
use crate::parallel::for_rows;
use crate::real::{Real, real};
use crate::scratch::with_scratch;
use crate::window::Window;

pub(crate) fn gradient<C: Real>(w: &Window, kind: PoolKind, (data, out): (&[C], &[C]), dout: &[C], ddata: &mut [C]) {
    let ratio = |v: C, out: C| if out == C::zero() { C::zero() } else { v / out };
    match kind {
        PoolKind::Max => max_gradient(w, data, dout, ddata),
        PoolKind::MaxEach => {
            let equal = |v: C, out: C| if v == out { C::one() } else { C::zero() };
            norm_gradient(w, (data, out), dout, equal, ddata)
        }
        PoolKind::AvgTaps => {
            let taps = real::<C>(w.taps() as f64);
            spread(w, |_, _, line| line.iter_mut().for_each(|v| *v /= taps), dout, ddata)
        }
        PoolKind::Sum | PoolKind::L1 => spread(w, |_, _, _| (), dout, ddata),
        PoolKind::L2 => norm_gradient(w, (data, out), dout, ratio, ddata),
        PoolKind::L3 => norm_gradient(w, (data, out), dout, |v, out| ratio(v, out).powi(2), ddata),
        PoolKind::Avg { count_include_pad } => {
            let counts = line_counts::<C>(w, count_include_pad);
            let share = |z, y, line: &mut [C]| {
                let lines = real::<C>((w.count(0, z, count_include_pad) * w.count(1, y, count_include_pad)) as f64);
                line.iter_mut().zip(&counts).for_each(|(v, &n)| *v /= n * lines);
            };
            spread(w, share, dout, ddata);
        }
    }
}

/// Calls `f(z, y, index of the line's first window)` for all lines of windows.
fn for_window_lines(w: &Window, mut f: impl FnMut(usize, usize, usize)) {
    for line in 0..w.output[0] * w.output[1] {
        f(line / w.output[1], line % w.output[1], line * w.output[2]);
    }
}

fn max_gradient<C: Real>(w: &Window, data: &[C], dout: &[C], ddata: &mut [C]) {
    if tiles::max_gradient(w, data, dout, ddata) {
        return;
    }
    let (size, windows, width) = (w.input_size(), w.output_size(), w.input[2]);
    for_rows(ddata, size, windows * (w.taps() / 2 + 3 * w.kernel[2]), |row, ddata| {
        let (plane, dout) = (&data[row * size..][..size], &dout[row * windows..][..windows]);
        let (mut best, mut from) = (vec![C::zero(); width], vec![0u32; width]);
        let mut starts = Vec::new();
        ddata.fill(C::zero());
        for_window_lines(w, |z, y, first| {
            starts.clear();
            for_lines(w, z, y, |at| starts.push(at));
            best_lines(plane, &starts, &mut best, &mut from);
            for (x, &g) in dout[first..first + w.output[2]].iter().enumerate() {
                if let Some(x) = best_column(w.span(2, x), &best, &from).filter(|_| !starts.is_empty()) {
                    ddata[starts[from[x] as usize] + x] += g;
                }
            }
        });
    });
}

/// For every position on a line the maximum over the lines and the first line that has it.
fn best_lines<C: Real>(plane: &[C], starts: &[usize], best: &mut [C], from: &mut [u32]) {
    best.fill(C::neg_infinity());
    from.fill(0);
    for (number, &start) in starts.iter().enumerate() {
        let places = best.iter_mut().zip(from.iter_mut());
        for ((best, from), &v) in places.zip(&plane[start..]) {
            *from = if v > *best { number as u32 } else { *from };
            *best = if v > *best { v } else { *best };
        }
    }
}

/// The position with the greatest maximum, of equal ones that of the first line, then the first position.
fn best_column<C: Real>(span: std::ops::Range<usize>, best: &[C], from: &[u32]) -> Option<usize> {
    let better = |a: usize, b: usize| best[b] > best[a] || (best[b] == best[a] && from[b] < from[a]);
    span.reduce(|a, b| if better(a, b) { b } else { a })
}

/// Adds the gradient of every window, completed by `share(z, y, line)`, to all of its elements.
fn spread<C: Real>(w: &Window, share: impl Fn(usize, usize, &mut [C]) + Sync, dout: &[C], ddata: &mut [C]) {
    let (size, windows, width) = (w.input_size(), w.output_size(), w.input[2]);
    for_rows(ddata, size, windows * (w.taps() / 2 + w.kernel[2]), |row, ddata| {
        let dout = &dout[row * windows..][..windows];
        ddata.fill(C::zero());
        with_scratch(w.output[2] + width, |buffer: &mut [C]| {
            let (shares, line) = buffer.split_at_mut(w.output[2]);
            for_window_lines(w, |z, y, first| {
                shares.copy_from_slice(&dout[first..first + w.output[2]]);
                share(z, y, shares);
                line.fill(C::zero());
                for (x, &g) in shares.iter().enumerate() {
                    line[w.span(2, x)].iter_mut().for_each(|v| *v += g);
                }
                for_lines(w, z, y, |at| ddata[at..].iter_mut().zip(&*line).for_each(|(d, &v)| *d += v));
            });
        });
    });
}

/// Adds `gradient * slope(element, output)` of every window to its elements.
fn norm_gradient<C: Real>(
    w: &Window,
    (data, out): (&[C], &[C]),
    dout: &[C],
    slope: impl Fn(C, C) -> C + Sync,
    ddata: &mut [C],
) {
    let (size, windows) = (w.input_size(), w.output_size());
    for_rows(ddata, size, windows * w.taps(), |row, ddata| {
        let plane = &data[row * size..][..size];
        ddata.fill(C::zero());
        for_window_lines(w, |z, y, first| {
            for x in 0..w.output[2] {
                let (out, g) = (out[row * windows + first + x], dout[row * windows + first + x]);
                for_lines(w, z, y, |at| {
                    let span = at + w.span(2, x).start..at + w.span(2, x).end;
                    ddata[span.clone()].iter_mut().zip(&plane[span]).for_each(|(d, &v)| *d += g * slope(v, out));
                });
            }
        });
    });
}
