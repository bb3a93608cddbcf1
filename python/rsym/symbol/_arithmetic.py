"""The operator dunders of symbols."""

import numbers

from ..base import NotImplementedForSymbol
from ._compose import compose

__all__ = ["Arithmetic", "pow", "power", "maximum", "minimum", "hypot"]


def is_number(value):
    """Whether this is a number that takes part in arithmetic with symbols."""
    return (
        type(value) in (int, float)
        or isinstance(value, numbers.Number)
        or (getattr(value, "ndim", None) == 0 and hasattr(value, "item"))
    )


def number_text(value):
    """The text of a number: NumPy's scalars are written as Python's."""
    return str(value.item() if hasattr(value, "item") else value)


def binary(left, right, ops):
    """`left` combined with `right`, symbols or one of them a number.

    `ops` has an operator and the stem of its names for two symbols, for a number on the right and for one on the left.
    """
    both, right_number, left_number = ops
    if isinstance(left, Arithmetic) and isinstance(right, Arithmetic):
        return compose(both[0], both[1], (left, right), {}, None, None, {})
    symbol, number, op = (left, right, right_number) if isinstance(left, Arithmetic) else (right, left, left_number)
    if not isinstance(symbol, Arithmetic) or not is_number(number):
        raise TypeError("type %s not supported in arithmetic with a Symbol; make a Variable of an array" % type(number))
    return compose(op[0], op[1], (symbol,), {"scalar": number_text(number)}, None, None, {})


def _commutative(op, stem, scalar, scalar_stem):
    return (op, stem), (scalar, scalar_stem), (scalar, scalar_stem)


ADD = _commutative("elemwise_add", "_plus", "_plus_scalar", "_plusscalar")
SUB = ("elemwise_sub", "_minus"), ("_minus_scalar", "_minusscalar"), ("_rminus_scalar", "_rminusscalar")
MUL = _commutative("elemwise_mul", "_mul", "_mul_scalar", "_mulscalar")
DIV = ("elemwise_div", "_div"), ("_div_scalar", "_divscalar"), ("_rdiv_scalar", "_rdivscalar")
MOD = ("_mod", "_mod"), ("_mod_scalar", "_modscalar"), ("_rmod_scalar", "_rmodscalar")
POW = ("_power", "_power"), ("_power_scalar", "_powerscalar"), ("_rpower_scalar", "_rpower_scalar")
EQ = _commutative("_equal", "_equal", "_equal_scalar", "_equal_scalar")
NE = _commutative("_not_equal", "_not_equal", "_not_equal_scalar", "_not_equal_scalar")
GT = ("_greater", "_greater"), ("_greater_scalar", "_greater_scalar"), ("_lesser_scalar", "_lesser_scalar")
GE = (
    ("_greater_equal", "_greater_equal"),
    ("_greater_equal_scalar", "_greater_equal_scalar"),
    ("_lesser_equal_scalar", "_lesser_equal_scalar"),
)
LT = ("_lesser", "_lesser"), ("_lesser_scalar", "_lesser_scalar"), ("_greater_scalar", "_greater_scalar")
LE = (
    ("_lesser_equal", "_lesser_equal"),
    ("_lesser_equal_scalar", "_lesser_equal_scalar"),
    ("_greater_equal_scalar", "_greater_equal_scalar"),
)
POWER = POW[0], POW[1], ("_rpower_scalar", "_rpowerscalar")
MAXIMUM = _commutative("_maximum", "_maximum", "_maximum_scalar", "_maximumscalar")
MINIMUM = _commutative("_minimum", "_minimum", "_minimum_scalar", "_minimumscalar")
HYPOT = _commutative("_hypot", "_hypot", "_hypot_scalar", "_hypotscalar")


class Arithmetic:
    """Arithmetic and comparison with symbols and numbers, element by element on arrays of one shape."""

    __slots__ = ()

    def __add__(self, other):
        return binary(self, other, ADD)

    __radd__ = __add__

    def __sub__(self, other):
        return binary(self, other, SUB)

    def __rsub__(self, other):
        return binary(other, self, SUB)

    def __mul__(self, other):
        return binary(self, other, MUL)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return binary(self, other, DIV)

    def __rtruediv__(self, other):
        return binary(other, self, DIV)

    def __mod__(self, other):
        return binary(self, other, MOD)

    def __rmod__(self, other):
        return binary(other, self, MOD)

    def __pow__(self, other):
        return binary(self, other, POW)

    def __rpow__(self, other):
        return binary(other, self, POW)

    def __neg__(self):
        return compose("_mul_scalar", "_mulscalar", (self,), {"scalar": "-1.0"}, None, None, {})

    def __abs__(self):
        return compose("abs", "abs", (self,), {}, None, None, {})

    def __eq__(self, other):
        return binary(self, other, EQ)

    def __ne__(self, other):
        return binary(self, other, NE)

    def __gt__(self, other):
        return binary(self, other, GT)

    def __ge__(self, other):
        return binary(self, other, GE)

    def __lt__(self, other):
        return binary(self, other, LT)

    def __le__(self, other):
        return binary(self, other, LE)

    def __bool__(self):
        raise NotImplementedForSymbol(self.__bool__, "bool")


def pow(base, exp):
    """`base` to the power `exp`, element by element; either may be a number.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.pow(2, mx.sym.Variable("x")).name
    '_rpowerscalar0'
    """
    return _function("pow", base, exp, POWER, lambda a, b: a**b)


power = pow


def maximum(left, right):
    """The greater of `left` and `right`, element by element; either may be a number."""
    return _function("maximum", left, right, MAXIMUM, lambda a, b: a if a > b else b)


def minimum(left, right):
    """The lesser of `left` and `right`, element by element; either may be a number."""
    return _function("minimum", left, right, MINIMUM, lambda a, b: a if a < b else b)


def hypot(left, right):
    """``sqrt(left**2 + right**2)``, element by element; either may be a number."""
    return _function("hypot", left, right, HYPOT, lambda a, b: (a * a + b * b) ** 0.5)


def _function(name, left, right, ops, plain):
    if is_number(left) and is_number(right):
        return plain(left, right)
    try:
        return binary(left, right, ops)
    except TypeError:
        raise TypeError(
            "%s: types (%s, %s) not supported; expected symbols or numbers" % (name, type(left), type(right))
        ) from None
