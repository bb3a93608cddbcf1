"""Registration of snippets, and ways to look at a symbol that hide what the seed decides against MXNet."""

import dataclasses
import json
import re
import warnings

import numpy as np

SNIPPETS = {}
BOTH_WAYS = ("lr_mult", "wd_mult", "ctx_group", "force_mirroring")


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A program; `decided` is the reference where the seed wins, in a tuple of one."""

    function: object
    decided: tuple = ()


def _key(function):
    return f"{function.__module__.rpartition('.')[2]}/{function.__name__}"


def snippet(function):
    """Registers a program whose reference is MXNet's answer."""
    SNIPPETS[_key(function)] = Snippet(function)
    return function


def seed(value):
    """Registers a program whose reference is `value`."""

    def register(function):
        SNIPPETS["seed-" + _key(function)] = Snippet(function, (value,))
        return function

    return register


def table(prefix, rows, look):
    """Registers one snippet per row: `look(mx, row's function(mx))`."""
    for name, build in rows.items():

        def function(mx, build=build):
            return look(build(mx))

        function.__name__, function.__module__ = name, f"x.{prefix}"
        assert _key(function) not in SNIPPETS
        SNIPPETS[_key(function)] = Snippet(function)


def raised(call):
    """The classes of the error that `call` raises, the nearest first; a subclass of MXNet's class will do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except BaseException as error:  # noqa: BLE001
        if lacking(error) not in (None, "NoSuchOperator"):
            raise
        return "raises " + " ".join(c.__name__ for c in type(error).__mro__ if c is not object)
    return "raises nothing"


def lacking(error):
    """The operator function that the symbol module lacks, where that is what the error says."""
    if isinstance(error, AttributeError) and ".symbol" in getattr(error.obj, "__name__", ""):
        return error.name
    return None


def agrees(expected, actual):
    """Whether an answer is the reference, errors being compared by class."""
    if isinstance(expected, str) and expected.startswith("raises "):
        return isinstance(actual, str) and actual.startswith("raises ") and expected.split()[1] in actual.split()[1:]
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(agrees(expected[k], actual[k]) for k in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(agrees, expected, actual))
    return expected == actual


def knows_as_much(expected, actual):
    """Whether inferred shapes are the recorded ones, unknown shapes ([]) and lengths (0) perhaps decided."""
    if expected == [] and isinstance(actual, list):
        return True
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(knows_as_much, expected, actual))
    return expected in (0, actual)


def plain(value):
    """A value as JSON holds it: tuples as lists, types as their names."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, type) or isinstance(value, np.dtype):
        return np.dtype(value).name
    return value


def from_mxnet(sym):
    return type(sym).__module__.startswith("mxnet")


def text(sym):
    """`tojson`, without the operator parameters that MXNet copies onto the variables it creates."""
    written = sym.tojson()
    if not from_mxnet(sym):
        return written
    nodes = json.loads(written)["nodes"]
    copies = {}
    for node in nodes:
        for source in (entry[0] for entry in node["inputs"]):
            if nodes[source]["op"] == "null" and nodes[source]["name"].startswith(node["name"] + "_"):
                copies[source] = set(node.get("attrs", {}))
    for place, keys in copies.items():
        kept = {k: v for k, v in nodes[place].get("attrs", {}).items() if k.startswith("__") or k not in keys}
        written = _with_attributes(written, nodes[place]["name"], kept)
    return written


def _with_attributes(written, name, kept):
    """The text with the `attrs` of variable `name` cut down to `kept`."""
    pattern = re.compile(r'("op": "null", \n +"name": "' + re.escape(name) + r'", \n)( +)"attrs": \{.*?\}, \n', re.S)
    body = ""
    if len(kept) == 1:
        body = r'\2"attrs": ' + json.dumps(kept) + ", \n"
    elif kept:
        rows = ", \n".join(r"\2  " + f"{json.dumps(k)}: {json.dumps(v)}" for k, v in kept.items())
        body = r'\2"attrs": {' + "\n" + rows + "\n" + r"\2}, " + "\n"
    return pattern.sub(r"\1" + body, written, count=1)


def attributes(sym):
    """`attr_dict`, without the operator parameters that MXNet copies onto the variables it creates."""
    told = sym.attr_dict()
    if not from_mxnet(sym):
        return told
    operators = [name for name in told if any(v.startswith(name + "_") for v in told)]
    for variable, found in told.items():
        for owner in operators:
            if variable.startswith(owner + "_"):
                for key in [k for k in found if not k.startswith("__") and k not in BOTH_WAYS and k in told[owner]]:
                    del found[key]
    return {name: found for name, found in told.items() if found}


def lists(sym):
    """The three lists of names."""
    return {
        "name": sym.name,
        "arguments": sym.list_arguments(),
        "outputs": sym.list_outputs(),
        "auxiliary": sym.list_auxiliary_states(),
    }


def quietly(call):
    """The answer of an inference as JSON holds it, or its error; warnings are not looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(call())
        except Exception as error:  # noqa: BLE001
            return "raises " + " ".join(c.__name__ for c in type(error).__mro__ if c is not object)
