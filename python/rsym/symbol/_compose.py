"""The one call behind every operator function of `rsym.symbol`."""

from .. import _rsym, attribute
from .. import name as _name


def compose(op, hint, inputs, params, name, attr, kwargs):
    """A symbol of the operator `op`, named `name` or after `hint`, with the attributes of the active scopes."""
    if name is not None and not isinstance(name, str):
        raise TypeError("%s: name must be text, got %r" % (hint, name))
    return _rsym.compose(op, _name.current().get(name, hint), inputs, params, kwargs, attribute.merge(attr))
