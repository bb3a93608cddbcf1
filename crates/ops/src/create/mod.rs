//! Tensors out of nothing but parameters.

family! {
    filled { Zeros, Ones, Full, Eye }
    range { Arange, Linspace, ArangeLike }
}
