use rsym_graph::{GraphError, OpError};
use rsym_tensor::TensorError;
use thiserror::Error;

/// What can go wrong when graphs are bound and run.
#[derive(Debug, Error, Clone)]
pub enum ExecError {
    /// The graph itself: inference, differentiation, unknown operators.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Memory, or arrays that do not fit.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// An operator failed while running.
    #[error("node '{node}' ({op}) failed: {error}; inputs: {inputs}")]
    Run {
        /// Name of the node.
        node: String,
        /// Its operator.
        op: String,
        /// The operator's own words.
        error: String,
        /// The inputs with shape and type.
        inputs: String,
    },
    /// An operator was given a position outside of an axis; says what [`ExecError::Run`] says.
    #[error("{0}")]
    Bounds(String),
    /// An array has another shape or type than the graph needs.
    #[error("{what} '{name}': the graph needs {expected}, got {got}")]
    Array {
        /// `argument`, `gradient of argument`, `auxiliary state`, `gradient of output`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Shape and type that the graph needs.
        expected: String,
        /// Shape and type that came.
        got: String,
    },
    /// Shapes or types that remain undecided.
    #[error("{0}")]
    Undecided(String),
    /// A call that the state of the executor does not allow.
    #[error("{0}")]
    State(String),
    /// The caller's monitor refused.
    #[error("the monitor callback failed: {0}")]
    Monitor(String),
    /// The run was interrupted by the caller.
    #[error("interrupted")]
    Interrupted,
}

impl ExecError {
    /// The failure of the operator `op` at `node`, which `text` describes.
    pub(crate) fn run(node: String, op: String, error: &OpError, text: String, inputs: String) -> ExecError {
        let failed = ExecError::Run { node, op, error: text, inputs };
        if matches!(error, OpError::Bounds(_)) { ExecError::Bounds(failed.to_string()) } else { failed }
    }
}

/// What executor functions return.
pub type ExecResult<T = ()> = Result<T, ExecError>;
