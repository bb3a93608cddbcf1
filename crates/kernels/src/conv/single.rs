//! Single-precision convolutions on planes, by the kernels for blocked tensors where these pay for the change of layout.

use super::blocked::{self, DataGradient, Layout, from_blocked, to_blocked};
use super::{ConvGeometry, data_core, weight_core};
use crate::parallel::for_rows;

/// Products below which the change of layout does not pay.
const LARGE: usize = 1 << 21;

/// Whether a convolution has arithmetic enough; products of matrices are as fast on planes.
fn pays(g: &ConvGeometry) -> bool {
    let products = g.output_size().saturating_mul(g.patch());
    g.is_depthwise() || (products >= LARGE && !g.window.is_pointwise())
}

pub(crate) fn weight_single(g: &ConvGeometry, data: &[f32], dout: &[f32], dweight: &mut [f32]) {
    let layout = if g.channels < 16 { Layout::Planes } else { Layout::Blocked };
    if !pays(g) || !blocked::supports_weight_gradient(g, layout) {
        return weight_core(g, data, dout, dweight);
    }
    let dout = to_blocks(g.batch, g.filters, g.window.output_size(), dout);
    if layout == Layout::Planes {
        return blocked::weight_gradient(g, layout, data, &dout, dweight);
    }
    let data = to_blocks(g.batch, g.channels, g.window.input_size(), data);
    blocked::weight_gradient(g, layout, &data, &dout, dweight);
}

pub(crate) fn data_single(g: &ConvGeometry, weight: &[f32], dout: &[f32], bias: Option<&[f32]>, ddata: &mut [f32]) {
    let plan = if pays(g) { DataGradient::new(g) } else { None };
    let Some(plan) = plan else { return data_core(g, weight, dout, bias, ddata) };
    let dout = to_blocks(g.batch, g.filters, g.window.output_size(), dout);
    let (size, mut gradient) = (g.window.input_size(), vec![0.0; ddata.len()]);
    plan.run(&dout, &plan.pack(weight), &mut gradient);
    from_blocked(g.batch, g.channels, size, &gradient, ddata);
    if let Some(bias) = bias {
        for_rows(ddata, size, size, |row, plane| plane.iter_mut().for_each(|v| *v += bias[row % g.channels]));
    }
}

fn to_blocks(batch: usize, channels: usize, size: usize, planes: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; planes.len()];
    to_blocked(batch, channels, size, planes, &mut out);
    out
}
