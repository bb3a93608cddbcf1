use super::raw::{RawEntry, RawGraph, RawNode};
use super::split::split;
use crate::{
    Entry, GraphError, GraphResult, Inputs, Node, OpDef, OpRef, Opaque, ParamTexts, ParamType, Registry, Symbol,
    parse_op,
};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// More outputs than this no operator has; a file that says so would only exhaust memory.
const MOST_OUTPUTS: usize = 1 << 16;

/// Makes nodes from a checked raw graph.
pub struct Builder<'a> {
    registry: &'a Registry,
    version: u32,
    /// The last node of each operator: the next one often has the same parameters and then shares them.
    last: FxHashMap<&'static str, Arc<Node>>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What is known about the nodes of a graph while it is built.
struct Built {
    nodes: Vec<Option<Arc<Node>>>,
    /// The highest output of every node that is used, plus one.
    used: Vec<usize>,
    /// How many operators have written a variable so far.
    writes: Vec<u32>,
}

impl<'a> Builder<'a> {
    /// For a file of `version`.
    pub fn new(registry: &'a Registry, version: u32) -> Builder<'a> {
        Builder { registry, version, last: FxHashMap::default(), warnings: Vec::new() }
    }

    /// The symbol of `raw`.
    pub fn graph(&mut self, mut raw: RawGraph) -> GraphResult<Symbol> {
        let count = raw.nodes.len();
        let mut built = Built { used: outputs_used(&raw), nodes: variables(&mut raw), writes: vec![0; count] };
        for (i, node) in raw.nodes.iter_mut().enumerate() {
            if built.nodes[i].is_none() {
                built.nodes[i] = Some(self.operator(node, i, &mut built)?);
            }
        }
        Ok(Symbol::from_entries(built.entries(&raw.heads, "heads")?))
    }

    fn operator(&mut self, raw: &mut RawNode, index: usize, built: &mut Built) -> GraphResult<Arc<Node>> {
        if !raw.control_deps.is_empty() {
            self.warnings
                .push(format!("node '{}': control_deps are ignored: operators run in order of need", raw.name));
        }
        let subgraphs = std::mem::take(&mut raw.subgraphs);
        let subgraphs = subgraphs.into_iter().map(|g| self.graph(g)).collect::<GraphResult<Vec<Symbol>>>()?;
        let inputs = built.entries(&raw.inputs, &raw.name)?;
        let def = self.registry.get(&raw.op);
        let (params, attrs) = split(def, raw, self.version, &mut self.warnings);
        let op = match def {
            Some(def) => match self.shared(def, raw, &params).filter(|_| subgraphs.is_empty()) {
                Some(op) => op,
                None => match known(def, raw, &params, &subgraphs) {
                    Err(GraphError::Unregistered { op_type, .. }) => {
                        built.opaque(raw, built.used[index], Some(op_type))?
                    }
                    known => known?,
                },
            },
            None => built.opaque(raw, built.used[index], None)?,
        };
        built.count_writes(raw, &op);
        let node = Node::with_subgraphs(&raw.name, op, params, attrs, inputs, subgraphs);
        if let Some(def) = def {
            self.last.insert(def.name, node.clone());
        }
        Ok(node)
    }

    /// The operator of the last node of its kind, if that has the same parameters and number of inputs.
    fn shared(&self, def: &OpDef, raw: &RawNode, params: &ParamTexts) -> Option<OpRef> {
        let last =
            self.last.get(def.name).filter(|n| n.subgraphs().is_empty() && n.inputs().len() == raw.inputs.len())?;
        last.inspect(|_, op, texts, _| {
            op.filter(|_| texts == params).map(|op| op.separate().unwrap_or_else(|| op.clone()))
        })
    }
}

/// The operator of a node, which must have as many inputs as the file gives it.
fn known(def: &'static OpDef, raw: &RawNode, params: &ParamTexts, subgraphs: &[Symbol]) -> GraphResult<OpRef> {
    let given = raw.inputs.len();
    let fail = |message| GraphError::Compose { op: def.name.to_string(), node: raw.name.to_string(), message };
    let count = def.variadic.and_then(|key| usize::parse(params.get(key)?));
    if let Some(count) = count.filter(|&c| c > given + subgraphs.len()) {
        return Err(fail(format!("is to take {count} inputs, but the file gives {given}")));
    }
    let op = parse_op(def, &raw.name, params, subgraphs)?;
    if op.num_inputs() != given {
        let names = op.inputs();
        return Err(fail(format!("takes {} inputs ({}), but the file gives {given}", names.len(), names.join(", "))));
    }
    if op.num_outputs() > MOST_OUTPUTS {
        return Err(fail(format!("has {} outputs, more than the {MOST_OUTPUTS} that are possible", op.num_outputs())));
    }
    Ok(op)
}

/// The variables of `raw`, each at its place.
fn variables(raw: &mut RawGraph) -> Vec<Option<Arc<Node>>> {
    let variable = |n: &mut RawNode| {
        let texts = std::mem::take(&mut n.attrs).into_iter();
        Node::variable(&n.name, texts.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
    };
    raw.nodes.iter_mut().map(|n| n.is_variable().then(|| variable(n))).collect()
}

fn outputs_used(raw: &RawGraph) -> Vec<usize> {
    let mut used = vec![1; raw.nodes.len()];
    for entry in raw.nodes.iter().flat_map(|n| &n.inputs).chain(&raw.heads) {
        let slot = &mut used[entry.0 as usize];
        *slot = (*slot).max(entry.1 as usize + 1);
    }
    used
}

impl Built {
    fn entries(&self, raw: &[RawEntry], user: &str) -> GraphResult<Inputs> {
        raw.iter().map(|e| self.entry(e, user)).collect()
    }

    fn entry(&self, &RawEntry(id, output, _): &RawEntry, user: &str) -> GraphResult<Entry> {
        let Some(node) = &self.nodes[id as usize] else {
            return Err(GraphError::Json(format!("'{user}' uses node {id} before it is defined")));
        };
        let count = node.num_outputs();
        if output as usize >= count {
            return Err(GraphError::Json(format!(
                "'{user}' uses output {output} of '{}', which has {count} outputs",
                node.name()
            )));
        }
        Ok(Entry { node: node.clone(), index: output })
    }

    fn opaque(&self, raw: &RawNode, outputs: usize, op_type: Option<String>) -> GraphResult<OpRef> {
        if outputs > MOST_OUTPUTS {
            return Err(GraphError::Json(format!(
                "the file uses output {} of node '{}' ({}), more than the {MOST_OUTPUTS} that are possible",
                outputs - 1,
                raw.name,
                raw.op
            )));
        }
        let aux = raw.inputs.iter().enumerate().filter(|(_, e)| e.2 > self.writes[e.0 as usize]).map(|(i, _)| i);
        let (name, inputs) = (raw.op.to_string(), raw.inputs.len());
        Ok(Arc::new(Opaque { name, inputs, outputs, aux: aux.collect(), op_type }))
    }

    fn count_writes(&mut self, raw: &RawNode, op: &OpRef) {
        for entry in op.aux().iter().filter_map(|&i| raw.inputs.get(i)) {
            let slot = &mut self.writes[entry.0 as usize];
            *slot = entry.2.max(slot.saturating_add(1));
        }
    }
}
