use super::fill::{PER_ELEMENT, box_muller};
use super::philox::{philox4x32, unit53};

/// The generator of one element of a fill.
pub struct Draws {
    key: [u32; 2],
    element: u64,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    pub(super) fn new(key: [u32; 2], element: u64) -> Draws {
        Draws { key, element, block: 0, words: [0; 4], used: 4 }
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            let counter = [self.element as u32, (self.element >> 32) as u32, self.block, PER_ELEMENT];
            self.words = philox4x32(counter, self.key);
            (self.block, self.used) = (self.block.wrapping_add(1), 0);
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        let (low, high) = (self.word(), self.word());
        unit53(low, high)
    }

    /// A number in [low, high), but for rounding.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// A whole number in low..high; `low` if that is empty.
    pub fn integer(&mut self, low: i64, high: i64) -> i64 {
        let range = high.wrapping_sub(low) as u64;
        let bits = (self.word() as u64) << 32 | self.word() as u64;
        if high <= low { low } else { low.wrapping_add(((bits as u128 * range as u128) >> 64) as i64) }
    }

    /// A normal number.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        mean + deviation * box_muller(u, v)[0]
    }

    /// An exponential number with mean `1 / rate`.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }

    /// A gamma number with mean `shape * scale` (G. Marsaglia and W. Tsang, 2000); NaN unless the shape is finite and
    /// not negative. With the shape 0 it is 0.
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        if !(shape >= 0.0 && shape.is_finite()) {
            f64::NAN
        } else if shape == 0.0 {
            0.0
        } else if shape < 1.0 {
            let boost = (1.0 - self.unit()).powf(1.0 / shape);
            self.gamma_above_one(shape + 1.0) * boost * scale
        } else {
            self.gamma_above_one(shape) * scale
        }
    }

    fn gamma_above_one(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal(0.0, 1.0);
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// A Poisson number with mean `rate`; 0 for a rate that is not positive, the rate itself if it is not finite.
    pub fn poisson(&mut self, rate: f64) -> f64 {
        if rate <= 0.0 {
            0.0
        } else if !rate.is_finite() {
            rate
        } else if rate < 10.0 {
            self.poisson_by_product(rate)
        } else {
            self.poisson_by_rejection(rate)
        }
    }

    fn poisson_by_product(&mut self, rate: f64) -> f64 {
        let (limit, mut product, mut count) = ((-rate).exp(), 1.0 - self.unit(), 0.0);
        while product > limit {
            product *= 1.0 - self.unit();
            count += 1.0;
        }
        count
    }

    /// Algorithm PTRS of W. Hörmann, "The transformed rejection method for generating Poisson random variables", 1993.
    fn poisson_by_rejection(&mut self, rate: f64) -> f64 {
        let b = 0.931 + 2.53 * rate.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let squeeze = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let (u, v) = (self.unit() - 0.5, 1.0 - self.unit());
            let rest = 0.5 - u.abs();
            let k = ((2.0 * a / rest + b) * u + rate + 0.43).floor();
            if rest >= 0.07 && v <= squeeze {
                return k;
            }
            let outside = k < 0.0 || (rest < 0.013 && v > rest);
            let log_ratio = (v * inverse_alpha / (a / (rest * rest) + b)).ln();
            if !outside && log_ratio <= k * rate.ln() - rate - libm::lgamma(k + 1.0) {
                return k;
            }
        }
    }

    /// The failures before `successes` successes of probability `p`; the number of successes may be fractional.
    pub fn negative_binomial(&mut self, successes: f64, p: f64) -> f64 {
        let rate = if p >= 1.0 { 0.0 } else { self.gamma(successes, (1.0 - p) / p) };
        self.poisson(rate)
    }

    /// A Poisson number of mean `mean` whose rate varies with dispersion `alpha`: variance `mean + alpha mean^2`.
    pub fn generalized_negative_binomial(&mut self, mean: f64, alpha: f64) -> f64 {
        let rate = if alpha == 0.0 { mean } else { self.gamma(1.0 / alpha, alpha * mean) };
        self.poisson(rate)
    }
}
