//! Pooling of blocked tensors, `[batch, channels / 16, spatial.., 16]`: a vector is the 16 channels of one position.
//!
//! Geometries are those of [`super`], with channels a multiple of 16, and so are the results: windows without elements,
//! NaN, padding that counts, and which of equal elements gets the gradient of a maximum.

use super::forward::for_lines;
use super::{PoolGeometry, PoolKind};
use crate::parallel::{for_row_chunks, for_rows};
use crate::simd::{Lanes, tier, tiered};
use crate::window::Window;
use std::ops::Range;

/// Channels of a block.
const BLOCK: usize = 16;

/// Whether there are kernels for this reduction on blocked tensors.
pub fn supports(kind: PoolKind) -> bool {
    matches!(kind, PoolKind::Max | PoolKind::Avg { .. } | PoolKind::AvgTaps | PoolKind::Sum | PoolKind::L1)
}

/// The pooled `data`, for the kinds that [`supports`] names.
///
/// # Panics
/// When a slice has another size than the geometry says, or the kind or number of channels has no kernel.
pub fn forward(g: &PoolGeometry, data: &[f32], out: &mut [f32]) {
    if g.kind == PoolKind::Max { max_forward(g, data, out) } else { avg_forward(g, data, out) }
}

/// The gradient with respect to the data, for the kinds that [`supports`] names.
///
/// # Panics
/// As [`forward`].
pub fn backward(g: &PoolGeometry, data: &[f32], dout: &[f32], ddata: &mut [f32]) {
    if g.kind == PoolKind::Max { max_backward(g, data, dout, ddata) } else { avg_backward(g, dout, ddata) }
}

/// The maximum of every window.
///
/// # Panics
/// When a slice has another size than the geometry says, or channels are no multiple of 16.
pub fn max_forward(g: &PoolGeometry, data: &[f32], out: &mut [f32]) {
    check(g, data.len(), out.len());
    let (tier, columns) = (tier(), columns(&g.window));
    for_window_lines(g, data, out, |_, plane, starts, line| {
        // SAFETY: starts and columns are those of windows inside of the plane; the line has one vector per column.
        unsafe { max_line(tier, plane.as_ptr(), starts, &columns, line.as_mut_ptr()) }
    });
}

/// The mean of every window, or the sum.
///
/// # Panics
/// When a slice has another size than the geometry says, channels are no multiple of 16, or the kind is no mean or sum.
pub fn avg_forward(g: &PoolGeometry, data: &[f32], out: &mut [f32]) {
    check(g, data.len(), out.len());
    let (tier, columns, counts) = (tier(), columns(&g.window), Counts::new(g));
    for_window_lines(g, data, out, |at, plane, starts, line| {
        let divisors = counts.of_line(at);
        // SAFETY: starts and columns are those of windows inside of the plane; the line has one vector per column.
        unsafe { sum_line(tier, plane.as_ptr(), starts, &columns, &divisors, line.as_mut_ptr()) }
    });
}

/// The gradient of the maximum: it goes to the first of the greatest elements of every window.
///
/// # Panics
/// As [`max_forward`].
pub fn max_backward(g: &PoolGeometry, data: &[f32], dout: &[f32], ddata: &mut [f32]) {
    check(g, data.len(), dout.len());
    assert_eq!(data.len(), ddata.len(), "sizes of data and its gradient");
    let (tier, columns, once) = (tier(), columns(&g.window), partition(&g.window));
    for_planes(g, dout, ddata, |plane, _, starts, dout, ddata| {
        let data = &data[plane * ddata.len()..][..ddata.len()];
        // SAFETY: starts and columns are those of windows inside of the planes; dout has one vector per column.
        unsafe { max_line_back(tier, data.as_ptr(), starts, &columns, once, dout.as_ptr(), ddata.as_mut_ptr()) }
    });
}

/// The gradient of the mean, or of the sum.
///
/// # Panics
/// As [`avg_forward`].
pub fn avg_backward(g: &PoolGeometry, dout: &[f32], ddata: &mut [f32]) {
    check(g, ddata.len(), dout.len());
    let (tier, columns, counts, once) = (tier(), columns(&g.window), Counts::new(g), partition(&g.window));
    for_planes(g, dout, ddata, |_, at, starts, dout, ddata| {
        let divisors = counts.of_line(at);
        // SAFETY: starts and columns are those of windows inside of the plane; dout has one vector per column.
        unsafe { spread_line(tier, starts, &columns, &divisors, once, dout.as_ptr(), ddata.as_mut_ptr()) }
    });
}

fn check(g: &PoolGeometry, data: usize, out: usize) {
    assert!(g.channels.is_multiple_of(BLOCK) && !g.channels_last, "blocked tensors have whole blocks of channels");
    assert!(supports(g.kind), "{:?} has no kernel for blocked tensors", g.kind);
    g.check(data, out);
}

/// The input columns of every window of a line.
fn columns(w: &Window) -> Vec<Range<usize>> {
    (0..w.output[2]).map(|x| w.span(2, x)).collect()
}

/// Whether every element lies in one window, and in no other.
fn partition(w: &Window) -> bool {
    let follows = |d: usize| {
        let mut end = 0;
        (0..w.output[d]).all(|at| std::mem::replace(&mut end, w.span(d, at).end) == w.span(d, at).start)
            && end == w.input[d]
    };
    (0..3).all(follows)
}

/// Calls `f(number of the line in its plane, input plane, starts of the input lines, output line)` for all lines of windows.
fn for_window_lines(
    g: &PoolGeometry,
    data: &[f32],
    out: &mut [f32],
    f: impl Fn(usize, &[f32], &[usize], &mut [f32]) + Sync,
) {
    let (w, size) = (&g.window, g.window.input_size() * BLOCK);
    let (lines, len) = (w.output[0] * w.output[1], w.output[2] * BLOCK);
    for_row_chunks(out, len, len * (w.taps() / 8 + 1), |first, chunk| {
        let mut starts = Vec::new();
        for (line, out) in chunk.chunks_exact_mut(len).enumerate().map(|(i, out)| (first + i, out)) {
            let (plane, at) = (line / lines, line % lines);
            line_starts(w, at, &mut starts);
            f(at, &data[plane * size..][..size], &starts, out);
        }
    });
}

/// Calls `f(plane, number of the line in it, starts of the input lines, gradient of the output line, gradient of the
/// plane)` for all lines of windows; the planes' gradients are zero at first unless every element is written once.
fn for_planes(
    g: &PoolGeometry,
    dout: &[f32],
    ddata: &mut [f32],
    f: impl Fn(usize, usize, &[usize], &[f32], &mut [f32]) + Sync,
) {
    let (w, size) = (&g.window, g.window.input_size() * BLOCK);
    let (lines, len) = (w.output[0] * w.output[1], w.output[2] * BLOCK);
    let once = partition(w);
    for_rows(ddata, size, size + lines * len * (w.taps() / 4 + 1), |plane, ddata| {
        let mut starts = Vec::new();
        if !once {
            ddata.fill(0.0);
        }
        for at in 0..lines {
            line_starts(w, at, &mut starts);
            f(plane, at, &starts, &dout[(plane * lines + at) * len..][..len], ddata);
        }
    });
}

/// The first positions of the input lines that line `at` of the windows sees.
fn line_starts(w: &Window, at: usize, starts: &mut Vec<usize>) {
    starts.clear();
    for_lines(w, at / w.output[1], at % w.output[1], |start| starts.push(start));
}

/// What the sums of windows are divided by.
struct Counts<'a> {
    window: &'a Window,
    kind: PoolKind,
    columns: Vec<f32>,
}

impl<'a> Counts<'a> {
    fn new(g: &'a PoolGeometry) -> Self {
        let w = &g.window;
        let count = |x| match g.kind {
            PoolKind::Avg { count_include_pad } => w.count(2, x, count_include_pad) as f32,
            PoolKind::AvgTaps => w.taps() as f32,
            _ => 1.0,
        };
        Counts { window: w, kind: g.kind, columns: (0..w.output[2]).map(count).collect() }
    }

    fn of_line(&self, at: usize) -> Vec<f32> {
        let (w, y) = (self.window, at % self.window.output[1]);
        let lines = match self.kind {
            PoolKind::Avg { count_include_pad: pad } => w.count(0, at / w.output[1], pad) * w.count(1, y, pad),
            _ => 1,
        };
        self.columns.iter().map(|n| n * lines as f32).collect()
    }
}

/// A different number for every index.
#[inline(always)]
fn tag<V: Lanes>(index: u32) -> V {
    V::splat(f32::from_bits(0x3f80_0000 + index))
}

/// Writes `v`, or adds it to what there is if an element may be written more than once.
///
/// # Safety
/// `to` must be good for a vector.
#[inline(always)]
unsafe fn give<V: Lanes>(v: V, once: bool, to: *mut f32) {
    // SAFETY: the caller's contract.
    unsafe { if once { v } else { V::load(to).add(v) }.store(to) }
}

/// The sum of `n` vectors.
///
/// # Safety
/// `from` must be good for as many.
#[inline(always)]
unsafe fn sum_run<V: Lanes>(from: *const f32, n: usize) -> V {
    let mut sums = [V::zero(); 4];
    for i in 0..n / 4 {
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's contract.
            *sum = sum.add(unsafe { V::load(from.add((4 * i + k) * BLOCK)) });
        }
    }
    let mut sum = sums[0].add(sums[1]).add(sums[2].add(sums[3]));
    for i in n / 4 * 4..n {
        // SAFETY: the caller's contract.
        sum = sum.add(unsafe { V::load(from.add(i * BLOCK)) });
    }
    sum
}

tiered! {
    unsafe fn max_line<V>(plane: *const f32, starts: &[usize], columns: &[Range<usize>], out: *mut f32) {
        for (x, span) in columns.iter().enumerate() {
            let mut best = V::splat(f32::NEG_INFINITY);
            for &start in starts {
                for i in span.clone() {
                    best = V::load(plane.add((start + i) * BLOCK)).max(best);
                }
            }
            if starts.is_empty() || span.is_empty() {
                best = V::splat(f32::MIN);
            }
            best.store(out.add(x * BLOCK));
        }
    }
}

tiered! {
    unsafe fn max_line_back<V>(
        plane: *const f32,
        starts: &[usize],
        columns: &[Range<usize>],
        once: bool,
        dout: *const f32,
        ddata: *mut f32,
    ) {
        for (x, span) in columns.iter().enumerate() {
            let (mut best, mut from, mut index) = (V::splat(f32::NEG_INFINITY), tag::<V>(0), 0);
            for &start in starts {
                for i in span.clone() {
                    let v = V::load(plane.add((start + i) * BLOCK));
                    from = best.if_less(v, tag(index), from);
                    best = v.max(best);
                    index += 1;
                }
            }
            let (g, mut index) = (V::load(dout.add(x * BLOCK)), 0);
            for &start in starts {
                for i in span.clone() {
                    give(from.if_equal(tag(index), g, V::zero()), once, ddata.add((start + i) * BLOCK));
                    index += 1;
                }
            }
        }
    }
}

tiered! {
    unsafe fn sum_line<V>(
        plane: *const f32,
        starts: &[usize],
        columns: &[Range<usize>],
        divisors: &[f32],
        out: *mut f32,
    ) {
        for (x, (span, &divisor)) in columns.iter().zip(divisors).enumerate() {
            let mut sum = V::zero();
            for &start in starts {
                sum = sum.add(sum_run(plane.add((start + span.start) * BLOCK), span.len()));
            }
            sum.div(V::splat(divisor)).store(out.add(x * BLOCK));
        }
    }
}

tiered! {
    unsafe fn spread_line<V>(
        starts: &[usize],
        columns: &[Range<usize>],
        divisors: &[f32],
        once: bool,
        dout: *const f32,
        ddata: *mut f32,
    ) {
        for (x, (span, &divisor)) in columns.iter().zip(divisors).enumerate() {
            let g = V::load(dout.add(x * BLOCK)).div(V::splat(divisor));
            for &start in starts {
                for i in span.clone() {
                    give(g, once, ddata.add((start + i) * BLOCK));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::windows;
    use super::super::{pool_backward, pool_forward};
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, doubles, noise};
    use crate::simd::{available, with_tier};

    const KINDS: [PoolKind; 5] = [
        PoolKind::Max,
        PoolKind::Avg { count_include_pad: true },
        PoolKind::Avg { count_include_pad: false },
        PoolKind::AvgTaps,
        PoolKind::Sum,
    ];

    /// `[planes, size]` of 16 channels each as `[planes / 16, size, 16]`, or back.
    fn blocked(x: &[f32], size: usize) -> Vec<f32> {
        crate::layout::swap_last(x, x.len() / (BLOCK * size), BLOCK, size)
    }

    fn plain(x: &[f32], size: usize) -> Vec<f32> {
        crate::layout::swap_last(x, x.len() / (BLOCK * size), size, BLOCK)
    }

    /// Few different values, so that windows have equal elements, with some that are no numbers.
    fn coarse(len: usize) -> Vec<f32> {
        let mut x: Vec<f32> = noise::<f32>(len, 1).iter().map(|v| (v * 4.0).round()).collect();
        x.iter_mut().step_by(37).for_each(|v| *v = f32::NAN);
        x.iter_mut().step_by(41).for_each(|v| *v = f32::NEG_INFINITY);
        x
    }

    fn check(g: &PoolGeometry, x: &[f32]) {
        let (inside, outside) = (g.window.input_size(), g.window.output_size());
        let dout = noise::<f32>(g.batch * g.channels * outside, 2);
        let (mut want, mut want_dx) = (dout.clone(), x.to_vec());
        pool_forward(g, x, &mut want);
        pool_backward(g, x, &want, &dout, &mut want_dx);
        let (x, dout) = (blocked(x, inside), blocked(&dout, outside));
        for tier in available() {
            let (mut out, mut dx) = (vec![f32::NAN; dout.len()], vec![f32::NAN; x.len()]);
            with_tier(tier, || {
                forward(g, &x, &mut out);
                backward(g, &x, &dout, &mut dx);
            });
            if g.kind == PoolKind::Max {
                assert_eq!(plain(&out, outside), want, "{tier} {:?}", g.window);
            } else {
                assert_close(&plain(&out, outside), &doubles(&want), 1e-5);
            }
            assert_close(&plain(&dx, inside), &doubles(&want_dx), 1e-5);
        }
    }

    #[test]
    fn blocked_pooling_is_that_of_planes() {
        let mut all = windows();
        all.push(Window::global(&[23, 9]));
        all.push(Window::new(&[6, 6], &[2, 2], &[2, 2], &[], &[]));
        all.push(Window::new(&[9, 10], &[3, 3], &[1, 1], &[], &[1, 1]));
        for window in all {
            for kind in KINDS {
                let g = PoolGeometry { batch: 2, channels: 32, window: window.clone(), kind, channels_last: false };
                check(&g, &noise::<f32>(64 * window.input_size(), 1));
                if kind == PoolKind::Max {
                    check(&g, &coarse(64 * window.input_size()));
                }
            }
        }
    }

    #[test]
    fn large_blocked_pooling_is_the_same_for_every_thread_count() {
        let window = Window::new(&[40, 41], &[3, 3], &[2, 2], &[], &[1, 1]);
        for kind in KINDS {
            let g = PoolGeometry { batch: 4, channels: 32, window: window.clone(), kind, channels_last: false };
            let x = noise::<f32>(128 * window.input_size(), 1);
            same_for_threads(|| {
                let (mut out, mut dx) = (vec![0f32; 128 * window.output_size()], x.clone());
                forward(&g, &x, &mut out);
                backward(&g, &x, &out, &mut dx);
                (out, dx)
            });
        }
    }

    #[test]
    fn an_empty_batch_is_pooled() {
        let window = Window::new(&[4, 4], &[2, 2], &[], &[], &[]);
        let g = PoolGeometry { batch: 0, channels: 16, window, kind: PoolKind::Max, channels_last: false };
        forward(&g, &[], &mut []);
        backward(&g, &[], &[], &mut []);
    }
}
