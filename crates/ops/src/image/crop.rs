//! `_image_crop`: a window of pictures.

use super::picture::{not_a_picture, sizes};
use rsym_graph::*;
use rsym_tensor::{Element, PartialShape, Tensor, dispatch};

operator! {
    /// Cuts a window out of pictures: `out[…, i, j, c] = data[…, y + i, x + j, c]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (h, w, channels) or (n, h, w, channels), 1 or 3 channels | any |
    /// | output | (height, width, channels) or (n, height, width, channels) | that of data |
    #[aliases("_npx__image_crop")]
    #[unnamed(true)]
    pub struct ImageCrop("_image_crop") {
        inputs { data: "The pictures." }
        params {
            /// First column of the window.
            x: i32,
            /// First row of the window.
            y: i32,
            /// Width of the window.
            width: i32,
            /// Height of the window.
            height: i32,
        }
    }
}

operator! {
    /// The gradient of `_image_crop`.
    #[hidden(true)]
    pub struct ImageCropBackward("_backward_image_crop") {
        inputs { ograd: "Gradient of the output.", data: "The pictures; their values are not read." }
        params {
            /// As in `_image_crop`.
            x: i32,
            /// As in `_image_crop`.
            y: i32,
        }
    }
}

impl ImageCrop {
    /// The window inside of an axis of `extent`.
    fn window(&self, extent: Option<usize>, what: &str, first: i32, size: i32) -> OpResult<usize> {
        let end = first as i64 + size as i64;
        if first < 0 || size <= 0 || extent.is_some_and(|extent| end > extent as i64) {
            let extent = extent.map_or_else(|| "unknown".into(), |e| e.to_string());
            return Err(OpError::invalid(format!(
                "the window {first}..{end} must not be empty and must lie inside of the {what} {extent}"
            )));
        }
        Ok(size as usize)
    }
}

/// Start of every row of a window of `window` at (x, y), in pictures of `whole`, row by row.
fn starts(whole: [usize; 4], window: [usize; 4], (x, y): (i32, i32)) -> impl Iterator<Item = usize> {
    let ([_, height, width, channels], [n, rows, _, _]) = (whole, window);
    let start = move |n: usize, row: usize| ((n * height + y as usize + row) * width + x as usize) * channels;
    (0..n).flat_map(move |n| (0..rows).map(move |row| start(n, row)))
}

impl Operator for ImageCrop {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let at = match dims.len() {
            rank @ (3 | 4) => rank - 3,
            _ => return not_a_picture(&io.inputs[0]),
        };
        if !matches!(dims[at + 2], None | Some(1 | 3)) {
            return Err(OpError::invalid(format!("pictures must have 1 or 3 channels, got shape {}", io.inputs[0])));
        }
        dims[at] = Some(self.window(dims[at], "height", self.y, self.height)?);
        dims[at + 1] = Some(self.window(dims[at + 1], "width", self.x, self.width)?);
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let (whole, window) = (sizes(data.shape())?, sizes(out.shape())?);
        let starts = starts(whole, window, (self.x, self.y));
        dispatch!(out.dtype(), T => copy::<T>(data, out, window[2] * window[3], starts))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(ImageCropBackward { x: self.x, y: self.y }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

fn copy<T: Element>(data: &Tensor, out: &mut Tensor, row: usize, starts: impl Iterator<Item = usize>) -> OpResult {
    let data = data.slice::<T>()?;
    let rows = out.slice_mut::<T>()?.chunks_exact_mut(row.max(1));
    rows.zip(starts).for_each(|(out, start)| out.copy_from_slice(&data[start..][..row]));
    Ok(())
}

fn paste<T: Element>(head: &Tensor, out: &mut Tensor, row: usize, starts: impl Iterator<Item = usize>) -> OpResult {
    let out = out.slice_mut::<T>()?;
    out.fill(T::default());
    let rows = head.slice::<T>()?.chunks_exact(row.max(1));
    rows.zip(starts).for_each(|(head, start)| out[start..][..row].copy_from_slice(head));
    Ok(())
}

impl Operator for ImageCropBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (head, out) = io.pair(0, 0);
        let (whole, window) = (sizes(out.shape())?, sizes(head.shape())?);
        let starts = starts(whole, window, (self.x, self.y));
        dispatch!(out.dtype(), T => paste::<T>(head, out, window[2] * window[3], starts))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::DType;

    fn op(x: i32, y: i32, width: i32, height: i32) -> ImageCrop {
        ImageCrop { x, y, width, height }
    }

    #[test]
    fn windows_of_one_and_of_several_pictures() {
        let data: Vec<u8> = (0..24).collect();
        let data = Tensor::from_slice([2, 3, 4, 1], &data).unwrap();
        assert_eq!(run(&op(1, 1, 2, 2), &[data])[0].to_f64_vec(), [5.0, 6.0, 9.0, 10.0, 17.0, 18.0, 21.0, 22.0]);
        check_gradient(&op(1, 0, 2, 3), &[[3, 4, 3].into()], DType::Float64);
        check_gradient(&op(2, 1, 1, 2), &[[2, 3, 4, 1].into()], DType::Float64);
    }

    #[test]
    fn windows_must_lie_inside() {
        assert_eq!(infer(&op(1, 1, 2, 2), &[&[5, 6, 3]], &[]).unwrap()[1], [2, 2, 3]);
        for bad in [op(1, 1, 6, 2), op(1, 4, 2, 2), op(-1, 0, 2, 2), op(0, 0, 0, 2)] {
            assert!(infer(&bad, &[&[5, 6, 3]], &[]).is_err());
        }
        assert!(infer(&op(0, 0, 1, 1), &[&[5, 6]], &[]).is_err() && infer(&op(0, 0, 1, 1), &[&[5, 6, 2]], &[]).is_err());
    }
}
