use super::*;
use crate::conv::tests::{for_products, geometry};
use crate::layout::swap_last;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, noise};
use crate::simd::{available, with_tier};
use crate::window::Window;

/// Compares with a sum in double precision on every tier.
fn check(g: &ConvGeometry) {
    let (k, dout) = (noise::<f32>(g.weight_size(), 1), noise::<f32>(g.output_size(), 2));
    let mut want = vec![0.0; g.data_size()];
    for_products(g, |ix, ik, io| want[ix] += k[ik] as f64 * dout[io] as f64);
    let (inside, outside) = (g.window.input_size(), g.window.output_size());
    let dout = swap_last(&dout, g.batch * g.filters / BLOCK, BLOCK, outside);
    for tier in available() {
        let mut ddata = vec![f32::NAN; g.data_size()];
        assert!(with_tier(tier, || data_gradient(g, &k, &dout, &mut ddata)), "{:?}", g.window);
        assert_close(&swap_last(&ddata, g.batch * g.channels / BLOCK, inside, BLOCK), &want, 2e-5);
    }
}

fn flat_windows() -> Vec<Window> {
    vec![
        Window::new(&[5, 6], &[1, 1], &[], &[], &[]),
        Window::new(&[7, 8], &[1, 1], &[2, 2], &[], &[]),
        Window::new(&[9, 11], &[3, 3], &[1, 1], &[1, 1], &[1, 1]),
        Window::new(&[10, 8], &[3, 3], &[2, 2], &[1, 1], &[1, 1]),
        Window::new(&[9, 7], &[3, 3], &[2, 2], &[1, 1], &[1, 1]),
        Window::new(&[12, 13], &[3, 2], &[1, 3], &[2, 3], &[2, 0]),
        Window::new(&[11, 12], &[3, 3], &[2, 2], &[2, 2], &[2, 1]),
        Window::new(&[9, 10], &[7, 7], &[2, 2], &[1, 1], &[3, 3]),
        Window::new(&[16, 17], &[5, 5], &[4, 3], &[1, 1], &[1, 2]),
        Window::new(&[4, 3], &[5, 5], &[1, 1], &[1, 1], &[2, 2]),
        Window::new(&[19], &[4], &[2], &[1], &[1]),
    ]
}

#[test]
fn blocked_data_gradients_match_the_plain_sums() {
    for w in flat_windows() {
        check(&geometry((3, 32, 48, 1), w.clone()));
        check(&geometry((1, 16, 16, 1), w));
    }
}

#[test]
fn depthwise_data_gradients_match_the_plain_sums() {
    let mut windows = flat_windows();
    windows.push(Window::new(&[40], &[20], &[1], &[1], &[3]));
    windows.push(Window::new(&[4, 5, 6], &[2, 3, 3], &[1, 2, 1], &[1, 1, 2], &[1, 0, 2]));
    windows.into_iter().for_each(|w| check(&geometry((3, 48, 48, 48), w)));
}

#[test]
fn there_is_no_plan_for_other_channels_groups_and_gaps() {
    let w = Window::new(&[5, 5], &[3, 3], &[2, 2], &[1, 1], &[1, 1]);
    for dims in [(1, 17, 16, 1), (1, 16, 17, 1), (1, 64, 64, 2)] {
        assert!(DataGradient::new(&geometry(dims, w.clone())).is_none());
    }
    let gaps = Window::new(&[16, 16], &[3, 3], &[4, 4], &[1, 1], &[1, 1]);
    assert!(DataGradient::new(&geometry((1, 16, 16, 1), gaps)).is_none());
}

#[test]
fn large_data_gradients_are_the_same_for_every_thread_count() {
    let strided = Window::new(&[56, 56], &[3, 3], &[2, 2], &[1, 1], &[1, 1]);
    let dense = Window::new(&[30, 30], &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
    let cases = [
        geometry((2, 64, 64, 1), dense),
        geometry((4, 64, 64, 1), strided.clone()),
        geometry((2, 64, 64, 64), strided),
    ];
    for g in cases {
        let (k, dout) = (noise::<f32>(g.weight_size(), 1), noise::<f32>(g.output_size(), 2));
        same_for_threads(|| {
            let mut ddata = vec![f32::NAN; g.data_size()];
            assert!(data_gradient(&g, &k, &dout, &mut ddata));
            ddata
        });
    }
}
