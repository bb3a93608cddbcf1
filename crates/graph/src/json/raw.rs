//! A file as it lies there: numbers for nodes, text for everything else.

use super::attrs::RawAttrs;
use super::order;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version that a file without one is of: MXNet wrote the version from 0.9 on.
const UNMARKED: u32 = 800;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGraph<'a> {
    #[serde(borrow)]
    pub nodes: Vec<RawNode<'a>>,
    pub arg_nodes: Vec<u32>,
    pub heads: Vec<RawEntry>,
    #[serde(default)]
    pub attrs: BTreeMap<String, Value>,
    /// Follows from the operators.
    #[serde(default, rename = "node_row_ptr")]
    _node_row_ptr: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNode<'a> {
    #[serde(borrow)]
    pub op: Cow<'a, str>,
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    pub inputs: Vec<RawEntry>,
    /// Parameters and user attributes since 1.0; after [`RawGraph::check`] those of `attr` too.
    #[serde(default, borrow)]
    pub attrs: RawAttrs<'a>,
    /// User attributes up to 0.8, from 0.9 on parameters as well.
    #[serde(default, borrow)]
    attr: RawAttrs<'a>,
    /// Parameters, up to 0.8; `attr` then holds user attributes alone.
    #[serde(default, borrow)]
    pub param: Option<RawAttrs<'a>>,
    /// Up to 0.8: the node whose gradient this is, or -1.
    #[serde(default)]
    backward_source_id: Option<i64>,
    #[serde(default)]
    pub control_deps: Vec<u32>,
    #[serde(default)]
    #[serde(borrow)]
    pub subgraphs: Vec<RawGraph<'a>>,
}

/// An output of a node; the version counts the operators that wrote the variable before.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct RawEntry(pub u32, pub u32, #[serde(default)] pub u32);

impl RawGraph<'_> {
    /// The version of MXNet that wrote the file.
    pub fn version(&self) -> u32 {
        let number = self.attrs.get("mxnet_version").and_then(|pair| pair.get(1)).and_then(Value::as_u64);
        number.map_or(UNMARKED, |v| v.min(u32::MAX.into()) as u32)
    }

    /// Puts nodes behind their inputs, refuses indices that lead nowhere, here and in subgraphs, and unites the spellings of
    /// `attrs`.
    pub fn check(&mut self) -> Result<(), String> {
        order::sort(self);
        let count = self.nodes.len();
        for (i, node) in self.nodes.iter_mut().enumerate() {
            node.check(i).map_err(|e| format!("nodes[{i}] ('{}'): {e}", node.name))?;
        }
        if let Some(head) = self.heads.iter().find(|e| e.0 as usize >= count) {
            return Err(format!("heads: there is no node {}, only {count} nodes", head.0));
        }
        let is_variable = |id: u32| self.nodes.get(id as usize).is_some_and(RawNode::is_variable);
        match self.arg_nodes.iter().find(|&&id| !is_variable(id)) {
            Some(id) => Err(format!("arg_nodes: node {id} is not a variable")),
            None => Ok(()),
        }
    }
}

impl<'a> RawNode<'a> {
    /// A variable.
    pub fn variable(name: String, attrs: RawAttrs<'a>) -> RawNode<'a> {
        RawNode { op: "null".into(), name: name.into(), attrs, ..RawNode::default() }
    }

    /// Whether this is a variable.
    pub fn is_variable(&self) -> bool {
        self.op == "null"
    }

    fn check(&mut self, index: usize) -> Result<(), String> {
        for (key, value) in std::mem::take(&mut self.attr) {
            self.attrs.set_default(key, value);
        }
        if let Some(entry) = self.inputs.iter().find(|e| e.0 as usize >= index) {
            return Err(format!("an input is node {}, which does not come before", entry.0));
        }
        if self.is_variable() && self.backward_source_id.is_some_and(|id| id >= 0) {
            return Err("this is a gradient saved by MXNet 0.8 or older, which no later version can read".into());
        }
        if self.is_variable() && !self.inputs.is_empty() {
            return Err("a variable (operator 'null') has no inputs".into());
        }
        self.subgraphs.iter_mut().try_for_each(|graph| graph.check().map_err(|e| format!("subgraphs: {e}")))
    }
}
