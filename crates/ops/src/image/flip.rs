//! `_image_flip_left_right` and `_image_flip_top_bottom`: mirrored pictures.

use super::picture::same_picture;
use rsym_graph::*;
use rsym_tensor::{Element, Tensor, dispatch};

/// Mirrors a picture along `axis`.
pub(super) fn flip(data: &Tensor, axis: usize, out: &mut Tensor) -> OpResult {
    let (lines, row) = (data.shape()[axis], data.shape().product(axis + 1..));
    dispatch!(out.dtype(), T => mirror(data.slice::<T>()?, lines, row, out.slice_mut()?));
    Ok(())
}

fn mirror<T: Element>(data: &[T], lines: usize, row: usize, out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    for (data, out) in data.chunks_exact(lines * row).zip(out.chunks_exact_mut(lines * row)) {
        out.chunks_exact_mut(row).rev().zip(data.chunks_exact(row)).for_each(|(out, line)| out.copy_from_slice(line));
    }
}

/// Declares a mirroring operator.
macro_rules! flip_operator {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, $alias:literal), $axis:literal) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | (height, width, channels), 1 or 3 channels | any |
            /// | output | that of data | that of data |
            ///
            /// The gradient is mirrored back, which MXNet forgets; it also leaves the middle of odd extents unwritten.
            #[aliases($alias)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The picture." }
                params {}
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                same_picture(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (data, out) = io.pair(0, 0);
                flip(data, $axis, out)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let head = g.head(0)?;
                let gradient = g.apply($op {}, &[head]);
                g.set(0, gradient);
                Ok(())
            }
        }
    };
}

flip_operator! {
    /// Mirrors a picture: `out[i, j, c] = data[i, width - 1 - j, c]`.
    FlipLeftRight("_image_flip_left_right", "_npx__image_flip_left_right"), 1
}

flip_operator! {
    /// Turns a picture upside down: `out[i, j, c] = data[height - 1 - i, j, c]`.
    FlipTopBottom("_image_flip_top_bottom", "_npx__image_flip_top_bottom"), 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::DType;

    #[test]
    fn pictures_are_mirrored() {
        let data = Tensor::from_slice([2, 3, 1], &[1u8, 2, 3, 4, 5, 6]).unwrap();
        let of = |op: &dyn Operator| run(op, std::slice::from_ref(&data))[0].to_f64_vec();
        assert_eq!(of(&FlipLeftRight {}), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
        assert_eq!(of(&FlipTopBottom {}), [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
        let empty = Tensor::zeros([0, 3, 3], DType::Float32).unwrap();
        assert_eq!(run(&FlipTopBottom {}, &[empty])[0].size(), 0);
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&FlipLeftRight {}, &[[3, 4, 3].into()], DType::Float64);
        check_gradient(&FlipTopBottom {}, &[[3, 4, 1].into()], DType::Float64);
    }
}
