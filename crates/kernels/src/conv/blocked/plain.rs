//! The convolution of planes by way of blocked data, where that pays.

use super::{ConvPlan, Epilogue, Layout, from_blocked, to_blocked};
use crate::conv::ConvGeometry;
use crate::scratch::with_scratch;

/// Products that one element read or written on the way must make up for.
const WORTH: usize = 48;
/// Products below this are left to other kernels.
const SMALL: usize = 1 << 20;

/// How planes are best read, if at all.
fn layout(g: &ConvGeometry) -> Option<Layout> {
    let products = g.output_size() * g.patch();
    let layout = if g.channels.is_multiple_of(16) { Layout::Blocked } else { Layout::Planes };
    let moved = g.output_size() + g.weight_size() + if layout == Layout::Blocked { g.data_size() } else { 0 };
    (!g.window.is_pointwise() && products >= SMALL && products >= WORTH * moved).then_some(layout)
}

/// Writes the convolution of planes plus bias to planes. False, and nothing is written, where it does not pay.
pub(in crate::conv) fn forward(
    g: &ConvGeometry,
    data: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
) -> bool {
    let Some((layout, plan)) = layout(g).and_then(|layout| Some((layout, ConvPlan::for_one_run(g, layout)?))) else {
        return false;
    };
    let packed = plan.pack(weight, None);
    let (inputs, copied) = (g.window.input_size(), if layout == Layout::Blocked { data.len() } else { 0 });
    with_scratch(out.len() + copied, |scratch: &mut [f32]| {
        let (result, copy) = scratch.split_at_mut(out.len());
        let data = match layout {
            Layout::Planes => data,
            Layout::Blocked => {
                to_blocked(g.batch, g.channels, inputs, data, copy);
                copy
            }
        };
        plan.run(data, &packed, &Epilogue { bias, ..Epilogue::NONE }, result);
        from_blocked(g.batch, g.filters, g.window.output_size(), result, out);
    });
    true
}
