//! Vector instructions, chosen when the program runs.
//!
//! A kernel is written once over [`Lanes`], 16 single-precision numbers that are one register of AVX-512, two of AVX2 or
//! four of NEON, and compiled for every [`Tier`] by [`tiered!`]. Whoever starts a kernel asks [`tier`] once and hands the
//! tier on, so that all threads of one call agree.

pub(crate) mod functions;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use lanes::{Lanes, WIDTH};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use portable::Portable;
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// What every machine has.
    Portable,
    /// 128 bits, on 64-bit ARM.
    Neon,
    /// 256 bits with fused multiply-add.
    Avx2,
    /// 512 bits.
    Avx512,
}

/// Every tier, slowest first.
pub const TIERS: [Tier; 4] = [Tier::Portable, Tier::Neon, Tier::Avx2, Tier::Avx512];

/// The environment variable that forces a tier.
pub const VARIABLE: &str = "RSYM_SIMD";

impl Tier {
    /// Its name in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Tier::Portable => "portable",
            Tier::Neon => "neon",
            Tier::Avx2 => "avx2",
            Tier::Avx512 => "avx512",
        }
    }

    /// Whether this machine has its instructions.
    pub fn available(self) -> bool {
        match self {
            Tier::Portable => true,
            Tier::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => {
                Tier::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Tier, String> {
        let usable = available();
        usable.iter().copied().find(|t| t.name() == text).ok_or_else(|| {
            let names: Vec<&str> = usable.iter().map(|t| t.name()).collect();
            format!(
                "{VARIABLE}='{text}' is no set of vector instructions of this machine: use one of {}",
                names.join(", ")
            )
        })
    }
}

/// The tiers of this machine, slowest first.
pub fn available() -> Vec<Tier> {
    TIERS.into_iter().filter(|t| t.available()).collect()
}

/// The tier that [`VARIABLE`] asks for, if it does.
pub fn requested() -> Result<Option<Tier>, String> {
    std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()
}

thread_local! {
    static FORCED: Cell<Option<Tier>> = const { Cell::new(None) };
}

/// The tier that kernels started by this thread use: the best one unless [`VARIABLE`] names another.
pub fn tier() -> Tier {
    static CHOSEN: OnceLock<Tier> = OnceLock::new();
    let best = || available().last().copied().unwrap_or(Tier::Portable);
    FORCED.get().unwrap_or_else(|| *CHOSEN.get_or_init(|| requested().ok().flatten().unwrap_or_else(best)))
}

/// Runs `f` with the kernels that this thread starts on `tier`, which the machine must have.
///
/// # Panics
/// When the machine lacks the tier.
pub fn with_tier<R>(tier: Tier, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Tier>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    assert!(tier.available(), "this machine has no {tier}");
    let _restore = Restore(FORCED.replace(Some(tier)));
    f()
}

/// Asks for the cache line at `place` to be brought into the second level of cache; any address will do.
#[inline(always)]
pub(crate) fn prefetch(place: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every 64-bit x86 has the instruction, which never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(place.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Declares a function over [`Lanes`] as one that takes a [`Tier`] first and runs the version compiled for it.
///
/// ```ignore
/// tiered! {
///     /// `y += a * x`
///     pub(crate) fn axpy<V>(a: f32, x: &[f32], y: &mut [f32]) {
///         for (x, y) in x.chunks_exact(16).zip(y.chunks_exact_mut(16)) {
///             // SAFETY: both have 16 elements.
///             unsafe { V::load(x.as_ptr()).mul_add(V::splat(a), V::load(y.as_ptr())).store(y.as_mut_ptr()) }
///         }
///     }
/// }
/// axpy(tier(), 2.0, &x, &mut y);
/// ```
///
/// The body is `unsafe` throughout if the function is declared `unsafe fn`. Everything that it calls over `V` must be
/// `#[inline(always)]`, else that part is compiled without the instructions.
macro_rules! tiered {
    (@call $tier:ident, $body:ident, ($($arg:ident : $ty:ty),*), $ret:ty) => {{
        // The wrappers differ in the instructions that the compiler may use in the inlined body.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        #[allow(unused_unsafe)]
        unsafe fn avx512($($arg: $ty),*) -> $ret {
            // SAFETY: the caller's contract is that of the body.
            unsafe { $body::<$crate::simd::Avx512>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        #[allow(unused_unsafe)]
        unsafe fn avx2($($arg: $ty),*) -> $ret {
            // SAFETY: the caller's contract is that of the body.
            unsafe { $body::<$crate::simd::Avx2>($($arg),*) }
        }
        // SAFETY: a tier is only handed out when the machine has it; the rest is the caller's contract.
        #[allow(unused_unsafe)]
        unsafe {
            match $tier {
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Tier::Avx512 => avx512($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Tier::Avx2 => avx2($($arg),*),
                #[cfg(target_arch = "aarch64")]
                $crate::simd::Tier::Neon => $body::<$crate::simd::Neon>($($arg),*),
                _ => $body::<$crate::simd::Portable>($($arg),*),
            }
        }
    }};
    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
    ($(#[$meta:meta])* $vis:vis unsafe fn $name:ident<$v:ident>($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $code:block) => {
        $(#[$meta])*
        $vis unsafe fn $name(tier: $crate::simd::Tier, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            unsafe fn body<$v: $crate::simd::Lanes>($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the caller's contract.
                #[allow(unused_unsafe)]
                unsafe { $code }
            }
            $crate::simd::tiered!(@call tier, body, ($($arg: $ty),*), $crate::simd::tiered!(@ret $($ret)?))
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$v:ident>($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $code:block) => {
        $(#[$meta])*
        $vis fn $name(tier: $crate::simd::Tier, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$v: $crate::simd::Lanes>($($arg: $ty),*) $(-> $ret)? $code
            $crate::simd::tiered!(@call tier, body, ($($arg: $ty),*), $crate::simd::tiered!(@ret $($ret)?))
        }
    };
}
pub(crate) use tiered;

#[cfg(test)]
mod tests;
