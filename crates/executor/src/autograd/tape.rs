use crate::{ExecError, ExecResult, GradReq};
use rsym_graph::{Entry, Node, OpRef, Registry, Source, Symbol, Vjp};
use rsym_tensor::{DType, Shape, Tensor};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A marked array, an array that is taken as constant, or an operation.
pub struct TapeNode {
    /// Later nodes have greater numbers: the inputs of an operation have smaller ones than itself.
    id: u64,
    kind: Kind,
}

enum Kind {
    Variable(Mutex<Variable>),
    Constant,
    Operation(Mutex<Option<Arc<Operation>>>),
}

/// What a marked array has.
#[derive(Clone)]
pub struct Variable {
    /// Where its gradient goes.
    pub grad: Tensor,
    /// How it goes there.
    pub req: GradReq,
    /// Whether a gradient came since this was last set to false.
    pub fresh: bool,
}

/// An operator that ran, as far as its gradient is concerned.
pub(super) struct Operation {
    pub rule: Rule,
    pub inputs: SmallVec<[Taped; 4]>,
    pub values: Vec<Saved>,
    pub outputs: Vec<Saved>,
}

/// How gradients get from the outputs of an operation to its inputs.
pub(super) enum Rule {
    Operator {
        op: OpRef,
        /// For gradients that arrive at all visible outputs.
        vjp: Arc<Vjp>,
    },
    Function(Arc<dyn TapeFunction>),
    /// There is no way, for this reason.
    Refused(Option<OpRef>, ExecError),
}

/// An operation with a gradient of its own.
pub trait TapeFunction: Send + Sync {
    /// What to call it in errors.
    fn name(&self) -> String;

    /// The gradients of the inputs, one for each, from those of the outputs.
    fn backward(&self, heads: Vec<Tensor>, is_train: bool) -> ExecResult<Vec<Tensor>>;
}

/// What is kept of an input or output.
pub(super) enum Saved {
    Value(Tensor),
    /// The gradient reads the shape alone.
    Shape(Shape, DType),
}

impl Saved {
    fn new(tensor: &Tensor, keep: bool) -> Saved {
        if keep { Saved::Value(tensor.clone()) } else { Saved::Shape(tensor.shape().clone(), tensor.dtype()) }
    }

    pub fn shape(&self) -> &Shape {
        match self {
            Saved::Value(tensor) => tensor.shape(),
            Saved::Shape(shape, _) => shape,
        }
    }

    pub fn dtype(&self) -> DType {
        match self {
            Saved::Value(tensor) => tensor.dtype(),
            Saved::Shape(_, dtype) => *dtype,
        }
    }
}

/// An output of a node of the tape.
#[derive(Clone)]
pub struct Taped {
    /// The node.
    pub node: Arc<TapeNode>,
    /// Which output.
    pub index: usize,
}

/// A tensor and where it came from, if it takes part in gradients.
#[derive(Clone)]
pub struct Recorded {
    /// The values.
    pub tensor: Tensor,
    /// Where they came from.
    pub from: Option<Taped>,
}

impl TapeNode {
    fn new(kind: Kind) -> Arc<TapeNode> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(TapeNode { id: NEXT.fetch_add(1, Ordering::Relaxed), kind })
    }

    /// A marked array.
    pub fn variable(grad: Tensor, req: GradReq) -> Arc<TapeNode> {
        TapeNode::new(Kind::Variable(Mutex::new(Variable { grad, req, fresh: false })))
    }

    fn operation(rule: Rule, inputs: SmallVec<[Taped; 4]>, values: Vec<Saved>, outputs: Vec<Saved>) -> Arc<TapeNode> {
        TapeNode::new(Kind::Operation(Mutex::new(Some(Arc::new(Operation { rule, inputs, values, outputs })))))
    }

    /// The number; inputs have smaller ones.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// What a marked array has; `None` for other nodes.
    pub fn as_variable(&self) -> Option<MutexGuard<'_, Variable>> {
        match &self.kind {
            Kind::Variable(variable) => Some(locked(variable)),
            _ => None,
        }
    }

    /// Whether the gradient rule of an operation was given free by an earlier backward pass.
    pub(super) fn is_free(&self) -> bool {
        matches!(&self.kind, Kind::Operation(operation) if locked(operation).is_none())
    }

    /// Whether a gradient with respect to it is ever asked for.
    pub(super) fn is_differentiable(&self) -> bool {
        !matches!(self.kind, Kind::Constant)
    }

    /// The operation, unless it was given free; `None` for other nodes.
    pub(super) fn as_operation(&self) -> Option<Arc<Operation>> {
        match &self.kind {
            Kind::Operation(operation) => locked(operation).clone(),
            _ => None,
        }
    }

    /// Gives the gradient rule of an operation free, and what it keeps.
    pub(super) fn free(&self) {
        if let Kind::Operation(operation) = &self.kind {
            let taken = locked(operation).take();
            drop_chain(taken);
        }
    }
}

impl Drop for TapeNode {
    fn drop(&mut self) {
        if let Kind::Operation(operation) = &mut self.kind {
            let taken = operation.get_mut().unwrap_or_else(PoisonError::into_inner).take();
            drop_chain(taken);
        }
    }
}

/// Takes long chains apart with a loop, where the default would recurse once per node.
fn drop_chain(first: Option<Arc<Operation>>) {
    let mut pending: Vec<Arc<Operation>> = first.into_iter().collect();
    while let Some(operation) = pending.pop() {
        let Some(mut operation) = Arc::into_inner(operation) else { continue };
        for input in operation.inputs.drain(..) {
            if let Some(mut node) = Arc::into_inner(input.node)
                && let Kind::Operation(inner) = &mut node.kind
            {
                pending.extend(inner.get_mut().unwrap_or_else(PoisonError::into_inner).take());
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where an array stands on the tape.
#[derive(Clone, Default)]
pub enum Link {
    /// Nowhere.
    #[default]
    None,
    /// It is marked, or the output of an operation.
    Taped(Taped),
    /// It was an input of operations as a constant.
    Constant(Weak<TapeNode>),
}

/// The place of an array for its [`Link`].
#[derive(Default)]
pub struct Slot(Mutex<Link>);

impl Slot {
    /// A slot with this link.
    pub fn new(from: Option<Taped>) -> Slot {
        Slot(Mutex::new(from.map_or(Link::None, Link::Taped)))
    }

    /// Where the array came from; `None` if it takes no part in gradients.
    pub fn taped(&self) -> Option<Taped> {
        match &*locked(&self.0) {
            Link::Taped(taped) if !taped.node.is_free() => Some(taped.clone()),
            _ => None,
        }
    }

    /// The marked array that this is.
    pub fn variable(&self) -> Option<Arc<TapeNode>> {
        self.taped().map(|taped| taped.node).filter(|node| matches!(node.kind, Kind::Variable(_)))
    }

    /// Whether the tape refers to the array.
    pub fn is_used(&self) -> bool {
        match &*locked(&self.0) {
            Link::None => false,
            Link::Taped(taped) => !taped.node.is_free(),
            Link::Constant(node) => node.strong_count() > 0,
        }
    }

    /// Lets the array stand where `from` says, and nowhere if that is `None`.
    pub fn set(&self, from: Option<Taped>) {
        let before = std::mem::replace(&mut *locked(&self.0), from.map_or(Link::None, Link::Taped));
        // Dropped after the lock is.
        drop(before);
    }

    /// The place of the array as an input of a new node: what it came from, or a constant.
    fn input(&self) -> Taped {
        let mut link = locked(&self.0);
        let found = match &*link {
            Link::Taped(taped) if !taped.node.is_free() => Some(taped.clone()),
            Link::Constant(node) => node.upgrade().map(|node| Taped { node, index: 0 }),
            _ => None,
        };
        found.unwrap_or_else(|| {
            let node = TapeNode::new(Kind::Constant);
            *link = Link::Constant(Arc::downgrade(&node));
            Taped { node, index: 0 }
        })
    }
}

impl Clone for Slot {
    fn clone(&self) -> Slot {
        Slot(Mutex::new(locked(&self.0).clone()))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_used() { "Slot(used)" } else { "Slot" })
    }
}

/// Puts on the tape that `op` made `outputs`, hidden ones included, of `inputs`. `None` if no input takes part in
/// gradients.
pub fn record(
    registry: &Registry,
    op: &OpRef,
    inputs: &[(&Tensor, &Slot)],
    outputs: &[Tensor],
) -> Option<Arc<TapeNode>> {
    if inputs.iter().all(|(_, slot)| slot.taped().is_none()) {
        return None;
    }
    let from = inputs.iter().map(|(_, slot)| slot.input()).collect();
    let tensors: SmallVec<[&Tensor; 4]> = inputs.iter().map(|(tensor, _)| *tensor).collect();
    Some(push(registry, op, from, &tensors, outputs))
}

/// As [`record`], of values without slots.
pub(super) fn record_values(
    registry: &Registry,
    op: &OpRef,
    inputs: &[Recorded],
    outputs: &[Tensor],
) -> Option<Arc<TapeNode>> {
    if inputs.iter().all(|value| value.from.is_none()) {
        return None;
    }
    let constant = || Taped { node: TapeNode::new(Kind::Constant), index: 0 };
    let from = inputs.iter().map(|value| value.from.clone().unwrap_or_else(constant)).collect();
    let tensors: SmallVec<[&Tensor; 4]> = inputs.iter().map(|value| &value.tensor).collect();
    Some(push(registry, op, from, &tensors, outputs))
}

fn push(
    registry: &Registry,
    op: &OpRef,
    from: SmallVec<[Taped; 4]>,
    inputs: &[&Tensor],
    outputs: &[Tensor],
) -> Arc<TapeNode> {
    let needed: SmallVec<[bool; 8]> = from.iter().map(|taped| taped.node.is_differentiable()).collect();
    let visible = op.num_visible();
    let heads: SmallVec<[bool; 8]> = (0..op.num_outputs()).map(|k| k < visible).collect();
    let rule = match Vjp::new(registry, op, &heads, &needed) {
        Ok(vjp) => Rule::Operator { op: op.clone(), vjp: Arc::new(vjp) },
        Err(error) => Rule::Refused(Some(op.clone()), error.into()),
    };
    let (mut keep_input, mut keep_output) = (vec![false; inputs.len()], vec![false; outputs.len()]);
    if let Rule::Operator { vjp, .. } = &rule {
        for source in vjp.reads() {
            match source {
                Source::Input(i) => keep_input[i] = true,
                Source::Output(i) => keep_output[i] = true,
                Source::Head(_) | Source::Step(..) => {}
            }
        }
    }
    let values = inputs.iter().zip(keep_input).map(|(t, keep)| Saved::new(t, keep)).collect();
    let outputs = outputs.iter().zip(keep_output).map(|(t, keep)| Saved::new(t, keep)).collect();
    TapeNode::operation(rule, from, values, outputs)
}

/// Puts a function with a gradient of its own on the tape. `None` if no input takes part in gradients.
pub fn record_function(
    function: Arc<dyn TapeFunction>,
    inputs: &[(&Tensor, &Slot)],
    outputs: &[Tensor],
) -> Option<Arc<TapeNode>> {
    if inputs.iter().all(|(_, slot)| slot.taped().is_none()) {
        return None;
    }
    let from = inputs.iter().map(|(_, slot)| slot.input()).collect();
    let values = inputs.iter().map(|(tensor, _)| Saved::new(tensor, false)).collect();
    let outputs = outputs.iter().map(|tensor| Saved::new(tensor, false)).collect();
    Some(TapeNode::operation(Rule::Function(function), from, values, outputs))
}

/// Puts results on the tape that depend on `inputs` in a way that cannot be differentiated.
pub(super) fn record_refused(error: ExecError, inputs: &[Recorded], outputs: &[Tensor]) -> Option<Arc<TapeNode>> {
    let from: SmallVec<[Taped; 4]> = inputs.iter().filter_map(|value| value.from.clone()).collect();
    if from.is_empty() {
        return None;
    }
    let values = inputs.iter().filter(|v| v.from.is_some()).map(|v| Saved::new(&v.tensor, false)).collect();
    let outputs = outputs.iter().map(|tensor| Saved::new(tensor, false)).collect();
    Some(TapeNode::operation(Rule::Refused(None, error), from, values, outputs))
}

/// What was recorded on the way to `head`, as a symbol: marked arrays are variables called `var…`, others `null…`.
pub fn recorded_symbol(head: &Taped) -> ExecResult<Symbol> {
    let mut made: FxHashMap<u64, Arc<Node>> = FxHashMap::default();
    for node in super::backward::reachable(std::slice::from_ref(head)) {
        let variable = |prefix: &str| Node::variable(&format!("{prefix}{}", node.id), Default::default());
        let new = match &node.kind {
            Kind::Variable(_) => variable("var"),
            Kind::Constant => variable("null"),
            Kind::Operation(_) => {
                let operation = node.as_operation().ok_or_else(freed)?;
                let op = match &operation.rule {
                    Rule::Operator { op, .. } | Rule::Refused(Some(op), _) => op.clone(),
                    Rule::Function(_) | Rule::Refused(None, _) => {
                        return Err(ExecError::State(
                            "get_symbol: an autograd.Function was recorded, and a symbol cannot hold Python code"
                                .into(),
                        ));
                    }
                };
                let inputs: Vec<Entry> =
                    operation.inputs.iter().map(|i| Entry::new(&made[&i.node.id], i.index)).collect();
                let (params, subgraphs) = (op.param_texts(), op.subgraphs().to_vec());
                Node::with_subgraphs(&format!("node_{}", node.id), op, params, Default::default(), inputs, subgraphs)
            }
        };
        made.insert(node.id, new);
    }
    Ok(Symbol::from_entries([Entry::new(&made[&head.node.id], head.index)]))
}

/// The complaint about a part of the tape that is not there any more.
pub(super) fn freed() -> ExecError {
    ExecError::State(
        "a part of what was recorded was given free by an earlier backward pass: pass retain_graph=True to that one"
            .into(),
    )
}
