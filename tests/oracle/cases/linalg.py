"""Linear algebra, im2col and col2im, densities of distributions."""

import numpy as np

from .table import Case, also, but, case, f, pos, v, variadic

FLAGS = [(a, b) for a in (False, True) for b in (False, True)]


def graph(op, label, inputs, **params):
    """A case of an operator that MXNet offers in `sym.linalg` alone."""
    return Case(f"linalg.{op}", label, inputs, {}, graph=lambda mx, A: getattr(mx.sym.linalg, op)(A, name="op", **params))


def turned(rows, cols, transpose, *batch):
    """A factor that is (rows, cols) once it is transposed or not."""
    return f(*batch, cols, rows) if transpose else f(*batch, rows, cols)


def noise(*shape):
    """Numbers in [-1, 1) without a pattern, the same everywhere."""
    size = int(np.prod(shape))
    return ((np.arange(1, size + 1) * 7919 % 1009) / 512.0 - 1.0).reshape(shape)


def dominant(*shape):
    """Well-conditioned matrices."""
    return noise(*shape) + 2 * np.eye(shape[-1])


def definite(*shape):
    """Symmetric positive definite matrices."""
    a = dominant(*shape)
    return np.round(np.matmul(a, a.swapaxes(-1, -2)) * 256) / 256


def symmetric(*shape):
    """Symmetric matrices with eigenvalues well apart."""
    a = noise(*shape)
    return a + a.swapaxes(-1, -2) + np.diag(3.0 * np.arange(shape[-1]))


def triangle(lower, *shape):
    """Well-conditioned triangular matrices."""
    return (np.tril if lower else np.triu)(dominant(*shape))


def values(array):
    return v(array.tolist())


GEMM = also(
    [
        case(op, dict(A=turned(2, 3, a), B=turned(3, 4, b), **c), transpose_a=a, transpose_b=b, **p)
        for a, b in FLAGS
        for op, c, p in (
            ("linalg_gemm", dict(C=f(2, 4)), dict(alpha=1.5, beta=-0.5)),
            ("linalg_gemm2", {}, dict(alpha=-2.0)),
        )
    ]
    + [
        case("linalg_gemm", dict(A=f(2, 3), B=f(3, 4))),  # C is inferred
        case("linalg_gemm", dict(A=f(2, 2, 3), B=f(2, 3, 1), C=f(2, 2, 1)), beta=0.0),
        case("linalg_gemm", dict(A=f(2, 2, 3, 3), B=f(2, 3, 3, 2), C=f(2, 2, 3, 2)), axis=1),
        case("linalg_gemm2", dict(A=f(2, 2, 3, 3), B=f(2, 2, 3, 3)), axis=1, transpose_a=True),
        case("linalg_gemm2", dict(A=f(2, 2, 3, 3), B=f(2, 2, 3, 3)), axis=-3, transpose_b=True),
        case("linalg_gemm2", dict(A=f(2, 3, 2), B=f(3, 3, 2)), axis=0, transpose_b=False),  # refused: shapes
        case("linalg_gemm2", dict(A=f(2, 3, 2), B=f(2, 3, 2)), axis=0),
        case("linalg_gemm2", dict(A=f(2, 3, 2, 2), B=f(2, 3, 2, 2))),
    ],
    "float64",
) + [
    case("linalg_gemm2", dict(A=f(2, 3), B=f(2, 3))),
    case("linalg_gemm2", dict(A=f(2, 3), B=f(3, 3)), axis=1),
    case("linalg_gemm2", dict(A=f(3), B=f(3))),
    case("linalg_gemm2", dict(A=f(2, 2, 3), B=f(3, 3))),
    case("linalg_gemm", dict(A=f(2, 3), B=f(3, 4), C=f(3, 4))),
    but(case("linalg_gemm2", dict(A=f(2, 2, dtype="float16"), B=f(2, 2, dtype="float16"))), undefined="float32 and float64 only"),
]

TRIANGULAR = also(
    [
        case(op, dict(A=values(triangle(lower, *batch, 3, 3)), B=turned(3, 2, right, *batch)), **p)
        for op in ("linalg_trmm", "linalg_trsm")
        for batch in ((), (2,))
        for lower in (True, False)
        for transpose in (False, True)
        for right in (False, True)
        for p in (dict(lower=lower, transpose=transpose, rightside=right, alpha=-1.5),)
    ],
    "float64",
) + [
    case("linalg_trmm", dict(A=f(3, 3), B=f(3, 2))),  # the upper triangle is not read
    case("linalg_trsm", dict(A=values(dominant(3, 3)), B=f(3, 2))),
    case("linalg_trsm", dict(A=f(3, 3), B=f(2, 3))),
    case("linalg_trmm", dict(A=f(3, 2), B=f(2, 3))),
    case("linalg_trmm", dict(A=f(2, 3, 3), B=f(3, 3))),
]

CHOLESKY = also(
    [
        case("linalg_potrf", dict(A=values(definite(3, 3)))),
        case("linalg_potrf", dict(A=values(definite(2, 4, 4)))),
        case("linalg_potrf", dict(A=values(definite(4, 4))), lower=False),
        case("linalg_potrf", dict(A=v([[4.0]]))),
        case("linalg_potri", dict(A=values(triangle(True, 3, 3)))),
        case("linalg_potri", dict(A=values(triangle(True, 2, 2, 2)))),
        case("linalg_potri", dict(A=values(triangle(False, 3, 3))), lower=False),
    ],
    "float64",
) + [
    case("linalg_potrf", dict(A=v([[1.0, 2.0], [2.0, 1.0]]))),
    case("linalg_potrf", dict(A=f(2, 3))),
    case("linalg_potri", dict(A=v([[0.0, 0.0], [2.0, 1.0]]))),
]

DIAGONALS = (
    also(
        [
            case(f"linalg_{op}", dict(A=A), **p)
            for op, A in (
                ("extractdiag", f(3, 3)),
                ("extractdiag", f(2, 4, 4)),
                ("makediag", f(3)),
                ("makediag", f(2, 2, 3)),
            )
            for p in ({}, dict(offset=1), dict(offset=-2))
        ]
        + [
            case(f"linalg_{op}", dict(A=A), offset=offset, lower=lower)
            for op, A in (("extracttrian", f(2, 3, 3)), ("maketrian", f(2, 6)))
            for offset in (0, 1, -1)
            for lower in (True, False)
        ]
        + [case("linalg_sumlogdiag", dict(A=values(dominant(3, 3)))), case("linalg_sumlogdiag", dict(A=pos(2, 2, 3, 3)))],
        "float64",
    )
    + [case("linalg_extractdiag", dict(A=f(2, 2)), offset=2), case("linalg_extractdiag", dict(A=f(2, 3)))]
    + [
        case("linalg_maketrian", dict(A=f(4))),
        case("linalg_sumlogdiag", dict(A=f(2, 3))),
        case("linalg_extracttrian", dict(A=f(3))),
    ]
)

FACTORS = also(
    [case("linalg_syrk", dict(A=f(2, 3, 4)), transpose=t, alpha=a) for t in (False, True) for a in (1.0, -0.5)]
    + [
        case("linalg_syrk", dict(A=f(3, 2))),
        case("linalg_gelqf", dict(A=f(3, 5))),
        case("linalg_gelqf", dict(A=f(3, 3))),
        case("linalg_gelqf", dict(A=f(2, 2, 4))),
        case("linalg_gelqf", dict(A=f(1, 4))),
        case("linalg_inverse", dict(A=values(dominant(3, 3)))),
        case("linalg_inverse", dict(A=values(dominant(2, 4, 4)))),
        case("linalg_det", dict(A=f(3, 3))),
        case("linalg_det", dict(A=f(2, 2, 3, 3))),
        case("linalg_slogdet", dict(A=f(3, 3))),
        case("linalg_slogdet", dict(A=f(2, 4, 4))),
        case("linalg_det", dict(A=v([[1.0, 2.0], [2.0, 4.0]]))),
        case("linalg_slogdet", dict(A=v([[1.0, 2.0], [2.0, 4.0]]))),
        graph("syevd", "one", dict(A=values(symmetric(3, 3)))),
        graph("syevd", "batch", dict(A=values(symmetric(2, 4, 4)))),
    ],
) + [
    but(graph("syevd", "double", dict(A=values(symmetric(5, 5)))), inputs=dict(A=v(symmetric(5, 5).tolist(), "float64"))),
    case("linalg_gelqf", dict(A=v(noise(3, 4).tolist(), "float64"))),
    case("linalg_inverse", dict(A=v(dominant(3, 3).tolist(), "float64"))),
    case("linalg_slogdet", dict(A=v(dominant(3, 3).tolist(), "float64"))),
    case("linalg_gelqf", dict(A=f(3, 2))),
    case("linalg_inverse", dict(A=v([[1.0, 2.0], [2.0, 4.0]]))),
    case("linalg_inverse", dict(A=f(2, 3))),
    case("linalg_det", dict(A=f(2, 3))),
    case("linalg_det", dict(A=f(3))),
    graph("syevd", "oblong", dict(A=f(2, 3))),
]

IMAGE = dict(data=f(2, 2, 5, 6))
COLUMNS = also(
    [
        case("im2col", IMAGE, kernel=(3, 2)),
        case("im2col", IMAGE, kernel=(2, 2), stride=(2, 1), pad=(1, 1)),
        case("im2col", IMAGE, kernel=(2, 3), dilate=(2, 1), pad=(0, 2), stride=(1, 3)),
        case("col2im", dict(data=f(2, 12, 16)), output_size=(5, 6), kernel=(2, 3)),
        case("col2im", dict(data=f(1, 4, 8)), output_size=(3, 5), kernel=(2, 2), stride=(2, 1), pad=(1, 0), dilate=(1, 1)),
    ],
    "float64",
) + [
    case("im2col", IMAGE, kernel=(2, 2), stride=(0, 1)),
    case("im2col", IMAGE, kernel=(2, 2), stride=(1,)),
    case("im2col", IMAGE, kernel=(7, 2)),
    case("col2im", dict(data=f(1, 4, 11)), output_size=(3, 5), kernel=(2, 2)),
    case("col2im", dict(data=f(1, 5, 8)), output_size=(3, 5), kernel=(2, 2)),
    case("col2im", dict(data=f(1, 4, 8)), output_size=(3,), kernel=(2, 2)),
]

SAMPLE, WHOLE = dict(sample=pos(2, 3)), dict(sample=v([[0.0, 1.0, 4.0], [2.0, 3.0, 7.0]]))
ONE, OTHER = v([1.5, 0.75]), v([2.5, 1.25])


def densities(**inputs):
    """The densities of a distribution and their logarithms."""
    name = inputs.pop("of")
    return [case(f"random_pdf_{name}", inputs, is_log=is_log) for is_log in (False, True)]


# The gradients of these have seven digits in MXNet, in double precision too: so good is its digamma function.
SINGLE = (
    densities(of="gamma", **SAMPLE, alpha=ONE, beta=OTHER)
    + densities(of="negative_binomial", **WHOLE, k=OTHER, p=v([0.25, 0.5]))
    + densities(of="generalized_negative_binomial", **WHOLE, mu=ONE, alpha=OTHER)
    + densities(of="dirichlet", sample=v([[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]), alpha=ONE)
    + densities(of="dirichlet", sample=v([[[0.25, 0.75], [0.5, 0.5]]]), alpha=v([[1.5, 0.75]]))
    + densities(of="dirichlet", sample=v([0.25, 0.75]), alpha=OTHER)
)
DENSITIES = (
    SINGLE
    + also(
        densities(of="uniform", **SAMPLE, low=v([0.0, -1.0]), high=OTHER)
        + densities(of="normal", **SAMPLE, mu=ONE, sigma=OTHER)
        + densities(of="exponential", **SAMPLE, lam=ONE)
        + densities(of="poisson", **WHOLE, lam=ONE),
        "float64",
    )
    + [
        case("random_pdf_normal", dict(sample=f(2, 2, 3), mu=f(2, 2), sigma=pos(2, 2))),
        case("random_pdf_normal", dict(sample=f(2), mu=f(2), sigma=pos(2))),
        case("random_pdf_normal", dict(SAMPLE, mu=f(3), sigma=pos(3))),
        case("random_pdf_normal", dict(SAMPLE, mu=f(2, 3, 1), sigma=pos(2, 3, 1))),
        case("random_pdf_normal", dict(sample=v([[1, 2]], "int32"), mu=v([1], "int32"), sigma=v([1], "int32"))),
    ]
)

KHATRI_RAO = [
    but(one, forward_only="no gradient")
    for one in also(
        [
            variadic("khatri_rao", [f(2, 3), f(4, 3)]),
            variadic("khatri_rao", [f(2, 2), f(3, 2), f(2, 2)]),
            variadic("khatri_rao", [f(2, 3)]),
            variadic("khatri_rao", [f(2, 3), f(4, 2)]),  # refused: other columns
        ],
        "float64",
    )
]

CASES = KHATRI_RAO + GEMM + TRIANGULAR + CHOLESKY + DIAGONALS + FACTORS + COLUMNS + DENSITIES
