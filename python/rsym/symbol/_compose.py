"""The one call behind every operator function of `rsym.symbol`."""

from .. import _rsym, attribute
from .. import name as _name


def compose(op, hint, inputs, params, name, attr, kwargs):
    """A symbol of the operator `op`, named `name` or after `hint`, with the attributes of the active scopes."""
    return _rsym.compose(op, _name.current().get(name, hint), inputs, params, kwargs, attribute.merge(attr))
