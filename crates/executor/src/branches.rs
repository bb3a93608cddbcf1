//! Stretches of small steps that run side by side.
//!
//! A kernel with enough work uses all threads by itself. One that is too small for that leaves threads idle, and where the
//! graph has branches these can run other small steps meanwhile. A stretch is a run of neighbouring small steps that is
//! worth it; within it a step begins once the values it reads are there and the memory it writes is no longer read.
//! Which thread runs a step, and when, changes no bit of what it computes.

use crate::Program;
use crate::steps::Step;
use rsym_graph::FlatNode;
use rsym_kernels::parallel::{INLINE_COST, TaskGraph};
use rsym_tensor::Tensor;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::ops::Range;

/// What the handling of one step costs, in elementary operations of kernels.
const STEP_COST: usize = 400;

/// Operations of a matrix product that take as long as one of another kernel.
const PRODUCTS: usize = 32;

/// A stretch must save this much at least, and an eighth of its time.
const WORTH: usize = 1 << 14;

/// The most outputs of one stretch in bytes: none gives up its memory before the end.
const MOST_BYTES: usize = 1 << 20;

/// The most nodes of one stretch.
const MOST_NODES: usize = 256;

/// The stretches of `program`, as ranges of nodes in their order.
pub(crate) fn stretches(program: &Program) -> Vec<Range<usize>> {
    let (mut out, mut start, mut bytes) = (Vec::new(), 0, 0);
    let graph = &program.graph;
    for (i, node) in graph.nodes.iter().enumerate() {
        let own: usize = (node.first..node.first + node.outputs).map(|e| program.bytes(e)).sum();
        let full = i - start >= MOST_NODES || bytes + own > MOST_BYTES || i == program.forward_nodes;
        if full || !is_small(program, node) {
            out.extend(Some(start..i).filter(|nodes| is_worth(program, nodes)));
            (start, bytes) = (if full && is_small(program, node) { i } else { i + 1 }, 0);
        }
        bytes += if start <= i && node.op.is_some() { own } else { 0 };
    }
    out.extend(Some(start..graph.nodes.len()).filter(|nodes| is_worth(program, nodes)));
    out
}

/// Whether nothing speaks against running the node beside others: it changes nothing but its outputs, draws no numbers and
/// is too small for several threads. Variables take no time.
fn is_small(program: &Program, node: &FlatNode) -> bool {
    node.op.as_ref().is_none_or(|op| op.is_repeatable() && cost(program, node) < INLINE_COST)
}

/// About how long the node takes, in elementary operations.
fn cost(program: &Program, node: &FlatNode) -> usize {
    let Some(op) = &node.op else { return 0 };
    let read = node.inputs.iter().enumerate().filter(|(k, _)| op.reads(*k)).map(|(_, &e)| e);
    let mut sizes: SmallVec<[usize; 8]> =
        read.chain(node.first..node.first + node.outputs).map(|e| program.shapes[e].size()).collect();
    let touched: usize = sizes.iter().sum();
    if !op.is_costly() {
        return STEP_COST + touched;
    }
    // The product of an m x k matrix with a k x n one takes m k n operations: the root of the product of the three sizes.
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let products = sizes.iter().take(3).map(|&n| n as f64).product::<f64>().sqrt();
    STEP_COST + touched + products as usize / PRODUCTS
}

/// Whether running the nodes side by side saves enough.
fn is_worth(program: &Program, nodes: &Range<usize>) -> bool {
    if nodes.len() < 2 {
        return false;
    }
    let all = &program.graph.nodes[nodes.clone()];
    let Some(base) = all.first().map(|n| n.first) else { return false };
    let mut done: Vec<usize> = vec![0; all.last().map_or(0, |n| n.first + n.outputs - base)];
    let (mut total, mut longest) = (0, 0);
    for node in all {
        let begin = node.inputs.iter().filter(|&&e| e >= base).map(|&e| done[e - base]).max().unwrap_or(0);
        let cost = cost(program, node);
        total += cost;
        longest = longest.max(begin + cost);
        done[node.first - base..node.first - base + node.outputs].fill(begin + cost);
    }
    let saved = total - longest.max(total / 2);
    saved >= WORTH && saved >= total / 8
}

/// For each node the one until which values stay that are last read there: the last of its stretch, else itself.
pub(crate) fn lives_until(nodes: usize, stretches: &[Range<usize>]) -> Vec<usize> {
    let mut out: Vec<usize> = (0..nodes).collect();
    stretches.iter().for_each(|s| out[s.clone()].fill(s.end - 1));
    out
}

/// Which of the steps wait for which, by the memory that they read and write.
pub(crate) fn tasks(steps: &[Step], arena: *const u8) -> TaskGraph {
    /// Who wrote a piece of memory last, and who has read it since.
    #[derive(Default)]
    struct Uses {
        written: Option<usize>,
        read: SmallVec<[usize; 4]>,
    }
    // Two values of the arena that live at the same time begin at one place or do not touch. Of other memory, each array
    // counts as one piece, and so does all that others may hold as well: it can overlap.
    let piece = |t: &Tensor| match t.storage().as_ptr() {
        own if own.cast_const() == arena => t.as_ptr() as usize,
        own => t.storage().version().map_or(0, |_| own as usize),
    };
    let mut uses: FxHashMap<usize, Uses> = FxHashMap::default();
    let mut pairs = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let read = step.inputs.iter().enumerate().filter(|(k, _)| step.op.reads(*k));
        for (_, tensor) in read {
            let uses = uses.entry(piece(tensor)).or_default();
            pairs.extend(uses.written.map(|w| (w, i)));
            uses.read.push(i);
        }
        for tensor in &step.outputs {
            let uses = uses.entry(piece(tensor)).or_default();
            let before = uses.written.iter().chain(&uses.read).filter(|&&b| b != i);
            pairs.extend(before.map(|&b| (b, i)));
            *uses = Uses { written: Some(i), read: SmallVec::new() };
        }
    }
    TaskGraph::new(steps.len(), &pairs)
}
