"""The one call behind every operator function of `rsym.symbol`."""

from .. import _rsym, attribute
from .. import name as _name
from ..base import NotImplementedForSymbol


def compose(op, hint, inputs, params, name, attr, kwargs):
    """A symbol of the operator `op`, named `name` or after `hint`, with the attributes of the active scopes."""
    if name is not None and not isinstance(name, str):
        raise _not_a_name(op, name)
    return _rsym.compose(op, _name.current().get(name, hint), inputs, params, kwargs, attribute.merge(attr))


def _not_a_name(op, value):
    """The error for a name that is no text; behind the inputs comes the name, so a symbol there is one input too many."""
    if not isinstance(value, _rsym.Symbol):
        return TypeError("%s: name must be text, got %r" % (op, value))
    error = NotImplementedForSymbol(compose, None, value)
    error.args = ("%s: %r is one input too many; what follows the inputs is the name, a text" % (op, value),)
    return error
