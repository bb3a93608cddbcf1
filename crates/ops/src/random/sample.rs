//! `_sample_*`: numbers of many distributions, whose parameters are tensors.

use super::draw::{DrawType, key};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::random::{self, Draws};
use rsym_tensor::{DType, Element, PartialShape, Tensor, dispatch, dispatch_num};

/// Declares a family of distributions; `$draw` makes one number of the parameters at one position.
macro_rules! sampled {
    (
        $(#[doc = $doc:literal])*
        $op:ident($name:literal, [$alias:literal]) { $($input:ident: $input_doc:literal),* },
        |$draws:ident, $params:ident| $draw:expr
    ) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | inputs | any, all equal | float or integer, all equal |
            /// | output | that of the inputs, then `shape` | `dtype`, float32 by default |
            ///
            /// The gradient of the inputs is zero.
            #[aliases($alias)]
            pub struct $op($name) {
                inputs { $($input: $input_doc),* }
                params {
                    /// Shape of the numbers that are drawn for each position of the inputs.
                    shape: Tuple = Tuple::new(),
                    /// Type of the output: float16, float32 or float64.
                    dtype: Option<DrawType> = None,
                }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let ports: Vec<Port> = (0..io.inputs.len()).map(Port::Input).collect();
                io.unify(ports)?;
                appended(io, &self.shape)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                let inputs: Vec<usize> = (0..io.inputs.len()).collect();
                io.unify(&inputs, &[])?;
                match self.dtype.map(DrawType::dtype).or(io.outputs[0]) {
                    Some(dtype) => io.set_output(0, dtype),
                    // What follows may still decide.
                    None if io.inputs[0].is_none() => Ok(()),
                    None => io.set_output(0, DType::Float32),
                }
            }

            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                each(io, ctx, &|$draws, $params| $draw)
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }

            fn is_random(&self) -> bool {
                true
            }
        }
    };
}

/// Output 0 has the shape of the inputs, then `shape`.
fn appended(io: &mut ShapeIo, shape: &Tuple) -> OpResult {
    let extents = shape.iter().map(|&d| usize::try_from(d).ok().filter(|&d| d > 0));
    let own: Vec<Option<usize>> = extents.collect();
    if own.contains(&None) {
        return Err(OpError::invalid(format!("shape must have positive extents, got {}", shape.text())));
    }
    if let Some(dims) = io.inputs[0].dims() {
        io.set_output(0, PartialShape::partial(dims.into_iter().chain(own.iter().copied())))?;
    }
    let Some(dims) = io.outputs[0].dims() else { return Ok(()) };
    let Some(rank) = dims.len().checked_sub(own.len()) else {
        return Err(OpError::invalid(format!("the output ends with {}, its shape is {}", shape.text(), io.outputs[0])));
    };
    let inputs = PartialShape::partial(dims[..rank].iter().copied());
    io.set_output(0, PartialShape::partial(dims[..rank].iter().copied().chain(own)))?;
    (0..io.inputs.len()).try_for_each(|i| io.set_input(i, inputs.clone()))
}

fn numbers(tensor: &Tensor) -> OpResult<Vec<f64>> {
    let dtype = tensor.dtype();
    dispatch_num!(dtype, T => Ok(tensor.slice::<T>()?.iter().map(|v| v.to_f64()).collect()),
        else unsupported(dtype, "a float or integer type"))
}

/// One draw for the parameters at a position: first and second input; the second repeats the first where there is one only.
type Draw<'a> = &'a (dyn Fn(&mut Draws, [f64; 2]) -> f64 + Sync);

fn each(io: &mut Io, ctx: &Ctx, draw: Draw) -> OpResult {
    let first = numbers(&io.inputs[0])?;
    let second = io.inputs.get(1).map_or_else(|| Ok(first.clone()), numbers)?;
    let out = &mut io.outputs[0];
    let count = out.size() / first.len().max(1);
    dispatch!(out.dtype(), T => {
        random::fill(key(ctx), out.slice_mut::<T>()?, |i, draws| {
            let at = i / count.max(1);
            T::from_f64(draw(draws, [first[at], second[at]]))
        })
    });
    Ok(())
}

sampled! {
    /// Draws from uniform distributions over [low, high).
    SampleUniform("_sample_uniform", ["sample_uniform"]) {
        low: "Lower ends of the intervals.", high: "Upper ends of the intervals."
    },
    |draws, p| draws.uniform(p[0], p[1])
}

sampled! {
    /// Draws from normal distributions.
    SampleNormal("_sample_normal", ["sample_normal"]) { mu: "The means.", sigma: "The standard deviations." },
    |draws, p| draws.normal(p[0], p[1])
}

sampled! {
    /// Draws from gamma distributions: the means are `alpha * beta`.
    SampleGamma("_sample_gamma", ["sample_gamma"]) {
        alpha: "The shapes of the distributions.", beta: "The scales of the distributions."
    },
    |draws, p| draws.gamma(p[0], p[1])
}

sampled! {
    /// Draws from exponential distributions: the means are `1 / lam`.
    SampleExponential("_sample_exponential", ["sample_exponential"]) { lam: "The rates." },
    |draws, p| draws.exponential(p[0])
}

sampled! {
    /// Draws from Poisson distributions.
    SamplePoisson("_sample_poisson", ["sample_poisson"]) { lam: "The means." },
    |draws, p| draws.poisson(p[0])
}

sampled! {
    /// Draws numbers of failures before `k` successes, each of probability `p`.
    SampleNegativeBinomial("_sample_negative_binomial", ["sample_negative_binomial"]) {
        k: "The numbers of successes.", p: "The probabilities of a success."
    },
    |draws, p| draws.negative_binomial(p[0], p[1])
}

sampled! {
    /// Draws from negative binomial distributions with mean `mu` and variance `mu + alpha * mu²`.
    SampleGeneralizedNegativeBinomial("_sample_generalized_negative_binomial", ["sample_generalized_negative_binomial"]) {
        mu: "The means.", alpha: "The dispersions."
    },
    |draws, p| draws.generalized_negative_binomial(p[0], p[1])
}

#[cfg(test)]
mod tests {
    use crate::support::tests::{infer, run, t32};

    fn means(name: &str, first: &[f32], second: Option<&[f32]>) -> Vec<f64> {
        let op = crate::registry().make(name, &[("shape", "(2, 2000)")]).unwrap();
        let mut inputs = vec![t32([first.len()], first)];
        inputs.extend(second.map(|s| t32([s.len()], s)));
        let out = run(op.as_ref(), &inputs).remove(0);
        assert_eq!(out.shape().as_ref(), [first.len(), 2, 2000]);
        out.to_f64_vec().chunks(4000).map(|c| c.iter().sum::<f64>() / 4000.0).collect()
    }

    #[test]
    fn every_position_has_its_distribution() {
        let check = |got: Vec<f64>, want: [f64; 2]| {
            let near = got.iter().zip(want).all(|(g, w)| (g - w).abs() < 0.1 * (1.0 + w));
            assert!(near, "{got:?} instead of {want:?}");
        };
        check(means("_sample_uniform", &[0.0, 4.0], Some(&[2.0, 6.0])), [1.0, 5.0]);
        check(means("_sample_normal", &[1.0, 5.0], Some(&[1.0, 0.1])), [1.0, 5.0]);
        check(means("_sample_gamma", &[1.0, 4.0], Some(&[2.0, 1.0])), [2.0, 4.0]);
        check(means("_sample_exponential", &[1.0, 0.25], None), [1.0, 4.0]);
        check(means("_sample_poisson", &[1.0, 7.0], None), [1.0, 7.0]);
        check(means("_sample_negative_binomial", &[2.0, 8.0], Some(&[0.5, 0.5])), [2.0, 8.0]);
        check(means("_sample_generalized_negative_binomial", &[1.0, 6.0], Some(&[0.1, 0.1])), [1.0, 6.0]);
    }

    #[test]
    fn draws_are_appended_to_the_shape() {
        let op = crate::registry().make("sample_normal", &[("shape", "3")]).unwrap();
        assert_eq!(infer(op.as_ref(), &[&[2], &[]], &[]).unwrap(), [vec![2], vec![2], vec![2, 3]]);
        let backwards = infer(op.as_ref(), &[&[0], &[]], &[&[2, 3]]).unwrap();
        assert_eq!(backwards, [vec![2], vec![2], vec![2, 3]]);
        let bad = crate::registry().make("sample_normal", &[("shape", "(3, -1)")]).unwrap();
        assert!(infer(bad.as_ref(), &[&[2], &[2]], &[]).is_err());
    }
}
