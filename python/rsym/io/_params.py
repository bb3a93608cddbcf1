"""Parameters of the iterators that Rust runs: their texts, defaults and what values they take."""

import ast
import difflib
import inspect
import warnings
from typing import Any, NamedTuple

from ..base import MXNetError

__all__ = ["Param", "read_params", "documented"]


class Param(NamedTuple):
    """One parameter. `kind` is one of int, float, bool, str, 'shape', or a tuple of the possible values."""

    name: str
    kind: Any
    default: Any
    doc: str

    @property
    def required(self):
        """Whether the parameter has no default."""
        return self.default is ...

    def read(self, owner, value):
        """The value as `kind`; texts are read as MXNet reads them, None is taken where it is the default."""
        if self.default is None and value in (None, "None"):
            return None
        try:
            return _read(self.kind, value)
        except (ValueError, TypeError, SyntaxError):
            what = "one of %s" % (self.kind,) if isinstance(self.kind, tuple) else _KINDS[self.kind]
            raise MXNetError("%s: %s must be %s, got %r" % (owner, self.name, what, value)) from None


_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text",
    "shape": "a tuple of whole numbers",
}


def _read(kind, value):
    if isinstance(kind, tuple):
        value = getattr(value, "__name__", None) or str(value)
        return kind[kind.index(value)]
    if kind is bool:
        return bool(("0", "1", "false", "true").index(str(value).lower()) % 2)
    if kind is int:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError
        return int(value)
    if kind == "shape":
        value = ast.literal_eval(value) if isinstance(value, str) else value
        return tuple(int(v) for v in (value if hasattr(value, "__iter__") else (value,)))
    return kind(value)


def read_params(owner, params, given, known_elsewhere=()):
    """The value of every parameter.

    Parameters
    ----------
    owner : str
        Name of the iterator, for messages.
    params : list of Param
    given : dict
        What the caller wrote.
    known_elsewhere : container of str
        Names that other iterators have: left out silently, as calls are often written for several of them.

    Returns
    -------
    dict

    Raises
    ------
    MXNetError
        A value cannot be read, or a required parameter is missing.

    Examples
    --------
    >>> params = [Param("batch_size", int, ..., "Examples of a batch."), Param("shuffle", bool, False, "Another order.")]
    >>> read_params("AnIter", params, {"batch_size": "8"})
    {'batch_size': 8, 'shuffle': False}
    """
    names = [param.name for param in params]
    for name in given:
        if name not in names and name not in known_elsewhere:
            close = difflib.get_close_matches(name, names, 1)
            hint = ": did you mean %s?" % close[0] if close else ""
            warnings.warn("%s has no parameter '%s'%s It is ignored." % (owner, name, hint or "."), stacklevel=4)
    missing = [param.name for param in params if param.required and param.name not in given]
    if missing:
        raise MXNetError("%s: %s must be given" % (owner, " and ".join(missing)))
    return {p.name: p.read(owner, given[p.name]) if p.name in given else p.default for p in params}


def documented(params):
    """A class decorator: adds the parameters to the docstring (where it says ``{parameters}``) and to the signature."""

    def decorate(cls):
        lines = ["Parameters", "----------"]
        for param in params:
            lines += ["%s : %s" % (param.name, _kind_text(param)), "    " + param.doc]
        cls.__doc__ = (cls.__doc__ or "").replace("{parameters}", "\n    ".join(lines))
        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [inspect.Parameter(p.name, keyword, default=inspect.Parameter.empty if p.required else p.default) for p in params]
        rest = inspect.Parameter("ignored", inspect.Parameter.VAR_KEYWORD)
        cls.__signature__ = inspect.Signature([*sorted(own, key=lambda p: p.default is not p.empty), rest])
        return cls

    return decorate


def _kind_text(param):
    kind = "tuple of int" if param.kind == "shape" else getattr(param.kind, "__name__", None)
    kind = kind or "{%s}" % ", ".join(map(repr, param.kind))
    return kind if param.required else "%s, default %r" % (kind, param.default)
