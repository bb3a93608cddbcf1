"""`AttrScope`: attributes for all symbols that are created inside a `with` block."""

from collections import defaultdict

from . import _rsym
from ._scope import OWNER, PAYLOAD, Current, ScopeStack, scope_type

__all__ = ["AttrScope", "current", "current_attrs", "merge", "subgraph_name"]

SUBGRAPH = "__subgraph_name__"
"""The attribute that marks the nodes of a graph inside of a node."""

_scopes = ScopeStack("rsym_attr_scope", lambda: (AttrScope(), {}))


def current_attrs():
    """The attributes that the active scopes give to a new symbol without attributes of its own.

    Returns
    -------
    dict or None
        Not to be changed; None if there are none.
    """
    owner, attrs = _scopes.frame()[:2]
    return (attrs if _is_plain(owner) else owner.get(None)) or None


def merge(attr):
    """The attributes of a new symbol that has `attr` of its own: those of the active scopes, then `attr`.

    Parameters
    ----------
    attr : dict of str to str, or None

    Returns
    -------
    dict or None
        None if there are none at all.
    """
    if not attr:
        return current_attrs()
    if not isinstance(attr, dict):
        raise TypeError("attr must be a dict of str to str, got %r" % (attr,))
    owner, attrs = _scopes.frame()[:2]
    return {**attrs, **attr} if _is_plain(owner) else owner.get(attr)


def _is_plain(scope):
    return type(scope).get is AttrScope.get


class AttrScope(_rsym.AttrScope, metaclass=scope_type("current")):
    """Gives attributes to all symbols that are created inside a `with` block.

    Blocks nest: the inner one wins key by key and the outer keys stay. An attribute given to the symbol itself
    wins over both. A scope can be entered again, at any depth and in several threads or tasks at once, and gives
    each time its own attributes and those of the scopes around it there.

    A subclass may override `get` to decide about attributes itself.

    Parameters
    ----------
    **kwargs : str
        The attributes.

    Raises
    ------
    ValueError
        For a value that is not text; it is named.

    Examples
    --------
    >>> with AttrScope(ctx_group="stage1", mood="fine"):
    ...     with AttrScope(mood="angry"):
    ...         current_attrs()
    {'ctx_group': 'stage1', 'mood': 'angry'}
    """

    # How often each name of a graph inside of a node was given.
    _subgraph_names = defaultdict(int)

    _current = Current(_scopes, lambda scope: dict(scope._attr))

    def __init__(self, **kwargs):
        self._define(kwargs)

    def get(self, attr):
        """The attributes of a symbol that is created in this scope.

        Parameters
        ----------
        attr : dict of str to str, or None
            What the symbol was given itself.

        Returns
        -------
        dict of str to str
        """
        return {**self._inherited(), **(attr or {})}

    def _inherited(self):
        frame = _scopes.find(self)
        return self._attr if frame is None else frame[PAYLOAD]

    def __enter__(self):
        _scopes.push(self, self._over(_scopes.frame()[PAYLOAD]))
        return self

    def __exit__(self, kind, value, trace):
        _scopes.pop(self)


def subgraph_name(stem):
    """A name for a graph inside of a node that no other has: the stem, behind that of the graph around it, and a number.

    Examples
    --------
    >>> with AttrScope(__subgraph_name__="foreach7"):
    ...     subgraph_name("step")
    'foreach7$step0'
    """
    around = (current_attrs() or {}).get(SUBGRAPH)
    stem = "%s$%s" % (around, stem) if around else stem
    names = AttrScope._subgraph_names
    names[stem] += 1
    return "%s%d" % (stem, names[stem] - 1)


def current():
    """The innermost `AttrScope` of this thread or task."""
    return _scopes.frame()[OWNER]
