//! `_contrib_BilinearResize2D`: bilinear resizing of planes.

use super::adaptive_avg_pooling::plane;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::picture::{bilinear, bilinear_backward};
use rsym_tensor::{Float, PartialShape, dispatch_float};

enum_param! {
    /// How the size of the output comes about.
    pub enum ResizeMode {
        Like = "like",
        OddScale = "odd_scale",
        Size = "size",
        ToEvenDown = "to_even_down",
        ToEvenUp = "to_even_up",
        ToOddDown = "to_odd_down",
        ToOddUp = "to_odd_up",
    }
}

operator! {
    /// Resizes pictures; every new pixel is interpolated between the four around its place.
    ///
    /// The size of the output, with `floor` for fractions:
    ///
    /// | mode | height (width alike) |
    /// |---|---|
    /// | size | `height`, or `scale_height · h` where that is given |
    /// | odd_scale | `scale_height · h` for even h, `scale_height · (h - 1) + 1` for odd h |
    /// | like | that of the second input |
    /// | to_even_down, to_even_up | h if it is even, otherwise h - 1 or h + 1 |
    /// | to_odd_down, to_odd_up | h if it is odd, otherwise h - 1 or h + 1 |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | like | four dimensions; the values are not read | any |
    /// | output | (n, c, height, width) | that of data |
    ///
    /// The gradient of like is zero.
    #[check(BilinearResize2D::check)]
    pub struct BilinearResize2D("_contrib_BilinearResize2D") {
        inputs { data: "The pictures.", like: "Gives the size, with `mode='like'`." }
        params {
            /// Height of the output, unless `mode` or `scale_height` says otherwise.
            #[range(1..)]
            height: i32 = 1,
            /// Width of the output, unless `mode` or `scale_width` says otherwise.
            #[range(1..)]
            width: i32 = 1,
            /// Factor on the height, with `mode` size or odd_scale.
            scale_height: Option<f32> = None,
            /// Factor on the width; given together with `scale_height`.
            scale_width: Option<f32> = None,
            /// How the size of the output comes about.
            mode: ResizeMode = ResizeMode::Size,
            /// Whether the centres of the corners stay in place, instead of the borders of the picture.
            align_corners: bool = true,
        }
    }
}

operator! {
    /// The gradient of `_contrib_BilinearResize2D`.
    #[hidden(true)]
    pub struct BilinearResize2DBackward("_backward_contrib_BilinearResize2D") {
        inputs { ograd: "Gradient of the output.", data: "The pictures; their values are not read." }
        params {
            /// As in `_contrib_BilinearResize2D`.
            align_corners: bool,
        }
    }
}

impl BilinearResize2D {
    fn check(&self) -> Result<(), String> {
        let scales = (self.scale_height, self.scale_width);
        match (self.mode, scales) {
            (ResizeMode::Size | ResizeMode::OddScale, (Some(_), None) | (None, Some(_))) => {
                Err("scale_height and scale_width must be given together".into())
            }
            (ResizeMode::OddScale, (None, None)) => {
                Err("mode='odd_scale' needs scale_height and scale_width".into())
            }
            _ => Ok(()),
        }
    }

    /// The new extent for `old`.
    fn extent(&self, old: usize, given: i32, scale: Option<f32>) -> OpResult<usize> {
        let scaled = |n: usize, scale: f32| (scale * n as f32) as i64;
        let odd = (old % 2) as i64;
        let new = match (self.mode, scale) {
            (ResizeMode::OddScale, Some(scale)) => scaled(old - odd as usize, scale) + odd,
            (ResizeMode::Size, Some(scale)) => scaled(old, scale),
            (ResizeMode::ToEvenDown, _) => old as i64 - odd,
            (ResizeMode::ToEvenUp, _) => old as i64 + odd,
            (ResizeMode::ToOddDown, _) => old as i64 - (1 - odd),
            (ResizeMode::ToOddUp, _) => old as i64 + (1 - odd),
            _ => given as i64,
        };
        if new > 0 {
            return Ok(new as usize);
        }
        Err(OpError::invalid(format!("an extent of {old} becomes {new} with mode='{}'; nothing is left", self.mode.text())))
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (from, to) = (plane(&io.inputs[0])?, plane(&io.outputs[0])?);
        let (data, out) = io.pair(0, 0);
        bilinear::<T>(data.slice()?, from, to, self.align_corners, out.slice_mut()?);
        Ok(())
    }
}

impl Operator for BilinearResize2D {
    fn inputs(&self) -> Names {
        if self.mode == ResizeMode::Like { names!["data", "like"] } else { names!["data"] }
    }

    fn num_inputs(&self) -> usize {
        if self.mode == ResizeMode::Like { 2 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(4))?;
        let lead = [0, 1].map(|d| io.inputs[0].dim(d).or(io.outputs[0].dim(d)));
        io.set_input(0, PartialShape::partial([lead[0], lead[1], None, None]))?;
        let size = if self.mode == ResizeMode::Like {
            io.set_input(1, PartialShape::of_rank(4))?;
            [2, 3].map(|d| io.inputs[1].dim(d))
        } else {
            let [h, w] = [2, 3].map(|d| io.inputs[0].dim(d));
            [
                h.map(|h| self.extent(h, self.height, self.scale_height)).transpose()?,
                w.map(|w| self.extent(w, self.width, self.scale_width)).transpose()?,
            ]
        };
        io.set_output(0, PartialShape::partial([lead[0], lead[1], size[0], size[1]]))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])?;
        if let (Some(dtype), Some(None)) = (io.inputs[0], io.inputs.get(1)) {
            io.inputs[1] = Some(dtype);
        }
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(0)];
            let gradient = g.apply(BilinearResize2DBackward { align_corners: self.align_corners }, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

impl BilinearResize2DBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (from, to) = (plane(&io.outputs[0])?, plane(&io.inputs[0])?);
        let (head, out) = io.pair(0, 0);
        bilinear_backward::<T>(head.slice()?, from, to, self.align_corners, out.slice_mut()?);
        Ok(())
    }
}

impl Operator for BilinearResize2DBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op(texts: &[(&'static str, &str)]) -> BilinearResize2D {
        let texts = texts.iter().map(|(k, v)| ((*k).into(), v.to_string())).collect();
        BilinearResize2D::from_texts(&ParamTexts(texts)).unwrap()
    }

    #[test]
    fn corners_or_borders_stay_in_place() {
        let data = t32([1, 1, 1, 3], &[0.0, 2.0, 4.0]);
        let wide = |align| run(&op(&[("width", "5"), ("align_corners", align)]), std::slice::from_ref(&data)).remove(0);
        assert_close(&wide("True"), &[0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_close(&wide("False"), &[0.0, 0.8, 2.0, 3.2, 4.0]);
    }

    // MXNet 1.9.1: infer_shape of the same calls.
    #[test]
    fn sizes_of_mxnet() {
        let size = |texts: &[(&'static str, &str)], data: &[i64]| infer(&op(texts), &[data], &[]).unwrap()[1][2..].to_vec();
        assert_eq!(size(&[("scale_height", "1.5"), ("scale_width", "1.2")], &[1, 2, 5, 5]), [7, 6]);
        let odd = [("mode", "odd_scale"), ("scale_height", "1.5"), ("scale_width", "2")];
        assert_eq!(size(&odd, &[1, 2, 5, 6]), [7, 12]);
        for (mode, want) in [("to_even_down", [4, 6]), ("to_even_up", [6, 6]), ("to_odd_down", [5, 5]), ("to_odd_up", [5, 7])]
        {
            assert_eq!(size(&[("mode", mode)], &[1, 2, 5, 6]), want);
        }
        let like = op(&[("mode", "like")]);
        assert_eq!(infer(&like, &[&[1, 2, 5, 5], &[3, 3, 7, 8]], &[]).unwrap()[2], [1, 2, 7, 8]);
        assert!(infer(&op(&[("mode", "to_even_down")]), &[&[1, 2, 1, 6]], &[]).is_err());
        assert!(BilinearResize2D::from_texts(&ParamTexts(vec![("scale_height".into(), "2".into())])).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&op(&[("height", "7"), ("width", "3")]), &[[2, 2, 4, 5].into()], DType::Float64);
        let like = op(&[("mode", "like"), ("align_corners", "0")]);
        check_gradient(&like, &[[1, 2, 4, 5].into(), [1, 1, 3, 8].into()], DType::Float64);
    }
}
