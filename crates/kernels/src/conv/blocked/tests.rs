use super::*;
use crate::parallel::tests::same_for_threads;
use crate::real::tests::noise;
use crate::simd::{available, with_tier};

fn geometry((batch, channels, filters): (usize, usize, usize), window: Window) -> ConvGeometry {
    ConvGeometry { batch, channels, filters, groups: 1, window, channels_last: false }
}

fn square(size: [usize; 2], kernel: usize, stride: usize, dilate: usize, pad: usize) -> Window {
    Window::new(&size, &[kernel; 2], &[stride; 2], &[dilate; 2], &[pad; 2])
}

/// The convolution in planes, tap by tap in double precision.
fn plain(g: &ConvGeometry, data: &[f32], weight: &[f32]) -> Vec<f64> {
    let (w, gc, gf) = (&g.window, g.group_channels(), g.group_filters());
    let mut out = vec![0.0; g.output_size()];
    for (i, out) in out.iter_mut().enumerate() {
        let (place, filter, n) =
            (i % w.output_size(), i / w.output_size() % g.filters, i / w.output_size() / g.filters);
        let (y, x) = (place / w.output[2], place % w.output[2]);
        for c in 0..gc {
            let plane = &data[(n * g.channels + filter / gf * gc + c) * w.input_size()..];
            for tap in 0..w.taps() {
                let [_, ky, kx] = w.tap(tap);
                if let (Some(y), Some(x)) = (w.source(1, y, ky), w.source(2, x, kx)) {
                    *out += plane[y * w.input[2] + x] as f64 * weight[(filter * gc + c) * w.taps() + tap] as f64;
                }
            }
        }
    }
    out
}

fn blocked(batch: usize, channels: usize, size: usize, planes: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; planes.len()];
    to_blocked(batch, channels, size, planes, &mut out);
    out
}

fn planes(batch: usize, channels: usize, size: usize, blocked: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; blocked.len()];
    from_blocked(batch, channels, size, blocked, &mut out);
    out
}

/// Data and weight of a convolution and what must come out in planes.
struct Case {
    g: ConvGeometry,
    data: Vec<f32>,
    weight: Vec<f32>,
    want: Vec<f64>,
}

impl Case {
    fn new(g: ConvGeometry) -> Case {
        let (data, weight) = (noise::<f32>(g.data_size(), 1), noise::<f32>(g.weight_size(), 2));
        let want = plain(&g, &data, &weight);
        Case { g, data, weight, want }
    }

    fn input(&self, layout: Layout) -> Vec<f32> {
        match layout {
            Layout::Planes => self.data.clone(),
            Layout::Blocked => blocked(self.g.batch, self.g.channels, self.g.window.input_size(), &self.data),
        }
    }

    fn run(&self, layout: Layout) -> Vec<f32> {
        self.run_plan(&ConvPlan::with_winograd(&self.g, layout, false).expect("a plan"), layout)
    }

    fn run_plan(&self, plan: &ConvPlan, layout: Layout) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.g.output_size()];
        plan.run(&self.input(layout), &plan.pack(&self.weight, None), &Epilogue::NONE, &mut out);
        planes(self.g.batch, self.g.filters, self.g.window.output_size(), &out)
    }

    fn check(&self, layout: Layout) {
        for tier in available() {
            close(&with_tier(tier, || self.run(layout)), &self.want, &format!("{:?} on {tier}", self.g));
        }
    }
}

/// Errors beside the greatest sum, of sums tap by tap and of Winograd's, as the documentation of the module says.
const DIRECT_ERROR: f64 = 2e-6;
const WINOGRAD_ERROR: f64 = 2e-5;

fn close(got: &[f32], want: &[f64], what: &str) {
    close_beside(got, want, want, DIRECT_ERROR, what);
}

fn close_winograd(got: &[f32], want: &[f64], what: &str) {
    close_beside(got, want, want, WINOGRAD_ERROR, what);
}

/// The error is to be small beside the greatest of `sums`.
fn close_beside(got: &[f32], want: &[f64], sums: &[f64], error: f64, what: &str) {
    let size = sums.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    assert_eq!(got.len(), want.len());
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        assert!((got as f64 - want).abs() <= error * size, "{what}: {got} at {i} instead of {want}");
    }
}

#[test]
fn blocks_hold_sixteen_channels_of_a_pixel() {
    for (batch, channels, size) in [(1, 16, 1), (2, 32, 15), (1, 16, 16), (3, 16, 33), (1, 48, 2100)] {
        let x = noise::<f32>(batch * channels * size, 1);
        for tier in available() {
            with_tier(tier, || {
                let b = blocked(batch, channels, size, &x);
                for (i, &v) in b.iter().enumerate() {
                    let (lane, pixel, block) = (i % 16, i / 16 % size, i / 16 / size);
                    assert_eq!(v, x[(block * 16 + lane) * size + pixel]);
                }
                assert_eq!(planes(batch, channels, size, &b), x);
            });
        }
    }
}

#[test]
fn every_width_and_kernel_matches_the_plain_sum() {
    for width in (1..=17).chain([28]) {
        for (kernel, stride, dilate, pad) in [(1, 1, 1, 0), (3, 1, 1, 1), (3, 2, 1, 1), (1, 2, 1, 0)] {
            Case::new(geometry((1, 32, 48), square([5, width], kernel, stride, dilate, pad))).check(Layout::Blocked);
        }
    }
}

#[test]
fn odd_kernels_strides_pads_and_dilations_match() {
    let windows = [
        square([9, 11], 3, 1, 2, 2),
        square([9, 11], 3, 3, 1, 1),
        square([7, 7], 3, 1, 1, 1),
        square([7, 7], 5, 1, 1, 2),
        square([8, 9], 2, 2, 1, 0),
        square([6, 6], 3, 1, 1, 0),
        square([3, 2], 5, 1, 1, 4),
        Window::new(&[7, 12], &[1, 5], &[1, 2], &[1, 1], &[0, 3]),
        Window::new(&[19], &[3], &[1], &[1], &[1]),
        Window::new(&[6, 6], &[3, 3], &[1, 1], &[1, 1], &[1, 1]).with_output(&[5, 4]),
        Window::new(&[6, 6], &[3, 3], &[2, 2], &[1, 1], &[0, 0]).with_output(&[3, 3]),
        Window::new(&[6, 6], &[1, 1], &[1, 1], &[1, 1], &[2, 1]),
    ];
    for window in windows {
        Case::new(geometry((2, 32, 32), window)).check(Layout::Blocked);
    }
}

#[test]
fn many_channels_are_summed_in_chunks() {
    for (channels, size, kernel) in [(208, 7, 3), (96, 14, 3), (1040, 5, 1)] {
        Case::new(geometry((2, channels, 80), square([size, size], kernel, 1, 1, kernel / 2))).check(Layout::Blocked);
    }
}

#[test]
fn depthwise_matches_the_plain_sum() {
    let widths =
        (1..=17).map(|width| square([6, width], 3, 1, 1, 1)).chain((4..=9).map(|w| square([7, w], 5, 2, 1, 2)));
    let others = [
        square([9, 20], 3, 2, 1, 1),
        square([9, 20], 3, 1, 2, 2),
        square([2, 3], 3, 1, 1, 3),
        square([30, 40], 5, 1, 1, 0),
    ];
    for window in widths.chain(others) {
        Case::new(ConvGeometry { groups: 32, ..geometry((2, 32, 32), window) }).check(Layout::Blocked);
    }
}

#[test]
fn planes_are_read_as_they_are() {
    for (channels, stride, kernel) in [(3, 2, 7), (1, 1, 5), (3, 4, 11), (4, 1, 3), (3, 1, 1), (17, 2, 3)] {
        let window = square([23, 29], kernel, stride, 1, kernel / 2);
        Case::new(geometry((2, channels, 48), window)).check(Layout::Planes);
    }
}

#[test]
fn results_are_the_same_for_every_thread_count() {
    for (dims, window, layout) in [
        ((2, 64, 64), square([28, 28], 3, 1, 1, 1), Layout::Blocked),
        ((3, 256, 96), square([14, 14], 1, 1, 1, 0), Layout::Blocked),
        ((1, 3, 64), square([64, 64], 7, 2, 1, 3), Layout::Planes),
        ((2, 64, 64), square([57, 28], 3, 1, 1, 1), Layout::Blocked),
    ] {
        let groups = if window.output[1] == 57 { dims.1 } else { 1 };
        let case = Case::new(ConvGeometry { groups, ..geometry(dims, window) });
        let got = same_for_threads(|| case.run(layout));
        close(&got, &case.want, "in threads");
    }
}

/// A plan by Winograd's algorithm, whether or not it pays.
fn winograd(g: &ConvGeometry) -> ConvPlan {
    let algorithm = Algorithm::Winograd(Winograd::new(tier(), g).expect("3 by 3 of stride 1"));
    ConvPlan { geometry: g.clone(), tier: tier(), algorithm }
}

#[test]
fn winograd_matches_the_plain_sum() {
    let sizes = (1..=17).map(|width| [5, width]).chain([[7, 7], [14, 14], [28, 3]]);
    for size in sizes {
        for (batch, pad) in [(1, 1), (2, 0), (3, 2)] {
            let window = square(size, 3, 1, 1, pad);
            if window.output_size() == 0 {
                continue;
            }
            let case = Case::new(geometry((batch, 32, 48), window));
            for tier in available() {
                let got = with_tier(tier, || case.run_plan(&winograd(&case.g), Layout::Blocked));
                close_winograd(&got, &case.want, &format!("{:?} on {tier}", case.g));
            }
        }
    }
}

#[test]
fn winograd_is_taken_where_it_pays_and_allowed() {
    let g = |size| geometry((1, 64, 64), square([size, size], 3, 1, 1, 1));
    let name = |g: ConvGeometry, allowed| ConvPlan::with_winograd(&g, Layout::Blocked, allowed).unwrap().describe();
    assert!(name(g(28), true).starts_with("winograd"));
    assert!(name(g(28), false).starts_with("direct"));
    assert!(name(g(7), true).starts_with("direct"));
}

#[test]
fn winograd_keeps_the_precision_of_many_channels() {
    // Means far from zero, as after an activation, and many tiles: the two ways of splitting.
    for (channels, size) in [(512, 14), (32, 120)] {
        let mut case = Case::new(geometry((1, channels, 32), square([size, size], 3, 1, 1, 1)));
        case.data.iter_mut().for_each(|x| *x = x.max(0.0));
        case.want = plain(&case.g, &case.data, &case.weight);
        let got = same_for_threads(|| case.run_plan(&winograd(&case.g), Layout::Blocked));
        close_winograd(&got, &case.want, "winograd");
    }
}

#[test]
fn epilogues_add_and_apply_last() {
    // More channels than one pass sums: nothing may be added twice or applied early.
    let case = Case::new(geometry((1, 160, 32), square([7, 9], 3, 1, 1, 1)));
    let (bias, residual) = (noise::<f32>(32, 5), noise::<f32>(case.g.output_size(), 6));
    let size = case.g.window.output_size();
    let sum: Vec<f64> = (0..case.want.len()).map(|i| case.want[i] + (bias[i / size] + residual[i]) as f64).collect();
    let residual = blocked(1, 32, size, &residual);
    let activations: [(Activation, fn(f64) -> f64); 4] = [
        (Activation::None, |x| x),
        (Activation::Relu, |x| x.max(0.0)),
        (Activation::Clip(-10.0, 12.0), |x| x.clamp(-10.0, 12.0)),
        (Activation::Leaky(0.25), |x| if x < 0.0 { 0.25 * x } else { x }),
    ];
    for tier in available() {
        let direct = || ConvPlan::with_winograd(&case.g, Layout::Blocked, false).unwrap();
        let plans = with_tier(tier, || [direct(), winograd(&case.g)]);
        for (plan, (activation, f)) in plans.iter().flat_map(|plan| activations.map(|a| (plan, a))) {
            let mut out = vec![f32::NAN; case.g.output_size()];
            let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
            plan.run(&case.input(Layout::Blocked), &plan.pack(&case.weight, None), &epilogue, &mut out);
            let want: Vec<f64> = sum.iter().map(|&x| f(x)).collect();
            let what = format!("{activation:?} by {} on {tier}", plan.describe());
            let error = if matches!(plan.algorithm, Algorithm::Winograd(_)) { WINOGRAD_ERROR } else { DIRECT_ERROR };
            close_beside(&planes(1, 32, size, &out), &want, &sum, error, &what);
        }
    }
}

#[test]
fn depthwise_epilogues_come_last() {
    let case = Case::new(ConvGeometry { groups: 32, ..geometry((1, 32, 32), square([7, 9], 3, 1, 1, 1)) });
    let (bias, residual) = (noise::<f32>(32, 5), noise::<f32>(case.g.output_size(), 6));
    let want: Vec<f64> =
        (0..case.want.len()).map(|i| (case.want[i] + (bias[i / 63] + residual[i]) as f64).clamp(0.0, 1.5)).collect();
    let residual = blocked(1, 32, 63, &residual);
    let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation: Activation::Clip(0.0, 1.5) };
    for tier in available() {
        let plan = with_tier(tier, || ConvPlan::new(&case.g, Layout::Blocked)).unwrap();
        let mut out = vec![f32::NAN; case.g.output_size()];
        plan.run(&case.input(Layout::Blocked), &plan.pack(&case.weight, None), &epilogue, &mut out);
        close(&planes(1, 32, 63, &out), &want, &format!("depthwise on {tier}"));
    }
}

#[test]
fn scales_are_folded_into_the_weight() {
    let mut case = Case::new(geometry((1, 16, 48), square([5, 5], 3, 1, 1, 1)));
    let scale = noise::<f32>(48, 9);
    case.want.iter_mut().enumerate().for_each(|(i, v)| *v *= scale[i / 25] as f64);
    let plan = ConvPlan::new(&case.g, Layout::Blocked).unwrap();
    let mut out = vec![f32::NAN; case.g.output_size()];
    plan.run(&case.input(Layout::Blocked), &plan.pack(&case.weight, Some(&scale)), &Epilogue::NONE, &mut out);
    close(&planes(1, 48, 25, &out), &case.want, "scaled");
}

#[test]
fn nan_and_infinity_pass_through_activations() {
    let g = geometry((1, 16, 16), square([2, 2], 1, 1, 1, 0));
    let mut weight = vec![0.0; 256];
    (0..16).for_each(|i| weight[i * 17] = 1.0);
    let data: Vec<f32> = (0..64).map(|i| [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -1.0][i % 4]).collect();
    for tier in available() {
        let plan = with_tier(tier, || ConvPlan::new(&g, Layout::Blocked)).unwrap();
        let mut out = vec![0.0; 64];
        let epilogue = Epilogue { activation: Activation::Relu, ..Epilogue::NONE };
        // One channel of every pixel is alone not zero.
        let mut single = vec![0.0; 64];
        (0..4).for_each(|pixel| single[pixel * 16 + pixel] = data[pixel]);
        plan.run(&single, &plan.pack(&weight, None), &epilogue, &mut out);
        assert!(out[0].is_nan(), "{tier}");
        assert!(out[16 + 1].is_nan() || out[16 + 1] == 0.0, "{tier}");
        assert_eq!((out[32 + 2], out[48 + 3]), (f32::INFINITY, 0.0), "{tier}");
    }
}

#[test]
fn data_gradients_are_forward_runs() {
    for (kernel, dilate, pad) in [(3, 1, 1), (1, 1, 0), (5, 1, 1), (3, 2, 2)] {
        let g = geometry((2, 32, 48), square([9, 10], kernel, 1, dilate, pad));
        let (weight, dout) = (noise::<f32>(g.weight_size(), 2), noise::<f32>(g.output_size(), 3));
        let mut want = vec![0.0f32; g.data_size()];
        crate::conv::conv_backward_data(&g, &weight, &dout, &mut want);
        let want: Vec<f64> = want.iter().map(|&v| v as f64).collect();
        for tier in available() {
            let plan = with_tier(tier, || ConvPlan::data_gradient(&g)).unwrap();
            let (dout, mut got) = (blocked(2, 48, g.window.output_size(), &dout), vec![f32::NAN; g.data_size()]);
            plan.run(&dout, &plan.pack_data_gradient(None, &weight), &Epilogue::NONE, &mut got);
            close(&planes(2, 32, 90, &got), &want, &format!("kernel {kernel} on {tier}"));
        }
    }
}

#[test]
fn what_has_no_kernel_has_no_plan() {
    let w = || square([5, 5], 3, 1, 1, 1);
    assert!(ConvPlan::new(&geometry((1, 17, 16), w()), Layout::Blocked).is_none());
    assert!(ConvPlan::new(&geometry((1, 16, 17), w()), Layout::Blocked).is_none());
    assert!(ConvPlan::new(&geometry((1, 33, 16), w()), Layout::Planes).is_none());
    assert!(ConvPlan::new(&geometry((0, 16, 16), w()), Layout::Blocked).is_none());
    let grouped = ConvGeometry { groups: 2, ..geometry((1, 32, 32), w()) };
    assert!(ConvPlan::new(&grouped, Layout::Blocked).is_none());
    assert!(
        ConvPlan::new(&geometry((1, 16, 16), Window::new(&[4, 4, 4], &[3, 3, 3], &[], &[], &[])), Layout::Blocked)
            .is_none()
    );
    assert!(ConvPlan::data_gradient(&geometry((1, 16, 16), square([5, 5], 3, 2, 1, 1))).is_none());
}

#[test]
fn packing_again_takes_over_the_memory() {
    let windows = [square([12, 12], 3, 1, 1, 1), square([9, 9], 3, 2, 1, 1), square([8, 8], 1, 1, 1, 0)];
    let depthwise = ConvGeometry { groups: 32, ..geometry((1, 32, 32), square([7, 7], 3, 1, 1, 1)) };
    for g in windows.map(|w| geometry((1, 32, 48), w)).into_iter().chain([depthwise]) {
        let (first, second) = (noise::<f32>(g.weight_size(), 1), noise::<f32>(g.weight_size(), 2));
        let plan = ConvPlan::with_winograd(&g, Layout::Blocked, true).unwrap();
        let old = plan.pack(&first, None);
        let place = old.lines.at(0);
        let new = plan.repack(Some(old), &second, None);
        assert_eq!(new.lines.at(0), place, "{}", plan.describe());
        assert_eq!(new.lines.floats(), plan.pack(&second, None).lines.floats(), "{}", plan.describe());
        let other = ConvPlan::new(&geometry((1, 16, 16), square([5, 5], 5, 1, 1, 2)), Layout::Blocked).unwrap();
        let foreign = other.pack(&noise::<f32>(16 * 16 * 25, 3), None);
        assert_eq!(plan.repack(Some(foreign), &second, None).lines.floats(), new.lines.floats());

        let gradient = DataGradient::new(&g).unwrap();
        let (dout, size) = (noise::<f32>(g.output_size(), 4), g.data_size());
        let run = |packed: &PackedGradient| {
            let mut out = vec![f32::NAN; size];
            gradient.run(&dout, packed, &mut out);
            out
        };
        assert_eq!(run(&gradient.repack(Some(gradient.pack(&first)), &second)), run(&gradient.pack(&second)));
    }
}
