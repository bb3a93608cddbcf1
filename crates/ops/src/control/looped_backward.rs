//! The gradient of loops: the steps in reverse order, each computed again from the states before it.
//!
//! The states before each step are all that the forward pass keeps; a step of the backward pass computes the body once more,
//! with the same random numbers, and then its gradients.

use super::looped::{Loop, Role, STEPS_BETWEEN_POLLS, Slots, body_key};
use super::support::*;
use rsym_graph::*;
use rsym_tensor::Tensor;
use std::sync::Arc;

/// The gradients of a loop. Inputs: the gradients of those outputs that have one, the inputs of the loop, the states before
/// each step, and what is to be known of the run. Outputs: the gradients of the inputs in `wanted`.
#[derive(Debug)]
pub struct LoopBackward {
    pub(super) looped: Arc<Loop>,
    pub(super) heads: Vec<bool>,
    pub(super) wanted: Vec<usize>,
    pub(super) graphs: Vec<Symbol>,
    pub(super) nature: Nature,
}

internal_operator!(LoopBackward, "_backward_loop");

impl LoopBackward {
    fn num_heads(&self) -> usize {
        self.heads.iter().filter(|&&h| h).count()
    }

    /// Where the states before each step are among the inputs.
    fn histories(&self) -> usize {
        self.num_heads() + self.looped.inputs
    }
}

impl Operator for LoopBackward {
    fn inputs(&self) -> Names {
        data_names(self.num_inputs())
    }
    fn num_inputs(&self) -> usize {
        self.histories() + self.looped.initial.len() + 1
    }
    fn output_names(&self) -> Names {
        output_names(self.wanted.len())
    }
    fn num_outputs(&self) -> usize {
        self.wanted.len()
    }
    fn subgraphs(&self) -> &[Symbol] {
        &self.graphs
    }
    fn has_effects(&self) -> bool {
        self.nature.effects
    }
    fn depends_on_mode(&self) -> bool {
        self.nature.depends_on_mode
    }
    fn is_costly(&self) -> bool {
        true
    }
    fn reads(&self, input: usize) -> bool {
        let of_loop = input.checked_sub(self.num_heads()).filter(|&i| i < self.looped.inputs);
        of_loop.is_none_or(|i| self.looped.gradient_reads(i))
    }
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        for (o, &i) in self.wanted.iter().enumerate() {
            let shape = io.inputs[self.num_heads() + i].clone();
            io.set_output(o, shape)?;
        }
        Ok(())
    }
    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.wanted.iter().enumerate().try_for_each(|(o, &i)| io.unify(&[self.num_heads() + i], &[o]))
    }
    fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
        Err(OpError::invalid("the gradient of a loop runs in an executor alone"))
    }
    fn bind(&self, inputs: &[Tensor], outputs: &[Tensor], binder: &dyn Binder) -> OpResult<Option<Box<dyn BoundOp>>> {
        Ok(Some(Box::new(BoundBackward::new(self, inputs, outputs, binder)?)))
    }
}

/// The gradient of a loop on fixed tensors.
struct BoundBackward {
    looped: Arc<Loop>,
    /// Where the inputs of the loop begin among those of the node.
    first: usize,
    slots: Slots,
    body: Box<dyn BoundGraph>,
    /// The gradients of the body's outputs.
    heads: Vec<Tensor>,
    /// For each output of the loop, which input has its gradient.
    given: Vec<Option<usize>>,
    /// Gradients of rows in a step, with the number of the node's output that has them all.
    rows: Vec<(usize, Tensor)>,
    /// Gradients of the states before a step.
    states: Vec<Tensor>,
    /// For each state the node's output that has the gradient of its first value.
    initial: Vec<Option<usize>>,
}

impl BoundBackward {
    fn new(op: &LoopBackward, inputs: &[Tensor], outputs: &[Tensor], binder: &dyn Binder) -> OpResult<BoundBackward> {
        let (looped, first) = (op.looped.clone(), op.num_heads());
        let of_loop = &inputs[first..first + looped.inputs];
        let slots = Slots::new(&looped, of_loop)?;
        let zeros = |t: &Tensor| Tensor::zeros(t.shape().clone(), t.dtype());
        let states: Vec<Tensor> = slots.states.iter().map(zeros).collect::<Result<_, _>>()?;
        let wanted = |i: usize| op.wanted.iter().position(|&w| w == i).filter(|&o| outputs[o].dtype().is_float());
        let mut rows: Vec<(usize, Tensor)> = Vec::new();
        let mut gradients = Vec::with_capacity(looped.body.roles.len());
        for role in &looped.body.roles {
            gradients.push(match *role {
                Role::Row(i) => match wanted(i) {
                    Some(o) => {
                        let row = Tensor::zeros(row_of(of_loop[i].shape()), of_loop[i].dtype())?;
                        rows.push((o, row.clone()));
                        Gradient::Write(row)
                    }
                    None => Gradient::None,
                },
                Role::State(k) if states[k].dtype().is_float() => Gradient::Write(states[k].clone()),
                Role::State(_) => Gradient::None,
                Role::Fixed(i) => wanted(i).map_or(Gradient::None, |o| Gradient::Add(outputs[o].clone())),
            });
        }
        let body = binder.bind(&looped.body.graph, &slots.of(&looped.body, of_loop), &gradients)?;
        let heads = body.outputs().iter().map(zeros).collect::<Result<_, _>>()?;
        let mut next = 0..first;
        let given = op.heads.iter().map(|&has| if has { next.next() } else { None }).collect();
        let initial = looped.initial.iter().map(|&i| wanted(i)).collect();
        Ok(BoundBackward { looped, first, slots, body, heads, given, rows, states, initial })
    }

    /// The gradient of a step's outputs becomes that of its inputs.
    fn step(&mut self, io: &mut Io, ctx: &Ctx, step: usize, interrupted: Interrupted) -> OpResult {
        let of_loop = &io.inputs[self.first..];
        let histories = &of_loop[self.looped.inputs..];
        self.slots.take_rows(of_loop, step)?;
        for (state, all) in self.slots.states.iter_mut().zip(histories) {
            take_row(all, step, state)?;
        }
        for (head, given) in self.heads[..self.looped.rows].iter_mut().zip(&self.given) {
            given.map_or(Ok(()), |i| take_row(&io.inputs[i], step, head))?;
        }
        self.body.forward(&ctx.derived(body_key(step)), interrupted)?;
        self.body.backward(&self.heads, interrupted)?;
        for (o, row) in &self.rows {
            let mut all = io.outputs[*o].rows(step, step + 1)?;
            add_into(&mut all, row)?;
        }
        for (head, state) in self.heads[self.looped.rows..].iter_mut().zip(&self.states) {
            head.assign(state)?;
        }
        Ok(())
    }
}

impl BoundOp for BoundBackward {
    fn forward(&mut self, io: &mut Io, ctx: &Ctx, interrupted: Interrupted) -> OpResult {
        io.outputs.iter_mut().for_each(|out| out.fill(0.0));
        for (head, given) in self.heads.iter_mut().zip(&self.given).skip(self.looped.rows) {
            match given {
                Some(i) => head.assign(&io.inputs[*i])?,
                None => head.fill(0.0),
            }
        }
        let recorded = io.inputs.last().ok_or_else(|| OpError::invalid("there is no record of the run"))?;
        let (steps, ctx) = words(recorded, ctx)?;
        for step in (0..steps).rev() {
            if step.is_multiple_of(STEPS_BETWEEN_POLLS) && interrupted() {
                return Err(OpError::Interrupted);
            }
            self.step(io, &ctx, step, interrupted)?;
        }
        for (o, head) in self.initial.iter().zip(&self.heads[self.looped.rows..]) {
            o.map_or(Ok(()), |o| add_into(&mut io.outputs[o], head))?;
        }
        Ok(())
    }
}
