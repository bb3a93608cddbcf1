mod accuracy;
mod exact;
mod programs;

use super::*;
use crate::simd::{available, with_tier};

/// `op` over lists of operands, alone, on every tier in turn: calls `check(tier, results)`.
fn on_every_tier(op: Op, args: &[Vec<f32>], check: impl Fn(&str, &[f32])) {
    for tier in available() {
        let dims = [args[0].len()];
        let given: Vec<Given> = args.iter().map(|x| Given::Tensor(Operand::Slice(x), &dims)).collect();
        let mut out = vec![0.0; dims[0]];
        with_tier(tier, || apply(op, &given, (&mut out, &dims)));
        check(tier.name(), &out);
    }
}
