//! Loops: a body that runs step by step, with states that each step hands to the next.
//!
//! A step gets a row of some inputs, the states, and other inputs as they are; it gives rows of the first outputs, and the
//! states of the next step. `_foreach` runs once for every row; `_while_loop` has no rows and runs as long as a condition
//! holds.

use super::support::*;
use rsym_graph::*;
use rsym_tensor::{DType, PartialShape, Tensor};
use std::sync::Arc;

/// What an input of a graph inside of a loop is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// In every step another row of this input of the node.
    Row(usize),
    /// The state with this number.
    State(usize),
    /// This input of the node.
    Fixed(usize),
}

/// A graph with what its inputs are.
#[derive(Debug)]
pub(super) struct Part {
    pub graph: Symbol,
    pub roles: Vec<Role>,
}

/// A loop.
#[derive(Debug)]
pub(super) struct Loop {
    /// What a step computes: rows of the first outputs, then the states.
    pub body: Part,
    /// What is asked before each step, and the most steps; without it there is one step for every row.
    pub condition: Option<(Part, usize)>,
    /// The inputs of the node that states begin with.
    pub initial: Vec<usize>,
    /// Number of outputs whose rows steps give.
    pub rows: usize,
    /// Number of inputs of the node.
    pub inputs: usize,
}

impl Loop {
    /// Number of outputs that users see.
    pub fn visible(&self) -> usize {
        self.rows + self.initial.len()
    }

    /// Whether the body depends on input `i` of the node.
    pub fn differentiates(&self, i: usize) -> bool {
        self.initial.contains(&i)
            || self.body.roles.iter().any(|r| matches!(*r, Role::Row(k) | Role::Fixed(k) if k == i))
    }

    /// Whether the gradient reads the values of input `i` of the node: of a first state it has a copy.
    pub fn gradient_reads(&self, i: usize) -> bool {
        self.body.roles.iter().any(|r| matches!(*r, Role::Row(k) | Role::Fixed(k) if k == i))
    }

    fn row_inputs(&self) -> impl Iterator<Item = usize> {
        self.body.roles.iter().filter_map(|r| if let Role::Row(i) = *r { Some(i) } else { None })
    }

    /// How many rows the outputs have, if that is known.
    fn length(&self, io: &ShapeIo) -> Option<usize> {
        match &self.condition {
            Some((_, most)) => Some(*most),
            None => {
                let inputs = self.row_inputs().find_map(|i| io.inputs[i].dim(0));
                inputs.or_else(|| (0..self.rows).find_map(|o| io.outputs[o].dim(0)))
            }
        }
    }

    /// Completes shapes through the body; with `recorded`, those of the states of all steps too.
    pub fn infer_shape(&self, io: &mut ShapeIo, recorded: bool) -> OpResult {
        for (k, &i) in self.initial.iter().enumerate() {
            let state = io.outputs[self.rows + k].clone();
            io.set_input(i, state)?;
        }
        let length = self.length(io);
        let mut outputs: Vec<PartialShape> = (0..self.rows)
            .map(|o| if io.outputs[o].rank() == Some(1) { PartialShape::unknown() } else { row_shape(&io.outputs[o]) })
            .chain(self.initial.iter().map(|&i| io.inputs[i].clone()))
            .collect();
        self.infer_part(&self.body, io, &mut outputs, length)?;
        for (o, shape) in outputs.iter().enumerate() {
            match o.checked_sub(self.rows) {
                None => io.set_output(o, stacked(length, shape))?,
                Some(k) => {
                    io.set_input(self.initial[k], shape.clone())?;
                    io.set_output(o, shape.clone())?;
                }
            }
        }
        if let Some((part, _)) = &self.condition {
            let mut asked = [PartialShape::unknown()];
            self.infer_part(part, io, &mut asked, None)?;
            check_condition(&asked[0])?;
        }
        if recorded {
            for (k, &i) in self.initial.iter().enumerate() {
                io.set_output(self.visible() + k, stacked(length, &io.inputs[i]))?;
            }
            infer_words(io, self.visible() + self.initial.len())?;
        }
        Ok(())
    }

    fn infer_part(
        &self,
        part: &Part,
        io: &mut ShapeIo,
        outputs: &mut [PartialShape],
        length: Option<usize>,
    ) -> OpResult {
        let of = |role: &Role| match *role {
            Role::Row(i) => row_shape(&io.inputs[i]),
            Role::State(k) => io.inputs[self.initial[k]].clone(),
            Role::Fixed(i) => io.inputs[i].clone(),
        };
        let mut inputs: Vec<PartialShape> = part.roles.iter().map(of).collect();
        infer_inner_shapes(&part.graph, &mut inputs, outputs)?;
        for (role, shape) in part.roles.iter().zip(inputs) {
            match *role {
                Role::Row(i) if io.inputs[i].rank() == Some(1) => io.set_input(i, PartialShape::partial([length]))?,
                Role::Row(i) => io.set_input(i, stacked(length, &shape))?,
                Role::State(k) => io.set_input(self.initial[k], shape)?,
                Role::Fixed(i) => io.set_input(i, shape)?,
            }
        }
        Ok(())
    }

    /// As `infer_shape`, for data types.
    pub fn infer_type(&self, io: &mut TypeIo, recorded: bool) -> OpResult {
        for (k, &i) in self.initial.iter().enumerate() {
            io.unify(&[i], &[self.rows + k])?;
        }
        let mut outputs = io.outputs[..self.visible()].to_vec();
        self.infer_part_type(&self.body, io, &mut outputs)?;
        for (o, dtype) in outputs.into_iter().enumerate().filter_map(|(o, d)| Some((o, d?))) {
            io.set_output(o, dtype)?;
        }
        if let Some((part, _)) = &self.condition {
            self.infer_part_type(part, io, &mut [None])?;
        }
        for (k, &i) in self.initial.iter().enumerate() {
            io.unify(&[i], &[self.rows + k])?;
            if recorded {
                io.unify(&[i], &[self.visible() + k])?;
            }
        }
        if recorded { io.set_output(self.visible() + self.initial.len(), WORD) } else { Ok(()) }
    }

    fn infer_part_type(&self, part: &Part, io: &mut TypeIo, outputs: &mut [Option<DType>]) -> OpResult {
        let input = |role: &Role| match *role {
            Role::Row(i) | Role::Fixed(i) => i,
            Role::State(k) => self.initial[k],
        };
        let mut inputs: Vec<Option<DType>> = part.roles.iter().map(|r| io.inputs[input(r)]).collect();
        infer_inner_types(&part.graph, &mut inputs, outputs)?;
        for (role, dtype) in part.roles.iter().zip(inputs) {
            if let Some(dtype) = dtype {
                io.set_input(input(role), dtype)?;
            }
        }
        Ok(())
    }
}

/// The tensors that graphs inside of a loop are bound to.
pub(super) struct Slots {
    /// The row that a step gets of an input of the node, with the number of that.
    pub rows: Vec<(usize, Tensor)>,
    /// The states before a step.
    pub states: Vec<Tensor>,
}

impl Slots {
    /// Those of a loop whose node has these inputs; no state has a value.
    pub fn new(looped: &Loop, inputs: &[Tensor]) -> OpResult<Slots> {
        let rows = looped.row_inputs();
        let rows = rows.map(|i| Ok((i, Tensor::zeros(row_of(inputs[i].shape()), inputs[i].dtype())?)));
        let states = looped.initial.iter().map(|&i| Tensor::zeros(inputs[i].shape().clone(), inputs[i].dtype()));
        Ok(Slots { rows: rows.collect::<OpResult<_>>()?, states: states.collect::<Result<_, _>>()? })
    }

    /// The inputs of a part of the loop.
    pub fn of(&self, part: &Part, inputs: &[Tensor]) -> Vec<Tensor> {
        let mut rows = self.rows.iter();
        let mut one = |role: &Role| match *role {
            Role::Row(i) => rows.next().map_or(&inputs[i], |(_, row)| row).clone(),
            Role::State(k) => self.states[k].clone(),
            Role::Fixed(i) => inputs[i].clone(),
        };
        part.roles.iter().map(&mut one).collect()
    }

    /// Takes in row `step` of the inputs.
    pub fn take_rows(&mut self, inputs: &[Tensor], step: usize) -> OpResult {
        self.rows.iter_mut().try_for_each(|(i, row)| take_row(&inputs[*i], step, row))
    }
}

/// A condition on fixed tensors, and the most steps.
type BoundCondition = (Box<dyn BoundGraph>, usize);

/// A loop on fixed tensors.
pub(super) struct BoundLoop {
    looped: Arc<Loop>,
    recorded: bool,
    slots: Slots,
    body: Box<dyn BoundGraph>,
    condition: Option<BoundCondition>,
    /// Room for new states that lie where another state is read.
    aside: Vec<Option<Tensor>>,
}

impl BoundLoop {
    pub fn new(looped: &Arc<Loop>, recorded: bool, inputs: &[Tensor], binder: &dyn Binder) -> OpResult<BoundLoop> {
        let slots = Slots::new(looped, inputs)?;
        let bind = |part: &Part| {
            let none = vec![Gradient::None; part.roles.len()];
            binder.bind(&part.graph, &slots.of(part, inputs), &none)
        };
        let body = bind(&looped.body)?;
        let condition = looped.condition.as_ref();
        let condition = condition.map(|(part, most)| Ok::<_, OpError>((bind(part)?, *most))).transpose()?;
        let aside = |state: &Tensor| {
            let read = slots.states.iter().any(|s| s.same_memory(state));
            if read { state.deep_copy().map(Some) } else { Ok(None) }
        };
        let aside = body.outputs()[looped.rows..].iter().map(aside).collect::<Result<_, _>>()?;
        Ok(BoundLoop { looped: looped.clone(), recorded, slots, body, condition, aside })
    }

    /// Whether there is a step number `step`.
    fn goes_on(&mut self, io: &Io, ctx: &Ctx, step: usize, interrupted: Interrupted) -> OpResult<bool> {
        if step.is_multiple_of(STEPS_BETWEEN_POLLS) && interrupted() {
            return Err(OpError::Interrupted);
        }
        match &mut self.condition {
            Some((_, most)) if step >= *most => Ok(false),
            Some((condition, _)) => {
                condition.forward(&ctx.derived(condition_key(step)), interrupted)?;
                is_true(&condition.outputs()[0])
            }
            None => Ok(self.looped.row_inputs().next().is_some_and(|i| step < io.inputs[i].shape()[0])),
        }
    }

    /// Hands the new states to the next step.
    fn advance(&mut self) -> OpResult {
        let new = &self.body.outputs()[self.looped.rows..];
        for (aside, new) in self.aside.iter_mut().zip(new) {
            aside.as_mut().map_or(Ok(()), |aside| aside.assign(new))?;
        }
        for ((state, aside), new) in self.slots.states.iter_mut().zip(&self.aside).zip(new) {
            state.assign(aside.as_ref().unwrap_or(new))?;
        }
        Ok(())
    }
}

/// The interrupt is asked for after this many steps.
pub(super) const STEPS_BETWEEN_POLLS: usize = 32;

/// The numbers of the random keys of a step.
pub(super) fn condition_key(step: usize) -> u64 {
    2 * step as u64
}

/// As [`condition_key`], for the body.
pub(super) fn body_key(step: usize) -> u64 {
    2 * step as u64 + 1
}

impl BoundOp for BoundLoop {
    fn forward(&mut self, io: &mut Io, ctx: &Ctx, interrupted: Interrupted) -> OpResult {
        let looped = self.looped.clone();
        for (state, &i) in self.slots.states.iter_mut().zip(&looped.initial) {
            state.assign(&io.inputs[i])?;
        }
        let mut step = 0;
        while self.goes_on(io, ctx, step, interrupted)? {
            self.slots.take_rows(io.inputs, step)?;
            if self.recorded {
                let histories = &io.outputs[looped.visible()..];
                self.slots.states.iter().zip(histories).try_for_each(|(state, all)| put_row(all, step, state))?;
            }
            self.body.forward(&ctx.derived(body_key(step)), interrupted)?;
            let rows = io.outputs[..looped.rows].iter().zip(self.body.outputs());
            rows.into_iter().try_for_each(|(all, row)| put_row(all, step, row))?;
            self.advance()?;
            step += 1;
        }
        for all in &io.outputs[..looped.rows] {
            all.rows(step, all.shape()[0])?.fill(0.0);
        }
        for (state, last) in self.slots.states.iter().zip(&mut io.outputs[looped.rows..]) {
            last.assign(state)?;
        }
        match io.outputs.last_mut().filter(|_| self.recorded) {
            Some(out) => put_words(out, step, ctx),
            None => Ok(()),
        }
    }
}
