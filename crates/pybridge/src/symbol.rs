use crate::arithmetic::{self, Composed, binary};
use crate::classes::{take_made_symbol, wrap_symbol};
use crate::convert::{Given, dtype_of, partial_shape, shape_tuple};
use crate::errors::attached;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rsym_executor::complete_types;
use rsym_graph::arithmetic as signs;
use rsym_graph::{AttrMap, FlatGraph, infer_shapes, infer_types, json};
use rsym_tensor::{DType, PartialShape};
use std::collections::BTreeMap;

/// The Rust half of `rsym.symbol.Symbol`.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
#[derive(Clone)]
pub struct Symbol {
    pub inner: rsym_graph::Symbol,
}

impl From<rsym_graph::Symbol> for Symbol {
    fn from(inner: rsym_graph::Symbol) -> Symbol {
        Symbol { inner }
    }
}

/// Lists for arguments, outputs and auxiliary states.
type Lists<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>);

#[pymethods]
impl Symbol {
    /// The symbol that Rust has just made, or that of another object.
    #[new]
    #[pyo3(signature = (base=None))]
    fn new(base: Option<&Bound<'_, Symbol>>) -> PyResult<Symbol> {
        base.map_or_else(take_made_symbol, |base| Ok(base.get().clone()))
    }

    #[getter]
    fn name(&self) -> Option<String> {
        self.inner.name().map(|n| n.to_string())
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn list_arguments(&self) -> Vec<String> {
        self.inner.list_arguments()
    }

    fn list_outputs(&self) -> Vec<String> {
        self.inner.list_outputs()
    }

    fn list_auxiliary_states(&self) -> Vec<String> {
        self.inner.list_auxiliary_states()
    }

    fn list_inputs(&self) -> Vec<String> {
        self.inner.list_inputs()
    }

    /// Whether a shape in the graph depends on values.
    #[getter]
    fn _shape_needs_values(&self) -> bool {
        self.inner.nodes().iter().any(|node| node.op().is_some_and(|op| op.shape_needs_values()))
    }

    fn get_internals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, self.inner.internals())
    }

    fn get_children<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.children().map(|s| wrap_symbol(py, s)).transpose()
    }

    fn _at<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, attached(|| self.inner.get(index))?)
    }

    fn _find<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, attached(|| self.inner.find_output(name))?)
    }

    fn _slice<'py>(&self, py: Python<'py>, indices: Vec<usize>) -> PyResult<Bound<'py, PyAny>> {
        let entries = self.inner.entries();
        wrap_symbol(py, rsym_graph::Symbol::from_entries(indices.iter().filter_map(|&i| entries.get(i).cloned())))
    }

    fn _attr(&self, key: &str) -> PyResult<Option<String>> {
        attached(|| self.inner.attr(key))
    }

    fn _list_attr(&self) -> PyResult<AttrMap> {
        attached(|| self.inner.list_attr())
    }

    fn _list_attr_recursive(&self) -> AttrMap {
        self.inner.list_attr_recursive()
    }

    fn attr_dict(&self) -> BTreeMap<String, AttrMap> {
        self.inner.attr_dict()
    }

    fn _set(&self, key: &str, value: &str) -> PyResult<()> {
        attached(|| self.inner.set_attr(key, value))
    }

    fn _copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, self.inner.deep_copy())
    }

    #[pyo3(signature = (name, replace))]
    fn _compose<'py>(
        &self,
        py: Python<'py>,
        name: Option<&str>,
        replace: Vec<(String, Bound<'py, Symbol>)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let replace: Vec<_> = replace.into_iter().map(|(k, s)| (k, s.get().inner.clone())).collect();
        wrap_symbol(py, attached(|| self.inner.compose(name, &replace))?)
    }

    fn _atomic<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, attached(|| self.inner.atomic())?)
    }

    /// The part of the graph with the attribute `key` of `value`, on variables of its own; and the symbols from outside that
    /// these stand for, by name.
    fn _cut<'py>(&self, py: Python<'py>, key: &str, value: &str) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let (graph, outside) = self.inner.cut(key, value);
        let found = PyDict::new(py);
        for symbol in outside {
            found.set_item(symbol.list_outputs().concat(), wrap_symbol(py, symbol)?)?;
        }
        Ok((wrap_symbol(py, graph)?, found))
    }

    /// Every variable, auxiliary states included.
    fn _variables<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let variables = self.inner.variables();
        variables.iter().map(|(node, _)| wrap_symbol(py, rsym_graph::Symbol::from_node(node))).collect()
    }

    fn _gradient<'py>(&self, py: Python<'py>, wrt: Vec<String>) -> PyResult<Bound<'py, PyAny>> {
        wrap_symbol(py, attached(|| self.inner.gradient(rsym_ops::registry(), &wrt))?)
    }

    fn tojson(&self) -> PyResult<String> {
        attached(|| json::to_json(&self.inner))
    }

    /// Shapes by what is known of some, in NumPy's spelling or the older one; and the variables or outputs that stay undecided.
    fn _infer_shape<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyAny>,
        numpy: bool,
    ) -> PyResult<(Lists<'py>, Vec<String>)> {
        let given = Given::read(given, |v| partial_shape(v, numpy))?;
        let graph = FlatGraph::new(&self.inner);
        let given = given.of(&graph)?;
        let found = attached(|| infer_shapes(&graph, given))?.entries;
        let tuple = |s: &PartialShape| {
            let dims = if numpy { s.to_signed() } else { Some(s.to_legacy()) };
            dims.map(|d| shape_tuple(py, &d)).transpose()
        };
        Ok((lists(py, &graph, &found, tuple)?, undecided(&graph, |e| found[e].is_complete())))
    }

    /// Type numbers by those of some variables; unknown ones become single precision if `complete`.
    fn _infer_type<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyAny>,
        complete: bool,
    ) -> PyResult<(Lists<'py>, Vec<String>)> {
        let given = Given::read(given, |v| dtype_of(v.extract()?))?;
        let graph = FlatGraph::new(&self.inner);
        let given = given.of(&graph)?;
        let found = attached(|| infer_types(&graph, given))?;
        let found = if complete { attached(|| complete_types(&graph, found))? } else { found }.entries;
        let number = |d: &Option<DType>| Ok(d.map(DType::number));
        Ok((lists(py, &graph, &found, number)?, undecided(&graph, |e| found[e].is_some())))
    }

    /// The user attribute `key` of every argument, auxiliary states included, by name.
    fn _variable_attrs(&self, key: &str) -> BTreeMap<String, String> {
        let variables = self.inner.variables();
        variables.iter().filter_map(|(n, _)| Some((n.name().to_string(), n.user_attr(key)?))).collect()
    }

    /// Every node: name, operator, inputs as (node, output), parameters and attributes, number of visible outputs.
    fn _nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let graph = FlatGraph::new(&self.inner);
        let producers = graph.producers();
        let rows = graph.nodes.iter().map(|n| {
            let inputs: Vec<(usize, usize)> =
                n.inputs.iter().map(|&e| (producers[e], e - graph.nodes[producers[e]].first)).collect();
            let mut attrs = n.node.attrs();
            attrs.extend(n.node.params().0.into_iter().map(|(k, v)| (k.into_owned(), v)));
            (n.node.name().to_string(), n.node.op_name(), inputs, attrs, n.node.num_visible())
        });
        PyList::new(py, rows.collect::<Vec<_>>())
    }

    /// Every output as (node, output), and for every node how many nodes so far have written each of its inputs, where that
    /// is a variable.
    fn _uses(&self) -> (Vec<(usize, usize)>, Vec<Vec<Option<usize>>>) {
        let graph = FlatGraph::new(&self.inner);
        let producers = graph.producers();
        let heads = graph.heads.iter().map(|&e| (producers[e], e - graph.nodes[producers[e]].first)).collect();
        let mut writes = vec![0; graph.num_entries];
        let versions = graph.nodes.iter().map(|node| {
            let aux = node.op.as_ref().map_or(&[][..], |op| op.aux());
            let version = |(k, &e): (usize, &usize)| {
                writes[e] += usize::from(aux.contains(&k));
                graph.nodes[producers[e]].node.is_variable().then_some(writes[e])
            };
            node.inputs.iter().enumerate().map(version).collect()
        });
        let versions = versions.collect();
        (heads, versions)
    }

    fn __add__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::ADD)
    }

    fn __radd__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::ADD)
    }

    fn __sub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::SUB)
    }

    fn __rsub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(other, slf, signs::SUB)
    }

    fn __mul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::MUL)
    }

    fn __rmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::MUL)
    }

    fn __truediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::DIV)
    }

    fn __rtruediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(other, slf, signs::DIV)
    }

    fn __mod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(slf, other, signs::MOD)
    }

    fn __rmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Composed<'py> {
        binary(other, slf, signs::MOD)
    }

    fn __pow__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, modulo: &Bound<'py, PyAny>) -> Composed<'py> {
        arithmetic::power(slf, other, modulo)
    }

    fn __rpow__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, modulo: &Bound<'py, PyAny>) -> Composed<'py> {
        arithmetic::power(other, slf, modulo)
    }

    fn __neg__<'py>(slf: &Bound<'py, Self>) -> Composed<'py> {
        arithmetic::negative(slf)
    }

    fn __abs__<'py>(slf: &Bound<'py, Self>) -> Composed<'py> {
        arithmetic::absolute(slf)
    }

    fn __richcmp__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, op: CompareOp) -> Composed<'py> {
        arithmetic::compare(slf, other, op)
    }
}

fn lists<'py, T, P>(
    py: Python<'py>,
    graph: &FlatGraph,
    found: &[T],
    convert: impl Fn(&T) -> Result<P, PyErr>,
) -> PyResult<Lists<'py>>
where
    P: IntoPyObject<'py>,
{
    let list = |entries: Vec<usize>| -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, entries.iter().map(|&e| convert(&found[e])).collect::<PyResult<Vec<P>>>()?)
    };
    let firsts = |nodes: &[usize]| nodes.iter().map(|&i| graph.nodes[i].first).collect::<Vec<_>>();
    Ok((list(firsts(&graph.arguments))?, list(graph.heads.clone())?, list(firsts(&graph.aux))?))
}

/// Names of the variables, or else of the node outputs, that are not known.
fn undecided(graph: &FlatGraph, known: impl Fn(usize) -> bool) -> Vec<String> {
    let open = |variables: bool| {
        let nodes = graph.nodes.iter().filter(|n| n.node.is_variable() == variables);
        let outputs = nodes.flat_map(|n| (n.first..n.first + n.outputs).map(move |e| (n, e)));
        outputs.filter(|(_, e)| !known(*e)).map(|(n, e)| n.node.output_name(e - n.first)).collect::<Vec<_>>()
    };
    let variables = open(true);
    if variables.is_empty() { open(false) } else { variables }
}
