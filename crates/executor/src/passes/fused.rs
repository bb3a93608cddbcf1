//! The operator that fused elementwise operators become.

use rsym_graph::{Ctx, Io, OpError, OpResult, Operator, ShapeIo, TypeIo, internal_operator};
use rsym_kernels::fused::{Operand, Program};
use smallvec::SmallVec;

/// A program of elementwise functions; all outputs have one shape.
#[derive(Debug)]
pub(super) struct Fused {
    pub program: Program,
    pub inputs: usize,
    pub outputs: usize,
    /// Every pair of an input as large as the outputs, and an output.
    pub inplace: Vec<(usize, usize)>,
}

internal_operator!(Fused, "_fused");

impl Operator for Fused {
    fn num_inputs(&self) -> usize {
        self.inputs
    }

    fn num_outputs(&self) -> usize {
        self.outputs
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let mut operands: SmallVec<[Operand; 8]> = SmallVec::new();
        for (i, input) in io.inputs.iter().enumerate() {
            let own = (0..self.outputs).find(|&o| io.is_inplace(i, o));
            operands.push(match own {
                Some(o) => Operand::Out(o),
                None => Operand::Slice(input.slice::<f32>()?),
            });
        }
        let len = io.outputs.first().map_or(0, |t| t.size());
        let outputs = io.outputs.iter_mut().map(|t| t.slice_mut::<f32>());
        let mut outputs: SmallVec<[&mut [f32]; 4]> = outputs.collect::<Result<_, _>>().map_err(OpError::from)?;
        self.program.run(len, &operands, &mut outputs);
        Ok(())
    }

    fn inplace(&self) -> &[(usize, usize)] {
        &self.inplace
    }
}
