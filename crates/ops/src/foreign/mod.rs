//! Operators whose rules and kernels are written in another language: what the operator `Custom` asks of them.
//!
//! A binding implements [`Foreign`] and [`Instance`] and says with [`set_source`] where operators are found by name.

use rsym_graph::{OpResult, ParamTexts};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

family! {
    custom { Custom }
}

/// What an operator takes and gives, and which values its gradient uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signature {
    /// Names of the inputs.
    pub arguments: Vec<String>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// Names of the auxiliary states.
    pub aux: Vec<String>,
    /// For each output gradient, then each input, then each output: whether the gradient uses its values.
    pub uses: Vec<bool>,
}

/// Knowledge of inputs, outputs and auxiliary states, in this order.
pub type Completed<T> = Vec<T>;

/// An operator written in another language, with its parameters.
pub trait Foreign: Debug + Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;
    /// What follows from the shapes of the inputs.
    fn infer_shape(&self, inputs: &[PartialShape]) -> OpResult<Completed<PartialShape>>;
    /// What follows from the types of the inputs.
    fn infer_type(&self, inputs: &[Option<DType>]) -> OpResult<Completed<Option<DType>>>;
    /// The operator for one node that runs on inputs and auxiliary states of these shapes and types.
    fn create(&self, shapes: &[Shape], types: &[DType]) -> OpResult<Arc<dyn Instance>>;
}

/// What runs at one node, and may keep a state from its forward to its backward pass.
pub trait Instance: Send + Sync {
    /// Computes the outputs.
    fn forward(&self, call: &Forward) -> OpResult;
    /// Computes the gradients of the inputs.
    fn backward(&self, call: &Backward) -> OpResult;
}

/// The arrays of a forward pass. Outputs and auxiliary states are written through clones.
#[derive(Debug)]
pub struct Forward<'a> {
    /// Whether this is a training pass.
    pub is_train: bool,
    /// Inputs.
    pub inputs: &'a [Tensor],
    /// Outputs, with arbitrary values.
    pub outputs: &'a [Tensor],
    /// Auxiliary states.
    pub aux: &'a [Tensor],
}

/// The arrays of a backward pass; `None` for those that [`Signature::uses`] leaves out.
#[derive(Debug)]
pub struct Backward<'a> {
    /// Whether this belongs to a training pass.
    pub is_train: bool,
    /// Gradients of the outputs.
    pub out_grads: &'a [Option<Tensor>],
    /// Inputs.
    pub inputs: &'a [Option<Tensor>],
    /// Outputs.
    pub outputs: &'a [Option<Tensor>],
    /// Auxiliary states.
    pub aux: &'a [Tensor],
    /// Take the gradients of the inputs.
    pub gradients: &'a [Tensor],
    /// Which gradients anybody needs.
    pub needed: &'a [bool],
}

/// Finds the operator `op_type` and gives it the other parameters: `None` if there is none of that name, or the reason why
/// it refuses them.
pub type Source = fn(op_type: &str, params: &ParamTexts) -> Result<Option<Arc<dyn Foreign>>, String>;

static SOURCE: OnceLock<Source> = OnceLock::new();

/// Says where operators are found. The first call counts.
pub fn set_source(source: Source) {
    let _ = SOURCE.set(source);
}

fn find(op_type: &str, params: &ParamTexts) -> Result<Option<Arc<dyn Foreign>>, String> {
    SOURCE.get().map_or(Ok(None), |source| source(op_type, params))
}
