use super::tape::{Operation, Recorded, Rule, Saved, TapeNode, Taped, freed, record_refused, record_values};
use crate::{ExecError, ExecResult, GradReq, imperative};
use rsym_graph::{OpRef, Registry, Source, Vjp};
use rsym_tensor::{DType, Shape, Storage, Tensor};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::Arc;

/// An array whose gradient is known.
pub struct Head {
    /// The array; what is on the tape is differentiated.
    pub array: Recorded,
    /// The gradient that arrives; ones if there is none.
    pub grad: Option<Recorded>,
}

/// How to go back over the tape.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Whether the tape is kept, to be gone over again.
    pub retain: bool,
    /// Whether the gradients themselves are recorded.
    pub create: bool,
    /// Whether operators run as in training.
    pub is_train: bool,
}

/// Gradients that have come so far, by node and output.
type Arriving = FxHashMap<(u64, usize), Recorded>;

/// The gradients of the sum of `heads` with respect to `wanted`, in their order; or, without `wanted`, with respect to every
/// marked array that was recorded, which get theirs in their gradient arrays.
pub fn backward(registry: &Registry, heads: &[Head], wanted: Option<&[Taped]>, way: Way) -> ExecResult<Vec<Recorded>> {
    let mut run = Run { registry, way, arriving: Arriving::default(), blank: RefCell::default() };
    let roots = heads.iter().map(root).collect::<ExecResult<Vec<Taped>>>()?;
    let nodes = reachable(&roots);
    if nodes.iter().any(|node| node.is_free()) {
        return Err(freed());
    }
    let wanted_ids: Option<FxHashSet<u64>> = wanted.map(|all| all.iter().map(|w| w.node.id()).collect());
    refuse_unreachable(&nodes, wanted)?;
    let relevant = wanted_ids.map(|ids| dependents(&nodes, ids));
    for (head, root) in heads.iter().zip(&roots) {
        let grad = first_gradient(head)?;
        run.add(root, grad)?;
    }
    let mut found: Vec<(Arc<TapeNode>, Option<Recorded>)> = Vec::new();
    for node in nodes.iter().rev() {
        match node.as_operation() {
            Some(operation) => {
                if relevant.as_ref().is_none_or(|set| set.contains(&node.id())) {
                    run.step(node, &operation)?;
                }
                if !way.retain {
                    node.free();
                }
            }
            None => found.push((node.clone(), run.arriving.remove(&(node.id(), 0)))),
        }
    }
    match wanted {
        Some(wanted) => wanted.iter().map(|w| returned(w, &found, way)).collect(),
        None => found.into_iter().try_for_each(|(node, grad)| deliver(&run, &node, grad)).map(|()| Vec::new()),
    }
}

/// Every node on the way to `heads`, inputs before users.
pub(super) fn reachable(heads: &[Taped]) -> Vec<Arc<TapeNode>> {
    let mut seen: FxHashSet<u64> = FxHashSet::default();
    let mut nodes: Vec<Arc<TapeNode>> = Vec::new();
    let mut pending: Vec<Arc<TapeNode>> = heads.iter().map(|head| head.node.clone()).collect();
    while let Some(node) = pending.pop() {
        if !seen.insert(node.id()) {
            continue;
        }
        if let Some(operation) = node.as_operation() {
            pending
                .extend(operation.inputs.iter().map(|input| &input.node).filter(|n| !seen.contains(&n.id())).cloned());
        }
        nodes.push(node);
    }
    nodes.sort_unstable_by_key(|node| node.id());
    nodes
}

fn root(head: &Head) -> ExecResult<Taped> {
    head.array.from.clone().ok_or_else(|| {
        ExecError::State(
            "cannot differentiate an array that is not in a computational graph: compute it inside autograd.record() from \
             an array that has a gradient (attach_grad). A backward pass clears the graph, unless it is told retain_graph=True"
                .into(),
        )
    })
}

/// The gradient that arrives at a head, checked.
fn first_gradient(head: &Head) -> ExecResult<Recorded> {
    let array = &head.array.tensor;
    let Some(given) = &head.grad else {
        return Ok(Recorded { tensor: Tensor::full(array.shape().clone(), array.dtype(), 1.0)?, from: None });
    };
    if given.tensor.shape() != array.shape() || given.tensor.dtype() != array.dtype() {
        let text = |t: &Tensor| format!("{} {}", t.shape(), t.dtype());
        return Err(ExecError::State(format!(
            "backward: the gradient of a head must have its shape and type, {}, got {}",
            text(array),
            text(&given.tensor)
        )));
    }
    Ok(given.clone())
}

/// What is differentiated with respect to must be marked, and lie on the way to the heads. Without anything wanted there
/// must be some array that wants a gradient.
fn refuse_unreachable(nodes: &[Arc<TapeNode>], wanted: Option<&[Taped]>) -> ExecResult {
    let Some(wanted) = wanted else {
        let wants = |node: &Arc<TapeNode>| node.as_variable().is_some_and(|v| v.req != GradReq::Null);
        return if nodes.iter().any(wants) {
            Ok(())
        } else {
            Err(ExecError::State(
                "there are no inputs in the computational graph that want a gradient: call attach_grad() on an array before it \
                 is used, with a grad_req other than 'null'"
                    .into(),
            ))
        };
    };
    let ids: FxHashSet<u64> = nodes.iter().map(|node| node.id()).collect();
    for (k, w) in wanted.iter().enumerate() {
        if !ids.contains(&w.node.id()) {
            return Err(ExecError::State(format!(
                "cannot differentiate with respect to variable number {k}: the heads do not depend on it"
            )));
        }
    }
    Ok(())
}

/// The nodes on whose value some node of `ids` has an influence, those included.
fn dependents(nodes: &[Arc<TapeNode>], mut ids: FxHashSet<u64>) -> FxHashSet<u64> {
    for node in nodes {
        let Some(operation) = node.as_operation() else { continue };
        if operation.inputs.iter().any(|input| ids.contains(&input.node.id())) {
            ids.insert(node.id());
        }
    }
    ids
}

/// The gradient of a wanted array, in memory of its own; zeros if none came.
fn returned(wanted: &Taped, found: &[(Arc<TapeNode>, Option<Recorded>)], way: Way) -> ExecResult<Recorded> {
    let at = found.binary_search_by(|(node, _)| wanted.node.id().cmp(&node.id()));
    let grad = at.ok().and_then(|at| found[at].1.clone());
    let Some(grad) = grad else {
        let like = wanted.node.as_variable().map(|v| v.grad.clone());
        let like = like.ok_or_else(|| ExecError::State("only marked arrays have gradients".into()))?;
        return Ok(Recorded { tensor: Tensor::zeros(like.shape().clone(), like.dtype())?, from: None });
    };
    let from = grad.from.filter(|_| way.create);
    Ok(Recorded { tensor: grad.tensor.deep_copy()?, from })
}

/// Puts the gradient of a marked array where it belongs.
fn deliver(run: &Run, node: &Arc<TapeNode>, grad: Option<Recorded>) -> ExecResult {
    let Some(mut variable) = node.as_variable() else { return Ok(()) };
    variable.fresh |= variable.req != GradReq::Null;
    match (variable.req, grad) {
        (GradReq::Null, _) | (GradReq::Add, None) => {}
        (GradReq::Write, None) => variable.grad.fill(0.0),
        (GradReq::Write, Some(grad)) => variable.grad.assign(&grad.tensor)?,
        (GradReq::Add, Some(grad)) => {
            let target = variable.grad.clone();
            let grad =
                if grad.tensor.dtype() == target.dtype() { grad.tensor } else { grad.tensor.cast(target.dtype())? };
            let inputs = [target.clone(), grad];
            imperative::run(&run.addition()?, &inputs, Some(&[target]), false)?;
        }
    }
    Ok(())
}

/// A backward pass under way.
struct Run<'a> {
    registry: &'a Registry,
    way: Way,
    arriving: Arriving,
    /// Memory behind tensors of which only the shape matters.
    blank: RefCell<Option<Arc<Storage>>>,
}

impl Run<'_> {
    fn addition(&self) -> ExecResult<OpRef> {
        Ok(self.registry.make("elemwise_add", &[])?)
    }

    /// Lets `grad` arrive at `target`.
    fn add(&mut self, target: &Taped, grad: Recorded) -> ExecResult {
        let key = (target.node.id(), target.index);
        let Some(before) = self.arriving.remove(&key) else {
            self.arriving.insert(key, grad);
            return Ok(());
        };
        let op = self.addition()?;
        // Nobody else sees a sum that is on the way, unless its operands were recorded.
        let own = !self.way.create && Arc::strong_count(before.tensor.storage()) == 1;
        let out = own.then(|| vec![before.tensor.clone()]);
        let sum = self.apply(&op, &[before, grad], out.as_deref())?.remove(0);
        self.arriving.insert(key, sum);
        Ok(())
    }

    /// Runs an operator, and records it if that is asked for.
    fn apply(&self, op: &OpRef, inputs: &[Recorded], out: Option<&[Tensor]>) -> ExecResult<Vec<Recorded>> {
        let tensors: SmallVec<[Tensor; 4]> = inputs.iter().map(|value| value.tensor.clone()).collect();
        let outputs = imperative::run(op, &tensors, out, self.way.is_train)?;
        let node = if self.way.create { record_values(self.registry, op, inputs, &outputs) } else { None };
        Ok(recorded(outputs, node.as_ref()))
    }

    /// Takes the gradients that arrived at the outputs of a node to its inputs.
    fn step(&mut self, node: &Arc<TapeNode>, operation: &Operation) -> ExecResult {
        let arrived: Vec<Option<Recorded>> =
            (0..operation.outputs.len()).map(|k| self.arriving.remove(&(node.id(), k))).collect();
        if arrived.iter().all(Option::is_none) {
            return Ok(());
        }
        let found = match &operation.rule {
            Rule::Operator { op, vjp } => self.differentiate(node, operation, op, vjp, arrived)?,
            Rule::Function(_) => self.call(operation, arrived)?,
            Rule::Refused(_, error) => return Err(error.clone()),
        };
        for (input, grad) in operation.inputs.iter().zip(found) {
            if let Some(grad) = grad {
                self.add(input, grad)?;
            }
        }
        Ok(())
    }

    /// Runs the gradient rule of an operator.
    fn differentiate(
        &mut self,
        node: &Arc<TapeNode>,
        operation: &Operation,
        op: &OpRef,
        vjp: &Arc<Vjp>,
        arrived: Vec<Option<Recorded>>,
    ) -> ExecResult<Vec<Option<Recorded>>> {
        let visible = op.num_visible();
        let other = if arrived.iter().enumerate().all(|(k, a)| a.is_some() == (k < visible)) {
            None
        } else {
            let heads: Vec<bool> = arrived.iter().map(Option::is_some).collect();
            let needed: Vec<bool> = operation.inputs.iter().map(|i| i.node.is_differentiable()).collect();
            Some(Vjp::new(self.registry, op, &heads, &needed)?)
        };
        let vjp = other.as_ref().unwrap_or(vjp);
        let mut steps: Vec<Vec<Recorded>> = Vec::with_capacity(vjp.steps.len());
        for step in &vjp.steps {
            let mut inputs: SmallVec<[Recorded; 4]> = SmallVec::with_capacity(step.inputs.len());
            for &source in &step.inputs {
                inputs.push(self.value(source, node, operation, &arrived, &steps)?);
            }
            steps.push(self.apply(&step.op, &inputs, None)?);
        }
        let value = |source: &Option<Source>| {
            source.map(|source| self.value(source, node, operation, &arrived, &steps)).transpose()
        };
        vjp.found.iter().map(value).collect()
    }

    /// Calls a function with a gradient of its own.
    fn call(&mut self, operation: &Operation, arrived: Vec<Option<Recorded>>) -> ExecResult<Vec<Option<Recorded>>> {
        let Rule::Function(function) = &operation.rule else { return Ok(Vec::new()) };
        let zeros = |saved: &Saved| Tensor::zeros(saved.shape().clone(), saved.dtype());
        let mut heads: Vec<Recorded> = Vec::with_capacity(arrived.len());
        for (saved, arrived) in operation.outputs.iter().zip(arrived) {
            heads.push(match arrived {
                Some(arrived) => arrived,
                None => Recorded { tensor: zeros(saved)?, from: None },
            });
        }
        let grads = function.backward(heads.iter().map(|h| h.tensor.clone()).collect(), self.way.is_train)?;
        for (k, (grad, value)) in grads.iter().zip(&operation.values).enumerate() {
            if grad.shape() != value.shape() {
                return Err(ExecError::State(format!(
                    "{}.backward: the gradient of input {k} must have its shape, {}, got {}",
                    function.name(),
                    value.shape(),
                    grad.shape()
                )));
            }
        }
        if !self.way.create {
            return Ok(grads.into_iter().map(|tensor| Some(Recorded { tensor, from: None })).collect());
        }
        let reason =
            format!("{}.backward cannot be differentiated: it is Python code that was not recorded", function.name());
        let node = record_refused(ExecError::State(reason), &heads, &grads);
        Ok(recorded(grads, node.as_ref()).into_iter().map(Some).collect())
    }

    fn value(
        &self,
        source: Source,
        node: &Arc<TapeNode>,
        operation: &Operation,
        arrived: &[Option<Recorded>],
        steps: &[Vec<Recorded>],
    ) -> ExecResult<Recorded> {
        let missing = || ExecError::State("a gradient rule asks for a value that is not there".into());
        match source {
            Source::Head(k) => arrived[k].clone().ok_or_else(missing),
            Source::Step(step, output) => steps.get(step).and_then(|s| s.get(output)).cloned().ok_or_else(missing),
            Source::Input(i) => {
                let from = Some(operation.inputs[i].clone()).filter(|taped| taped.node.is_differentiable());
                Ok(Recorded { tensor: self.saved(&operation.values[i])?, from })
            }
            Source::Output(i) => {
                let from = Some(Taped { node: node.clone(), index: i });
                Ok(Recorded { tensor: self.saved(&operation.outputs[i])?, from })
            }
        }
    }

    /// A saved value; where the shape alone was kept, a tensor of that shape whose elements nobody reads.
    fn saved(&self, saved: &Saved) -> ExecResult<Tensor> {
        match saved {
            Saved::Value(tensor) => Ok(tensor.clone()),
            Saved::Shape(shape, dtype) => self.blank_tensor(shape, *dtype),
        }
    }

    fn blank_tensor(&self, shape: &Shape, dtype: DType) -> ExecResult<Tensor> {
        let bytes = shape.size().saturating_mul(dtype.size());
        let mut blank = self.blank.borrow_mut();
        let storage = match blank.as_ref().filter(|storage| storage.len() >= bytes) {
            Some(storage) => storage.clone(),
            None => blank.insert(Arc::new(Storage::zeroed(bytes as u128, shape)?)).clone(),
        };
        Ok(Tensor::window(storage, 0, shape.clone(), dtype)?)
    }
}

/// The outputs of a node, or values that take no part in gradients.
fn recorded(outputs: Vec<Tensor>, node: Option<&Arc<TapeNode>>) -> Vec<Recorded> {
    let with = |(index, tensor)| Recorded { tensor, from: node.map(|node| Taped { node: node.clone(), index }) };
    outputs.into_iter().enumerate().map(with).collect()
}
