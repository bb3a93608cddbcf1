//! Computes the sum of many weight gradients as one gradient of joined data, as unrolled recurrent networks need it: one
//! large product instead of a small one and an addition for every step.

use super::Mode;
use super::rewrite::Rewrite;
use crate::{ExecResult, Program};
use rsym_graph::{Node, OpRef};
use rsym_ops::math::add_n::AddN;
use rsym_ops::shape::concat::Concat;
use rsym_tensor::Shape;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Shorter sums stay what they are.
const FEWEST: usize = 4;

pub(super) fn run(program: Program, mode: Mode) -> ExecResult<Program> {
    let adds = (program.forward_nodes..program.graph.nodes.len()).any(|i| is_sum(&program, i));
    let plan = if mode == Mode::Training && adds { Plan::new(&program) } else { Plan::default() };
    if plan.sums.is_empty() {
        return Ok(program);
    }
    let mut rewrite = Rewrite::new(program);
    for i in 0..rewrite.len() {
        let node = rewrite.take();
        if let Some(sum) = plan.sums.get(&i) {
            let joined: Vec<usize> = sum.joined.iter().map(|parts| concat(&mut rewrite, parts)).collect();
            let rest = sum.shared.iter().map(|&e| rewrite.entry(e));
            let inputs = joined.into_iter().chain(rest).collect();
            let fact = rewrite.fact(node.first);
            let first = rewrite.push(node.node, sum.op.clone(), inputs, vec![fact]);
            rewrite.alias(node.first, first);
        } else if let Some(lost) = plan.lost.get(&i) {
            let Some(op) = node.op.as_ref().and_then(|op| op.without_outputs(lost)) else { continue };
            let kept: Vec<usize> = (0..node.outputs).filter(|o| !lost.contains(o)).collect();
            let facts = kept.iter().map(|o| rewrite.fact(node.first + o)).collect();
            let first = rewrite.push(node.node.clone(), op, node.inputs.iter().copied().collect(), facts);
            kept.iter().enumerate().for_each(|(k, o)| rewrite.alias(node.first + o, first + k));
        } else if !plan.gone[i] {
            rewrite.keep(node);
        }
    }
    Ok(rewrite.finish())
}

/// The new entry of old entries joined along the first axis.
fn concat(rewrite: &mut Rewrite, parts: &[usize]) -> usize {
    let entries: Vec<usize> = parts.iter().map(|&e| rewrite.entry(e)).collect();
    let shape = rewrite.new.shapes[entries[0]].clone();
    let rows = entries.iter().map(|&e| rewrite.new.shapes[e][0]).sum();
    let shape: Shape = std::iter::once(rows).chain(shape[1..].iter().copied()).collect::<Vec<_>>().as_slice().into();
    let dtype = rewrite.new.types[entries[0]];
    let op: OpRef = Arc::new(Concat { num_args: entries.len() as i32, dim: 0 });
    let node = Node::operator("joined", op.clone(), Default::default(), Default::default(), Vec::new());
    rewrite.push(node, op, entries, vec![(shape, dtype)])
}

/// A sum that becomes one operator.
struct Sum {
    op: OpRef,
    /// Entries to be joined, for each input of the operator that is.
    joined: Vec<Vec<usize>>,
    /// Entries of its other inputs.
    shared: Vec<usize>,
}

/// What is done with the nodes of a program.
#[derive(Default)]
struct Plan {
    /// The last addition of each sum.
    sums: FxHashMap<usize, Sum>,
    /// Outputs that nodes need not compute any more.
    lost: FxHashMap<usize, SmallVec<[usize; 3]>>,
    /// Additions that are left out.
    gone: Vec<bool>,
}

impl Plan {
    fn new(program: &Program) -> Plan {
        let graph = &program.graph;
        let (producers, consumers) = (graph.producers(), uses(program));
        let mut plan = Plan { gone: vec![false; graph.nodes.len()], ..Plan::default() };
        for root in (program.forward_nodes..graph.nodes.len()).rev() {
            if !is_sum(program, root) || plan.gone[root] {
                continue;
            }
            let (mut leaves, mut inner, mut open) = (Vec::new(), Vec::new(), vec![root]);
            while let Some(i) = open.pop() {
                for &e in graph.nodes[i].inputs.iter() {
                    let from = producers[e];
                    let expands = is_sum(program, from) && consumers[e] == 1 && from >= program.forward_nodes;
                    if expands {
                        inner.push(from);
                        open.push(from);
                    } else {
                        leaves.push(e);
                    }
                }
            }
            leaves.sort_unstable();
            let Some(sum) = joined(program, &producers, &consumers, &leaves) else { continue };
            for &e in &leaves {
                let node = producers[e];
                plan.lost.entry(node).or_default().push(e - graph.nodes[node].first);
            }
            inner.into_iter().for_each(|i| plan.gone[i] = true);
            plan.sums.insert(root, sum);
        }
        plan
    }
}

/// How often each entry is used, by nodes and as an output or gradient.
fn uses(program: &Program) -> Vec<usize> {
    let mut out: Vec<usize> = super::rewrite::is_head(program).into_iter().map(usize::from).collect();
    program.graph.nodes.iter().flat_map(|n| n.inputs.iter()).for_each(|&e| out[e] += 1);
    out
}

fn is_sum(program: &Program, i: usize) -> bool {
    program.graph.nodes[i].op.as_ref().is_some_and(|op| op.as_any().is::<AddN>())
}

/// The sum of these entries as one operator, if they are the same output of operators that offer it.
fn joined(program: &Program, producers: &[usize], consumers: &[usize], leaves: &[usize]) -> Option<Sum> {
    let graph = &program.graph;
    let node = |&e: &usize| &graph.nodes[producers[e]];
    let first = leaves.first().filter(|_| leaves.len() >= FEWEST)?;
    let (op, output) = (node(first).op.as_ref()?, first - node(first).first);
    let offer = op.joined_sum(output)?;
    let alike = |e: &usize| {
        let n = node(e);
        let same = n.op.as_ref().is_some_and(|o| o.name() == op.name() && o.param_texts().0 == op.param_texts().0);
        let shapes = |k: usize| (&program.shapes[n.inputs[k]][1..], program.types[n.inputs[k]]);
        let fits = |k: usize| {
            let of_first = node(first).inputs[k];
            if k < offer.joined {
                shapes(k) == (&program.shapes[of_first][1..], program.types[of_first])
            } else {
                n.inputs[k] == of_first
            }
        };
        same && e - n.first == output && consumers[*e] == 1 && (0..n.inputs.len()).all(fits)
    };
    let distinct = leaves.windows(2).all(|w| producers[w[0]] != producers[w[1]]);
    (distinct && leaves.iter().all(alike)).then(|| Sum {
        op: offer.op,
        joined: (0..offer.joined).map(|k| leaves.iter().map(|e| node(e).inputs[k]).collect()).collect(),
        shared: node(first).inputs.iter().skip(offer.joined).copied().collect(),
    })
}
