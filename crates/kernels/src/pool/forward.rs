//! The reductions, plane by plane: first over the lines that a line of windows sees, then along the line.

use super::{PoolKind, tiles};
use crate::parallel::for_rows;
use crate::real::{Real, real};
use crate::scratch::with_scratch;
use crate::window::Window;

pub(crate) fn pool<C: Real>(w: &Window, kind: PoolKind, data: &[C], out: &mut [C]) {
    let add = |a: C, b: C| a + b;
    let each = |f: fn(C) -> C| move |_: usize, _: usize, line: &mut [C]| line.iter_mut().for_each(|v| *v = f(*v));
    match kind {
        PoolKind::Max => max(w, data, out),
        PoolKind::MaxEach => max_padded(w, data, out),
        PoolKind::Sum | PoolKind::L1 => reduce(w, C::zero(), |v| v, add, |_, _, _| (), data, out),
        PoolKind::L2 => reduce(w, C::zero(), |v| v * v, add, each(C::sqrt), data, out),
        PoolKind::L3 => reduce(w, C::zero(), |v| v * v * v, add, each(C::cbrt), data, out),
        PoolKind::AvgTaps => {
            let taps = real::<C>(w.taps() as f64);
            let mean = |_, _, line: &mut [C]| line.iter_mut().for_each(|v| *v /= taps);
            reduce(w, C::zero(), |v| v, add, mean, data, out);
        }
        PoolKind::Avg { count_include_pad } => {
            let counts = line_counts::<C>(w, count_include_pad);
            let mean = |z, y, line: &mut [C]| {
                let lines = real::<C>((w.count(0, z, count_include_pad) * w.count(1, y, count_include_pad)) as f64);
                line.iter_mut().zip(&counts).for_each(|(v, &n)| *v /= n * lines);
            };
            reduce(w, C::zero(), |v| v, add, mean, data, out);
        }
    }
}

/// Elements that every window of a line counts along the line.
pub(super) fn line_counts<C: Real>(w: &Window, count_include_pad: bool) -> Vec<C> {
    (0..w.output[2]).map(|x| real(w.count(2, x, count_include_pad) as f64)).collect()
}

fn max<C: Real>(w: &Window, data: &[C], out: &mut [C]) {
    if tiles::max(w, data, out) {
        return;
    }
    let larger = |a: C, b: C| if b > a { b } else { a };
    let empty: Vec<usize> = (0..w.output[2]).filter(|&x| w.span(2, x).is_empty()).collect();
    let mark_empty = |z, y, line: &mut [C]| {
        if w.span(0, z).is_empty() || w.span(1, y).is_empty() {
            return line.fill(C::min_value());
        }
        empty.iter().for_each(|&x| line[x] = C::min_value());
    };
    reduce(w, C::neg_infinity(), |v| v, larger, mark_empty, data, out);
}

/// As `max`, the padding being zeros.
fn max_padded<C: Real>(w: &Window, data: &[C], out: &mut [C]) {
    max(w, data, out);
    let hangs_over = |d: usize, at: usize| w.span(d, at).len() < w.padded(d, at);
    let lies_outside = |d: usize, at: usize| w.padded(d, at) == 0;
    let columns: Vec<(bool, bool)> = (0..w.output[2]).map(|x| (hangs_over(2, x), lies_outside(2, x))).collect();
    for (index, line) in out.chunks_exact_mut(w.output[2].max(1)).enumerate() {
        let (z, y) = (index / w.output[1] % w.output[0], index % w.output[1]);
        let (hangs, outside) = (hangs_over(0, z) || hangs_over(1, y), lies_outside(0, z) || lies_outside(1, y));
        for (v, &(x_hangs, x_outside)) in line.iter_mut().zip(&columns) {
            if (hangs || x_hangs) && !(outside || x_outside) && *v < C::zero() {
                *v = C::zero();
            }
        }
    }
}

/// Every window's fold of the mapped elements; `finish(z, y, line)` completes a line of windows.
fn reduce<C: Real>(
    w: &Window,
    init: C,
    map: impl Fn(C) -> C + Sync,
    fold: impl Fn(C, C) -> C + Sync + Copy,
    finish: impl Fn(usize, usize, &mut [C]) + Sync,
    data: &[C],
    out: &mut [C],
) {
    let size = w.input_size();
    for_rows(out, w.output_size(), w.output_size() * (w.taps() / 4 + w.kernel[2]), |row, out| {
        let plane = &data[row * size..][..size];
        with_scratch(w.input[2], |line: &mut [C]| {
            for (index, out) in out.chunks_exact_mut(w.output[2]).enumerate() {
                let (z, y) = (index / w.output[1], index % w.output[1]);
                line.fill(init);
                for_lines(w, z, y, |at| {
                    line.iter_mut().zip(&plane[at..]).for_each(|(sum, &v)| *sum = fold(*sum, map(v)));
                });
                fold_line(w, init, fold, line, out);
                finish(z, y, out);
            }
        });
    });
}

/// Folds the windows along one line: tap by tap, or window by window where there are few.
fn fold_line<C: Real>(w: &Window, init: C, fold: impl Fn(C, C) -> C, line: &[C], out: &mut [C]) {
    if out.len() < w.kernel[2] {
        let window = |x| line[w.span(2, x)].iter().fold(init, |sum, &v| fold(sum, v));
        return out.iter_mut().enumerate().for_each(|(x, out)| *out = window(x));
    }
    out.fill(init);
    for (tap, windows) in (0..w.kernel[2]).map(|tap| (tap, w.inside(2, tap))) {
        let Some(from) = w.source(2, windows.start, tap) else { continue };
        let out = out[windows].iter_mut();
        match w.stride[2] {
            1 => out.zip(&line[from..]).for_each(|(sum, &v)| *sum = fold(*sum, v)),
            stride => out.zip(line[from..].iter().step_by(stride)).for_each(|(sum, &v)| *sum = fold(*sum, v)),
        }
    }
}

/// Calls `f(start of line)` for the input lines that the windows of output line (z, y) see, in C order.
pub(super) fn for_lines(w: &Window, z: usize, y: usize, mut f: impl FnMut(usize)) {
    for in_z in w.span(0, z) {
        w.span(1, y).for_each(|in_y| f((in_z * w.input[1] + in_y) * w.input[2]));
    }
}
