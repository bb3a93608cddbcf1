//! `_cond`: one of two graphs, chosen by a third.

use super::branch::{Branch, BranchOp};
use super::support::*;
use rsym_graph::*;
use std::sync::Arc;

operator! {
    /// Runs one of two graphs: `then_branch(inputs)` if `cond(inputs)` is not zero, else `else_branch(inputs)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | inputs | any | any |
    /// | each output | as both branches give | as both branches give |
    ///
    /// Shapes are inferred without running it, which MXNet cannot: both branches must give the same. The gradient is that of
    /// the branch that ran; it does not depend on the condition. See `contrib.cond`, which makes the graphs.
    #[variadic("num_args")]
    #[graphs(3, parse)]
    pub struct Cond("_cond") {
        inputs {
            cond: "The graph of the condition, a single number.",
            then_branch: "The graph that runs if the condition is not zero.",
            else_branch: "The graph that runs if the condition is zero.",
            data: "The inputs of the three.",
        }
        params {
            /// Number of inputs, the three graphs included.
            #[range(3..)]
            num_args: i32,
            /// Number of outputs of each branch.
            #[range(1..)]
            num_outputs: i32,
            /// The inputs that the variables of `cond` stand for.
            cond_input_locs: Tuple<i64>,
            /// The inputs that the variables of `then_branch` stand for.
            then_input_locs: Tuple<i64>,
            /// The inputs that the variables of `else_branch` stand for.
            else_input_locs: Tuple<i64>,
        }
    }
}

fn parse(texts: &ParamTexts, graphs: &[Symbol]) -> Result<OpRef, ParamError> {
    let spec = Cond::from_texts(texts)?;
    let parts = graphs_of::<3>(graphs, "cond, then_branch, else_branch")?;
    let inputs = count("num_args", spec.num_args - 3)?;
    let outputs = count("num_outputs", spec.num_outputs)?;
    let locs = [
        ("cond_input_locs", &spec.cond_input_locs, 1),
        ("then_input_locs", &spec.then_input_locs, outputs),
        ("else_input_locs", &spec.else_input_locs, outputs),
    ];
    let mut branches = Vec::with_capacity(parts.len());
    for (graph, (key, locs, outputs)) in parts.into_iter().zip(locs) {
        let inputs = places(key, locs, inputs)?;
        fits(&format!("outputs of the graph of {key}"), outputs, graph.len())?;
        fits(&format!("{key}, the variables of its graph"), graph.list_inputs().len(), inputs.len())?;
        branches.push(Branch { graph, inputs });
    }
    let [cond, then, otherwise] = &mut branches[..] else {
        return Err(ParamError::Conflict("there are three graphs".into()));
    };
    let take = |b: &mut Branch| Branch { graph: b.graph.clone(), inputs: std::mem::take(&mut b.inputs) };
    let parts = [take(cond), take(then), take(otherwise)];
    Ok(Arc::new(BranchOp::new(Cond::DEF, spec.param_texts(), graphs.to_vec(), parts, inputs, outputs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::support::tests::{apply, inferred, symbol};

    fn op(then_locs: &str) -> Result<OpRef, ParamError> {
        let cond = apply("abs", &[&symbol("p")]);
        let then = apply("elemwise_add", &[&symbol("a"), &symbol("b")]);
        let otherwise = apply("negative", &[&symbol("b")]);
        let mut texts = ParamTexts::default();
        for (key, text) in [
            ("num_args", "6"),
            ("num_outputs", "1"),
            ("cond_input_locs", "[0]"),
            ("then_input_locs", then_locs),
            ("else_input_locs", "[2]"),
        ] {
            texts.set(key.to_string(), text.to_string());
        }
        parse(&texts, &[cond, then, otherwise])
    }

    #[test]
    fn shapes_go_from_one_branch_to_the_other() {
        let op = op("[1, 2]").unwrap();
        assert_eq!(inferred(&*op, &[&[1], &[2, 3], &[]]), [&[1][..], &[2, 3], &[2, 3], &[2, 3], &[3]]);
        assert_eq!(op.num_visible(), 1);
    }

    #[test]
    fn places_that_do_not_fit_the_graphs_are_refused() {
        for locs in ["[1]", "[1, 3]", "[1, -1]"] {
            assert!(matches!(op(locs), Err(ParamError::Conflict(_))), "{locs}");
        }
    }
}
