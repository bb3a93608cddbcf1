//! Transposing numbers of four bytes on vectors.

use crate::lines::{LANES, load, store};
use crate::simd::tiered;

tiered! {
    /// Writes `lines` lines of `len` numbers of `src`, which are `from` apart, as columns of `out`, whose lines are `to` apart.
    /// Bits are moved, whatever they mean.
    ///
    /// # Safety
    /// All numbers must be good for reads, all places for writes by nobody else.
    pub(super) unsafe fn transpose<V>(src: *const f32, out: *mut f32, apart: (isize, isize), lines: usize, len: usize) {
        let (from, to) = apart;
        for line in (0..lines).step_by(LANES) {
            let high = LANES.min(lines - line);
            for at in (0..len).step_by(LANES) {
                let wide = LANES.min(len - at);
                let mut block = [V::zero(); LANES];
                for (i, v) in block[..high].iter_mut().enumerate() {
                    *v = load::<V>(src.offset((line + i) as isize * from), at, wide);
                }
                for (i, v) in V::transposed(block)[..wide].iter().enumerate() {
                    store(*v, out.offset((at + i) as isize * to), line, high);
                }
            }
        }
    }
}
