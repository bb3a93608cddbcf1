//! Layer normalisation of rows in single precision, on vectors.

use crate::layout::{AxisDims, as_rows, write_rows};
use crate::lines::{for_vectors, keep, load, store, sums};
use crate::parallel::{Shared, for_tasks};
use crate::simd::{tier, tiered};

/// Rows whose gradients of gamma and beta are summed in single precision.
const BLOCK: usize = 32;

pub(crate) fn layer_single(
    dims: AxisDims,
    x: &[f32],
    (gamma, beta): (&[f32], &[f32]),
    eps: f64,
    out: &mut [f32],
    (mean, std): (&mut [f32], &mut [f32]),
) {
    let (rows, tier, n, lines) = (as_rows(dims, x), tier(), dims.axis, dims.lines());
    assert!(gamma.len() == n && beta.len() == n && mean.len() == lines && std.len() == lines, "sizes of a layer");
    let each = block(n);
    write_rows(dims, out, |out| {
        let (out, mean, std) = (Shared::new(out), Shared::new(mean), Shared::new(std));
        for_tasks(lines.div_ceil(each), each * (n + 16), |task| {
            for r in task * each..(task * each + each).min(lines) {
                // SAFETY: every row has its own part of all outputs.
                let (out, mean, std) = unsafe { (out.slice(r * n, n), mean.slice(r, 1), std.slice(r, 1)) };
                [mean[0], std[0]] = normalise(tier, &rows[r * n..][..n], (gamma, beta), eps, out);
            }
        });
    });
}

/// Rows of one task.
fn block(len: usize) -> usize {
    crate::parallel::chunk_rows(len + 16).min(BLOCK)
}

pub(crate) fn layer_gradient_single(
    dims: AxisDims,
    (x, dout): (&[f32], &[f32]),
    gamma: &[f32],
    (mean, std): (&[f32], &[f32]),
    dx: &mut [f32],
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let (x, dout, tier, n, lines) = (as_rows(dims, x), as_rows(dims, dout), tier(), dims.axis, dims.lines());
    assert!(gamma.len() == n && dgamma.len() == n && dbeta.len() == n, "sizes of a layer");
    let tasks = lines.div_ceil(BLOCK);
    let mut partial = vec![0f32; tasks * 2 * n];
    write_rows(dims, dx, |dx| {
        let (dx, partial) = (Shared::new(dx), Shared::new(&mut partial));
        for_tasks(tasks, BLOCK.min(lines) * (2 * n + 16), |task| {
            // SAFETY: every task has its own part.
            let (sums_gamma, sums_beta) = unsafe { partial.slice(task * 2 * n, 2 * n) }.split_at_mut(n);
            for r in task * BLOCK..(task * BLOCK + BLOCK).min(lines) {
                let row = r * n..r * n + n;
                // SAFETY: every row has its own part.
                let dx = unsafe { dx.slice(r * n, n) };
                let data = (&x[row.clone()], &dout[row]);
                descend(tier, data, gamma, (mean[r], std[r]), dx, (&mut *sums_gamma, &mut *sums_beta));
            }
        });
    });
    let total = |at: usize| partial.iter().skip(at).step_by(2 * n).map(|&v| v as f64).sum::<f64>() as f32;
    (0..n).for_each(|i| (dgamma[i], dbeta[i]) = (total(i), total(n + i)));
}

tiered! {
    /// Normalises one row; its mean and its deviation.
    fn normalise<V>(x: &[f32], params: (&[f32], &[f32]), eps: f64, out: &mut [f32]) -> [f32; 2] {
        let (len, from, to, count) = (x.len(), x.as_ptr(), out.as_mut_ptr(), x.len().max(1) as f64);
        let (gamma, beta) = params;
        assert!(out.len() == len && gamma.len() == len && beta.len() == len, "sizes of a layer");
        let (gamma, beta) = (gamma.as_ptr(), beta.as_ptr());
        // SAFETY: all offsets are inside of the row and of what is as long.
        unsafe {
            let [sum] = sums!(V, 1, len, |at, n| [load::<V>(from, at, n)]);
            let mean = V::splat((sum / count) as f32);
            let [squares] = sums!(V, 1, len, |at, n| {
                let off = load::<V>(from, at, n).sub(mean);
                [keep(off.mul(off), n, 0.0)]
            });
            let std = (squares / count + eps).sqrt();
            let scale = V::splat((1.0 / std) as f32);
            for_vectors!(len, |at, n| {
                let normal = load::<V>(from, at, n).sub(mean).mul(scale);
                store(normal.mul_add(load(gamma, at, n), load(beta, at, n)), to, at, n)
            });
            [(sum / count) as f32, std as f32]
        }
    }
}

tiered! {
    /// The gradient of one row, and what it adds to those of gamma and beta.
    fn descend<V>(
        data: (&[f32], &[f32]),
        gamma: &[f32],
        stats: (f32, f32),
        dx: &mut [f32],
        params: (&mut [f32], &mut [f32]),
    ) {
        let ((x, head), (dgamma, dbeta), (mean, std), len) = (data, params, stats, dx.len());
        assert!([x.len(), head.len(), gamma.len(), dgamma.len(), dbeta.len()] == [len; 5], "sizes of a layer");
        let (x, head, gamma, to) = (x.as_ptr(), head.as_ptr(), gamma.as_ptr(), dx.as_mut_ptr());
        let (dgamma, dbeta) = (dgamma.as_mut_ptr(), dbeta.as_mut_ptr());
        let (mean, inverse, count) = (V::splat(mean), V::splat(1.0 / std), len.max(1) as f64);
        // SAFETY: all offsets are inside of the row and of what is as long.
        unsafe {
            let [shift, tilt] = sums!(V, 2, len, |at, n| {
                let (head, normal) = (load::<V>(head, at, n), load::<V>(x, at, n).sub(mean).mul(inverse));
                store(head.mul_add(normal, load(dgamma, at, n)), dgamma, at, n);
                store(head.add(load(dbeta, at, n)), dbeta, at, n);
                let own = head.mul(load(gamma, at, n));
                [own, own.mul(normal)]
            });
            let (shift, tilt) = (V::splat((shift / count) as f32), V::splat((tilt / count) as f32));
            for_vectors!(len, |at, n| {
                let (head, normal) = (load::<V>(head, at, n), load::<V>(x, at, n).sub(mean).mul(inverse));
                let own = head.mul(load(gamma, at, n));
                store(own.sub(shift).sub(tilt.mul(normal)).mul(inverse), to, at, n)
            });
        }
    }
}
