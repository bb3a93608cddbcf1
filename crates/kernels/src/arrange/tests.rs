use super::*;
use crate::parallel::tests::same_for_threads;
use crate::simd::{available, with_tier};
use rsym_tensor::f16;

fn ramp(dims: &[usize]) -> Vec<i32> {
    (0..dims.iter().product::<usize>() as i32).collect()
}

/// The index of every axis at a flat position.
fn unravel(mut flat: usize, dims: &[usize]) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for i in (0..dims.len()).rev() {
        index[i] = flat % dims[i];
        flat /= dims[i];
    }
    index
}

fn ravel(index: &[usize], dims: &[usize]) -> usize {
    index.iter().zip(dims).fold(0, |flat, (i, d)| flat * d + i)
}

/// An output of shape `dims` whose element at each index is that of `src` at `from(index)`.
fn naive<T: Element>(src: &[T], src_dims: &[usize], dims: &[usize], from: impl Fn(&[usize]) -> Vec<usize>) -> Vec<T> {
    (0..dims.iter().product()).map(|flat| src[ravel(&from(&unravel(flat, dims)), src_dims)]).collect()
}

fn check_transpose<T: Element>(src: &[T], dims: &[usize], axes: &[usize]) {
    let got = same_for_threads(|| {
        let mut out = vec![T::default(); src.len()];
        transpose(src, dims, axes, &mut out);
        out
    });
    let to: Vec<usize> = axes.iter().map(|&a| dims[a]).collect();
    let want = naive(src, dims, &to, |index| {
        let mut from = vec![0; index.len()];
        axes.iter().zip(index).for_each(|(&a, &i)| from[a] = i);
        from
    });
    assert!(got == want, "{dims:?} {axes:?}");
}

#[test]
fn every_permutation_equals_the_naive_twin() {
    let dims = [3, 5, 2, 7];
    for flat in 0..256 {
        let axes = unravel(flat, &[4; 4]);
        if (0..4).all(|a| axes.contains(&a)) {
            check_transpose(&ramp(&dims), &dims, &axes);
        }
    }
    check_transpose(&ramp(&[301, 407]), &[301, 407], &[1, 0]);
    check_transpose(&ramp(&[4, 65, 33, 31]), &[4, 65, 33, 31], &[0, 2, 3, 1]);
    check_transpose(&ramp(&[6, 64, 1000]), &[6, 64, 1000], &[1, 0, 2]);
    check_transpose(&ramp(&[]), &[], &[]);
    check_transpose(&ramp(&[0, 4]), &[0, 4], &[1, 0]);
}

#[test]
fn every_tier_moves_bits_as_they_are() {
    for tier in available() {
        with_tier(tier, || {
            for (rows, columns) in [(16, 16), (1, 40), (40, 1), (15, 17), (33, 64), (100, 31)] {
                // Among them are what would be denormal numbers and signalling NaN.
                let bits =
                    |i: usize| (i as i32).wrapping_mul(0x0102_0304) ^ if i.is_multiple_of(3) { 0x7f80_0001 } else { 0 };
                let src: Vec<i32> = (0..2 * rows * columns).map(bits).collect();
                check_transpose(&src, &[2, rows, columns], &[0, 2, 1]);
                check_transpose(&src, &[rows, 2, columns], &[2, 1, 0]);
            }
        });
    }
}

#[test]
fn every_width_moves_alike() {
    let dims = [37, 41];
    let src = ramp(&dims);
    check_transpose(&src.iter().map(|&v| v as u8).collect::<Vec<_>>(), &dims, &[1, 0]);
    check_transpose(&src.iter().map(|&v| f16::from_f32(v as f32)).collect::<Vec<_>>(), &dims, &[1, 0]);
    check_transpose(&src.iter().map(|&v| v as f64).collect::<Vec<_>>(), &dims, &[1, 0]);
    check_transpose(&src.iter().map(|&v| v % 3 == 0).collect::<Vec<_>>(), &dims, &[1, 0]);
}

fn at(begin: usize, step: isize, count: usize) -> SliceAxis {
    SliceAxis { begin, step, count }
}

#[test]
fn slices_step_both_ways_and_their_gradients_scatter() {
    let dims = [5, 7, 6];
    let src = ramp(&dims);
    let cases = [
        [at(1, 1, 3), at(6, -2, 3), at(0, 5, 2)],
        [at(4, -4, 2), at(0, 1, 7), at(5, -1, 6)],
        [at(0, 1, 5), at(2, 1, 0), at(0, 1, 6)],
        [at(0, 1, 5), at(0, 1, 7), at(0, 1, 6)],
    ];
    for axes in cases {
        let counts: Vec<usize> = axes.iter().map(|a| a.count).collect();
        let from = |index: &[usize]| {
            index.iter().zip(&axes).map(|(&i, a)| (a.begin as isize + i as isize * a.step) as usize).collect::<Vec<_>>()
        };
        let want = naive(&src, &dims, &counts, from);
        let mut out = vec![0; want.len()];
        slice(&src, &dims, &axes, &mut out);
        assert_eq!(out, want);
        let mut back = vec![-1; src.len()];
        slice_backward(&want, &dims, &axes, &mut back);
        assert!(back.iter().zip(&src).all(|(b, s)| *b == if want.contains(s) { *s } else { 0 }));
    }
    let mut kept = vec![9; 4];
    slice_assign(&[1, 2], &[4], &[at(3, -2, 2)], &mut kept);
    assert_eq!(kept, [9, 2, 9, 1]);
}

#[test]
#[should_panic(expected = "slice:")]
fn slices_outside_are_refused() {
    slice(&[1, 2, 3, 4], &[2, 2], &[at(0, 1, 2), at(1, 1, 2)], &mut [0; 4]);
}

#[test]
fn flips_repeats_and_tiles() {
    let (dims, src) = ([2, 3, 4], ramp(&[2, 3, 4]));
    let mut out = vec![0; 24];
    flip(&src, &dims, &[0, 2], &mut out);
    assert_eq!(out, naive(&src, &dims, &dims, |i| vec![1 - i[0], i[1], 3 - i[2]]));
    let mut out = vec![0; 72];
    repeat(&src, (2, 3, 4), 3, &mut out);
    assert_eq!(out, naive(&src, &dims, &[2, 9, 4], |i| vec![i[0], i[1] / 3, i[2]]));
    let mut out = vec![0; 24 * 6];
    tile(&src, &dims, &[3, 1, 2], &mut out);
    assert_eq!(out, naive(&src, &dims, &[6, 3, 8], |i| vec![i[0] % 2, i[1], i[2] % 4]));
    let mut out = vec![0; 48];
    tile(&src, &[24], &[2, 1], &mut out);
    assert_eq!(out, [src.clone(), src.clone()].concat());
    let mut out = vec![0; 120];
    broadcast_to(&src, &[2, 1, 3, 4], &[2, 5, 3, 4], &mut out);
    assert_eq!(out, naive(&src, &dims, &[2, 5, 3, 4], |i| vec![i[0], i[2], i[3]]));
    let mut out = vec![0; 2 * 3 * 4 * 5];
    broadcast_to(&src, &[2, 3, 4, 1], &[2, 3, 4, 5], &mut out);
    assert!(out.iter().enumerate().all(|(i, v)| *v as usize == i / 5));
}

#[test]
fn large_copies_are_complete_for_every_thread_count() {
    let src = ramp(&[3, 100_003]);
    let out = same_for_threads(|| {
        let mut out = vec![-1; src.len()];
        flip(&src, &[3, 100_003], &[0], &mut out);
        out
    });
    assert_eq!(out, naive(&src, &[3, 100_003], &[3, 100_003], |i| vec![2 - i[0], i[1]]));
    let mut out = vec![-1; src.len()];
    slice(&src, &[src.len()], &[SliceAxis::all(src.len())], &mut out);
    assert_eq!(out, src);
    let mut out = vec![-1; 400_000];
    broadcast_to(&[7], &[1], &[400_000], &mut out);
    assert!(out.iter().all(|v| *v == 7));
}

#[test]
fn joining_and_cutting_are_inverse() {
    for (outer, inner) in [(1, 1), (1, 5), (4, 3), (300, 129)] {
        let extents = [2, 0, 3, 1];
        let parts: Vec<Vec<i32>> = extents
            .iter()
            .enumerate()
            .map(|(p, n)| (0..outer * n * inner).map(|i| (i * 10 + p) as i32).collect())
            .collect();
        let mut joined = vec![-1; outer * 6 * inner];
        let inputs: Vec<(&[i32], usize)> = parts.iter().map(Vec::as_slice).zip(extents).collect();
        concat(&inputs, outer, inner, &mut joined);
        let starts = [0, 2, 2, 5];
        for (flat, got) in joined.iter().enumerate() {
            let index = unravel(flat, &[outer, 6, inner]);
            let p = (0..4).rev().find(|&p| index[1] >= starts[p] && extents[p] > 0).unwrap();
            assert_eq!(*got, parts[p][ravel(&[index[0], index[1] - starts[p], index[2]], &[outer, extents[p], inner])]);
        }
        let mut again: Vec<Vec<i32>> = parts.iter().map(|p| vec![0; p.len()]).collect();
        let mut outputs: Vec<(&mut [i32], usize)> = again.iter_mut().map(Vec::as_mut_slice).zip(extents).collect();
        split(&joined, outer, inner, &mut outputs);
        assert_eq!(again, parts);
    }
}

// MXNet 1.9.1: depth_to_space of arange (2, 8, 2, 3), space_to_depth of arange (2, 1, 4, 6), both with block 2.
#[test]
fn depth_and_space_as_in_mxnet() {
    let mut out = vec![0; 96];
    depth_to_space(&ramp(&[96]), [2, 8, 2, 3], 2, &mut out);
    assert_eq!(out[..24], [0, 12, 1, 13, 2, 14, 24, 36, 25, 37, 26, 38, 3, 15, 4, 16, 5, 17, 27, 39, 28, 40, 29, 41]);
    let mut out = vec![0; 48];
    space_to_depth(&ramp(&[48]), [2, 1, 4, 6], 2, &mut out);
    assert_eq!(out[..24], [0, 2, 4, 12, 14, 16, 1, 3, 5, 13, 15, 17, 6, 8, 10, 18, 20, 22, 7, 9, 11, 19, 21, 23]);
    let (mut there, mut back) = (vec![0; 96], vec![0; 96]);
    depth_to_space(&ramp(&[96]), [2, 8, 2, 3], 2, &mut there);
    space_to_depth(&there, [2, 2, 4, 6], 2, &mut back);
    assert_eq!(back, ramp(&[96]));
}

const WIDTHS: [(usize, usize); 3] = [(0, 0), (2, 1), (1, 3)];

#[test]
fn padding_equals_the_naive_twin() {
    let (dims, padded) = ([2, 3, 4], [2, 6, 8]);
    let src = ramp(&dims);
    let run = |mode| {
        let mut out = vec![-1; 96];
        pad(mode, &src, &dims, &WIDTHS, &mut out);
        out
    };
    let edge = |i: &[usize]| vec![i[0], i[1].saturating_sub(2).min(2), i[2].saturating_sub(1).min(3)];
    assert_eq!(run(PadMode::Edge), naive(&src, &dims, &padded, edge));
    let (rows, columns) = ([2, 1, 0, 1, 2, 1], [1, 0, 1, 2, 3, 2, 1, 0]);
    assert_eq!(run(PadMode::Reflect), naive(&src, &dims, &padded, |i| vec![i[0], rows[i[1]], columns[i[2]]]));
    let constant = run(PadMode::Constant(7));
    for (flat, got) in constant.iter().enumerate() {
        let i = unravel(flat, &padded);
        let inside = (2..5).contains(&i[1]) && (1..5).contains(&i[2]);
        assert_eq!(*got, if inside { src[ravel(&[i[0], i[1] - 2, i[2] - 1], &dims)] } else { 7 });
    }
}

// MXNet 1.9.1: gradients of pad of (1, 1, 3, 4) for the head gradient arange.
#[test]
fn gradients_of_padding_as_in_mxnet() {
    let head: Vec<f32> = (0..48).map(|i| i as f32).collect();
    let run = |mode| {
        let mut out = vec![-1.0; 12];
        pad_backward(mode, &head, &[1, 3, 4], &WIDTHS, &mut out);
        out
    };
    assert_eq!(run(PadMode::Edge), [51., 30., 33., 162., 49., 26., 27., 118., 146., 76., 78., 332.]);
    assert_eq!(run(PadMode::Reflect), [40., 56., 40., 20., 168., 240., 168., 84., 80., 112., 80., 40.]);
    assert_eq!(run(PadMode::Constant(0.0)), [17., 18., 19., 20., 25., 26., 27., 28., 33., 34., 35., 36.]);
}

#[test]
fn reflection_wraps_more_than_once() {
    let mut out = [0; 9];
    pad(PadMode::Reflect, &[1, 2], &[2], &[(4, 3)], &mut out);
    assert_eq!(out, [1, 2, 1, 2, 1, 2, 1, 2, 1]);
    let mut out = [0; 3];
    pad(PadMode::Reflect, &[5], &[1], &[(1, 1)], &mut out);
    assert_eq!(out, [5; 3]);
}
