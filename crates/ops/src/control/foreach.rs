//! `_foreach`: a loop over the rows of arrays.

use super::looped::{Loop, Part, Role};
use super::looped_op::LoopOp;
use super::support::*;
use rsym_graph::*;
use std::sync::Arc;

operator! {
    /// Runs a graph once for every row of some arrays: `out[t], states = body(data[t], states, others)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, ...), n being common to all; a row of (n,) has shape (1,) | any |
    /// | states | any | any |
    /// | out | (n, ...) behind which are the shapes that the body gives | as the body gives |
    /// | final states | those of the states | those of the states |
    ///
    /// Shapes and types go through the body in both directions. The gradient runs the steps in reverse order and computes
    /// each again from the states before it. Auxiliary states of the body, such as those of BatchNorm, are arguments
    /// outside of the loop, and are written in place. Unlike MXNet, a loop runs in training mode wherever its
    /// executor does, and a body with auxiliary states can be trained. See `contrib.foreach`, which makes the graph.
    #[variadic("num_args")]
    #[graphs(1, parse)]
    pub struct Foreach("_foreach") {
        inputs {
            r#fn: "The graph of a step, whose outputs are rows of the outputs, and then the states.",
            data: "The arrays that are run through, the first states, and other inputs.",
        }
        params {
            /// Number of inputs, the graph included.
            #[range(1..)]
            num_args: i32,
            /// Number of outputs of the graph.
            num_outputs: i32,
            /// How many of them are rows of an output; the others are states.
            num_out_data: i32,
            /// For each state its place among the variables of the graph.
            in_state_locs: Tuple<i64>,
            /// For each array that is run through, the place of its rows there.
            in_data_locs: Tuple<i64>,
            /// The places of the other inputs there.
            remain_locs: Tuple<i64>,
        }
    }
}

fn parse(texts: &ParamTexts, graphs: &[Symbol]) -> Result<OpRef, ParamError> {
    let spec = Foreach::from_texts(texts)?;
    let [body] = graphs_of(graphs, "fn")?;
    let inputs = body.list_inputs().len();
    fits("num_args, one more than the variables of the graph", inputs + 1, count("num_args", spec.num_args)?)?;
    fits("num_outputs, the outputs of the graph", body.len(), count("num_outputs", spec.num_outputs)?)?;
    let rows = count("num_out_data", spec.num_out_data)?;
    fits("num_out_data and in_state_locs together", body.len(), rows + spec.in_state_locs.len())?;
    if spec.in_data_locs.is_empty() {
        return Err(ParamError::Conflict("in_data_locs must not be empty".into()));
    }
    let data = places("in_data_locs", &spec.in_data_locs, inputs)?;
    let states = places("in_state_locs", &spec.in_state_locs, inputs)?;
    let others = places("remain_locs", &spec.remain_locs, inputs)?;
    let first_other = data.len() + states.len();
    let mut roles: Vec<Option<Role>> = vec![None; inputs];
    data.iter().enumerate().for_each(|(i, &at)| roles[at] = Some(Role::Row(i)));
    states.iter().enumerate().for_each(|(k, &at)| roles[at] = Some(Role::State(k)));
    others.iter().enumerate().for_each(|(i, &at)| roles[at] = Some(Role::Fixed(first_other + i)));
    let roles: Vec<Role> = roles.into_iter().flatten().collect();
    if roles.len() != inputs || first_other + others.len() != inputs {
        let what = "in_data_locs, in_state_locs and remain_locs must name each variable of the graph once";
        return Err(ParamError::Conflict(what.into()));
    }
    let initial = (data.len()..first_other).collect();
    let looped = Loop { body: Part { graph: body, roles }, condition: None, initial, rows, inputs };
    Ok(Arc::new(LoopOp::new(Foreach::DEF, spec.param_texts(), graphs.to_vec(), looped)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::support::tests::{inferred, symbol};

    fn op(locs: [&str; 3]) -> Result<OpRef, ParamError> {
        let (row, state, w) = (symbol("row"), symbol("state"), symbol("w"));
        let product = crate::control::support::tests::apply("broadcast_mul", &[&row, &w]);
        let sum = crate::control::support::tests::apply("elemwise_add", &[&product, &state]);
        let texts = [("num_args", "4"), ("num_outputs", "2"), ("num_out_data", "1")];
        let keys = ["in_data_locs", "in_state_locs", "remain_locs"];
        let texts = texts.into_iter().chain(keys.into_iter().zip(locs));
        let texts = ParamTexts(texts.map(|(k, v)| (k.to_string().into(), v.to_string())).collect());
        parse(&texts, &[Symbol::group([&sum, &sum])])
    }

    #[test]
    fn rows_get_a_dimension_and_states_keep_their_shape() {
        let op = op(["[0]", "[2]", "[1]"]).unwrap();
        assert_eq!((op.num_inputs(), op.num_visible(), op.num_outputs()), (3, 2, 4));
        let shapes = inferred(&*op, &[&[5, 2, 3], &[], &[1, 3]]);
        assert_eq!(shapes, [&[5, 2, 3][..], &[2, 3], &[1, 3], &[5, 2, 3], &[2, 3], &[5, 2, 3], &[3]]);
        let vector = inferred(&*op, &[&[5], &[], &[1]]);
        assert_eq!(vector, [&[5][..], &[1], &[1], &[5, 1], &[1], &[5, 1], &[3]]);
    }

    #[test]
    fn every_variable_of_the_body_has_one_place() {
        for locs in [["[0]", "[0]", "[1]"], ["[0]", "[2]", "[]"], ["[]", "[2]", "[0, 1]"], ["[0]", "[2]", "[9]"]] {
            assert!(matches!(op(locs), Err(ParamError::Conflict(_))), "{locs:?}");
        }
    }

    #[test]
    fn inference_does_without_the_hidden_outputs() {
        let op = op(["[0]", "[2]", "[1]"]).unwrap();
        assert!(op.without_outputs(&[2]).is_none());
        let short = op.without_outputs(&[2, 3]).unwrap();
        assert_eq!((short.num_outputs(), short.num_visible()), (2, 2));
        assert_eq!(inferred(&*short, &[&[5, 2], &[2], &[2]])[3], [5, 2]);
    }
}
