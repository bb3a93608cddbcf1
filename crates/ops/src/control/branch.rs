//! Branches: the operator behind `_cond`, and its gradient.

use super::support::*;
use rsym_graph::*;
use rsym_tensor::{DType, PartialShape, Tensor};
use std::any::Any;
use std::sync::Arc;

/// A graph with the inputs of the node that its variables stand for.
#[derive(Debug)]
pub(super) struct Branch {
    pub graph: Symbol,
    pub inputs: Vec<usize>,
}

impl Branch {
    fn infer_shape(&self, io: &mut ShapeIo, outputs: &mut [PartialShape]) -> OpResult {
        let mut inputs: Vec<PartialShape> = self.inputs.iter().map(|&i| io.inputs[i].clone()).collect();
        infer_inner_shapes(&self.graph, &mut inputs, outputs)?;
        self.inputs.iter().zip(inputs).try_for_each(|(&i, shape)| io.set_input(i, shape))
    }

    fn infer_type(&self, io: &mut TypeIo, outputs: &mut [Option<DType>]) -> OpResult {
        let mut inputs: Vec<Option<DType>> = self.inputs.iter().map(|&i| io.inputs[i]).collect();
        infer_inner_types(&self.graph, &mut inputs, outputs)?;
        let known = self.inputs.iter().zip(inputs).filter_map(|(&i, dtype)| Some((i, dtype?)));
        known.into_iter().try_for_each(|(i, dtype)| io.set_input(i, dtype))
    }

    fn bind(
        &self,
        inputs: &[Tensor],
        binder: &dyn Binder,
        gradient: impl Fn(usize) -> Gradient,
    ) -> OpResult<Box<dyn BoundGraph>> {
        let tensors: Vec<Tensor> = self.inputs.iter().map(|&i| inputs[i].clone()).collect();
        let gradients: Vec<Gradient> = self.inputs.iter().map(|&i| gradient(i)).collect();
        binder.bind(&self.graph, &tensors, &gradients)
    }
}

/// A choice between two graphs as an operator. Besides the outputs that users see it has what a gradient must know of the run.
#[derive(Debug, Clone)]
pub struct BranchOp {
    def: &'static OpDef,
    texts: ParamTexts,
    graphs: Vec<Symbol>,
    /// The condition and the branches.
    parts: Arc<[Branch; 3]>,
    inputs: usize,
    visible: usize,
    nature: Nature,
    recorded: bool,
}

impl BranchOp {
    pub(super) fn new(
        def: &'static OpDef,
        texts: ParamTexts,
        graphs: Vec<Symbol>,
        parts: [Branch; 3],
        inputs: usize,
        visible: usize,
    ) -> BranchOp {
        let nature = Nature::of(&graphs);
        BranchOp { def, texts, graphs, parts: Arc::new(parts), inputs, visible, nature, recorded: true }
    }
}

impl OpInfo for BranchOp {
    fn def(&self) -> &'static OpDef {
        self.def
    }
    fn param_texts(&self) -> ParamTexts {
        self.texts.clone()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Operator for BranchOp {
    fn inputs(&self) -> Names {
        data_names(self.inputs)
    }
    fn num_inputs(&self) -> usize {
        self.inputs
    }
    fn output_names(&self) -> Names {
        output_names(self.visible)
    }
    fn num_outputs(&self) -> usize {
        self.visible + usize::from(self.recorded)
    }
    fn num_visible(&self) -> usize {
        self.visible
    }
    fn subgraphs(&self) -> &[Symbol] {
        &self.graphs
    }
    fn is_random(&self) -> bool {
        self.nature.random
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
    fn without_outputs(&self, outputs: &[usize]) -> Option<OpRef> {
        (self.recorded && outputs == [self.visible])
            .then(|| Arc::new(BranchOp { recorded: false, ..self.clone() }) as OpRef)
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let mut asked = [PartialShape::unknown()];
        self.parts[0].infer_shape(io, &mut asked)?;
        check_condition(&asked[0])?;
        for branch in &self.parts[1..] {
            let mut outputs = io.outputs[..self.visible].to_vec();
            branch.infer_shape(io, &mut outputs)?;
            outputs.into_iter().enumerate().try_for_each(|(o, shape)| io.set_output(o, shape))?;
        }
        if self.recorded { infer_words(io, self.visible) } else { Ok(()) }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.parts[0].infer_type(io, &mut [None])?;
        for branch in &self.parts[1..] {
            let mut outputs = io.outputs[..self.visible].to_vec();
            branch.infer_type(io, &mut outputs)?;
            let known = outputs.into_iter().enumerate().filter_map(|(o, dtype)| Some((o, dtype?)));
            known.into_iter().try_for_each(|(o, dtype)| io.set_output(o, dtype))?;
        }
        if self.recorded { io.set_output(self.visible, WORD) } else { Ok(()) }
    }

    fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
        Err(OpError::invalid("a branch runs in an executor alone"))
    }

    fn bind(&self, inputs: &[Tensor], _: &[Tensor], binder: &dyn Binder) -> OpResult<Option<Box<dyn BoundOp>>> {
        let bind = |part: &Branch| part.bind(inputs, binder, |_| Gradient::None);
        let [condition, then, otherwise] = &*self.parts;
        let branches = [bind(otherwise)?, bind(then)?];
        let recorded = self.recorded.then_some(self.visible);
        Ok(Some(Box::new(BoundBranch { condition: bind(condition)?, branches, recorded })))
    }

    fn gradient(&self, grad: &mut Grad) -> GraphResult {
        let in_branch = |i: usize| self.parts[1..].iter().any(|b| b.inputs.contains(&i));
        let wanted: Vec<usize> = (0..self.inputs).filter(|&i| grad.needs(i) && in_branch(i)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let heads: Vec<Option<Entry>> = (0..self.visible).map(|o| grad.head_opt(o)).collect();
        let op = BranchBackward {
            parts: self.parts.clone(),
            heads: heads.iter().map(Option::is_some).collect(),
            inputs: self.inputs,
            wanted: wanted.clone(),
            graphs: self.graphs[1..].to_vec(),
            nature: self.nature,
        };
        let all = heads.into_iter().flatten().chain((0..self.inputs).map(|i| grad.input(i)));
        let inputs: Vec<Entry> = all.chain([grad.output(self.visible)]).collect();
        let found = grad.apply_multi(op, &inputs);
        wanted.into_iter().zip(found).for_each(|(i, entry)| grad.set(i, entry));
        Ok(())
    }
}

/// The random keys of the condition and of the branch.
const CONDITION_KEY: u64 = 0;
const BRANCH_KEY: u64 = 1;

struct BoundBranch {
    condition: Box<dyn BoundGraph>,
    /// What runs if the condition is zero, and what if it is not.
    branches: [Box<dyn BoundGraph>; 2],
    /// The output that holds what is to be known of the run.
    recorded: Option<usize>,
}

impl BoundOp for BoundBranch {
    fn forward(&mut self, io: &mut Io, ctx: &Ctx, interrupted: Interrupted) -> OpResult {
        self.condition.forward(&ctx.derived(CONDITION_KEY), interrupted)?;
        let taken = usize::from(is_true(&self.condition.outputs()[0])?);
        let branch = &mut self.branches[taken];
        branch.forward(&ctx.derived(BRANCH_KEY), interrupted)?;
        for (out, value) in io.outputs.iter_mut().zip(branch.outputs()) {
            out.assign(value)?;
        }
        self.recorded.map_or(Ok(()), |o| put_words(&mut io.outputs[o], taken, ctx))
    }
}

/// The gradients of a branch. Inputs: the gradients of those outputs that have one, the inputs of the branch, and what is to
/// be known of the run. Outputs: the gradients of the inputs in `wanted`.
#[derive(Debug)]
pub struct BranchBackward {
    parts: Arc<[Branch; 3]>,
    heads: Vec<bool>,
    inputs: usize,
    wanted: Vec<usize>,
    graphs: Vec<Symbol>,
    nature: Nature,
}

internal_operator!(BranchBackward, "_backward_cond");

impl BranchBackward {
    fn num_heads(&self) -> usize {
        self.heads.iter().filter(|&&h| h).count()
    }
}

impl Operator for BranchBackward {
    fn inputs(&self) -> Names {
        data_names(self.num_inputs())
    }
    fn num_inputs(&self) -> usize {
        self.num_heads() + self.inputs + 1
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
        let of_branch = input.checked_sub(self.num_heads()).filter(|&i| i < self.inputs);
        of_branch.is_none_or(|i| self.parts[1..].iter().any(|b| b.inputs.contains(&i)))
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
        Err(OpError::invalid("the gradient of a branch runs in an executor alone"))
    }

    fn bind(&self, inputs: &[Tensor], outputs: &[Tensor], binder: &dyn Binder) -> OpResult<Option<Box<dyn BoundOp>>> {
        let gradient = |i: usize| {
            let at = self.wanted.iter().position(|&w| w == i).filter(|&o| outputs[o].dtype().is_float());
            at.map_or(Gradient::None, |o| Gradient::Add(outputs[o].clone()))
        };
        let first = self.num_heads();
        let bind = |part: &Branch| part.bind(&inputs[first..], binder, gradient);
        let [_, then, otherwise] = &*self.parts;
        let branches = [bind(otherwise)?, bind(then)?];
        let zeros = |t: &Tensor| Tensor::zeros(t.shape().clone(), t.dtype());
        let mut heads = branches[0].outputs().iter().map(zeros).collect::<Result<Vec<_>, _>>()?;
        let given = heads.iter_mut().zip(&self.heads).filter(|(_, has)| **has);
        given.zip(inputs).for_each(|((head, _), input)| *head = input.clone());
        Ok(Some(Box::new(BoundBackward { branches, heads })))
    }
}

struct BoundBackward {
    branches: [Box<dyn BoundGraph>; 2],
    heads: Vec<Tensor>,
}

impl BoundOp for BoundBackward {
    fn forward(&mut self, io: &mut Io, ctx: &Ctx, interrupted: Interrupted) -> OpResult {
        io.outputs.iter_mut().for_each(|out| out.fill(0.0));
        let recorded = io.inputs.last().ok_or_else(|| OpError::invalid("there is no record of the run"))?;
        let (taken, ctx) = words(recorded, ctx)?;
        let branch = &mut self.branches[taken.min(1)];
        branch.forward(&ctx.derived(BRANCH_KEY), interrupted)?;
        branch.backward(&self.heads, interrupted)
    }
}
