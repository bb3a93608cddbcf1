//! What operators are told, and tell, of shapes and types while a graph is being inferred.

use crate::{OpError, OpResult, Port};
use rsym_tensor::{DType, PartialShape, Shape};

/// Shapes of an operator's inputs and outputs while they are being inferred.
pub struct ShapeIo<'a> {
    /// What is known of the inputs.
    pub inputs: &'a mut [PartialShape],
    /// What is known of the outputs.
    pub outputs: &'a mut [PartialShape],
}

impl ShapeIo<'_> {
    /// Takes in knowledge of an input.
    pub fn set_input(&mut self, i: usize, shape: impl Into<PartialShape>) -> OpResult {
        merge(&mut self.inputs[i], &shape.into(), Port::Input(i))
    }

    /// Takes in knowledge of an output.
    pub fn set_output(&mut self, i: usize, shape: impl Into<PartialShape>) -> OpResult {
        merge(&mut self.outputs[i], &shape.into(), Port::Output(i))
    }

    /// Makes all given ports agree, part by part: the rule of elementwise operators.
    pub fn unify(&mut self, ports: impl IntoIterator<Item = Port> + Clone) -> OpResult {
        let mut known = PartialShape::unknown();
        for port in ports.clone() {
            let here = self.port(port);
            known.unify(here).map_err(|_| mismatch(port, &known, here))?;
        }
        ports.into_iter().try_for_each(|port| merge(self.port(port), &known, port))
    }

    /// Makes every input and output agree.
    pub fn same(&mut self) -> OpResult {
        self.unify((0..self.inputs.len()).map(Port::Input).chain((0..self.outputs.len()).map(Port::Output)))
    }

    /// The complete shape of input `i`, if it is known.
    pub fn input(&self, i: usize) -> Option<Shape> {
        self.inputs[i].complete()
    }

    /// The complete shape of output `i`, if it is known.
    pub fn output(&self, i: usize) -> Option<Shape> {
        self.outputs[i].complete()
    }

    fn port(&mut self, port: Port) -> &mut PartialShape {
        match port {
            Port::Input(i) => &mut self.inputs[i],
            Port::Output(i) => &mut self.outputs[i],
        }
    }
}

fn mismatch(port: Port, expected: &PartialShape, got: &PartialShape) -> OpError {
    OpError::Mismatch { port, expected: format!("shape {expected}"), got: got.to_string() }
}

fn merge(slot: &mut PartialShape, shape: &PartialShape, port: Port) -> OpResult {
    slot.unify(shape).map(|_| ()).map_err(|_| mismatch(port, shape, slot))
}

/// Data types of an operator's inputs and outputs while they are being inferred.
pub struct TypeIo<'a> {
    /// What is known of the inputs.
    pub inputs: &'a mut [Option<DType>],
    /// What is known of the outputs.
    pub outputs: &'a mut [Option<DType>],
}

impl TypeIo<'_> {
    /// Takes in knowledge of an input.
    pub fn set_input(&mut self, i: usize, dtype: DType) -> OpResult {
        merge_type(&mut self.inputs[i], dtype, Port::Input(i))
    }

    /// Takes in knowledge of an output.
    pub fn set_output(&mut self, i: usize, dtype: DType) -> OpResult {
        merge_type(&mut self.outputs[i], dtype, Port::Output(i))
    }

    /// Makes the given inputs and outputs share one type, in both directions.
    pub fn unify(&mut self, inputs: &[usize], outputs: &[usize]) -> OpResult {
        let known =
            inputs.iter().find_map(|&i| self.inputs[i]).or_else(|| outputs.iter().find_map(|&o| self.outputs[o]));
        let Some(dtype) = known else { return Ok(()) };
        inputs.iter().try_for_each(|&i| self.set_input(i, dtype))?;
        outputs.iter().try_for_each(|&o| self.set_output(o, dtype))
    }

    /// Makes all inputs and outputs share one type.
    pub fn same(&mut self) -> OpResult {
        let Some(dtype) = self.inputs.iter().chain(&*self.outputs).copied().find_map(|d| d) else { return Ok(()) };
        (0..self.inputs.len()).try_for_each(|i| self.set_input(i, dtype))?;
        (0..self.outputs.len()).try_for_each(|o| self.set_output(o, dtype))
    }
}

fn merge_type(slot: &mut Option<DType>, dtype: DType, port: Port) -> OpResult {
    match *slot {
        Some(got) if got != dtype => {
            Err(OpError::Mismatch { port, expected: format!("type {dtype}"), got: got.to_string() })
        }
        _ => {
            *slot = Some(dtype);
            Ok(())
        }
    }
}
