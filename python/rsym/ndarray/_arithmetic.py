"""The operator dunders of arrays, and their functions."""

import numbers
import operator

import numpy as np

from ._invoke import invoke

__all__ = [
    "Arithmetic",
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "modulo",
    "power",
    "maximum",
    "minimum",
    "equal",
    "not_equal",
    "greater",
    "greater_equal",
    "lesser",
    "lesser_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
]


def _is_number(value):
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "biuf"
    return isinstance(value, (numbers.Real, np.number, np.bool_)) and not isinstance(value, np.complexfloating)


def binary(left, right, ops, out=None):
    """`left` combined with `right`: arrays with broadcasting, or one of them a number.

    `ops` has the operator for two arrays, for a number on the right, and for one on the left.
    """
    both, right_number, left_number = ops
    if isinstance(left, Arithmetic) and _is_number(right):
        return invoke(right_number, (left,), _scalar(right), out, {})
    if isinstance(right, Arithmetic) and _is_number(left):
        return invoke(left_number, (right,), _scalar(left), out, {})
    left = _array_like(left, right) if isinstance(left, np.ndarray) else left
    right = _array_like(right, left) if isinstance(right, np.ndarray) else right
    if not isinstance(left, Arithmetic) or not isinstance(right, Arithmetic):
        raise TypeError("types %s and %s not supported; expected arrays or numbers" % (type(left), type(right)))
    return invoke(both, (left, right), {}, out, {})


def _array_like(values, other):
    """NumPy values as an array of the data type of `other`."""
    from ._creation import array

    return array(values, dtype=other.dtype)


def _scalar(value):
    """The parameter of a scalar operator; arrays of whole numbers truncate it, as in MXNet."""
    value = value.item() if hasattr(value, "item") else value
    return {"scalar": str(int(value) if isinstance(value, bool) else value)}


def _commutative(both, scalar):
    return both, scalar, scalar


ADD = _commutative("broadcast_add", "_plus_scalar")
SUB = ("broadcast_sub", "_minus_scalar", "_rminus_scalar")
MUL = _commutative("broadcast_mul", "_mul_scalar")
DIV = ("broadcast_div", "_div_scalar", "_rdiv_scalar")
MOD = ("broadcast_mod", "_mod_scalar", "_rmod_scalar")
POW = ("broadcast_power", "_power_scalar", "_rpower_scalar")
MAX = _commutative("broadcast_maximum", "_maximum_scalar")
MIN = _commutative("broadcast_minimum", "_minimum_scalar")
EQ = _commutative("broadcast_equal", "_equal_scalar")
NE = _commutative("broadcast_not_equal", "_not_equal_scalar")
GT = ("broadcast_greater", "_greater_scalar", "_lesser_scalar")
GE = ("broadcast_greater_equal", "_greater_equal_scalar", "_lesser_equal_scalar")
LT = ("broadcast_lesser", "_lesser_scalar", "_greater_scalar")
LE = ("broadcast_lesser_equal", "_lesser_equal_scalar", "_greater_equal_scalar")
AND = _commutative("broadcast_logical_and", "_logical_and_scalar")
OR = _commutative("broadcast_logical_or", "_logical_or_scalar")
XOR = _commutative("broadcast_logical_xor", "_logical_xor_scalar")


def _make(name, ops, text, plain):
    def function(lhs, rhs):
        if _is_number(lhs) and _is_number(rhs):
            return plain(lhs, rhs)
        return binary(lhs, rhs, ops)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "%s, element by element with broadcasting; either may be a number." % text
    return function


add = _make("add", ADD, "The sum", operator.add)
subtract = _make("subtract", SUB, "The difference", operator.sub)
multiply = _make("multiply", MUL, "The product", operator.mul)
divide = _make("divide", DIV, "The quotient", operator.truediv)
true_divide = divide
modulo = _make("modulo", MOD, "The remainder, with the sign of the divisor", operator.mod)
power = _make("power", POW, "`lhs` to the power `rhs`", operator.pow)
maximum = _make("maximum", MAX, "The greater one", max)
minimum = _make("minimum", MIN, "The lesser one", min)
equal = _make("equal", EQ, "1 where equal, else 0", operator.eq)
not_equal = _make("not_equal", NE, "1 where not equal, else 0", operator.ne)
greater = _make("greater", GT, "1 where `lhs > rhs`, else 0", operator.gt)
greater_equal = _make("greater_equal", GE, "1 where `lhs >= rhs`, else 0", operator.ge)
lesser = _make("lesser", LT, "1 where `lhs < rhs`, else 0", operator.lt)
lesser_equal = _make("lesser_equal", LE, "1 where `lhs <= rhs`, else 0", operator.le)
logical_and = _make("logical_and", AND, "1 where both are not zero, else 0", lambda a, b: bool(a and b))
logical_or = _make("logical_or", OR, "1 where one is not zero, else 0", lambda a, b: bool(a or b))
logical_xor = _make("logical_xor", XOR, "1 where exactly one is not zero, else 0", lambda a, b: bool(a) != bool(b))


class Arithmetic:
    """Arithmetic and comparison with arrays and numbers, element by element with broadcasting."""

    __slots__ = ()

    def __add__(self, other):
        return binary(self, other, ADD)

    __radd__ = __add__

    def __iadd__(self, other):
        return binary(self, other, ADD, self)

    def __sub__(self, other):
        return binary(self, other, SUB)

    def __rsub__(self, other):
        return binary(other, self, SUB)

    def __isub__(self, other):
        return binary(self, other, SUB, self)

    def __mul__(self, other):
        return binary(self, other, MUL)

    __rmul__ = __mul__

    def __imul__(self, other):
        return binary(self, other, MUL, self)

    def __truediv__(self, other):
        return binary(self, other, DIV)

    def __rtruediv__(self, other):
        return binary(other, self, DIV)

    def __itruediv__(self, other):
        return binary(self, other, DIV, self)

    def __mod__(self, other):
        return binary(self, other, MOD)

    def __rmod__(self, other):
        return binary(other, self, MOD)

    def __imod__(self, other):
        return binary(self, other, MOD, self)

    def __pow__(self, other):
        return binary(self, other, POW)

    def __rpow__(self, other):
        return binary(other, self, POW)

    def __neg__(self):
        return invoke("_mul_scalar", (self,), {"scalar": "-1.0"}, None, {})

    def __abs__(self):
        return invoke("abs", (self,), {}, None, {})

    def __eq__(self, other):
        return _compare(self, other, EQ, False)

    def __ne__(self, other):
        return _compare(self, other, NE, True)

    def __gt__(self, other):
        return binary(self, other, GT)

    def __ge__(self, other):
        return binary(self, other, GE)

    def __lt__(self, other):
        return binary(self, other, LT)

    def __le__(self, other):
        return binary(self, other, LE)


def _compare(left, right, ops, otherwise):
    """An array is neither equal to None nor to an object that takes no part in arithmetic."""
    from .ndarray import NDArray

    if isinstance(right, (NDArray, np.ndarray)) or _is_number(right):
        return binary(left, right, ops)
    return otherwise
