use super::*;
use crate::parallel::tests::same_for_threads;
use crate::simd::{available, with_tier};
use rsym_tensor::{Element, f16};

const SIZES: [usize; 8] = [0, 1, 15, 16, 17, 513, PIECE + 1, 40_007];
const SCALING: Scaling = Scaling { rescale: 0.5, clip: 0.2 };

fn ramp<T: Element>(n: usize, seed: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64(((i * 37 + seed * 11) % 101) as f64 / 64.0 - 0.75)).collect()
}

fn positive<T: Element>(n: usize, seed: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64(((i * 29 + seed * 7) % 97) as f64 / 64.0 + 1.0)).collect()
}

/// Applies `rule` in place to ramps of `n` elements; the weight and the states.
fn in_place<R: Rule<N>, const N: usize>(rule: R, n: usize) -> (Vec<f32>, [Vec<f32>; N]) {
    let (mut out, grad) = (ramp::<f32>(n, 1), ramp::<f32>(n, 2));
    let mut states: [Vec<f32>; N] = std::array::from_fn(|k| positive(n, k));
    let job = Job {
        rule,
        weight: Weight::Out,
        grad: Source::Same(&grad),
        states: states.each_mut().map(|s| Target::Same(s)),
        out: Target::Same(&mut out),
    };
    update(vec![job]);
    (out, states)
}

/// The same in double precision, element by element and in another way.
fn twin<const N: usize>(n: usize, f: impl Fn(f64, f64, [f64; N]) -> (f64, [f64; N])) -> (Vec<f64>, [Vec<f64>; N]) {
    let (mut out, grad) = (ramp::<f64>(n, 1), ramp::<f64>(n, 2));
    let mut states: [Vec<f64>; N] = std::array::from_fn(|k| positive(n, k));
    for i in 0..n {
        let (w, new) = f(out[i], grad[i], states.each_ref().map(|s| s[i]));
        out[i] = w;
        states.iter_mut().zip(new).for_each(|(s, v)| s[i] = v);
    }
    (out, states)
}

fn agree<R: Rule<N>, const N: usize>(rule: R, f: impl Fn(f64, f64, [f64; N]) -> (f64, [f64; N]) + Copy) {
    for n in SIZES {
        let got = same_for_threads(|| in_place(rule, n));
        for tier in available() {
            assert!(with_tier(tier, || in_place(rule, n)) == got, "{tier} differs");
        }
        let want = twin(n, f);
        let pairs = std::iter::once((&got.0, &want.0)).chain(got.1.iter().zip(&want.1));
        for (got, want) in pairs {
            for (g, w) in got.iter().zip(want) {
                assert!((*g as f64 - w).abs() <= 2e-6 * (1.0 + w.abs()), "n {n}: got {g}, want {w}");
            }
        }
    }
}

fn clipped(g: f64) -> f64 {
    g.clamp(-0.2, 0.2)
}

#[test]
fn gradient_descent_and_its_momentum() {
    let (lr, wd, momentum) = (0.1, 0.01, 0.9);
    agree(Sgd { lr, wd, scaling: SCALING }, |w, g, []| (w - lr * (clipped(0.5 * g) + wd * w), []));
    let free = Scaling { rescale: 0.5, clip: -1.0 };
    agree(Sgd { lr, wd, scaling: free }, |w, g, []| (w - lr * (0.5 * g + wd * w), []));
    agree(SgdMomentum { lr, wd, momentum, scaling: SCALING }, |w, g, [m]| {
        let m = momentum * m - lr * (wd * w + clipped(0.5 * g));
        (w + m, [m])
    });
    agree(Nesterov { lr, wd, momentum, scaling: SCALING }, |w, g, [m]| {
        let step = lr * (clipped(0.5 * g) + wd * w);
        let new = w + momentum * (momentum * m - step) - step;
        (new, [momentum * m - lr * (clipped(0.5 * g) + wd * new)])
    });
}

#[test]
fn signs_alone() {
    let sign = |x: f64| {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        }
    };
    agree(SignSgd { lr: 0.1, wd: 0.01 }, |w, g, []| (w * (1.0 - 0.001) - 0.1 * sign(g), []));
    agree(Signum { lr: 0.1, wd: 0.01, wd_lh: 0.02, momentum: 0.9, scaling: SCALING }, |w, g, [m]| {
        let m = 0.9 * m - 0.1 * (0.01 * w + clipped(0.5 * g));
        (w * (1.0 - 0.002) + 0.1 * sign(m), [m])
    });
}

#[test]
fn adaptive_moments() {
    let (lr, wd, beta1, beta2, epsilon) = (0.1, 0.01, 0.9, 0.99, 1e-4);
    agree(Adam { lr, wd, beta1, beta2, epsilon, scaling: SCALING }, |w, g, [m, v]| {
        let g = clipped(0.5 * g + wd * w);
        let (m, v) = (beta1 * m + 0.1 * g, beta2 * v + 0.01 * g * g);
        (w - lr * m / (v.sqrt() + epsilon), [m, v])
    });
    agree(AdamW { lr, wd, eta: 0.7, beta1, beta2, epsilon, scaling: SCALING }, |w, g, [m, v]| {
        let g = clipped(0.5 * g);
        let (m, v) = (beta1 * m + 0.1 * g, beta2 * v + 0.01 * g * g);
        (w - 0.7 * (lr * m / (v.sqrt() + epsilon) + wd * w), [m, v])
    });
    let lamb = LambDirection { wd, beta1, beta2, beta1_t: 0.81, beta2_t: 0.5, epsilon, scaling: SCALING };
    agree(lamb, |w, g, [m, v]| {
        let g = clipped(0.5 * g);
        let (m, v) = (beta1 * m + 0.1 * g, beta2 * v + 0.01 * g * g);
        (m / 0.19 / ((v / 0.5).sqrt() + epsilon) + wd * w, [m, v])
    });
    agree(Step { lr }, |w, g, []| (w - lr * g, []));
}

#[test]
fn mean_squares() {
    let (lr, wd, gamma1, epsilon) = (0.1, 0.01, 0.9, 1e-4);
    agree(RmsProp { lr, wd, gamma1, epsilon, clip_weights: 0.3, scaling: SCALING }, |w, g, [n]| {
        let g = clipped(0.5 * g + wd * w);
        let n = 0.1 * g * g + 0.9 * n;
        ((w - lr * g / (n + epsilon).sqrt()).clamp(-0.3, 0.3), [n])
    });
    let rule = RmsPropAlex { lr, wd, gamma1: 0.01, gamma2: 0.8, epsilon: 9.0, clip_weights: -1.0, scaling: SCALING };
    agree(rule, |w, g, [n, m, d]| {
        let g = clipped(0.5 * g + wd * w);
        let (n, m) = (0.99 * g * g + 0.01 * n, 0.99 * g + 0.01 * m);
        let d = 0.8 * d - lr * g / (n - m * m + 9.0).sqrt();
        (w + d, [n, m, d])
    });
}

#[test]
fn followed_leaders() {
    agree(Ftrl { lr: 0.5, wd: 0.01, lamda1: 1.5, beta: 1.0, scaling: SCALING }, |w, g, [z, n]| {
        let g = clipped(0.5 * g);
        let z = z + g - ((n + g * g).sqrt() - n.sqrt()) * w / 0.5;
        let n = n + g * g;
        let w = if z.abs() > 1.5 { (z.signum() * 1.5 - z) / ((1.0 + n.sqrt()) / 0.5 + 0.01) } else { 0.0 };
        (w, [z, n])
    });
    let (beta1, beta2) = (0.6, 0.75);
    let rule =
        Ftml { lr: 0.5, wd: 0.01, beta1, beta2, beta1_t: 0.36, beta2_t: 0.5625, epsilon: 1e-3, scaling: SCALING };
    agree(rule, |w, g, [d, v, z]| {
        let g = clipped(0.5 * g + 0.01 * w);
        let v = 0.75 * v + 0.25 * g * g;
        let new = 0.64 / 0.5 * ((v / 0.4375).sqrt() + 1e-3);
        let z = 0.6 * z + 0.4 * g - (new - 0.6 * d) * w;
        (-z / new, [new, v, z])
    });
}

#[test]
fn clipping_keeps_what_is_not_a_number() {
    let rule = Sgd { lr: 1.0, wd: 0.0, scaling: Scaling { rescale: 1.0, clip: 1.0 } };
    let (mut out, grad) = ([0f32; 3], [f32::NAN, f32::INFINITY, -5.0]);
    let job = Job { rule, weight: Weight::Out, grad: Source::Same(&grad), states: [], out: Target::Same(&mut out) };
    update(vec![job]);
    assert!(out[0].is_nan() && out[1] == -1.0 && out[2] == 1.0);
}

#[test]
fn a_master_copy_keeps_what_half_precision_loses() {
    let n = PIECE + 700;
    let (grad, mut master) = (vec![f16::from_f32(1.0); n], vec![1f32; n]);
    let (mut momentum, mut out) = (vec![0f32; n], vec![f16::from_f32(0.0); n]);
    for _ in 0..2 {
        let scaling = Scaling { rescale: 1.0, clip: -1.0 };
        update(vec![Job {
            rule: SgdMomentum { lr: 1e-5, wd: 0.0, momentum: 0.0, scaling },
            weight: Weight::Master(&mut master),
            grad: Source::Half(&grad),
            states: [Target::Same(&mut momentum)],
            out: Target::Half(&mut out, Vec::new()),
        }]);
    }
    assert!(master.iter().all(|&m| (m - (1.0 - 2e-5)).abs() < 1e-7));
    assert!(momentum.iter().all(|&m| m == -1e-5) && out.iter().all(|&o| o == f16::from_f32(1.0)));
}

#[test]
fn weights_elsewhere_stay_as_they_are() {
    for n in SIZES {
        let (weight, grad, mut out) = (ramp::<f16>(n, 1), ramp::<f16>(n, 2), vec![f16::from_f32(9.0); n]);
        update(vec![Job {
            rule: Step { lr: 0.5 },
            weight: Weight::Source(Source::Half(&weight)),
            grad: Source::Half(&grad),
            states: [],
            out: Target::<f32>::Half(&mut out, Vec::new()),
        }]);
        let want = |i: usize| f16::from_f32(weight[i].to_f32() - 0.5 * grad[i].to_f32());
        assert!((0..n).all(|i| out[i] == want(i)));
        assert_eq!(weight, ramp::<f16>(n, 1));
    }
}

#[test]
fn many_weights_at_once_get_what_each_gets_alone() {
    let sizes = [3, 0, 70_000, 17, 1];
    let rule = |k: usize| Sgd { lr: 0.1 * (k + 1) as f64, wd: 0.01, scaling: SCALING };
    let grads: Vec<Vec<f32>> = sizes.iter().map(|&n| ramp(n, 2)).collect();
    let got = same_for_threads(|| {
        let mut weights: Vec<Vec<f32>> = sizes.iter().map(|&n| ramp(n, 1)).collect();
        let jobs = weights.iter_mut().zip(&grads).enumerate().map(|(k, (w, g))| Job {
            rule: rule(k),
            weight: Weight::Out,
            grad: Source::Same(g),
            states: [],
            out: Target::Same(w),
        });
        update(jobs.collect());
        weights
    });
    for (k, &n) in sizes.iter().enumerate() {
        assert_eq!(got[k], in_place(rule(k), n).0);
    }
}

#[test]
fn one_state_for_each_row() {
    let rule = GroupAdagrad { lr: 0.1, epsilon: 1e-5, scaling: SCALING };
    let (rows, row) = (300, 77);
    let grad = ramp::<f32>(rows * row, 2);
    let (weight, history) = same_for_threads(|| {
        let (mut weight, mut history) = (ramp::<f32>(rows * row, 1), positive::<f32>(rows, 3));
        update_rows(&rule, &grad, &mut history, &mut weight);
        (weight, history)
    });
    let (old, before) = (ramp::<f64>(rows * row, 1), positive::<f64>(rows, 3));
    for r in 0..rows {
        let g: Vec<f64> = (0..row).map(|c| clipped(0.5 * grad[r * row + c] as f64)).collect();
        let h = before[r] + g.iter().map(|g| g * g).sum::<f64>() / row as f64;
        assert!((history[r] as f64 - h).abs() < 1e-6);
        for c in 0..row {
            let want = old[r * row + c] - 0.1 * g[c] / (h + 1e-5).sqrt();
            assert!((weight[r * row + c] as f64 - want).abs() < 1e-6);
        }
    }
    update_rows::<f32>(&rule, &[], &mut [], &mut []);
}

#[test]
fn sums_and_finiteness_of_whole_arrays() {
    for n in SIZES {
        let mut x = ramp::<f32>(n, 5);
        let want: f64 = x.iter().map(|&v| v as f64 * v as f64).sum();
        let got = same_for_threads(|| sum_of_squares(&x));
        assert!((got - want).abs() <= 1e-9 * (1.0 + want));
        assert!((sum_of_squares(&ramp::<f16>(n, 5)) - want).abs() <= 1e-2 * (1.0 + want));
        assert!(all_finite(&x));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            if let Some(last) = x.last_mut() {
                *last = bad;
                assert!(!all_finite(&x));
            }
        }
    }
}

#[test]
fn rules_that_adapt_every_element() {
    let (lr, wd, epsilon, scaling) = (0.1, 0.01, 1e-3, SCALING);
    agree(AdaGrad { lr, wd, epsilon, scaling }, |w, g, [n]| {
        let g = clipped(0.5 * g);
        let n = n + g * g;
        (w - lr * (g / (n + epsilon).sqrt() + wd * w), [n])
    });
    agree(AdaDelta { wd, rho: 0.9, epsilon, scaling }, |w, g, [n, s]| {
        let g = clipped(0.5 * g);
        let n = 0.9 * n + 0.1 * g * g;
        let d = ((s + epsilon) / (n + epsilon)).sqrt() * g;
        (w - d - wd * w, [n, 0.9 * s + 0.1 * d * d])
    });
    agree(Adamax { lr, wd, beta1: 0.9, beta2: 0.1, scaling }, |w, g, [m, u]| {
        let g = clipped(0.5 * g + wd * w);
        let (m, u) = (0.9 * m + 0.1 * g, g.abs().max(0.1 * u));
        (w - lr * m / u, [m, u])
    });
    let (mean, gradient, correction) = (0.7, 0.2, 0.3);
    agree(Nadam { lr, wd, beta1: 0.9, beta2: 0.99, mean, gradient, correction, epsilon, scaling }, |w, g, [m, v]| {
        let g = clipped(0.5 * g + wd * w);
        let (m, v) = (0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g);
        (w - lr * (mean * m + gradient * g) / ((v / correction).sqrt() + epsilon), [m, v])
    });
}

#[test]
fn delays_are_compensated() {
    let (lr, wd, momentum, lamda, scaling) = (0.1, 0.01, 0.9, 0.04, SCALING);
    let step = move |w: f64, g: f64, p: f64| {
        let g = clipped(0.5 * g);
        lr * (g + wd * w + lamda * g * g * (w - p))
    };
    agree(Dcasgd { lr, wd, momentum, lamda, scaling }, |w, g, [m, p]| {
        let m = momentum * m - step(w, g, p);
        (w + m, [m, w])
    });
    agree(DcasgdPlain { lr, wd, lamda, scaling }, |w, g, [p]| (w - step(w, g, p), [w]));
}
