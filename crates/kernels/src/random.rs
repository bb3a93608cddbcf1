//! Random numbers from a counter: element `i` of a fill depends on the key and on `i` alone, so that results are the same
//! for every number of threads.
//!
//! The generator is Philox4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

mod choice;
mod draws;
mod fill;
mod philox;
#[cfg(test)]
mod tests;
mod vector;

pub use choice::{categorical, permutation, unique_zipfian};
pub use draws::Draws;
pub use fill::{bernoulli, fill, normal, uniform};
pub use philox::philox4x32;

/// What a fill depends on: the user's seed, and the number of the stream, which must differ between any two uses of one
/// seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The user's seed.
    pub seed: u64,
    /// Which of the independent streams of the seed.
    pub stream: u64,
}

impl Key {
    /// One generator, for what needs few numbers.
    pub fn draws(self) -> Draws {
        Draws::new(self.mix(), 0)
    }

    /// The generator's key for this stream.
    fn mix(self) -> [u32; 2] {
        let counter = [self.stream as u32, (self.stream >> 32) as u32, 0x7273_796d, 0];
        let words = philox4x32(counter, [self.seed as u32, (self.seed >> 32) as u32]);
        [words[0], words[1]]
    }
}
