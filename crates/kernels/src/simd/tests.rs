use super::*;

tiered! {
    /// Every operation on two vectors, one after the other.
    fn operations<V>(a: &[f32; 16], b: &[f32; 16]) -> Vec<(&'static str, [f32; 16])> {
        // SAFETY: both arrays have 16 elements.
        let (x, y) = unsafe { (V::load(a.as_ptr()), V::load(b.as_ptr())) };
        let whole = y.round();
        vec![
            ("add", x.add(y).to_array()),
            ("sub", x.sub(y).to_array()),
            ("mul", x.mul(y).to_array()),
            ("div", x.div(y).to_array()),
            ("sqrt", x.abs().sqrt().to_array()),
            ("max", x.max(y).to_array()),
            ("min", x.min(y).to_array()),
            ("round", x.round().to_array()),
            ("floor", x.floor().to_array()),
            ("scale", x.scale_by_power(whole).to_array()),
            ("less", x.if_less(y, x, V::zero()).to_array()),
            ("equal", x.if_equal(y, V::splat(2.0), V::zero()).to_array()),
            ("nan", x.if_nan(V::splat(7.0), y).to_array()),
            ("and", x.bit_and(0x7f80_0000).to_array()),
            ("or", x.bit_or(0x8000_0000).to_array()),
            ("sign", x.with_sign_of(y).to_array()),
            ("exponent", y.abs().add(V::splat(0.01)).exponent().to_array()),
            ("fold", [x.sum(), x.max(y).greatest(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ]
    }
}

tiered! {
    unsafe fn parts<V>(a: *const f32, out: *mut f32, n: usize) {
        V::load_part(a, n).add(V::splat(1.0)).store_part(out, n)
    }
}

tiered! {
    fn fused<V>(a: f32, b: f32, c: f32) -> f32 {
        V::splat(a).mul_add(V::splat(b), V::splat(c)).to_array()[3]
    }
}

fn values(seed: usize) -> [f32; 16] {
    std::array::from_fn(|i| ((i * 37 + seed * 101) % 23) as f32 * 0.75 - 8.0)
}

#[test]
fn every_tier_computes_what_the_portable_one_does() {
    let (mut a, b) = (values(1), values(2));
    a[5] = f32::NAN;
    a[7] = b[7];
    let want = operations(Tier::Portable, &a, &b);
    assert_eq!(want[0].1[0], a[0] + b[0]);
    for tier in available() {
        for (got, want) in operations(tier, &a, &b).iter().zip(&want) {
            assert_eq!(got.1.map(f32::to_bits), want.1.map(f32::to_bits), "{} on {tier}", want.0);
        }
    }
}

#[test]
fn parts_touch_nothing_else() {
    for tier in available() {
        for n in 0..=16 {
            let (a, mut out) = (vec![1.5; n], vec![0.0; 20]);
            // SAFETY: `a` has n elements, `out` more.
            unsafe { parts(tier, a.as_ptr(), out.as_mut_ptr(), n) };
            assert!(out.iter().enumerate().all(|(i, &x)| x == if i < n { 2.5 } else { 0.0 }), "{n} on {tier}");
        }
    }
}

tiered! {
    unsafe fn transposition<V>(from: *const f32, to: *mut f32) {
        let rows: [V; 16] = std::array::from_fn(|i| V::load(from.add(16 * i)));
        V::transposed(rows).into_iter().enumerate().for_each(|(i, row)| row.store(to.add(16 * i)));
    }
}

#[test]
fn transposing_exchanges_rows_and_lanes() {
    let from: [f32; 256] = std::array::from_fn(|i| i as f32);
    for tier in available() {
        let mut to = [f32::NAN; 256];
        // SAFETY: both have 256 elements.
        unsafe { transposition(tier, from.as_ptr(), to.as_mut_ptr()) };
        assert!((0..256).all(|i| to[i] == from[i % 16 * 16 + i / 16]), "{tier}: {to:?}");
    }
}

#[test]
fn multiply_add_is_right() {
    assert!(available().into_iter().all(|tier| fused(tier, 3.0, 4.0, 5.0) == 17.0));
}

#[test]
fn a_forced_tier_ends_with_its_scope_and_names_are_checked() {
    let before = tier();
    assert_eq!(with_tier(Tier::Portable, tier), Tier::Portable);
    assert_eq!(tier(), before);
    assert_eq!("portable".parse(), Ok(Tier::Portable));
    let error = "sse9".parse::<Tier>().unwrap_err();
    assert!(error.contains("portable") && error.contains("sse9"), "{error}");
}
