//! `_while_loop`: a loop that runs while a condition holds.

use super::looped::{Loop, Part, Role};
use super::looped_op::LoopOp;
use super::support::*;
use rsym_graph::*;
use std::sync::Arc;

operator! {
    /// Runs a graph as long as a condition holds: `while cond(vars, others): out[t], vars = func(vars, others)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | vars | any, the same in every step | any |
    /// | out | (max_iterations, ...) behind which are the shapes that `func` gives | as `func` gives |
    /// | final vars | those of the vars | those of the vars |
    ///
    /// Rows of the outputs behind the last step are zero, where MXNet's hold whatever was in memory. Shapes are inferred
    /// without running it, which MXNet cannot. The gradient runs the steps in reverse order and computes each again from the
    /// vars before it; it does not depend on the condition. See `contrib.while_loop`, which makes the graphs.
    #[variadic("num_args")]
    #[graphs(2, parse)]
    pub struct WhileLoop("_while_loop") {
        inputs {
            cond: "The graph of the condition, a single number.",
            func: "The graph of a step, whose outputs are rows of the outputs, and then the vars.",
            data: "The first vars and other inputs.",
        }
        params {
            /// Number of inputs, both graphs included.
            #[range(2..)]
            num_args: i32,
            /// Number of outputs of `func`.
            #[range(1..)]
            num_outputs: i32,
            /// How many of them are rows of an output; the others are vars.
            #[range(0..)]
            num_out_data: i32,
            /// The most steps.
            #[range(1..)]
            max_iterations: i32,
            /// The inputs that the variables of `cond` stand for.
            cond_input_locs: Tuple<i64>,
            /// The inputs that the variables of `func` stand for.
            func_input_locs: Tuple<i64>,
            /// For each var its place among the variables of `func`.
            func_var_locs: Tuple<i64>,
        }
    }
}

fn parse(texts: &ParamTexts, graphs: &[Symbol]) -> Result<OpRef, ParamError> {
    let spec = WhileLoop::from_texts(texts)?;
    let [cond, func] = graphs_of(graphs, "cond, func")?;
    let inputs = count("num_args", spec.num_args - 2)?;
    fits("outputs of cond", 1, cond.len())?;
    fits("num_outputs, the outputs of func", func.len(), count("num_outputs", spec.num_outputs)?)?;
    let rows = count("num_out_data", spec.num_out_data)?;
    fits("num_out_data and func_var_locs together", func.len(), rows + spec.func_var_locs.len())?;
    let cond_inputs = places("cond_input_locs", &spec.cond_input_locs, inputs)?;
    let func_inputs = places("func_input_locs", &spec.func_input_locs, inputs)?;
    fits("cond_input_locs, the variables of cond", cond.list_inputs().len(), cond_inputs.len())?;
    fits("func_input_locs, the variables of func", func.list_inputs().len(), func_inputs.len())?;
    let vars = places("func_var_locs", &spec.func_var_locs, func_inputs.len())?;
    let initial: Vec<usize> = vars.iter().map(|&at| func_inputs[at]).collect();
    if (1..initial.len()).any(|k| initial[..k].contains(&initial[k])) {
        return Err(ParamError::Conflict("func_var_locs must lead to inputs of their own".into()));
    }
    let fixed = |inputs: Vec<usize>| inputs.into_iter().map(Role::Fixed).collect::<Vec<_>>();
    let var = |&i: &usize| initial.iter().position(|&v| v == i).map_or(Role::Fixed(i), Role::State);
    let asked = Part { graph: cond, roles: cond_inputs.iter().map(var).collect() };
    let mut roles = fixed(func_inputs);
    vars.iter().enumerate().for_each(|(k, &at)| roles[at] = Role::State(k));
    let condition = Some((asked, count("max_iterations", spec.max_iterations)?));
    let looped = Loop { body: Part { graph: func, roles }, condition, initial, rows, inputs };
    Ok(Arc::new(LoopOp::new(WhileLoop::DEF, spec.param_texts(), graphs.to_vec(), looped)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::support::tests::{apply, inferred, symbol};

    fn op(changed: (&str, &str)) -> Result<OpRef, ParamError> {
        let (i, x) = (symbol("i"), symbol("x"));
        let cond = apply("abs", &[&symbol("i")]);
        let func = Symbol::group([&apply("broadcast_mul", &[&x, &i]), &apply("negative", &[&i])]);
        let mut texts = ParamTexts::default();
        for (key, text) in [
            ("num_args", "4"),
            ("num_outputs", "2"),
            ("num_out_data", "1"),
            ("max_iterations", "6"),
            ("cond_input_locs", "[0]"),
            ("func_input_locs", "[1, 0]"),
            ("func_var_locs", "[1]"),
            changed,
        ] {
            texts.set(key.to_string(), text.to_string());
        }
        parse(&texts, &[cond, func])
    }

    #[test]
    fn outputs_have_room_for_every_step() {
        let op = op(("max_iterations", "6")).unwrap();
        let shapes = inferred(&*op, &[&[1, 1], &[2, 3]]);
        assert_eq!(shapes, [&[1, 1][..], &[2, 3], &[6, 2, 3], &[1, 1], &[6, 1, 1], &[3]]);
    }

    #[test]
    fn places_that_do_not_fit_the_graphs_are_refused() {
        for changed in [
            ("cond_input_locs", "[]"),
            ("cond_input_locs", "[2]"),
            ("func_input_locs", "[0, 1, 0]"),
            ("func_var_locs", "[2]"),
            ("num_outputs", "3"),
            ("num_out_data", "2"),
        ] {
            assert!(matches!(op(changed), Err(ParamError::Conflict(_))), "{changed:?}");
        }
    }

    #[test]
    fn a_condition_of_several_numbers_is_refused() {
        let op = op(("num_outputs", "2")).unwrap();
        let mut inputs = [[2usize, 1].into(), [2usize, 3].into()];
        let mut outputs = vec![Default::default(); op.num_outputs()];
        let error = op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap_err();
        assert!(error.to_string().contains("single number"), "{error}");
    }
}
