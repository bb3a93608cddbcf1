//! The inner sums of a weight gradient.

use crate::simd::{Lanes, tiered};

/// Sums of a block of channels with a block of filters: `[16 channels, 16 filters]`.
pub(super) const PARK: usize = 256;

/// Positions whose products are summed: planes of rows of pixels, with the distances in floats of two planes, two rows
/// and two pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    pub data: *const f32,
    pub dout: *const f32,
    pub planes: usize,
    pub rows: usize,
    pub pixels: usize,
    pub data_step: [usize; 3],
    pub dout_step: [usize; 3],
}

impl Sweep {
    /// The same positions with rows, and planes, joined where they follow each other in memory.
    pub fn merged(mut self) -> Sweep {
        let follows = |step: [usize; 3], n: usize| step[1] == n * step[2];
        if follows(self.data_step, self.pixels) && follows(self.dout_step, self.pixels) {
            (self.pixels, self.rows) = (self.pixels * self.rows, self.planes);
            (self.data_step[1], self.dout_step[1]) = (self.data_step[0], self.dout_step[0]);
            self.planes = 1;
            if self.rows > 1 && follows(self.data_step, self.pixels) && follows(self.dout_step, self.pixels) {
                (self.pixels, self.rows) = (self.pixels * self.rows, 1);
            }
        }
        self
    }
}

/// Adds the products of `N` channels with all filters of a block.
///
/// # Safety
/// As [`sweep`].
#[inline(always)]
unsafe fn add<V: Lanes, const N: usize>(s: &Sweep, first: usize, park: *mut f32) {
    let mut sums = [V::zero(); N];
    for plane in 0..s.planes {
        for row in 0..s.rows {
            let mut x = s.data.wrapping_add(plane * s.data_step[0] + row * s.data_step[1] + first);
            let mut g = s.dout.wrapping_add(plane * s.dout_step[0] + row * s.dout_step[1]);
            for _ in 0..s.pixels {
                // SAFETY: the caller's contract.
                unsafe {
                    let gradient = V::load(g);
                    for (i, sum) in sums.iter_mut().enumerate() {
                        *sum = V::splat(*x.add(i)).mul_add(gradient, *sum);
                    }
                }
                (x, g) = (x.wrapping_add(s.data_step[2]), g.wrapping_add(s.dout_step[2]));
            }
        }
    }
    for (i, sum) in sums.into_iter().enumerate() {
        let at = park.wrapping_add((first + i) * 16);
        // SAFETY: the caller's contract.
        unsafe { V::load(at).add(sum).store(at) };
    }
}

tiered! {
    /// Adds the products of 16 channels with 16 filters at every position to `park` ([`PARK`]).
    ///
    /// # Safety
    /// Every position must be good for 16 reads in both, and `park` for 256 writes.
    pub(super) unsafe fn sweep<V>(s: &Sweep, park: *mut f32) {
        match V::BUDGET / V::REGISTERS {
            32.. => add::<V, 16>(s, 0, park),
            8.. => {
                for first in [0, 4, 8, 12] {
                    add::<V, 4>(s, first, park);
                }
            }
            _ => {
                for first in [0, 2, 4, 6, 8, 10, 12, 14] {
                    add::<V, 2>(s, first, park);
                }
            }
        }
    }
}
