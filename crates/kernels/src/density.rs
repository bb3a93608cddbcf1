//! Densities of distributions and their gradients, in double precision.

use crate::math::{digamma, gammaln};
use crate::parallel::{for_elements, for_rows2};

/// A distribution of single numbers with one or two parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// On [low, high); samples outside count as inside.
    Uniform,
    /// With mean and standard deviation.
    Normal,
    /// With shape and rate.
    Gamma,
    /// With a rate.
    Exponential,
    /// With a mean.
    Poisson,
    /// Of successes before `k` failures, each of probability `p`.
    NegativeBinomial,
    /// The same with mean and dispersion.
    GeneralizedNegativeBinomial,
}

/// The slopes of a logarithm of a density: along the sample, then along the parameters.
type Slopes = [f64; 3];

impl Density {
    /// The logarithm of the density at `x`.
    fn log(self, x: f64, [a, b]: [f64; 2]) -> f64 {
        match self {
            Density::Uniform => -(b - a).ln(),
            Density::Normal => -0.5 * ((x - a) / b).powi(2) - ((2.0 * std::f64::consts::PI).sqrt() * b).ln(),
            Density::Gamma => a * b.ln() + (a - 1.0) * x.ln() - b * x - gammaln(a),
            Density::Exponential => a.ln() - a * x,
            Density::Poisson => x * a.ln() - gammaln(x + 1.0) - a,
            Density::NegativeBinomial => {
                gammaln(x + a) - gammaln(x + 1.0) - gammaln(a) + a * b.ln() + x * (1.0 - b).ln()
            }
            Density::GeneralizedNegativeBinomial => Density::NegativeBinomial.log(x, limits(a, b)),
        }
    }

    /// The slopes of [`Density::log`].
    fn slopes(self, x: f64, [a, b]: [f64; 2]) -> Slopes {
        match self {
            Density::Uniform => [0.0, 1.0 / (b - a), -1.0 / (b - a)],
            Density::Normal => {
                let z = (x - a) / b;
                [-z / b, z / b, (z * z - 1.0) / b]
            }
            Density::Gamma => [(a - 1.0) / x - b, b.ln() + x.ln() - digamma(a), a / b - x],
            Density::Exponential => [-a, 1.0 / a - x, 0.0],
            Density::Poisson => [0.0, x / a - 1.0, 0.0],
            Density::NegativeBinomial => [0.0, digamma(x + a) - digamma(a) + b.ln(), a / b - x / (1.0 - b)],
            Density::GeneralizedNegativeBinomial => {
                let [_, limit, p] = Density::NegativeBinomial.slopes(x, limits(a, b));
                let square = (a * b + 1.0).powi(2);
                [0.0, -p * b / square, -limit / (b * b) - p * a / square]
            }
        }
    }
}

/// Number of failures and their probability, of mean and dispersion.
fn limits(mean: f64, dispersion: f64) -> [f64; 2] {
    [1.0 / dispersion, 1.0 / (mean * dispersion + 1.0)]
}

/// Approximate cost of one density.
const COST: usize = 100;

/// The densities at `samples`, or their logarithms; the parameters at `i` are those of the `i`-th run of samples, all runs
/// equally long.
pub fn density(of: Density, log: bool, samples: &[f64], params: [&[f64]; 2], out: &mut [f64]) {
    let run = samples.len() / params[0].len().max(1);
    for_elements(out, COST, |first, out| {
        for (i, out) in (first..).zip(out) {
            let value = of.log(samples[i], params.map(|p| p[i / run]));
            *out = if log { value } else { value.exp() };
        }
    });
}

/// The gradients of [`density`] with respect to samples and parameters, given `heads`, that of its result.
pub fn density_gradient(
    of: Density,
    log: bool,
    heads: &[f64],
    samples: &[f64],
    params: [&[f64]; 2],
    (dsamples, dparams): (&mut [f64], &mut [[f64; 2]]),
) {
    let run = samples.len() / params[0].len().max(1);
    for_rows2((dsamples, dparams), (run, 1), 2 * COST * run, |i, dsamples, dparams| {
        let p = params.map(|p| p[i]);
        dparams[0] = [0.0; 2];
        for ((d, &x), &head) in dsamples.iter_mut().zip(&samples[i * run..]).zip(&heads[i * run..]) {
            let scale = if log { head } else { head * of.log(x, p).exp() };
            let slopes = of.slopes(x, p).map(|s| scale * s);
            *d = slopes[0];
            dparams[0][0] += slopes[1];
            dparams[0][1] += slopes[2];
        }
    });
}

/// The densities of Dirichlet distributions over `k` numbers, or their logarithms, as [`density`] has them.
pub fn dirichlet(k: usize, log: bool, samples: &[f64], alpha: &[f64], out: &mut [f64]) {
    let run = samples.len() / alpha.len().max(1);
    for_elements(out, COST * k, |first, out| {
        for (i, out) in (first..).zip(out) {
            let value = dirichlet_log(&samples[i * k..][..k], &alpha[i / run * k..][..k]);
            *out = if log { value } else { value.exp() };
        }
    });
}

fn dirichlet_log(x: &[f64], alpha: &[f64]) -> f64 {
    let terms = x.iter().zip(alpha).map(|(x, a)| (a - 1.0) * x.ln() - gammaln(*a));
    terms.sum::<f64>() + gammaln(alpha.iter().sum::<f64>())
}

/// The gradients of [`dirichlet`] with respect to samples and parameters, given `heads`, that of its result.
pub fn dirichlet_gradient(
    k: usize,
    log: bool,
    heads: &[f64],
    samples: &[f64],
    alpha: &[f64],
    (dsamples, dalpha): (&mut [f64], &mut [f64]),
) {
    let run = samples.len() / alpha.len().max(1);
    for_rows2((dsamples, dalpha), (run * k, k), 2 * COST * run * k, |i, dsamples, dalpha| {
        let a = &alpha[i * k..][..k];
        let all = digamma(a.iter().sum::<f64>());
        let own: Vec<f64> = a.iter().map(|&a| all - digamma(a)).collect();
        dalpha.fill(0.0);
        for (j, dx) in dsamples.chunks_exact_mut(k).enumerate() {
            let x = &samples[(i * run + j) * k..][..k];
            let head = heads[i * run + j];
            let scale = if log { head } else { head * dirichlet_log(x, a).exp() };
            for c in 0..k {
                dx[c] = scale * (a[c] - 1.0) / x[c];
                dalpha[c] += scale * (x[c].ln() + own[c]);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Density, f64, [f64; 2]); 7] = [
        (Density::Uniform, 0.7, [0.25, 2.5]),
        (Density::Normal, 0.7, [0.2, 1.5]),
        (Density::Gamma, 1.7, [2.5, 0.75]),
        (Density::Exponential, 0.7, [1.5, 0.0]),
        (Density::Poisson, 3.0, [2.5, 0.0]),
        (Density::NegativeBinomial, 3.0, [1.5, 0.4]),
        (Density::GeneralizedNegativeBinomial, 3.0, [1.5, 0.6]),
    ];

    // SciPy 1.17: stats.uniform, norm, gamma, expon, poisson, nbinom.
    const WANT: [f64; 7] = [
        0.4444444444444444,
        0.2515888184619955,
        0.22696812837125338,
        0.524906623666733,
        0.21376301724973648,
        0.1195340955543647,
        0.09904100816113322,
    ];

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-7 * (1.0 + want.abs()), "{got} instead of {want}");
    }

    #[test]
    fn densities_agree_with_scipy() {
        for ((of, x, p), want) in ALL.into_iter().zip(WANT) {
            let mut out = [0.0];
            density(of, false, &[x], [&p[..1], &p[1..]], &mut out);
            close(out[0], want);
            density(of, true, &[x], [&p[..1], &p[1..]], &mut out);
            close(out[0], want.ln());
        }
    }

    #[test]
    fn slopes_are_differences() {
        let h = 1e-5;
        for (of, x, p) in ALL {
            let got = of.slopes(x, p);
            let discrete = got[0] == 0.0;
            let numeric = (of.log(x + h, p) - of.log(x - h, p)) / (2.0 * h);
            close(got[0], if discrete { 0.0 } else { numeric });
            for i in 0..2 {
                let at = |d: f64| {
                    let mut moved = p;
                    moved[i] += d;
                    of.log(x, moved)
                };
                if p[i] > 0.0 {
                    close(got[1 + i], (at(h) - at(-h)) / (2.0 * h));
                }
            }
        }
    }

    #[test]
    fn every_run_has_its_parameters() {
        let samples = [1.0, 2.0, 1.0, 2.0];
        let mut out = [0.0; 4];
        density(Density::Exponential, true, &samples, [&[1.0, 2.0], &[0.0; 2]], &mut out);
        assert_eq!(out, [-1.0, -2.0, 2f64.ln() - 2.0, 2f64.ln() - 4.0]);
        let (mut dx, mut dp) = ([0.0; 4], [[0.0; 2]; 2]);
        let heads = [1.0, 1.0, 1.0, 10.0];
        density_gradient(Density::Exponential, true, &heads, &samples, [&[1.0, 2.0], &[0.0; 2]], (&mut dx, &mut dp));
        assert_eq!(dx, [-1.0, -1.0, -2.0, -20.0]);
        assert_eq!((dp[0][0], dp[1][0]), (-1.0, -0.5 - 15.0));
    }

    // SciPy 1.17: stats.dirichlet.
    #[test]
    fn dirichlet_and_its_slopes() {
        let (x, a) = ([0.2, 0.3, 0.5], [1.5, 2.5, 0.7]);
        let mut out = [0.0];
        dirichlet(3, true, &x, &a, &mut out);
        let (mut dx, mut da) = ([0.0; 3], [0.0; 3]);
        dirichlet_gradient(3, true, &[1.0], &x, &a, (&mut dx, &mut da));
        let h = 1e-5;
        for i in 0..3 {
            let mut moved = [x; 2];
            (moved[0][i], moved[1][i]) = (x[i] + h, x[i] - h);
            close(dx[i], (dirichlet_log(&moved[0], &a) - dirichlet_log(&moved[1], &a)) / (2.0 * h));
            let mut moved = [a; 2];
            (moved[0][i], moved[1][i]) = (a[i] + h, a[i] - h);
            close(da[i], (dirichlet_log(&x, &moved[0]) - dirichlet_log(&x, &moved[1])) / (2.0 * h));
        }
        dirichlet(3, false, &x, &a, &mut out);
        close(out[0], 0.9129293883849219);
    }
}
