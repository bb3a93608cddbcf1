use std::fmt;

/// Element type of a tensor. The discriminant is MXNet's type number, as files and `__dtype__` attributes hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
pub enum DType {
    /// IEEE single precision, the default.
    Float32 = 0,
    /// IEEE double precision.
    Float64 = 1,
    /// IEEE half precision.
    Float16 = 2,
    /// Unsigned 8-bit integer.
    UInt8 = 3,
    /// Signed 32-bit integer.
    Int32 = 4,
    /// Signed 8-bit integer.
    Int8 = 5,
    /// Signed 64-bit integer.
    Int64 = 6,
    /// Truth value, one byte, 0 or 1.
    Bool = 7,
    /// The upper half of a single precision number.
    BFloat16 = 12,
}

impl DType {
    /// Every data type, in the order of the type numbers.
    pub const ALL: [DType; 9] = [
        DType::Float32,
        DType::Float64,
        DType::Float16,
        DType::UInt8,
        DType::Int32,
        DType::Int8,
        DType::Int64,
        DType::Bool,
        DType::BFloat16,
    ];

    /// MXNet's type number.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The type with MXNet's type number `n`.
    pub fn from_number(n: i32) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.number() == n)
    }

    /// NumPy's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            DType::Float32 => "float32",
            DType::Float64 => "float64",
            DType::Float16 => "float16",
            DType::UInt8 => "uint8",
            DType::Int32 => "int32",
            DType::Int8 => "int8",
            DType::Int64 => "int64",
            DType::Bool => "bool",
            DType::BFloat16 => "bfloat16",
        }
    }

    /// The type that NumPy calls `name`.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::Float64 | DType::Int64 => 8,
            DType::Float32 | DType::Int32 => 4,
            DType::Float16 | DType::BFloat16 => 2,
            DType::UInt8 | DType::Int8 | DType::Bool => 1,
        }
    }

    /// Whether this is one of the floating point types.
    pub fn is_float(self) -> bool {
        matches!(self, DType::Float32 | DType::Float64 | DType::Float16 | DType::BFloat16)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs `$body` with the type alias `$T` standing for the Rust type of `$dtype`: `dispatch!(dt, T => f::<T>(x))`.
#[macro_export]
macro_rules! dispatch {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::Float32 => {
                type $T = f32;
                $body
            }
            $crate::DType::Float64 => {
                type $T = f64;
                $body
            }
            $crate::DType::Float16 => {
                type $T = $crate::f16;
                $body
            }
            $crate::DType::BFloat16 => {
                type $T = $crate::bf16;
                $body
            }
            $crate::DType::UInt8 => {
                type $T = u8;
                $body
            }
            $crate::DType::Int32 => {
                type $T = i32;
                $body
            }
            $crate::DType::Int8 => {
                type $T = i8;
                $body
            }
            $crate::DType::Int64 => {
                type $T = i64;
                $body
            }
            $crate::DType::Bool => {
                type $T = bool;
                $body
            }
        }
    };
}

/// Like [`dispatch!`] for the numeric types; `bool` runs `$other`.
#[macro_export]
macro_rules! dispatch_num {
    ($dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $dtype {
            $crate::DType::Float32 => {
                type $T = f32;
                $body
            }
            $crate::DType::Float64 => {
                type $T = f64;
                $body
            }
            $crate::DType::Float16 => {
                type $T = $crate::f16;
                $body
            }
            $crate::DType::BFloat16 => {
                type $T = $crate::bf16;
                $body
            }
            $crate::DType::UInt8 => {
                type $T = u8;
                $body
            }
            $crate::DType::Int32 => {
                type $T = i32;
                $body
            }
            $crate::DType::Int8 => {
                type $T = i8;
                $body
            }
            $crate::DType::Int64 => {
                type $T = i64;
                $body
            }
            $crate::DType::Bool => $other,
        }
    };
}

/// Like [`dispatch!`] for the floating point types; every other type runs `$other`.
#[macro_export]
macro_rules! dispatch_float {
    ($dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $dtype {
            $crate::DType::Float32 => {
                type $T = f32;
                $body
            }
            $crate::DType::Float64 => {
                type $T = f64;
                $body
            }
            $crate::DType::Float16 => {
                type $T = $crate::f16;
                $body
            }
            $crate::DType::BFloat16 => {
                type $T = $crate::bf16;
                $body
            }
            _ => $other,
        }
    };
}
