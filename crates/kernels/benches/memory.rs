//! Kernels that have little to compute: they should take as long as their memory takes to be read and written. The first
//! group copies as many bytes.
//!
//!     cargo bench --profile fast -p rsym-kernels --bench memory

#![allow(missing_docs)] // The macros of criterion make functions without any.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rsym_kernels::fused::{Given, Op, Operand, apply};
use rsym_kernels::layout::AxisDims;
use rsym_kernels::norm::{BatchStats, batch_norm_backward, batch_norm_inference, batch_norm_train, layer_norm};
use rsym_kernels::pool::{PoolGeometry, PoolKind, pool_forward};
use rsym_kernels::random::{Key, bernoulli, normal, uniform};
use rsym_kernels::reduce::{Reduction, reduce};
use rsym_kernels::simd::{available, with_tier};
use rsym_kernels::softmax::{Softmax, softmax};
use rsym_kernels::window::Window;
use rsym_kernels::{arrange, elementwise};
use std::hint::black_box;
use std::time::Duration;

/// Elements of the input of each kernel: 16 MiB.
const SIZE: usize = 1 << 22;

/// Benchmarks `run(input, output)` on every tier.
fn on_tiers(c: &mut Criterion, name: &str, out: usize, mut run: impl FnMut(&[f32], &mut [f32])) {
    let input: Vec<f32> = (0..SIZE).map(|i| (i % 251) as f32 / 251.0 - 0.4).collect();
    let mut output = vec![0.0; out];
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(4 * (SIZE + out) as u64));
    for tier in available() {
        group.bench_function(BenchmarkId::from_parameter(tier), |b| {
            with_tier(tier, || b.iter(|| run(black_box(&input), black_box(&mut output))));
        });
    }
}

fn arrangement(c: &mut Criterion) {
    on_tiers(c, "copy", SIZE, |x, out| elementwise::map(x, out, |v: f32| v));
    on_tiers(c, "transpose", SIZE, |x, out| arrange::transpose(x, &[2048, 2048], &[1, 0], out));
    on_tiers(c, "to_channels_last", SIZE, |x, out| arrange::transpose(x, &[8, 128, 64, 64], &[0, 2, 3, 1], out));
    on_tiers(c, "split_heads", SIZE, |x, out| arrange::transpose(x, &[32, 256, 8, 64], &[0, 2, 1, 3], out));
    on_tiers(c, "concat", SIZE, |x, out| {
        let (a, b) = x.split_at(SIZE / 4);
        arrange::concat(&[(a, 64), (b, 192)], 16, 1024, out);
    });
}

fn functions(c: &mut Criterion) {
    for op in [Op::Relu, Op::Exp, Op::Tanh] {
        on_tiers(c, &format!("{op:?}").to_lowercase(), SIZE, |x, out| {
            apply(op, &[Given::Tensor(Operand::Slice(x), &[SIZE])], (out, &[SIZE]));
        });
    }
    on_tiers(c, "softmax", SIZE, |x, out| {
        softmax(AxisDims::new(&[4096, 1024], 1), Softmax::default(), x, None, out);
    });
    on_tiers(c, "softmax_of_channels", SIZE, |x, out| {
        softmax(AxisDims::new(&[16, 64, 4096], 1), Softmax::default(), x, None, out);
    });
}

fn statistics(c: &mut Criterion) {
    for (name, axes, out) in [("sum_of_rows", &[1][..], 4096), ("sum_of_columns", &[0], 1024), ("sum", &[0, 1], 1)] {
        on_tiers(c, name, out, |x, out| reduce(Reduction::Sum, x, &[4096, 1024], axes, out));
    }
    let dims = AxisDims::new(&[8, 128, 4096], 1);
    let (ones, zeros) = (vec![1.0; 1024], vec![0.0; 1024]);
    let (mut mean, mut var, mut inv_std) = (vec![0.0; 4096], vec![1.0; 4096], vec![1.0; 4096]);
    on_tiers(c, "layer_norm", SIZE, |x, out| {
        layer_norm(AxisDims::new(&[4096, 1024], 1), x, (&ones, &zeros), 1e-5, out, (&mut mean, &mut var));
    });
    on_tiers(c, "batch_norm_train", SIZE, |x, out| {
        let stats = BatchStats { mean: &mut mean[..128], var: &mut var[..128], inv_std: &mut inv_std[..128] };
        batch_norm_train(dims, x, (Some(&ones[..128]), &zeros[..128]), 1e-5, out, stats);
    });
    on_tiers(c, "batch_norm_inference", SIZE, |x, out| {
        let stats = (&zeros[..128], &ones[..128]);
        batch_norm_inference(dims, x, (Some(&ones[..128]), &zeros[..128]), stats, 1e-5, out);
    });
    let (mut dgamma, mut dbeta) = (vec![0.0; 128], vec![0.0; 128]);
    on_tiers(c, "batch_norm_backward", SIZE, |x, out| {
        let stats = (&zeros[..128], &ones[..128]);
        batch_norm_backward(dims, (x, x), Some(&ones[..128]), stats, true, out, (&mut dgamma, &mut dbeta));
    });
    for (name, kind) in [("max_pool", PoolKind::Max), ("avg_pool", PoolKind::Avg { count_include_pad: true })] {
        let window = Window::new(&[64; 2], &[2; 2], &[2; 2], &[1; 2], &[0; 2]);
        let g = PoolGeometry { batch: 8, channels: 128, window, kind, channels_last: false };
        on_tiers(c, name, SIZE / 4, |x, out| pool_forward(&g, x, out));
    }
}

fn random(c: &mut Criterion) {
    let key = Key { seed: 1, stream: 2 };
    on_tiers(c, "uniform", SIZE, |_, out| uniform(key, 0.0, 1.0, out));
    on_tiers(c, "normal", SIZE, |_, out| normal(key, 0.0, 1.0, out));
    on_tiers(c, "bernoulli", SIZE, |_, out| bernoulli(key, 0.5, 2.0, out));
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    targets = arrangement, functions, statistics, random
}
criterion_main!(benches);
