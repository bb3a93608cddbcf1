use super::*;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, doubles, noise};
use crate::simd::{available, with_tier};
use rsym_tensor::f16;

const SIZES: [usize; 8] = [1, 3, 7, 8, 15, 16, 17, 33];

fn kinds() -> Vec<Softmax> {
    let plain = Softmax::default();
    vec![
        plain,
        Softmax { log: true, ..plain },
        Softmax { negate: true, temperature: 2.5, ..plain },
        Softmax { log: true, negate: true, temperature: 0.5 },
    ]
}

/// The index of element `i` of line `r`.
fn at(dims: AxisDims, r: usize, i: usize) -> usize {
    (r / dims.inner * dims.axis + i) * dims.inner + r % dims.inner
}

fn naive(dims: AxisDims, kind: Softmax, x: &[f64], length: Option<&[usize]>) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    for r in 0..dims.lines() {
        let n = length.map_or(dims.axis, |l| l[r]);
        let value = |i: usize| if kind.negate { -1.0 } else { 1.0 } * x[at(dims, r, i)] / kind.temperature;
        let total: f64 = (0..n).map(|i| value(i).exp()).sum();
        for i in 0..n {
            out[at(dims, r, i)] = if kind.log { value(i) - total.ln() } else { value(i).exp() / total };
        }
    }
    out
}

fn naive_gradient(dims: AxisDims, kind: Softmax, x: &[f64], dout: &[f64], length: Option<&[usize]>) -> Vec<f64> {
    let prob = naive(dims, Softmax { log: false, ..kind }, x, length);
    let factor = if kind.negate { -1.0 } else { 1.0 } / kind.temperature;
    let mut dx = vec![0.0; x.len()];
    for r in 0..dims.lines() {
        let n = length.map_or(dims.axis, |l| l[r]);
        for i in 0..n {
            for j in 0..n {
                let (p, g, same) = (at(dims, r, i), at(dims, r, j), (i == j) as u8 as f64);
                let slope = if kind.log { same - prob[p] } else { prob[g] * (same - prob[p]) };
                dx[p] += dout[g] * slope * factor;
            }
        }
    }
    dx
}

fn check<T: Float>(dims: AxisDims, kind: Softmax, length: Option<&[usize]>, tol: f64) {
    let x: Vec<T> = noise::<f64>(dims.size(), 1).iter().map(|v| T::from_f64(8.0 * v)).collect();
    let dout = noise::<T>(dims.size(), 2);
    let (mut out, mut dx) = (vec![T::from_f64(9.0); x.len()], vec![T::from_f64(9.0); x.len()]);
    softmax(dims, kind, &x, length, &mut out);
    softmax_backward(dims, kind, (&out, &dout), length, &mut dx);
    assert_close(&out, &naive(dims, kind, &doubles(&x), length), tol);
    assert_close(&dx, &naive_gradient(dims, kind, &doubles(&x), &doubles(&dout), length), 4.0 * tol);
}

#[test]
fn softmax_matches_the_definition() {
    for kind in kinds() {
        for &n in &SIZES {
            for dims in [(3, n, 1), (2, n, 3), (n, 5, 1), (1, 4, n)] {
                let dims = AxisDims { outer: dims.0, axis: dims.1, inner: dims.2 };
                check::<f32>(dims, kind, None, 1e-6);
                check::<f64>(dims, kind, None, 1e-12);
            }
        }
        check::<f16>(AxisDims { outer: 2, axis: 9, inner: 1 }, kind, None, 8e-3);
    }
}

#[test]
fn columns_match_the_definition_on_every_tier() {
    for tier in available() {
        with_tier(tier, || {
            for dims in [(2, 3, 8), (1, 150, 17), (1, 300, 70), (2, 1, 33), (3, 0, 9)] {
                let dims = AxisDims { outer: dims.0, axis: dims.1, inner: dims.2 };
                kinds().into_iter().for_each(|kind| check::<f32>(dims, kind, None, 1e-6));
            }
        });
    }
}

#[test]
fn elements_behind_the_length_are_zero() {
    for kind in kinds() {
        check::<f32>(AxisDims { outer: 4, axis: 5, inner: 1 }, kind, Some(&[0, 1, 3, 5]), 1e-6);
        check::<f32>(AxisDims { outer: 1, axis: 5, inner: 3 }, kind, Some(&[2, 5, 0]), 1e-6);
    }
}

#[test]
fn huge_values_do_not_overflow() {
    let dims = AxisDims { outer: 1, axis: 3, inner: 1 };
    let mut out = [0f32; 3];
    softmax(dims, Softmax::default(), &[1e30, 1e30, -1e30], None, &mut out);
    assert_eq!(out, [0.5, 0.5, 0.0]);
    softmax(dims, kinds()[1], &[1000.0, 1000.0, 0.0], None, &mut out);
    assert_close(&out, &[-(2f64.ln()), -(2f64.ln()), -1000.0 - 2f64.ln()], 1e-6);
}

#[test]
fn large_softmax_is_the_same_for_every_thread_count() {
    for dims in [(400, 333, 1), (3, 21, 900)] {
        let dims = AxisDims { outer: dims.0, axis: dims.1, inner: dims.2 };
        let x = noise::<f32>(dims.size(), 1);
        for kind in kinds() {
            same_for_threads(|| {
                let (mut out, mut dx) = (x.clone(), x.clone());
                softmax(dims, kind, &x, None, &mut out);
                softmax_backward(dims, kind, (&out, &x), None, &mut dx);
                (out, dx)
            });
        }
    }
}

const LOSS: SoftmaxLoss = SoftmaxLoss {
    grad_scale: 1.0,
    ignore_label: -1.0,
    use_ignore: false,
    normalization: Normalization::Null,
    smooth_alpha: 0.0,
};

fn loss(dims: AxisDims, loss: SoftmaxLoss, label: &[f32], head: Option<&[f32]>) -> Vec<f32> {
    let prob: Vec<f32> = (0..dims.size()).map(|i| (i + 1) as f32).collect();
    let mut dx = vec![9f32; prob.len()];
    softmax_loss_backward(dims, &loss, (&prob, label), head, &mut dx);
    dx
}

#[test]
fn loss_gradient_subtracts_the_label() {
    let dims = AxisDims { outer: 2, axis: 3, inner: 1 };
    assert_eq!(loss(dims, LOSS, &[0.0, 2.9], None), [0.0, 2.0, 3.0, 4.0, 5.0, 5.0]);
    assert_eq!(loss(dims, LOSS, &[7.0, -1.0], None), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let ignore = SoftmaxLoss { use_ignore: true, grad_scale: 2.0, ..LOSS };
    assert_eq!(loss(dims, ignore, &[1.0, -1.0], None), [2.0, 2.0, 6.0, 0.0, 0.0, 0.0]);
    let head = [1.0, 0.5, 0.0, 2.0, 2.0, 2.0];
    assert_eq!(loss(dims, LOSS, &[0.0, 1.0], Some(&head)), [0.0, 1.0, 0.0, 8.0, 8.0, 12.0]);
}

#[test]
fn loss_gradient_is_divided_as_asked() {
    let dims = AxisDims { outer: 2, axis: 1, inner: 2 };
    let with = |normalization| SoftmaxLoss { normalization, use_ignore: true, ..LOSS };
    let label = [-1.0, 5.0, 5.0, 5.0];
    assert_eq!(loss(dims, with(Normalization::Null), &label, None), [0.0, 1.0, 1.5, 2.0]);
    assert_eq!(loss(dims, with(Normalization::Batch), &label, None), [0.0, 0.5, 0.75, 1.0]);
    assert_close(&loss(dims, with(Normalization::Valid), &label, None), &[0.0, 2.0 / 3.0, 1.0, 4.0 / 3.0], 1e-7);
    assert_eq!(loss(dims, with(Normalization::Valid), &[-1.0; 4], None), [0.0; 4]);
}

#[test]
fn smoothing_shares_the_label_among_the_others() {
    let dims = AxisDims { outer: 1, axis: 3, inner: 1 };
    let smooth = SoftmaxLoss { smooth_alpha: 0.5, ..LOSS };
    assert_eq!(loss(dims, smooth, &[1.0], None), [0.75, 1.5, 2.75]);
}

#[test]
fn positions_keep_their_own_labels() {
    let dims = AxisDims { outer: 1, axis: 2, inner: 2 };
    let loss = loss(dims, SoftmaxLoss { grad_scale: 2.0, ..LOSS }, &[0.0, 1.0], None);
    assert_eq!(loss, [0.0, 2.0, 3.0, 3.0]);
}

#[test]
fn probabilities_are_subtracted() {
    let mut dx = [0f32; 2];
    probability_loss_backward(2.0, (&[0.5, 0.5], &[0.25, 0.75]), Some(&[1.0, 3.0]), &mut dx);
    assert_eq!(dx, [0.5, -1.5]);
}
