//! What older versions of MXNet meant, rewritten as 1.9.1 says it.

use super::VERSION;
use super::attrs::RawAttrs;
use super::raw::{RawEntry, RawGraph, RawNode};
use super::split::{is_param, param_key};
use crate::attrs::HIDDEN_KEYS;
use crate::{OpDef, OpRef, ParamTexts, Registry};

/// A change of meaning in the history of the format.
struct Upgrade {
    /// The first version that no longer needs it.
    below: u32,
    what: &'static str,
    /// Rewrites the graph and says whether there was anything to rewrite.
    apply: fn(&mut RawGraph, &Registry) -> bool,
}

/// In the order of application.
const UPGRADES: [Upgrade; 4] = [
    Upgrade { below: VERSION, what: "plain keys such as lr_mult became __lr_mult__", apply: hide_keys },
    Upgrade { below: 900, what: "inputs that files left out became variables", apply: add_inputs },
    Upgrade { below: 904, what: "variables learnt their initializers", apply: set_initializers },
    Upgrade { below: 905, what: "axis=-1 of argmax and argmin became no axis", apply: unset_axis },
];

/// Applies what a file of `version` needs; gives what changed something.
pub fn apply(graph: &mut RawGraph, version: u32, registry: &Registry) -> Vec<&'static str> {
    let mut applied = Vec::new();
    for upgrade in UPGRADES.iter().filter(|u| version < u.below) {
        if (upgrade.apply)(graph, registry) {
            applied.push(upgrade.what);
        }
    }
    applied
}

/// `lr_mult` becomes `__lr_mult__`; `weight_lr_mult` on an operator becomes `__lr_mult__` of the variable at its weight.
fn hide_keys(graph: &mut RawGraph, registry: &Registry) -> bool {
    let mut changed = false;
    for i in 0..graph.nodes.len() {
        for (key, hidden) in hidden_keys(&graph.nodes[i].attrs) {
            let target = if key == hidden { Some(i) } else { owner(graph, i, &key, hidden, registry) };
            let Some(target) = target else { continue };
            if let Some(value) = graph.nodes[i].attrs.remove(&key) {
                graph.nodes[target].attrs.set(format!("__{hidden}__").into(), value);
                changed = true;
            }
        }
    }
    changed
}

/// The keys that are or end like a hidden one, with that one.
fn hidden_keys(attrs: &RawAttrs) -> Vec<(String, &'static str)> {
    let hidden = |key: &str| HIDDEN_KEYS.into_iter().find(|h| key.ends_with(h)).map(|h| (key.to_string(), h));
    attrs.iter().filter_map(|(key, _)| hidden(key)).collect()
}

/// The variable that `<input>_<hidden>` on node `i` speaks of.
fn owner(graph: &RawGraph, i: usize, key: &str, hidden: &str, registry: &Registry) -> Option<usize> {
    let input = key.strip_suffix(hidden)?.strip_suffix('_')?;
    let node = &graph.nodes[i];
    let place = operator(node, registry)?.inputs().iter().position(|name| name == input)?;
    let id = node.inputs.get(place)?.0 as usize;
    graph.nodes[id].is_variable().then_some(id)
}

/// Appends a variable for every input that is missing at the end: before 0.9 auxiliary states were not in files.
fn add_inputs(graph: &mut RawGraph, registry: &Registry) -> bool {
    let count = graph.nodes.len();
    for i in 0..count {
        let node = &graph.nodes[i];
        let Some(def) = registry.get(&node.op).filter(|d| node.inputs.len() < d.inputs.len()) else { continue };
        let Some(op) = operator(node, registry) else { continue };
        let user = node.attrs.iter().filter(|(k, _)| node.param.is_some() || !is_param(def, k));
        let attrs: RawAttrs = user.map(|(k, v)| (k.clone(), v.clone())).collect();
        for input in op.inputs().iter().skip(node.inputs.len()) {
            let name = format!("{}_{input}", graph.nodes[i].name);
            let id = graph.nodes.len() as u32;
            graph.nodes.push(RawNode::variable(name, attrs.clone()));
            graph.nodes[i].inputs.push(RawEntry(id, 0, 0));
        }
    }
    graph.nodes.len() > count
}

/// Gives variables the `__init__` that the operators which take them ask for.
fn set_initializers(graph: &mut RawGraph, registry: &Registry) -> bool {
    let mut changed = false;
    for i in 0..graph.nodes.len() {
        let Some(op) = operator(&graph.nodes[i], registry) else { continue };
        for place in 0..graph.nodes[i].inputs.len() {
            let variable = graph.nodes[i].inputs[place].0 as usize;
            let Some(text) = op.initializer(place).filter(|_| graph.nodes[variable].is_variable()) else { continue };
            let attrs = &mut graph.nodes[variable].attrs;
            changed |= !attrs.contains("__init__");
            attrs.set_default("__init__".into(), text.into());
        }
    }
    changed
}

/// Before 0.9.5 an axis of -1 meant all axes.
fn unset_axis(graph: &mut RawGraph, _: &Registry) -> bool {
    let mut changed = false;
    for node in graph.nodes.iter_mut().filter(|n| n.op == "argmax" || n.op == "argmin") {
        for attrs in node.param.iter_mut().chain([&mut node.attrs]) {
            if attrs.get("axis").is_some_and(|axis| axis == "-1") {
                attrs.remove("axis");
                changed = true;
            }
        }
    }
    changed
}

/// The operator of a node that is not variadic, if it can be made.
fn operator(node: &RawNode, registry: &Registry) -> Option<OpRef> {
    let def = registry.get(&node.op).filter(|d| d.variadic.is_none())?;
    (def.parse)(&params(def, node), &[]).ok()
}

fn params(def: &OpDef, node: &RawNode) -> ParamTexts {
    let texts = node.param.as_ref().unwrap_or(&node.attrs);
    ParamTexts(texts.iter().filter_map(|(k, v)| Some((param_key(def, k)?.into(), v.to_string()))).collect())
}
