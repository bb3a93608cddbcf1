"""Operators without inputs."""

from .table import but, case


def make(op, **params):
    return case(op, {}, **params)


FILLED = [
    make(op, shape=shape, **more)
    for op in ("_zeros", "_ones")
    for shape, more in [
        ((2, 3), {}),
        ((4,), dict(dtype="float64")),
        ((1, 2), dict(dtype="int32")),
        ((2,), dict(dtype="float16")),
        (3, {}),
        ((2,), dict(dtype="uint8")),
        ((2, 2), dict(ctx="cpu(0)")),
    ]
]
FULL = [
    make("_full", shape=(2, 3), value=2.5),
    make("_full", shape=(2,), value=-1, dtype="int32"),
    make("_full", shape=(3,), value=0.1, dtype="float64"),
    make("_full", shape=(2,)),
    make("_full", value=1),
]

# The start and the step are cut to whole numbers there.
HALF = but(make("_arange", start=-1.5, stop=2, dtype="float16"), undefined="MXNet counts in whole numbers")

ARANGE = [
    make("_arange", **params)
    for params in [
        dict(start=5),
        dict(start=0, stop=5),
        dict(start=2, stop=10, step=3),
        dict(start=5, stop=0, step=-2),
        dict(start=0, stop=1, step=0.3),
        dict(start=1, stop=4, repeat=2),
        dict(start=0, stop=3, dtype="int32"),
        dict(start=0, stop=2, step=0.5, dtype="float64"),
        dict(start=0, stop=4, dtype="int64", repeat=3),
        dict(start=0, stop=4, dtype="uint8"),
        dict(start=0, stop=5, step=-1),
        dict(start=0, stop=5, step=0),
        dict(start=0, stop=3, repeat=0),
        dict(),
        dict(start=0, stop=0.9),
    ]
]

EYE = [
    make("_eye", N=n, **params)
    for n, params in [
        (3, {}),
        (2, dict(M=4)),
        (4, dict(M=2, k=-1)),
        (3, dict(k=1)),
        (2, dict(k=5)),
        (2, dict(dtype="int32")),
        (2, dict(dtype="float64", M=3, k=1)),
    ]
] + [make("_eye")]

LINSPACE = [
    make("_linspace", **params)
    for params in [
        dict(start=0, stop=1, num=5, endpoint=True),
        dict(start=0, stop=1, num=5, endpoint=False),
        dict(start=3, stop=-3, num=4, endpoint=True),
        dict(start=2, stop=3, num=1, endpoint=True),
        dict(start=0, stop=1, num=3, endpoint=True, dtype="float64"),
        dict(start=0, stop=10, num=4, endpoint=True, dtype="int32"),
        dict(start=0, stop=1),
    ]
]

CASES = FILLED + FULL + [HALF] + ARANGE + EYE + LINSPACE
