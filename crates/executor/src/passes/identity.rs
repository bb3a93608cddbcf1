//! Leaves out operators that hand their input on: `identity`, `BlockGrad`, and `Dropout` outside of training.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};
use rsym_graph::FlatNode;

pub(super) fn run(program: Program, mode: Mode) -> ExecResult<Program> {
    let heads = is_head(&program);
    let hands_on = |node: &FlatNode| {
        node.op.as_ref().is_some_and(|op| op.is_identity(mode == Mode::Training)) && !heads[node.first]
    };
    if !program.graph.nodes.iter().any(hands_on) {
        return Ok(program);
    }
    let mut rewrite = Rewrite::new(program);
    for _ in 0..rewrite.len() {
        let node = rewrite.take();
        if hands_on(&node) {
            rewrite.alias(node.first, node.inputs[0]);
        } else {
            rewrite.keep(node);
        }
    }
    Ok(rewrite.finish())
}
