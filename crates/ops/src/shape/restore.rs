//! Gradients of operators that change nothing but the shape.

use super::moves::hand_on;
use rsym_graph::*;

operator! {
    /// Gives a gradient the shape of the input that it belongs to.
    #[hidden(true)]
    pub struct Restore("_backward_reshape") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {}
    }
}

impl Operator for Restore {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        hand_on(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        restore(g)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

/// Gives the arriving gradient the shape of input 0.
pub(crate) fn restore(g: &mut Grad) -> GraphResult {
    let inputs = [g.head(0)?, g.input(0)];
    let gradient = g.apply(Restore {}, &inputs);
    g.set(0, gradient);
    Ok(())
}
