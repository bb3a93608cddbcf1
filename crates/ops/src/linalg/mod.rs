//! Linear algebra on tensors of matrices: the last two dimensions are rows and columns, those in front count matrices.
//!
//! Gradients follow M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
//! differentiation" (2008), and M. Seeger et al., "Auto-differentiating linear algebra" (2017).

mod matrices;

family! {
    cholesky { Potrf, Potri }
    det { Det, DetBackward, SlogDet, SlogDetBackward }
    diag { ExtractDiag, MakeDiag }
    gelqf { Gelqf }
    gemm { Gemm, Gemm2 }
    inverse { Inverse }
    sumlogdiag { SumLogDiag, SumLogDiagBackward }
    syevd { Syevd, SyevdBackward }
    syrk { Syrk }
    triangle { Mirror, Triangle }
    triangular { Trmm, Trsm }
    trian { ExtractTrian, MakeTrian }
}
