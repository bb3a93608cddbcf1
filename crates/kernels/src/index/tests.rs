use super::*;
use crate::parallel::tests::same_for_threads;
use rsym_tensor::f16;

fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 251) as f32 * 0.5 - 20.0).collect()
}

/// Positions below `n` without much order.
fn places(count: usize, n: usize) -> Vec<usize> {
    (0..count).map(|i| (i * 7919 + i * i) % n).collect()
}

// MXNet 1.9.1: take from (1, 2, 3) and pick.
#[test]
fn modes_clip_wrap_or_raise() {
    let list = indices(&[-1.0f32, 5.0, -4.0, 1.7, -0.5]);
    assert_eq!(list, [-1, 5, -4, 1, 0]);
    assert_eq!(resolve(&list, 3, IndexMode::Clip).unwrap(), [0, 2, 0, 1, 0]);
    assert_eq!(resolve(&list, 3, IndexMode::Wrap).unwrap(), [2, 2, 2, 1, 0]);
    let error = resolve(&[2, 0, 3], 3, IndexMode::Raise).unwrap_err();
    assert_eq!(error, IndexError { value: 3, position: 2, bound: 3 });
    assert_eq!(error.to_string(), "index 3 at position 2 is outside of 0..3");
    assert!(resolve(&[0], 0, IndexMode::Clip).is_err() && resolve(&[0], 0, IndexMode::Wrap).is_err());
    assert_eq!(indices(&[f16::from_f32(-2.5)]), [-2]);
}

#[test]
fn take_and_its_gradient_equal_the_naive_twin() {
    for (outer, n, inner, count) in [(1, 10, 3, 25), (3, 7, 1, 5), (2, 4, 600, 9), (1, 50, 64, 3000), (2, 5, 3, 0)] {
        let (src, at) = (ramp(outer * n * inner), places(count, n));
        let grad: Vec<f32> = (0..outer * count * inner).map(|i| (i % 17) as f32).collect();
        let (taken, back) = same_for_threads(|| {
            let (mut taken, mut back) = (vec![0f32; grad.len()], vec![5f32; src.len()]);
            take(&src, (outer, n, inner), &at, &mut taken);
            take_backward(&grad, (outer, n, inner), &at, &mut back);
            (taken, back)
        });
        let mut want = vec![0f32; src.len()];
        for o in 0..outer {
            for (k, &i) in at.iter().enumerate() {
                for j in 0..inner {
                    let (from, to) = ((o * n + i) * inner + j, (o * count + k) * inner + j);
                    assert_eq!(taken[to], src[from]);
                    want[from] += grad[to];
                }
            }
        }
        assert_eq!(back, want);
    }
}

#[test]
fn gathering_along_an_axis_and_back() {
    for (outer, n, inner, k) in [(4, 9, 1, 1), (3, 5, 7, 1), (2, 6, 5, 4), (700, 30, 3, 2)] {
        let src = ramp(outer * n * inner);
        let at = places(outer * k * inner, n);
        let mut got = vec![0f32; at.len()];
        gather_along(&src, (outer, n, inner), k, &at, &mut got);
        let place = |flat: usize| (flat / (k * inner) * n + at[flat]) * inner + flat % inner;
        assert!(got.iter().enumerate().all(|(flat, v)| *v == src[place(flat)]));
        let mut back = vec![0f32; src.len()];
        scatter_along(&got, (outer, n, inner), k, &at, -1.0, &mut back);
        let mut want = vec![-1f32; src.len()];
        got.iter().enumerate().for_each(|(flat, v)| want[place(flat)] = *v);
        assert_eq!(back, want);
    }
}

// MXNet 1.9.1: one_hot of (-1, 0, 1.7, -0.5, 3) with depth 3.
#[test]
fn one_hot_outside_is_all_off() {
    let mut out = [9u8; 15];
    one_hot(&indices(&[-1.0f64, 0.0, 1.7, -0.5, 3.0]), 3, 1, 0, &mut out);
    assert_eq!(out, [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    one_hot(&[5], 0, 1u8, 0, &mut []);
}

#[test]
fn selection_by_element_and_by_row() {
    let (x, y) = ([1.0f32, 2.0, 3.0, 4.0], [5.0f32, 6.0, 7.0, 8.0]);
    let mut out = [0f32; 4];
    select(&truths(&[f32::NAN, -1.0, 0.0, -0.0]), &x, &y, &mut out);
    assert_eq!(out, [1.0, 2.0, 7.0, 8.0]);
    select(&truths(&[1i8, 0]), &x, &y, &mut out);
    assert_eq!(out, [1.0, 2.0, 7.0, 8.0]);
    keep(&[true, false], false, &x, &mut out);
    assert_eq!(out, [0.0, 0.0, 3.0, 4.0]);
    keep(&[true, false, false, true], true, &x, &mut out);
    assert_eq!(out, [1.0, 0.0, 0.0, 4.0]);
}

#[test]
fn positions_in_several_axes() {
    let at = resolve_nd(&[0, 2, 1, 1, 0, 0], &[3, 2]).unwrap();
    assert_eq!(at, [1, 4, 2]);
    let mut out = [0f32; 3];
    take(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 6, 1), &at, &mut out);
    assert_eq!(out, [2.0, 5.0, 3.0]);
    assert_eq!(resolve_nd(&[0, 2, 1, 2], &[3, 2]).unwrap_err(), IndexError { value: 2, position: 3, bound: 2 });
    assert_eq!(resolve_nd(&[-1, -3], &[3]).unwrap(), [2, 0]);
    assert_eq!(resolve_nd(&[-4], &[3]).unwrap_err().value, -4);
    let mut out = [9.0f32; 4];
    scatter_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, &[0, 1, 0], &mut out);
    assert_eq!(out, [5.0, 6.0, 3.0, 4.0]);
}
