//! `depth_to_space` and `space_to_depth`: channels as blocks of pixels.

use super::moves::{moving, undone_by};
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::PartialShape;

operator! {
    /// Moves blocks of channels into the picture; the inverse of `space_to_depth`.
    ///
    /// `out[n, c, y·b + i, x·b + j] = data[n, (i·b + j)·C + c, y, x]` with b the block size and C the channels of the output.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w), c divisible by b² | any |
    /// | output | (n, c / b², h · b, w · b) | that of data |
    pub struct DepthToSpace("depth_to_space") {
        inputs { data: "The input." }
        params {
            /// Side of the blocks.
            #[range(1..)]
            block_size: i32,
        }
    }
}

operator! {
    /// Moves blocks of pixels into the channels; the inverse of `depth_to_space`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w), h and w divisible by the block size b | any |
    /// | output | (n, c · b², h / b, w / b) | that of data |
    pub struct SpaceToDepth("space_to_depth") {
        inputs { data: "The input." }
        params {
            /// Side of the blocks.
            #[range(1..)]
            block_size: i32,
        }
    }
}

/// Shapes of the deep and of the wide side, given what is known of both.
fn infer_sides(io: &mut ShapeIo, deep: Port, wide: Port, block: usize) -> OpResult {
    io.set_input(0, PartialShape::of_rank(4))?;
    if io.inputs[0].dims().is_some_and(|dims| dims.contains(&Some(0))) {
        return Err(OpError::invalid(format!("data must not be empty, got shape {}", io.inputs[0])));
    }
    io.set_output(0, PartialShape::of_rank(4))?;
    let square = block.saturating_mul(block);
    let shape = |io: &ShapeIo, port| match port {
        Port::Input(i) => io.inputs[i].clone(),
        Port::Output(i) => io.outputs[i].clone(),
    };
    let over = |dim: Option<usize>, by: usize, what: &str| match dim {
        Some(d) if d % by != 0 => Err(OpError::invalid(format!("{what} must be divisible by {by}, got {d}"))),
        dim => Ok(dim.map(|d| d / by)),
    };
    let times = |dim: Option<usize>, by: usize| dim.map(|d| d.saturating_mul(by));
    let (d, w) = (shape(io, deep), shape(io, wide));
    let to_wide = [d.dim(0), over(d.dim(1), square, "channels")?, times(d.dim(2), block), times(d.dim(3), block)];
    let to_deep =
        [w.dim(0), times(w.dim(1), square), over(w.dim(2), block, "height")?, over(w.dim(3), block, "width")?];
    for (port, dims) in [(wide, to_wide), (deep, to_deep)] {
        match port {
            Port::Input(i) => io.set_input(i, PartialShape::partial(dims))?,
            Port::Output(i) => io.set_output(i, PartialShape::partial(dims))?,
        }
    }
    Ok(())
}

fn four(dims: &[usize]) -> OpResult<[usize; 4]> {
    dims.try_into().map_err(|_| OpError::invalid("data must have four dimensions"))
}

impl Operator for DepthToSpace {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_sides(io, Port::Input(0), Port::Output(0), self.block_size as usize)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let block = self.block_size as usize;
        moving!(io, |src, dims, out| arrange::depth_to_space(src, four(dims)?, block, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        undone_by(g, SpaceToDepth { block_size: self.block_size })
    }
}

impl Operator for SpaceToDepth {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_sides(io, Port::Output(0), Port::Input(0), self.block_size as usize)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let block = self.block_size as usize;
        moving!(io, |src, dims, out| arrange::space_to_depth(src, four(dims)?, block, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        undone_by(g, DepthToSpace { block_size: self.block_size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, sample};
    use rsym_tensor::DType;

    #[test]
    fn one_undoes_the_other() {
        let x = sample(&[2, 8, 1, 3].into(), DType::Float32, 5);
        let wide = run(&DepthToSpace { block_size: 2 }, std::slice::from_ref(&x));
        // Pixel (0, 1) of the first block is channel 1 · 2 + 0.
        assert_eq!(wide[0].get_f64(1), x.get_f64(2 * 3));
        assert_eq!(run(&SpaceToDepth { block_size: 2 }, &wide)[0].to_f64_vec(), x.to_f64_vec());
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        let op = DepthToSpace { block_size: 2 };
        assert_eq!(infer(&op, &[&[0, 4, 2, 2]], &[]).unwrap()[1], [0, 1, 4, 4]);
        assert_eq!(infer(&op, &[&[]], &[&[1, 2, 4, 6]]).unwrap()[0], [1, 8, 2, 3]);
        assert!(infer(&op, &[&[1, 3, 2, 2]], &[]).is_err());
        assert!(infer(&op, &[&[4, 2, 2]], &[]).is_err());
        assert!(infer(&SpaceToDepth { block_size: 2 }, &[&[1, 2, 3, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&DepthToSpace { block_size: 2 }, &[[1, 4, 1, 2].into()], DType::Float64);
        check_gradient(&SpaceToDepth { block_size: 2 }, &[[1, 1, 2, 4].into()], DType::Float64);
    }
}
