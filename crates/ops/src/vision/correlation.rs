//! `Correlation`: how alike the patches of two pictures are (A. Dosovitskiy et al., "FlowNet", 2015).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::correlation::{Comparison, correlate, correlate_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Compares patches of one feature map with patches of another one nearby.
    ///
    /// A patch of data1 with its corner at x is compared with the patches of data2 at `x + d`, for displacements d of up to
    /// `max_displacement` along both axes in steps of `stride2`: `out[n, d, i, j]` is the mean of `data1[n, c, x + k] * data2[n, c, x + d + k]`
    /// over channels c and places k of the patch, or of the absolute differences. Patches lie `stride1` apart.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data1, data2 | (n, c, h, w) | float |
    /// | output | (n, (2 * r + 1)², h', w'), r = max_displacement / stride2, h' = (h + 2 * pad_size - 2 * max_displacement - kernel_size + 1) / stride1, rounded up | that of data1 |
    ///
    /// Source: A. Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", 2015.
    #[check(|op: &Correlation| if op.kernel_size % 2 == 1 { Ok(()) } else { Err(format!("kernel_size must be odd, got {}", op.kernel_size)) })]
    pub struct Correlation("Correlation") {
        inputs { data1: "The first feature map.", data2: "The second feature map." }
        params {
            /// Side of a patch, odd.
            kernel_size: u32 = 1,
            /// The farthest displacement along an axis.
            max_displacement: u32 = 1,
            /// Distance of two patches of the first feature map.
            #[range(1..)]
            stride1: u32 = 1,
            /// Distance of two displacements.
            #[range(1..)]
            stride2: u32 = 1,
            /// Zeros around both feature maps.
            pad_size: u32 = 0,
            /// Multiply values; otherwise absolute differences are taken.
            is_multiply: bool = true,
        }
    }
}

/// The gradients of both inputs of a correlation.
#[derive(Clone, Debug)]
pub struct CorrelationBackward(Correlation);

internal_operator!(CorrelationBackward, "_backward_Correlation");

/// The most that a parameter may be, so that sums cannot overflow.
const LIMIT: u32 = 1 << 24;

impl Correlation {
    fn comparison(&self, channels: usize, size: (usize, usize)) -> OpResult<Comparison> {
        let largest = [self.kernel_size, self.max_displacement, self.stride1, self.stride2, self.pad_size];
        if let Some(v) = largest.into_iter().find(|&v| v > LIMIT) {
            return Err(OpError::invalid(format!("parameters must be at most {LIMIT}, got {v}")));
        }
        Ok(Comparison {
            channels,
            size,
            kernel: self.kernel_size as usize,
            farthest: self.max_displacement as usize,
            stride: self.stride1 as usize,
            step: self.stride2 as usize,
            pad: self.pad_size as usize,
            multiply: self.is_multiply,
        })
    }

    fn over(&self, data: &Shape) -> OpResult<Comparison> {
        match data[..] {
            [_, channels, height, width] => self.comparison(channels, (height, width)),
            _ => Err(OpError::invalid("data must have four dimensions")),
        }
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (a, b) = (&io.inputs[0], &io.inputs[1]);
        correlate::<T>(self.over(a.shape())?, a.slice()?, b.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for Correlation {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(4))?;
        io.unify([Port::Input(0), Port::Input(1)])?;
        let c = self.comparison(0, (0, 0))?;
        let extent = |d: usize| match io.inputs[0].dim(d).map(|size| (size, c.count(size))) {
            Some((size, None)) => Err(OpError::invalid(format!(
                "patches and displacements do not fit into an extent of {size} with {} zeros on both sides",
                self.pad_size
            ))),
            known => Ok(known.and_then(|(_, count)| count)),
        };
        let shape = PartialShape::partial([io.inputs[0].dim(0), Some(c.out_channels()), extent(2)?, extent(3)?]);
        io.set_output(0, shape)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        let gradients = g.apply_multi(CorrelationBackward(self.clone()), &inputs);
        gradients.into_iter().enumerate().for_each(|(i, gradient)| g.set(i, gradient));
        Ok(())
    }
}

impl CorrelationBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [head, a, b] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let [da, db] = &mut *io.outputs else { return Err(OpError::invalid("has two outputs")) };
        let c = self.0.over(a.shape())?;
        correlate_backward::<T>(c, head.slice()?, (a.slice()?, b.slice()?), (da.slice_mut()?, db.slice_mut()?));
        Ok(())
    }
}

impl Operator for CorrelationBackward {
    fn inputs(&self) -> Names {
        names!["ograd", "data1", "data2"]
    }

    fn num_inputs(&self) -> usize {
        3
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])?;
        io.unify([Port::Input(2), Port::Output(1)])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op() -> Correlation {
        Correlation { kernel_size: 1, max_displacement: 1, stride1: 1, stride2: 1, pad_size: 1, is_multiply: true }
    }

    #[test]
    fn displacements_come_row_by_row() {
        let (a, b) = (t32([1, 1, 1, 2], &[1.0, 2.0]), t32([1, 1, 1, 2], &[3.0, 5.0]));
        let out = run(&op(), &[a.clone(), b.clone()]).remove(0);
        let mut want = vec![0.0; 18];
        want[6..12].copy_from_slice(&[0.0, 6.0, 3.0, 10.0, 5.0, 0.0]);
        assert_close(&out, &want);
        let out = run(&Correlation { is_multiply: false, max_displacement: 0, pad_size: 0, ..op() }, &[a, b]).remove(0);
        assert_close(&out, &[2.0, 3.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let shapes = [[2, 2, 4, 5].into(), [2, 2, 4, 5].into()];
        check_gradient(&op(), &shapes, DType::Float64);
        let wide = Correlation { kernel_size: 3, max_displacement: 2, stride1: 2, stride2: 2, pad_size: 3, is_multiply: false };
        check_gradient(&wide, &shapes, DType::Float64);
    }

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(infer(&op(), &[&[2, 3, 8, 9], &[]], &[]).unwrap()[1..], [[2, 3, 8, 9], [2, 9, 8, 9]]);
        let wide = Correlation { max_displacement: 9, ..op() };
        assert!(infer(&wide, &[&[2, 3, 8, 9], &[]], &[]).is_err());
        for bad in [("kernel_size", "2"), ("kernel_size", "0"), ("stride1", "0"), ("stride2", "0"), ("pad_size", "-1")] {
            assert!(registry().make("Correlation", &[bad]).is_err(), "{bad:?}");
        }
    }
}
