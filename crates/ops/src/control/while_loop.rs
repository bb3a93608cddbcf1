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
