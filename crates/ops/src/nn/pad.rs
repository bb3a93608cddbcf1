//! `Pad`: a border around an array.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::arrange::{PadMode, pad, pad_backward};
use rsym_tensor::{Element, PartialShape, dispatch, dispatch_num};

enum_param! {
    /// What the border holds.
    pub enum Border {
        Constant = "constant",
        Edge = "edge",
        Reflect = "reflect",
    }
}

operator! {
    /// Puts a border around an array: of a constant, of the nearest elements, or of the array mirrored at its edge.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | each extent larger by what `pad_width` says before and after | that of data |
    ///
    /// The mirrored border must be smaller than the array. MXNet takes 4 and 5 dimensions and pads neither batch nor
    /// channels; rsym pads any axis of any array.
    #[aliases("pad")]
    pub struct Pad("Pad") {
        inputs { data: "The input." }
        params {
            /// What the border holds.
            mode: Border,
            /// Number of elements before and after, for each axis: (before_0, after_0, before_1, after_1, …).
            pad_width: Tuple,
            /// The constant.
            constant_value: f64 = 0.0,
        }
    }
}

operator! {
    /// Gradient of `Pad`.
    #[hidden(true)]
    pub struct PadBackward("_backward_Pad") {
        inputs { ograd: "Gradient of the output.", data: "The input, for its shape." }
        params {
            /// As in `Pad`.
            mode: Border,
            /// As in `Pad`.
            pad_width: Tuple,
        }
    }
}

/// Elements before and after each of `rank` axes.
fn widths(pad_width: &Tuple, rank: usize) -> OpResult<Vec<(usize, usize)>> {
    if pad_width.len() != 2 * rank {
        let text = format!("pad_width must have {} numbers for {rank} dimensions, got {}", 2 * rank, pad_width.len());
        return Err(OpError::invalid(text));
    }
    let size = |&v: &i64| match u32::try_from(v) {
        Ok(size) => Ok(size as usize),
        Err(_) => Err(OpError::invalid(format!("pad_width must hold whole numbers from 0 on, got {v}"))),
    };
    pad_width.chunks_exact(2).map(|pair| Ok((size(&pair[0])?, size(&pair[1])?))).collect()
}

fn mode<T: Element>(border: Border, constant: f64) -> PadMode<T> {
    match border {
        Border::Constant => PadMode::Constant(T::from_f64(constant)),
        Border::Edge => PadMode::Edge,
        Border::Reflect => PadMode::Reflect,
    }
}

impl Operator for Pad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let widths = widths(&self.pad_width, dims.len())?;
        for (&(before, after), size) in widths.iter().zip(&dims) {
            let most = before.max(after);
            let short = size.is_some_and(|n| match self.mode {
                Border::Constant => false,
                Border::Edge => n == 0 && most > 0,
                Border::Reflect => most > 0 && most >= n,
            });
            if short {
                let text = format!("a border of {most} is too wide for an extent of {}", size.unwrap_or(0));
                return Err(OpError::invalid(text));
            }
        }
        let grown = widths.iter().zip(&dims).map(|((before, after), size)| size.map(|n| n + before + after));
        io.set_output(0, PartialShape::partial(grown))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let widths = widths(&self.pad_width, data.shape().len())?;
        dispatch!(out.dtype(), T => {
            pad(mode(self.mode, self.constant_value), data.slice::<T>()?, data.shape(), &widths, out.slice_mut()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(PadBackward { mode: self.mode, pad_width: self.pad_width.clone() }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for PadBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (ograd, out) = io.pair(0, 0);
        let (dtype, dims) = (out.dtype(), out.shape().clone());
        let widths = widths(&self.pad_width, dims.len())?;
        dispatch_num!(dtype, T => {
            pad_backward(mode(self.mode, 0.0), ograd.slice::<T>()?, &dims, &widths, out.slice_mut()?);
            Ok(())
        }, else unsupported(dtype, "a number type"))
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

    fn op(mode: Border, width: [i64; 8]) -> Pad {
        Pad { mode, pad_width: width.into_iter().collect(), constant_value: 9.0 }
    }

    #[test]
    fn borders_are_those_of_mxnet() {
        let of = |mode| {
            let data = t32([1, 1, 2, 2], &[0.0, 1.0, 2.0, 3.0]);
            run(&op(mode, [0, 0, 0, 0, 1, 0, 0, 1]), &[data]).remove(0).to_f64_vec()
        };
        assert_eq!(of(Border::Constant), [9.0, 9.0, 9.0, 0.0, 1.0, 9.0, 2.0, 3.0, 9.0]);
        assert_eq!(of(Border::Edge), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
        assert_eq!(of(Border::Reflect), [2.0, 3.0, 2.0, 0.0, 1.0, 0.0, 2.0, 3.0, 2.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for mode in [Border::Constant, Border::Edge, Border::Reflect] {
            check_gradient(&op(mode, [0, 0, 0, 0, 1, 2, 2, 0]), &[[2, 1, 3, 4].into()], DType::Float64);
        }
    }

    #[test]
    fn wrong_widths_are_refused() {
        assert!(infer(&op(Border::Reflect, [0, 0, 0, 0, 2, 0, 0, 1]), &[&[1, 1, 2, 2]], &[]).is_err());
        assert!(infer(&op(Border::Edge, [0, 0, 0, 0, -1, 0, 0, 1]), &[&[1, 1, 2, 2]], &[]).is_err());
        assert!(infer(&op(Border::Edge, [0; 8]), &[&[2, 2]], &[]).is_err());
    }
}
