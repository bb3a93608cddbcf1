"""The one call behind every operator function of `rsym.symbol`."""

from .._rsym import Symbol, compose
from ..base import NotImplementedForSymbol

__all__ = ["compose"]


def not_a_name(op, value):
    """The error for a name that is no text; behind the inputs comes the name, so a symbol there is one input too many."""
    if not isinstance(value, Symbol):
        return TypeError("%s: name must be text, got %r" % (op, value))
    error = NotImplementedForSymbol(compose, None, value)
    error.args = ("%s: %r is one input too many; what follows the inputs is the name, a text" % (op, value),)
    return error
