//! `im2col` and `col2im`: the contents of sliding windows as columns, and sums of columns in their places.

use super::spatial::Windows;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::conv::{fold, unfold};
use rsym_kernels::window::Window;
use rsym_tensor::{PartialShape, Shape, dispatch_float};

operator! {
    /// Puts the contents of sliding windows into columns: with it a convolution is a product of matrices.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, x), (batch, channels, y, x) or (batch, channels, z, y, x) | float |
    /// | output | (batch, channels · taps, windows) | that of data |
    ///
    /// Rows are ordered by channel, then by tap; columns by window. Padding gives zeros. MXNet computes two spatial
    /// dimensions only.
    #[check(|op: &Im2col| op.windows().map(drop))]
    pub struct Im2col("im2col") {
        inputs { data: "The input." }
        params {
            /// Extents of the window: (x,), (y, x) or (z, y, x).
            kernel: Tuple,
            /// Distance of two windows in each dimension; 1 if left out.
            stride: Tuple = Tuple::new(),
            /// Distance of two taps in each dimension; 1 if left out.
            dilate: Tuple = Tuple::new(),
            /// Zeros on both sides of each dimension; none if left out.
            pad: Tuple = Tuple::new(),
        }
    }
}

operator! {
    /// Adds the columns of window contents to the places that they come from: the transpose of `im2col`, and its gradient.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels · taps, windows) | float |
    /// | output | (batch, channels, …), then `output_size` | that of data |
    ///
    /// Where windows overlap, the sum is taken. MXNet computes two spatial dimensions only.
    #[check(|op: &Col2im| op.checked())]
    pub struct Col2im("col2im") {
        inputs { data: "The columns." }
        params {
            /// Spatial extents of the output: (x,), (y, x) or (z, y, x).
            output_size: Tuple,
            /// Extents of the window.
            kernel: Tuple,
            /// Distance of two windows in each dimension; 1 if left out.
            stride: Tuple = Tuple::new(),
            /// Distance of two taps in each dimension; 1 if left out.
            dilate: Tuple = Tuple::new(),
            /// Zeros on both sides of each dimension; none if left out.
            pad: Tuple = Tuple::new(),
        }
    }
}

operator! {
    /// The gradient of `im2col`.
    #[hidden(true)]
    pub struct Im2colBackward("_backward_im2col") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `im2col`.
            kernel: Tuple,
            /// As in `im2col`.
            stride: Tuple = Tuple::new(),
            /// As in `im2col`.
            dilate: Tuple = Tuple::new(),
            /// As in `im2col`.
            pad: Tuple = Tuple::new(),
        }
    }
}

/// Where the windows lie on a tensor of shape (batch, channels, spatial…).
fn over(windows: &Windows, shape: &Shape) -> Window {
    windows.over(shape.get(2..).unwrap_or_default())
}

/// The number of windows over an input, once it is known.
fn count(windows: &Windows, spatial: &[Option<usize>]) -> OpResult<Option<usize>> {
    let counts = spatial.iter().enumerate().map(|(d, size)| size.map(|size| windows.count(d, size)).transpose());
    Ok(counts.collect::<OpResult<Vec<_>>>()?.into_iter().product())
}

impl Im2col {
    fn windows(&self) -> Result<Windows, String> {
        Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)
    }
}

impl Operator for Im2col {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let windows = self.windows().map_err(OpError::Invalid)?;
        io.set_input(0, PartialShape::of_rank(windows.rank() + 2))?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let rows = dims[1].map(|c| c * windows.kernel.iter().product::<usize>());
        io.set_output(0, PartialShape::partial([dims[0], rows, count(&windows, &dims[2..])?]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let (dtype, w) = (out.dtype(), over(&self.windows().map_err(OpError::Invalid)?, data.shape()));
        dispatch_float!(dtype, T => {
            unfold(&w, data.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let Im2col { kernel, stride, dilate, pad } = self.clone();
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(Im2colBackward { kernel, stride, dilate, pad }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Col2im {
    fn windows(&self) -> Result<Windows, String> {
        Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)
    }

    fn checked(&self) -> Result<(), String> {
        let rank = self.windows()?.rank();
        if self.output_size.len() != rank || self.output_size.iter().any(|&s| s <= 0) {
            let got = self.output_size.text();
            return Err(format!("output_size must have {rank} positive extents as the kernel has, got {got}"));
        }
        Ok(())
    }

    fn spatial(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.output_size.iter().map(|&s| usize::try_from(s).ok())
    }
}

impl Operator for Col2im {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let windows = self.windows().map_err(OpError::Invalid)?;
        let taps: usize = windows.kernel.iter().product();
        let columns = count(&windows, &self.spatial().collect::<Vec<_>>())?;
        io.set_input(0, PartialShape::partial([None, None, columns]))?;
        let (batch, rows) = (io.inputs[0].dim(0), io.inputs[0].dim(1));
        if let Some(rows) = rows.filter(|rows| !rows.is_multiple_of(taps)) {
            return Err(OpError::invalid(format!("data must have a multiple of {taps} rows, one per tap, got {rows}")));
        }
        io.set_output(0, PartialShape::partial([batch, rows.map(|r| r / taps)].into_iter().chain(self.spatial())))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let (dtype, w) = (out.dtype(), over(&self.windows().map_err(OpError::Invalid)?, out.shape()));
        dispatch_float!(dtype, T => {
            fold(&w, data.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let Col2im { kernel, stride, dilate, pad, .. } = self.clone();
        let head = g.head(0)?;
        let gradient = g.apply(Im2col { kernel, stride, dilate, pad }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for Im2colBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad).map_err(OpError::Invalid)?;
        let (head, out) = io.pair(0, 0);
        let (dtype, w) = (out.dtype(), over(&windows, out.shape()));
        dispatch_float!(dtype, T => {
            fold(&w, head.slice::<T>()?, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn made(op: &str, params: &[(&str, &str)]) -> OpRef {
        crate::registry().make(op, params).unwrap()
    }

    fn tuple(values: &[i64]) -> Tuple {
        Tuple::from_slice(values)
    }

    fn im2col(kernel: &[i64], stride: &[i64], dilate: &[i64], pad: &[i64]) -> Im2col {
        Im2col { kernel: tuple(kernel), stride: tuple(stride), dilate: tuple(dilate), pad: tuple(pad) }
    }

    // MXNet 1.9.1: the same call.
    #[test]
    fn columns_of_mxnet_and_back() {
        let op = im2col(&[2, 2], &[], &[], &[]);
        let data = t32([1, 1, 3, 4], &(0..12).map(|v| v as f32).collect::<Vec<_>>());
        let out = run(&op, &[data]).remove(0);
        assert_eq!(out.to_f64_vec()[..12], [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0]);
        let back = made("col2im", &[("output_size", "(3, 4)"), ("kernel", "(2, 2)")]);
        let times = [1.0, 2.0, 2.0, 1.0, 2.0, 4.0, 4.0, 2.0, 1.0, 2.0, 2.0, 1.0];
        let want: Vec<f64> = times.iter().enumerate().map(|(i, t)| i as f64 * t).collect();
        assert_eq!(run(back.as_ref(), &[out])[0].to_f64_vec(), want);
    }

    #[test]
    fn shapes_and_refusals() {
        let op = im2col(&[3, 2], &[2, 1], &[1, 2], &[1, 0]);
        assert_eq!(infer(&op, &[&[2, 3, 5, 6]], &[]).unwrap()[1], [2, 18, 12]);
        assert!(infer(&op, &[&[2, 3, 5]], &[]).is_err());
        assert!(infer(&im2col(&[7], &[], &[], &[]), &[&[2, 3, 5]], &[]).is_err());
        let op = made("col2im", &[("output_size", "(5,)"), ("kernel", "(3,)")]);
        assert_eq!(infer(op.as_ref(), &[&[2, 6, 0]], &[]).unwrap(), [[2, 6, 3], [2, 2, 5]]);
        assert!(infer(op.as_ref(), &[&[2, 5, 3]], &[]).is_err());
        assert!(infer(op.as_ref(), &[&[2, 6, 4]], &[]).is_err());
        let refused = |name, params: &[(&str, &str)]| crate::registry().make(name, params).is_err();
        assert!(refused("im2col", &[("kernel", "(2, 2)"), ("stride", "(0, 1)")]));
        assert!(refused("im2col", &[("kernel", "(2, 2)"), ("stride", "(1,)")]));
        assert!(refused("col2im", &[("kernel", "(2, 2)"), ("output_size", "(4,)")]));
    }

    #[test]
    fn gradients_agree_with_differences() {
        let op = im2col(&[3, 2], &[2, 1], &[1, 2], &[1, 0]);
        check_gradient(&op, &[[2, 2, 5, 4].into()], DType::Float64);
        check_gradient(&im2col(&[3], &[2], &[], &[1]), &[[2, 1, 5].into()], DType::Float64);
        let Im2col { kernel, stride, dilate, pad } = op;
        let back = Col2im { output_size: tuple(&[5, 4]), kernel, stride, dilate, pad };
        check_gradient(&back, &[[1, 6, 6].into()], DType::Float64);
    }
}
