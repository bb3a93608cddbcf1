use super::*;
use crate::conv::tests::{for_products, geometry};
use crate::layout::swap_last;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::{assert_close, noise};
use crate::simd::{available, with_tier};
use crate::window::Window;

fn blocked(x: &[f32], size: usize) -> Vec<f32> {
    swap_last(x, x.len() / (BLOCK * size), BLOCK, size)
}

/// Compares with a sum in double precision on every tier.
fn check(g: &ConvGeometry, layout: Layout) {
    let (x, dout) = (noise::<f32>(g.data_size(), 1), noise::<f32>(g.output_size(), 2));
    let mut want = vec![0.0; g.weight_size()];
    for_products(g, |ix, ik, io| want[ik] += x[ix] as f64 * dout[io] as f64);
    let x = if layout == Layout::Blocked { blocked(&x, g.window.input_size()) } else { x };
    let dout = blocked(&dout, g.window.output_size());
    for tier in available() {
        let mut dweight = vec![f32::NAN; g.weight_size()];
        with_tier(tier, || weight_gradient(g, layout, &x, &dout, &mut dweight));
        assert_close(&dweight, &want, 2e-5);
    }
}

/// Windows with strides, dilations, padding, borders that are not used, one to three dimensions.
fn windows() -> Vec<Window> {
    vec![
        Window::new(&[5, 6], &[1, 1], &[], &[], &[]),
        Window::new(&[7, 7], &[1, 1], &[2, 2], &[], &[]),
        Window::new(&[9, 11], &[3, 3], &[1, 1], &[1, 1], &[1, 1]),
        Window::new(&[10, 8], &[3, 3], &[2, 2], &[1, 1], &[1, 1]),
        Window::new(&[12, 13], &[3, 2], &[1, 3], &[2, 3], &[2, 0]),
        Window::new(&[9, 10], &[7, 7], &[2, 2], &[1, 1], &[3, 3]),
        Window::new(&[4, 3], &[5, 5], &[1, 1], &[1, 1], &[2, 2]),
        Window::new(&[19], &[4], &[2], &[1], &[1]),
        Window::new(&[40], &[20], &[1], &[1], &[3]),
        Window::new(&[4, 5, 6], &[2, 3, 3], &[1, 2, 1], &[1, 1, 2], &[1, 0, 2]),
    ]
}

#[test]
fn blocked_weight_gradients_match_the_plain_sums() {
    for w in windows() {
        check(&geometry((3, 32, 48, 1), w.clone()), Layout::Blocked);
        check(&geometry((2, 64, 32, 2), w), Layout::Blocked);
    }
}

#[test]
fn depthwise_weight_gradients_match_the_plain_sums() {
    windows().into_iter().for_each(|w| check(&geometry((3, 48, 48, 48), w), Layout::Blocked));
}

#[test]
fn weight_gradients_of_few_channels_match_the_plain_sums() {
    for w in windows() {
        check(&geometry((3, 3, 32, 1), w.clone()), Layout::Planes);
        check(&geometry((1, 1, 16, 1), w), Layout::Planes);
    }
}

#[test]
fn tiles_of_many_blocks_match_the_plain_sums() {
    check(&geometry((1, 272, 288, 1), Window::new(&[3, 3], &[1, 1], &[], &[], &[])), Layout::Blocked);
    check(&geometry((2, 80, 336, 1), Window::new(&[3, 4], &[3, 3], &[], &[], &[1, 1])), Layout::Blocked);
}

#[test]
fn large_weight_gradients_are_the_same_for_every_thread_count() {
    let pad1 = |size: &[usize]| Window::new(size, &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
    let cases = [
        (geometry((2, 64, 64, 1), pad1(&[30, 30])), Layout::Blocked),
        (geometry((2, 256, 256, 1), pad1(&[7, 7])), Layout::Blocked),
        (geometry((2, 64, 64, 64), pad1(&[40, 40])), Layout::Blocked),
        (geometry((2, 3, 64, 1), Window::new(&[64, 64], &[7, 7], &[2, 2], &[1, 1], &[3, 3])), Layout::Planes),
    ];
    for (g, layout) in cases {
        let (x, dout) = (noise::<f32>(g.data_size(), 1), noise::<f32>(g.output_size(), 2));
        same_for_threads(|| {
            let mut dweight = vec![f32::NAN; g.weight_size()];
            weight_gradient(&g, layout, &x, &dout, &mut dweight);
            dweight
        });
    }
}

#[test]
fn an_empty_batch_gives_zeros() {
    let window = Window::new(&[4, 4], &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
    for (channels, groups, layout) in [(16, 1, Layout::Blocked), (16, 16, Layout::Blocked), (3, 1, Layout::Planes)] {
        let g = geometry((0, channels, 16, groups), window.clone());
        let mut dweight = vec![f32::NAN; g.weight_size()];
        weight_gradient(&g, layout, &[], &[], &mut dweight);
        assert!(dweight.iter().all(|&v| v == 0.0));
    }
}
