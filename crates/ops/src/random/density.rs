//! `_random_pdf_*`: densities of distributions at samples, and their gradients.

use rsym_graph::*;
use rsym_kernels::density::{self, Density};
use rsym_tensor::{PartialShape, Tensor};

enum_param! {
    /// A distribution of single numbers.
    pub enum Distribution {
        Exponential = "exponential",
        Gamma = "gamma",
        GeneralizedNegativeBinomial = "generalized_negative_binomial",
        NegativeBinomial = "negative_binomial",
        Normal = "normal",
        Poisson = "poisson",
        Uniform = "uniform",
    }
}

impl From<Distribution> for Density {
    fn from(of: Distribution) -> Density {
        match of {
            Distribution::Exponential => Density::Exponential,
            Distribution::Gamma => Density::Gamma,
            Distribution::GeneralizedNegativeBinomial => Density::GeneralizedNegativeBinomial,
            Distribution::NegativeBinomial => Density::NegativeBinomial,
            Distribution::Normal => Density::Normal,
            Distribution::Poisson => Density::Poisson,
            Distribution::Uniform => Density::Uniform,
        }
    }
}

operator! {
    /// The gradient of a density with respect to the sample and the parameters.
    #[hidden(true)]
    pub struct PdfBackward("_backward_pdf") {
        inputs { ograd: "Gradient of the output.", sample: "The samples.", a: "First parameter.", b: "Second parameter." }
        params {
            /// The distribution.
            of: Distribution,
            /// As in the density.
            is_log: bool,
        }
    }
}

/// The shape rule: parameters have the leading dimensions of the sample; a sample of vectors loses its last dimension.
fn infer(io: &mut ShapeIo, vectors: bool) -> OpResult {
    let params: Vec<Port> = (1..io.inputs.len()).map(Port::Input).collect();
    io.unify(params.clone())?;
    let (Some(sample), Some(rank)) = (io.inputs[0].dims(), io.inputs[1].rank()) else { return Ok(()) };
    if rank == 0 || rank > sample.len() {
        let text = format!("parameters must have 1 to {} dimensions as the sample has, got {rank}", sample.len());
        return Err(OpError::invalid(text));
    }
    let mut leading = sample[..rank].to_vec();
    if let (Some(last), true) = (leading.last_mut(), vectors) {
        *last = sample[sample.len() - 1];
    }
    io.set_input(1, PartialShape::partial(leading))?;
    io.unify(params)?;
    match (vectors, sample.len()) {
        (true, 1) => io.set_output(0, [1]),
        (true, rank) => io.set_output(0, PartialShape::partial(sample[..rank - 1].iter().copied())),
        _ => io.unify([Port::Input(0), Port::Output(0)]),
    }
}

/// The values in double precision; the second parameter repeats the first where there is none.
fn values(inputs: &[Tensor]) -> OpResult<[Vec<f64>; 3]> {
    let [sample, first, rest @ ..] = inputs else { return Err(OpError::invalid("takes two inputs or more")) };
    Ok([sample, first, rest.first().unwrap_or(first)].map(Tensor::to_f64_vec))
}

/// Writes numbers in the type of a tensor.
fn write(values: &[f64], out: &mut Tensor) -> OpResult {
    Ok(out.assign(&Tensor::from_slice(out.shape().clone(), values)?)?)
}

/// Computes the densities, or their logarithms.
fn forward(io: &mut Io, of: Distribution, is_log: bool) -> OpResult {
    let [sample, a, b] = values(io.inputs)?;
    let mut out = vec![0.0; sample.len()];
    density::density(of.into(), is_log, &sample, [&a, &b], &mut out);
    write(&out, &mut io.outputs[0])
}

/// Declares the density of a distribution of single numbers.
macro_rules! pdf {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$alias:literal]) of $of:ident { $($input:ident: $text:literal),* }) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | sample | (…, …) | float |
            /// | parameters | the leading dimensions of sample, all equal | that of sample |
            /// | output | that of sample | that of sample |
            ///
            /// Each parameter belongs to all samples at its position. Samples are not checked against the support.
            #[aliases($alias)]
            pub struct $op($name) {
                inputs { sample: "The samples.", $($input: $text),* }
                params {
                    /// Take the logarithm of the density.
                    is_log: bool = false,
                }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer(io, false)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                floats(io)
            }

            fn is_costly(&self) -> bool {
                true
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                forward(io, Distribution::$of, self.is_log)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let last = g.num_inputs() - 1;
                let inputs = [g.head(0)?, g.input(0), g.input(1), g.input(last)];
                let found = g.apply_multi(PdfBackward { of: Distribution::$of, is_log: self.is_log }, &inputs);
                found.into_iter().take(last + 1).enumerate().for_each(|(i, gradient)| g.set(i, gradient));
                Ok(())
            }
        }
    };
}

/// One float type for all.
fn floats(io: &mut TypeIo) -> OpResult {
    io.same()?;
    match io.inputs[0].filter(|d| !d.is_float()) {
        Some(dtype) => crate::support::unsupported(dtype, "a float type"),
        None => Ok(()),
    }
}

pdf! {
    /// Densities of uniform distributions: `1 / (high - low)`.
    PdfUniform("_random_pdf_uniform", ["random_pdf_uniform"]) of Uniform {
        low: "Lower ends of the intervals.", high: "Upper ends of the intervals."
    }
}

pdf! {
    /// Densities of normal distributions: `exp(-(x - mu)² / (2 · sigma²)) / (sigma · sqrt(2π))`.
    PdfNormal("_random_pdf_normal", ["random_pdf_normal"]) of Normal { mu: "The means.", sigma: "The standard deviations." }
}

pdf! {
    /// Densities of gamma distributions: `beta^alpha · x^(alpha - 1) · exp(-beta · x) / Γ(alpha)`.
    ///
    /// `beta` is the rate here, while `_random_gamma` takes the scale.
    PdfGamma("_random_pdf_gamma", ["random_pdf_gamma"]) of Gamma { alpha: "The shapes.", beta: "The rates." }
}

pdf! {
    /// Densities of exponential distributions: `lam · exp(-lam · x)`.
    PdfExponential("_random_pdf_exponential", ["random_pdf_exponential"]) of Exponential { lam: "The rates." }
}

pdf! {
    /// Probabilities of Poisson distributions: `lam^x · exp(-lam) / x!`. The gradient of the sample is zero.
    PdfPoisson("_random_pdf_poisson", ["random_pdf_poisson"]) of Poisson { lam: "The means." }
}

pdf! {
    /// Probabilities of negative binomial distributions: `Γ(x + k) / (x! · Γ(k)) · p^k · (1 - p)^x`. The gradient of the sample
    /// is zero.
    PdfNegativeBinomial("_random_pdf_negative_binomial", ["random_pdf_negative_binomial"]) of NegativeBinomial {
        k: "The numbers of events at which the count ends; whole or not.", p: "The probabilities of these events."
    }
}

pdf! {
    /// Probabilities of negative binomial distributions with mean `mu` and variance `mu + alpha · mu²`. The gradient of the
    /// sample is zero.
    PdfGeneralizedNegativeBinomial(
        "_random_pdf_generalized_negative_binomial", ["random_pdf_generalized_negative_binomial"]
    ) of GeneralizedNegativeBinomial { mu: "The means.", alpha: "The dispersions." }
}

impl Operator for PdfBackward {
    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..3).try_for_each(|i| io.unify([Port::Input(i + 1), Port::Output(i)]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let heads = io.inputs[0].to_f64_vec();
        let [sample, a, b] = values(&io.inputs[1..])?;
        let (mut dsample, mut dparams) = (vec![0.0; sample.len()], vec![[0.0; 2]; a.len()]);
        let into = (&mut dsample[..], &mut dparams[..]);
        density::density_gradient(self.of.into(), self.is_log, &heads, &sample, [&a, &b], into);
        write(&dsample, &mut io.outputs[0])?;
        for p in 0..2 {
            write(&dparams.iter().map(|d| d[p]).collect::<Vec<_>>(), &mut io.outputs[1 + p])?;
        }
        Ok(())
    }
}

operator! {
    /// Densities of Dirichlet distributions: `Γ(Σ alpha) / Π Γ(alpha) · Π x^(alpha - 1)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | sample | (…, …, k) | float |
    /// | alpha | leading dimensions of sample, then k | that of sample |
    /// | output | that of sample without the last dimension; `(1,)` for a single vector | that of sample |
    ///
    /// Each vector of parameters belongs to all samples at its position. Samples are not checked against the support.
    #[aliases("random_pdf_dirichlet")]
    pub struct PdfDirichlet("_random_pdf_dirichlet") {
        inputs { sample: "The samples.", alpha: "The concentrations." }
        params {
            /// Take the logarithm of the density.
            is_log: bool = false,
        }
    }
}

operator! {
    /// The gradient of `_random_pdf_dirichlet`.
    #[hidden(true)]
    pub struct PdfDirichletBackward("_backward_pdf_dirichlet") {
        inputs { ograd: "Gradient of the output.", sample: "The samples.", alpha: "The concentrations." }
        params {
            /// As in the density.
            is_log: bool,
        }
    }
}

impl Operator for PdfDirichlet {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, true)
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        floats(io)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let k = io.inputs[0].shape().last().copied().unwrap_or(1);
        let [sample, alpha, _] = values(io.inputs)?;
        let mut out = vec![0.0; io.outputs[0].size()];
        density::dirichlet(k, self.is_log, &sample, &alpha, &mut out);
        write(&out, &mut io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        let found = g.apply_multi(PdfDirichletBackward { is_log: self.is_log }, &inputs);
        found.into_iter().enumerate().for_each(|(i, gradient)| g.set(i, gradient));
        Ok(())
    }
}

impl Operator for PdfDirichletBackward {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..2).try_for_each(|i| io.unify([Port::Input(i + 1), Port::Output(i)]))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let k = io.inputs[1].shape().last().copied().unwrap_or(1);
        let heads = io.inputs[0].to_f64_vec();
        let [sample, alpha, _] = values(&io.inputs[1..])?;
        let (mut dsample, mut dalpha) = (vec![0.0; sample.len()], vec![0.0; alpha.len()]);
        density::dirichlet_gradient(k, self.is_log, &heads, &sample, &alpha, (&mut dsample, &mut dalpha));
        write(&dsample, &mut io.outputs[0])?;
        write(&dalpha, &mut io.outputs[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient_at, infer, run, t32};
    use rsym_tensor::DType;

    // Examples of MXNet's documentation.
    #[test]
    fn densities_of_mxnet() {
        let sample = t32([2, 4], &[1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        let op = PdfNegativeBinomial { is_log: false };
        let out = run(&op, &[sample.clone(), t32([2], &[1.0, 1.5]), t32([2], &[0.5, 0.5])]).remove(0);
        let want = [0.25, 0.125, 0.0625, 0.03125, 0.26516506, 0.16572815, 0.09667476, 0.05437956];
        assert_close(&out, &want);
        let out = run(&PdfUniform { is_log: false }, &[sample, t32([2], &[0.0, 0.0]), t32([2], &[10.0, 5.0])]).remove(0);
        assert_close(&out, &[0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2]);
        let vectors = t32([3, 2], &[1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
        let out = run(&PdfDirichlet { is_log: true }, &[vectors, t32([2], &[2.5, 2.5])]).remove(0);
        assert_close(&out, &[38.413498f64.ln(), 199.60245f64.ln(), 564.56085f64.ln()]);
    }

    #[test]
    fn shapes_flow_and_are_checked() {
        let op = PdfNormal { is_log: false };
        assert_eq!(infer(&op, &[&[2, 3], &[0], &[]], &[]).unwrap()[1..], [vec![2], vec![2], vec![2, 3]]);
        assert!(infer(&op, &[&[2, 3], &[3], &[]], &[]).is_err());
        assert!(infer(&op, &[&[2], &[2, 3], &[]], &[]).is_err());
        let op = PdfDirichlet { is_log: false };
        assert_eq!(infer(&op, &[&[2, 3, 4], &[2, 0]], &[]).unwrap()[1..], [vec![2, 4], vec![2, 3]]);
        assert_eq!(infer(&op, &[&[4], &[4]], &[]).unwrap()[2], [1]);
        let mut types = [Some(DType::Int32), None, None];
        assert!(PdfNormal { is_log: false }.infer_type(&mut TypeIo { inputs: &mut types, outputs: &mut [None] }).is_err());
    }

    fn doubles(shape: &[usize], values: &[f64]) -> Tensor {
        Tensor::from_slice(shape, values).unwrap()
    }

    #[test]
    fn gradients_agree_with_differences() {
        let sample = || doubles(&[2, 3], &[0.5, 1.5, 0.25, 1.0, 0.75, 2.0]);
        let (a, b) = (|| doubles(&[2], &[1.5, 0.75]), || doubles(&[2], &[2.5, 2.0]));
        for is_log in [true, false] {
            check_gradient_at(&PdfUniform { is_log }, &[sample(), a(), b()]);
            check_gradient_at(&PdfNormal { is_log }, &[sample(), a(), b()]);
            check_gradient_at(&PdfGamma { is_log }, &[sample(), a(), b()]);
            check_gradient_at(&PdfExponential { is_log }, &[sample(), a()]);
            let (x, alpha) = (doubles(&[1, 2, 2], &[0.2, 0.8, 0.5, 0.5]), doubles(&[1, 2], &[1.5, 0.7]));
            check_gradient_at(&PdfDirichlet { is_log }, &[x, alpha]);
        }
    }

    #[test]
    fn samples_of_discrete_distributions_have_no_gradient() {
        let inputs = [doubles(&[1, 2], &[1.0, 3.0]), doubles(&[1], &[1.5]), doubles(&[1], &[0.4])];
        let head = doubles(&[1, 2], &[1.0, -2.0]);
        for op in ["negative_binomial", "generalized_negative_binomial"] {
            let of = <Distribution as ParamType>::parse(op).unwrap();
            let back = PdfBackward { of, is_log: true };
            let found = run(&back, &[head.clone(), inputs[0].clone(), inputs[1].clone(), inputs[2].clone()]);
            assert_eq!(found[0].to_f64_vec(), [0.0, 0.0]);
        }
        let found = backward(&PdfPoisson { is_log: true }, &inputs[..2], &[Some(head)]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [0.0, 0.0]);
        assert_close(found[1].as_ref().unwrap(), &[1.0 / 1.5 - 1.0 - 2.0 * (3.0 / 1.5 - 1.0)]);
    }
}
