use crate::{GraphResult, Names, OpRef, ParamTexts, Symbol, names, parse_op};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// User attributes by key.
pub type AttrMap = BTreeMap<String, String>;

/// The entries that an operator is applied to.
pub type Inputs = SmallVec<[Entry; 2]>;

/// A vertex of the graph: a variable, or an operator applied to entries.
///
/// Graphs share their nodes, so an attribute set through one symbol is seen by every symbol with that node, as in MXNet.
pub struct Node {
    inputs: Inputs,
    is_variable: bool,
    subgraphs: Vec<Symbol>,
    state: RwLock<State>,
}

#[derive(Clone)]
struct State {
    name: Arc<str>,
    op: Option<OpRef>,
    params: ParamTexts,
    attrs: AttrMap,
}

/// One output of a node.
#[derive(Clone)]
pub struct Entry {
    /// The node.
    pub node: Arc<Node>,
    /// Which of its outputs.
    pub index: u32,
}

impl Entry {
    /// Output `index` of `node`.
    pub fn new(node: &Arc<Node>, index: usize) -> Entry {
        Entry { node: node.clone(), index: index as u32 }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.node.name(), self.index)
    }
}

impl Node {
    /// A variable.
    pub fn variable(name: &str, attrs: AttrMap) -> Arc<Node> {
        Arc::new(Node {
            inputs: Inputs::new(),
            is_variable: true,
            subgraphs: Vec::new(),
            state: RwLock::new(State { name: name.into(), op: None, params: ParamTexts::default(), attrs }),
        })
    }

    /// An operator applied to `inputs`; `params` is the text that the caller wrote.
    pub fn operator(name: &str, op: OpRef, params: ParamTexts, attrs: AttrMap, inputs: impl Into<Inputs>) -> Arc<Node> {
        let subgraphs = op.subgraphs().to_vec();
        Node::with_subgraphs(name, op, params, attrs, inputs, subgraphs)
    }

    /// An operator with graphs inside.
    pub fn with_subgraphs(
        name: &str,
        op: OpRef,
        params: ParamTexts,
        attrs: AttrMap,
        inputs: impl Into<Inputs>,
        subgraphs: Vec<Symbol>,
    ) -> Arc<Node> {
        Arc::new(Node {
            inputs: inputs.into(),
            is_variable: false,
            subgraphs,
            state: RwLock::new(State { name: name.into(), op: Some(op), params, attrs }),
        })
    }

    /// A copy of this node on other inputs.
    pub fn with_inputs(&self, inputs: impl Into<Inputs>) -> Arc<Node> {
        let mut state = self.read().clone();
        if let Some(own) = state.op.as_ref().and_then(|op| op.separate()) {
            state.op = Some(own);
        }
        Arc::new(Node {
            inputs: inputs.into(),
            is_variable: self.is_variable,
            subgraphs: self.subgraphs.clone(),
            state: RwLock::new(state),
        })
    }

    /// The entries that the operator is applied to, auxiliary states included.
    pub fn inputs(&self) -> &[Entry] {
        &self.inputs
    }

    /// Whether this is a variable.
    pub fn is_variable(&self) -> bool {
        self.is_variable
    }

    /// Graphs inside of the node.
    pub fn subgraphs(&self) -> &[Symbol] {
        &self.subgraphs
    }

    /// The name.
    pub fn name(&self) -> Arc<str> {
        self.read().name.clone()
    }

    /// The operator; `None` for a variable.
    pub fn op(&self) -> Option<OpRef> {
        self.read().op.clone()
    }

    /// Name of the operator; `null` for a variable, as in files.
    pub fn op_name(&self) -> String {
        self.read().op.as_ref().map_or_else(|| "null".to_string(), |op| op.name().to_string())
    }

    /// Operator parameters as the caller wrote them.
    pub fn params(&self) -> ParamTexts {
        self.read().params.clone()
    }

    /// Shows name, operator, parameters and user attributes without a copy.
    pub(crate) fn inspect<R>(&self, look: impl FnOnce(&str, Option<&OpRef>, &ParamTexts, &AttrMap) -> R) -> R {
        let state = self.read();
        look(&state.name, state.op.as_ref(), &state.params, &state.attrs)
    }

    /// User attributes.
    pub fn attrs(&self) -> AttrMap {
        self.read().attrs.clone()
    }

    /// One user attribute.
    pub fn user_attr(&self, key: &str) -> Option<String> {
        self.read().attrs.get(key).cloned()
    }

    /// One parameter, as the caller wrote it.
    pub fn param(&self, key: &str) -> Option<String> {
        self.read().params.get(key).map(str::to_string)
    }

    /// Renames the node, for every symbol that has it.
    pub fn rename(&self, name: &str) {
        self.write().name = name.into();
    }

    /// Sets a user attribute, or a parameter of the operator, for every symbol that has the node.
    pub fn set_attr(&self, key: &str, value: String) -> GraphResult {
        let mut state = self.write();
        let def = state.op.as_ref().filter(|op| !op.is_opaque()).map(|op| op.def());
        match def.filter(|d| d.param(key).is_some()) {
            Some(def) => {
                let mut params = state.params.clone();
                params.set(key.to_string(), value);
                state.op = Some(parse_op(def, &state.name, &params, &self.subgraphs)?);
                state.params = params;
            }
            None => {
                state.attrs.insert(key.to_string(), value);
            }
        }
        Ok(())
    }

    /// Sets a user attribute that the node does not have yet.
    pub(crate) fn set_default_attr(&self, key: &str, value: &str) {
        self.write().attrs.entry(key.to_string()).or_insert_with(|| value.to_string());
    }

    /// Number of outputs, hidden ones included.
    pub fn num_outputs(&self) -> usize {
        self.read().op.as_ref().map_or(1, |op| op.num_outputs())
    }

    /// Number of outputs that a user sees.
    pub fn num_visible(&self) -> usize {
        self.read().op.as_ref().map_or(1, |op| op.num_visible())
    }

    /// Number of outputs that files count.
    pub(crate) fn num_written(&self) -> usize {
        self.read().op.as_ref().map_or(1, |op| op.num_written())
    }

    /// Name of output `index`, as `list_outputs` shows it.
    pub fn output_name(&self, index: usize) -> String {
        let state = self.read();
        let Some(op) = &state.op else { return state.name.to_string() };
        let suffix = op.output_names().get(index).map_or_else(|| format!("output{index}"), |s| s.to_string());
        if state.name.is_empty() { suffix } else { format!("{}_{suffix}", state.name) }
    }

    /// Names of the inputs, as the operator calls them.
    pub fn input_names(&self) -> Names {
        self.read().op.as_ref().map_or(names![], |op| op.inputs())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} {})", self.op_name(), self.name())
    }
}

impl Drop for Node {
    /// Takes long chains apart with a loop, where the default would recurse once per node.
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.inputs);
        while let Some(entry) = pending.pop() {
            if let Some(mut node) = Arc::into_inner(entry.node) {
                pending.append(&mut node.inputs);
            }
        }
    }
}
