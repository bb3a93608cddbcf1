//! The operator that every kind of loop becomes.

use super::looped::{BoundLoop, Loop};
use super::looped_backward::LoopBackward;
use super::support::*;
use rsym_graph::*;
use rsym_tensor::Tensor;
use std::any::Any;
use std::sync::Arc;

/// A loop as an operator. Besides the outputs that users see it has the states before each step, and what a gradient must
/// know of the run.
#[derive(Debug, Clone)]
pub struct LoopOp {
    def: &'static OpDef,
    texts: ParamTexts,
    graphs: Vec<Symbol>,
    looped: Arc<Loop>,
    nature: Nature,
    /// Whether it has the hidden outputs, which only gradients need.
    recorded: bool,
}

impl LoopOp {
    pub(super) fn new(def: &'static OpDef, texts: ParamTexts, graphs: Vec<Symbol>, looped: Loop) -> LoopOp {
        let nature = Nature::of(&graphs);
        LoopOp { def, texts, graphs, looped: Arc::new(looped), nature, recorded: true }
    }
}

impl OpInfo for LoopOp {
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

impl Operator for LoopOp {
    fn inputs(&self) -> Names {
        data_names(self.looped.inputs)
    }
    fn num_inputs(&self) -> usize {
        self.looped.inputs
    }
    fn output_names(&self) -> Names {
        output_names(self.looped.visible())
    }
    fn num_outputs(&self) -> usize {
        self.looped.visible() + if self.recorded { self.looped.initial.len() + 1 } else { 0 }
    }
    fn num_visible(&self) -> usize {
        self.looped.visible()
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
        let hidden = self.looped.visible()..self.num_outputs();
        (self.recorded && hidden.eq(outputs.iter().copied()))
            .then(|| Arc::new(LoopOp { recorded: false, ..self.clone() }) as OpRef)
    }
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.looped.infer_shape(io, self.recorded)
    }
    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.looped.infer_type(io, self.recorded)
    }
    fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
        Err(OpError::invalid("a loop runs in an executor alone"))
    }
    fn bind(&self, inputs: &[Tensor], _: &[Tensor], binder: &dyn Binder) -> OpResult<Option<Box<dyn BoundOp>>> {
        Ok(Some(Box::new(BoundLoop::new(&self.looped, self.recorded, inputs, binder)?)))
    }

    fn gradient(&self, grad: &mut Grad) -> GraphResult {
        let looped = &self.looped;
        let wanted: Vec<usize> = (0..looped.inputs).filter(|&i| grad.needs(i) && looped.differentiates(i)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let heads: Vec<Option<Entry>> = (0..looped.visible()).map(|o| grad.head_opt(o)).collect();
        let op = LoopBackward {
            looped: looped.clone(),
            heads: heads.iter().map(Option::is_some).collect(),
            wanted: wanted.clone(),
            graphs: vec![looped.body.graph.clone()],
            nature: self.nature,
        };
        let inputs: Vec<Entry> = heads
            .into_iter()
            .flatten()
            .chain((0..looped.inputs).map(|i| grad.input(i)))
            .chain((looped.visible()..self.num_outputs()).map(|o| grad.output(o)))
            .collect();
        let found = grad.apply_multi(op, &inputs);
        wanted.into_iter().zip(found).for_each(|(i, entry)| grad.set(i, entry));
        Ok(())
    }
}
