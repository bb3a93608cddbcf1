//! Gradients of operators that run at once: a tape of what was computed, and the way back over it.
//!
//! While a thread records ([`set_recording`]), every operator on an array that is marked, or was computed from one that is,
//! leaves a [`TapeNode`]: the operator, the nodes of its inputs, and of inputs and outputs what the gradient rule reads.
//! An array holds the node it came from in its [`Slot`]; nodes hold the nodes of their inputs, never arrays. So a tape goes
//! when the last array that came from it does, and nothing refers to itself. [`backward`] walks the nodes from the latest to
//! the earliest and runs the rule of each ([`rsym_graph::Vjp`]) by the same kernels as executors do. Where the gradient
//! itself is to be differentiated, the operators of the rules are recorded like any others.

mod backward;
mod mode;
mod tape;

pub use backward::{Head, Way, backward};
pub use mode::{Mode, mode, set_recording, set_training};
pub use tape::{Recorded, Slot, TapeFunction, TapeNode, Taped, Variable, record, record_function, recorded_symbol};
