"""Every operator in the middle of a graph: with all passes it computes, and differentiates, what it does without any."""

import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import survey  # noqa: E402
from oracle.rows import arrays_of, row_of  # noqa: E402


def surrounded(call):
    """The operator between others that passes may join with it."""
    inner = call.symbols[False](**{key: mx.sym.Variable(key) * 1 for key in call.arguments})
    return mx.sym.Group([mx.sym.tanh(mx.sym.Cast(out, dtype="float32") * 0.5) + 1 for out in inner])


def arrays(call):
    """The arguments, with the types that the operator wants, and the auxiliary states."""
    names = call.arguments[:1]
    args, _, aux = call.symbols[False].infer_type_partial(**dict.fromkeys(names, "float32"))
    kinds = dict(zip(call.arguments + call.auxiliary, [kind or np.float32 for kind in args + aux]))
    inputs, states, _ = arrays_of(call.name)
    values = {f"x{i}": value for i, value in enumerate([*inputs, *(states or ())])}
    made = {key: mx.nd.array(values[key], dtype=kind) for key, kind in kinds.items()}
    return {key: made[key] for key in call.arguments}, {key: made[key] for key in call.auxiliary}


def observed(name, is_train):
    """Outputs, gradients and states; no gradients where the operator has none."""
    call = survey.Call(mx, name)
    args, aux = arrays(call)
    wanted = row_of(name)[1]
    wanted = [key for key in args if wanted is None or int(key[1:]) in wanted]
    grads = {key: mx.nd.zeros(args[key].shape) for key in wanted if args[key].dtype == np.float32}
    mx.random.seed(7)
    try:
        bound = surrounded(call).bind(mx.cpu(), args, args_grad=grads, aux_states=aux)
    except mx.MXNetError as error:
        if "gradient" not in str(error) and "differentiable" not in str(error):
            raise
        bound, grads = surrounded(call).bind(mx.cpu(), args, grad_req="null", aux_states=aux), {}
    outputs = bound.forward(is_train=is_train)
    if grads:
        bound.backward([mx.nd.ones(out.shape) * 0.7 for out in outputs])
    return [one.asnumpy() for one in [*outputs, *grads.values(), *aux.values()]]


@pytest.mark.parametrize("name", survey.CALLS)
@pytest.mark.parametrize("is_train", [True, False])
def test_passes_change_nothing(name, is_train):
    with mx.passes.off("all"):
        want = observed(name, is_train)
    for found, value in zip(observed(name, is_train), want, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)
