//! `_random_*` and `_random_*_like`: numbers of one distribution.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::random::{self, Draws, Key};
use rsym_tensor::{DType, Element, PartialShape, Tensor, dispatch, dispatch_float};

/// The key of this run.
pub(super) fn key(ctx: &Ctx) -> Key {
    Key { seed: ctx.seed, stream: ctx.stream }
}

enum_param! {
    /// Types that numbers are drawn in.
    pub enum DrawType {
        Float16 = "float16",
        Float32 = "float32",
        Float64 = "float64",
    }
}

impl DrawType {
    pub(super) fn dtype(self) -> DType {
        match self {
            DrawType::Float16 => DType::Float16,
            DrawType::Float32 => DType::Float32,
            DrawType::Float64 => DType::Float64,
        }
    }
}

enum_param! {
    /// Types that whole numbers are drawn in.
    pub enum WholeType {
        Int32 = "int32",
        Int64 = "int64",
    }
}

impl WholeType {
    fn dtype(self) -> DType {
        match self {
            WholeType::Int32 => DType::Int32,
            WholeType::Int64 => DType::Int64,
        }
    }
}

/// Fills a tensor of a float type with what `draw` makes of each element's own generator.
fn each(out: &mut Tensor, ctx: &Ctx, draw: impl Fn(&mut Draws) -> f64 + Sync) -> OpResult {
    let dtype = out.dtype();
    let draw: &(dyn Fn(&mut Draws) -> f64 + Sync) = &draw;
    dispatch_float!(dtype, T => {
        random::fill(key(ctx), out.slice_mut::<T>()?, |_, draws| T::from_f64(draw(draws)));
        Ok(())
    }, else unsupported(dtype, "a float type"))
}

fn uniform(out: &mut Tensor, ctx: &Ctx, low: f64, high: f64) -> OpResult {
    let dtype = out.dtype();
    dispatch_float!(dtype, T => {
        random::uniform(key(ctx), low, high, out.slice_mut::<T>()?);
        Ok(())
    }, else unsupported(dtype, "a float type"))
}

fn normal(out: &mut Tensor, ctx: &Ctx, loc: f64, scale: f64) -> OpResult {
    let dtype = out.dtype();
    dispatch_float!(dtype, T => {
        random::normal(key(ctx), loc, scale, out.slice_mut::<T>()?);
        Ok(())
    }, else unsupported(dtype, "a float type"))
}

/// Declares a distribution: the operator with a shape of its own and the one with the shape of its input. `$fill` draws.
macro_rules! distribution {
    (
        $(#[doc = $doc:literal])*
        $op:ident($name:literal, [$($alias:literal),*]), $like:ident($like_name:literal),
        { $($(#[doc = $pdoc:literal])* $param:ident: $ptype:ty = $default:expr),* },
        check |$checked:ident| $check:expr,
        |$out:ident, $ctx:ident, $this:ident| $fill:expr
    ) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | output | `shape`; extents of 0 are decided by what the output is used for | `dtype`, float32 by default |
            #[aliases($($alias),*)]
            #[check(|$checked: &$op| $check)]
            pub struct $op($name) {
                inputs {}
                params {
                    $($(#[doc = $pdoc])* $param: $ptype = $default,)*
                    /// Shape of the output.
                    shape: Option<Tuple> = None,
                    /// Ignored: the device is that of the executor.
                    ctx: String = String::new(),
                    /// Type of the output: float16, float32 or float64.
                    dtype: Option<DrawType> = None,
                }
            }
        }

        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | float |
            /// | output | that of data | that of data |
            ///
            /// The gradient of data is zero.
            #[check(|$checked: &$like| $check)]
            #[unnamed(true)]
            pub struct $like($like_name) {
                inputs { data: "Has the shape and type; its values are not read." }
                params { $($(#[doc = $pdoc])* $param: $ptype = $default,)* }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.set_output(0, PartialShape::from_legacy(self.shape.as_ref().map_or(&[], |s| s.as_slice())))
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                match self.dtype {
                    Some(dtype) => io.set_output(0, dtype.dtype()),
                    None if io.outputs[0].is_none() => io.set_output(0, DType::Float32),
                    None => Ok(()),
                }
            }

            fn forward(&self, io: &mut Io, $ctx: &Ctx) -> OpResult {
                let ($this, $out) = (self, &mut io.outputs[0]);
                $fill
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }

            fn is_random(&self) -> bool {
                true
            }
        }

        impl Operator for $like {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn forward(&self, io: &mut Io, $ctx: &Ctx) -> OpResult {
                let ($this, $out) = (self, &mut io.outputs[0]);
                $fill
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }

            fn reads(&self, _: usize) -> bool {
                false
            }

            fn is_random(&self) -> bool {
                true
            }
        }
    };
}

fn positive(what: &str, value: f64) -> Result<(), String> {
    if value > 0.0 { Ok(()) } else { Err(format!("{what} must be positive, got {value}")) }
}

fn not_negative(what: &str, value: f64) -> Result<(), String> {
    if value >= 0.0 { Ok(()) } else { Err(format!("{what} must not be negative, got {value}")) }
}

fn probability(p: f64) -> Result<(), String> {
    if 0.0 < p && p <= 1.0 { Ok(()) } else { Err(format!("p must be above 0 and at most 1, got {p}")) }
}

distribution! {
    /// Draws from the uniform distribution over [low, high).
    RandomUniform("_random_uniform", ["random_uniform", "uniform"]), RandomUniformLike("_random_uniform_like"),
    {
        /// Lower end of the interval.
        low: f32 = 0.0,
        /// Upper end of the interval.
        high: f32 = 1.0
    },
    check |op| if op.high >= op.low { Ok(()) } else { Err(format!("low {} lies above high {}", op.low, op.high)) },
    |out, ctx, op| uniform(out, ctx, op.low as f64, op.high as f64)
}

distribution! {
    /// Draws from the normal distribution with mean `loc` and standard deviation `scale`.
    RandomNormal("_random_normal", ["normal", "random_normal"]), RandomNormalLike("_random_normal_like"),
    {
        /// The mean.
        loc: f32 = 0.0,
        /// The standard deviation.
        scale: f32 = 1.0
    },
    check |op| positive("scale", op.scale as f64),
    |out, ctx, op| normal(out, ctx, op.loc as f64, op.scale as f64)
}

distribution! {
    /// Draws from the gamma distribution with shape `alpha` and scale `beta`: the mean is `alpha * beta`.
    RandomGamma("_random_gamma", ["random_gamma"]), RandomGammaLike("_random_gamma_like"),
    {
        /// The shape of the distribution.
        alpha: f32 = 1.0,
        /// The scale of the distribution.
        beta: f32 = 1.0
    },
    check |op| positive("alpha", op.alpha as f64).and(positive("beta", op.beta as f64)),
    |out, ctx, op| each(out, ctx, |draws| draws.gamma(op.alpha as f64, op.beta as f64))
}

distribution! {
    /// Draws from the exponential distribution with rate `lam`: the mean is `1 / lam`.
    RandomExponential("_random_exponential", ["random_exponential"]), RandomExponentialLike("_random_exponential_like"),
    {
        /// The rate.
        lam: f32 = 1.0
    },
    check |op| positive("lam", op.lam as f64),
    |out, ctx, op| each(out, ctx, |draws| draws.exponential(op.lam as f64))
}

distribution! {
    /// Draws from the Poisson distribution with mean `lam`.
    RandomPoisson("_random_poisson", ["random_poisson"]), RandomPoissonLike("_random_poisson_like"),
    {
        /// The mean.
        lam: f32 = 1.0
    },
    check |op| not_negative("lam", op.lam as f64),
    |out, ctx, op| each(out, ctx, |draws| draws.poisson(op.lam as f64))
}

distribution! {
    /// Draws the number of failures before `k` successes, each of probability `p`.
    RandomNegativeBinomial("_random_negative_binomial", ["random_negative_binomial"]),
    RandomNegativeBinomialLike("_random_negative_binomial_like"),
    {
        /// The number of successes.
        k: i32 = 1,
        /// The probability of a success.
        p: f32 = 1.0
    },
    check |op| not_negative("k", op.k as f64).and(probability(op.p as f64)),
    |out, ctx, op| each(out, ctx, |draws| draws.negative_binomial(op.k as f64, op.p as f64))
}

distribution! {
    /// Draws from the negative binomial distribution with mean `mu` and variance `mu + alpha * mu²`.
    RandomGeneralizedNegativeBinomial("_random_generalized_negative_binomial", ["random_generalized_negative_binomial"]),
    RandomGeneralizedNegativeBinomialLike("_random_generalized_negative_binomial_like"),
    {
        /// The mean.
        mu: f32 = 1.0,
        /// The dispersion; 0 is the Poisson distribution.
        alpha: f32 = 1.0
    },
    check |op| not_negative("mu", op.mu as f64).and(not_negative("alpha", op.alpha as f64)),
    |out, ctx, op| each(out, ctx, |draws| draws.generalized_negative_binomial(op.mu as f64, op.alpha as f64))
}

operator! {
    /// Draws whole numbers of low..high, each equally likely.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | `shape`; extents of 0 are decided by what the output is used for | `dtype`, int32 by default |
    #[aliases("_npi_random_randint", "random_randint")]
    #[check(|op: &RandomRandInt| {
        if op.low < op.high { Ok(()) } else { Err(format!("low {} must lie below high {}", op.low, op.high)) }
    })]
    pub struct RandomRandInt("_random_randint") {
        inputs {}
        params {
            /// The smallest number.
            low: i64,
            /// The end, which is not drawn.
            high: i64,
            /// Shape of the output.
            shape: Option<Tuple> = None,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output: int32 or int64.
            dtype: Option<WholeType> = None,
        }
    }
}

impl Operator for RandomRandInt {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, PartialShape::from_legacy(self.shape.as_ref().map_or(&[], |s| s.as_slice())))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        match self.dtype {
            Some(dtype) => io.set_output(0, dtype.dtype()),
            None if io.outputs[0].is_none() => io.set_output(0, DType::Int32),
            None => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let out = &mut io.outputs[0];
        dispatch!(out.dtype(), T => {
            let numbers = out.slice_mut::<T>()?;
            random::fill(key(ctx), numbers, |_, draws| T::from_i64(draws.integer(self.low, self.high)))
        });
        Ok(())
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }

    fn is_random(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run_with, t32};

    fn draw(name: &str, params: &[(&str, &str)], ctx: &Ctx) -> Vec<f64> {
        let shape = [("shape", "(4000,)")];
        let like = name.ends_with("_like");
        let params: Vec<_> = params.iter().copied().chain(shape.into_iter().filter(|_| !like)).collect();
        let op = crate::registry().make(name, &params).unwrap();
        assert!(op.is_random());
        let data = [t32([4000], &[0.0; 4000])];
        run_with(op.as_ref(), if like { &data } else { &[] }, ctx).unwrap().remove(0).to_f64_vec()
    }

    fn moments(x: &[f64]) -> (f64, f64) {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / x.len() as f64)
    }

    #[test]
    fn mean_and_variance_are_those_of_the_distribution() {
        let ctx = Ctx { is_train: false, seed: 3, stream: 5, cache: None };
        let cases: [(&str, &[(&str, &str)], f64, f64); 7] = [
            ("_random_uniform", &[("low", "-1"), ("high", "3")], 1.0, 16.0 / 12.0),
            ("_random_normal", &[("loc", "2"), ("scale", "3")], 2.0, 9.0),
            ("_random_gamma", &[("alpha", "2"), ("beta", "1.5")], 3.0, 4.5),
            ("_random_exponential", &[("lam", "2")], 0.5, 0.25),
            ("_random_poisson", &[("lam", "4")], 4.0, 4.0),
            ("_random_negative_binomial", &[("k", "3"), ("p", "0.5")], 3.0, 6.0),
            ("_random_generalized_negative_binomial", &[("mu", "2"), ("alpha", "0.5")], 2.0, 4.0),
        ];
        for (name, params, mean, variance) in cases {
            for name in [name.to_string(), format!("{name}_like")] {
                let (m, v) = moments(&draw(&name, params, &ctx));
                assert!((m - mean).abs() < 5.0 * (variance / 4000f64).sqrt(), "{name}: mean {m}");
                assert!((v - variance).abs() < 0.2 * variance, "{name}: variance {v}");
            }
        }
    }

    #[test]
    fn the_key_decides_the_numbers() {
        let ctx = |seed, stream| Ctx { is_train: false, seed, stream, cache: None };
        let draw = |ctx| draw("_random_randint", &[("low", "-2"), ("high", "3")], &ctx);
        let first = draw(ctx(1, 1));
        assert!(first.iter().all(|v| (-2.0..3.0).contains(v)) && first.contains(&2.0) && first.contains(&-2.0));
        assert_eq!(first, draw(ctx(1, 1)));
        assert_ne!(first, draw(ctx(1, 2)));
        assert_ne!(first, draw(ctx(2, 1)));
    }

    #[test]
    fn shapes_types_and_refusals() {
        let make = |name, params: &[(&str, &str)]| crate::registry().make(name, params);
        let open = make("_random_uniform", &[("shape", "(0, 3)")]).unwrap();
        assert_eq!(infer(open.as_ref(), &[], &[&[2, 3]]).unwrap(), [[2, 3]]);
        for (name, key, value) in [
            ("_random_uniform", "dtype", "int32"),
            ("_random_uniform", "low", "2"),
            ("_random_normal", "scale", "-1"),
            ("_random_gamma", "alpha", "0"),
            ("_random_exponential", "lam", "0"),
            ("_random_poisson", "lam", "-1"),
            ("_random_negative_binomial", "p", "1.5"),
            ("_random_randint", "low", "3"),
        ] {
            assert!(make(name, &[(key, value)]).is_err(), "{name} {key}={value}");
        }
    }
}
