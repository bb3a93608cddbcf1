//! `Pad`: a border around pictures.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::arrange::{self, PadMode};
use rsym_kernels::number::Number;
use rsym_tensor::{Element, PartialShape, dispatch, dispatch_num};

enum_param! {
    /// What lies beyond the border.
    pub enum PadKind { Constant = "constant", Edge = "edge", Reflect = "reflect" }
}

operator! {
    /// Puts a border around its input.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) or (n, c, d, h, w) | any |
    /// | output | that of data, longer by the two widths of each axis | that of data |
    #[aliases("pad")]
    pub struct Pad("Pad") {
        inputs { data: "The input." }
        params {
            /// What the border holds: a `constant`, the nearest element (`edge`), or the elements mirrored at the border
            /// element (`reflect`).
            mode: PadKind,
            /// Widths before and after, for each axis in turn; those of the first two axes must be 0.
            pad_width: Tuple,
            /// The value of a constant border.
            constant_value: f64 = 0.0,
        }
    }
}

operator! {
    /// The gradient of `Pad`: every element is the sum over its copies.
    #[hidden(true)]
    pub struct PadBackward("_backward_Pad") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `Pad`.
            mode: PadKind,
            /// As in `Pad`.
            pad_width: Tuple,
        }
    }
}

/// Pairs of widths, for an input of `rank` axes.
fn widths(pad_width: &Tuple, rank: usize) -> OpResult<Vec<(usize, usize)>> {
    if !matches!(rank, 4 | 5) || pad_width.len() != 2 * rank {
        let message = format!(
            "pad_width must have two numbers for each axis of data, which has 4 or 5; got {} for {rank} axes",
            pad_width.text()
        );
        return Err(OpError::invalid(message));
    }
    if pad_width.iter().any(|&w| w < 0) || pad_width[..4].iter().any(|&w| w != 0) {
        let message = format!("pad_width must not be negative, and 0 for the first two axes; got {}", pad_width.text());
        return Err(OpError::invalid(message));
    }
    Ok(pad_width.chunks(2).map(|w| (w[0] as usize, w[1] as usize)).collect())
}

impl PadKind {
    fn kernel<T: Element>(self, constant: f64) -> PadMode<T> {
        match self {
            PadKind::Constant => PadMode::Constant(T::from_f64(constant)),
            PadKind::Edge => PadMode::Edge,
            PadKind::Reflect => PadMode::Reflect,
        }
    }
}

impl Operator for Pad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let widths = widths(&self.pad_width, dims.len())?;
        for (axis, (dim, width)) in dims.iter().zip(&widths).enumerate() {
            let reach = width.0.max(width.1);
            if self.mode == PadKind::Reflect && dim.is_some_and(|d| reach >= d && reach > 0) {
                let message = format!(
                    "reflection cannot reach {reach} beyond axis {axis} of {} elements",
                    dim.unwrap_or_default()
                );
                return Err(OpError::invalid(message));
            }
        }
        let wider = |(d, w): (&Option<usize>, &(usize, usize))| d.map(|d| d.saturating_add(w.0).saturating_add(w.1));
        io.set_output(0, PartialShape::partial(dims.iter().zip(&widths).map(wider)))?;
        let Some(out) = io.outputs[0].dims() else { return Ok(()) };
        let narrower =
            |(d, w): (&Option<usize>, &(usize, usize))| d.and_then(|d| d.checked_sub(w.0.saturating_add(w.1)));
        io.set_input(0, PartialShape::partial(out.iter().zip(&widths).map(narrower)))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let widths = widths(&self.pad_width, io.inputs[0].shape().len())?;
        let (data, out) = io.pair(0, 0);
        if data.size() == 0 && out.size() > 0 && self.mode.text() != "constant" {
            let mode = self.mode.text();
            return Err(OpError::invalid(format!("mode='{mode}' has no elements to repeat in data of shape {}", data.shape())));
        }
        dispatch!(out.dtype(), T => {
            let mode = self.mode.kernel::<T>(self.constant_value);
            arrange::pad(mode, data.slice::<T>()?, data.shape(), &widths, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = PadBackward { mode: self.mode, pad_width: self.pad_width.clone() };
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl PadBackward {
    fn run<T: Number>(&self, io: &mut Io, widths: &[(usize, usize)]) -> OpResult {
        let (head, out) = io.pair(0, 0);
        let dims = out.shape().clone();
        arrange::pad_backward(self.mode.kernel::<T>(0.0), head.slice::<T>()?, &dims, widths, out.slice_mut::<T>()?);
        Ok(())
    }
}

impl Operator for PadBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let widths = widths(&self.pad_width, io.outputs[0].shape().len())?;
        let dtype = io.outputs[0].dtype();
        dispatch_num!(dtype, T => self.run::<T>(io, &widths), else unsupported(dtype, "a float or integer type"))
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

    fn pad(mode: PadKind, widths: [i64; 4]) -> Pad {
        let pad_width = [0; 4].into_iter().chain(widths).collect();
        Pad { mode, pad_width, constant_value: 9.0 }
    }

    #[test]
    fn borders_of_every_kind() {
        let x = t32([1, 1, 1, 3], &[1.0, 2.0, 3.0]);
        let border = |mode| run(&pad(mode, [0, 0, 2, 1]), std::slice::from_ref(&x)).remove(0).to_f64_vec();
        assert_eq!(border(PadKind::Constant), [9.0, 9.0, 1.0, 2.0, 3.0, 9.0]);
        assert_eq!(border(PadKind::Edge), [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
        assert_eq!(border(PadKind::Reflect), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        let op = pad(PadKind::Edge, [1, 2, 0, 3]);
        assert_eq!(infer(&op, &[&[0, 2, 3, 0]], &[&[1, 0, 0, 7]]).unwrap(), [[1, 2, 3, 4], [1, 2, 6, 7]]);
        assert!(infer(&op, &[&[2, 3]], &[]).is_err());
        assert!(infer(&pad(PadKind::Reflect, [3, 0, 0, 0]), &[&[1, 2, 3, 3]], &[]).is_err());
        let channels = Pad { pad_width: [0, 0, 1, 0, 0, 0, 0, 0].into_iter().collect(), ..op };
        assert!(infer(&channels, &[&[1, 2, 3, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for mode in [PadKind::Constant, PadKind::Edge, PadKind::Reflect] {
            check_gradient(&pad(mode, [1, 2, 0, 1]), &[[1, 2, 3, 2].into()], DType::Float64);
        }
    }
}
