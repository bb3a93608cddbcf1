//! Inference through the graphs inside of operators.

use crate::infer::{given_shapes, given_types};
use crate::{FlatGraph, GraphError, OpError, OpResult, Symbol, extend_shapes, extend_types};
use rsym_tensor::{DType, PartialShape};

/// Completes what is known of the inputs of a graph, in the order of [`Symbol::variables`], and of its outputs.
pub fn infer_inner_shapes(graph: &Symbol, inputs: &mut [PartialShape], outputs: &mut [PartialShape]) -> OpResult {
    let (flat, variables) = laid_out(graph, inputs.len(), outputs.len())?;
    let given = |node: usize, _: &str| {
        variables.iter().position(|&v| v == node).map(|i| inputs[i].clone()).filter(|s| s.rank().is_some())
    };
    let mut entries = given_shapes(&flat, given).map_err(inside)?;
    for (&e, shape) in flat.heads.iter().zip(&*outputs) {
        entries[e].unify(shape)?;
    }
    let found = extend_shapes(&flat, entries, 0).map_err(inside)?.entries;
    inputs.iter_mut().zip(&variables).for_each(|(slot, &v)| slot.clone_from(&found[flat.nodes[v].first]));
    outputs.iter_mut().zip(&flat.heads).for_each(|(slot, &e)| slot.clone_from(&found[e]));
    Ok(())
}

/// As [`infer_inner_shapes`], for data types.
pub fn infer_inner_types(graph: &Symbol, inputs: &mut [Option<DType>], outputs: &mut [Option<DType>]) -> OpResult {
    let (flat, variables) = laid_out(graph, inputs.len(), outputs.len())?;
    let given = |node: usize, _: &str| variables.iter().position(|&v| v == node).and_then(|i| inputs[i]);
    let mut entries = given_types(&flat, given).map_err(inside)?;
    for (&e, dtype) in flat.heads.iter().zip(&*outputs) {
        let slot = &mut entries[e];
        if let (Some(a), Some(b)) = (*slot, *dtype)
            && a != b
        {
            return Err(OpError::invalid(format!("the graph inside gives {a} where {b} is needed")));
        }
        *slot = slot.or(*dtype);
    }
    let found = extend_types(&flat, entries, 0).map_err(inside)?.entries;
    inputs.iter_mut().zip(&variables).for_each(|(slot, &v)| *slot = found[flat.nodes[v].first]);
    outputs.iter_mut().zip(&flat.heads).for_each(|(slot, &e)| *slot = found[e]);
    Ok(())
}

/// The graph in arrays with the numbers of its variables, if it has that many inputs and outputs.
fn laid_out(graph: &Symbol, inputs: usize, outputs: usize) -> OpResult<(FlatGraph, Vec<usize>)> {
    let flat = FlatGraph::new(graph);
    let variables: Vec<usize> = (0..flat.nodes.len()).filter(|&i| flat.nodes[i].node.is_variable()).collect();
    if (variables.len(), flat.heads.len()) == (inputs, outputs) {
        return Ok((flat, variables));
    }
    Err(OpError::invalid(format!(
        "the graph inside has {} inputs and {} outputs, expected {inputs} and {outputs}",
        variables.len(),
        flat.heads.len()
    )))
}

fn inside(error: GraphError) -> OpError {
    OpError::invalid(format!("in the graph inside: {error}"))
}
