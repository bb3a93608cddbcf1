//! Matrix products, as dense layers, attention and recurrent networks have them, and gradients of convolutions.
//!
//!     cargo bench --profile fast -p rsym-kernels --bench products

#![allow(missing_docs)] // The macros of criterion make functions without any.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rsym_kernels::conv::ConvGeometry;
use rsym_kernels::conv::blocked::{DataGradient, Layout, weight_gradient};
use rsym_kernels::gemm::{Epilogue, Mat, MatMut, PackedB, gemm, gemm_packed};
use rsym_kernels::simd::{available, with_tier};
use rsym_kernels::window::Window;
use std::hint::black_box;
use std::time::Duration;

/// Name, rows of the left factor, columns of the right one, and what they share.
const PRODUCTS: [(&str, usize, usize, usize); 5] = [
    ("square", 512, 512, 512),
    ("dense_b64", 64, 512, 784),
    ("lstm_step", 32, 1024, 256),
    ("one_row", 1, 4096, 4096),
    ("attention", 128, 128, 64),
];

fn products(c: &mut Criterion) {
    for (name, m, n, k) in PRODUCTS {
        let (a, b, mut out) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0.0f32; m * n]);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements((m * n * k) as u64));
        group.bench_function("by the gemm crate or single rows", |x| {
            x.iter(|| gemm(1.0, Mat::new(black_box(&a), m, k), Mat::new(&b, k, n), 0.0, MatMut::new(&mut out, m, n)));
        });
        for tier in available() {
            let packed = with_tier(tier, || PackedB::pack(Mat::new(&b, k, n)));
            group.bench_function(BenchmarkId::new("packed", tier), |x| {
                with_tier(tier, || {
                    x.iter(|| gemm_packed(Mat::new(black_box(&a), m, k), &packed, &Epilogue::default(), &mut out))
                });
            });
        }
    }
}

/// Name, channels, filters, height and width, kernel and stride.
const LAYERS: [(&str, usize, usize, usize, usize, usize); 4] = [
    ("pointwise", 256, 64, 56, 1, 1),
    ("three", 64, 64, 56, 3, 1),
    ("three_strided", 128, 128, 56, 3, 2),
    ("depthwise", 128, 128, 56, 3, 1),
];

fn gradients(c: &mut Criterion) {
    for (name, channels, filters, size, kernel, stride) in LAYERS {
        let window = Window::new(&[size; 2], &[kernel; 2], &[stride; 2], &[1; 2], &[kernel / 2; 2]);
        let groups = if name == "depthwise" { channels } else { 1 };
        let g = ConvGeometry { batch: 4, channels, filters, groups, window, channels_last: false };
        let (data, weight) = (vec![0.5; g.data_size()], vec![0.25; g.weight_size()]);
        let (dout, mut ddata) = (vec![0.1; g.output_size()], vec![0.0; g.data_size()]);
        let mut dweight = vec![0.0; g.weight_size()];
        let mut group = c.benchmark_group(format!("gradients_{name}"));
        group.throughput(Throughput::Elements((g.output_size() * g.weight_size() / filters) as u64));
        for tier in available() {
            with_tier(tier, || {
                group.bench_function(BenchmarkId::new("of_weight", tier), |b| {
                    b.iter(|| weight_gradient(&g, Layout::Blocked, black_box(&data), &dout, &mut dweight));
                });
                let Some(plan) = DataGradient::new(&g) else { return };
                let packed = plan.pack(&weight);
                group.bench_function(BenchmarkId::new("of_data", tier), |b| {
                    b.iter(|| plan.run(black_box(&dout), &packed, &mut ddata));
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    targets = products, gradients
}
criterion_main!(benches);
