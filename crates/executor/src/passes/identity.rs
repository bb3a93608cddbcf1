//! Leaves out operators that hand their input on: `identity`, `BlockGrad`, and `Dropout` outside of training.

use super::Mode;
use super::rewrite::{Rewrite, is_head};
use crate::{ExecResult, Program};

pub(super) fn run(program: Program, mode: Mode) -> ExecResult<Program> {
    let heads = is_head(&program);
    let mut rewrite = Rewrite::new(program);
    for _ in 0..rewrite.len() {
        let node = rewrite.take();
        let hands_on = node.op.as_ref().is_some_and(|op| op.is_identity(mode == Mode::Training));
        if hands_on && !heads[node.first] {
            rewrite.alias(node.first, node.inputs[0]);
        } else {
            rewrite.keep(node);
        }
    }
    Ok(rewrite.finish())
}
