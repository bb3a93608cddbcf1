//! Functions that round more than once, against double precision.

use super::*;

/// The largest error in units in the last place of the exact result, and where.
fn worst(x: &[f32], got: &[f32], want: impl Fn(f64) -> f64) -> (f64, f32) {
    let error = |(&x, &got): (&f32, &f32)| {
        let want = want(x as f64);
        let near = want as f32;
        if near == got || near.is_nan() && got.is_nan() {
            return (0.0, x);
        }
        let exponent = near.abs().max(f32::MIN_POSITIVE).log2().floor() as i32;
        ((got as f64 - want).abs() / 2f64.powi(exponent - 23), x)
    };
    x.iter().zip(got).map(error).fold((0.0, 0.0), |a, b| if b.0 > a.0 || b.0.is_nan() { b } else { a })
}

/// Numbers of all sizes up to `most`, of one sign or both.
fn spread(most: f32, both: bool) -> Vec<f32> {
    let linear = (0..60_001).map(|i| i as f32 / 60_000.0 * most);
    let powers = (0..20_000).map(|i| 2f32.powf(-(i as f32) * 149.0 / 20_000.0) * most.min(1.0));
    let positive: Vec<f32> = linear.chain(powers).collect();
    if both { positive.iter().flat_map(|&x| [x, -x]).collect() } else { positive }
}

fn check(op: Op, x: Vec<f32>, units: f64, want: impl Fn(f64) -> f64) {
    on_every_tier(op, std::slice::from_ref(&x), |tier, got| {
        // Without a fused multiply-add the polynomials lose a little more.
        let units = if tier == "portable" { units + 1.0 } else { units };
        let (error, at) = worst(&x, got, &want);
        assert!(error <= units, "{op:?} on {tier}: {error} units at {at:e}");
    });
}

fn erfc_free_gelu(x: f64) -> f64 {
    0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[test]
fn exponentials_and_logarithms() {
    check(Op::Exp, spread(110.0, true), 1.0, f64::exp);
    check(Op::Expm1, spread(110.0, true), 1.5, f64::exp_m1);
    let positive: Vec<f32> = spread(1.0, false).iter().flat_map(|&x| [x, x + 0.5, x * 3e38, x * 40.0]).collect();
    check(Op::Log, positive.clone(), 1.0, f64::ln);
    check(Op::Log1p, positive, 1.5, f64::ln_1p);
    check(Op::Log1p, spread(0.999, true), 1.5, f64::ln_1p);
}

#[test]
fn sigmoids() {
    check(Op::Sigmoid, spread(87.0, true), 2.5, |x| 1.0 / (1.0 + (-x).exp()));
    check(Op::Tanh, spread(20.0, true), 2.0, f64::tanh);
    check(Op::Softrelu, spread(87.0, true), 2.0, |x| x.max(0.0) + (-x.abs()).exp().ln_1p());
    check(Op::LogSigmoid, spread(87.0, true), 2.0, |x| -((-x).max(0.0) + (-x.abs()).exp().ln_1p()));
    check(Op::Mish, spread(80.0, true), 5.0, |x| x * x.exp().ln_1p().tanh());
}

#[test]
fn error_functions() {
    check(Op::Erf, spread(6.0, true), 2.0, libm::erf);
    check(Op::Gelu, spread(12.0, true), 6.0, erfc_free_gelu);
    let x = spread(12.0, true);
    let slope = |x: f64| 0.5 * libm::erfc(-x * 0.5f64.sqrt()) + x * (-0.5 * x * x).exp() * 0.398_942_280_401_432_7;
    on_every_tier(Op::GeluGrad, &[vec![2.0; x.len()], x.clone()], |tier, got| {
        for (x, got) in x.iter().zip(got) {
            let want = 2.0 * slope(*x as f64);
            assert!((*got as f64 - want).abs() <= 3e-7 * (want.abs() + 0.7), "{tier} at {x}: {got}, {want}");
        }
    });
}

#[test]
fn exponential_units_and_their_gradients() {
    check(Op::Selu, spread(90.0, true), 3.0, |x| {
        1.050_700_987_355_480_5 * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() }
    });
    let x = spread(80.0, true);
    let constant = |v: f32| vec![v; x.len()];
    let close = |op, args: &[Vec<f32>], want: &dyn Fn(f64) -> f64| {
        on_every_tier(op, args, |tier, got| {
            let (error, at) = worst(&x, got, want);
            assert!(error <= 6.0, "{op:?} on {tier}: {error} units at {at:e}");
        });
    };
    close(Op::Elu, &[x.clone(), constant(0.25)], &|x| if x > 0.0 { x } else { 0.25 * x.exp_m1() });
    close(Op::EluSlope, &[constant(3.0), x.clone(), constant(0.25)], &|x| {
        3.0 * if x > 0.0 { 1.0 } else { 0.25 * x.exp() }
    });
    close(Op::Expm1Grad, &[constant(3.0), x.clone()], &|x| 3.0 * x.exp());
    close(Op::SoftreluGrad, &[constant(3.0), x.iter().map(|x| x.abs()).collect()], &|y| -3.0 * (-y.abs()).exp_m1());
    let x: Vec<f32> = spread(3.0, true);
    on_every_tier(Op::ErfGrad, &[vec![3.0; x.len()], x.clone()], |tier, got| {
        let (error, at) = worst(&x, got, |x| 3.0 * std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp());
        assert!(error <= 16.0, "{error} units at {at} on {tier}");
    });
}

#[test]
fn borders() {
    const INF: f32 = f32::INFINITY;
    let nan = f32::NAN;
    let cases: [(Op, &[f32], &[f32]); 13] = [
        (Op::Exp, &[INF, -INF, 89.0, -104.0, 0.0, -0.0], &[INF, 0.0, INF, 0.0, 1.0, 1.0]),
        (Op::Expm1, &[INF, -INF, 0.0, -0.0, 100.0], &[INF, -1.0, 0.0, -0.0, INF]),
        (Op::Log, &[INF, 0.0, -0.0, -1.0, 1.0, -INF, 1e-45], &[INF, -INF, -INF, nan, 0.0, nan, -103.278_93]),
        (Op::Log1p, &[INF, -1.0, 0.0, -0.0, -2.0, -INF], &[INF, -INF, 0.0, -0.0, nan, nan]),
        (Op::Sigmoid, &[INF, -INF, 0.0], &[1.0, 0.0, 0.5]),
        (Op::Tanh, &[INF, -INF, 0.0, -0.0, 1e-40], &[1.0, -1.0, 0.0, -0.0, 1e-40]),
        (Op::Softrelu, &[INF, -INF, 0.0], &[INF, 0.0, std::f32::consts::LN_2]),
        (Op::LogSigmoid, &[INF, -INF], &[-0.0, -INF]),
        (Op::Erf, &[INF, -INF, 0.0, -0.0, 7.0], &[1.0, -1.0, 0.0, -0.0, 1.0]),
        (Op::Gelu, &[INF, -INF, 0.0, -20.0, 20.0], &[INF, -0.0, 0.0, -0.0, 20.0]),
        (Op::Selu, &[INF, -INF, 0.0], &[INF, -1.758_099_3, 0.0]),
        (Op::Softsign, &[INF, 1.0], &[nan, 0.5]),
        (Op::Mish, &[INF, 0.0], &[INF, 0.0]),
    ];
    for (op, x, want) in cases {
        let with_nan = [x, &[nan]].concat();
        on_every_tier(op, &[with_nan], |tier, got| {
            assert!(got[x.len()].is_nan(), "{op:?} of NaN on {tier}: {}", got[x.len()]);
            for ((x, got), want) in x.iter().zip(got).zip(want) {
                let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                assert!(same, "{op:?}({x}) on {tier}: {got}, not {want}");
            }
        });
    }
}
