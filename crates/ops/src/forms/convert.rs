//! The way of images into blocks of channels and back.

use super::planes_shape;
use rsym_graph::*;
use rsym_kernels::conv::blocked;

/// Planes to blocks.
#[derive(Debug, Clone)]
pub struct ToBlocked;

/// Blocks to planes.
#[derive(Debug, Clone)]
pub struct FromBlocked;

internal_operator!(ToBlocked, "_to_blocked");
internal_operator!(FromBlocked, "_from_blocked");

type Convert = fn(usize, usize, usize, &[f32], &mut [f32]);

fn convert(io: &mut Io, run: Convert) -> OpResult {
    let shape = planes_shape(io.inputs[0].shape());
    let (data, out) = io.pair(0, 0);
    run(shape[0], shape[1], shape[2] * shape[3], data.slice()?, out.slice_mut()?);
    Ok(())
}

impl Operator for ToBlocked {
    fn num_inputs(&self) -> usize {
        1
    }
    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }
    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        convert(io, blocked::to_blocked)
    }
}

impl Operator for FromBlocked {
    fn num_inputs(&self) -> usize {
        1
    }
    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }
    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        convert(io, blocked::from_blocked)
    }
}
