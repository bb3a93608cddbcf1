"""Questions to every operator of the registry, asked under `mx`, MXNet or rsym alike.

From what do shapes and types follow, forwards and backwards, when only some are known; which types does an operator compute,
and what are the results? The calls are those of `rows.py`. Inputs are variables `x0`, `x1`, …; where knowledge is to flow
backwards, a variable `h0`, `h1`, … is added to each output.
"""

import itertools
import json
import warnings

import numpy as np

from .rows import NAMES, OPERATORS, VARIANTS, Between, arrays_of, operator_of, row_of

TYPES = ("float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool")
REFUSED = "refused"
WITHOUT_OUTPUTS = {"reset_arrays"}
CALLS = [name for name in NAMES if name not in WITHOUT_OUTPUTS] + list(VARIANTS)
VERSION = {"mxnet_version": ["int", 10901]}


def graph(mx, name, outputs=1, heads=False):
    """The symbol of an operator with its first outputs, to each of which a variable is added where `heads` is set."""
    inputs, _, aux, params = row_of(name)
    name = operator_of(name)
    count = len(inputs) + len(aux or ())
    nodes = [{"op": "null", "name": f"x{i}", "inputs": []} for i in range(count)]
    counted = {OPERATORS[name]["variadic"]: count} if OPERATORS[name]["variadic"] else {}
    attrs = {key: str(value) for key, value in {**counted, **params}.items()}
    nodes.append({"op": name, "name": "op", "attrs": attrs, "inputs": [[i, 0, 0] for i in range(count)]})
    ends = [[count, i, 0] for i in range(outputs)]
    for i in range(outputs if heads else 0):
        ends[i] = [len(nodes) + 1, 0, 0]
        added = [[count, i, 0], [len(nodes), 0, 0]]
        nodes += [{"op": "null", "name": f"h{i}", "inputs": []}, {"op": "elemwise_add", "name": f"sum{i}", "inputs": added}]
    leaves = [i for i, node in enumerate(nodes) if node["op"] == "null"]
    return mx.sym.load_json(json.dumps({"nodes": nodes, "arg_nodes": leaves, "heads": ends, "attrs": VERSION}))


class Call:
    """The call of one operator as a symbol, and as one with heads."""

    def __init__(self, mx, name):
        self.mx, self.name = mx, name
        inside = graph(mx, name).get_internals().list_outputs()
        self.outputs = sum(1 for output in inside if output.startswith("op_"))
        self.symbols = {heads: graph(mx, name, self.outputs, heads) for heads in (False, True)}
        self.arguments = self.symbols[False].list_arguments()
        self.auxiliary = self.symbols[False].list_auxiliary_states()

    def infer(self, what, known):
        """What follows for arguments, outputs and auxiliary states; lists of shapes or types, None where refused."""
        symbol = self.symbols[any(key.startswith("h") for key in known)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                args, outs, aux = getattr(symbol, f"infer_{what}_partial")(**known)
            except Exception:
                return None
        args = [one for key, one in zip(symbol.list_arguments(), args) if key.startswith("x")]
        return [args, list(outs), list(aux)]

    def run(self, types):
        """The outputs on inputs of these types, or the error."""
        inputs, states, _ = arrays_of(self.name)
        names = [f"x{i}" for i in range(len(inputs) + len(states or ()))]
        drawn = dict(zip(names, [*row_of(self.name)[0], *(states or ())]))
        plain = dict(zip(names, [*inputs, *(states or ())]))
        array = {key: self.mx.nd.array(values(drawn[key], plain[key], kind), dtype=kind) for key, kind in types.items()}
        bound = self.symbols[False].bind(
            self.mx.cpu(),
            {key: array[key] for key in self.arguments},
            grad_req="null",
            aux_states={key: array[key] for key in self.auxiliary},
        )
        return [out.asnumpy() for out in bound.forward(is_train=False)]


def values(drawn, plain, kind):
    """The values of an input: those of the row, as small positive whole numbers where the type is not a floating one."""
    if kind.startswith("float"):
        return plain
    if isinstance(drawn, np.ndarray):
        return np.abs(np.round(plain)) if kind.startswith(("u", "bool")) else np.round(plain)
    order = np.arange(plain.size).reshape(plain.shape)
    return order * 7 % 5 % 2 if kind == "bool" else order * 7 % 5 + 1


# ---------------------------------------------------------------------------------------------------- shapes


def shape_of(given):
    return given.shape if isinstance(given, (Between, np.ndarray)) else given


def opened(shape):
    """The shape with one dimension unknown, each in turn."""
    return [tuple(0 if i == at else n for i, n in enumerate(shape)) for at in range(len(shape))]


def spoiled(shape):
    """The shape with one dimension too large, each in turn."""
    return [tuple(n + (i == at) for i, n in enumerate(shape)) for at in range(len(shape))]


def shape_questions(name, arguments, out_shapes):
    """What is known, by name."""
    shapes = {f"x{i}": tuple(shape_of(given)) for i, given in enumerate(row_of(name)[0])}
    full = {key: shapes[key] for key in arguments}
    heads = {f"h{i}": tuple(shape) for i, shape in enumerate(out_shapes)}
    asked = [full] + [{key: shape} for key, shape in full.items()]
    asked += [{k: s for k, s in full.items() if k != key} for key in full]
    for key, shape in full.items():
        for partial in opened(shape):
            asked += [{**full, key: partial}, {key: partial}, {**heads, key: partial}]
        asked += [{**full, key: wrong} for wrong in spoiled(shape)]
        asked.append({**heads, key: shape})
    asked.append(heads)
    for key, shape in heads.items():
        asked += [{**heads, key: partial} for partial in opened(shape)]
        asked += [{**full, **heads, key: wrong} for wrong in spoiled(shape)]
    return unique(asked)


def unique(asked):
    """Without repetitions; the question that says nothing stands only where there is nothing to say."""
    return [q for i, q in enumerate(asked) if (q or i == 0) and q not in asked[:i]]


def type_questions(arguments, outputs):
    """What is known, by name."""
    heads = [f"h{i}" for i in range(outputs)]
    asked = [{}] if not arguments else []
    for kind in TYPES:
        asked += [{key: kind for key in group} for group in (arguments[:1], arguments, heads)]
    for key, kind in itertools.product(arguments[1:], ("float64", "float16", "int32")):
        asked.append({key: kind})
    return unique(asked)


def type_name(kind):
    return None if kind is None else np.dtype(kind).name


# ---------------------------------------------------------------------------------------------------- as text


def told_shapes(answer):
    """An answer in one short line: groups apart by `|`, shapes by blanks."""
    if answer is None:
        return REFUSED
    return "|".join(" ".join("x".join(map(str, shape)) or "?" for shape in group) for group in answer)


def told_types(answer):
    if answer is None:
        return REFUSED
    return "|".join(" ".join(type_name(kind) or "?" for kind in group) for group in answer)


def complete(told):
    """Whether an answer leaves nothing open."""
    return told != REFUSED and "?" not in told


def assignments(call, answers):
    """The types to compute with: what follows from the first input, and all inputs alike; by a short name."""
    found = {}
    for known, told in answers:
        if known.keys() <= set(call.arguments) and complete(told):
            args, _, aux = told.split("|")
            types = dict(zip(call.arguments + call.auxiliary, args.split() + aux.split()))
            if all(types[key] == kind for key, kind in known.items()):
                found.setdefault(" ".join(types.values()), types)
    return found
