//! Carries images through the graph in blocks of 16 channels, the form in which convolutions are fastest.
//!
//! An operator that offers a form on blocks gets it ([`rsym_graph::Operator::blocked`]); values are brought from one form
//! into the other where neighbours differ, each at most once.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::{Blocked, Fact, FlatNode, Node, OpRef, Site, blocked_shape};
use rsym_ops::forms::{FromBlocked, ToBlocked};
use rsym_tensor::{DType, Shape};
use std::sync::Arc;

pub(super) fn run(program: Program, mode: Mode) -> ExecResult<Program> {
    if !program.shapes.iter().any(|shape| blocked_shape(shape).is_some()) {
        return Ok(program);
    }
    let heads = is_head(&program);
    let mut layout = Layout { rewrite: Rewrite::new(program), forms: Vec::new(), is_train: mode == Mode::Training };
    for _ in 0..layout.rewrite.len() {
        let node = layout.rewrite.take();
        match layout.offer(&node) {
            Some(blocked) => layout.replace(node, blocked, &heads),
            None => layout.keep(node),
        }
    }
    Ok(layout.rewrite.finish())
}

/// How a value of the new program lies, and where it is found in the other form.
#[derive(Clone)]
struct Form {
    /// The shape of the image, if this is one in blocks.
    planes: Option<Shape>,
    other: Option<usize>,
}

struct Layout {
    rewrite: Rewrite,
    forms: Vec<Form>,
    is_train: bool,
}

impl Layout {
    fn add(&mut self, first: usize, planes: impl IntoIterator<Item = Option<Shape>>) {
        self.forms.resize(first, Form { planes: None, other: None });
        self.forms.extend(planes.into_iter().map(|planes| Form { planes, other: None }));
    }

    /// Shape and type of a value as the graph knows it.
    fn fact(&self, entry: usize) -> Fact {
        let shape = self.forms[entry].planes.as_ref().unwrap_or(&self.rewrite.new.shapes[entry]);
        (shape.clone(), self.rewrite.new.types[entry])
    }

    fn offer(&self, node: &FlatNode) -> Option<Blocked> {
        let op = node.op.as_ref()?;
        let single = |e: usize| self.rewrite.fact(e).1 == DType::Float32;
        if !single(node.first) || !node.inputs.iter().any(|&e| self.fact(e).0.len() >= 3) {
            return None;
        }
        let inputs: Vec<Fact> = node.inputs.iter().map(|&e| self.fact(e)).collect();
        let outputs: Vec<Fact> = (node.first..node.first + node.outputs).map(|e| self.rewrite.fact(e)).collect();
        let have: Vec<bool> =
            node.inputs.iter().map(|&e| self.forms[e].planes.is_some() || self.forms[e].other.is_some()).collect();
        op.blocked(&Site { op: op.as_ref(), inputs: &inputs, outputs: &outputs, is_train: self.is_train }, &have)
    }

    /// Keeps a node that works on planes.
    fn keep(&mut self, mut node: FlatNode) {
        node.inputs.iter_mut().for_each(|e| *e = self.in_form(*e, false));
        let outputs = node.outputs;
        let first = self.rewrite.keep(node);
        self.add(first, std::iter::repeat_n(None, outputs));
    }

    /// Replaces a node by one that works on blocks.
    fn replace(&mut self, node: FlatNode, blocked: Blocked, heads: &[bool]) {
        let inputs = node.inputs.iter().zip(&blocked.inputs).map(|(&e, &form)| self.in_form(e, form)).collect();
        let (old, known) = (node.first, (node.first..node.first + node.outputs).map(|e| self.rewrite.fact(e)));
        let known: Vec<Fact> = known.collect();
        let in_blocks = |k: usize| blocked.outputs[k].then(|| blocked_shape(&known[k].0)).flatten();
        let facts =
            known.iter().enumerate().map(|(k, (s, t))| (in_blocks(k).unwrap_or_else(|| s.clone()), *t)).collect();
        let Some(op) = blocked.op.clone().or(node.op) else { return };
        let first = self.rewrite.push(node.node, op, inputs, facts);
        self.add(first, known.iter().enumerate().map(|(k, (shape, _))| in_blocks(k).map(|_| shape.clone())));
        for k in 0..known.len() {
            let entry = if heads[old + k] { self.in_form(first + k, false) } else { first + k };
            self.rewrite.alias(old + k, entry);
        }
    }

    /// The entry that has the value of `entry` in blocks, or in planes.
    fn in_form(&mut self, entry: usize, blocks: bool) -> usize {
        let form = self.forms[entry].clone();
        if form.planes.is_some() == blocks {
            return entry;
        }
        if let Some(other) = form.other {
            return other;
        }
        let (shape, dtype) = self.fact(entry);
        let Some(in_blocks) = blocked_shape(&shape) else { return entry };
        let (op, name): (OpRef, _) =
            if blocks { (Arc::new(ToBlocked), "to_blocked") } else { (Arc::new(FromBlocked), "from_blocked") };
        let to = if blocks { in_blocks } else { shape.clone() };
        let node = Node::operator(name, op.clone(), Default::default(), Default::default(), Vec::new());
        let first = self.rewrite.push(node, op, vec![entry], vec![(to, dtype)]);
        self.add(first, [blocks.then_some(shape)]);
        (self.forms[entry].other, self.forms[first].other) = (Some(first), Some(entry));
        first
    }
}
