"""Arithmetic functions of symbols; the operator dunders are those of `rsym._rsym.Symbol`."""

import numbers

from .._rsym import combine

__all__ = ["pow", "power", "maximum", "minimum", "hypot"]


def is_number(value):
    """Whether this is a number that takes part in arithmetic with symbols."""
    return (
        type(value) in (int, float)
        or isinstance(value, numbers.Number)
        or (getattr(value, "ndim", None) == 0 and hasattr(value, "item"))
    )


def number_text(value):
    """The text of a number, NumPy's scalars written as Python's; None for what is no number."""
    return str(value.item() if hasattr(value, "item") else value) if is_number(value) else None


def pow(base, exp):
    """`base` to the power `exp`, element by element; either may be a number.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.pow(2, mx.sym.Variable("x")).name
    '_rpowerscalar0'
    """
    return _function("power", base, exp, lambda a, b: a**b)


power = pow


def maximum(left, right):
    """The greater of `left` and `right`, element by element; either may be a number."""
    return _function("maximum", left, right, lambda a, b: a if a > b else b)


def minimum(left, right):
    """The lesser of `left` and `right`, element by element; either may be a number."""
    return _function("minimum", left, right, lambda a, b: a if a < b else b)


def hypot(left, right):
    """``sqrt(left**2 + right**2)``, element by element; either may be a number."""
    return _function("hypot", left, right, lambda a, b: (a * a + b * b) ** 0.5)


def _function(sign, left, right, plain):
    if is_number(left) and is_number(right):
        return plain(left, right)
    try:
        return combine(sign, left, right)
    except TypeError:
        name = "pow" if sign == "power" else sign
        raise TypeError(
            "%s: types (%s, %s) not supported; expected symbols or numbers" % (name, type(left), type(right))
        ) from None
