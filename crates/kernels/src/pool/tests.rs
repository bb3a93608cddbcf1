use super::*;
use crate::layout::swap_last;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, doubles, noise};
use rsym_tensor::f16;

const KINDS: [PoolKind; 9] = [
    PoolKind::Max,
    PoolKind::Avg { count_include_pad: true },
    PoolKind::Avg { count_include_pad: false },
    PoolKind::Sum,
    PoolKind::L1,
    PoolKind::L2,
    PoolKind::L3,
    PoolKind::MaxEach,
    PoolKind::AvgTaps,
];

fn geometry(batch: usize, channels: usize, window: Window, kind: PoolKind) -> PoolGeometry {
    PoolGeometry { batch, channels, window, kind, channels_last: false }
}

pub(super) fn windows() -> Vec<Window> {
    vec![
        Window::new(&[17], &[3], &[2], &[], &[1]),
        Window::new(&[1], &[1], &[], &[], &[]),
        Window::new(&[7, 8], &[3, 2], &[2, 1], &[], &[1, 0]),
        Window::new(&[8, 15], &[3, 3], &[2, 2], &[], &[0, 1]).with_output(&[4, 8]),
        Window::new(&[33, 5], &[2, 2], &[3, 3], &[], &[1, 1]).with_output(&[13, 4]),
        Window::new(&[7, 40], &[2, 2], &[2, 2], &[], &[]),
        Window::new(&[6, 11], &[3, 3], &[3, 3], &[], &[]),
        Window::new(&[3, 7, 5], &[2, 3, 3], &[1, 2, 2], &[], &[1, 1, 0]),
        Window::global(&[7, 3]),
    ]
}

/// The indices in the input plane of a window's elements and the number of positions inside of input and padding.
fn elements(w: &Window, index: usize) -> (Vec<usize>, usize) {
    let [_, h, width] = w.output;
    let at = [index / (h * width), index / width % h, index % width];
    let (mut inside, mut padded) = (vec![], 0);
    for t in 0..w.taps() {
        let tap = w.tap(t);
        let [z, y, x] = [0, 1, 2].map(|d| w.source(d, at[d], tap[d]));
        padded += (0..3).all(|d| at[d] * w.stride[d] + tap[d] < w.input[d] + 2 * w.pad[d]) as usize;
        if let (Some(z), Some(y), Some(x)) = (z, y, x) {
            inside.push((z * w.input[1] + y) * w.input[2] + x);
        }
    }
    (inside, padded)
}

fn naive(kind: PoolKind, x: &[f64], padded: usize, taps: usize) -> f64 {
    let sum = |f: fn(&f64) -> f64| x.iter().map(f).sum::<f64>();
    match kind {
        PoolKind::Max => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        // The padding takes part as zeros.
        PoolKind::MaxEach => {
            let padding = if x.len() < padded { 0.0 } else { f64::NEG_INFINITY };
            x.iter().copied().fold(padding, f64::max)
        }
        PoolKind::AvgTaps => sum(|v| *v) / taps as f64,
        PoolKind::Sum | PoolKind::L1 => sum(|v| *v),
        PoolKind::L2 => sum(|v| v * v).sqrt(),
        PoolKind::L3 => sum(|v| v * v * v).cbrt(),
        PoolKind::Avg { count_include_pad: true } => sum(|v| *v) / padded.max(1) as f64,
        PoolKind::Avg { .. } => sum(|v| *v) / x.len().max(1) as f64,
    }
}

fn check<T: Float>(g: &PoolGeometry, tol: f64) {
    let (w, planes) = (&g.window, g.batch * g.channels);
    let x = noise::<T>(planes * w.input_size(), 1);
    let dout = noise::<T>(planes * w.output_size(), 2);
    let (mut out, mut dx) = (dout.clone(), x.clone());
    pool_forward(g, &x, &mut out);
    pool_backward(g, &x, &out, &dout, &mut dx);

    let (xd, dd, outd) = (doubles(&x), doubles(&dout), doubles(&out));
    let (mut want, mut want_dx) = (vec![], vec![0.0; x.len()]);
    for p in 0..planes * w.output_size() {
        let offset = p / w.output_size() * w.input_size();
        let (inside, padded) = elements(w, p % w.output_size());
        let values: Vec<f64> = inside.iter().map(|i| xd[offset + i]).collect();
        let unseen = match g.kind {
            PoolKind::Max => values.len(),
            PoolKind::MaxEach => padded,
            _ => 1,
        };
        let empty_max = unseen == 0;
        want.push(if empty_max { outd[p] } else { naive(g.kind, &values, padded, w.taps()) });
        for (i, v) in inside.iter().zip(&values) {
            want_dx[offset + i] += dd[p]
                * match g.kind {
                    PoolKind::AvgTaps => 1.0 / w.taps() as f64,
                    PoolKind::Max | PoolKind::MaxEach => (*v == want[p]) as u8 as f64,
                    PoolKind::Sum | PoolKind::L1 => 1.0,
                    PoolKind::L2 => v / outd[p],
                    PoolKind::L3 => (v / outd[p]).powi(2),
                    PoolKind::Avg { count_include_pad: true } => 1.0 / padded as f64,
                    PoolKind::Avg { .. } => 1.0 / inside.len() as f64,
                };
        }
    }
    assert_close(&out, &want, tol);
    assert_close(&dx, &want_dx, tol);
}

#[test]
fn pooling_matches_the_definition() {
    for w in windows() {
        for kind in KINDS {
            check::<f32>(&geometry(2, 3, w.clone(), kind), 1e-4);
            check::<f64>(&geometry(1, 1, w.clone(), kind), 1e-10);
        }
    }
    check::<f16>(&geometry(2, 3, windows()[2].clone(), KINDS[1]), 2e-3);
}

#[test]
fn odd_sizes_match_the_definition() {
    for n in [1, 3, 7, 8, 15, 16, 17, 33] {
        let w = Window::new(&[n, n + 1], &[3, 3], &[1, 1], &[], &[1, 1]);
        KINDS.iter().for_each(|&kind| check::<f32>(&geometry(1, 2, w.clone(), kind), 1e-3));
    }
}

#[test]
fn large_pooling_is_the_same_for_every_thread_count() {
    let w = Window::new(&[40, 41], &[3, 3], &[2, 2], &[], &[1, 1]);
    for kind in KINDS {
        let g = geometry(4, 16, w.clone(), kind);
        let x = noise::<f32>(64 * w.input_size(), 1);
        same_for_threads(|| {
            let (mut out, mut dx) = (vec![0f32; 64 * w.output_size()], x.clone());
            pool_forward(&g, &x, &mut out);
            pool_backward(&g, &x, &out, &out, &mut dx);
            (out, dx)
        });
    }
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let g = geometry(1, 1, Window::new(&[2, 2], &[2, 2], &[], &[], &[]), PoolKind::Max);
    let mut dx = [9f32; 4];
    pool_backward(&g, &[1.0, 3.0, 3.0, 3.0], &[3.0], &[5.0], &mut dx);
    assert_eq!(dx, [0.0, 5.0, 0.0, 0.0]);
    pool_backward(&PoolGeometry { kind: PoolKind::MaxEach, ..g }, &[1.0, 3.0, 3.0, 3.0], &[3.0], &[5.0], &mut dx);
    assert_eq!(dx, [0.0, 5.0, 5.0, 5.0]);
}

#[test]
fn maximum_ignores_nan_and_marks_empty_windows() {
    let w = Window::new(&[4], &[2], &[3], &[], &[]).with_output(&[3]);
    let g = geometry(1, 1, w, PoolKind::Max);
    let (x, mut out, mut dx) = ([f32::NAN, 2.0, 0.0, f32::NEG_INFINITY], [0f32; 3], [0f32; 4]);
    pool_forward(&g, &x, &mut out);
    pool_backward(&g, &x, &out, &[1.0, 2.0, 3.0], &mut dx);
    assert_eq!(out, [2.0, f32::NEG_INFINITY, f32::MIN]);
    assert_eq!(dx, [0.0, 1.0, 0.0, 2.0]);
}

#[test]
fn maximum_ignores_nan_in_windows_edge_to_edge() {
    let g = geometry(1, 1, Window::new(&[2, 5], &[2, 2], &[2, 2], &[], &[]), PoolKind::Max);
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let x = [nan, -3.0, nan, nan, 7.0, -2.0, -2.0, nan, low, 8.0];
    let (mut out, mut dx) = ([0f32; 2], [9f32; 10]);
    pool_forward(&g, &x, &mut out);
    pool_backward(&g, &x, &out, &[1.0, 2.0], &mut dx);
    assert_eq!(out, [-2.0, low]);
    assert_eq!(dx, [0.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn hanging_windows_count_input_and_padding() {
    let w = Window::new(&[4, 4], &[2, 2], &[3, 3], &[], &[1, 1]).with_output(&[3, 3]);
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0, 1.0, 1.0, 1.0, 9.0, 8.0, 7.0, 6.0f32];
    let mut out = [0f32; 9];
    pool_forward(&geometry(1, 1, w.clone(), KINDS[1]), &x, &mut out);
    assert_eq!(out, [0.25, 1.75, 0.0, 2.5, 3.75, 0.0, 0.0, 0.0, 0.0]);
    pool_forward(&geometry(1, 1, w, KINDS[2]), &x, &mut out);
    assert_eq!(out, [1.0, 3.5, 0.0, 5.0, 3.75, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_two_norm_of_zeros_has_no_gradient() {
    let g = geometry(1, 1, Window::new(&[2], &[2], &[], &[], &[]), PoolKind::L2);
    let mut dx = [9f32; 2];
    pool_backward(&g, &[0.0, 0.0], &[0.0], &[5.0], &mut dx);
    assert_eq!(dx, [0.0, 0.0]);
}

#[test]
fn channels_last_is_the_transposed_problem() {
    let w = windows()[2].clone();
    let first = geometry(2, 3, w.clone(), PoolKind::Max);
    let last = PoolGeometry { channels_last: true, ..first.clone() };
    let x = noise::<f32>(6 * w.input_size(), 1);
    let run = |g: &PoolGeometry, x: &[f32]| {
        let (mut out, mut dx) = (vec![0f32; 6 * w.output_size()], x.to_vec());
        pool_forward(g, x, &mut out);
        pool_backward(g, x, &out, &out, &mut dx);
        (out, dx)
    };
    let (out, dx) = run(&first, &x);
    let got = run(&last, &swap_last(&x, 2, 3, w.input_size()));
    assert_eq!(got.0, swap_last(&out, 2, 3, w.output_size()));
    assert_eq!(got.1, swap_last(&dx, 2, 3, w.input_size()));
}
