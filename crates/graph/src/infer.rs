//! Shape and type inference: every operator completes what it can, in both directions, until nothing changes.

use crate::{FlatGraph, FlatNode, GraphError, GraphResult, OpError, Operator, ParamType, Port, ShapeIo, Tuple, TypeIo};
use rsym_tensor::{DType, PartialShape};

/// What is known of every entry of a graph.
pub struct Inferred<T> {
    /// One for each entry of the [`FlatGraph`].
    pub entries: Vec<T>,
}

/// What inference finds out about: shapes, or data types.
trait Fact: Clone + PartialEq + Default {
    const WHAT: &'static str;
    fn run(op: &dyn Operator, inputs: &mut [Self], outputs: &mut [Self]) -> Result<(), OpError>;
    fn known(&self) -> bool;
    fn text(&self) -> String;
}

impl Fact for PartialShape {
    const WHAT: &'static str = "shape inference";
    fn run(op: &dyn Operator, inputs: &mut [Self], outputs: &mut [Self]) -> Result<(), OpError> {
        op.infer_shape(&mut ShapeIo { inputs, outputs })
    }
    fn known(&self) -> bool {
        self.is_complete()
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Fact for Option<DType> {
    const WHAT: &'static str = "type inference";
    fn run(op: &dyn Operator, inputs: &mut [Self], outputs: &mut [Self]) -> Result<(), OpError> {
        op.infer_type(&mut TypeIo { inputs, outputs })
    }
    fn known(&self) -> bool {
        self.is_some()
    }
    fn text(&self) -> String {
        self.map_or_else(|| "unknown".into(), |d| d.to_string())
    }
}

/// Infers shapes from those that `given` answers for variables, asked by node number and name.
///
/// A given shape wins over the variable's `__shape__`.
pub fn infer_shapes(
    graph: &FlatGraph,
    given: impl Fn(usize, &str) -> Option<PartialShape>,
) -> GraphResult<Inferred<PartialShape>> {
    fixed_point(graph, given_shapes(graph, given)?, 0)
}

/// What is known of shapes before inference: those that are given, and those that variables say themselves.
pub(crate) fn given_shapes(
    graph: &FlatGraph,
    given: impl Fn(usize, &str) -> Option<PartialShape>,
) -> GraphResult<Vec<PartialShape>> {
    let mut entries = vec![PartialShape::unknown(); graph.num_entries];
    for &i in graph.arguments.iter().chain(&graph.aux) {
        let node = &graph.nodes[i];
        let name = node.node.name();
        if let Some(shape) = given(i, &name) {
            entries[node.first] = shape;
        } else if let Some(text) = node.node.user_attr("__shape__") {
            let dims =
                Tuple::<i64>::parse(&text).ok_or_else(|| bad_attr(&name, "__shape__", "a tuple of numbers", &text))?;
            entries[node.first] = PartialShape::from_legacy(&dims);
        }
    }
    Ok(entries)
}

/// Completes the shapes of a graph of which the nodes before `from` are settled already.
pub fn extend_shapes(
    graph: &FlatGraph,
    entries: Vec<PartialShape>,
    from: usize,
) -> GraphResult<Inferred<PartialShape>> {
    fixed_point(graph, entries, from)
}

/// Completes the data types of a graph of which the nodes before `from` are settled already.
pub fn extend_types(
    graph: &FlatGraph,
    entries: Vec<Option<DType>>,
    from: usize,
) -> GraphResult<Inferred<Option<DType>>> {
    fixed_point(graph, entries, from)
}

/// Infers data types from those that `given` answers for variables, asked by node number and name.
///
/// A given type wins over the variable's `__dtype__`.
pub fn infer_types(
    graph: &FlatGraph,
    given: impl Fn(usize, &str) -> Option<DType>,
) -> GraphResult<Inferred<Option<DType>>> {
    fixed_point(graph, given_types(graph, given)?, 0)
}

/// What is known of types before inference, as [`given_shapes`] of shapes.
pub(crate) fn given_types(
    graph: &FlatGraph,
    given: impl Fn(usize, &str) -> Option<DType>,
) -> GraphResult<Vec<Option<DType>>> {
    let mut entries: Vec<Option<DType>> = vec![None; graph.num_entries];
    for &i in graph.arguments.iter().chain(&graph.aux) {
        let node = &graph.nodes[i];
        let name = node.node.name();
        if let Some(dtype) = given(i, &name) {
            entries[node.first] = Some(dtype);
        } else if let Some(text) = node.node.user_attr("__dtype__") {
            entries[node.first] = parse_dtype_attr(&name, &text)?;
        }
    }
    Ok(entries)
}

/// The type in a `__dtype__` attribute, a type number; -1 is unknown.
fn parse_dtype_attr(name: &str, text: &str) -> GraphResult<Option<DType>> {
    if text.trim() == "-1" {
        return Ok(None);
    }
    let by_number = text.trim().parse().ok().and_then(DType::from_number);
    by_number.map(Some).ok_or_else(|| bad_attr(name, "__dtype__", "a type number of MXNet", text))
}

fn bad_attr(name: &str, key: &str, expected: &str, got: &str) -> GraphError {
    GraphError::Invalid(format!("variable '{name}': attribute {key} must be {expected}, got '{got}'"))
}

/// Sweeps over the nodes whose surroundings changed, forwards and backwards in turn, until nothing does.
fn fixed_point<T: Fact>(graph: &FlatGraph, mut entries: Vec<T>, from: usize) -> GraphResult<Inferred<T>> {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let mut dirty: Vec<bool> = graph.nodes.iter().enumerate().map(|(i, n)| i >= from && n.op.is_some()).collect();
    let mut forwards = true;
    let mut facts = Facts::default();
    while dirty.contains(&true) {
        let count = graph.nodes.len();
        for k in 0..count {
            let i = if forwards { k } else { count - 1 - k };
            if !std::mem::take(&mut dirty[i]) {
                continue;
            }
            step(graph, i, &mut entries, &mut facts)?;
            for &entry in &facts.changed {
                let around = consumers[entry].iter().chain(std::iter::once(&producers[entry]));
                around.filter(|&&n| n != i && graph.nodes[n].op.is_some()).for_each(|&n| dirty[n] = true);
            }
        }
        forwards = !forwards;
    }
    Ok(Inferred { entries })
}

/// What is known around one node: room that is used again for the next.
#[derive(Default)]
struct Facts<T> {
    inputs: Vec<T>,
    outputs: Vec<T>,
    /// The entries that changed.
    changed: Vec<usize>,
}

/// Lets one node complete what it can.
fn step<T: Fact>(graph: &FlatGraph, i: usize, entries: &mut [T], facts: &mut Facts<T>) -> GraphResult {
    let node = &graph.nodes[i];
    let Facts { inputs, outputs, changed } = facts;
    changed.clear();
    let Some(op) = &node.op else { return Ok(()) };
    let own = node.first..node.first + node.outputs;
    inputs.clear();
    inputs.extend(node.inputs.iter().map(|&e| entries[e].clone()));
    outputs.clear();
    outputs.extend_from_slice(&entries[own.clone()]);
    // What an operator learns of its inputs may tell it more about its outputs: it is asked until it learns nothing.
    loop {
        T::run(op.as_ref(), inputs, outputs).map_err(|e| node_error(graph, i, T::WHAT, &e, entries))?;
        let (mut learned, mut settled) = (false, true);
        for (entry, fact) in node.inputs.iter().copied().chain(own.clone()).zip(inputs.iter().chain(&*outputs)) {
            settled &= fact.known();
            if entries[entry] != *fact && *fact != T::default() {
                entries[entry] = fact.clone();
                changed.push(entry);
                learned = true;
            }
        }
        if settled || !learned {
            return Ok(());
        }
    }
}

/// The error of node `i`: its inputs by name with what is known of them, and the way there from an argument.
fn node_error<T: Fact>(graph: &FlatGraph, i: usize, what: &'static str, error: &OpError, entries: &[T]) -> GraphError {
    let node = &graph.nodes[i];
    let given: Vec<String> =
        port_names(node).iter().zip(&node.inputs).map(|(name, &e)| format!("{name}={}", entries[e].text())).collect();
    let given = if given.is_empty() { String::new() } else { format!("; inputs: {}", given.join(", ")) };
    GraphError::Node {
        what,
        node: node.node.name().to_string(),
        op: node.node.op_name(),
        error: op_error_text(node, error),
        context: given + &path_text(graph, i, entries),
    }
}

fn port_names(node: &FlatNode) -> Vec<String> {
    let names = node.node.input_names();
    (0..node.inputs.len()).map(|k| names.get(k).map_or_else(|| format!("input {k}"), |n| n.to_string())).collect()
}

/// An operator's error with the input or output by name.
pub fn op_error_text(node: &FlatNode, error: &OpError) -> String {
    match error {
        OpError::Mismatch { port, expected, got } => {
            let port = match port {
                Port::Input(k) => match node.inputs.get(*k) {
                    Some(_) => format!("input {}", port_names(node)[*k]),
                    None => format!("input {k}"),
                },
                Port::Output(k) => format!("output {}", node.node.output_name(*k)),
            };
            format!("{port}: expected {expected}, got {got}")
        }
        other => other.to_string(),
    }
}

/// ` (data -> fc1 -> relu1)`: the nodes from an argument to node `i`, along the first inputs that are known.
fn path_text<T: Fact>(graph: &FlatGraph, i: usize, entries: &[T]) -> String {
    const LONGEST: usize = 12;
    let producers = graph.producers();
    let mut path = vec![graph.nodes[i].node.name().to_string()];
    let mut at = i;
    while let Some(&entry) =
        graph.nodes[at].inputs.iter().find(|&&e| entries[e].known()).or_else(|| graph.nodes[at].inputs.first())
    {
        at = producers[entry];
        if path.len() == LONGEST {
            path.push("…".into());
            break;
        }
        path.push(graph.nodes[at].node.name().to_string());
    }
    path.reverse();
    if path.len() > 1 { format!("; path: {}", path.join(" -> ")) } else { String::new() }
}
