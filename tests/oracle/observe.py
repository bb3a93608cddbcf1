"""Runs one case under `mx`, MXNet or rsym alike, and tells everything that can be seen."""

import re
import warnings

import numpy as np

from .cases.table import FLOATS, Input

UNWRITTEN = 7.0


class Refused(Exception):
    """The library refused the case: where, with which class, and its first line."""

    def __init__(self, stage, error):
        super().__init__(stage, error)
        self.stage, self.error = stage, error

    @property
    def told(self):
        lines = str(self.error).removeprefix("Traceback (most recent call last):").strip().splitlines() or [""]
        text = next((line for line in lines if "Error" in line), lines[0])
        text = re.sub(r"\[\d\d:\d\d:\d\d\] \S+: |^.*?Error: (?=\S)", "", text)
        return {"stage": self.stage, "class": type(self.error).__name__, "text": text[:160]}


def function(mx, name):
    """The operator's function, or None where `mx` has none of that name."""
    for space in ("contrib", "image"):
        if name.startswith(f"_{space}_"):
            return getattr(getattr(mx.sym, space), name.removeprefix(f"_{space}_"), None)
    homes = [(mx.sym, name), (getattr(mx.sym, "_internal", None), name)]
    if name.startswith("_random_"):
        homes.append((mx.sym.random, name[len("_random_") :]))
    return next((getattr(home, own) for home, own in homes if hasattr(home, own)), None)


def build(mx, one):
    """The symbol of a case; the operator is called `op`, automatic names count from zero."""
    with mx.name.NameManager():
        return _build(mx, one)


def _build(mx, one):
    variables = {name: mx.sym.Variable(name) for name in one.inputs}
    if one.graph:
        return one.graph(mx, **variables)
    call = function(mx, one.op)
    if one.positional:
        return call(*variables.values(), name="op", **one.params)
    return call(name="op", **variables, **one.params)


def names_of(types):
    """Types as text, None where undecided."""
    return None if types is None else [None if t is None else np.dtype(t).name for t in types]


def shapes_of(shapes):
    return None if shapes is None else [list(s) for s in shapes]


def describe(sym, one):
    """Names, shapes and types, before anything is bound."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = sym.infer_shape(**{k: s.shape for k, s in one.inputs.items()})
        types = sym.infer_type(**{k: s.dtype for k, s in one.inputs.items()})
    return {
        "arguments": sym.list_arguments(),
        "auxiliary": sym.list_auxiliary_states(),
        "outputs": sym.list_outputs(),
        "shapes": [shapes_of(group) for group in shapes],
        "types": [names_of(group) for group in types],
    }


def arrays(one, seen):
    """The values of the arguments and of the auxiliary states."""

    def named(names, shapes, types):
        found = {}
        for place, name in enumerate(names):
            spec = one.inputs.get(name) or one.bind.get(name)
            if spec is None:
                kind = "positive" if name.endswith("var") else "both"
                spec = Input(kind, tuple(shapes[place]), types[place])
            found[name] = spec.array(f"{one.op} {name} {spec.shape}")
        return found

    shapes, types = seen["shapes"], seen["types"]
    return named(seen["arguments"], shapes[0], types[0]), named(seen["auxiliary"], shapes[2], types[2])


def head(place, value):
    """The head gradient for output number `place`."""
    return Input("both", value.shape, value.dtype.name).array(f"head {place} {value.shape}")


def array(mx, value):
    return mx.nd.array(value, dtype=value.dtype)


def observe(mx, one):
    """Everything observable of a case; raises `Refused`."""
    stage = "build"
    try:
        sym = build(mx, one)
        stage = "infer"
        seen = describe(sym, one)
        args, aux = arrays(one, seen)
        wanted = [n for n, value in args.items() if value.dtype.name in FLOATS and n not in one.no_grad]
        if one.forward_only:
            wanted = []
        stage = "bind"
        grads = {n: mx.nd.full(args[n].shape, UNWRITTEN, dtype=args[n].dtype) for n in wanted}
        bound = sym.bind(
            mx.cpu(),
            {n: array(mx, value) for n, value in args.items()},
            args_grad=grads,
            grad_req={n: "add" if n in one.add else "write" if n in grads else "null" for n in args},
            aux_states={n: array(mx, value) for n, value in aux.items()},
        )
        for key, is_train in (("out", False), ("train", True)):
            stage = f"forward {key}"
            seen[key] = [value.asnumpy() for value in bound.forward(is_train=is_train)]
        if wanted:
            stage = "backward"
            bound.backward([array(mx, head(i, value)) for i, value in enumerate(seen["train"])])
            mx.nd.waitall()
            seen["grad"] = {name: value.asnumpy() for name, value in grads.items()}
        seen["aux"] = {name: value.asnumpy() for name, value in bound.aux_dict.items()}
        return seen
    except Exception as error:
        raise Refused(stage, error) from error
