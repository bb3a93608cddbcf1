//! Operators with graphs inside, and who binds these: the floor above, which alone knows how graphs run.

use crate::{Ctx, Io, OpResult, Symbol};
use rsym_tensor::Tensor;

/// Asked now and then; `true` stops the run.
pub type Interrupted<'a> = &'a (dyn Fn() -> bool + Sync);

/// Binds graphs inside of operators to tensors.
pub trait Binder {
    /// Binds `graph`; `inputs` and `gradients` are for its variables in the order of [`Symbol::variables`]. Auxiliary states
    /// of the graph are written in place, and have no gradient.
    fn bind(&self, graph: &Symbol, inputs: &[Tensor], gradients: &[Gradient]) -> OpResult<Box<dyn BoundGraph>>;
}

/// Where the gradient of an input goes.
#[derive(Debug, Clone)]
pub enum Gradient {
    /// Nowhere: it is not computed.
    None,
    /// It replaces what the tensor holds.
    Write(Tensor),
    /// It is added to what the tensor holds.
    Add(Tensor),
}

/// A graph on fixed tensors.
pub trait BoundGraph: Send {
    /// The outputs; every run writes into the same tensors.
    fn outputs(&self) -> &[Tensor];

    /// Computes the outputs. Equal keys in `ctx` are followed by equal draws.
    fn forward(&mut self, ctx: &Ctx, interrupted: Interrupted) -> OpResult;

    /// Computes the gradients of the last forward pass from those of all outputs.
    fn backward(&mut self, heads: &[Tensor], interrupted: Interrupted) -> OpResult;
}

/// An operator on fixed tensors.
pub trait BoundOp: Send {
    /// Computes the outputs; `io` has the tensors that the operator was bound to. Asks `interrupted` now and then, and stops
    /// with [`OpError::Interrupted`](crate::OpError::Interrupted) if that is true.
    fn forward(&mut self, io: &mut Io, ctx: &Ctx, interrupted: Interrupted) -> OpResult;
}
