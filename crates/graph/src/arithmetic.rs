//! The operators behind signs such as `+`, and the stems of their automatic names, as MXNet chooses them.

/// A sign between two values.
#[derive(Debug)]
pub struct Sign {
    /// What the sign is called: `add`, `less`, `hypot`.
    pub name: &'static str,
    /// Between two symbols.
    pub both: Spelling,
    /// With a number on the right.
    pub right: Spelling,
    /// With a number on the left.
    pub left: Spelling,
}

/// An operator and the stem of its automatic names.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    /// Name of the operator; one that takes a number has it as the parameter `scalar`.
    pub op: &'static str,
    /// Stem of the names.
    pub stem: &'static str,
}

impl Sign {
    /// The sign called `name`.
    pub fn find(name: &str) -> Option<&'static Sign> {
        SIGNS.iter().copied().find(|s| s.name == name)
    }
}

macro_rules! signs {
    ($($id:ident = $name:literal: $both:literal $both_stem:literal, $right:literal $right_stem:literal, $left:literal $left_stem:literal;)*) => {
        $(
            #[doc = concat!("The sign called `", $name, "`.")]
            pub const $id: &Sign = &Sign {
                name: $name,
                both: Spelling { op: $both, stem: $both_stem },
                right: Spelling { op: $right, stem: $right_stem },
                left: Spelling { op: $left, stem: $left_stem },
            };
        )*
        const SIGNS: &[&Sign] = &[$($id),*];
    };
}

signs! {
    ADD = "add": "elemwise_add" "_plus", "_plus_scalar" "_plusscalar", "_plus_scalar" "_plusscalar";
    SUB = "sub": "elemwise_sub" "_minus", "_minus_scalar" "_minusscalar", "_rminus_scalar" "_rminusscalar";
    MUL = "mul": "elemwise_mul" "_mul", "_mul_scalar" "_mulscalar", "_mul_scalar" "_mulscalar";
    DIV = "div": "elemwise_div" "_div", "_div_scalar" "_divscalar", "_rdiv_scalar" "_rdivscalar";
    MOD = "mod": "_mod" "_mod", "_mod_scalar" "_modscalar", "_rmod_scalar" "_rmodscalar";
    POW = "pow": "_power" "_power", "_power_scalar" "_powerscalar", "_rpower_scalar" "_rpower_scalar";
    EQUAL = "equal": "_equal" "_equal", "_equal_scalar" "_equal_scalar", "_equal_scalar" "_equal_scalar";
    NOT_EQUAL = "not_equal":
        "_not_equal" "_not_equal", "_not_equal_scalar" "_not_equal_scalar", "_not_equal_scalar" "_not_equal_scalar";
    GREATER = "greater": "_greater" "_greater", "_greater_scalar" "_greater_scalar", "_lesser_scalar" "_lesser_scalar";
    GREATER_EQUAL = "greater_equal":
        "_greater_equal" "_greater_equal", "_greater_equal_scalar" "_greater_equal_scalar",
        "_lesser_equal_scalar" "_lesser_equal_scalar";
    LESSER = "lesser": "_lesser" "_lesser", "_lesser_scalar" "_lesser_scalar", "_greater_scalar" "_greater_scalar";
    LESSER_EQUAL = "lesser_equal":
        "_lesser_equal" "_lesser_equal", "_lesser_equal_scalar" "_lesser_equal_scalar",
        "_greater_equal_scalar" "_greater_equal_scalar";
    POWER = "power": "_power" "_power", "_power_scalar" "_powerscalar", "_rpower_scalar" "_rpowerscalar";
    MAXIMUM = "maximum":
        "_maximum" "_maximum", "_maximum_scalar" "_maximumscalar", "_maximum_scalar" "_maximumscalar";
    MINIMUM = "minimum":
        "_minimum" "_minimum", "_minimum_scalar" "_minimumscalar", "_minimum_scalar" "_minimumscalar";
    HYPOT = "hypot": "_hypot" "_hypot", "_hypot_scalar" "_hypotscalar", "_hypot_scalar" "_hypotscalar";
}
