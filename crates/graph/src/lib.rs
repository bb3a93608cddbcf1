//! Symbols, attributes, inference, gradients and files of rsym graphs. No tensor is computed here.
//!
//! A [`Symbol`] is a list of entries into a shared graph of [`Node`]s. An [`Operator`] says what its inputs and
//! outputs are, how their shapes and types follow from each other, what it computes and what its gradient is; a
//! [`Registry`] finds operators by name. [`FlatGraph`] lays a symbol out in arrays for [`infer_shapes`], [`infer_types`]
//! and for the executor; [`gradients`] extends a graph by its derivatives.

pub mod arithmetic;
pub mod attrs;
mod bound;
mod cache;
mod compose;
mod error;
mod facts;
mod flat;
mod gradient;
mod infer;
mod inner;
pub mod json;
mod node;
mod op;
mod opaque;
mod param;
mod registry;
mod site;
mod symbol;
mod visit;
mod vjp;

pub use bound::{Binder, BoundGraph, BoundOp, Gradient, Interrupted};
pub use cache::Cache;
pub use compose::{ComposeArgs, compose, input_places};
pub use error::{GraphError, GraphResult, OpError, OpResult, Port, did_you_mean};
pub use facts::{ShapeIo, TypeIo};
pub use flat::{Consumers, EntryNumbers, FlatGraph, FlatNode};
pub use gradient::{Grad, gradients, gradients_with};
pub use infer::{Inferred, extend_shapes, extend_types, infer_shapes, infer_types, op_error_text};
pub use inner::{infer_inner_shapes, infer_inner_types};
pub use node::{AttrMap, Entry, Inputs, Node};
pub use op::{Ctx, Io, Names, OpDef, OpInfo, OpRef, Operator, PortDef, checked, param_name};
pub use opaque::Opaque;
pub use param::{ParamDef, ParamError, ParamTexts, ParamType, Tuple, read_field};
pub use registry::{Registry, parse_op};
pub use site::{BLOCK, Blocked, Fact, JoinedSum, PointArg, Pointwise, Site, blocked_shape};
pub use smallvec::smallvec as tuple;
pub use symbol::Symbol;
pub use visit::post_order;
pub use vjp::{Source, Vjp, VjpStep};
