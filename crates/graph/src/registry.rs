use crate::{GraphError, GraphResult, OpDef, OpRef, ParamError, ParamTexts, ParamType, Symbol, did_you_mean};
use rustc_hash::FxHashMap;

/// Operators by name and alias.
#[derive(Default)]
pub struct Registry {
    by_name: FxHashMap<&'static str, &'static OpDef>,
    sorted: Vec<&'static OpDef>,
}

impl Registry {
    /// A registry of the given operators.
    ///
    /// # Panics
    /// If two operators claim the same name: a defect of the list, found by every test.
    pub fn new(defs: impl IntoIterator<Item = &'static OpDef>) -> Registry {
        let mut registry = Registry::default();
        for def in defs {
            registry.sorted.push(def);
            for name in std::iter::once(&def.name).chain(def.aliases) {
                let earlier = registry.by_name.insert(name, def);
                assert!(earlier.is_none(), "two operators are named {name}");
            }
        }
        registry.sorted.sort_by_key(|d| d.name);
        registry
    }

    /// The operator with this name or alias.
    pub fn get(&self, name: &str) -> Option<&'static OpDef> {
        self.by_name.get(name).copied()
    }

    /// The operator with this name or alias, or an error that suggests a near one.
    pub fn find(&self, name: &str) -> GraphResult<&'static OpDef> {
        self.get(name).ok_or_else(|| GraphError::UnknownOperator {
            name: name.to_string(),
            hint: did_you_mean(name, self.by_name.keys().copied()),
        })
    }

    /// Every operator, sorted by canonical name.
    pub fn iter(&self) -> impl Iterator<Item = &'static OpDef> {
        self.sorted.iter().copied()
    }

    /// The operator `name` made from keyword texts.
    pub fn make(&self, name: &str, texts: &[(&str, &str)]) -> GraphResult<OpRef> {
        let texts = ParamTexts(texts.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect());
        parse_op(self.find(name)?, "", &texts, &[])
    }
}

/// Makes an operator for the node `node`, turning refusals into errors that name both.
pub fn parse_op(def: &'static OpDef, node: &str, texts: &ParamTexts, subgraphs: &[Symbol]) -> GraphResult<OpRef> {
    if let Some((key, _)) = texts.0.iter().find(|(k, _)| !def.takes(k)) {
        return Err(param_error(def, node, ParamError::Unknown(key.to_string())));
    }
    let counted = def.variadic.and_then(|key| texts.get(key)).and_then(i64::parse);
    refuse_too_many(def, node, "inputs", counted.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))?;
    let op = (def.parse)(texts, subgraphs).map_err(|e| param_error(def, node, e))?;
    refuse_too_many(def, node, "outputs", op.num_outputs())?;
    Ok(op)
}

/// A keyword such as `num_outputs=2147483647` must not exhaust the memory with names.
fn refuse_too_many(def: &'static OpDef, node: &str, what: &str, count: usize) -> GraphResult {
    const MOST: usize = 1 << 20;
    if count <= MOST {
        return Ok(());
    }
    Err(param_error(def, node, ParamError::Conflict(format!("a node has at most {MOST} {what}, got {count}"))))
}

fn param_error(def: &'static OpDef, node: &str, error: ParamError) -> GraphError {
    let (op, node) = (def.name, node.to_string());
    match error {
        ParamError::Unknown(key) => {
            let names: Vec<&str> = def.inputs.iter().map(|i| i.name).chain(def.params.iter().map(|p| p.name)).collect();
            let hint = did_you_mean(&key, names.iter().copied());
            GraphError::UnknownParam { op, node, hint, possible: names.join(", "), key }
        }
        ParamError::Missing(p) => {
            GraphError::MissingParam { op, node, key: p.name.to_string(), expected: p.expected() }
        }
        ParamError::Bad(p, got) => {
            GraphError::BadParam { op, node, key: p.name.to_string(), expected: p.expected(), got }
        }
        ParamError::Unregistered(op_type) => GraphError::Unregistered { op, node, op_type },
        ParamError::Conflict(message) => GraphError::Compose { op: op.to_string(), node, message },
    }
}
