"""What `Symbol.bind`, `Symbol.simple_bind` and `Executor.reshape` do with their arguments."""

import operator

from . import _rsym
from ._dynamic import DynamicCore, DynamicExecutor
from .base import ArgumentError, MXNetError, ReshapeError
from .context import Context
from .executor import Executor
from .ndarray import NDArray, zeros
from .symbol.symbol import _check_shape, _type_number
from .util import is_np_shape

REQUESTS = ("write", "add", "null")


def _numbers(ctx):
    if not isinstance(ctx, Context):
        raise TypeError("Context type error: expected a Context such as mx.cpu(), got %r" % (ctx,))
    ctx.require_available()
    return ctx.device_typeid, ctx.device_id


def _requests(grad_req, names):
    """The request for the gradient of each argument."""
    if isinstance(grad_req, str):
        found = [grad_req] * len(names)
    elif isinstance(grad_req, (list, tuple)):
        if len(grad_req) != len(names):
            raise ArgumentError("grad_req: expected %d entries, one for each argument, got %d" % (len(names), len(grad_req)))
        found = list(grad_req)
    elif isinstance(grad_req, dict):
        found = [grad_req.get(name, "null") for name in names]
    else:
        raise TypeError("grad_req must be a text, a list or a dict, got %s" % type(grad_req))
    for name, request in zip(names, found):
        if request not in REQUESTS:
            raise ArgumentError("grad_req of '%s': expected one of 'write', 'add', 'null', got %r" % (name, request))
    return found


def _groups(symbol, group2ctx):
    """The devices of groups as Rust takes them; devices of groups that the graph has must be there."""
    if not group2ctx:
        return None
    used = {attrs.get("__ctx_group__") for attrs in symbol.attr_dict().values()}
    for ctx in group2ctx.values():
        if not isinstance(ctx, Context):
            raise TypeError("group2ctx: expected a Context such as mx.cpu(1) for each group, got %r" % (ctx,))
    return [(name, _numbers(ctx) if name in used else (1, 0)) for name, ctx in group2ctx.items()]


def _typed(error, message):
    """The error of `simple_bind`: the same class, with what was asked for in front."""
    return type(error)(message) if isinstance(error, MXNetError) else MXNetError(message)


def simple_bind(
    symbol, ctx, grad_req, type_dict, stype_dict, group2ctx, shared_arg_names, shared_exec, shared_buffer, memory_budget, shapes
):
    for name, stype in (stype_dict or {}).items():
        if stype != "default":
            raise MXNetError("simple_bind: storage type %r of '%s' is not supported; rsym stores arrays densely" % (stype, name))
    given = _checked(symbol, shapes, _shape)
    types = _checked(symbol, type_dict or {}, _type_number)
    requests = grad_req if grad_req in REQUESTS else _requests(grad_req, symbol.list_arguments())
    device = _numbers(ctx)
    groups = _groups(symbol, group2ctx)
    shared, shared_grads = _shared(symbol, shared_arg_names, shared_exec, shared_buffer)
    budget = _budget(memory_budget)
    core_shared = shared_exec._core if shared_exec is not None else None
    try:
        core = _rsym.simple_bind(
            symbol, given, types, requests, device, groups, shared, shared_grads, core_shared, is_np_shape(), budget
        )
    except RuntimeError as error:
        asked = "".join("%s: %s\n" % item for item in shapes.items())
        raise _typed(error, "simple_bind error. Arguments:\n%s%s" % (asked, error)) from error.__cause__
    executor = Executor(core, symbol, ctx, grad_req, group2ctx)
    executor._memory_budget = budget
    if shared_buffer is not None:
        kept = set(shared_arg_names or ()).union(shared_buffer)
        shared_buffer.update((k, v) for k, v in executor.arg_dict.items() if k not in kept)
    return executor


def _budget(value):
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError("memory_budget: expected a number of bytes, got %r" % (value,))
    return number


def _checked(symbol, given, check):
    """The values of `given` that pass the check; an error counts only where there is a variable of that name."""
    found = {}
    for name, value in given.items():
        try:
            found[name] = check(name, value)
        except Exception:
            if name in symbol.list_inputs():
                raise
    return found


def _shape(name, shape):
    try:
        return _check_shape(name, shape)
    except TypeError as error:
        raise ArgumentError("simple_bind error: %s" % error) from None


def _shared(symbol, shared_arg_names, shared_exec, shared_buffer):
    """Arrays to use by name, and gradients."""
    shared = dict(shared_buffer or {})
    grads = {}
    if shared_exec is not None:
        wanted = set(symbol.list_arguments() if shared_arg_names is None else shared_arg_names)
        shared.update((k, v) for k, v in shared_exec.arg_dict.items() if k in wanted)
        shared.update(shared_exec.aux_dict)
        grads = {k: v for k, v in shared_exec.grad_dict.items() if v is not None and k in wanted}
    return shared, grads


def _arrays(what, given, names, required):
    """The arrays for `names`, from a list or a dict; extra names are passed over."""
    if isinstance(given, dict):
        missing = [n for n in names if n not in given]
        if missing and required:
            raise ValueError("key `%s` is missing in `%s`; all of: %s" % (missing[0], what, ", ".join(missing)))
        found = [given.get(n) for n in names]
    elif isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                "Length of %s does not match the number of arguments: expected %d (%s), got %d"
                % (what, len(names), ", ".join(names), len(given))
            )
        found = list(given)
    else:
        raise TypeError("%s: only accept list of NDArrays or dict of str to NDArray, got %s" % (what, type(given)))
    for name, array in zip(names, found):
        if not isinstance(array, NDArray) and (required or array is not None):
            raise TypeError("%s: '%s' must be an NDArray, got %s" % (what, name, type(array)))
    return found


def bind(symbol, ctx, args, args_grad, grad_req, aux_states, group2ctx, shared_exec, memory_budget=None):
    names, aux_names = symbol.list_arguments(), symbol.list_auxiliary_states()
    device = _numbers(ctx)
    args = _arrays("args", args, names, True)
    grads = _arrays("args_grad", {} if args_grad is None else args_grad, names, False)
    aux = _arrays("aux_states", {} if aux_states is None else aux_states, aux_names, True)
    requests = _requests(grad_req, names)
    wanted = [r if g is not None else "null" for r, g in zip(requests, grads)]
    given, grads = grads, [g if r != "null" else None for r, g in zip(wanted, grads)]
    core_shared = shared_exec._core if shared_exec is not None else None
    groups = _groups(symbol, group2ctx)
    kind = Executor
    try:
        core = _rsym.bind(symbol, args, grads, wanted, aux, device, groups, core_shared, memory_budget)
    except MXNetError:
        if not symbol._shape_needs_values:
            raise
        kind, core = DynamicExecutor, DynamicCore(symbol, args, grads, wanted, aux)
    executor = kind(core, symbol, ctx, grad_req, group2ctx)
    executor._memory_budget = memory_budget
    executor.grad_arrays = given
    return executor


def _resized(name, array, shape, changed, partial_shaping, allow_up_sizing):
    """`array`, or one for `shape` on its memory if it is large enough."""
    if array is None or array.shape == shape:
        return array
    if not (changed or partial_shaping):
        raise ReshapeError(
            "Shape of unspecified array arg:%s changed from %s to %s. This can cause the new executor to not "
            "share parameters with the old one. Please check for error in the network. If this is intended, "
            "set partial_shaping=True." % (name, array.shape, shape)
        )
    size = 1
    for n in shape:
        size *= n
    if size <= array.size:
        return array.reshape((-1,))[:size].reshape(shape)
    if not allow_up_sizing:
        raise ReshapeError(
            "New shape of arg: %s is larger than original: %s, it was %s. First making a big executor and "
            "then down sizing it is more efficient than the reverse. If you really want to up size, set "
            "allow_up_sizing=True to enable allocation of new arrays." % (name, shape, array.shape)
        )
    return zeros(shape, array.context, array.dtype)


def reshape(executor, partial_shaping, allow_up_sizing, shapes):
    symbol = executor._symbol
    arg_shapes, _, aux_shapes = symbol.infer_shape(**shapes)
    if arg_shapes is None:
        raise ReshapeError(
            "reshape: the given shapes do not decide all others; give those of more arguments than: %s"
            % (", ".join(shapes) or "none")
        )
    options = (partial_shaping, allow_up_sizing)
    args, grads, aux = [], [], []
    rows = zip(symbol.list_arguments(), executor.arg_arrays, executor.grad_arrays, arg_shapes)
    for name, array, grad, shape in rows:
        args.append(_resized(name, array, shape, name in shapes, *options))
        grads.append(_resized(name, grad, shape, name in shapes, *options))
    for name, array, shape in zip(symbol.list_auxiliary_states(), executor.aux_arrays, aux_shapes):
        aux.append(_resized(name, array, shape, False, *options))
    own = (executor._group2ctx, executor, executor._memory_budget)
    reshaped = bind(symbol, executor._ctx, args, grads, executor._grad_req, aux, *own)
    reshaped._watch_as(executor)
    return reshaped
