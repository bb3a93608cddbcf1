//! `Crop`: a window of an image.

use rsym_graph::*;
use rsym_kernels::parallel::for_rows;
use rsym_tensor::{Element, PartialShape, Shape, Tensor, dispatch};
use std::borrow::Cow;

operator! {
    /// Cuts a window out of images: `out[n, c, y, x] = data[n, c, y + oy, x + ox]`.
    ///
    /// The window has the size `h_w`, or that of a second input. It begins at `offset` = (oy, ox), or with `center_crop`
    /// in such a way that equally much is lost on both sides (rounded down in front).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | first input | (batch, channels, height, width) | any |
    /// | second input, with `num_args=2` | (…, …, h, w); only its shape matters | that of the first |
    /// | output | (batch, channels, h, w) | that of the first |
    ///
    /// That the window lies inside of the image is checked when the operator runs. MXNet takes float32 alone.
    #[variadic("num_args")]
    pub struct Crop("Crop") {
        inputs { data: "The images, and a second input whose height and width are taken over." }
        params {
            /// 1, or 2 to take the size of a second input.
            #[range(1..=2)]
            num_args: i32,
            /// Where the window begins: (y, x).
            offset: Tuple = [0, 0].into_iter().collect(),
            /// Size of the window: (height, width).
            h_w: Tuple = [0, 0].into_iter().collect(),
            /// Put the window in the middle.
            center_crop: bool = false,
        }
    }
}

operator! {
    /// Gradient of `Crop` for the images.
    #[hidden(true)]
    pub struct CropBackward("_backward_Crop") {
        inputs { ograd: "Gradient of the output.", data: "The images, for their shape." }
        params {
            /// As in `Crop`.
            offset: Tuple,
            /// As in `Crop`.
            center_crop: bool,
        }
    }
}

/// Where the window begins in height and width.
fn origin(offset: &Tuple, center: bool, image: &Shape, window: &Shape) -> OpResult<[usize; 2]> {
    let mut begin = [0; 2];
    for (i, begin) in begin.iter_mut().enumerate() {
        let axis = ["height", "width"][i];
        let Some(room) = image[i + 2].checked_sub(window[i + 2]) else {
            let text = format!("a window of {axis} {} does not fit an image of {axis} {}", window[i + 2], image[i + 2]);
            return Err(OpError::invalid(text));
        };
        let given = offset.get(i).copied().unwrap_or(0);
        *begin = match usize::try_from(given) {
            _ if center => room / 2,
            Ok(at) if at <= room => at,
            _ => return Err(OpError::invalid(format!("offset {given} leaves the {axis}: expected 0 to {room}"))),
        };
    }
    Ok(begin)
}

impl Operator for Crop {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..io.inputs.len()).try_for_each(|i| io.set_input(i, PartialShape::of_rank(4)))?;
        let size = [0, 1].map(|i| match io.inputs.get(1) {
            Some(like) => like.dim(i + 2),
            None => self.h_w.get(i).and_then(|&n| usize::try_from(n).ok()).filter(|&n| n > 0),
        });
        for (i, axis) in ["height", "width"].into_iter().enumerate() {
            match (size[i], io.inputs[0].dim(i + 2)) {
                (None, _) if io.inputs.len() == 1 => {
                    return Err(OpError::invalid("h_w must hold a height and width of at least 1, or give a second input"));
                }
                (Some(n), Some(of)) if n > of => {
                    return Err(OpError::invalid(format!("a window of {axis} {n} does not fit an image of {axis} {of}")));
                }
                _ => {}
            }
        }
        let (batch, channels) = (io.inputs[0].dim(0), io.inputs[0].dim(1));
        io.set_output(0, PartialShape::partial([batch, channels, size[0], size[1]]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let begin = origin(&self.offset, self.center_crop, data.shape(), out.shape())?;
        dispatch!(out.dtype(), T => cut::<T>(data, begin, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(CropBackward { offset: self.offset.clone(), center_crop: self.center_crop }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

fn cut<T: Element>(data: &Tensor, [top, left]: [usize; 2], out: &mut Tensor) -> OpResult {
    let [height, width] = [2, 3].map(|d| data.shape()[d]);
    let [h, w] = [2, 3].map(|d| out.shape()[d]);
    let data = data.slice::<T>()?;
    for_rows(out.slice_mut::<T>()?, w, w, |row, out| {
        let from = (row / h * height + top + row % h) * width + left;
        out.copy_from_slice(&data[from..from + w]);
    });
    Ok(())
}

impl Operator for CropBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (ograd, out) = io.pair(0, 0);
        let begin = origin(&self.offset, self.center_crop, out.shape(), ograd.shape())?;
        dispatch!(out.dtype(), T => paste::<T>(ograd, begin, out))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

fn paste<T: Element>(ograd: &Tensor, [top, left]: [usize; 2], out: &mut Tensor) -> OpResult {
    let [height, width] = [2, 3].map(|d| out.shape()[d]);
    let [h, w] = [2, 3].map(|d| ograd.shape()[d]);
    let ograd = ograd.slice::<T>()?;
    for_rows(out.slice_mut::<T>()?, width, width, |row, out| {
        out.fill(T::default());
        if let Some(y) = (row % height).checked_sub(top).filter(|&y| y < h) {
            let from = (row / height * h + y) * w;
            out[left..left + w].copy_from_slice(&ograd[from..from + w]);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, run_with, t32};
    use rsym_tensor::DType;

    fn pair(y: i64, x: i64) -> Tuple {
        [y, x].into_iter().collect()
    }

    fn image() -> Tensor {
        t32([1, 1, 4, 4], &(0..16).map(|i| i as f32).collect::<Vec<_>>())
    }

    #[test]
    fn windows_are_those_of_mxnet() {
        let op = Crop { num_args: 1, offset: pair(1, 1), h_w: pair(2, 3), center_crop: false };
        assert_eq!(run(&op, &[image()])[0].to_f64_vec(), [5.0, 6.0, 7.0, 9.0, 10.0, 11.0]);
        let op = Crop { num_args: 2, offset: pair(0, 0), h_w: pair(0, 0), center_crop: true };
        assert_eq!(run(&op, &[image(), t32([1, 1, 2, 2], &[0.0; 4])])[0].to_f64_vec(), [5.0, 6.0, 9.0, 10.0]);
    }

    #[test]
    fn windows_outside_of_the_image_are_refused() {
        let op = Crop { num_args: 1, offset: pair(3, 3), h_w: pair(2, 2), center_crop: false };
        assert_eq!(infer(&op, &[&[1, 1, 4, 4]], &[]).unwrap()[1], [1, 1, 2, 2]);
        assert!(run_with(&op, &[image()], &Ctx::default()).is_err());
        assert!(infer(&Crop { h_w: pair(5, 1), ..op.clone() }, &[&[1, 1, 4, 4]], &[]).is_err());
        assert!(infer(&Crop { h_w: pair(0, 0), ..op }, &[&[1, 1, 4, 4]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let op = Crop { num_args: 2, offset: pair(1, 2), h_w: pair(0, 0), center_crop: false };
        check_gradient(&op, &[[2, 1, 4, 5].into(), [1, 1, 2, 3].into()], DType::Float64);
    }
}
