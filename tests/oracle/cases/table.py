"""What a case is: an operator, its inputs and its parameters, as data."""

import dataclasses
import zlib

import numpy as np

FLOATS = ("float16", "float32", "float64")
SHORT = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "uint8": "u8",
    "int32": "i32",
    "int64": "i64",
    "bool": "bool",
}


@dataclasses.dataclass(frozen=True)
class Input:
    """An input array: `kind` says how its values come about, `low`/`high` bound them, `literal` holds them."""

    kind: str
    shape: tuple
    dtype: str = "float32"
    low: int = 0
    high: int = 0
    literal: object = None

    def array(self, seed):
        """The values; the same bits on every machine and NumPy (whole random numbers over a power of two)."""
        if self.kind == "values":
            return np.array(self.literal, dtype=self.dtype).reshape(self.shape)
        rng = np.random.RandomState(zlib.crc32(seed.encode()))
        size = int(np.prod(self.shape, dtype=int))
        if self.kind == "whole":
            return rng.randint(self.low, self.high, size).reshape(self.shape).astype(self.dtype)
        distinct = rng.permutation(1999)[:size] - 999
        value = {"both": distinct / 512.0, "unit": distinct / 1024.0, "positive": (distinct + 1000) / 1024.0}[self.kind]
        return value.reshape(self.shape).astype(self.dtype)

    def tag(self):
        """The part of the label that speaks of this input."""
        kind = {"both": "", "values": "v", "whole": "w", "unit": "u", "positive": "p"}[self.kind]
        dtype = "" if self.dtype == "float32" else SHORT[self.dtype]
        return "x".join(map(str, self.shape)) + kind + dtype


def f(*shape, dtype="float32"):
    """Distinct numbers in (-2, 2)."""
    return Input("both", shape, dtype)


def pos(*shape, dtype="float32"):
    """Positive numbers in (0, 2)."""
    return Input("positive", shape, dtype)


def unit(*shape, dtype="float32"):
    """Distinct numbers in (-1, 1)."""
    return Input("unit", shape, dtype)


def whole(low, high, *shape, dtype="float32"):
    """Whole numbers in [low, high)."""
    return Input("whole", shape, dtype, low, high)


def v(literal, dtype="float32"):
    """Exactly these numbers."""
    return Input("values", np.shape(literal), dtype, literal=literal)


@dataclasses.dataclass(frozen=True)
class Case:
    """One call of one operator.

    `inputs` are passed as variables of that name (by position where `positional`), and inference must find the shapes of
    the inputs that the operator creates by itself, unless `bind` gives them. `no_grad` names arguments bound without
    gradient. `undefined` is why MXNet's answer is no reference (then nothing is recorded); `loose` is a tolerance that
    replaces the usual one. `forward_only` leaves the gradient out, with the reason. `add` names arguments whose gradient is
    added to what the array holds. `drawn`: the outputs are random, and
    shapes and types alone are compared. `graph` builds a whole network instead of a call of one operator: it takes `mx` and the
    variables of `inputs` by name.
    """

    op: str
    label: str
    inputs: dict
    params: dict
    positional: bool = False
    bind: dict = dataclasses.field(default_factory=dict)
    no_grad: tuple = ()
    undefined: str = ""
    forward_only: str = ""
    loose: float = 0.0
    add: tuple = ()
    drawn: bool = False
    graph: object = None

    @property
    def id(self):
        return f"{self.op}/{self.label}"


def _label(inputs, params):
    parts = ["_".join(spec.tag() for spec in inputs.values())] if inputs else []
    parts += [f"{key}={value}".replace(" ", "") for key, value in params.items()]
    return "-".join(parts) or "plain"


def case(op, inputs, /, **params):
    """A case with a label made of its shapes and parameters."""
    return Case(op, _label(inputs, params), inputs, params)


def variadic(op, specs, /, **params):
    """A case whose inputs are passed by position, called a, b, c ..."""
    inputs = dict(zip("abcdefghij", specs))
    return dataclasses.replace(case(op, inputs, **params), positional=True)


def but(one, **options):
    """The same case with other options (`no_grad`, `undefined`, ...)."""
    return dataclasses.replace(one, **options)


def drawn(one):
    """The same case, of whose outputs shapes and types alone are compared."""
    return but(one, drawn=True)


def also(cases, *dtypes):
    """The cases, and again with every float32 input turned into each of `dtypes`."""
    return list(cases) + only(cases, *dtypes)


def only(cases, *dtypes):
    """The cases with their float32 inputs turned into each of `dtypes`."""
    return [retyped(one, dtype) for one in cases for dtype in dtypes]


def retyped(one, dtype):
    """The case with its float32 inputs turned into `dtype`."""

    def turn(group):
        return {k: dataclasses.replace(s, dtype=dtype) if s.dtype == "float32" else s for k, s in group.items()}

    inputs = turn(one.inputs)
    return dataclasses.replace(one, inputs=inputs, bind=turn(one.bind), label=_label(inputs, one.params))


def numbered(cases):
    """The cases with labels made unique."""
    seen = {}
    result = []
    for one in cases:
        count = seen[one.id] = seen.get(one.id, 0) + 1
        result.append(dataclasses.replace(one, label=f"{one.label}-{count}") if count > 1 else one)
    return result
