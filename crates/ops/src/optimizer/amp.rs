//! `amp_cast` and `amp_multicast`: conversions between half and single precision for mixed training.

use crate::math::cast::{CastLike, convert};
use rsym_graph::*;
use rsym_tensor::DType;
use std::borrow::Cow;

operator! {
    /// Converts half and single precision to `dtype`; other types stay as they are.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data | `dtype` if data is float16, bfloat16 or float32, else that of data |
    ///
    /// The gradient is converted back to the type of data.
    #[unnamed(true)]
    pub struct AmpCast("amp_cast") {
        inputs {
            data: "The input.",
        }
        params {
            /// The type of the output.
            dtype: DType,
        }
    }
}

operator! {
    /// Converts inputs of half and single precision to the widest, or narrowest, type among them; other types stay as they are.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any | any |
    /// | each output | that of its input | the common type, or that of its input if that is no half or single precision |
    ///
    /// The widest type is float32 if an input has it, else that of the first input; the narrowest is the last half precision among
    /// the inputs, else float32. Gradients are converted back to the types of the inputs.
    #[list(true)]
    pub struct AmpMulticast("amp_multicast") {
        inputs {
            data: "The inputs.",
        }
        params {
            /// Number of inputs and outputs.
            #[range(1..)]
            num_outputs: i32,
            /// Convert to the narrowest type.
            cast_narrow: bool = false,
        }
    }
}

/// Whether conversions between precisions concern the type.
fn takes_part(dtype: DType) -> bool {
    matches!(dtype, DType::Float32 | DType::Float16 | DType::BFloat16)
}

impl Operator for AmpCast {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let Some(dtype) = io.inputs[0] else { return Ok(()) };
        io.set_output(0, if takes_part(dtype) { self.dtype } else { dtype })
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        convert(&io.inputs[0], &io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        back(g, 0)
    }
}

/// The gradient of input `i`: that of output `i` in the type of the input.
fn back(g: &mut Grad, i: usize) -> GraphResult {
    if let Some(head) = g.head_opt(i).filter(|_| g.needs(i)) {
        let inputs = [head, g.input(i)];
        let gradient = g.apply(CastLike {}, &inputs);
        g.set(i, gradient);
    }
    Ok(())
}

impl AmpMulticast {
    /// The type that inputs of half and single precision get.
    fn common(&self, io: &TypeIo) -> Option<DType> {
        let around = || (0..io.inputs.len()).flat_map(|i| [io.inputs[i], io.outputs[i]]).flatten();
        let half = |dtype: &DType| matches!(dtype, DType::Float16 | DType::BFloat16);
        if self.cast_narrow {
            return Some(around().rfind(half).unwrap_or(DType::Float32));
        }
        around().find(|&dtype| dtype == DType::Float32).or(io.inputs[0])
    }
}

impl Operator for AmpMulticast {
    fn inputs(&self) -> Names {
        (0..self.num_outputs).map(|i| Cow::Owned(format!("data_{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_outputs as usize
    }

    fn num_outputs(&self) -> usize {
        self.num_outputs as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..self.num_outputs()).try_for_each(|i| io.unify([Port::Input(i), Port::Output(i)]))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        // The common type is known when all inputs are.
        let Some(common) = self.common(io).filter(|_| io.inputs.iter().all(Option::is_some)) else { return Ok(()) };
        for i in 0..self.num_outputs() {
            let Some(dtype) = io.inputs[i] else { continue };
            io.set_output(i, if takes_part(dtype) { common } else { dtype })?;
        }
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        io.inputs.iter().zip(io.outputs.iter()).try_for_each(|(data, out)| convert(data, out))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        (0..g.num_inputs()).try_for_each(|i| back(g, i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, run};
    use rsym_tensor::Tensor;

    fn typed(dtypes: &[DType]) -> Vec<Tensor> {
        dtypes.iter().map(|&d| Tensor::full([2], d, 1.5).unwrap()).collect()
    }

    #[test]
    fn only_half_and_single_precision_are_converted() {
        use DType::*;
        for (from, to) in [(Float32, Float16), (Float16, Float16), (BFloat16, Float16), (Float64, Float64), (Int32, Int32)] {
            let out = run(&AmpCast { dtype: Float16 }, &typed(&[from])).remove(0);
            assert_eq!(out.dtype(), to);
        }
    }

    #[test]
    fn several_inputs_get_one_type() {
        use DType::*;
        let types = |narrow, inputs: &[DType]| {
            let op = AmpMulticast { num_outputs: inputs.len() as i32, cast_narrow: narrow };
            run(&op, &typed(inputs)).iter().map(Tensor::dtype).collect::<Vec<_>>()
        };
        assert_eq!(types(false, &[Float16, Float32, Int32]), [Float32, Float32, Int32]);
        assert_eq!(types(false, &[Float16, Float16]), [Float16, Float16]);
        assert_eq!(types(true, &[Float32, Float16, Float64]), [Float16, Float16, Float64]);
        assert_eq!(types(true, &[Float32, Float32]), [Float32, Float32]);
    }

    #[test]
    fn gradients_have_the_types_of_the_inputs() {
        let inputs = typed(&[DType::Float16, DType::Float32]);
        let head = typed(&[DType::Float32, DType::Float32]);
        let found = backward(&AmpMulticast { num_outputs: 2, cast_narrow: false }, &inputs, &[Some(head[0].clone()), Some(head[1].clone())]);
        let types: Vec<_> = found.iter().flatten().map(Tensor::dtype).collect();
        assert_eq!(types, [DType::Float16, DType::Float32]);
        let found = backward(&AmpCast { dtype: DType::Float32 }, &inputs[..1], &[Some(head[0].clone())]);
        assert_eq!(found[0].as_ref().map(|g| (g.dtype(), g.to_f64_vec())), Some((DType::Float16, vec![1.5; 2])));
    }
}
