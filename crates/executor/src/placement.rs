//! Which device runs what, where the operators of a graph are in groups with devices of their own.
//!
//! A device is a set of threads; all of them see the same memory. Still each has its own part of the arena, and a value that
//! another device reads is copied there once: so a device never waits for memory that others use, and no pass joins
//! operators of different devices. Arguments, states and constants are read where they are.

use crate::passes::Rewrite;
use crate::{ExecError, ExecResult, Program};
use rsym_graph::{Ctx, FlatNode, Io, Node, OpRef, OpResult, Operator, ShapeIo, TypeIo, internal_operator};
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The attribute that names the group of a node.
pub(crate) const GROUP: &str = "__ctx_group__";

/// A device by MXNet's number of its kind, 1 being the CPU, and its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// The kind.
    pub kind: i32,
    /// Which one of its kind.
    pub id: i32,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let kind = match self.kind {
            1 => "cpu",
            2 => "gpu",
            3 => "cpu_pinned",
            5 => "cpu_shared",
            _ => "device",
        };
        write!(f, "{kind}({})", self.id)
    }
}

/// The devices of a symbol.
#[derive(Debug, Clone)]
pub struct Placement {
    /// That of nodes for which nothing else says one.
    pub default: Device,
    /// Those of groups.
    pub groups: HashMap<String, Device>,
    /// That of each argument; none: as the groups say.
    pub args: Vec<Device>,
    /// That of each auxiliary state; none: as the groups say.
    pub aux: Vec<Device>,
}

impl Placement {
    /// The device of the group of `node`, if it has one; an error for a group without device.
    fn group(&self, node: &Node) -> ExecResult<Option<Device>> {
        let Some(group) = node.user_attr(GROUP) else { return Ok(None) };
        self.groups.get(&*group).copied().map(Some).ok_or_else(|| {
            ExecError::State(format!(
                "node '{}' is in the ctx_group '{group}', for which group2ctx has no device",
                node.name()
            ))
        })
    }

    /// The device of a variable whose array is yet to be made.
    pub(crate) fn of_variable(&self, node: &Node) -> ExecResult<Device> {
        Ok(self.group(node)?.unwrap_or(self.default))
    }
}

/// New nodes with the nodes whose gradients they are part of.
pub(crate) type Origins = Vec<(Arc<Node>, Arc<Node>)>;

/// Gives every node of `program` its device and puts copies where devices meet. Returns the devices of the outputs too.
///
/// A node runs on the device of its group; without group one of a gradient where the node runs that it belongs to, any other
/// where its first input is that has a device, else where it is first used.
pub(crate) fn place(program: Program, placement: &Placement, origins: &Origins) -> ExecResult<(Program, Vec<Device>)> {
    let found = assign(&program, placement, origins)?;
    let producers = program.graph.producers();
    let outputs = program.outputs.iter().map(|&e| found[producers[e]]).collect();
    let mut devices = vec![placement.default];
    for (device, node) in found.iter().zip(&program.graph.nodes) {
        if node.op.is_some() && !devices.contains(device) {
            devices.push(*device);
        }
    }
    let used = |d: &Device| program.graph.nodes.iter().zip(&found).any(|(n, own)| n.op.is_some() && own == d);
    devices.retain(used);
    devices.sort_unstable_by_key(|d| (*d != placement.default, *d));
    if devices.len() < 2 {
        return Ok((program, outputs));
    }
    let lane = |d: &Device| devices.iter().position(|own| own == d).unwrap_or(0) as u16;
    let lanes = found.iter().map(lane).collect();
    Ok((with_copies(Program { devices, lanes, ..program }), outputs))
}

/// The device of every node.
fn assign(program: &Program, placement: &Placement, origins: &Origins) -> ExecResult<Vec<Device>> {
    let graph = &program.graph;
    let producers = graph.producers();
    let numbers: FxHashMap<*const Node, usize> =
        graph.nodes.iter().enumerate().map(|(i, n)| (Arc::as_ptr(&n.node), i)).collect();
    let number = |node: &Arc<Node>| numbers.get(&Arc::as_ptr(node)).copied();
    let mut origin: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for (new, node) in origins {
        if let Some(new) = number(new) {
            origin[new] = number(node);
        }
    }
    let mut found: Vec<Option<Device>> = vec![None; graph.nodes.len()];
    let arrays = graph.arguments.iter().zip(&placement.args).chain(graph.aux.iter().zip(&placement.aux));
    arrays.for_each(|(&i, &device)| found[i] = Some(device));
    for (i, node) in graph.nodes.iter().enumerate() {
        let group = placement.group(&node.node)?;
        if found[i].is_none() {
            let near = node.inputs.iter().find_map(|&e| found[producers[e]]);
            found[i] = group.or(origin[i].and_then(|k| found[k])).or(near);
        }
    }
    for (k, &node) in program.head_grads.iter().enumerate() {
        let Some(node) = node else { continue };
        found[node] = found[producers[program.outputs[k]]];
    }
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        let Some(device) = found[i] else { continue };
        node.inputs.iter().for_each(|&e| {
            found[producers[e]].get_or_insert(device);
        });
    }
    Ok(found.into_iter().map(|d| d.unwrap_or(placement.default)).collect())
}

/// `program` with a copy of every value that is computed on one device and read on another.
fn with_copies(program: Program) -> Program {
    let mut rewrite = Rewrite::new(program);
    let mut copies: FxHashMap<(usize, usize), usize> = FxHashMap::default();
    for i in 0..rewrite.len() {
        let mut node = rewrite.take();
        let lane = rewrite.old_lane(i);
        for k in 0..node.inputs.len() {
            let e = node.inputs[k];
            if crosses(&rewrite, &node, k, lane) {
                node.inputs[k] = *copies.entry((e, lane)).or_insert_with(|| copy(&mut rewrite, e));
            }
        }
        rewrite.keep(node);
    }
    rewrite.finish()
}

/// Whether input `k` of a node on `lane` is a value that another device computes.
fn crosses(rewrite: &Rewrite, node: &FlatNode, k: usize, lane: usize) -> bool {
    let producer = rewrite.producer(node.inputs[k]);
    let computed = rewrite.new.graph.nodes[producer].op.is_some();
    let reads = node.op.as_ref().is_some_and(|op| op.reads(k) && !op.aux().contains(&k));
    computed && reads && rewrite.new.lane(producer) != lane
}

fn copy(rewrite: &mut Rewrite, e: usize) -> usize {
    let from = &rewrite.new.graph.nodes[rewrite.producer(e)];
    let name = format!("{}_{}_copy", from.node.name(), e - from.first);
    let fact = (rewrite.new.shapes[e].clone(), rewrite.new.types[e]);
    let op: OpRef = Arc::new(DeviceCopy);
    let node = Node::operator(&name, op.clone(), Default::default(), Default::default(), Vec::new());
    rewrite.push(node, op, vec![e], vec![fact])
}

/// Brings a value to another device.
#[derive(Debug, Clone)]
struct DeviceCopy;

internal_operator!(DeviceCopy, "_CrossDeviceCopy");

/// Whether the operator brings a value to another device.
pub(crate) fn is_copy(op: &OpRef) -> bool {
    op.as_any().is::<DeviceCopy>()
}

impl Operator for DeviceCopy {
    fn num_inputs(&self) -> usize {
        1
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        Ok(io.outputs[0].assign(&io.inputs[0])?)
    }
}
