"""What the operator `Custom` asks of the classes that `rsym.operator.register` keeps."""

from . import autograd
from ._dtypes import from_number, to_number
from .context import cpu
from .operator import CustomOp, _properties
from .util import is_np_shape


def find(op_type, keywords):
    """The properties registered as `op_type`, made with the given keywords; None if there are none."""
    prop_cls = _properties.get(op_type)
    return None if prop_cls is None else _Property(op_type, prop_cls(**keywords))


class _Property:
    """A `CustomOpProp`, its answers checked."""

    def __init__(self, op_type, prop):
        self.op_type, self.prop = op_type, prop
        self.arguments = self._names("list_arguments")
        self.outputs = self._names("list_outputs")
        self.aux = self._names("list_auxiliary_states")
        self.uses = self._used()

    def _names(self, method):
        names = getattr(self.prop, method)()
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError("%s: expected a list of names, got %r" % (method, names))
        return list(names)

    def _used(self):
        """For each output gradient, input and output: whether `backward` uses it."""
        outputs, inputs = len(self.outputs), len(self.arguments)
        numbers = list(range(2 * outputs + inputs))
        parts = numbers[:outputs], numbers[outputs : outputs + inputs], numbers[outputs + inputs :]
        used = set(self.prop.declare_backward_dependency(*parts))
        if not used.issubset(numbers):
            raise ValueError("declare_backward_dependency: expected numbers out of %s, got %s" % (numbers, sorted(used)))
        return [number in used for number in numbers]

    def infer_shape(self, known, complete):
        """Shapes of inputs, outputs and auxiliary states; None for what is not known."""
        given = [list(shape) for shape in known]
        found = self._parts("infer_shape", self.prop.infer_shape(given))
        if is_np_shape():
            # An unknown input was given as [], which is the shape of a scalar here.
            inputs = [s if c or len(s) else None for s, c in zip(found[: len(known)], complete)]
            return inputs + found[len(known) :]
        return [tuple(d or -1 for d in shape) if len(shape) else None for shape in found]

    def infer_type(self, known):
        """Type numbers of inputs, outputs and auxiliary states; None for what is not known."""
        found = self._parts("infer_type", self.prop.infer_type([from_number(number) for number in known]))
        return [None if dtype is None else to_number(dtype) for dtype in found]

    def _parts(self, method, answer):
        """The lists for inputs, outputs and auxiliary states as one list, each of the right length."""
        if not isinstance(answer, (list, tuple)) or len(answer) not in (2, 3):
            raise ValueError("%s: expected lists for inputs, outputs and auxiliary states, got %r" % (method, answer))
        wanted = (("inputs", self.arguments), ("outputs", self.outputs), ("auxiliary states", self.aux))
        found = []
        for (what, names), part in zip(wanted, [*answer, []][:3]):
            if len(part) != len(names):
                raise ValueError("%s: expected %d %s, got %d: %r" % (method, len(names), what, len(part), part))
            found += part
        return found

    def create(self, shapes, types):
        op = self.prop.create_operator(cpu(), shapes, types)
        if not isinstance(op, CustomOp):
            raise TypeError("create_operator: expected a CustomOp, got %r" % (op,))
        return _Operator(op)


class _Operator:
    """A `CustomOp` of one bound node. What it computes with arrays is not recorded."""

    def __init__(self, op):
        self.op = op

    def forward(self, is_train, in_data, out_data, aux):
        req = ["write"] * len(out_data)
        with autograd.pause(train_mode=is_train):
            self.op.forward(is_train=is_train, req=req, in_data=in_data, out_data=out_data, aux=aux)

    def backward(self, is_train, needed, out_grad, in_data, out_data, in_grad, aux):
        req = ["write" if wanted else "null" for wanted in needed]
        with autograd.pause(train_mode=is_train):
            self.op.backward(req=req, out_grad=out_grad, in_data=in_data, out_data=out_data, in_grad=in_grad, aux=aux)
