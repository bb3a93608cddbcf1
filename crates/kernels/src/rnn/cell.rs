//! The types that recurrent layers compute in, and their weights in packed form.

use super::gates::{BackwardStep, ForwardStep, backward, backward_single, forward, forward_single};
use super::{RnnGeometry, RnnMode};
use crate::gemm::{Activation, Epilogue, Mat, MatMut, PackedB, gemm, gemm_packed};
use crate::real::Real;
use crate::simd::Tier;
use rsym_tensor::Float;

/// A type that recurrent layers compute in: `f32` or `f64`.
pub trait Cell: Real + Float {
    /// A right factor of products, ready to be used many times.
    type Factor: Send + Sync + 'static;

    /// The factor, in the memory of another if there is one.
    fn factor(old: Option<Self::Factor>, b: Mat<Self>) -> Self::Factor;
    /// `c = a * b + bias`, or `c = c + a * b + bias`; `c` is C-contiguous.
    fn multiply(a: Mat<Self>, b: &Self::Factor, bias: Option<&[Self]>, accumulate: bool, c: &mut [Self]);
    /// The gates of one row of a step.
    ///
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch the row.
    #[allow(private_interfaces)]
    unsafe fn forward(tier: Tier, step: &ForwardStep<Self>, row: usize);
    /// The gradient of the gates of one row of a step.
    ///
    /// # Safety
    /// As for `forward`.
    #[allow(private_interfaces)]
    unsafe fn backward(tier: Tier, step: &BackwardStep<Self>, row: usize);
}

impl Cell for f32 {
    type Factor = PackedB;

    fn factor(old: Option<PackedB>, b: Mat<f32>) -> PackedB {
        let Some(mut packed) = old else { return PackedB::pack(b) };
        packed.repack(b);
        packed
    }

    fn multiply(a: Mat<f32>, b: &PackedB, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
        gemm_packed(a, b, &Epilogue { bias, accumulate, activation: Activation::Identity }, c);
    }

    #[allow(private_interfaces)]
    unsafe fn forward(tier: Tier, step: &ForwardStep<f32>, row: usize) {
        // SAFETY: the caller's contract.
        unsafe { forward_single(tier, step, row) }
    }

    #[allow(private_interfaces)]
    unsafe fn backward(tier: Tier, step: &BackwardStep<f32>, row: usize) {
        // SAFETY: the caller's contract.
        unsafe { backward_single(tier, step, row) }
    }
}

/// A matrix of its own.
#[derive(Debug)]
pub struct Owned {
    data: Vec<f64>,
    rows: usize,
    cols: usize,
}

impl Cell for f64 {
    type Factor = Owned;

    fn factor(_: Option<Owned>, b: Mat<f64>) -> Owned {
        let row = |r: usize| (0..b.cols).map(move |c| b.data[r * b.rs + c * b.cs]);
        Owned { data: (0..b.rows).flat_map(row).collect(), rows: b.rows, cols: b.cols }
    }

    fn multiply(a: Mat<f64>, b: &Owned, bias: Option<&[f64]>, accumulate: bool, c: &mut [f64]) {
        let mut beta = accumulate as u8 as f64;
        if let Some(bias) = bias {
            let add = |row: &mut [f64]| row.iter_mut().zip(bias).for_each(|(c, b)| *c = beta * *c + b);
            if beta == 0.0 {
                c.chunks_mut(b.cols.max(1)).for_each(|row| row.copy_from_slice(bias));
            } else {
                c.chunks_mut(b.cols.max(1)).for_each(add);
            }
            beta = 1.0;
        }
        gemm(1.0, a, Mat::new(&b.data, b.rows, b.cols), beta, MatMut::new(c, a.rows, b.cols));
    }

    #[allow(private_interfaces)]
    unsafe fn forward(_: Tier, step: &ForwardStep<f64>, row: usize) {
        // SAFETY: the caller's contract.
        unsafe { forward::<f64>(step, row) }
    }

    #[allow(private_interfaces)]
    unsafe fn backward(_: Tier, step: &BackwardStep<f64>, row: usize) {
        // SAFETY: the caller's contract.
        unsafe { backward::<f64>(step, row) }
    }
}

/// The parameters of a recurrent network in the form in which the forward pass reads them.
pub struct PackedRnn<C: Cell> {
    /// One for each layer and direction.
    pub(super) layers: Vec<PackedLayer<C>>,
}

pub(super) struct PackedLayer<C: Cell> {
    pub input: C::Factor,
    pub recurrent: C::Factor,
    /// Added to the input part.
    pub bias: Vec<C>,
    /// Added to the recurrent part of GRU; in the other modes it is in `bias`.
    pub recurrent_bias: Vec<C>,
}

impl<C: Cell> PackedRnn<C> {
    /// Packs parameters, in the memory of others if there are any.
    ///
    /// # Panics
    /// When there are fewer parameters than the geometry says.
    pub fn pack(old: Option<PackedRnn<C>>, g: &RnnGeometry, params: &[C]) -> PackedRnn<C> {
        let mut old = old.map(|old| old.layers.into_iter()).into_iter().flatten();
        let each = (0..g.layers).flat_map(|l| (0..g.directions).map(move |d| (l, d)));
        PackedRnn { layers: each.map(|(l, d)| PackedLayer::pack(old.next(), g, (l, d), params)).collect() }
    }
}

impl<C: Cell> PackedLayer<C> {
    fn pack(old: Option<PackedLayer<C>>, g: &RnnGeometry, (layer, direction): (usize, usize), params: &[C]) -> Self {
        let (w, sums) = (g.weights(layer, direction), g.sums());
        let (input, recurrent) = old.map(|old| (old.input, old.recurrent)).unzip();
        let mut bias = params[w.input_bias].to_vec();
        let mut recurrent_bias = params[w.recurrent_bias].to_vec();
        let merged = if g.mode == RnnMode::Gru { 2 * g.hidden } else { sums };
        for (b, r) in bias[..merged].iter_mut().zip(&mut recurrent_bias) {
            *b += std::mem::take(r);
        }
        PackedLayer {
            input: C::factor(input, Mat::new(&params[w.input], sums, g.inputs_of(layer)).t()),
            recurrent: C::factor(recurrent, Mat::new(&params[w.recurrent], sums, g.width()).t()),
            bias,
            recurrent_bias,
        }
    }
}
