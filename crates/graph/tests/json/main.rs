//! Symbol files: what is written, and what every dialect is read as.

mod hostile;
mod ops;
mod read;
mod upgrade;
mod write;

use rsym_graph::json::{Loaded, from_json, to_json};
use rsym_graph::{AttrMap, Symbol};
use std::sync::Arc;

fn load(text: &str) -> Loaded {
    from_json(&ops::registry(), text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn refusal(text: &str) -> String {
    from_json(&ops::registry(), text).unwrap_err().to_string()
}

/// A file of `version` with these nodes, all variables of which are listed, and the last node as its head.
fn file(version: u32, nodes: &[&str]) -> String {
    let variables: Vec<String> =
        (0..nodes.len()).filter(|&i| nodes[i].starts_with(r#"{"op": "null""#)).map(|i| i.to_string()).collect();
    format!(
        r#"{{"nodes": [{}], "arg_nodes": [{}], "heads": [[{}, 0, 0]], "attrs": {{"mxnet_version": ["int", {version}]}}}}"#,
        nodes.join(", "),
        variables.join(", "),
        nodes.len() - 1
    )
}

/// A variable in a file.
fn null(name: &str) -> String {
    format!(r#"{{"op": "null", "name": "{name}", "inputs": []}}"#)
}

/// The attributes that a symbol's node of this name has for itself.
fn user_attrs(symbol: &Symbol, name: &str) -> AttrMap {
    let nodes = symbol.nodes();
    nodes.iter().find(|n| &*n.name() == name).unwrap_or_else(|| panic!("no node {name}")).attrs()
}

fn map(pairs: &[(&str, &str)]) -> AttrMap {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

/// The text that `symbol` is saved as, after making sure that it comes back.
fn saved(symbol: &Symbol) -> String {
    let text = to_json(symbol).unwrap();
    assert_eq!(to_json(&load(&text).symbol).unwrap(), text);
    text
}

fn op_name(symbol: &Symbol) -> Arc<str> {
    symbol.node().unwrap().op_name().as_str().into()
}
