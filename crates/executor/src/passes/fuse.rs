//! Joins neighbouring elementwise operators of one shape into programs that read and write memory once.
//!
//! Operators are visited in order. One that is elementwise joins the groups of its inputs that are still open; a group is
//! closed when an operator that is not part of it uses one of its values, and runs where its last member stood.

use super::Mode;
use super::fused::Fused;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::{FlatGraph, OpRef, PointArg, Pointwise};
use rsym_kernels::fused::{Arg, Builder, Feed, MAX_INPUTS, MAX_OUTPUTS, Op};
use rsym_tensor::{DType, Shape};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::sync::Arc;

/// Members of a group; beyond it compiling and scratch memory grow without gain.
const LONGEST: usize = 256;

pub(super) fn run(program: Program, _: Mode) -> ExecResult<Program> {
    let groups = Groups::find(&program);
    if groups.members.iter().all(|m| m.len() < 2) {
        return Ok(program);
    }
    let built: Vec<Option<Built>> = groups.members.iter().map(|m| Built::new(&program, m, &groups)).collect();
    let mut rewrite = Rewrite::new(program);
    for i in 0..rewrite.len() {
        let node = rewrite.take();
        let group = groups.of[i].filter(|&g| built[g].is_some());
        let Some((group, built)) = group.and_then(|g| Some((g, built[g].as_ref()?))) else {
            rewrite.keep(node);
            continue;
        };
        if groups.members[group].last() != Some(&i) {
            continue;
        }
        let inputs = built.inputs.iter().map(|&e| rewrite.entry(e)).collect();
        let facts = built.outputs.iter().map(|&e| rewrite.fact(e)).collect();
        let first = rewrite.push(node.node, built.op.clone(), inputs, facts);
        built.outputs.iter().enumerate().for_each(|(k, &e)| rewrite.alias(e, first + k));
    }
    Ok(rewrite.finish())
}

/// Which nodes go together.
struct Groups {
    /// The group of each node.
    of: Vec<Option<usize>>,
    /// Nodes of each group, in order; empty for one that went into another.
    members: Vec<Vec<usize>>,
    /// What each member computes, by node.
    functions: Vec<Option<Pointwise>>,
    /// Entries that somebody outside of their group uses.
    seen: Vec<bool>,
}

impl Groups {
    fn find(program: &Program) -> Groups {
        let graph = &program.graph;
        let producers = graph.producers();
        let mut groups = Groups {
            of: vec![None; graph.nodes.len()],
            members: Vec::new(),
            functions: vec![None; graph.nodes.len()],
            seen: is_head(program),
        };
        let mut open: Vec<bool> = Vec::new();
        let mut operands: Vec<usize> = Vec::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            if i == program.forward_nodes {
                open.fill(false);
            }
            let function = pointwise(program, i);
            let shape = &program.shapes[node.first];
            let mut joined: Option<usize> = None;
            for &e in &node.inputs {
                let Some(group) = groups.of[producers[e]] else { continue };
                let near = open[group] && program.lane(producers[e]) == program.lane(i);
                let same = function.is_some() && near && program.shapes[e] == *shape;
                let size = groups.members[group].len() + joined.map_or(0, |g: usize| groups.members[g].len());
                let inputs = operands[group] + joined.map_or(0, |g| operands[g]) + node.inputs.len();
                joined = match joined {
                    Some(g) if g == group => Some(g),
                    None if same && size < LONGEST && inputs <= MAX_INPUTS => Some(group),
                    Some(g) if same && size < LONGEST && inputs <= MAX_INPUTS => {
                        operands[g] += operands[group];
                        groups.merge(group, g);
                        open[group] = false;
                        Some(g)
                    }
                    other => {
                        open[group] = false;
                        groups.seen[e] = true;
                        other
                    }
                };
            }
            if function.is_none() {
                continue;
            }
            groups.functions[i] = function;
            let group = joined.unwrap_or_else(|| {
                groups.members.push(Vec::new());
                open.push(true);
                operands.push(0);
                groups.members.len() - 1
            });
            operands[group] += node.inputs.iter().filter(|&&e| groups.of[producers[e]] != Some(group)).count();
            groups.members[group].push(i);
            groups.of[i] = Some(group);
        }
        groups.settle(graph, &producers);
        groups
    }

    /// Makes the members of group `from` members of `to`.
    fn merge(&mut self, from: usize, to: usize) {
        let mut moved = std::mem::take(&mut self.members[from]);
        moved.iter().for_each(|&i| self.of[i] = Some(to));
        self.members[to].append(&mut moved);
        self.members[to].sort_unstable();
    }

    /// Finds the entries that are used across groups.
    fn settle(&mut self, graph: &FlatGraph, producers: &[usize]) {
        for (i, node) in graph.nodes.iter().enumerate() {
            for &e in &node.inputs {
                if self.of[producers[e]].is_none() || self.of[producers[e]] != self.of[i] {
                    self.seen[e] = true;
                }
            }
        }
    }
}

/// What node `i` computes, if it is elementwise in single precision with one output.
fn pointwise(program: &Program, i: usize) -> Option<Pointwise> {
    let node = &program.graph.nodes[i];
    let op = node.op.as_ref().filter(|op| node.outputs == 1 && !op.is_random())?;
    let single = |&e: &usize| program.types[e] == DType::Float32;
    let point = (single(&node.first) && node.inputs.iter().all(single)).then(|| op.pointwise()).flatten()?;
    (Op::numbered(point.function).is_some() && program.shapes[node.first].size() > 0).then_some(point)
}

/// A group as one operator.
struct Built {
    op: OpRef,
    /// Entries of the program that it reads and writes.
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

impl Built {
    /// `None` for groups of one, and where the kernels' limits are exceeded: these stay as they are.
    fn new(program: &Program, members: &[usize], groups: &Groups) -> Option<Built> {
        if members.len() < 2 {
            return None;
        }
        let shape = &program.shapes[program.graph.nodes[members[0]].first];
        let values = FxHashMap::with_capacity_and_hasher(2 * members.len(), FxBuildHasher);
        let mut build = Build { builder: Builder::new(), values, inputs: Vec::new() };
        for &i in members {
            build.member(program, i, groups.functions[i].as_ref()?, shape)?;
        }
        let first = |i: &usize| program.graph.nodes[*i].first;
        let outputs: Vec<usize> = members.iter().map(first).filter(|&e| groups.seen[e]).collect();
        if build.inputs.len() > MAX_INPUTS || outputs.len() > MAX_OUTPUTS || outputs.is_empty() {
            return None;
        }
        outputs.iter().for_each(|e| build.builder.output(build.values[e]));
        let full = |&(_, e): &(usize, usize)| program.shapes[e].size() == shape.size();
        let whole = build.inputs.iter().copied().enumerate().filter(full).map(|(k, _)| k);
        let inplace = whole.flat_map(|k| (0..outputs.len()).map(move |o| (k, o))).collect();
        let (count, inputs) = (outputs.len(), build.inputs);
        let made = build.builder.finish().ok()?;
        let op = Arc::new(Fused { program: made, inputs: inputs.len(), outputs: count, inplace });
        Some(Built { op, inputs, outputs })
    }
}

struct Build {
    builder: Builder,
    /// Where the value of an entry is found.
    values: FxHashMap<usize, Arg>,
    inputs: Vec<usize>,
}

impl Build {
    fn member(&mut self, program: &Program, i: usize, point: &Pointwise, shape: &Shape) -> Option<()> {
        let node = &program.graph.nodes[i];
        let op = Op::numbered(point.function)?;
        let mut args: Vec<Arg> = Vec::with_capacity(point.args.len());
        for arg in &point.args {
            args.push(match *arg {
                PointArg::Scalar(value) => Arg::Scalar(value as f32),
                PointArg::Input(k) => self.value(program, node.inputs[k], shape),
            });
        }
        let (own, more) = args.split_at_checked(op.arity())?;
        let mut value = self.builder.push(op, own);
        for &next in more {
            value = self.builder.push(op, &[value, next]);
        }
        self.values.insert(node.first, value);
        Some(())
    }

    fn value(&mut self, program: &Program, entry: usize, shape: &Shape) -> Arg {
        if let Some(&value) = self.values.get(&entry) {
            return value;
        }
        self.inputs.push(entry);
        let value = self.builder.input(Feed::broadcast(&program.shapes[entry], shape));
        self.values.insert(entry, value);
        value
    }
}
