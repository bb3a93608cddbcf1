//! `_image_to_tensor`: pictures as networks take them.

use super::picture::{not_a_picture, sizes};
use rsym_graph::*;
use rsym_kernels::picture::{to_channels_last, to_planes};
use rsym_tensor::{DType, PartialShape, dispatch};

operator! {
    /// Puts the channels first and values from [0, 255] into [0, 1]: `out[…, c, i, j] = data[…, i, j, c] / 255`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (h, w, channels) or (n, h, w, channels) | any |
    /// | output | (channels, h, w) or (n, channels, h, w) | float32 |
    ///
    /// The gradient goes back the same way; MXNet copies the numbers of the one array into the other as they lie.
    #[aliases("_npx__image_to_tensor")]
    pub struct ToTensor("_image_to_tensor") {
        inputs { data: "The pictures." }
        params {}
    }
}

operator! {
    /// The gradient of `_image_to_tensor`.
    #[hidden(true)]
    pub struct ToTensorBackward("_backward_image_to_tensor") {
        inputs { ograd: "Gradient of the output.", data: "The pictures; their values are not read." }
        params {}
    }
}

/// The largest value of a byte.
const WHITE: f32 = 255.0;

impl Operator for ToTensor {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if let Some([.., c, h, w]) = io.outputs[0].dims().as_deref() {
            let rest = io.outputs[0].dims().filter(|dims| dims.len() == 4).map(|dims| dims[0]);
            io.set_input(0, PartialShape::partial(rest.into_iter().chain([*h, *w, *c])))?;
        }
        match io.inputs[0].dims().as_deref() {
            None => Ok(()),
            Some(&[h, w, c]) => io.set_output(0, PartialShape::partial([c, h, w])),
            Some(&[n, h, w, c]) => io.set_output(0, PartialShape::partial([n, c, h, w])),
            _ => not_a_picture(&io.inputs[0]),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, DType::Float32)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let [_, h, w, channels] = sizes(data.shape())?;
        dispatch!(data.dtype(), T => to_planes(data.slice::<T>()?, h * w, channels, WHITE, out.slice_mut()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(ToTensorBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for ToTensorBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_input(0, DType::Float32)?;
        io.unify(&[1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (head, out) = io.pair(0, 0);
        let [_, h, w, channels] = sizes(out.shape())?;
        dispatch!(out.dtype(), T => to_channels_last(head.slice()?, h * w, channels, WHITE, out.slice_mut::<T>()?));
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};
    use rsym_tensor::Tensor;

    #[test]
    fn channels_come_first_and_values_are_scaled() {
        let data = Tensor::from_slice([1, 2, 3], &[0u8, 51, 102, 153, 204, 255]).unwrap();
        assert_close(&run(&ToTensor {}, &[data])[0], &[0.0, 0.6, 0.2, 0.8, 0.4, 1.0]);
    }

    #[test]
    fn gradients_go_back_to_their_places() {
        let head = t32([3, 1, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let found = backward(&ToTensor {}, &[t32([1, 2, 3], &[0.0; 6])], &[Some(head)]);
        let want = [0.0, 2.0, 4.0, 1.0, 3.0, 5.0].map(|v| v / 255.0);
        assert_close(found[0].as_ref().unwrap(), &want);
    }

    #[test]
    fn shapes_flow_both_ways() {
        assert_eq!(infer(&ToTensor {}, &[&[2, 3, 4]], &[]).unwrap()[1], [4, 2, 3]);
        assert_eq!(infer(&ToTensor {}, &[&[]], &[&[5, 3, 2, 4]]).unwrap()[0], [5, 2, 4, 3]);
        assert!(infer(&ToTensor {}, &[&[3, 3]], &[]).is_err());
    }
}
