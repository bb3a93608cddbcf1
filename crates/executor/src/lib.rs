//! Binding, memory planning and running of rsym graphs.
//!
//! [`Executor::bind`] compiles a symbol once: it extends the graph by the gradients that are asked for, infers every
//! shape and type ([`Program`]), plans the memory of all intermediate values over forward and backward ([`MemoryPlan`])
//! and lays out a list of steps over fixed tensors. Running is a walk over that list. Operators are known only through
//! [`rsym_graph::Operator`].

pub mod autograd;
mod bind;
mod branches;
mod error;
mod executor;
mod imperative;
mod inner;
mod lanes;
mod memory;
pub mod passes;
mod placement;
pub mod profile;
mod program;
mod random;
mod recompute;
mod report;
mod run;
mod schedule;
mod steps;
mod together;

pub use bind::{Requests, SimpleBind, complete_types};
pub use error::{ExecError, ExecResult};
pub use executor::{Bindings, Executor, Hooks, SharedMemory};
pub use imperative::{invoke, run, run_each};
pub use memory::{MemoryPlan, Place};
pub use placement::{Device, Placement};
pub use program::{GradReq, Program};
pub use random::{next_stream, seed};
pub use recompute::Recomputed;
pub use report::{DeviceReport, MemoryReport, ValueReport};
pub use together::{backward_all, forward_all};
