use rsym_tensor::TensorError;
use thiserror::Error;

/// A refusal by one operator, still without the name of the node: whoever called the operator adds it.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum OpError {
    /// An input or output has a shape or type that the operator cannot take.
    #[error("{port}: expected {expected}, got {got}")]
    Mismatch {
        /// Which input or output.
        port: Port,
        /// What the operator needs.
        expected: String,
        /// What came.
        got: String,
    },
    /// Any other broken constraint, in words.
    #[error("{0}")]
    Invalid(String),
    /// A position outside of an axis, in words.
    #[error("{0}")]
    Bounds(String),
    /// The operator has no gradient.
    #[error("the operator has no gradient{0}")]
    NotDifferentiable(String),
    /// The caller wants the run to stop.
    #[error("interrupted")]
    Interrupted,
    /// A kernel was given tensors that do not fit: a defect of the operator or of the plan.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

impl OpError {
    /// A broken constraint, in words.
    pub fn invalid(message: impl Into<String>) -> OpError {
        OpError::Invalid(message.into())
    }
}

/// An input or an output of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Input number.
    Input(usize),
    /// Output number.
    Output(usize),
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Port::Input(i) => write!(f, "input {i}"),
            Port::Output(i) => write!(f, "output {i}"),
        }
    }
}

/// What operators return.
pub type OpResult<T = ()> = Result<T, OpError>;

/// What can go wrong with graphs.
#[derive(Debug, Error, Clone)]
pub enum GraphError {
    /// No operator has that name.
    #[error("there is no operator '{name}'{hint}")]
    UnknownOperator {
        /// The name asked for.
        name: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
    },
    /// A keyword that the operator does not have.
    #[error("{op} '{node}': cannot find argument '{key}'{hint}; possible arguments: {possible}")]
    UnknownParam {
        /// Operator.
        op: &'static str,
        /// Name of the node that was to be made.
        node: String,
        /// The keyword.
        key: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
        /// Every keyword of the operator.
        possible: String,
    },
    /// A required parameter was not given.
    #[error("{op} '{node}': required parameter {key} ({expected}) is missing; give {key}=…")]
    MissingParam {
        /// Operator.
        op: &'static str,
        /// Name of the node that was to be made.
        node: String,
        /// The parameter.
        key: String,
        /// Its type.
        expected: String,
    },
    /// A parameter's text is not of its type, or out of its range.
    #[error("{op} '{node}': invalid value '{got}' for parameter {key}: expected {expected}")]
    BadParam {
        /// Operator.
        op: &'static str,
        /// Name of the node that was to be made.
        node: String,
        /// The parameter.
        key: String,
        /// Its type and range, or the allowed values.
        expected: String,
        /// The text that came.
        got: String,
    },
    /// An operator in another language that nobody has registered.
    #[error("{op} '{node}': no operator is registered as '{op_type}'; register it before the graph is made or loaded")]
    Unregistered {
        /// Operator.
        op: &'static str,
        /// Name of the node that was to be made.
        node: String,
        /// The name that was not found.
        op_type: String,
    },
    /// Inputs that cannot be composed.
    #[error("{op} '{node}': {message}")]
    Compose {
        /// Operator.
        op: String,
        /// Name of the node.
        node: String,
        /// What is wrong and what to try.
        message: String,
    },
    /// A node refused during shape inference, type inference or differentiation.
    #[error("{what} of node '{node}' ({op}) failed: {error}{context}")]
    Node {
        /// What was going on, as in `shape inference`.
        what: &'static str,
        /// Name of the node.
        node: String,
        /// Its operator.
        op: String,
        /// The operator's own words, with inputs by name.
        error: String,
        /// The inputs with what is known of them and a path from an argument to the node, or nothing.
        context: String,
    },
    /// A name that does not occur, where one must.
    #[error("{0}")]
    Name(String),
    /// A position past the end.
    #[error("{0}")]
    Index(String),
    /// Something that this symbol cannot do.
    #[error("{0}")]
    Invalid(String),
    /// A text that is not a symbol file.
    #[error("{0}")]
    Json(String),
    /// Operators that rsym does not know, on an attempt to run them.
    #[error("cannot run this graph: rsym does not know {0}")]
    Opaque(String),
}

/// What graph functions return.
pub type GraphResult<T = ()> = Result<T, GraphError>;

/// The candidate that is nearest to `name`, as ` (did you mean 'x'?)`, or nothing if none is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let lower = name.to_lowercase();
    let near = candidates
        .into_iter()
        .map(|c| (edit_distance(&lower, &c.to_lowercase()), c))
        .min()
        .filter(|(d, c)| *d <= 1 + name.len().max(c.len()) / 4);
    near.map_or_else(String::new, |(_, c)| format!(" (did you mean '{c}'?)"))
}

/// Levenshtein distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_name_only_when_near() {
        assert_eq!(did_you_mean("num_hiden", ["no_bias", "num_hidden"]), " (did you mean 'num_hidden'?)");
        assert_eq!(did_you_mean("quux", ["no_bias", "num_hidden"]), "");
    }
}
