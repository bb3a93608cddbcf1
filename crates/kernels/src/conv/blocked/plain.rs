//! The convolution of planes by way of blocked data, where that pays.

use super::{ConvPlan, Epilogue, Layout, from_blocked, to_blocked};
use crate::conv::ConvGeometry;
use crate::scratch::with_scratch;

/// Products that one element read or written on the way must make up for.
const WORTH: usize = 48;
/// Elements that are converted at once.
const MOST: usize = 3 << 20;
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
    let Some(layout) = layout(g) else { return false };
    let (inputs, outputs) = (g.data_size() / g.batch, g.output_size() / g.batch);
    let copied = if layout == Layout::Blocked { inputs } else { 0 };
    let some = ConvGeometry { batch: images(g.batch, outputs + copied), ..g.clone() };
    let Some(plan) = ConvPlan::for_one_run(&some, layout) else { return false };
    let packed = plan.pack(weight, None);
    with_scratch(some.batch * (outputs + copied), |scratch: &mut [f32]| {
        let (result, copy) = scratch.split_at_mut(some.output_size());
        let parts = data.chunks_exact(some.data_size()).zip(out.chunks_exact_mut(some.output_size()));
        for (data, out) in parts {
            let data = match layout {
                Layout::Planes => data,
                Layout::Blocked => {
                    to_blocked(some.batch, g.channels, g.window.input_size(), data, copy);
                    &*copy
                }
            };
            plan.run(data, &packed, &Epilogue { bias, ..Epilogue::NONE }, result);
            from_blocked(some.batch, g.filters, g.window.output_size(), result, out);
        }
    });
    true
}

/// Images that are converted at once: a divisor of `batch`.
fn images(batch: usize, image: usize) -> usize {
    (1..=batch).rev().find(|n| batch.is_multiple_of(*n) && n * image <= MOST).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{conv_forward, tests::geometry};
    use crate::real::tests::noise;
    use crate::window::Window;

    #[test]
    fn images_that_are_converted_at_once_divide_the_batch() {
        assert_eq!(
            [(8, MOST / 2), (7, MOST / 2), (5, 10), (6, MOST / 4), (3, MOST + 1)].map(|(n, size)| images(n, size)),
            [2, 1, 5, 3, 1]
        );
    }

    #[test]
    fn images_of_a_batch_do_not_mix() {
        // Two images at once of six.
        let window = Window::new(&[205, 203], &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
        let g = geometry((6, 16, 16, 1), window);
        assert_eq!(images(6, 2 * 16 * g.window.input_size()), 2);
        let (data, weight) = (noise::<f32>(g.data_size(), 1), noise::<f32>(g.weight_size(), 2));
        let (mut all, mut one) = (vec![f32::NAN; g.output_size()], vec![f32::NAN; g.output_size() / 6]);
        assert!(forward(&g, &data, &weight, None, &mut all));
        let single = ConvGeometry { batch: 1, ..g.clone() };
        for (data, all) in data.chunks_exact(single.data_size()).zip(all.chunks_exact(one.len())) {
            conv_forward(&single, data, &weight, None, &mut one);
            assert!(all.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}
