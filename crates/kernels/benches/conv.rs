//! Convolutions of ResNet-50 and MobileNet on blocked images, on every tier of vector instructions that the machine has.
//!
//!     cargo bench --profile fast -p rsym-kernels --bench conv

#![allow(missing_docs)] // The macros of criterion make functions without any.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rsym_kernels::conv::ConvGeometry;
use rsym_kernels::conv::blocked::{Activation, ConvPlan, DataGradient, Epilogue, Layout};
use rsym_kernels::simd::{available, with_tier};
use rsym_kernels::window::Window;
use std::hint::black_box;
use std::time::Duration;

/// Name, layout of the input, channels, filters, height and width, kernel and stride.
const LAYERS: [(&str, Layout, usize, usize, usize, usize, usize); 7] = [
    ("first", Layout::Planes, 3, 64, 224, 7, 2),
    ("pointwise", Layout::Blocked, 256, 64, 56, 1, 1),
    ("winograd", Layout::Blocked, 64, 64, 56, 3, 1),
    ("winograd_deep", Layout::Blocked, 256, 256, 14, 3, 1),
    ("strided", Layout::Blocked, 128, 128, 56, 3, 2),
    ("small", Layout::Blocked, 512, 512, 7, 3, 1),
    ("depthwise", Layout::Blocked, 128, 128, 56, 3, 1),
];

fn geometry(name: &str, channels: usize, filters: usize, size: usize, kernel: usize, stride: usize) -> ConvGeometry {
    let window = Window::new(&[size; 2], &[kernel; 2], &[stride; 2], &[1; 2], &[kernel / 2; 2]);
    let groups = if name == "depthwise" { channels } else { 1 };
    ConvGeometry { batch: 1, channels, filters, groups, window, channels_last: false }
}

fn convolutions(c: &mut Criterion) {
    for (name, layout, channels, filters, size, kernel, stride) in LAYERS {
        let g = geometry(name, channels, filters, size, kernel, stride);
        let (data, weight, bias) = (vec![0.5; g.data_size()], vec![0.25; g.weight_size()], vec![0.1; filters]);
        let mut out = vec![0.0; g.output_size()];
        let epilogue = Epilogue { bias: Some(&bias), residual: None, activation: Activation::Relu };
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements((g.output_size() * g.weight_size() / filters) as u64));
        for tier in available() {
            let Some(plan) = with_tier(tier, || ConvPlan::new(&g, layout)) else { continue };
            let packed = plan.pack(&weight, None);
            group.bench_function(BenchmarkId::from_parameter(tier), |b| {
                b.iter(|| plan.run(black_box(&data), &packed, &epilogue, &mut out));
            });
        }
    }
}

/// Bringing weights into the order of the kernels, as training does in every step.
fn packing(c: &mut Criterion) {
    for (name, layout, channels, filters, size, kernel, stride) in LAYERS {
        let g = geometry(name, channels, filters, size, kernel, stride);
        let weight = vec![0.25; g.weight_size()];
        let mut group = c.benchmark_group(format!("pack_{name}"));
        group.throughput(Throughput::Elements(g.weight_size() as u64));
        for tier in available() {
            if let Some(plan) = with_tier(tier, || ConvPlan::for_one_run(&g, layout)) {
                let mut packed = Some(plan.pack(&weight, None));
                group.bench_function(BenchmarkId::new("forward", tier), |b| {
                    b.iter(|| packed = Some(plan.repack(packed.take(), black_box(&weight), None)));
                });
            }
            if let Some(plan) = with_tier(tier, || DataGradient::new(&g)) {
                let mut packed = Some(plan.pack(&weight));
                group.bench_function(BenchmarkId::new("data_gradient", tier), |b| {
                    b.iter(|| packed = Some(plan.repack(packed.take(), black_box(&weight))));
                });
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = convolutions, packing
}
criterion_main!(benches);
