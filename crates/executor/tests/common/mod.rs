//! Graphs and numbers for tests.
#![allow(dead_code)]

use rsym_graph::{ComposeArgs, Node, Symbol, compose};
use rsym_tensor::Tensor;

pub fn var(name: &str) -> Symbol {
    let node = Node::variable(name, Default::default());
    Symbol::from_entries([rsym_graph::Entry::new(&node, 0)])
}

/// The operator `op` called `name` on `inputs`, further inputs being variables.
pub fn apply(op: &str, name: &str, params: &[(&str, &str)], inputs: &[&Symbol]) -> Symbol {
    apply_with(op, name, params, inputs, Vec::new())
}

/// As [`apply`], with attributes, which the variables that are made get as well.
pub fn apply_with(
    op: &str,
    name: &str,
    params: &[(&str, &str)],
    inputs: &[&Symbol],
    attrs: Vec<(String, String)>,
) -> Symbol {
    let def = rsym_ops::registry().get(op).unwrap();
    let mut keywords: Vec<(std::borrow::Cow<str>, String)> =
        params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect();
    if let Some(count) = def.variadic {
        keywords.push((count.into(), inputs.len().to_string()));
    }
    let positional = inputs.iter().map(|s| Some((*s).clone())).collect();
    compose(def, name, ComposeArgs { positional, keywords, attrs, ..ComposeArgs::default() }).unwrap()
}

pub fn noise(tensor: &Tensor, seed: u64, positive: bool) {
    let mut state = seed.wrapping_mul(0x9e3779b97f4a7c15) | 1;
    let mut tensor = tensor.clone();
    for x in tensor.slice_mut::<f32>().unwrap() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        *x = if positive { 0.5 + value.abs() } else { 0.5 * value };
    }
}
