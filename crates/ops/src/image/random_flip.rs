//! `_image_random_flip_left_right` and `_image_random_flip_top_bottom`: pictures mirrored, or not.

use super::flip::flip;
use super::picture::{draws, same_picture};
use rsym_graph::*;
use rsym_tensor::{DType, Tensor};

operator! {
    /// The gradient of `_image_random_flip_left_right` and `_image_random_flip_top_bottom`.
    #[hidden(true)]
    pub struct RandomFlipBackward("_backward_image_random_flip") {
        inputs { ograd: "Gradient of the output.", flipped: "Whether the picture was mirrored." }
        params {
            /// The axis that is mirrored.
            axis: usize,
        }
    }
}

/// Mirrors along `axis` or copies.
fn flip_if(flipped: bool, data: &Tensor, axis: usize, out: &mut Tensor) -> OpResult {
    if flipped { flip(data, axis, out) } else { Ok(out.assign(data)?) }
}

/// Declares an operator that mirrors with probability 1/2.
macro_rules! random_flip {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, $alias:literal), $axis:literal) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | (height, width, channels), 1 or 3 channels | any |
            /// | output | that of data | that of data |
            ///
            /// The gradient is mirrored back where the picture was, which MXNet forgets.
            #[aliases($alias)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The picture." }
                params {}
            }
        }

        impl Operator for $op {
            fn output_names(&self) -> Names {
                names!["output", "flipped"]
            }

            fn num_outputs(&self) -> usize {
                2
            }

            fn num_visible(&self) -> usize {
                1
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                same_picture(io)?;
                io.set_output(1, [1])
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                io.unify(&[0], &[0])?;
                io.set_output(1, DType::UInt8)
            }

            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                let flipped = draws(ctx).word() & 1 == 1;
                io.outputs[1].fill(flipped as u8 as f64);
                let (data, out) = io.pair(0, 0);
                flip_if(flipped, data, $axis, out)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let inputs = [g.head(0)?, g.output(1)];
                let gradient = g.apply(RandomFlipBackward { axis: $axis }, &inputs);
                g.set(0, gradient);
                Ok(())
            }

            fn is_random(&self) -> bool {
                true
            }

            fn depends_on_mode(&self) -> bool {
                false
            }
        }
    };
}

random_flip! {
    /// Mirrors a picture with probability 1/2.
    RandomFlipLeftRight("_image_random_flip_left_right", "_npx__image_random_flip_left_right"), 1
}

random_flip! {
    /// Turns a picture upside down with probability 1/2.
    RandomFlipTopBottom("_image_random_flip_top_bottom", "_npx__image_random_flip_top_bottom"), 0
}

impl Operator for RandomFlipBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let flipped = io.inputs[1].slice::<u8>()?.iter().any(|&v| v != 0);
        let (head, out) = io.pair(0, 0);
        flip_if(flipped, head, self.axis, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run_with};

    #[test]
    fn about_half_of_the_pictures_are_mirrored() {
        let data = Tensor::from_slice([1, 3, 1], &[1u8, 2, 3]).unwrap();
        let mut flipped = 0;
        for stream in 0..400 {
            let ctx = Ctx { seed: 5, stream, ..Ctx::default() };
            let out = run_with(&RandomFlipLeftRight {}, std::slice::from_ref(&data), &ctx).unwrap().remove(0).to_f64_vec();
            assert!(out == [1.0, 2.0, 3.0] || out == [3.0, 2.0, 1.0]);
            flipped += (out[0] == 3.0) as usize;
        }
        assert!((160..240).contains(&flipped), "{flipped}");
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&RandomFlipLeftRight {}, &[[3, 4, 3].into()], DType::Float64);
        check_gradient(&RandomFlipTopBottom {}, &[[3, 4, 1].into()], DType::Float64);
    }
}
