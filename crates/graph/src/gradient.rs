//! Reverse-mode differentiation as a graph transformation.

use crate::visit::{NodeMap, NodeSet};
use crate::{Entry, GraphError, GraphResult, Node, OpRef, Operator, Registry, Symbol, visit::post_order};
use std::collections::HashMap;
use std::sync::Arc;

/// The gradient rule's view of one node: its entries, the gradients that arrive, and where to leave those that it finds.
pub struct Grad<'a> {
    node: &'a Arc<Node>,
    op: OpRef,
    registry: &'a Registry,
    heads: Vec<Option<Entry>>,
    needed: Vec<bool>,
    found: Vec<Option<Entry>>,
    made: Vec<Arc<Node>>,
}

impl<'a> Grad<'a> {
    /// A view of `node`, which applies `op`: `heads` arrive, and the gradients of the inputs marked in `needed` are wanted.
    pub(crate) fn new(
        registry: &'a Registry,
        node: &'a Arc<Node>,
        op: OpRef,
        heads: Vec<Option<Entry>>,
        needed: Vec<bool>,
    ) -> Grad<'a> {
        let found = vec![None; needed.len()];
        Grad { node, op, registry, heads, needed, found, made: Vec::new() }
    }

    /// The gradients that were found and are wanted, one place for each input.
    pub(crate) fn into_found(self) -> Vec<Option<Entry>> {
        self.found.into_iter().zip(self.needed).map(|(found, needed)| found.filter(|_| needed)).collect()
    }

    /// Input `i` of the node.
    pub fn input(&self, i: usize) -> Entry {
        self.node.inputs()[i].clone()
    }

    /// Number of inputs of the node.
    pub fn num_inputs(&self) -> usize {
        self.node.inputs().len()
    }

    /// Output `i` of the node.
    pub fn output(&self, i: usize) -> Entry {
        Entry::new(self.node, i)
    }

    /// The gradient that arrives at output `i`; zeros if none does.
    pub fn head(&mut self, i: usize) -> GraphResult<Entry> {
        match &self.heads[i] {
            Some(entry) => Ok(entry.clone()),
            None => self.named("zeros_like", &[], &[self.output(i)]),
        }
    }

    /// The gradient that arrives at output `i`, if any does.
    pub fn head_opt(&self, i: usize) -> Option<Entry> {
        self.heads[i].clone()
    }

    /// Whether anybody needs the gradient of input `i`.
    pub fn needs(&self, i: usize) -> bool {
        self.needed[i]
    }

    /// Leaves the gradient of input `i`.
    pub fn set(&mut self, i: usize, gradient: Entry) {
        self.found[i] = Some(gradient);
    }

    /// A new node: `op` applied to `inputs`. Returns its first output.
    pub fn apply(&mut self, op: impl Operator, inputs: &[Entry]) -> Entry {
        self.apply_op(Arc::new(op), inputs)
    }

    /// As [`Grad::apply`], returning the given number of outputs.
    pub fn apply_multi(&mut self, op: impl Operator, inputs: &[Entry]) -> Vec<Entry> {
        let count = op.num_outputs();
        let first = self.apply(op, inputs);
        (0..count).map(|i| Entry::new(&first.node, i)).collect()
    }

    /// A new node of the operator called `name`.
    pub fn named(&mut self, name: &str, params: &[(&str, &str)], inputs: &[Entry]) -> GraphResult<Entry> {
        let op = self.registry.make(name, params)?;
        Ok(self.apply_op(op, inputs))
    }

    /// The refusal of an operator without gradient.
    pub fn not_differentiable(&self) -> GraphResult {
        self.fail("the operator has no gradient; put BlockGrad around its inputs if none is meant")
    }

    /// A refusal in words.
    pub fn fail(&self, message: &str) -> GraphResult {
        Err(GraphError::Node {
            what: "differentiation",
            node: self.node.name().to_string(),
            op: self.op.name().to_string(),
            error: message.to_string(),
            context: String::new(),
        })
    }

    /// As [`Grad::apply`], of a shared operator.
    pub fn apply_op(&mut self, op: OpRef, inputs: &[Entry]) -> Entry {
        let suffix = if self.made.is_empty() { String::new() } else { self.made.len().to_string() };
        let name = format!("{}_backward{suffix}", self.node.name());
        let params = op.param_texts();
        // The device group and mirroring of a node hold for its gradient as well.
        let made = Node::operator(&name, op, params, self.node.attrs(), inputs.to_vec());
        self.made.push(made.clone());
        Entry::new(&made, 0)
    }
}

/// The gradients of the sum of `heads`, each weighted by its entry in `head_grads`, with respect to `wrt`.
///
/// `None` in `head_grads` is for heads that are losses and need no weight. `None` in the answer is a gradient of zero.
pub fn gradients(
    registry: &Registry,
    heads: &[Entry],
    head_grads: &[Option<Entry>],
    wrt: &[Arc<Node>],
) -> GraphResult<Vec<Option<Entry>>> {
    gradients_with(registry, heads, head_grads, wrt, &mut |_, _| ())
}

/// As [`gradients`]; tells `made` of every new node the node whose gradient it is part of.
pub fn gradients_with(
    registry: &Registry,
    heads: &[Entry],
    head_grads: &[Option<Entry>],
    wrt: &[Arc<Node>],
    made: &mut dyn FnMut(&Arc<Node>, &Arc<Node>),
) -> GraphResult<Vec<Option<Entry>>> {
    let order = post_order(heads);
    let needed = depends_on(&order, wrt);
    let mut arriving: HashMap<(*const Node, u32), Vec<Entry>> = HashMap::new();
    let mut is_head = NodeSet::default();
    for (head, grad) in heads.iter().zip(head_grads) {
        is_head.insert(Arc::as_ptr(&head.node));
        if let Some(grad) = grad {
            arriving.entry((Arc::as_ptr(&head.node), head.index)).or_default().push(grad.clone());
        }
    }
    let mut results: NodeMap<Option<Entry>> = NodeMap::default();
    for node in order.iter().rev() {
        let key = Arc::as_ptr(node);
        if !needed.contains(&key) {
            continue;
        }
        let heads = (0..node.num_outputs() as u32)
            .map(|i| arriving.remove(&(key, i)).map(|parts| sum(registry, node, parts, made)).transpose())
            .collect::<GraphResult<Vec<_>>>()?;
        let Some(op) = node.op() else {
            results.insert(key, heads.into_iter().next().flatten());
            continue;
        };
        if heads.iter().all(Option::is_none) && !(op.is_loss() && is_head.contains(&key)) {
            continue;
        }
        let aux = op.aux();
        let wanted = |(i, e): (usize, &Entry)| needed.contains(&Arc::as_ptr(&e.node)) && !aux.contains(&i);
        let needed = node.inputs().iter().enumerate().map(wanted).collect();
        let mut grad = Grad::new(registry, node, op.clone(), heads, needed);
        op.gradient(&mut grad)?;
        grad.made.iter().for_each(|new| made(new, node));
        for (input, gradient) in node.inputs().iter().zip(grad.into_found()) {
            if let Some(gradient) = gradient {
                arriving.entry((Arc::as_ptr(&input.node), input.index)).or_default().push(gradient);
            }
        }
    }
    Ok(wrt.iter().map(|n| results.remove(&Arc::as_ptr(n)).flatten()).collect())
}

/// The nodes of `order` on whose value some node of `wrt` has an influence, those of `wrt` included.
fn depends_on(order: &[Arc<Node>], wrt: &[Arc<Node>]) -> NodeSet {
    let mut needed: NodeSet = wrt.iter().map(Arc::as_ptr).collect();
    for node in order {
        let op = node.op();
        let aux = op.as_ref().map_or(&[][..], |op| op.aux());
        let influenced = |(i, e): (usize, &Entry)| !aux.contains(&i) && needed.contains(&Arc::as_ptr(&e.node));
        if node.inputs().iter().enumerate().any(influenced) {
            needed.insert(Arc::as_ptr(node));
        }
    }
    needed
}

/// Sums of more parts are made step by step: each part is needed only until it was added.
const SUMMED_AT_ONCE: usize = 3;

/// One entry for the sum of the gradients that arrive at an output of `node`, added in their order.
fn sum(
    registry: &Registry,
    node: &Arc<Node>,
    parts: Vec<Entry>,
    made: &mut dyn FnMut(&Arc<Node>, &Arc<Node>),
) -> GraphResult<Entry> {
    let mut add = |parts: Vec<Entry>| {
        let op = registry.make("add_n", &[("num_args", &parts.len().to_string())])?;
        let params = op.param_texts();
        let new = Node::operator(&format!("{}_grad_sum", node.name()), op, params, node.attrs(), parts);
        made(&new, node);
        Ok(Entry::new(&new, 0))
    };
    if (2..=SUMMED_AT_ONCE).contains(&parts.len()) {
        return add(parts);
    }
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(|| GraphError::Invalid("a sum of no gradients".into()))?;
    parts.try_fold(first, |sum, part| add(vec![sum, part]))
}

impl Symbol {
    /// A symbol of the gradients of this loss with respect to the arguments `wrt`; zeros where there is no influence.
    pub fn gradient(&self, registry: &Registry, wrt: &[String]) -> GraphResult<Symbol> {
        let variables = self.variables();
        let find = |name: &String| {
            let found = variables.iter().find(|(n, aux)| !aux && *n.name() == **name);
            found.map(|(n, _)| n.clone()).ok_or_else(|| {
                GraphError::Name(format!(
                    "there is no argument named '{name}'; arguments: {}",
                    self.list_arguments().join(", ")
                ))
            })
        };
        let nodes = wrt.iter().map(find).collect::<GraphResult<Vec<_>>>()?;
        let one = |e: &Entry, name: &str| {
            let op = registry.make(name, &[])?;
            let node = Node::operator(
                &format!("{}_{name}", e.node.name()),
                op,
                Default::default(),
                Default::default(),
                vec![e.clone()],
            );
            Ok::<_, GraphError>(Entry::new(&node, 0))
        };
        let head_grads = self
            .entries()
            .iter()
            .map(|e| if e.node.op().is_some_and(|op| op.is_loss()) { Ok(None) } else { one(e, "ones_like").map(Some) })
            .collect::<GraphResult<Vec<_>>>()?;
        let found = gradients(registry, self.entries(), &head_grads, &nodes)?;
        let entries = found
            .into_iter()
            .zip(&nodes)
            .map(|(g, n)| g.map_or_else(|| one(&Entry::new(n, 0), "zeros_like"), Ok))
            .collect::<GraphResult<Vec<_>>>()?;
        Ok(Symbol::from_entries(entries))
    }
}
