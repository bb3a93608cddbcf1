use crate::attrs::{lookup, shown};
use crate::visit::{NodeMap, Order, post_order};
use crate::{AttrMap, Entry, GraphError, GraphResult, Inputs, Node, OpRef, ParamTexts, did_you_mean};
use smallvec::{SmallVec, smallvec};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The attribute that tells which output of its node a symbol is.
const VALUE_INDEX: &str = "_value_index";

/// Some outputs of a graph. Symbols share their nodes; composing never copies what is composed.
#[derive(Clone)]
pub struct Symbol {
    outputs: SmallVec<[Entry; 1]>,
}

impl Symbol {
    /// A variable.
    pub fn variable(name: &str, attrs: AttrMap) -> Symbol {
        Symbol::from_node(&Node::variable(name, attrs))
    }

    /// Every visible output of `node`.
    pub fn from_node(node: &Arc<Node>) -> Symbol {
        match node.num_visible() {
            1 => Symbol { outputs: smallvec![Entry::new(node, 0)] },
            count => Symbol { outputs: (0..count).map(|i| Entry::new(node, i)).collect() },
        }
    }

    /// The given entries.
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Symbol {
        Symbol { outputs: entries.into_iter().collect() }
    }

    /// All outputs of all members, repetitions included.
    pub fn group<'a>(members: impl IntoIterator<Item = &'a Symbol>) -> Symbol {
        Symbol { outputs: members.into_iter().flat_map(|s| s.outputs.iter().cloned()).collect() }
    }

    /// An operator applied to `inputs`; missing ones become variables `<name>_<input>` with the node's user attributes.
    pub fn apply(
        name: &str,
        op: OpRef,
        params: ParamTexts,
        attrs: AttrMap,
        inputs: SmallVec<[Option<Entry>; 4]>,
    ) -> GraphResult<Symbol> {
        if inputs.len() == op.num_inputs() && inputs.iter().all(Option::is_some) {
            return Ok(Symbol::of_operator(name, op, params, attrs, inputs.into_iter().flatten().collect()));
        }
        let names = op.inputs();
        if inputs.len() > names.len() {
            return Err(GraphError::Compose {
                op: op.name().to_string(),
                node: name.to_string(),
                message: format!("takes {} inputs ({}), got {}", names.len(), names.join(", "), inputs.len()),
            });
        }
        let mut inputs = inputs.into_iter();
        let mut input_name = String::new();
        let entries = names.iter().map(|input| {
            inputs.next().flatten().unwrap_or_else(|| {
                input_name.clear();
                input_name.extend([name, "_", input]);
                Entry::new(&Node::variable(&input_name, attrs.clone()), 0)
            })
        });
        let entries: Inputs = entries.collect();
        Ok(Symbol::of_operator(name, op, params, attrs, entries))
    }

    fn of_operator(name: &str, op: OpRef, params: ParamTexts, attrs: AttrMap, inputs: Inputs) -> Symbol {
        set_initializers(&op, &inputs);
        Symbol::from_node(&Node::operator(name, op, params, attrs, inputs))
    }

    /// The outputs.
    pub fn entries(&self) -> &[Entry] {
        &self.outputs
    }

    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether there is no output at all.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The single output, as needed for an input of an operator.
    pub fn single(&self) -> GraphResult<&Entry> {
        match self.outputs.as_slice() {
            [entry] => Ok(entry),
            _ => Err(self.not_single()),
        }
    }

    /// As [`Symbol::single`], without a copy.
    pub fn into_single(mut self) -> GraphResult<Entry> {
        self.single()?;
        self.outputs.pop().ok_or_else(|| self.not_single())
    }

    fn not_single(&self) -> GraphError {
        GraphError::Invalid(format!(
            "a symbol with {} outputs ({}) cannot be an input: take one of them, as in symbol[0]",
            self.len(),
            self.list_outputs().join(", ")
        ))
    }

    /// The node, if all outputs come from one.
    pub fn node(&self) -> Option<&Arc<Node>> {
        let first = &self.outputs.first()?.node;
        self.outputs.iter().all(|e| Arc::ptr_eq(&e.node, first)).then_some(first)
    }

    /// The node whose attributes are meant.
    fn only_node(&self) -> GraphResult<&Arc<Node>> {
        self.node().ok_or_else(|| GraphError::Invalid("a group of several nodes has no attributes of its own".into()))
    }

    /// The name; `None` for a group of several nodes.
    pub fn name(&self) -> Option<Arc<str>> {
        self.node().map(|n| n.name())
    }

    /// Every node that the outputs depend on, inputs first, in depth-first order.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        post_order(&self.outputs)
    }

    /// Names of the outputs.
    pub fn list_outputs(&self) -> Vec<String> {
        self.outputs.iter().map(|e| e.node.output_name(e.index as usize)).collect()
    }

    /// Variables in depth-first order with a mark on auxiliary states.
    pub fn variables(&self) -> Vec<(Arc<Node>, bool)> {
        let order = Order::new(&self.outputs);
        let aux = aux_marks(&order);
        let variables = order.nodes.iter().zip(aux).filter(|(n, _)| n.is_variable());
        variables.map(|(&n, aux)| (n.clone(), aux)).collect()
    }

    /// Names of all variables that are not auxiliary states.
    pub fn list_arguments(&self) -> Vec<String> {
        self.variables().into_iter().filter(|(_, aux)| !aux).map(|(n, _)| n.name().to_string()).collect()
    }

    /// Names of the auxiliary states.
    pub fn list_auxiliary_states(&self) -> Vec<String> {
        self.variables().into_iter().filter(|(_, aux)| *aux).map(|(n, _)| n.name().to_string()).collect()
    }

    /// Names of all variables.
    pub fn list_inputs(&self) -> Vec<String> {
        self.variables().into_iter().map(|(n, _)| n.name().to_string()).collect()
    }

    /// Output number `i`.
    pub fn get(&self, i: usize) -> GraphResult<Symbol> {
        let entry = self.outputs.get(i).ok_or_else(|| {
            GraphError::Index(format!("output {i} is out of range: the symbol has {} outputs", self.len()))
        })?;
        Ok(Symbol { outputs: smallvec![entry.clone()] })
    }

    /// The output called `name`.
    pub fn find_output(&self, name: &str) -> GraphResult<Symbol> {
        let names = self.list_outputs();
        let mut found = names.iter().enumerate().filter(|(_, n)| *n == name).map(|(i, _)| i);
        match (found.next(), found.next()) {
            (Some(i), None) => self.get(i),
            (Some(_), Some(_)) => Err(GraphError::Name(format!("there are several outputs named '{name}'"))),
            _ => {
                let hint = did_you_mean(name, names.iter().map(String::as_str));
                Err(GraphError::Name(format!("there is no output named '{name}'{hint}")))
            }
        }
    }

    /// Every visible output of every node, as one symbol.
    pub fn internals(&self) -> Symbol {
        let nodes = self.nodes();
        Symbol { outputs: nodes.iter().flat_map(|n| (0..n.num_visible()).map(|i| Entry::new(n, i))).collect() }
    }

    /// The inputs of the outputs' nodes; `None` if there are none.
    pub fn children(&self) -> Option<Symbol> {
        let mut seen = HashSet::new();
        let nodes = self.outputs.iter().map(|e| &e.node).filter(|n| seen.insert(Arc::as_ptr(n)));
        let outputs: SmallVec<[Entry; 1]> = nodes.flat_map(|n| n.inputs().iter().cloned()).collect();
        (!outputs.is_empty()).then_some(Symbol { outputs })
    }

    /// The attribute `key`: a user attribute, its `__key__` form, or a parameter. A group of several nodes has none.
    pub fn attr(&self, key: &str) -> GraphResult<Option<String>> {
        let Some(node) = self.node() else { return Ok(None) };
        if let (VALUE_INDEX, [entry]) = (key, &self.outputs[..]) {
            return Ok(Some(entry.index.to_string()));
        }
        Ok(lookup(&node.attrs(), key).cloned().or_else(|| node.param(key)))
    }

    /// The user attributes, hidden keys under both names. A group of several nodes has none.
    pub fn list_attr(&self) -> GraphResult<AttrMap> {
        Ok(self.node().map(|n| shown(&n.attrs())).unwrap_or_default())
    }

    /// The user attributes of every node, each key after `<node>_`.
    pub fn list_attr_recursive(&self) -> AttrMap {
        let nodes = self.nodes();
        let of = |n: &Arc<Node>| {
            shown(&n.attrs()).into_iter().map(|(k, v)| (format!("{}_{k}", n.name()), v)).collect::<Vec<_>>()
        };
        nodes.iter().flat_map(of).collect()
    }

    /// User attributes and parameters of every node that has some, by node name.
    pub fn attr_dict(&self) -> BTreeMap<String, AttrMap> {
        let mut out: BTreeMap<String, AttrMap> = BTreeMap::new();
        for node in self.nodes() {
            let mut attrs = shown(&node.attrs());
            attrs.extend(node.params().0.into_iter().map(|(k, v)| (k.into_owned(), v)));
            if !attrs.is_empty() {
                out.entry(node.name().to_string()).or_default().extend(attrs);
            }
        }
        out
    }

    /// Sets an attribute, in stored form, or renames with the key `name`.
    pub fn set_attr(&self, key: &str, value: &str) -> GraphResult {
        let node = self.only_node()?;
        if key == "name" {
            node.rename(value);
            return Ok(());
        }
        node.set_attr(&crate::attrs::stored_key(key), value.to_string())
    }

    /// The single node on variables of its own, named after its inputs.
    pub fn atomic(&self) -> GraphResult<Symbol> {
        let node = self.only_node()?;
        let variable =
            |input: &str| Entry::new(&Node::variable(&format!("{}_{input}", node.name()), AttrMap::new()), 0);
        let inputs: Inputs = node.input_names().iter().map(|i| variable(i)).collect();
        Ok(Symbol::from_node(&node.with_inputs(inputs)))
    }

    /// A copy with nodes of its own.
    pub fn deep_copy(&self) -> Symbol {
        self.rewrite(|_| None)
    }

    /// A copy in which every entry that `replace` answers for is replaced; nodes are new.
    pub fn rewrite(&self, replace: impl Fn(&Entry) -> Option<Entry>) -> Symbol {
        let mut copies: NodeMap<Arc<Node>> = NodeMap::default();
        let nodes = self.nodes();
        let map = |e: &Entry, copies: &NodeMap<Arc<Node>>| {
            replace(e).unwrap_or_else(|| Entry { node: copies[&Arc::as_ptr(&e.node)].clone(), index: e.index })
        };
        for node in &nodes {
            let inputs: Inputs = node.inputs().iter().map(|e| map(e, &copies)).collect();
            copies.insert(Arc::as_ptr(node), node.with_inputs(inputs));
        }
        Symbol { outputs: self.outputs.iter().map(|e| map(e, &copies)).collect() }
    }

    /// The part of the graph whose nodes have the attribute `key` with `value`, on variables of its own in place of what
    /// comes from other nodes: each named as the output that it stands for, which is returned beside the graph.
    pub fn cut(&self, key: &str, value: &str) -> (Symbol, Vec<Symbol>) {
        let inside = |node: &Node| node.user_attr(key).is_some_and(|v| v == value);
        let mut copies: NodeMap<Arc<Node>> = NodeMap::default();
        let mut made: HashMap<(*const Node, u32), Entry> = HashMap::new();
        let mut outside = Vec::new();
        let mut map = |e: &Entry, copies: &NodeMap<Arc<Node>>| {
            if let Some(copy) = copies.get(&Arc::as_ptr(&e.node)) {
                return Entry { node: copy.clone(), index: e.index };
            }
            let variable = || {
                outside.push(Symbol::from_entries([e.clone()]));
                Entry::new(&Node::variable(&e.node.output_name(e.index as usize), AttrMap::new()), 0)
            };
            made.entry((Arc::as_ptr(&e.node), e.index)).or_insert_with(variable).clone()
        };
        for node in self.nodes().iter().filter(|node| inside(node)) {
            let inputs: Inputs = node.inputs().iter().map(|e| map(e, &copies)).collect();
            copies.insert(Arc::as_ptr(node), node.with_inputs(inputs));
        }
        let graph = Symbol { outputs: self.outputs.iter().map(|e| map(e, &copies)).collect() };
        (graph, outside)
    }

    /// `symbol(x=other)`: a copy in which the named arguments are replaced, its single node renamed if `name` is given.
    pub fn compose(&self, name: Option<&str>, replace: &[(String, Symbol)]) -> GraphResult<Symbol> {
        let arguments = self.list_inputs();
        let mut by_name: HashMap<&str, Entry> = HashMap::new();
        for (key, symbol) in replace {
            if !arguments.iter().any(|a| a == key) {
                let hint = did_you_mean(key, arguments.iter().map(String::as_str));
                return Err(GraphError::Compose {
                    op: "compose".into(),
                    node: self.name().map_or_else(String::new, |n| n.to_string()),
                    message: format!("there is no argument named '{key}'{hint}; arguments: {}", arguments.join(", ")),
                });
            }
            by_name.insert(key, symbol.single()?.clone());
        }
        let composed =
            self.rewrite(|e| if e.node.is_variable() { by_name.get(&*e.node.name()).cloned() } else { None });
        if let (Some(name), Some(node)) = (name, composed.node()) {
            node.rename(name);
        }
        Ok(composed)
    }
}

/// Tells variables how `op` wants them initialised, unless they have an initializer of their own.
pub(crate) fn set_initializers(op: &OpRef, inputs: &[Entry]) {
    for (i, entry) in inputs.iter().enumerate().filter(|(_, e)| e.node.is_variable()) {
        if let Some(text) = op.initializer(i) {
            entry.node.set_default_attr("__init__", text);
        }
    }
}

/// For every node, whether some operator uses it as auxiliary state.
fn aux_marks(order: &Order) -> Vec<bool> {
    let mut marks = vec![false; order.nodes.len()];
    for node in order.nodes.iter().filter(|n| !n.is_variable()) {
        node.inspect(|_, op, _, _| {
            for entry in op.iter().flat_map(|op| op.aux()).filter_map(|&k| node.inputs().get(k)) {
                marks[order.number(&entry.node)] = true;
            }
        });
    }
    marks
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.list_outputs().join(", "))
    }
}
