const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Four random words for a counter and a key: ten rounds of Philox4x32.
#[inline]
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        counter = round(counter, key);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The words of 16 successive counters, of which the first is `first`: word by word, 16 lanes each.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // each index goes over all four lists
pub(super) fn philox4x32_16(first: u64, mut key: [u32; 2]) -> [[u32; 16]; 4] {
    let mut c = [[0; 16]; 4];
    for i in 0..16 {
        let n = first.wrapping_add(i as u64);
        (c[0][i], c[1][i]) = (n as u32, (n >> 32) as u32);
    }
    for _ in 0..10 {
        for i in 0..16 {
            [c[0][i], c[1][i], c[2][i], c[3][i]] = round([c[0][i], c[1][i], c[2][i], c[3][i]], key);
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}

#[inline(always)]
fn round(c: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let a = MULTIPLIERS[0] as u64 * c[0] as u64;
    let b = MULTIPLIERS[1] as u64 * c[2] as u64;
    [(b >> 32) as u32 ^ c[1] ^ key[0], b as u32, (a >> 32) as u32 ^ c[3] ^ key[1], a as u32]
}

/// A number in [0, 1) with all 53 digits of a double.
#[inline(always)]
pub(super) fn unit53(low: u32, high: u32) -> f64 {
    (((high as u64) << 32 | low as u64) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A number in [0, 1) with the `digits` upper binary digits of `word`.
#[inline(always)]
pub(super) fn unit(word: u32, digits: u32) -> f64 {
    (word >> (32 - digits)) as f64 / (1u64 << digits) as f64
}
