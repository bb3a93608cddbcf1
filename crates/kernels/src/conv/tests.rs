use super::*;
use crate::layout::swap_last;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, doubles, noise};
use rsym_tensor::{bf16, f16};

/// Calls `f(data index, weight index, output index)` for every product that the convolution sums.
pub(super) fn for_products(g: &ConvGeometry, mut f: impl FnMut(usize, usize, usize)) {
    let w = &g.window;
    let (gc, gf) = (g.group_channels(), g.group_filters());
    for n in 0..g.batch {
        for filter in 0..g.filters {
            for c in 0..gc {
                for p in 0..w.output_size() {
                    for t in 0..w.taps() {
                        let [_, h, width] = w.output;
                        let (at, tap) = ([p / (h * width), p / width % h, p % width], w.tap(t));
                        let [z, y, x] = [0, 1, 2].map(|d| w.source(d, at[d], tap[d]));
                        let (Some(z), Some(y), Some(x)) = (z, y, x) else { continue };
                        let channel = filter / gf * gc + c;
                        let plane = (n * g.channels + channel) * w.input_size();
                        f(
                            plane + (z * w.input[1] + y) * w.input[2] + x,
                            (filter * gc + c) * w.taps() + t,
                            (n * g.filters + filter) * w.output_size() + p,
                        );
                    }
                }
            }
        }
    }
}

pub(super) fn geometry(dims: (usize, usize, usize, usize), window: Window) -> ConvGeometry {
    let (batch, channels, filters, groups) = dims;
    ConvGeometry { batch, channels, filters, groups, window, channels_last: false }
}

fn geometries() -> Vec<ConvGeometry> {
    vec![
        geometry((2, 3, 5, 1), Window::new(&[17], &[3], &[2], &[1], &[1])),
        geometry((1, 1, 1, 1), Window::new(&[1], &[1], &[], &[], &[])),
        geometry((2, 4, 6, 2), Window::new(&[7, 8], &[3, 2], &[1, 2], &[2, 1], &[2, 0])),
        geometry((3, 7, 9, 1), Window::new(&[5, 3], &[1, 1], &[], &[], &[])),
        geometry((3, 8, 4, 4), Window::new(&[5, 3], &[1, 1], &[], &[], &[])),
        geometry((2, 7, 7, 7), Window::new(&[9, 8], &[3, 3], &[1, 1], &[1, 1], &[1, 1])),
        geometry((2, 5, 5, 5), Window::new(&[9, 8], &[3, 3], &[2, 2], &[1, 1], &[1, 1])),
        geometry((2, 3, 6, 3), Window::new(&[6, 6], &[3, 3], &[1, 1], &[1, 1], &[1, 1])),
        geometry((1, 3, 4, 1), Window::new(&[4, 5, 6], &[2, 3, 3], &[1, 2, 1], &[1, 1, 2], &[1, 0, 2])),
        geometry((1, 33, 16, 1), Window::new(&[15, 16], &[3, 3], &[1, 1], &[1, 1], &[1, 1])),
        geometry((1, 2, 3, 1), Window::new(&[4, 4], &[1, 1], &[2, 2], &[], &[])),
        geometry((5, 6, 7, 1), Window::new(&[6, 5], &[3, 2], &[2, 1], &[1, 2], &[1, 1])),
        geometry((40, 3, 20, 1), Window::new(&[8, 8], &[5, 5], &[1, 1], &[1, 1], &[2, 2])),
    ]
}

/// Checks the three primitives and the bias in type `T`.
fn check_all<T: Float>(g: &ConvGeometry, tol: f64) {
    let (x, k) = (noise::<T>(g.data_size(), 1), noise::<T>(g.weight_size(), 2));
    let (b, dout) = (noise::<T>(g.filters, 3), noise::<T>(g.output_size(), 4));
    let (xd, kd, bd, dd) = (doubles(&x), doubles(&k), doubles(&b), doubles(&dout));
    let size = g.window.output_size();
    let mut want: Vec<f64> = (0..g.output_size()).map(|i| bd[i / size % g.filters]).collect();
    let (mut want_x, mut want_k) = (vec![0.0; x.len()], vec![0.0; k.len()]);
    for_products(g, |ix, ik, io| {
        want[io] += xd[ix] * kd[ik];
        want_x[ix] += dd[io] * kd[ik];
        want_k[ik] += dd[io] * xd[ix];
    });
    let mut want_b = vec![0.0; g.filters];
    dd.iter().enumerate().for_each(|(i, d)| want_b[i / size % g.filters] += d);

    let nan = |n: usize| vec![T::from_f64(f64::NAN); n];
    let (mut out, mut dx, mut dk, mut db) = (nan(dout.len()), nan(x.len()), nan(k.len()), nan(g.filters));
    conv_forward(g, &x, &k, Some(&b), &mut out);
    conv_backward_data(g, &k, &dout, &mut dx);
    conv_backward_weight(g, &x, &dout, &mut dk);
    conv_backward_bias(g, &dout, &mut db);
    assert_close(&out, &want, tol);
    assert_close(&dx, &want_x, tol);
    assert_close(&dk, &want_k, tol * 4.0);
    assert_close(&db, &want_b, tol);
}

#[test]
fn convolutions_match_the_plain_sums() {
    for g in geometries() {
        check_all::<f32>(&g, 1e-5);
        check_all::<f64>(&g, 1e-12);
    }
}

#[test]
fn half_precision_convolutions_round_once() {
    check_all::<f16>(&geometries()[2], 2e-3);
    check_all::<bf16>(&geometries()[5], 2e-2);
}

#[test]
fn odd_channel_counts_match() {
    for c in [1, 3, 7, 8, 15, 16, 17, 33] {
        for f in [1, 8, 17] {
            check_all::<f32>(&geometry((2, c, f, 1), Window::new(&[6, 5], &[3, 3], &[1, 1], &[1, 1], &[1, 1])), 1e-5);
        }
    }
}

/// Shapes that take each parallel path: tiles, one large product, pointwise, depthwise, shares of the batch, blocked tensors.
fn large_geometries() -> Vec<ConvGeometry> {
    let pad1 = |size: &[usize]| Window::new(size, &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
    vec![
        geometry((1, 24, 32, 1), pad1(&[40, 41])),
        geometry((1, 128, 64, 1), pad1(&[7, 7])),
        geometry((2, 64, 96, 1), Window::new(&[20, 20], &[1, 1], &[], &[], &[])),
        geometry((2, 32, 32, 32), pad1(&[30, 30])),
        geometry((10, 1, 8, 1), Window::new(&[28, 28], &[5, 5], &[], &[], &[])),
        geometry((2, 3, 32, 1), Window::new(&[40, 40], &[7, 7], &[2, 2], &[1, 1], &[3, 3])),
        geometry((2, 48, 32, 1), Window::new(&[30, 31], &[3, 3], &[2, 2], &[1, 1], &[1, 1])),
    ]
}

#[test]
fn large_convolutions_are_the_same_for_every_thread_count() {
    for g in large_geometries() {
        check_all::<f32>(&g, 1e-4);
        let (x, k) = (noise::<f32>(g.data_size(), 1), noise::<f32>(g.weight_size(), 2));
        let dout = noise::<f32>(g.output_size(), 4);
        same_for_threads(|| {
            let (mut out, mut dx, mut dk) = (vec![0f32; dout.len()], vec![0f32; x.len()], vec![0f32; k.len()]);
            conv_forward(&g, &x, &k, None, &mut out);
            conv_backward_data(&g, &k, &dout, &mut dx);
            conv_backward_weight(&g, &x, &dout, &mut dk);
            (out, dx, dk)
        });
    }
}

#[test]
fn channels_last_is_the_transposed_problem() {
    let first = geometries()[2].clone();
    let last = ConvGeometry { channels_last: true, ..first.clone() };
    let (taps, inside, outside) = (first.window.taps(), first.window.input_size(), first.window.output_size());
    let x = noise::<f32>(first.data_size(), 1);
    let k = noise::<f32>(first.weight_size(), 2);
    let dout = noise::<f32>(first.output_size(), 3);
    let x_last = swap_last(&x, first.batch, first.channels, inside);
    let k_last = swap_last(&k, first.filters, first.group_channels(), taps);
    let dout_last = swap_last(&dout, first.batch, first.filters, outside);
    let run = |g: &ConvGeometry, x: &[f32], k: &[f32], dout: &[f32]| {
        let (mut out, mut dx, mut dk) = (vec![0f32; dout.len()], vec![0f32; x.len()], vec![0f32; k.len()]);
        conv_forward(g, x, k, Some(&[0.5, 1.0, 2.0, 3.0, 4.0, 5.0]), &mut out);
        conv_backward_data(g, k, dout, &mut dx);
        conv_backward_weight(g, x, dout, &mut dk);
        (out, dx, dk)
    };
    let (out, dx, dk) = run(&first, &x, &k, &dout);
    let got = run(&last, &x_last, &k_last, &dout_last);
    assert_eq!(got.0, swap_last(&out, first.batch, first.filters, outside));
    assert_eq!(got.1, swap_last(&dx, first.batch, first.channels, inside));
    assert_eq!(got.2, swap_last(&dk, first.filters, first.group_channels(), taps));
}

#[test]
fn transposed_convolution_spreads_the_data() {
    let dims = (2, 4, 6, 2);
    let g = ConvGeometry::transposed(dims, &[5, 4], (&[3, 2], &[2, 3], &[1, 2]), (&[1, 0], &[1, 2]), false);
    assert_eq!(g.window.input, [1, 2 * 4 + 3 - 2 + 1, 3 * 3 + 3 + 2]);
    let (x, k) = (noise::<f32>(g.output_size(), 1), noise::<f32>(g.weight_size(), 2));
    let (b, dout) = (noise::<f32>(6, 3), noise::<f32>(g.data_size(), 4));
    let size = g.window.input_size();
    let mut want: Vec<f64> = (0..g.data_size()).map(|i| b[i / size % 6] as f64).collect();
    let (mut want_x, mut want_k) = (vec![0.0; x.len()], vec![0.0; k.len()]);
    for_products(&g, |io, ik, ix| {
        want[io] += x[ix] as f64 * k[ik] as f64;
        want_x[ix] += dout[io] as f64 * k[ik] as f64;
        want_k[ik] += dout[io] as f64 * x[ix] as f64;
    });
    let (mut out, mut dx, mut dk, mut db) =
        (vec![0f32; dout.len()], vec![0f32; x.len()], vec![0f32; k.len()], [0f32; 6]);
    deconv_forward(&g, &x, &k, Some(&b), &mut out);
    deconv_backward_data(&g, &k, &dout, &mut dx);
    deconv_backward_weight(&g, &x, &dout, &mut dk);
    deconv_backward_bias(&g, &dout, &mut db);
    assert_close(&out, &want, 1e-5);
    assert_close(&dx, &want_x, 1e-5);
    assert_close(&dk, &want_k, 1e-5);
    let mut want_b = vec![0.0; 6];
    dout.iter().enumerate().for_each(|(i, d)| want_b[i / size % 6] += *d as f64);
    assert_close(&db, &want_b, 1e-5);
}

#[test]
fn an_empty_batch_gives_zero_gradients() {
    let g = geometry((0, 2, 3, 1), Window::new(&[4, 4], &[3, 3], &[1, 1], &[1, 1], &[1, 1]));
    let mut dk = vec![1f32; g.weight_size()];
    conv_backward_weight::<f32>(&g, &[], &[], &mut dk);
    assert!(dk.iter().all(|&v| v == 0.0));
    conv_forward::<f32>(&g, &[], &dk, None, &mut []);
}
