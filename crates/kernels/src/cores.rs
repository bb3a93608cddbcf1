//! The heavy kernels compiled here, once for `f32` and once for `f64`.
//!
//! Public kernels are thin generic functions that widen their operands and call through this table; so the crates that
//! use them compile no kernel of their own.

use crate::conv::{self, ConvGeometry};
use crate::gemm::{self, Mat, MatMut};
use crate::layout::AxisDims;
use crate::linalg::{self, Defect, Triangular};
use crate::norm::{self, BatchStats, LrnGeometry};
use crate::pool::{self, PoolKind};
use crate::real::Real;
use crate::softmax::{self, Softmax, SoftmaxLoss};
use crate::window::Window;
use rsym_tensor::DType;

pub(crate) struct Cores<C: 'static> {
    pub product: fn(usize, C, (Mat<C>, usize), (Mat<C>, usize), C, (MatMut<C>, usize)),
    pub triangular_product: fn(Triangular, C, &[C], &[C], usize, &mut [C]),
    pub triangular_solution: fn(Triangular, C, &[C], &[C], usize, &mut [C]),
    pub cholesky: fn(usize, bool, &[C], &mut [C]) -> Result<(), Defect>,
    pub cholesky_inverse: fn(usize, bool, &[C], &mut [C]) -> Result<(), Defect>,
    pub conv_forward: fn(&ConvGeometry, &[C], &[C], Option<&[C]>, &mut [C]),
    pub conv_data: fn(&ConvGeometry, &[C], &[C], Option<&[C]>, &mut [C]),
    pub conv_weight: fn(&ConvGeometry, &[C], &[C], &mut [C]),
    pub channel_sums: fn(usize, usize, usize, &[C], &mut [C]),
    pub pool: fn(&Window, PoolKind, &[C], &mut [C]),
    pub pool_gradient: fn(&Window, PoolKind, (&[C], &[C]), &[C], &mut [C]),
    pub batch_train: fn(AxisDims, &[C], (Option<&[C]>, &[C]), f64, &mut [C], BatchStats<C>),
    pub batch_infer: fn(AxisDims, &[C], (Option<&[C]>, &[C]), (&[C], &[C]), f64, &mut [C]),
    pub batch_gradient: fn(AxisDims, (&[C], &[C]), Option<&[C]>, (&[C], &[C]), bool, &mut [C], (&mut [C], &mut [C])),
    pub layer: fn(AxisDims, &[C], (&[C], &[C]), f64, &mut [C], (&mut [C], &mut [C])),
    pub layer_gradient: fn(AxisDims, (&[C], &[C]), &[C], (&[C], &[C]), &mut [C], (&mut [C], &mut [C])),
    pub group: fn(AxisDims, &[C], (&[C], &[C]), f64, &mut [C], (&mut [C], &mut [C])),
    pub group_gradient: fn(AxisDims, (&[C], &[C]), &[C], (&[C], &[C]), &mut [C], (&mut [C], &mut [C])),
    pub l2: fn(AxisDims, &[C], f64, &mut [C], &mut [C]),
    pub l2_gradient: fn(AxisDims, (&[C], &[C]), &[C], &mut [C]),
    pub lrn: fn(&LrnGeometry, &[C], &mut [C], &mut [C]),
    pub lrn_gradient: fn(&LrnGeometry, (&[C], &[C]), &[C], &mut [C]),
    pub softmax: fn(AxisDims, Softmax, &[C], Option<&[usize]>, &mut [C]),
    pub softmax_gradient: fn(AxisDims, Softmax, (&[C], &[C]), Option<&[usize]>, &mut [C]),
    pub loss_gradient: fn(AxisDims, &SoftmaxLoss, &[C], &[i64], &mut [C]),
}

impl<C: Real> Cores<C> {
    const fn new() -> Self {
        Cores {
            product: gemm::product::<C>,
            triangular_product: linalg::multiply_core::<C>,
            triangular_solution: linalg::solve_core::<C>,
            cholesky: linalg::cholesky_core::<C>,
            cholesky_inverse: linalg::inverse_core::<C>,
            conv_forward: conv::forward_core::<C>,
            conv_data: conv::data_core::<C>,
            conv_weight: conv::weight_core::<C>,
            channel_sums: conv::channel_sums_core::<C>,
            pool: pool::pool_core::<C>,
            pool_gradient: pool::gradient_core::<C>,
            batch_train: norm::batch_train_core::<C>,
            batch_infer: norm::batch_infer_core::<C>,
            batch_gradient: norm::batch_gradient_core::<C>,
            layer: norm::layer_core::<C>,
            layer_gradient: norm::layer_gradient_core::<C>,
            group: norm::group_core::<C>,
            group_gradient: norm::group_gradient_core::<C>,
            l2: norm::l2_core::<C>,
            l2_gradient: norm::l2_gradient_core::<C>,
            lrn: norm::lrn_core::<C>,
            lrn_gradient: norm::lrn_gradient_core::<C>,
            softmax: softmax::softmax_core::<C>,
            softmax_gradient: softmax::gradient_core::<C>,
            loss_gradient: softmax::loss_core::<C>,
        }
    }
}

static SINGLE: Cores<f32> = Cores {
    conv_forward: conv::forward_single,
    conv_data: conv::data_single,
    conv_weight: conv::weight_single,
    batch_train: norm::batch_train_single,
    batch_infer: norm::batch_infer_single,
    batch_gradient: norm::batch_gradient_single,
    layer: norm::layer_single,
    layer_gradient: norm::layer_gradient_single,
    softmax: softmax::softmax_single,
    softmax_gradient: softmax::gradient_single,
    ..Cores::new()
};
static DOUBLE: Cores<f64> = Cores::new();

/// The table for `C`, which is `f32` or `f64`.
pub(crate) fn cores<C: Real>() -> &'static Cores<C> {
    let table = match C::DTYPE {
        DType::Float32 => (&raw const SINGLE).cast::<Cores<C>>(),
        DType::Float64 => (&raw const DOUBLE).cast::<Cores<C>>(),
        other => unreachable!("kernels do not compute in {other}"),
    };
    // SAFETY: `Element` is sealed with one type per DTYPE, so the table's type is `Cores<C>`.
    unsafe { &*table }
}
