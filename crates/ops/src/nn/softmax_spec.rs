//! What softmax, its logarithm and softmin share: inference, computation and gradient operator.

use crate::support::{axis_of, unsupported};
use crate::math::formula::Formula;
use crate::math::reduce::Sum;
use rsym_graph::*;
use rsym_kernels::layout::AxisDims;
use rsym_kernels::softmax::{self as kernel, Softmax as Kind};
use rsym_tensor::{DType, Float, PartialShape, Tensor, dispatch_float};

enum_param! {
    /// Output types of the softmax operators.
    pub enum OutType {
        Float16 = "float16",
        Float32 = "float32",
        Float64 = "float64",
    }
}

/// A softmax in full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SoftmaxSpec {
    pub(crate) axis: i32,
    pub(crate) temperature: f64,
    pub(crate) dtype: Option<OutType>,
    pub(crate) use_length: bool,
    pub(crate) log: bool,
    pub(crate) negate: bool,
}

impl SoftmaxSpec {
    fn kind(&self) -> Kind {
        Kind { log: self.log, negate: self.negate, temperature: self.temperature }
    }

    pub(crate) fn infer(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axis = axis_of(self.axis as i64, dims.len())?;
        if !self.use_length {
            return Ok(());
        }
        let rest: Vec<_> = (0..dims.len()).filter(|&d| d != axis).map(|d| dims[d]).collect();
        io.set_input(1, PartialShape::partial(if rest.is_empty() { vec![Some(1)] } else { rest }))
    }

    pub(crate) fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        match self.dtype.and_then(|t| DType::parse(&t.text())) {
            None => io.unify(&[0], &[0])?,
            Some(dtype) => {
                io.set_output(0, dtype)?;
                io.inputs[0].get_or_insert(dtype);
            }
        }
        match io.inputs[0].filter(|t| !t.is_float()) {
            Some(dtype) => unsupported(dtype, "a float type"),
            None => Ok(()),
        }
    }

    pub(crate) fn forward(&self, io: &mut Io) -> OpResult {
        let (from, to) = (io.inputs[0].dtype(), io.outputs[0].dtype());
        let length = io.inputs.get(1).filter(|_| self.use_length);
        if from == to {
            return self.compute(&io.inputs[0], length, &mut io.outputs[0]);
        }
        if from.size() < to.size() {
            return self.compute(&io.inputs[0].cast(to)?, length, &mut io.outputs[0]);
        }
        let mut result = Tensor::zeros(io.outputs[0].shape().clone(), from)?;
        self.compute(&io.inputs[0], length, &mut result)?;
        Ok(io.outputs[0].assign(&result)?)
    }

    fn dims(&self, data: &Tensor) -> OpResult<AxisDims> {
        Ok(AxisDims::new(data.shape(), axis_of(self.axis as i64, data.shape().len())?))
    }

    fn compute(&self, data: &Tensor, length: Option<&Tensor>, out: &mut Tensor) -> OpResult {
        let (dims, length) = (self.dims(data)?, length.map(lengths));
        dispatch_float!(data.dtype(), T => {
            kernel::softmax::<T>(dims, self.kind(), data.slice()?, length.as_deref(), out.slice_mut()?);
            Ok(())
        }, else unsupported(data.dtype(), "a float type"))
    }

    pub(crate) fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = SoftmaxBackward {
            axis: self.axis,
            temperature: self.temperature,
            log: self.log,
            negate: self.negate,
            use_length: self.use_length,
        };
        let mut inputs = vec![g.head(0)?, g.output(0), g.input(0)];
        inputs.extend(self.use_length.then(|| g.input(1)));
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

fn lengths(length: &Tensor) -> Vec<usize> {
    length.to_f64_vec().into_iter().map(|l| l.max(0.0) as usize).collect()
}

operator! {
    /// Gradient of the softmax operators for data.
    #[hidden(true)]
    pub struct SoftmaxBackward("_backward_softmax") {
        inputs {
            ograd: "Gradient of the output.",
            output: "The output.",
            data: "The input, for its type.",
            length: "The lengths, with `use_length`.",
        }
        params {
            /// As in `softmax`.
            axis: i32,
            /// As in `softmax`.
            temperature: f64,
            /// Whether the output is a logarithm.
            log: bool,
            /// Whether the data is negated.
            negate: bool,
            /// As in `softmax`.
            use_length: bool,
        }
    }
}

impl Operator for SoftmaxBackward {
    fn num_inputs(&self) -> usize {
        if self.use_length { 4 } else { 3 }
    }

    fn inputs(&self) -> Names {
        if self.use_length { names!["ograd", "output", "data", "length"] } else { names!["ograd", "output", "data"] }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Input(2), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[])?;
        io.unify(&[2], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (from, to) = (io.inputs[0].dtype(), io.outputs[0].dtype());
        let length = io.inputs.get(3).map(lengths);
        if from == to {
            return self.compute([&io.inputs[0], &io.inputs[1]], length.as_deref(), &mut io.outputs[0]);
        }
        let mut result = Tensor::zeros(io.outputs[0].shape().clone(), from)?;
        self.compute([&io.inputs[0], &io.inputs[1]], length.as_deref(), &mut result)?;
        Ok(io.outputs[0].assign(&result)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if self.use_length {
            return g.not_differentiable();
        }
        let head = Formula::from(g.head(0)?);
        let (ograd, output) = (Formula::from(g.input(0)), Formula::from(g.input(1)));
        let axis = Some(Tuple::from_slice(&[self.axis as i64]));
        let sum = |formula: Formula| formula.apply(Sum { axis: axis.clone(), keepdims: true, exclude: false });
        let factor = if self.negate { -1.0 } else { 1.0 } / self.temperature;
        let (by_ograd, by_output) = if self.log {
            let probability = output.exp();
            (head.clone() - sum(head.clone() * probability.clone()), -(head * probability * sum(ograd)))
        } else {
            let weighted = |f: &Formula| f.clone() - sum(f.clone() * output.clone());
            (output.clone() * weighted(&head), head.clone() * weighted(&ograd) - ograd * sum(head * output.clone()))
        };
        for (i, formula) in [by_ograd, by_output].into_iter().enumerate() {
            if g.needs(i)
                && let Some(gradient) = (formula * factor).write(g)
            {
                g.set(i, gradient);
            }
        }
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 2
    }
}

impl SoftmaxBackward {
    fn compute(&self, [ograd, output]: [&Tensor; 2], length: Option<&[usize]>, dx: &mut Tensor) -> OpResult {
        let dims = AxisDims::new(output.shape(), axis_of(self.axis as i64, output.shape().len())?);
        let kind = Kind { log: self.log, negate: self.negate, temperature: self.temperature };
        fn run<T: Float>(
            dims: AxisDims,
            kind: Kind,
            [ograd, output]: [&Tensor; 2],
            length: Option<&[usize]>,
            dx: &mut Tensor,
        ) -> OpResult {
            kernel::softmax_backward::<T>(dims, kind, (output.slice()?, ograd.slice()?), length, dx.slice_mut()?);
            Ok(())
        }
        let dtype = dx.dtype();
        dispatch_float!(dtype, T => run::<T>(dims, kind, [ograd, output], length, dx), else unsupported(dtype, "float"))
    }
}

/// Implements a softmax operator by its specification.
macro_rules! softmax_operator {
    ($op:ident) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                if self.spec().use_length { names!["data", "length"] } else { names!["data"] }
            }

            fn num_inputs(&self) -> usize {
                if self.spec().use_length { 2 } else { 1 }
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.spec().infer(io)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                self.spec().infer_type(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                self.spec().forward(io)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                self.spec().gradient(g)
            }
        }
    };
}
pub(crate) use softmax_operator;
