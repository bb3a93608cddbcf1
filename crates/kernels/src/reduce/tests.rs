use super::Reduction::*;
use super::*;
use crate::parallel::tests::same_for_threads;
use rsym_tensor::{bf16, f16};

fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919) % 1009) as f32 / 256.0 - 1.7).collect()
}

/// Element lists of the outputs, found by walking over every index.
fn naive_groups(dims: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
    let outputs = (0..dims.len()).filter(|i| !axes.contains(i)).map(|i| dims[i]).product();
    let mut groups = vec![vec![]; outputs];
    for flat in 0..dims.iter().product::<usize>() {
        let (mut rest, mut group, mut stride) = (flat, 0, 1);
        for i in (0..dims.len()).rev() {
            if !axes.contains(&i) {
                group += rest % dims[i] * stride;
                stride *= dims[i];
            }
            rest /= dims[i];
        }
        groups[group].push(flat);
    }
    groups
}

fn naive(kind: Reduction, x: &[f64]) -> f64 {
    let finite = || x.iter().filter(|v| !v.is_nan());
    match kind {
        Sum => x.iter().sum(),
        Mean => x.iter().sum::<f64>() / x.len() as f64,
        Prod => x.iter().product(),
        NanSum => finite().sum(),
        NanProd => finite().product(),
        Max => x.iter().cloned().fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }),
        Min => x.iter().cloned().fold(f64::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a }),
        L1 => x.iter().map(|v| v.abs()).sum(),
        L2 => x.iter().map(|v| v * v).sum::<f64>().sqrt(),
    }
}

fn check(dims: &[usize], axes: &[usize]) {
    let src = ramp(dims.iter().product());
    let groups = naive_groups(dims, axes);
    for kind in [Sum, Mean, Prod, NanSum, NanProd, Max, Min, L1, L2] {
        let got = same_for_threads(|| {
            let mut out = vec![9f32; groups.len()];
            reduce(kind, &src, dims, axes, &mut out);
            out.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        });
        for (got, group) in got.iter().zip(&groups) {
            let want = naive(kind, &group.iter().map(|&i| src[i] as f64).collect::<Vec<_>>()) as f32;
            let got = f32::from_bits(*got);
            assert!(got == want || (got - want).abs() <= 2e-7 * want.abs(), "{kind:?} {dims:?} {axes:?}: {got} {want}");
        }
    }
}

#[test]
fn every_tier_gives_the_same_bits() {
    for (dims, axes) in [(vec![3, 700], vec![1]), (vec![300, 70], vec![0]), (vec![7, 90, 33], vec![0, 2])] {
        let src = ramp(dims.iter().product());
        for kind in [Sum, Mean, Max, Min, L1, L2] {
            let on = |tier| {
                crate::simd::with_tier(tier, || {
                    let mut out = vec![9f32; naive_groups(&dims, &axes).len()];
                    reduce(kind, &src, &dims, &axes, &mut out);
                    out
                })
            };
            let want = on(crate::simd::Tier::Portable);
            crate::simd::available().into_iter().for_each(|tier| assert_eq!(on(tier), want, "{kind:?} on {tier}"));
        }
    }
}

#[test]
fn an_extreme_of_not_a_number_is_none() {
    for at in [0, 5, 31, 32, 65, 99] {
        let mut src = ramp(100);
        src[at] = f32::NAN;
        for kind in [Max, Min] {
            let mut out = [0f32];
            reduce(kind, &src, &[100], &[0], &mut out);
            assert!(out[0].is_nan(), "{kind:?} with NaN at {at}");
        }
    }
}

#[test]
fn every_pattern_of_axes_equals_the_naive_twin() {
    for mask in 0..16 {
        let axes: Vec<usize> = (0..4).filter(|i| mask >> i & 1 == 1).collect();
        check(&[3, 5, 1, 7], &axes);
        check(&[2, 9, 4, 17], &axes);
    }
    check(&[13], &[0]);
    check(&[], &[]);
    check(&[1, 1], &[0, 1]);
    check(&[8, 6, 40, 45], &[0, 2, 3]);
}

#[test]
fn long_reductions_equal_the_naive_twin() {
    for (dims, axes) in
        [(vec![200_001], vec![0]), (vec![70_001, 3], vec![0]), (vec![3, 70_001], vec![1]), (vec![501, 601], vec![0])]
    {
        let src = ramp(dims.iter().product());
        let groups = naive_groups(&dims, &axes);
        for kind in [Sum, Max, L2] {
            let out = same_for_threads(|| {
                let mut out = vec![0f32; groups.len()];
                reduce(kind, &src, &dims, &axes, &mut out);
                out
            });
            for (got, group) in out.iter().zip(&groups) {
                let want = naive(kind, &group.iter().map(|&i| src[i] as f64).collect::<Vec<_>>());
                assert!((*got as f64 - want).abs() <= 1e-7 * want.abs());
            }
        }
    }
}

#[test]
fn not_a_number_passes_extremes_and_is_skipped_by_nan_sums() {
    let x = [1.0, f32::NAN, 3.0, 2.0];
    let run = |kind| {
        let mut out = [0f32];
        reduce(kind, &x, &[4], &[0], &mut out);
        out[0]
    };
    assert!(run(Max).is_nan() && run(Min).is_nan() && run(Sum).is_nan());
    assert_eq!((run(NanSum), run(NanProd)), (6.0, 6.0));
}

#[test]
fn integers_accumulate_wide_and_wrap_at_the_end() {
    let mut out = [0i8; 1];
    reduce(Sum, &[100i8, 100, 100], &[3], &[0], &mut out);
    assert_eq!(out, [44]);
    reduce(Mean, &[-100i8, 90, 80], &[3], &[0], &mut out);
    assert_eq!(out, [23]);
    reduce(Max, &[-100i8, -90], &[2], &[0], &mut out);
    assert_eq!(out, [-90]);
    let mut out = [0i32; 1];
    reduce(L2, &[3i32, 4, 100, 100, 90, 80], &[6], &[0], &mut out);
    assert_eq!(out, [185]);
}

#[test]
fn half_precision_does_not_stall() {
    let ones = vec![f16::ONE; 5000];
    let mut out = [f16::ZERO];
    reduce(Sum, &ones, &[5000], &[0], &mut out);
    assert_eq!(out[0].to_f32(), 5000.0);
    let mut out = [bf16::ZERO];
    reduce(Mean, &vec![bf16::from_f32(3.0); 999], &[999], &[0], &mut out);
    assert_eq!(out[0].to_f32(), 3.0);
}

#[test]
fn reductions_of_nothing_are_neutral() {
    let mut out = [5f32; 2];
    reduce(Sum, &[], &[2, 0], &[1], &mut out);
    assert_eq!(out, [0.0; 2]);
    reduce(Max, &[], &[0, 2], &[0], &mut out);
    assert_eq!(out, [f32::NEG_INFINITY; 2]);
    let mut out = [5i32; 1];
    reduce(Min, &[], &[0], &[0], &mut out);
    assert_eq!(out, [i32::MAX]);
    let mut out = [5u8; 1];
    reduce(Min, &[], &[0], &[0], &mut out);
    assert_eq!(out, [255]);
}

#[test]
fn gradients_of_broadcasting_sum_down() {
    let src = ramp(2 * 3 * 4);
    let mut out = [0f32; 3];
    reduce_to_shape(&src, &[2, 3, 4], &[3, 1], &mut out);
    for (c, got) in out.iter().enumerate() {
        let want: f32 = (0..8).map(|i| src[i / 4 * 12 + c * 4 + i % 4]).sum();
        assert!((got - want).abs() < 1e-5);
    }
    let mut same = vec![0f32; 24];
    reduce_to_shape(&src, &[2, 3, 4], &[2, 3, 4], &mut same);
    assert_eq!(same, src);
}

#[test]
fn reducing_no_elements_gives_the_neutral_value() {
    for (axes, outputs) in [(&[1usize][..], 6), (&[0, 1], 3)] {
        let mut out = vec![7f32; outputs];
        reduce(Sum, &[], &[2, 0, 3], axes, &mut out);
        assert_eq!(out, vec![0.0; outputs]);
    }
}
