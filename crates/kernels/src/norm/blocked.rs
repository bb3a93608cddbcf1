//! Batch normalisation of blocked tensors, `[batch, channels / 16, spatial.., 16]`.
//!
//! Dimensions are `[batch, channels, spatial]`, with channels a multiple of 16; statistics and parameters are
//! `[channels]` and the same as those of [`super::batch_norm_train`]. A rectification may be part of it: negative
//! outputs become 0, and the gradient of what became 0 is none.

use super::batch::BatchStats;
use super::single::{self, Layout};
use crate::layout::AxisDims;

/// Normalises with the statistics of the batch, which are also returned. `gamma` of `None` is ones.
///
/// # Panics
/// When a slice has another size than `dims` says, or channels are no multiple of 16.
pub fn batch_norm_train(
    dims: AxisDims,
    x: &[f32],
    (gamma, beta): (Option<&[f32]>, &[f32]),
    eps: f64,
    relu: bool,
    out: &mut [f32],
    stats: BatchStats<f32>,
) {
    single::train(Layout::blocked(dims), x, (gamma, beta), eps, relu, out, stats);
}

/// Normalises with given statistics. `gamma` of `None` is ones.
///
/// # Panics
/// As [`batch_norm_train`].
pub fn batch_norm_inference(
    dims: AxisDims,
    x: &[f32],
    (gamma, beta): (Option<&[f32]>, &[f32]),
    (mean, var): (&[f32], &[f32]),
    eps: f64,
    relu: bool,
    out: &mut [f32],
) {
    single::infer(Layout::blocked(dims), x, (gamma, beta), (mean, var), eps, relu, out);
}

/// The gradients with respect to data, gamma and beta; `relu` is the `beta` of a forward pass with rectification.
/// With `batch_stats` the statistics are those of this batch and depend on the data; without they are constants.
///
/// # Panics
/// As [`batch_norm_train`].
pub fn batch_norm_backward(
    dims: AxisDims,
    (x, dout): (&[f32], &[f32]),
    (gamma, relu): (Option<&[f32]>, Option<&[f32]>),
    (mean, inv_std): (&[f32], &[f32]),
    batch_stats: bool,
    dx: &mut [f32],
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let layout = Layout::blocked(dims);
    single::gradient(layout, (x, dout), (gamma, relu), (mean, inv_std), batch_stats, dx, (dgamma, dbeta));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::swap_last;
    use crate::norm;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, doubles, noise};
    use crate::simd::{available, with_tier};

    /// Output, mean, variance, inverse deviation; gradients of data, gamma, beta.
    type All = (Vec<f32>, [Vec<f32>; 3], Vec<f32>, [Vec<f32>; 2]);

    fn dims(outer: usize, axis: usize, inner: usize) -> AxisDims {
        AxisDims { outer, axis, inner }
    }

    fn blocked(d: AxisDims, x: &[f32]) -> Vec<f32> {
        swap_last(x, d.outer * d.axis / 16, 16, d.inner)
    }

    fn plain(d: AxisDims, x: &[f32]) -> Vec<f32> {
        swap_last(x, d.outer * d.axis / 16, d.inner, 16)
    }

    /// Everything on blocked tensors.
    fn run(d: AxisDims, x: &[f32], dout: &[f32], gamma: Option<&[f32]>, beta: &[f32], relu: bool) -> All {
        let (mut out, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        let [mut mean, mut var, mut inv_std] = [(); 3].map(|_| vec![f32::NAN; d.axis]);
        let [mut dgamma, mut dbeta] = [(); 2].map(|_| vec![f32::NAN; d.axis]);
        let stats = BatchStats { mean: &mut mean, var: &mut var, inv_std: &mut inv_std };
        batch_norm_train(d, x, (gamma, beta), 1e-3, relu, &mut out, stats);
        let (gamma, stats) = ((gamma, relu.then_some(beta)), (&mean[..], &inv_std[..]));
        batch_norm_backward(d, (x, dout), gamma, stats, true, &mut dx, (&mut dgamma, &mut dbeta));
        (out, [mean, var, inv_std], dx, [dgamma, dbeta])
    }

    /// The same in double precision on planes, the rectification apart.
    fn twin(d: AxisDims, x: &[f32], dout: &[f32], gamma: Option<&[f32]>, beta: &[f32], relu: bool) -> [Vec<f64>; 7] {
        let (x, mut dout, gamma, beta) = (doubles(x), doubles(dout), gamma.map(doubles), doubles(beta));
        let (mut out, mut dx) = (x.clone(), x.clone());
        let [mut mean, mut var, mut inv_std, mut dgamma, mut dbeta] = [(); 5].map(|_| vec![0.0; d.axis]);
        let stats = BatchStats { mean: &mut mean, var: &mut var, inv_std: &mut inv_std };
        norm::batch_norm_train(d, &x, (gamma.as_deref(), &beta), 1e-3, &mut out, stats);
        if relu {
            dout.iter_mut().zip(&out).for_each(|(g, &y)| *g = if y > 0.0 { *g } else { 0.0 });
            out.iter_mut().for_each(|y| *y = y.max(0.0));
        }
        let back = (&mut dgamma[..], &mut dbeta[..]);
        norm::batch_norm_backward(d, (&x, &dout), gamma.as_deref(), (&mean, &inv_std), true, &mut dx, back);
        [out, mean, var, inv_std, dx, dgamma, dbeta]
    }

    fn check(d: AxisDims, relu: bool, fixed: bool) {
        let (x, dout) = (noise::<f32>(d.size(), 1), noise::<f32>(d.size(), 2));
        let (gamma, beta) = (noise::<f32>(d.axis, 3), noise::<f32>(d.axis, 4));
        let gamma = (!fixed).then_some(&gamma[..]);
        let [out, mean, var, inv_std, dx, dgamma, dbeta] = twin(d, &x, &dout, gamma, &beta, relu);
        let (x, dout) = (blocked(d, &x), blocked(d, &dout));
        for tier in available() {
            let got = with_tier(tier, || run(d, &x, &dout, gamma, &beta, relu));
            assert_close(&plain(d, &got.0), &out, 2e-5);
            [mean.clone(), var.clone(), inv_std.clone()].iter().zip(&got.1).for_each(|(w, g)| assert_close(g, w, 1e-6));
            assert_close(&plain(d, &got.2), &dx, 1e-4);
            [&dgamma, &dbeta].iter().zip(&got.3).for_each(|(w, g)| assert_close(g, w, 2e-5));
        }
    }

    #[test]
    fn blocked_batch_norm_is_that_of_planes_in_double_precision() {
        for (batch, channels, size) in [(3, 16, 7), (2, 48, 33), (1, 32, 1), (5, 16, 300), (1, 16, 5000), (3, 16, 8200)]
        {
            check(dims(batch, channels, size), false, false);
            check(dims(batch, channels, size), true, true);
        }
    }

    #[test]
    fn single_precision_planes_match_double_precision_on_every_tier() {
        for (outer, axis, inner) in [(3, 5, 49), (2, 3, 16), (40, 21, 1), (9, 4, 5), (2, 1, 70_001), (5000, 3, 2)] {
            let d = dims(outer, axis, inner);
            let (x, dout) = (noise::<f32>(d.size(), 1), noise::<f32>(d.size(), 2));
            let (gamma, beta) = (noise::<f32>(axis, 3), noise::<f32>(axis, 4));
            let [out, mean, var, inv_std, dx, dgamma, dbeta] = twin(d, &x, &dout, Some(&gamma), &beta, false);
            for tier in available() {
                let (mut got, mut got_dx) = (x.clone(), x.clone());
                let [mut m, mut v, mut i, mut dg, mut db] = [(); 5].map(|_| vec![f32::NAN; axis]);
                with_tier(tier, || {
                    let stats = BatchStats { mean: &mut m, var: &mut v, inv_std: &mut i };
                    norm::batch_norm_train(d, &x, (Some(&gamma), &beta), 1e-3, &mut got, stats);
                    let back = (&mut dg[..], &mut db[..]);
                    norm::batch_norm_backward(d, (&x, &dout), Some(&gamma), (&m, &i), true, &mut got_dx, back);
                });
                assert_close(&got, &out, 2e-5);
                assert_close(&got_dx, &dx, 1e-4);
                let pairs = [(&m, &mean), (&v, &var), (&i, &inv_std), (&dg, &dgamma), (&db, &dbeta)];
                pairs.iter().for_each(|(got, want)| assert_close(got, want, 2e-5));
            }
        }
    }

    #[test]
    fn blocked_inference_uses_the_given_statistics() {
        let d = dims(2, 32, 9);
        let (x, gamma, beta) = (noise::<f32>(d.size(), 1), noise::<f32>(32, 2), noise::<f32>(32, 3));
        let (mean, var) = (noise::<f32>(32, 4), vec![0.5f32; 32]);
        let mut want = x.clone();
        norm::batch_norm_inference(d, &x, (Some(&gamma), &beta), (&mean, &var), 1e-3, &mut want);
        for tier in available() {
            let mut out = x.clone();
            let x = blocked(d, &x);
            with_tier(tier, || {
                batch_norm_inference(d, &x, (Some(&gamma), &beta), (&mean, &var), 1e-3, false, &mut out)
            });
            assert_close(&plain(d, &out), &doubles(&want), 1e-6);
            with_tier(tier, || batch_norm_inference(d, &x, (Some(&gamma), &beta), (&mean, &var), 1e-3, true, &mut out));
            let rectified: Vec<f64> = want.iter().map(|&v| v.max(0.0) as f64).collect();
            assert_close(&plain(d, &out), &rectified, 1e-6);
        }
    }

    #[test]
    fn an_outlier_at_the_start_does_not_spoil_the_variance() {
        let d = dims(1, 16, 9000);
        let mut x: Vec<f32> = noise::<f32>(d.size(), 1).iter().map(|v| 1000.0 + v * 0.01).collect();
        x[..16 * 20].fill(0.0);
        let got = run(d, &x, &x, None, &[0.0; 16], false);
        let want = twin(d, &plain(d, &x), &x, None, &[0.0; 16], false);
        assert_close(&got.1[0], &want[1], 1e-6);
        assert_close(&got.1[1], &want[2], 1e-5);
        let mut tail = x.clone();
        tail[..16 * 20].fill(1000.0);
        let got = run(d, &tail, &tail, None, &[0.0; 16], false);
        let want = twin(d, &plain(d, &tail), &tail, None, &[0.0; 16], false);
        got.1[1].iter().zip(&want[2]).for_each(|(g, w)| assert!((*g as f64 / w - 1.0).abs() < 1e-3, "{g} {w}"));
    }

    #[test]
    fn large_blocked_batch_norm_is_the_same_for_every_thread_count() {
        for d in [dims(8, 32, 900), dims(2, 16, 20_000)] {
            let (x, dout, beta) = (noise::<f32>(d.size(), 1), noise::<f32>(d.size(), 2), noise::<f32>(d.axis, 3));
            same_for_threads(|| run(d, &x, &dout, Some(&beta), &beta, true));
        }
    }

    #[test]
    fn an_empty_batch_has_statistics() {
        let got = run(dims(0, 16, 4), &[], &[], None, &[0.0; 16], false);
        assert_eq!((got.1[0][3], got.1[1][3], got.3[1][3]), (0.0, 0.0, 0.0));
    }
}
