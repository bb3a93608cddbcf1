//! `GridGenerator`, `BilinearSampler` and `SpatialTransformer`: pictures sampled at free positions
//! (M. Jaderberg et al., "Spatial Transformer Networks", 2015).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::sampling::{Sampling, bilinear_sample, bilinear_sample_backward_data, bilinear_sample_backward_grid};
use rsym_tensor::{Float, PartialShape, Shape, Tensor, dispatch_float};

enum_param! {
    /// What a grid is made from.
    pub enum GridKind { Affine = "affine", Warp = "warp" }
}

enum_param! {
    /// The transformation of a spatial transformer.
    pub enum TransformKind { Affine = "affine" }
}

enum_param! {
    /// How a spatial transformer samples.
    pub enum SamplerKind { Bilinear = "bilinear" }
}

operator! {
    /// Makes grids of positions for `BilinearSampler`, from affine transformations or from a flow.
    ///
    /// With `affine`, data holds the six numbers of 2 by 3 matrices, and `out[n, :, i, j] = data[n] · (x_j, y_i, 1)`, where x and y run
    /// evenly from -1 to 1. With `warp`, data holds how far each pixel moves: `out[n, 0, i, j] = (data[n, 0, i, j] + j) * 2 / (w - 1) - 1`,
    /// and likewise for y.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, 6) for affine, (n, 2, h, w) for warp | float |
    /// | output | (n, 2, h, w): x, then y, from -1 to 1 | that of data |
    pub struct GridGenerator("GridGenerator") {
        inputs { data: "Affine matrices, or a flow." }
        params {
            /// What data holds: `affine` matrices or a flow to `warp` by.
            transform_type: GridKind,
            /// Height and width of the grid; needed for `affine`.
            target_shape: Tuple = [0i64, 0].into_iter().collect(),
        }
    }
}

operator! {
    /// The gradient of `GridGenerator`.
    #[hidden(true)]
    pub struct GridGeneratorBackward("_backward_GridGenerator") {
        inputs { ograd: "Gradient of the output." }
        params {
            /// As in `GridGenerator`.
            transform_type: GridKind,
        }
    }
}

operator! {
    /// Samples pictures at the positions of a grid, bilinearly; beyond the border they are 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | grid | (n, 2, h', w'): x, then y; -1 is the first pixel and 1 the last | that of data |
    /// | output | (n, c, h', w') | that of data |
    pub struct BilinearSampler("BilinearSampler") {
        inputs { data: "The pictures.", grid: "The positions." }
        params {
            /// Ignored: there is no cuDNN here.
            cudnn_off: Option<bool> = None,
        }
    }
}

operator! {
    /// The gradients of `BilinearSampler`.
    #[hidden(true)]
    pub struct BilinearSamplerBackward("_backward_BilinearSampler") {
        inputs { ograd: "Gradient of the output.", data: "The pictures.", grid: "The positions." }
        params {}
    }
}

operator! {
    /// Transforms pictures by affine matrices: `BilinearSampler(data, GridGenerator(loc))`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | loc | (n, 6) | that of data |
    /// | output | (n, c, h', w') with h', w' from `target_shape` | that of data |
    pub struct SpatialTransformer("SpatialTransformer") {
        inputs { data: "The pictures.", loc: "The affine matrices." }
        params {
            /// Height and width of the output.
            target_shape: Tuple = [0i64, 0].into_iter().collect(),
            /// The transformation: `affine`.
            transform_type: TransformKind,
            /// The way of sampling: `bilinear`.
            sampler_type: SamplerKind,
            /// Ignored: there is no cuDNN here.
            cudnn_off: Option<bool> = None,
        }
    }
}

/// Height and width of an affine grid.
fn target(shape: &Tuple) -> OpResult<[usize; 2]> {
    let side = |i: usize| shape.get(i).and_then(|&d| usize::try_from(d).ok()).filter(|&d| d > 0);
    match (side(0), side(1), shape.len()) {
        (Some(h), Some(w), 2) => Ok([h, w]),
        _ => {
            Err(OpError::invalid(format!("target_shape must be (height, width), both positive; got {}", shape.text())))
        }
    }
}

/// Position `i` of `extent` between -1 and 1.
fn even(i: usize, extent: usize) -> f64 {
    -1.0 + 2.0 * i as f64 / (extent as f64 - 1.0).max(1.0)
}

fn affine_grid<T: Float>(matrices: &[T], [h, w]: [usize; 2], out: &mut [T]) {
    for (matrix, grid) in matrices.chunks_exact(6).zip(out.chunks_exact_mut(2 * h * w)) {
        for (at, value) in grid.iter_mut().enumerate() {
            let row = &matrix[at / (h * w) * 3..][..3];
            let (x, y) = (even(at % w, w), even(at / w % h, h));
            *value = T::from_f64(row[0].to_f64() * x + row[1].to_f64() * y + row[2].to_f64());
        }
    }
}

fn affine_grid_backward<T: Float>(grad: &[T], [h, w]: [usize; 2], out: &mut [T]) {
    for (row, sums) in grad.chunks_exact(h * w).zip(out.chunks_exact_mut(3)) {
        let mut acc = [0f64; 3];
        for (at, g) in row.iter().enumerate() {
            let terms = [even(at % w, w), even(at / w, h), 1.0];
            acc.iter_mut().zip(terms).for_each(|(a, t)| *a += g.to_f64() * t);
        }
        sums.iter_mut().zip(acc).for_each(|(o, a)| *o = T::from_f64(a));
    }
}

/// `f(value, pixel, 2 / (extent - 1))` for every element of a flow of height and width `sides`.
fn each_flow<T: Float>(src: &[T], [h, w]: [usize; 2], out: &mut [T], f: impl Fn(f64, usize, f64) -> f64) {
    for (at, (value, o)) in src.iter().zip(out).enumerate() {
        let horizontal = at / (h * w) % 2 == 0;
        let (pixel, extent) = if horizontal { (at % w, w) } else { (at / w % h, h) };
        *o = T::from_f64(f(value.to_f64(), pixel, 2.0 / (extent as f64 - 1.0).max(1.0)));
    }
}

fn sides(shape: &Shape) -> [usize; 2] {
    let at = |back: usize| shape.len().checked_sub(back).map_or(1, |i| shape[i]);
    [at(2), at(1)]
}

impl GridGenerator {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let sides = sides(out.shape());
        match self.transform_type {
            GridKind::Affine => affine_grid::<T>(data.slice()?, sides, out.slice_mut()?),
            GridKind::Warp => {
                each_flow::<T>(data.slice()?, sides, out.slice_mut()?, |v, pixel, unit| (v + pixel as f64) * unit - 1.0)
            }
        }
        Ok(())
    }
}

impl Operator for GridGenerator {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if self.transform_type == GridKind::Warp {
            io.set_input(0, PartialShape::partial([None, Some(2), None, None]))?;
            return io.same();
        }
        let [h, w] = target(&self.target_shape)?;
        let rows = io.inputs[0].dim(0).or(io.outputs[0].dim(0));
        io.set_input(0, PartialShape::partial([rows, Some(6)]))?;
        io.set_output(0, PartialShape::partial([rows, Some(2), Some(h), Some(w)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(GridGeneratorBackward { transform_type: self.transform_type }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl GridGeneratorBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (head, out) = io.pair(0, 0);
        let sides = sides(head.shape());
        match self.transform_type {
            GridKind::Affine => affine_grid_backward::<T>(head.slice()?, sides, out.slice_mut()?),
            GridKind::Warp => each_flow::<T>(head.slice()?, sides, out.slice_mut()?, |v, _, unit| v * unit),
        }
        Ok(())
    }
}

impl Operator for GridGeneratorBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        match self.transform_type {
            GridKind::Warp => io.same(),
            GridKind::Affine => {
                let rows = io.inputs[0].dim(0);
                io.set_output(0, PartialShape::partial([rows, Some(6)]))
            }
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

fn sampling(data: &Tensor, points: usize) -> OpResult<Sampling> {
    match data.shape()[..] {
        [_, channels, height, width] => Ok(Sampling { channels, height, width, points }),
        _ => Err(OpError::invalid("data must have four dimensions")),
    }
}

fn sample<T: Float>(io: &mut Io) -> OpResult {
    let (data, grid) = (&io.inputs[0], &io.inputs[1]);
    let sampling = sampling(data, grid.shape().product(2..))?;
    bilinear_sample::<T>(sampling, data.slice()?, grid.slice()?, io.outputs[0].slice_mut()?);
    Ok(())
}

fn sample_backward<T: Float>(io: &mut Io) -> OpResult {
    let [head, data, grid] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
    let sampling = sampling(data, grid.shape().product(2..))?;
    let (head, pixels, places) = (head.slice::<T>()?, data.slice::<T>()?, grid.slice::<T>()?);
    bilinear_sample_backward_data(sampling, head, places, io.outputs[0].slice_mut::<T>()?);
    bilinear_sample_backward_grid(sampling, head, pixels, places, io.outputs[1].slice_mut::<T>()?);
    Ok(())
}

impl Operator for BilinearSampler {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (data, grid, out) = (io.inputs[0].clone(), io.inputs[1].clone(), io.outputs[0].clone());
        let batch = data.dim(0).or(grid.dim(0)).or(out.dim(0));
        let (h, w) = (grid.dim(2).or(out.dim(2)), grid.dim(3).or(out.dim(3)));
        io.set_input(0, PartialShape::partial([batch, out.dim(1), None, None]))?;
        io.set_input(1, PartialShape::partial([batch, Some(2), h, w]))?;
        let channels = io.inputs[0].dim(1);
        io.set_output(0, PartialShape::partial([batch, channels, h, w]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => sample::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        let gradients = g.apply_multi(BilinearSamplerBackward {}, &inputs);
        gradients.into_iter().enumerate().for_each(|(i, gradient)| g.set(i, gradient));
        Ok(())
    }
}

impl Operator for BilinearSamplerBackward {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])?;
        io.unify([Port::Input(2), Port::Output(1)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => sample_backward::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl SpatialTransformer {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, loc) = (&io.inputs[0], &io.inputs[1]);
        let [h, w] = target(&self.target_shape)?;
        let mut grid = vec![T::default(); loc.shape()[0] * 2 * h * w];
        affine_grid::<T>(loc.slice()?, [h, w], &mut grid);
        let sampling = sampling(data, h * w)?;
        bilinear_sample(sampling, data.slice::<T>()?, &grid, io.outputs[0].slice_mut::<T>()?);
        Ok(())
    }
}

impl Operator for SpatialTransformer {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let [h, w] = target(&self.target_shape)?;
        let batch = io.inputs[0].dim(0).or(io.inputs[1].dim(0)).or(io.outputs[0].dim(0));
        let channels = io.inputs[0].dim(1).or(io.outputs[0].dim(1));
        io.set_input(0, PartialShape::partial([batch, channels, None, None]))?;
        io.set_input(1, PartialShape::partial([batch, Some(6)]))?;
        io.set_output(0, PartialShape::partial([batch, channels, Some(h), Some(w)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, data, loc) = (g.head(0)?, g.input(0), g.input(1));
        let grids = GridGenerator { transform_type: GridKind::Affine, target_shape: self.target_shape.clone() };
        let grid = g.apply(grids, &[loc]);
        let gradients = g.apply_multi(BilinearSamplerBackward {}, &[head, data, grid]);
        let back = GridGeneratorBackward { transform_type: GridKind::Affine };
        let matrices = g.apply(back, &gradients[1..]);
        g.set(0, gradients[0].clone());
        g.set(1, matrices);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, check_gradient_at, infer, run, sample, t32};
    use rsym_tensor::DType;

    fn grids(transform_type: GridKind) -> GridGenerator {
        GridGenerator { transform_type, target_shape: [2i64, 3].into_iter().collect() }
    }

    fn transformer() -> SpatialTransformer {
        SpatialTransformer {
            target_shape: [2i64, 3].into_iter().collect(),
            transform_type: TransformKind::Affine,
            sampler_type: SamplerKind::Bilinear,
            cudnn_off: None,
        }
    }

    // MXNet 1.9.1: the same calls.
    #[test]
    fn grids_of_mxnet() {
        let out = run(&grids(GridKind::Affine), &[t32([1, 6], &[1.0, 0.0, 0.2, 0.0, 1.0, -0.1])]).remove(0);
        assert_close(&out, &[-0.8, 0.2, 1.2, -0.8, 0.2, 1.2, -1.1, -1.1, -1.1, 0.9, 0.9, 0.9]);
        let out = run(&grids(GridKind::Warp), &[t32([1, 2, 2, 3], &[1.0; 12])]).remove(0);
        assert_close(&out, &[0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0]);
    }

    #[test]
    fn the_unit_matrix_changes_nothing() {
        let data = crate::support::tests::sample(&[1, 2, 2, 3].into(), DType::Float32, 4);
        let unit = t32([1, 6], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_close(&run(&transformer(), &[data.clone(), unit])[0], &data.to_f64_vec());
    }

    #[test]
    fn shapes_flow() {
        assert_eq!(infer(&transformer(), &[&[2, 3, 8, 9], &[]], &[]).unwrap()[1..], [vec![2, 6], vec![2, 3, 2, 3]]);
        let sampler = BilinearSampler { cudnn_off: None };
        assert_eq!(infer(&sampler, &[&[1, 2, 3, 4], &[0, 2, 5, 6]], &[]).unwrap()[1..], [[1, 2, 5, 6], [1, 2, 5, 6]]);
        assert!(infer(&grids(GridKind::Affine), &[&[2, 2, 3]], &[]).is_err());
        let open = GridGenerator { transform_type: GridKind::Affine, target_shape: [0i64, 0].into_iter().collect() };
        assert!(infer(&open, &[&[2, 6]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&grids(GridKind::Affine), &[[2, 6].into()], DType::Float64);
        check_gradient(&grids(GridKind::Warp), &[[1, 2, 2, 3].into()], DType::Float64);
        let shapes = [[1, 2, 3, 4].into(), [1, 2, 2, 3].into()];
        check_gradient(&BilinearSampler { cudnn_off: None }, &shapes, DType::Float64);
        let data = sample(&[1, 2, 3, 4].into(), DType::Float64, 2);
        let loc = Tensor::from_slice([1, 6], &[0.9f64, 0.13, 0.07, -0.11, 0.83, 0.03]).unwrap();
        check_gradient_at(&transformer(), &[data, loc]);
    }
}
