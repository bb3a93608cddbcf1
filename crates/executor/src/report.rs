//! Where the bytes of an executor go.

use crate::memory::last_uses;
use crate::placement::is_copy;
use crate::schedule::Schedule;
use crate::steps::Layout;
use crate::{Bindings, Device, Place, Program, Recomputed};
use rsym_tensor::Tensor;

/// Bytes by what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryReport {
    /// Planned for intermediate values.
    pub planned: usize,
    /// The same if every value had memory of its own.
    pub unshared: usize,
    /// Planned for intermediate values if nothing were computed again.
    pub planned_without: usize,
    /// Operators that are computed again in the backward pass.
    pub recomputed: usize,
    /// Values that took over the memory of an input.
    pub inplace: usize,
    /// Arguments.
    pub arguments: usize,
    /// Their gradients.
    pub gradients: usize,
    /// Auxiliary states.
    pub aux: usize,
    /// Outputs.
    pub outputs: usize,
    /// Gradients of outputs.
    pub head_gradients: usize,
    /// Values that were computed when binding.
    pub constants: usize,
    /// Weights in the form in which operators use them, by the size of the weights.
    pub packed: usize,
    /// Operators of the forward pass.
    pub forward_steps: usize,
    /// Operators of both passes.
    pub steps: usize,
    /// Operators that run beside others.
    pub together: usize,
    /// What each device has, if there are several.
    pub devices: Vec<DeviceReport>,
    /// The intermediate values, the largest first.
    pub values: Vec<ValueReport>,
}

/// What one of several devices has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReport {
    /// The device.
    pub device: Device,
    /// Bytes planned for intermediate values.
    pub planned: usize,
    /// Operators of both passes, copies included.
    pub steps: usize,
    /// Values that are copied from other devices.
    pub copies: usize,
    /// Bytes of these.
    pub copied: usize,
}

/// An intermediate value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueReport {
    /// Name of the output.
    pub name: String,
    /// The operator that computes it.
    pub op: String,
    /// Its bytes.
    pub bytes: usize,
    /// Where it starts among the planned bytes.
    pub offset: usize,
    /// Number of the operator that computes it.
    pub first: usize,
    /// Number of the last operator that reads it.
    pub last: usize,
    /// Whether this is a value computed again.
    pub again: bool,
    /// The device that computes it, if there are several.
    pub device: Option<Device>,
}

impl MemoryReport {
    pub(crate) fn new(
        program: &Program,
        layout: &Layout,
        bindings: &Bindings,
        recomputed: Option<&Recomputed>,
        packed: usize,
    ) -> MemoryReport {
        let plan = &layout.plan;
        MemoryReport {
            planned: plan.arena_bytes,
            unshared: plan.unshared_bytes,
            planned_without: recomputed.map_or(plan.arena_bytes, |r| r.planned_without),
            recomputed: recomputed.map_or(0, |r| r.copies.len()),
            inplace: plan.inplace,
            arguments: sum(&bindings.args),
            gradients: sum(bindings.grads.iter().flatten()),
            aux: sum(&bindings.aux),
            outputs: sum(&layout.outputs),
            head_gradients: sum(layout.head_grads.iter().flatten()),
            constants: sum(program.constants.iter().map(|(_, t)| t)),
            packed,
            forward_steps: layout.forward.len(),
            steps: layout.forward.len() + layout.backward.len(),
            together: layout.forward.together() + layout.backward.together(),
            devices: devices(program, layout),
            values: values(program, layout, recomputed.map_or(&[], |r| &r.copies)),
        }
    }
}

fn sum<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> usize {
    tensors.into_iter().map(Tensor::bytes).sum()
}

fn devices(program: &Program, layout: &Layout) -> Vec<DeviceReport> {
    let one = |(lane, &device): (usize, &Device)| {
        let steps = || [&layout.forward, &layout.backward].into_iter().flat_map(Schedule::steps);
        let own = || steps().filter(|s| program.lane(s.node) == lane);
        let copies = || own().filter(|s| is_copy(&s.op));
        DeviceReport {
            device,
            planned: layout.plan.device_bytes.get(lane).copied().unwrap_or(0),
            steps: own().count(),
            copies: copies().count(),
            copied: copies().flat_map(|s| &s.outputs).map(Tensor::bytes).sum(),
        }
    };
    let several = program.devices.len() > 1;
    program.devices.iter().enumerate().filter(|_| several).map(one).collect()
}

/// The values in the arena; `copies` are the nodes, in order, that compute again.
fn values(program: &Program, layout: &Layout, copies: &[usize]) -> Vec<ValueReport> {
    let nodes = &program.graph.nodes;
    let last = last_uses(program);
    // The step of each node: how many operators come before it.
    let steps: Vec<usize> = nodes
        .iter()
        .scan(0, |step, n| {
            let here = *step;
            *step += usize::from(n.op.is_some());
            Some(here)
        })
        .collect();
    let mut out = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let Some(op) = &node.op else { continue };
        for e in node.first..node.first + node.outputs {
            let Place::Arena(offset) = layout.plan.places[e] else { continue };
            out.push(ValueReport {
                name: node.node.output_name(e - node.first),
                op: op.name().to_string(),
                bytes: program.bytes(e),
                offset,
                first: steps[i],
                last: steps[last[e]],
                again: copies.binary_search(&i).is_ok(),
                device: program.devices.get(program.lane(i)).copied(),
            });
        }
    }
    out.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.first.cmp(&b.first)));
    out
}
