//! The reductions, plane by plane: first over the lines of a window, then along the line.

use super::PoolKind;
use crate::parallel::for_rows;
use crate::real::{Real, real};
use crate::scratch::with_scratch;
use crate::window::Window;

pub(super) fn pool<C: Real>(w: &Window, kind: PoolKind, data: &[C], out: &mut [C]) {
    let add = |a: C, b: C| a + b;
    let keep = |_: [usize; 3], sum: C| sum;
    match kind {
        PoolKind::Max => max(w, data, out),
        PoolKind::Sum | PoolKind::L1 => reduce(w, C::zero(), |v| v, add, keep, data, out),
        PoolKind::L2 => reduce(w, C::zero(), |v| v * v, add, |_, sum| sum.sqrt(), data, out),
        PoolKind::L3 => reduce(w, C::zero(), |v| v * v * v, add, |_, sum| sum.cbrt(), data, out),
        PoolKind::Avg { count_include_pad } => {
            let mean = |at, sum| sum / real(w.count(at, count_include_pad) as f64);
            reduce(w, C::zero(), |v| v, add, mean, data, out);
        }
    }
}

fn max<C: Real>(w: &Window, data: &[C], out: &mut [C]) {
    let larger = |a: C, b: C| if b > a { b } else { a };
    let or_lowest = |at: [usize; 3], max: C| {
        let empty = max == C::neg_infinity() && (0..3).any(|d| w.span(d, at[d]).is_empty());
        if empty { C::min_value() } else { max }
    };
    reduce(w, C::neg_infinity(), |v| v, larger, or_lowest, data, out);
}

fn reduce<C: Real>(
    w: &Window,
    init: C,
    map: impl Fn(C) -> C + Sync,
    fold: impl Fn(C, C) -> C + Sync,
    finish: impl Fn([usize; 3], C) -> C + Sync,
    data: &[C],
    out: &mut [C],
) {
    let (size, width) = (w.input_size(), w.input[2]);
    let cost = w.output_size() * (w.taps() / 4 + w.kernel[2]);
    for_rows(out, w.output_size(), cost, |row, out| {
        let plane = &data[row * size..][..size];
        with_scratch(width, |line: &mut [C]| {
            for (index, out) in out.chunks_exact_mut(w.output[2]).enumerate() {
                let (z, y) = (index / w.output[1], index % w.output[1]);
                line.fill(init);
                for_lines(w, z, y, |at| {
                    line.iter_mut().zip(&plane[at..]).for_each(|(sum, &v)| *sum = fold(*sum, map(v)));
                });
                for (x, out) in out.iter_mut().enumerate() {
                    *out = finish([z, y, x], line[w.span(2, x)].iter().fold(init, |sum, &v| fold(sum, v)));
                }
            }
        });
    });
}

/// Calls `f(start of line)` for the input lines that the windows of output line (z, y) see, in C order.
pub(super) fn for_lines(w: &Window, z: usize, y: usize, mut f: impl FnMut(usize)) {
    for in_z in w.span(0, z) {
        w.span(1, y).for_each(|in_y| f((in_z * w.input[1] + in_y) * w.input[2]));
    }
}
