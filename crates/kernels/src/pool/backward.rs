//! The gradients, plane by plane.

use super::PoolKind;
use super::forward::for_lines;
use crate::parallel::for_rows;
use crate::real::{Real, real};
use crate::window::Window;

pub(super) fn gradient<C: Real>(w: &Window, kind: PoolKind, (data, out): (&[C], &[C]), dout: &[C], ddata: &mut [C]) {
    let ratio = |v: C, out: C| if out == C::zero() { C::zero() } else { v / out };
    match kind {
        PoolKind::Max => max_gradient(w, data, dout, ddata),
        PoolKind::Sum | PoolKind::L1 => spread(w, (data, out), dout, |_, g| g, |_, _, g| g, ddata),
        PoolKind::L2 => spread(w, (data, out), dout, |_, g| g, |v, out, g| g * ratio(v, out), ddata),
        PoolKind::L3 => {
            let square = |v: C| v * v;
            spread(w, (data, out), dout, |_, g| g, |v, out, g| g * square(ratio(v, out)), ddata)
        }
        PoolKind::Avg { count_include_pad } => {
            let share = |at, g| g / real(w.count(at, count_include_pad) as f64);
            spread(w, (data, out), dout, share, |_, _, g| g, ddata)
        }
    }
}

/// Calls `f(output position, index in the output plane)` for all windows.
fn for_windows(w: &Window, mut f: impl FnMut([usize; 3], usize)) {
    for line in 0..w.output[0] * w.output[1] {
        let (z, y) = (line / w.output[1], line % w.output[1]);
        (0..w.output[2]).for_each(|x| f([z, y, x], line * w.output[2] + x));
    }
}

fn max_gradient<C: Real>(w: &Window, data: &[C], dout: &[C], ddata: &mut [C]) {
    let (size, windows) = (w.input_size(), w.output_size());
    for_rows(ddata, size, windows * w.taps(), |row, ddata| {
        let (plane, dout) = (&data[row * size..][..size], &dout[row * windows..][..windows]);
        ddata.fill(C::zero());
        for_windows(w, |at, index| {
            if let Some(first) = first_max(w, plane, at) {
                ddata[first] += dout[index];
            }
        });
    });
}

/// Place of the first maximum of a window; the first element when there is none.
fn first_max<C: Real>(w: &Window, plane: &[C], [z, y, x]: [usize; 3]) -> Option<usize> {
    let (mut best, mut place) = (C::neg_infinity(), None);
    for_lines(w, z, y, |line| {
        for at in w.span(2, x).map(|x| line + x) {
            if plane[at] > best || place.is_none() {
                place = Some(at);
                best = if plane[at] > best { plane[at] } else { best };
            }
        }
    });
    place
}

/// Adds `each(element, output, share(position, gradient))` to every element of every window.
fn spread<C: Real>(
    w: &Window,
    (data, out): (&[C], &[C]),
    dout: &[C],
    share: impl Fn([usize; 3], C) -> C + Sync,
    each: impl Fn(C, C, C) -> C + Sync,
    ddata: &mut [C],
) {
    let (size, windows) = (w.input_size(), w.output_size());
    for_rows(ddata, size, windows * w.taps(), |row, ddata| {
        let (plane, out) = (&data[row * size..][..size], &out[row * windows..][..windows]);
        ddata.fill(C::zero());
        for_windows(w, |at, index| {
            let (out, g) = (out[index], share(at, dout[row * windows + index]));
            for_lines(w, at[0], at[1], |line| {
                let span = line + w.span(2, at[2]).start..line + w.span(2, at[2]).end;
                ddata[span.clone()].iter_mut().zip(&plane[span]).for_each(|(d, &v)| *d += each(v, out, g));
            });
        });
    });
}
