use super::*;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, noise};
use rsym_tensor::{bf16, f16};

fn naive<T: Float>(alpha: f64, a: Mat<T>, b: Mat<T>, beta: f64, c: &[T], (rs, cs): (usize, usize)) -> Vec<f64> {
    let mut out: Vec<f64> = c.iter().map(|v| v.to_f64()).collect();
    for r in 0..a.rows {
        for j in 0..b.cols {
            let at = |i: usize| a.data[r * a.rs + i * a.cs].to_f64() * b.data[i * b.rs + j * b.cs].to_f64();
            let old = if beta == 0.0 { 0.0 } else { beta * out[r * rs + j * cs] };
            out[r * rs + j * cs] = alpha * (0..a.cols).map(at).sum::<f64>() + old;
        }
    }
    out
}

fn compare<T: Float>(m: usize, n: usize, k: usize, ta: bool, tb: bool, tol: f64) {
    let (x, y, z) = (noise::<T>(m * k, 1), noise::<T>(k * n, 2), noise::<T>(m * n, 3));
    let a = if ta { Mat::new(&x, k, m).t() } else { Mat::new(&x, m, k) };
    let b = if tb { Mat::new(&y, n, k).t() } else { Mat::new(&y, k, n) };
    for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-1.0, 0.25)] {
        let mut c = z.clone();
        gemm(alpha, a, b, beta, MatMut::new(&mut c, m, n));
        assert_close(&c, &naive(alpha, a, b, beta, &z, (n, 1)), tol);
    }
}

#[test]
fn products_of_odd_sizes_match_the_naive_sum() {
    let sizes = [1, 3, 7, 8, 15, 16, 17, 33];
    for (i, &m) in sizes.iter().enumerate() {
        for (j, &n) in sizes.iter().enumerate() {
            for &k in &sizes {
                compare::<f32>(m, n, k, i % 2 == 0, j % 2 == 0, 1e-5);
                compare::<f64>(m, n, k, i % 2 == 1, j % 2 == 0, 1e-12);
            }
        }
    }
}

#[test]
fn half_precision_rounds_once() {
    compare::<f16>(7, 17, 33, true, false, 1e-3);
    compare::<bf16>(17, 3, 15, false, true, 1e-2);
}

#[test]
fn large_products_are_the_same_for_every_thread_count() {
    for (m, n, k) in [(1, 2000, 600), (300, 5, 999), (257, 130, 300), (64, 1000, 64)] {
        let (x, y) = (noise::<f32>(m * k, 1), noise::<f32>(k * n, 2));
        let (a, b) = (Mat::new(&x, m, k), Mat::new(&y, n, k).t());
        let c = same_for_threads(|| {
            let mut c = vec![0f32; m * n];
            gemm(1.0, a, b, 0.0, MatMut::new(&mut c, m, n));
            c
        });
        assert_close(&c, &naive(1.0, a, b, 0.0, &c, (n, 1)), 1e-4);
    }
}

#[test]
fn batches_step_through_their_operands() {
    let (batch, m, n, k) = (33, 17, 15, 40);
    let (x, y) = (noise::<f32>(batch * m * k, 1), noise::<f32>(k * n, 2));
    let c = same_for_threads(|| {
        let mut c = vec![0f32; batch * m * n];
        let (a, b) = (Mat::new(&x, m, k), Mat::new(&y, k, n));
        gemm_batched(batch, 1.0, (a, m * k), (b, 0), 0.0, (MatMut::new(&mut c, m, n), m * n));
        c
    });
    for (i, c) in c.chunks(m * n).enumerate() {
        let (a, b) = (Mat::new(&x[i * m * k..], m, k), Mat::new(&y, k, n));
        assert_close(c, &naive(1.0, a, b, 0.0, c, (n, 1)), 1e-5);
    }
}

#[test]
fn strided_result_leaves_its_gaps_alone() {
    let (x, y) = (noise::<f16>(3 * 5, 1), noise::<f16>(5 * 4, 2));
    let (a, b) = (Mat::new(&x, 3, 5), Mat::new(&y, 5, 4));
    let mut c = vec![f16::from_f64(9.0); 3 * 11];
    let before = c.clone();
    gemm(1.0, a, b, 0.0, MatMut { data: &mut c, rows: 3, cols: 4, rs: 11, cs: 2 });
    assert_close(&c, &naive(1.0, a, b, 0.0, &before, (11, 2)), 1e-3);
}

#[test]
fn nan_in_the_old_result_is_not_read() {
    let mut c = [f32::NAN];
    gemm(1.0, Mat::new(&[2.0], 1, 1), Mat::new(&[3.0], 1, 1), 0.0, MatMut::new(&mut c, 1, 1));
    assert_eq!(c, [6.0]);
}

#[test]
fn a_product_over_nothing_scales_the_result() {
    let mut c = [2.0f32, 4.0];
    gemm(1.0, Mat::new(&[], 1, 0), Mat::new(&[], 0, 2), 0.5, MatMut::new(&mut c, 1, 2));
    assert_eq!(c, [1.0, 2.0]);
}

#[test]
#[should_panic(expected = "overlap")]
fn overlapping_results_are_refused() {
    let mut c = [0f32; 4];
    let ones = [1f32; 4];
    let c = MatMut { data: &mut c, rows: 2, cols: 2, rs: 1, cs: 1 };
    gemm(1.0, Mat::new(&ones, 2, 2), Mat::new(&ones, 2, 2), 0.0, c);
}

#[test]
fn tiles_cover_large_results_and_leave_small_ones_whole() {
    assert_eq!(Tiling::of::<f64>(1, 8, 8, 8), Tiling { rows: 8, cols: 8 });
    assert!(Tiling::of::<f64>(1, 1, 4096, 4096).count(1, 4096) >= 8);
    assert!(Tiling::of::<f64>(1, 4096, 4, 4096).count(4096, 4) >= 8);
    assert_eq!(Tiling::of::<f64>(64, 512, 512, 512).count(512, 512), 1);
    assert_eq!(Tiling::of::<f32>(1, 32, 1024, 256), Tiling { rows: 32, cols: 128 });
    assert!(Tiling::of::<f32>(1, 5000, 64, 576).count(5000, 64) >= 8);
}

/// Single precision on every tier, for all combinations of transposed factors.
fn compare_tiers(m: usize, n: usize, k: usize, beta: f64) {
    let (x, y, z) = (noise::<f32>(m * k, 4), noise::<f32>(k * n, 5), noise::<f32>(m * n, 6));
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let a = if ta { Mat::new(&x, k, m).t() } else { Mat::new(&x, m, k) };
        let b = if tb { Mat::new(&y, n, k).t() } else { Mat::new(&y, k, n) };
        let want = naive(1.0, a, b, beta, &z, (n, 1));
        for tier in crate::simd::available() {
            let mut c = z.clone();
            crate::simd::with_tier(tier, || gemm(1.0, a, b, beta, MatMut::new(&mut c, m, n)));
            assert_close(&c, &want, 1e-6 * (k as f64).sqrt().max(4.0));
        }
    }
}

#[test]
fn every_tier_computes_every_shape_of_tile() {
    for m in 1..=14 {
        for n in [1, 2, 5, 15, 16, 17, 47, 63, 64, 65, 130] {
            compare_tiers(m, n, 1 + (m * n) % 37, ((m + n) % 2) as f64);
        }
    }
}

#[test]
fn every_tier_splits_sums_rows_and_columns() {
    for (m, n, k) in [(1, 700, 300), (2, 33, 515), (13, 200, 256), (40, 300, 257), (100, 129, 600), (300, 8, 513)] {
        compare_tiers(m, n, k, 0.0);
        compare_tiers(m, n, k, 0.5);
    }
}

#[test]
fn strided_factors_and_results_in_columns() {
    let (m, n, k) = (19, 35, 50);
    let (x, y) = (noise::<f32>(3 * m * k, 7), noise::<f32>(5 * k * n, 8));
    let a = Mat { data: &x, rows: m, cols: k, rs: 3 * k, cs: 3 };
    let b = Mat { data: &y, rows: k, cols: n, rs: 5, cs: 5 * k };
    let old = noise::<f32>(m * n, 9);
    for beta in [0.0, 1.0] {
        let mut c = old.clone();
        gemm(1.0, a, b, beta, MatMut { data: &mut c, rows: m, cols: n, rs: 1, cs: m });
        assert_close(&c, &naive(1.0, a, b, beta, &old, (1, m)), 1e-5);
    }
}

#[test]
fn single_precision_products_are_the_same_for_every_thread_count() {
    for (m, n, k) in [(500, 260, 300), (64, 784, 512), (1, 4000, 900), (2000, 10, 256), (784, 512, 64)] {
        let (x, y) = (noise::<f32>(m * k, 1), noise::<f32>(k * n, 2));
        for (ta, tb) in [(false, false), (false, true), (true, false)] {
            let a = if ta { Mat::new(&x, k, m).t() } else { Mat::new(&x, m, k) };
            let b = if tb { Mat::new(&y, n, k).t() } else { Mat::new(&y, k, n) };
            let c = same_for_threads(|| {
                let mut c = vec![0f32; m * n];
                gemm(1.0, a, b, 0.0, MatMut::new(&mut c, m, n));
                c
            });
            assert_close(&c, &naive(1.0, a, b, 0.0, &c, (n, 1)), 1e-4);
        }
    }
}

#[test]
fn packed_products_with_every_epilogue() {
    let double = |x: &mut [f32]| x.iter_mut().for_each(|x| *x *= 2.0);
    for (m, n, k) in [(1, 1, 1), (1, 1000, 300), (7, 16, 5), (32, 200, 256), (33, 65, 700), (70, 31, 0)] {
        let (x, y, bias, old) =
            (noise::<f32>(m * k, 1), noise::<f32>(k * n, 2), noise::<f32>(n, 3), noise::<f32>(m * n, 4));
        let (a, b) = (Mat::new(&x, m, k), Mat::new(&y, n, k).t());
        for tier in crate::simd::available() {
            let packed = crate::simd::with_tier(tier, || PackedB::pack(b));
            assert_eq!((packed.rows(), packed.cols()), (k, n));
            for variant in 0..12 {
                let (with_bias, accumulate) = (variant % 2 == 1, variant / 2 % 2 == 1);
                let activation = [Activation::Identity, Activation::Relu, Activation::Map(&double)][variant / 4];
                let epilogue = Epilogue { bias: with_bias.then_some(&bias), accumulate, activation };
                let c = same_for_threads(|| {
                    let mut c = old.clone();
                    crate::simd::with_tier(tier, || gemm_packed(a, &packed, &epilogue, &mut c));
                    c
                });
                let mut want = naive(1.0, a, b, accumulate as u8 as f64, &old, (n, 1));
                for (i, w) in want.iter_mut().enumerate() {
                    *w += if with_bias { bias[i % n] as f64 } else { 0.0 };
                    *w = match activation {
                        Activation::Identity => *w,
                        Activation::Relu => w.max(0.0),
                        Activation::Map(_) => 2.0 * *w,
                    };
                }
                assert_close(&c, &want, 2e-5);
            }
        }
    }
}

#[test]
fn packing_again_reuses_the_memory_and_takes_any_strides() {
    let (x, y) = (noise::<f32>(9 * 40, 1), noise::<f32>(2 * 40 * 50, 2));
    let mut packed = PackedB::pack(Mat::new(&y, 50, 80));
    let bytes = packed.bytes();
    for b in [Mat::new(&y, 40, 50), Mat { data: &y, rows: 40, cols: 50, rs: 2, cs: 80 }] {
        packed.repack(b);
        assert!(packed.bytes() <= bytes);
        let mut c = vec![f32::NAN; 9 * 50];
        gemm_packed(Mat::new(&x, 9, 40), &packed, &Epilogue::default(), &mut c);
        assert_close(&c, &naive(1.0, Mat::new(&x, 9, 40), b, 0.0, &c, (50, 1)), 1e-5);
    }
}

#[test]
fn negative_and_undefined_elements_pass_relu_as_in_the_operator() {
    let packed = PackedB::pack(Mat::new(&[f32::NAN, -1.0, 2.0], 1, 3));
    let mut c = [7.0; 3];
    let relu = Epilogue { activation: Activation::Relu, ..Epilogue::default() };
    gemm_packed(Mat::new(&[1.0], 1, 1), &packed, &relu, &mut c);
    assert!(c[0].is_nan() && c[1..] == [0.0, 2.0]);
}
