"""Operators written in Python, and what is known of all others.

A `CustomOp` computes; a `CustomOpProp` says what its inputs and outputs are and makes it; `register` gives it the name under
which `Custom` finds it, in graphs and on arrays:

>>> import rsym as mx
>>> class Double(CustomOp):
...     def forward(self, is_train, req, in_data, out_data, aux):
...         self.assign(out_data[0], req[0], 2 * in_data[0])
...     def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
...         self.assign(in_grad[0], req[0], 2 * out_grad[0])
>>> @register("double")
... class DoubleProp(CustomOpProp):
...     def create_operator(self, ctx, in_shapes, in_dtypes):
...         return Double()
>>> mx.nd.Custom(mx.nd.array([1, 2, 3]), op_type="double").asnumpy().tolist()
[2.0, 4.0, 6.0]
>>> mx.sym.Custom(mx.sym.Variable("x"), op_type="double", name="d").list_outputs()
['d_output']
"""

import collections
import itertools

import numpy as np

from . import _rsym
from .base import MXNetError

__all__ = [
    "CustomOp",
    "CustomOpProp",
    "NDArrayOp",
    "NumpyOp",
    "OperatorArguments",
    "PythonOp",
    "get_all_registered_operators",
    "get_operator_arguments",
    "register",
]

_properties = {}


class CustomOp:
    """An operator written in Python: what it computes, forward and backward.

    One object is made for each node that is bound, so `forward` may leave things in attributes for `backward`. The arrays
    belong to the executor: they are valid while the method runs, and are to be copied where they are needed longer.
    """

    def forward(self, is_train, req, in_data, out_data, aux):
        """Computes the outputs.

        Parameters
        ----------
        is_train : bool
            Whether this is a training pass.
        req : list of str
            What to do with each output, for `assign`.
        in_data, out_data, aux : list of NDArray
            Inputs, outputs and auxiliary states. `out_data` and `aux` are written in place.
        """

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        """Computes the gradients of the inputs.

        Parameters
        ----------
        req : list of str
            What to do with each gradient, for `assign`; `'null'` where nobody needs it.
        out_grad : list of NDArray
            Gradients of the outputs; None in the places that `declare_backward_dependency` leaves out.
        in_data, out_data : list of NDArray
            Inputs and outputs; None in the places that `declare_backward_dependency` leaves out.
        in_grad : list of NDArray
            Takes the gradients.
        aux : list of NDArray
            Auxiliary states.
        """

    def assign(self, dst, req, src):
        """Writes, adds or leaves alone, as `req` says.

        Parameters
        ----------
        dst : NDArray
            The array to write.
        req : {'null', 'write', 'inplace', 'add'}
            With `'add'` the values are added to those of `dst`; with `'null'` nothing is done.
        src : NDArray, numpy.ndarray or number
            The values.
        """
        if req in ("write", "inplace"):
            dst[:] = src
        elif req == "add":
            dst[:] += src


class CustomOpProp:
    """What a `CustomOp` takes and gives. The keywords of the call `Custom(...)` arrive at the constructor as texts.

    Parameters
    ----------
    need_top_grad : bool, default True
        Whether `backward` uses the gradients of the outputs; False for a loss.
    """

    def __init__(self, need_top_grad=True):
        self.need_top_grad_ = need_top_grad

    def list_arguments(self):
        """Names of the inputs, `['data']` unless overridden."""
        return ["data"]

    def list_outputs(self):
        """Names of the outputs, `['output']` unless overridden."""
        return ["output"]

    def list_auxiliary_states(self):
        """Names of the auxiliary states, none unless overridden."""
        return []

    def infer_shape(self, in_shape):
        """Completes shapes. By default everything has the shape of the first input.

        Parameters
        ----------
        in_shape : list of list of int
            Shapes of the inputs; `[]` for one that is not known yet.

        Returns
        -------
        tuple
            Lists of the shapes of inputs, outputs and auxiliary states; the last may be left out where there are none.
        """
        first = in_shape[0]
        return in_shape, [first] * len(self.list_outputs()), [first] * len(self.list_auxiliary_states())

    def infer_type(self, in_type):
        """Completes data types. By default outputs and auxiliary states have the type of the first input.

        Parameters
        ----------
        in_type : list of type
            NumPy types of the inputs; None for one that is not known yet.

        Returns
        -------
        tuple
            Lists of the types of inputs, outputs and auxiliary states; the last may be left out where there are none.
        """
        first = in_type[0]
        return in_type, [first] * len(self.list_outputs()), [first] * len(self.list_auxiliary_states())

    def infer_storage_type(self, in_stype):
        """Storage types, all `'default'`: rsym stores arrays densely and does not ask."""
        outputs, aux = len(self.list_outputs()), len(self.list_auxiliary_states())
        return list(in_stype), ["default"] * outputs, ["default"] * aux

    def infer_storage_type_backward(self, ograd_stype, in_stype, out_stype, igrad_stype, aux_stype):
        """Storage types of the backward pass, all `'default'`: rsym stores arrays densely and does not ask."""
        return tuple(["default"] * len(kinds) for kinds in (ograd_stype, in_stype, out_stype, igrad_stype, aux_stype))

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        """The numbers, of those given, of the arrays that `backward` uses. What it does not use need not be kept.

        Parameters
        ----------
        out_grad, in_data, out_data : list of int
            Numbers that stand for the gradients of the outputs, for the inputs and for the outputs.

        Returns
        -------
        list of int
            By default all of them, without `out_grad` if the operator does not need the gradients of its outputs.
        """
        return (list(out_grad) if self.need_top_grad_ else []) + list(in_data) + list(out_data)

    def create_operator(self, ctx, in_shapes, in_dtypes):
        """Makes the `CustomOp` for a node that is bound.

        Parameters
        ----------
        ctx : Context
            The device.
        in_shapes : list of list of int
            Shapes of the inputs, then of the auxiliary states.
        in_dtypes : list of int
            Their types as numbers: 0 float32, 1 float64, 2 float16, 3 uint8, 4 int32, 5 int8, 6 int64.

        Returns
        -------
        CustomOp
        """
        return CustomOp()


def register(reg_name):
    """Registers a `CustomOpProp` under the name that `Custom(op_type=...)` takes; a later one of the same name replaces it.

    Parameters
    ----------
    reg_name : str
        The name.

    Returns
    -------
    function
        A decorator that returns the class as it is.

    Examples
    --------
    >>> @register("nothing")
    ... class NothingProp(CustomOpProp):
    ...     pass
    """

    def keep(prop_cls):
        _properties[reg_name] = prop_cls
        return prop_cls

    return keep


OperatorArguments = collections.namedtuple("OperatorArguments", ["narg", "names", "types"])
"""Number, names and types of the arguments of an operator, inputs first."""


def get_all_registered_operators():
    """Names of all operators, aliases included.

    Returns
    -------
    list of str

    Examples
    --------
    >>> "Activation" in get_all_registered_operators()
    True
    """
    return sorted(name for op in _rsym.operators() for name in (op["name"], *op["aliases"]))


def get_operator_arguments(op_name):
    """The arguments of an operator.

    Parameters
    ----------
    op_name : str
        Its name or an alias.

    Returns
    -------
    OperatorArguments

    Raises
    ------
    MXNetError
        If there is no such operator.

    Examples
    --------
    >>> get_operator_arguments("Flatten")
    OperatorArguments(narg=1, names=['data'], types=['NDArray-or-Symbol'])
    """
    for op in _rsym.operators():
        if op_name == op["name"] or op_name in op["aliases"]:
            kind = "NDArray-or-Symbol[]" if op["variadic"] else "NDArray-or-Symbol"
            inputs = ["data"] if op["variadic"] else [name for name, _ in op["inputs"]]
            names = inputs + [p["name"] for p in op["params"]]
            return OperatorArguments(len(names), names, [kind] * len(inputs) + [_type_text(p) for p in op["params"]])
    raise MXNetError("there is no operator %r" % (op_name,))


def _type_text(param):
    values = ", ".join("'%s'" % v for v in param["values"])
    text = "{%s}" % values if values else param["type"]
    return text + (", required" if param["default"] is None else ", optional, default=%s" % param["default"])


class PythonOp:
    """The oldest form of operators in Python, kept for old programs: one class that computes and says what it takes.

    New code takes `CustomOp`. Call the object, or its `get_symbol`, with the inputs.

    Parameters
    ----------
    need_top_grad : bool, default True
        Whether `backward` uses the gradients of the outputs; False for a loss.
    """

    _numbers = itertools.count()

    def __init__(self, need_top_grad=True):
        self.need_top_grad_ = need_top_grad
        self._op_type = None

    def __call__(self, *args, **kwargs):
        return self.get_symbol(*args, **kwargs)

    def get_symbol(self, *args, **kwargs):
        """A symbol of the operator on the given inputs.

        Parameters
        ----------
        *args : Symbol
            The inputs.
        **kwargs
            Inputs by name, and `name`.

        Returns
        -------
        Symbol
        """
        raise NotImplementedError("PythonOp: derive from NumpyOp or NDArrayOp, or better from CustomOp")

    def _symbol(self, prop_cls, args, kwargs):
        from . import symbol

        if self._op_type is None:
            self._op_type = "_%s_%d" % (type(self).__name__, next(PythonOp._numbers))
            register(self._op_type)(lambda: prop_cls(self))
        return symbol.Custom(*args, op_type=self._op_type, **kwargs)

    def forward(self, in_data, out_data):
        """Computes the outputs; by default the first is the first input."""
        out_data[0][:] = in_data[0]

    def backward(self, out_grad, in_data, out_data, in_grad):
        """Computes the gradients of the inputs; by default that of the first is 1."""
        in_grad[0][:] = 1.0

    def infer_shape(self, in_shape):
        """Shapes of inputs and outputs; by default the output has that of the first input."""
        return in_shape, [in_shape[0]]

    def list_outputs(self):
        """Names of the outputs."""
        return ["output"]

    def list_arguments(self):
        """Names of the inputs."""
        return ["data"]

    def need_top_grad(self):
        """Whether `backward` uses the gradients of the outputs."""
        return self.need_top_grad_


class _LegacyProp(CustomOpProp):
    """The properties of a `PythonOp`."""

    def __init__(self, op):
        super().__init__(op.need_top_grad())
        self.op = op

    def list_arguments(self):
        return self.op.list_arguments()

    def list_outputs(self):
        return self.op.list_outputs()

    def infer_shape(self, in_shape):
        return self.op.infer_shape(in_shape)

    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _Legacy(self.op)


class _Legacy(CustomOp):
    """Computes with a `PythonOp` on arrays."""

    def __init__(self, op):
        self.op = op

    def forward(self, is_train, req, in_data, out_data, aux):
        self.op.forward(in_data=in_data, out_data=out_data)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.op.backward(out_grad=out_grad, in_data=in_data, out_data=out_data, in_grad=in_grad)


class _NumpyLegacyProp(_LegacyProp):
    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _NumpyLegacy(self.op)


class _NumpyLegacy(_Legacy):
    """Computes with a `PythonOp` on NumPy arrays, and writes back what it wrote."""

    def forward(self, is_train, req, in_data, out_data, aux):
        outputs = [a.asnumpy() for a in out_data]
        super().forward(is_train, req, [a.asnumpy() for a in in_data], outputs, aux)
        _write(out_data, outputs)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        given = [[a if a is None else a.asnumpy() for a in arrays] for arrays in (out_grad, in_data, out_data)]
        gradients = [np.zeros(a.shape, a.dtype) for a in in_grad]
        super().backward(req, *given, gradients, aux)
        _write(in_grad, gradients)


def _write(arrays, values):
    for array, value in zip(arrays, values):
        array[:] = value


class NumpyOp(PythonOp):
    """A `PythonOp` whose `forward` and `backward` get NumPy arrays.

    Examples
    --------
    >>> import rsym as mx
    >>> class Square(NumpyOp):
    ...     def forward(self, in_data, out_data):
    ...         out_data[0][:] = in_data[0] ** 2
    >>> Square()(mx.sym.Variable("x"), name="sq").list_outputs()
    ['sq_output']
    """

    def get_symbol(self, *args, **kwargs):
        return self._symbol(_NumpyLegacyProp, args, kwargs)


class NDArrayOp(PythonOp):
    """A `PythonOp` whose `forward` and `backward` get `NDArray` objects."""

    def get_symbol(self, *args, **kwargs):
        return self._symbol(_NDArrayLegacyProp, args, kwargs)

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        """The numbers, of those given, of the arrays that `backward` uses; see `CustomOpProp`."""
        return (list(out_grad) if self.need_top_grad() else []) + list(in_data) + list(out_data)


class _NDArrayLegacyProp(_LegacyProp):
    def declare_backward_dependency(self, out_grad, in_data, out_data):
        return self.op.declare_backward_dependency(out_grad, in_data, out_data)
