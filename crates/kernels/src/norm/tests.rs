use super::*;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, doubles, noise};
use rsym_tensor::{Float, f16};

const SIZES: [usize; 8] = [1, 3, 7, 8, 15, 16, 17, 33];

/// The derivative of `sum(f(x) * dout)` by every element of `x`, by central differences.
fn slopes(x: &[f64], dout: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let loss = |x: &[f64]| f(x).iter().zip(dout).map(|(a, b)| a * b).sum::<f64>();
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let (at, h) = (x[i], 1e-5);
            x[i] = at + h;
            let above = loss(&x);
            x[i] = at - h;
            let below = loss(&x);
            x[i] = at;
            (above - below) / (2.0 * h)
        })
        .collect()
}

/// Normalises groups of elements: `group(i)` names the statistics of element i, `param(i)` its gamma and beta.
fn naive(
    x: &[f64],
    group: impl Fn(usize) -> usize,
    param: impl Fn(usize) -> usize,
    (gamma, beta): (&[f64], &[f64]),
    eps: f64,
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let groups = (0..x.len()).map(&group).max().unwrap() + 1;
    let (mut n, mut mean, mut var) = (vec![0.0; groups], vec![0.0; groups], vec![0.0; groups]);
    (0..x.len()).for_each(|i| n[group(i)] += 1.0);
    (0..x.len()).for_each(|i| mean[group(i)] += x[i] / n[group(i)]);
    (0..x.len()).for_each(|i| var[group(i)] += (x[i] - mean[group(i)]).powi(2) / n[group(i)]);
    let value = |i: usize| (x[i] - mean[group(i)]) / (var[group(i)] + eps).sqrt() * gamma[param(i)] + beta[param(i)];
    ((0..x.len()).map(value).collect(), mean, var)
}

struct Batch<T: Float> {
    out: Vec<T>,
    mean: Vec<T::Compute>,
    var: Vec<T::Compute>,
    inv_std: Vec<T::Compute>,
}

fn train<T: Float>(dims: AxisDims, x: &[T], gamma: &[T::Compute], beta: &[T::Compute], eps: f64) -> Batch<T> {
    let stats = || vec![T::Compute::default(); dims.axis];
    let mut b = Batch { out: vec![T::default(); x.len()], mean: stats(), var: stats(), inv_std: stats() };
    let stats = BatchStats { mean: &mut b.mean, var: &mut b.var, inv_std: &mut b.inv_std };
    batch_norm_train(dims, x, (Some(gamma), beta), eps, &mut b.out, stats);
    b
}

fn check_batch<T: Float>(dims: AxisDims, tol: f64) {
    let x = noise::<T>(dims.size(), 1);
    let (gamma, beta) = (noise::<T::Compute>(dims.axis, 2), noise::<T::Compute>(dims.axis, 3));
    let channel = |i: usize| i / dims.inner % dims.axis;
    let (xd, gd, bd) = (doubles(&x), doubles(&gamma), doubles(&beta));
    let (want, mean, var) = naive(&xd, channel, channel, (&gd, &bd), 1e-3);
    let got = train(dims, &x, &gamma, &beta, 1e-3);
    assert_close(&got.out, &want, tol);
    assert_close(&got.mean, &mean, tol);
    assert_close(&got.var, &var, tol);
    let inv: Vec<f64> = var.iter().map(|v| 1.0 / (v + 1e-3).sqrt()).collect();
    assert_close(&got.inv_std, &inv, tol);
    let mut out = x.clone();
    batch_norm_inference(dims, &x, (Some(&gamma), &beta), (&got.mean, &got.var), 1e-3, &mut out);
    assert_close(&out, &want, tol);
}

#[test]
fn batch_norm_matches_the_definition() {
    for &n in &SIZES {
        for (outer, axis, inner) in [(n, 5, 1), (2, n, 3), (3, 2, n), (2, 70, 1), (n, 1, 16)] {
            check_batch::<f32>(AxisDims { outer, axis, inner }, 2e-5);
            check_batch::<f64>(AxisDims { outer, axis, inner }, 1e-11);
        }
    }
    check_batch::<f16>(AxisDims { outer: 4, axis: 3, inner: 7 }, 4e-3);
}

#[test]
fn batch_norm_gradients_match_differences() {
    for (outer, axis, inner) in [(3, 2, 4), (5, 3, 1), (1, 2, 17)] {
        let dims = AxisDims { outer, axis, inner };
        let (x, dout) = (noise::<f64>(dims.size(), 1), noise::<f64>(dims.size(), 4));
        let (gamma, beta) = (noise::<f64>(axis, 2), noise::<f64>(axis, 3));
        let forward = train(dims, &x, &gamma, &beta, 1e-2);
        let stats = (&forward.mean[..], &forward.inv_std[..]);
        let (mut dx, mut dgamma, mut dbeta) = (x.clone(), gamma.clone(), beta.clone());
        let back = |batch, dx: &mut Vec<f64>, dgamma: &mut Vec<f64>, dbeta: &mut Vec<f64>| {
            batch_norm_backward(dims, (&x, &dout), Some(&gamma), stats, batch, dx, (dgamma, dbeta));
        };
        back(true, &mut dx, &mut dgamma, &mut dbeta);
        assert_close(&dx, &slopes(&x, &dout, |x| train(dims, x, &gamma, &beta, 1e-2).out), 1e-6);
        assert_close(&dgamma, &slopes(&gamma, &dout, |g| train(dims, &x, g, &beta, 1e-2).out), 1e-6);
        assert_close(&dbeta, &slopes(&beta, &dout, |b| train(dims, &x, &gamma, b, 1e-2).out), 1e-6);
        back(false, &mut dx, &mut dgamma, &mut dbeta);
        let fixed = |x: &[f64]| {
            let mut out = x.to_vec();
            let stats = (&forward.mean[..], &forward.var[..]);
            batch_norm_inference(dims, x, (Some(&gamma), &beta), stats, 1e-2, &mut out);
            out
        };
        assert_close(&dx, &slopes(&x, &dout, fixed), 1e-6);
    }
}

#[test]
fn batch_norm_without_gamma_scales_by_one() {
    let dims = AxisDims { outer: 4, axis: 3, inner: 2 };
    let (x, beta) = (noise::<f32>(24, 1), [0.5f32; 3]);
    let (mut a, mut b) = (vec![0f32; 24], vec![0f32; 24]);
    batch_norm_inference(dims, &x, (None, &beta), (&[0.1; 3], &[2.0; 3]), 1e-3, &mut a);
    batch_norm_inference(dims, &x, (Some(&[1.0; 3]), &beta), (&[0.1; 3], &[2.0; 3]), 1e-3, &mut b);
    assert_eq!(a, b);
}

#[test]
fn a_large_mean_does_not_spoil_the_variance() {
    let dims = AxisDims { outer: 64, axis: 1, inner: 100 };
    let x: Vec<f32> = (0..6400).map(|i| 10_000.0 + (i % 2) as f32).collect();
    let got = train::<f32>(dims, &x, &[1.0], &[0.0], 0.0);
    assert_eq!((got.mean[0], got.var[0]), (10_000.5, 0.25));
    assert!(got.out.iter().all(|v| v.abs() == 1.0));
}

#[test]
fn large_batch_norm_is_the_same_for_every_thread_count() {
    for (outer, axis, inner) in [(8, 32, 300), (500, 200, 1)] {
        let dims = AxisDims { outer, axis, inner };
        let (x, dout) = (noise::<f32>(dims.size(), 1), noise::<f32>(dims.size(), 2));
        let gamma = noise::<f32>(axis, 3);
        same_for_threads(|| {
            let f = train(dims, &x, &gamma, &gamma, 1e-3);
            let (mut dx, mut dgamma, mut dbeta) = (x.clone(), gamma.clone(), gamma.clone());
            let out = (&mut dgamma[..], &mut dbeta[..]);
            batch_norm_backward(dims, (&x, &dout), Some(&gamma), (&f.mean, &f.inv_std), true, &mut dx, out);
            (f.out, dx, dgamma, dbeta)
        });
    }
}

fn layer<T: Float>(dims: AxisDims, x: &[T], gamma: &[T], beta: &[T]) -> (Vec<T>, Vec<T>, Vec<T>) {
    let stats = || vec![T::default(); dims.lines()];
    let (mut out, mut mean, mut std) = (x.to_vec(), stats(), stats());
    layer_norm(dims, x, (gamma, beta), 1e-5, &mut out, (&mut mean, &mut std));
    (out, mean, std)
}

fn check_layer<T: Float>(dims: AxisDims, tol: f64) {
    let (x, gamma, beta) = (noise::<T>(dims.size(), 1), noise::<T>(dims.axis, 2), noise::<T>(dims.axis, 3));
    let line = |i: usize| i / dims.inner / dims.axis * dims.inner + i % dims.inner;
    let params = (&doubles(&gamma)[..], &doubles(&beta)[..]);
    let (want, mean, var) = naive(&doubles(&x), line, |i| i / dims.inner % dims.axis, params, 1e-5);
    let std: Vec<f64> = var.iter().map(|v| (v + 1e-5).sqrt()).collect();
    let got = layer(dims, &x, &gamma, &beta);
    assert_close(&got.0, &want, tol);
    assert_close(&got.1, &mean, tol);
    assert_close(&got.2, &std, tol);
}

#[test]
fn layer_norm_matches_the_definition() {
    for &n in &SIZES {
        for (outer, axis, inner) in [(n, 9, 1), (2, n.max(2), 3), (1, 7, n)] {
            check_layer::<f32>(AxisDims { outer, axis, inner }, 1e-4);
            check_layer::<f64>(AxisDims { outer, axis, inner }, 1e-10);
        }
    }
    check_layer::<f16>(AxisDims { outer: 3, axis: 17, inner: 1 }, 1e-2);
}

#[test]
fn layer_norm_gradients_match_differences() {
    for (outer, axis, inner) in [(3, 5, 1), (2, 4, 3)] {
        let dims = AxisDims { outer, axis, inner };
        let (x, dout) = (noise::<f64>(dims.size(), 1), noise::<f64>(dims.size(), 4));
        let (gamma, beta) = (noise::<f64>(axis, 2), noise::<f64>(axis, 3));
        let (_, mean, std) = layer(dims, &x, &gamma, &beta);
        let (mut dx, mut dgamma, mut dbeta) = (x.clone(), gamma.clone(), beta.clone());
        layer_norm_backward(dims, (&x, &dout), &gamma, (&mean, &std), &mut dx, (&mut dgamma, &mut dbeta));
        assert_close(&dx, &slopes(&x, &dout, |x| layer(dims, x, &gamma, &beta).0), 1e-6);
        assert_close(&dgamma, &slopes(&gamma, &dout, |g| layer(dims, &x, g, &beta).0), 1e-6);
        assert_close(&dbeta, &slopes(&beta, &dout, |b| layer(dims, &x, &gamma, b).0), 1e-6);
    }
}

fn group<T: Float>(rows: usize, x: &[T], gamma: &[T], beta: &[T]) -> (Vec<T>, Vec<T>, Vec<T>) {
    let (mut out, mut mean, mut std) = (x.to_vec(), vec![T::default(); rows], vec![T::default(); rows]);
    group_norm(rows, x, (gamma, beta), 1e-3, &mut out, (&mut mean, &mut std));
    (out, mean, std)
}

#[test]
fn group_norm_matches_the_definition_and_differences() {
    for &len in &SIZES {
        let (rows, period) = (6, 3);
        let (x, dout) = (noise::<f64>(rows * len, 1), noise::<f64>(rows * len, 4));
        let (gamma, beta) = (noise::<f64>(period, 2), noise::<f64>(period, 3));
        let (out, mean, std) = group(rows, &x, &gamma, &beta);
        let want = naive(&x, |i| i / len, |i| i / len % period, (&gamma, &beta), 1e-3);
        assert_close(&out, &want.0, 1e-11);
        assert_close(&mean, &want.1, 1e-12);
        let (mut dx, mut dgamma, mut dbeta) = (x.clone(), gamma.clone(), beta.clone());
        group_norm_backward(rows, (&x, &dout), &gamma, (&mean, &std), &mut dx, (&mut dgamma, &mut dbeta));
        assert_close(&dx, &slopes(&x, &dout, |x| group(rows, x, &gamma, &beta).0), 1e-6);
        assert_close(&dgamma, &slopes(&gamma, &dout, |g| group(rows, &x, g, &beta).0), 1e-6);
        assert_close(&dbeta, &slopes(&beta, &dout, |b| group(rows, &x, &gamma, b).0), 1e-6);
    }
}

#[test]
fn large_row_norms_are_the_same_for_every_thread_count() {
    let dims = AxisDims { outer: 300, axis: 257, inner: 1 };
    let (x, dout) = (noise::<f32>(dims.size(), 1), noise::<f32>(dims.size(), 2));
    let gamma = noise::<f32>(dims.axis, 3);
    same_for_threads(|| {
        let (out, mean, std) = layer(dims, &x, &gamma, &gamma);
        let (mut dx, mut dgamma, mut dbeta) = (x.clone(), gamma.clone(), gamma.clone());
        layer_norm_backward(dims, (&x, &dout), &gamma, (&mean, &std), &mut dx, (&mut dgamma, &mut dbeta));
        let other = group(300, &x, &gamma[..100], &gamma[..100]);
        (out, dx, dgamma, dbeta, other)
    });
}

fn unit<T: Float>(dims: AxisDims, x: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut out, mut norm) = (x.to_vec(), vec![T::default(); dims.lines()]);
    l2_normalize(dims, x, 1e-10, &mut out, &mut norm);
    (out, norm)
}

#[test]
fn l2_normalization_matches_the_definition_and_differences() {
    for &n in &SIZES {
        for (outer, axis, inner) in [(2, n, 1), (2, 3, n), (n, 2, 2)] {
            let dims = AxisDims { outer, axis, inner };
            let (x, dout) = (noise::<f64>(dims.size(), 1), noise::<f64>(dims.size(), 2));
            let (out, norm) = unit(dims, &x);
            let line = |i: usize| i / inner / axis * inner + i % inner;
            let mut squares = vec![1e-10; dims.lines()];
            x.iter().enumerate().for_each(|(i, v)| squares[line(i)] += v * v);
            let want: Vec<f64> = x.iter().enumerate().map(|(i, v)| v / squares[line(i)].sqrt()).collect();
            assert_close(&out, &want, 1e-12);
            let mut dx = x.clone();
            l2_normalize_backward(dims, (&out, &norm), &dout, &mut dx);
            assert_close(&dx, &slopes(&x, &dout, |x| unit(dims, x).0), 1e-5);
        }
    }
}

#[test]
fn l2_normalization_of_zeros_multiplies_the_gradient() {
    let dims = AxisDims { outer: 1, axis: 2, inner: 1 };
    let (out, norm) = unit(dims, &[0f32, 0.0]);
    let mut dx = [0f32; 2];
    l2_normalize_backward(dims, (&out, &norm), &[1.0, -2.0], &mut dx);
    assert_close(&dx, &[1e5, -2e5], 1e-6);
}

fn local<T: Float>(g: &LrnGeometry, x: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut out, mut norm) = (x.to_vec(), x.to_vec());
    lrn(g, x, &mut out, &mut norm);
    (out, norm)
}

#[test]
fn local_response_matches_the_definition_and_differences() {
    for (channels, size, nsize, beta) in
        [(7, 3, 5, 0.75), (3, 1, 3, 0.5), (4, 2, 1, 0.75), (8, 2, 4, 1.5), (1, 5, 5, 0.75)]
    {
        let g = LrnGeometry { batch: 2, channels, size, nsize, alpha: 0.3, beta, knorm: 2.0 };
        let n = 2 * channels * size;
        let (x, dout) = (noise::<f64>(n, 1), noise::<f64>(n, 2));
        let (out, norm) = local(&g, &x);
        let value = |i: usize| {
            let (image, c) = (i / (channels * size), (i / size % channels) as isize);
            let first = c - nsize as isize / 2;
            let near = (first..first + nsize as isize).filter(|&c| c >= 0 && c < channels as isize);
            let sum: f64 = near.map(|c| x[(image * channels + c as usize) * size + i % size].powi(2)).sum();
            x[i] * (2.0 + 0.3 / nsize as f64 * sum).powf(-beta)
        };
        assert_close(&out, &(0..n).map(value).collect::<Vec<_>>(), 1e-12);
        let mut dx = x.clone();
        lrn_backward(&g, (&x, &norm), &dout, &mut dx);
        assert_close(&dx, &slopes(&x, &dout, |x| local(&g, x).0), 1e-6);
    }
}

#[test]
fn large_local_response_is_the_same_for_every_thread_count() {
    let g = LrnGeometry { batch: 2, channels: 24, size: 500, nsize: 5, alpha: 1e-4, beta: 0.75, knorm: 2.0 };
    let x = noise::<f32>(24_000, 1);
    same_for_threads(|| {
        let (out, norm) = local(&g, &x);
        let mut dx = x.clone();
        lrn_backward(&g, (&x, &norm), &out, &mut dx);
        (out, dx)
    });
}
