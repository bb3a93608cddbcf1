//! The gradient of an input that has none, refused when it is computed.

use rsym_graph::*;

operator! {
    /// Stands for a gradient that does not exist: a graph with it can be made and bound, but running it fails.
    #[hidden(true)]
    pub struct RefusedGradient("_refused_gradient") {
        inputs { data: "The input whose gradient it would be." }
        params {
            /// Name of that input.
            input: String,
        }
    }
}

impl Operator for RefusedGradient {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
        let hint = format!(" for its {}; bind that with grad_req='null' or put BlockGrad around it", self.input);
        Err(OpError::NotDifferentiable(hint))
    }

    fn reads(&self, _: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{run_with, t32};
    use std::sync::Arc;

    #[test]
    fn running_it_fails_in_words() {
        let error = run_with(&RefusedGradient { input: "data".into() }, &[t32([1], &[0.0])], &Ctx::default());
        assert!(error.unwrap_err().to_string().contains("has no gradient for its data"));
    }

    #[test]
    fn graphs_with_indices_that_want_a_gradient_can_be_made() {
        let op = registry().make("Embedding", &[("input_dim", "2"), ("output_dim", "3")]).unwrap();
        let variables = ["data", "weight"].map(|n| Node::variable(n, Default::default()));
        let entries = variables.iter().map(|v| Entry::new(v, 0)).collect::<Vec<_>>();
        let node = Node::operator("op", op, Default::default(), Default::default(), entries);
        let head = Entry::new(&Node::variable("head", Default::default()), 0);
        let found = gradients(registry(), &[Entry::new(&node, 0)], &[Some(head)], &variables).unwrap();
        let ops: Vec<String> = found.iter().map(|e| e.as_ref().unwrap().node.op_name()).collect();
        assert_eq!(ops, ["_refused_gradient", "_backward_Embedding"]);
        assert!(Arc::ptr_eq(&variables[0], &found[0].as_ref().unwrap().node.inputs()[0].node));
    }
}
