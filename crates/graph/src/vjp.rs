//! The gradient rule of a single operator as a list of steps, to be run at once on tensors.

use crate::visit::NodeMap;
use crate::{Entry, Grad, GraphResult, Node, OpRef, Registry, post_order};
use smallvec::SmallVec;
use std::sync::Arc;

/// Where a value of a [`Vjp`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An input of the operator.
    Input(usize),
    /// An output of the operator, hidden ones included.
    Output(usize),
    /// The gradient that arrives at an output.
    Head(usize),
    /// An output of a step before.
    Step(usize, usize),
}

/// One operator of a gradient rule.
#[derive(Debug)]
pub struct VjpStep {
    /// The operator.
    pub op: OpRef,
    /// What it is applied to.
    pub inputs: SmallVec<[Source; 4]>,
}

/// What leads from the gradients that arrive at the outputs of an operator to those of its inputs.
#[derive(Debug)]
pub struct Vjp {
    /// Operators in the order in which they run.
    pub steps: Vec<VjpStep>,
    /// The gradient of each input; `None` if it is zero or not wanted.
    pub found: Vec<Option<Source>>,
}

impl Vjp {
    /// The rule of `op` where gradients arrive at the outputs marked in `heads` and those of the inputs marked in `needed`
    /// are wanted.
    pub fn new(registry: &Registry, op: &OpRef, heads: &[bool], needed: &[bool]) -> GraphResult<Vjp> {
        let mut known: NodeMap<Known> = NodeMap::default();
        let mut variable = |make: fn(usize) -> Source, i: usize| {
            let node = Node::variable("", Default::default());
            known.insert(Arc::as_ptr(&node), Known::Value(make(i)));
            Entry::new(&node, 0)
        };
        let inputs: Vec<Entry> = (0..needed.len()).map(|i| variable(Source::Input, i)).collect();
        let arriving = heads.iter().enumerate();
        let arriving = arriving.map(|(i, &arrives)| arrives.then(|| variable(Source::Head, i))).collect();
        let subgraphs = op.subgraphs().to_vec();
        let node = Node::with_subgraphs(op.name(), op.clone(), op.param_texts(), Default::default(), inputs, subgraphs);
        known.insert(Arc::as_ptr(&node), Known::Operator);
        let needed = needed.iter().enumerate().map(|(i, &n)| n && !op.aux().contains(&i)).collect();
        let mut grad = Grad::new(registry, &node, op.clone(), arriving, needed);
        op.gradient(&mut grad)?;
        let found = grad.into_found();
        let mut steps: Vec<VjpStep> = Vec::new();
        for node in post_order(&found.iter().flatten().cloned().collect::<Vec<_>>()) {
            let Some(op) = node.op().filter(|_| !known.contains_key(&Arc::as_ptr(&node))) else { continue };
            let inputs = node.inputs().iter().filter_map(|e| source(&known, e)).collect();
            known.insert(Arc::as_ptr(&node), Known::Step(steps.len()));
            steps.push(VjpStep { op, inputs });
        }
        let found = found.iter().map(|e| e.as_ref().and_then(|e| source(&known, e))).collect();
        let mut vjp = Vjp { steps, found };
        vjp.leave_out_unused();
        Ok(vjp)
    }

    /// The inputs and outputs of the operator whose values, not only shapes, some step reads or some result is.
    pub fn reads(&self) -> impl Iterator<Item = Source> + '_ {
        let by_steps = self
            .steps
            .iter()
            .flat_map(|s| s.inputs.iter().enumerate().filter(|(k, _)| s.op.reads(*k)).map(|(_, &s)| s));
        by_steps.chain(self.found.iter().flatten().copied())
    }

    /// Takes away outputs that nothing uses, from the operators that can do without them.
    fn leave_out_unused(&mut self) {
        for i in (0..self.steps.len()).rev() {
            let count = self.steps[i].op.num_outputs();
            let used = |o: &usize| {
                let all = self.steps.iter().flat_map(|s| &s.inputs).chain(self.found.iter().flatten());
                all.into_iter().any(|&s| s == Source::Step(i, *o))
            };
            let (kept, lost): (Vec<usize>, Vec<usize>) = (0..count).partition(used);
            if lost.is_empty() || kept.is_empty() {
                continue;
            }
            let Some(op) = self.steps[i].op.without_outputs(&lost) else { continue };
            self.steps[i].op = op;
            let users = self.steps.iter_mut().flat_map(|s| &mut s.inputs).chain(self.found.iter_mut().flatten());
            for source in users {
                if let Source::Step(step, output) = source
                    && *step == i
                {
                    *output = kept.iter().position(|k| k == output).unwrap_or(0);
                }
            }
        }
    }
}

/// What the nodes of a rule stand for.
#[derive(Clone, Copy)]
enum Known {
    Value(Source),
    Operator,
    Step(usize),
}

fn source(known: &NodeMap<Known>, entry: &Entry) -> Option<Source> {
    let index = entry.index as usize;
    known.get(&Arc::as_ptr(&entry.node)).map(|found| match *found {
        Known::Value(source) => source,
        Known::Operator => Source::Output(index),
        Known::Step(step) => Source::Step(step, index),
    })
}
