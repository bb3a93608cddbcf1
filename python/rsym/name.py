"""Automatic names: `NameManager`, `Prefix`."""

from . import _rsym
from ._scope import OWNER, Current, ScopeStack, scope_type

__all__ = ["NameManager", "Prefix", "current"]

_managers = ScopeStack("rsym_name_manager", lambda: (NameManager(), None))


def current():
    """The innermost name manager of this thread or task; a thread's outermost one is its own."""
    return _managers.frame()[OWNER]


class NameManager(_rsym.NameManager, metaclass=scope_type("current")):
    """Names the operators that are created without a name: ``fullyconnected0``, ``fullyconnected1``, ...

    As a `with` block it does so for all symbols that are created inside; each manager counts from zero. Only the
    innermost manager is asked. A subclass may override `get`.

    Examples
    --------
    >>> with NameManager() as manager:
    ...     manager.get(None, "concat"), manager.get("mine", "concat"), manager.get(None, "concat")
    ('concat0', 'mine', 'concat1')
    """

    _current = Current(_managers)

    def get(self, name, hint):
        """The name of a new symbol.

        Parameters
        ----------
        name : str or None
            What the user called it, kept if there is something.
        hint : str
            The stem of a name, to which the number of earlier names with this stem is added.

        Returns
        -------
        str
        """
        return name or self._next(hint)

    def __enter__(self):
        _managers.push(self)
        return self

    def __exit__(self, kind, value, trace):
        _managers.pop(self)


class Prefix(NameManager):
    """Puts a prefix before every operator's name, automatic or given; names of variables stay.

    Prefixes do not add up: inside ``Prefix('a_')`` a ``Prefix('b_')`` gives ``b_``.

    Parameters
    ----------
    prefix : str

    Examples
    --------
    >>> with Prefix("mynet_") as prefix:
    ...     prefix.get("fc1", "fullyconnected"), prefix.get(None, "activation")
    ('mynet_fc1', 'mynet_activation0')
    """

    def __init__(self, prefix):
        self._prefix = prefix

    def get(self, name, hint):
        return self._prefix + super().get(name, hint)
