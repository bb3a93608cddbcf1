use super::*;
use crate::math::normal_cdf;
use crate::parallel::tests::same_for_threads;
use rsym_tensor::{Element, bf16, f16};

const KEY: Key = Key { seed: 42, stream: 7 };
const N: usize = 100_000;

// Known answers published with the authors' library Random123.
#[test]
fn philox_gives_the_published_answers() {
    assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    let got = philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]);
    assert_eq!(got, [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
}

fn drawn(f: impl Fn(&mut Draws) -> f64 + Sync) -> Vec<f64> {
    same_for_threads(|| {
        let mut out = vec![0f64; N];
        fill(KEY, &mut out, |_, draws| f(draws));
        out
    })
}

fn filled<T: Element>(f: impl Fn(&mut [T]) + Sync) -> Vec<f64> {
    let out = same_for_threads(|| {
        let mut out = vec![T::default(); N];
        f(&mut out);
        out
    });
    out.iter().map(|v| v.to_f64()).collect()
}

/// Kolmogorov's test at the level of 0.1 %.
fn check_distribution(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let worst =
        x.iter().enumerate().map(|(i, &v)| (cdf(v) - i as f64 / n).abs().max((cdf(v) - (i + 1) as f64 / n).abs()));
    let worst = worst.fold(0.0, f64::max);
    assert!(worst < 1.95 / n.sqrt(), "distance {worst}");
}

/// Pearson's test of counts of 0, 1, 2, ... against probabilities, pooled so that every expectation is at least 10; the
/// statistic must lie within 4 standard deviations of its mean.
fn check_counts(x: &[f64], probability: impl Fn(usize) -> f64) {
    let (mut statistic, mut freedom, mut want, mut got) = (0.0, 0.0, 0.0, 0.0);
    let top = x.iter().cloned().fold(0.0, f64::max) as usize;
    for k in 0..=top {
        want += probability(k) * x.len() as f64;
        got += x.iter().filter(|v| **v == k as f64).count() as f64;
        if want >= 10.0 {
            statistic += (got - want) * (got - want) / want;
            freedom += 1.0;
            (want, got) = (0.0, 0.0);
        }
    }
    assert!(freedom > 3.0 && (statistic - freedom) < 4.0 * (2.0f64 * freedom).sqrt(), "{statistic} of {freedom}");
}

fn check_moments(x: &[f64], mean: f64, variance: f64) {
    let n = x.len() as f64;
    let m = x.iter().sum::<f64>() / n;
    let v = x.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n;
    assert!((m - mean).abs() < 4.0 * (variance / n).sqrt(), "mean {m} instead of {mean}");
    assert!((v - variance).abs() < 0.05 * variance, "variance {v} instead of {variance}");
}

#[test]
fn uniform_numbers() {
    let line = |x: f64| ((x + 2.0) / 5.0).clamp(0.0, 1.0);
    check_distribution(filled::<f32>(|out| uniform(KEY, -2.0, 3.0, out)), line);
    check_distribution(filled::<f64>(|out| uniform(KEY, -2.0, 3.0, out)), line);
    for x in [filled::<f16>(|out| uniform(KEY, 0.0, 1.0, out)), filled::<bf16>(|out| uniform(KEY, 0.0, 1.0, out))] {
        assert!(x.iter().all(|v| (0.0..1.0).contains(v)));
        check_moments(&x.iter().map(|v| v + 0.001).collect::<Vec<_>>(), 0.5, 1.0 / 12.0);
    }
}

#[test]
fn normal_numbers() {
    let cdf = |x: f64| normal_cdf((x - 1.0) / 2.0);
    check_distribution(filled::<f32>(|out| normal(KEY, 1.0, 2.0, out)), cdf);
    check_distribution(filled::<f64>(|out| normal(KEY, 1.0, 2.0, out)), cdf);
    check_distribution(drawn(|d| d.normal(1.0, 2.0)), cdf);
    let x = filled::<f64>(|out| normal(KEY, 0.0, 1.0, out));
    let pairs: f64 = x.chunks(2).map(|p| p[0] * p[1]).sum::<f64>() / (N / 2) as f64;
    assert!(pairs.abs() < 4.0 / ((N / 2) as f64).sqrt(), "neighbours are correlated: {pairs}");
}

#[test]
fn masks_keep_their_share() {
    let x = filled::<f32>(|out| bernoulli(KEY, 0.8, 1.25, out));
    assert!(x.iter().all(|v| *v == 0.0 || *v == 1.25));
    check_moments(&x, 1.0, 1.25 * 1.25 * 0.16);
    assert!(filled::<f32>(|out| bernoulli(KEY, 0.0, 1.0, out)).iter().all(|v| *v == 0.0));
    assert!(filled::<f32>(|out| bernoulli(KEY, 1.0, 1.0, out)).iter().all(|v| *v == 1.0));
}

#[test]
fn exponential_and_gamma_numbers() {
    check_distribution(drawn(|d| d.exponential(2.0)), |x| 1.0 - (-2.0 * x).exp());
    let erlang = |x: f64| 1.0 - (-x / 2.0).exp() * (1.0 + x / 2.0 + x * x / 8.0);
    check_distribution(drawn(|d| d.gamma(3.0, 2.0)), erlang);
    check_distribution(drawn(|d| d.gamma(1.0, 0.5)), |x| 1.0 - (-2.0 * x).exp());
    // Half of a squared normal number has the gamma distribution of shape 1/2.
    check_distribution(drawn(|d| d.gamma(0.5, 1.0)), |x| libm::erf(x.sqrt()));
    let one = |shape| Draws::new([1, 2], 3).gamma(shape, 1.0);
    assert_eq!(one(0.0), 0.0);
    assert!(one(-1.0).is_nan() && one(f64::NAN).is_nan() && one(f64::INFINITY).is_nan());
}

fn poisson_probability(rate: f64) -> impl Fn(usize) -> f64 {
    move |k| (k as f64 * rate.ln() - rate - libm::lgamma(k as f64 + 1.0)).exp()
}

#[test]
fn poisson_numbers() {
    for rate in [0.3, 4.5, 9.9, 10.0, 33.3, 1000.0] {
        check_counts(&drawn(|d| d.poisson(rate)), poisson_probability(rate));
    }
    check_moments(&drawn(|d| d.poisson(1e9)), 1e9, 1e9);
    assert_eq!(drawn(|d| d.poisson(-1.0))[..3], [0.0; 3]);
    assert_eq!(drawn(|d| d.poisson(f64::INFINITY))[0], f64::INFINITY);
}

#[test]
fn negative_binomial_numbers() {
    let log_binomial = |n: f64, k: f64| libm::lgamma(n + k) - libm::lgamma(n) - libm::lgamma(k + 1.0);
    let probability =
        |n: f64, p: f64| move |k: usize| (log_binomial(n, k as f64) + n * p.ln() + k as f64 * (1.0 - p).ln()).exp();
    check_counts(&drawn(|d| d.negative_binomial(4.0, 0.3)), probability(4.0, 0.3));
    // Mean 3 and dispersion 0.5 are 2 successes of probability 0.4.
    check_counts(&drawn(|d| d.generalized_negative_binomial(3.0, 0.5)), probability(2.0, 0.4));
    check_counts(&drawn(|d| d.generalized_negative_binomial(3.0, 0.0)), poisson_probability(3.0));
    assert_eq!(drawn(|d| d.negative_binomial(4.0, 1.0))[..3], [0.0; 3]);
}

#[test]
fn whole_numbers_exclude_the_end() {
    let x = drawn(|d| d.integer(-3, 7) as f64 + 3.0);
    assert!(x.iter().all(|v| (0.0..10.0).contains(v)));
    check_counts(&x, |_| 0.1);
    let mut draws = Draws::new([1, 2], 3);
    assert_eq!(draws.integer(5, 5), 5);
    assert!((0..100).map(|_| draws.integer(i64::MIN, i64::MAX)).any(|v| v < 0));
}

#[test]
fn categories_follow_their_weights() {
    let weights = [0.1f32, 0.0, 0.5, 0.4, 3.0, 0.0, 1.0, 0.0];
    let mut out = vec![0i32; 2 * N];
    categorical(KEY, &weights, 4, N, &mut out);
    let row = |r: usize| out[r * N..][..N].iter().map(|v| *v as f64).collect::<Vec<_>>();
    for (r, shares) in [(0, [0.1, 0.0, 0.5, 0.4]), (1, [0.75, 0.0, 0.25, 0.0])] {
        for (k, share) in shares.iter().enumerate() {
            let got = row(r).iter().filter(|v| **v == k as f64).count() as f64 / N as f64;
            assert!((got - share).abs() <= 4.0 * (share * (1.0 - share) / N as f64).sqrt(), "{got} instead of {share}");
        }
    }
    let mut none = [9i32; 3];
    categorical(KEY, &[0f32, -1.0, f32::NAN], 3, 3, &mut none);
    assert_eq!(none, [0; 3]);
}

#[test]
fn permutations_hold_every_number_once_and_vary() {
    let order = permutation(KEY, 1000);
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    assert_ne!(order, sorted);
    let firsts: Vec<f64> = (0..20_000).map(|stream| permutation(Key { stream, ..KEY }, 6)[0] as f64).collect();
    check_counts(&firsts, |_| 1.0 / 6.0);
    assert!(permutation(KEY, 0).is_empty());
}

#[test]
fn keys_and_positions_decide_and_nothing_else() {
    let draw = |key: Key, n: usize| {
        let mut out = vec![0f32; n];
        normal(key, 0.0, 1.0, &mut out);
        out
    };
    let long = draw(KEY, 1003);
    assert_eq!(long[..601], draw(KEY, 601));
    assert_ne!(long, draw(Key { stream: 8, ..KEY }, 1003));
    assert_ne!(long, draw(Key { seed: 43, ..KEY }, 1003));
}

/// Fills on vectors give the numbers of the blocks of four words.
#[test]
fn vectors_give_the_numbers_of_single_counters() {
    let word = |i: usize| philox4x32([(i / 4) as u32, 0, 0, 0], KEY.mix())[i % 4];
    for tier in crate::simd::available() {
        for n in [0, 1, 3, 63, 64, 65, 5000, 70_001] {
            let (mut mask, mut flat) = (vec![9f32; n], vec![9f32; n]);
            crate::simd::with_tier(tier, || {
                bernoulli(KEY, 0.75, 2.5, &mut mask);
                uniform(KEY, -1.5, 2.0, &mut flat);
            });
            for i in 0..n {
                assert_eq!(mask[i], if (word(i) as u64) < 3 << 30 { 2.5 } else { 0.0 }, "{i} of {n} on {tier}");
                let want = -1.5 + (word(i) >> 8) as f64 / (1u64 << 24) as f64 * 3.5;
                assert_eq!(flat[i], want as f32, "{i} of {n} on {tier}");
            }
        }
    }
    let mut all = [0f32; 70];
    bernoulli(KEY, 1.0, 1.0, &mut all);
    assert_eq!(all, [1.0; 70]);
}
