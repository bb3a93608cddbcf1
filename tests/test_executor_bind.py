"""Binding: arrays that are used in place, what is allocated, what is shared, what is refused."""

import numpy as np
import pytest

import rsym as mx

nd, S = mx.nd, mx.sym


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def product():
    return S.Variable("x") * S.Variable("y")


def fc():
    return S.FullyConnected(S.Variable("x"), num_hidden=3, name="fc")


def lists(arrays):
    return [None if a is None else a.asnumpy().tolist() for a in arrays]


def test_arrays_by_list_and_by_name():
    x, y = nd.array([1, 2]), nd.array([3, 4])
    for args in ([x, y], (x, y), {"y": y, "x": x, "unused": nd.zeros((9,))}):
        executor = product().bind(mx.cpu(), args)
        assert lists(executor.forward()) == [[3, 8]]
        assert executor.arg_arrays[0] is x and executor.arg_dict["y"] is y


def test_arrays_are_used_in_place():
    x, y = nd.array([1, 2]), nd.array([3, 4])
    executor = product().bind(mx.cpu(), [x, y])
    executor.forward()
    x[:] = 10
    executor.arg_dict["y"][1] = 5
    assert lists(executor.forward()) == [[30, 50]]


def test_views_may_be_bound():
    both = nd.array([[1, 2], [3, 4]])
    executor = product().bind(mx.cpu(), [both[0], both[1]], [nd.zeros((2,)), both[0]])
    executor.forward(is_train=True)
    executor.backward(nd.ones((2,)))
    assert lists(executor.grad_arrays) == [[3, 4], [1, 2]]


def test_partial_gradients_by_name_and_by_list():
    for grads in ({"y": nd.zeros((2,))}, [None, nd.zeros((2,))]):
        executor = product().bind(mx.cpu(), [nd.array([1, 2]), nd.array([3, 4])], grads)
        executor.forward(is_train=True)
        executor.backward(nd.array([10, 10]))
        assert lists(executor.grad_arrays) == [None, [10, 20]]
        assert executor.grad_dict["x"] is None


def test_gradients_are_written_into_the_arrays_that_were_given():
    mine = nd.zeros((2,))
    executor = product().bind(mx.cpu(), [nd.array([1, 2]), nd.array([3, 4])], {"x": mine})
    executor.forward(is_train=True)
    executor.backward(nd.ones((2,)))
    assert executor.grad_dict["x"] is mine and mine.asnumpy().tolist() == [3, 4]


def test_auxiliary_states_by_list_and_by_name():
    bn = S.BatchNorm(S.Variable("x"), name="bn", fix_gamma=False, eps=0)
    args = {"x": nd.array([[3.0]]), "bn_gamma": nd.array([2.0]), "bn_beta": nd.array([1.0])}
    for aux in ([nd.array([1.0]), nd.array([4.0])], {"bn_moving_var": nd.array([4.0]), "bn_moving_mean": nd.array([1.0])}):
        executor = bn.bind(mx.cpu(), args, aux_states=aux)
        np.testing.assert_allclose(executor.forward()[0].asnumpy(), [[3.0]], rtol=1e-6)
        assert sorted(executor.aux_dict) == ["bn_moving_mean", "bn_moving_var"]


def test_simple_bind_allocates_zeros():
    executor = S.BatchNorm(fc(), name="bn").simple_bind(mx.cpu(), x=(2, 5))
    assert {k: v.shape for k, v in executor.arg_dict.items()} == {
        "x": (2, 5),
        "fc_weight": (3, 5),
        "fc_bias": (3,),
        "bn_gamma": (3,),
        "bn_beta": (3,),
    }
    for array in executor.arg_arrays + executor.grad_arrays + executor.aux_arrays:
        assert not array.asnumpy().any()
    assert [o.shape for o in executor.outputs] == [(2, 3)]


def test_simple_bind_takes_types():
    executor = fc().simple_bind(mx.cpu(), type_dict={"x": "float64"}, x=(2, 5))
    assert {a.dtype for a in executor.arg_arrays + executor.grad_arrays + executor.outputs} == {np.float64}
    assert fc().simple_bind(mx.cpu(), x=(2, 5)).outputs[0].dtype == np.float32


def test_simple_bind_passes_over_names_it_does_not_know():
    assert product().simple_bind(mx.cpu(), x=(2,), unknown=(3,), type_dict={"other": "float64"}).outputs[0].shape == (2,)


@pytest.mark.parametrize("bind", ["simple_bind", "bind"])
@pytest.mark.parametrize(
    "grad_req, wanted",
    [("write", ["x", "y"]), ("null", []), (["write", "null"], ["x"]), (("null", "add"), ["y"]), ({"y": "add"}, ["y"]), ({}, [])],
)
def test_gradient_requests(bind, grad_req, wanted):
    if bind == "simple_bind":
        executor = product().simple_bind(mx.cpu(), grad_req=grad_req, x=(2,))
        assert [k for k, v in executor.grad_dict.items() if v is not None] == wanted
    else:
        executor = product().bind(mx.cpu(), [nd.zeros((2,))] * 2, [nd.zeros((2,)), nd.zeros((2,))], grad_req)
    executor.arg_dict["x"][:] = 2
    executor.forward(is_train=True)
    if wanted:
        executor.backward(nd.ones((2,)))


def test_groups_get_the_devices_of_their_names():
    with mx.AttrScope(ctx_group="first"):
        net = fc()
    with mx.AttrScope(ctx_group="second"):
        net = S.FullyConnected(net, num_hidden=2, name="out")
    devices = {"first": mx.cpu(1), "second": mx.cpu(2)}
    executor = net.simple_bind(mx.cpu(0), group2ctx=devices, x=(2, 5))
    assert executor.arg_dict["fc_weight"].context == mx.cpu(1)
    assert executor.grad_dict["out_bias"].context == mx.cpu(2)
    with pytest.raises(mx.MXNetError, match=r"gpu\(1\) is not there"):
        net.simple_bind(mx.cpu(0), group2ctx={"second": mx.gpu(1)}, x=(2, 5))


def test_shared_executors_share_the_arguments_that_are_named():
    big = fc().simple_bind(mx.cpu(), x=(4, 5))
    big.arg_dict["fc_weight"][:] = 2
    small = fc().simple_bind(mx.cpu(), x=(2, 5), shared_exec=big, shared_arg_names=["fc_weight", "fc_bias"])
    big.arg_dict["fc_weight"][:] = 3
    small.arg_dict["x"][:] = 1
    assert lists(small.forward()) == [[[15.0] * 3] * 2]
    assert small.arg_dict["x"].shape == (2, 5) and not big.arg_dict["x"].asnumpy().any()


def test_shared_executors_give_their_own_results():
    net = S.Activation(fc(), act_type="relu") * 2
    big = net.simple_bind(mx.cpu(), x=(4, 5))
    small = net.simple_bind(mx.cpu(), x=(2, 5), shared_exec=big)
    big.arg_dict["fc_weight"][:] = 1
    for _ in range(3):
        for executor, rows in ((big, 4), (small, 2)):
            executor.arg_dict["x"][:] = rows
            executor.forward(is_train=True)
            executor.backward(nd.ones((rows, 3)))
            assert lists(executor.outputs) == [[[10.0 * rows] * 3] * rows]
            assert executor.grad_dict["fc_bias"].asnumpy().tolist() == [2.0 * rows] * 3


def test_shared_buffers_are_filled_and_used():
    pool = {}
    one = fc().simple_bind(mx.cpu(), x=(4, 5), shared_buffer=pool)
    assert set(pool) == {"x", "fc_weight", "fc_bias"}
    two = fc().simple_bind(mx.cpu(), x=(4, 5), shared_buffer=pool)
    one.arg_dict["fc_weight"][:] = 7
    assert two.arg_dict["fc_weight"].asnumpy().min() == 7


def test_copy_params_from():
    executor = fc().simple_bind(mx.cpu(), x=(2, 2))
    executor.copy_params_from({"fc_weight": nd.ones((3, 2)), "fc_bias": nd.array([1, 2, 3], dtype="int32")})
    assert executor.arg_dict["fc_bias"].asnumpy().tolist() == [1, 2, 3]
    executor.copy_params_from(
        {"fc_bias": nd.zeros((3,)), "other": nd.zeros((1,))}, {"more": nd.zeros((1,))}, allow_extra_params=True
    )
    assert not executor.arg_dict["fc_bias"].asnumpy().any()


@pytest.mark.parametrize(
    "arrays, aux, kind, pattern",
    [
        ({"fc_bias": nd.ones((3,)), "other": nd.ones((1,))}, None, ValueError, "other.*arguments.*fc_weight"),
        ({"fc_bias": nd.ones((3,))}, {"other": nd.ones((1,))}, ValueError, "other.*auxiliary"),
        ({"fc_bias": nd.ones((3,)), "fc_weight": nd.ones((9, 9))}, None, mx.MXNetError, r"fc_weight.*\(3, 2\).*\(9, 9\)"),
    ],
)
def test_copy_params_from_copies_all_or_nothing(arrays, aux, kind, pattern):
    executor = fc().simple_bind(mx.cpu(), x=(2, 2))
    with pytest.raises(kind, match=pattern):
        executor.copy_params_from(arrays, aux)
    assert not executor.arg_dict["fc_bias"].asnumpy().any()


def bind(args, *rest, **more):
    return product().bind(mx.cpu(), args, *rest, **more)


def simple(**more):
    return product().simple_bind(mx.cpu(), **more)


V, W = nd.array([1, 2]), nd.array([1, 2, 3])
ERRORS = {
    "list too short": (lambda: bind([V]), ValueError, ["args", "2", "x, y", "1"]),
    "list too long": (lambda: bind([V, V, V]), ValueError, ["args", "2", "3"]),
    "name missing": (lambda: bind({"x": V}), ValueError, ["`y`", "args"]),
    "a number": (lambda: bind(3), TypeError, ["args", "int"]),
    "a number for an array": (lambda: bind([V, 3]), TypeError, ["args", "'y'", "int"]),
    "numpy for an array": (lambda: bind({"x": V, "y": np.ones(2)}), TypeError, ["'y'", "ndarray"]),
    "shapes": (lambda: bind([V, W]), mx.MXNetError, ["_mul0", "elemwise_mul", "rhs", "(2,)", "(3,)"]),
    "types": (lambda: bind([V, nd.array([1, 2], dtype="float64")]), mx.MXNetError, ["_mul0", "rhs", "float32", "float64"]),
    "gradients too few": (lambda: bind([V, V], [V]), ValueError, ["args_grad", "2", "1"]),
    "gradient of another shape": (lambda: bind([V, V], {"y": W}), mx.MXNetError, ["gradient", "'y'", "(2,)", "(3,)"]),
    "gradient a number": (lambda: bind([V, V], {"y": 3}), TypeError, ["args_grad", "'y'", "int"]),
    "request unknown": (lambda: bind([V, V], grad_req="wrte"), ValueError, ["grad_req", "'wrte'", "'write'"]),
    "request of one unknown": (lambda: bind([V, V], grad_req={"y": "wrte"}), ValueError, ["'y'", "'wrte'"]),
    "requests too few": (lambda: bind([V, V], grad_req=["write"]), ValueError, ["grad_req", "2", "1"]),
    "request a number": (lambda: bind([V, V], grad_req=3), TypeError, ["grad_req", "int"]),
    "context a text": (lambda: product().bind("cpu", [V, V]), TypeError, ["'cpu'", "mx.cpu()"]),
    "device not there": (lambda: product().bind(mx.gpu(0), [V, V]), mx.MXNetError, ["gpu(0)", "mx.cpu()"]),
    "auxiliary states missing": (
        lambda: S.BatchNorm(S.Variable("x"), name="bn").bind(mx.cpu(), {"x": V, "bn_gamma": V, "bn_beta": V}),
        ValueError,
        ["bn_moving_mean", "aux_states"],
    ),
    "simple: shapes": (
        lambda: simple(x=(2,), y=(3,)),
        RuntimeError,
        ["simple_bind error. Arguments:\nx: (2,)\ny: (3,)\n", "_mul0", "rhs"],
    ),
    "simple: types": (
        lambda: simple(x=(2,), type_dict={"x": "float64", "y": "float32"}),
        RuntimeError,
        ["simple_bind error", "float64"],
    ),
    "simple: nothing given": (lambda: simple(), RuntimeError, ["shape of x", "shape of y", "give"]),
    "simple: unknown dimension": (lambda: simple(x=(0,)), RuntimeError, ["simple_bind error. Arguments:\nx: (0,)", "shape of x"]),
    "simple: shape a text": (lambda: simple(x="a"), RuntimeError, ["'x'", "str"]),
    "simple: shape a number": (lambda: simple(x=3), RuntimeError, ["'x'", "int"]),
    "simple: request unknown": (lambda: simple(x=(2,), grad_req="wrte"), RuntimeError, ["grad_req", "'wrte'"]),
    "simple: requests too few": (lambda: simple(x=(2,), grad_req=["write"]), RuntimeError, ["grad_req", "2", "1"]),
    "simple: type unknown": (lambda: simple(x=(2,), type_dict={"x": "foo"}), TypeError, ["'x'", "foo", "float32"]),
    "simple: device not there": (lambda: product().simple_bind(mx.gpu(1), x=(2,)), RuntimeError, ["gpu(1)", "mx.cpu()"]),
    "simple: context a text": (lambda: product().simple_bind("cpu", x=(2,)), TypeError, ["'cpu'"]),
    "simple: sparse storage": (lambda: simple(x=(2,), stype_dict={"x": "csr"}), mx.MXNetError, ["'x'", "csr"]),
    "eval: argument missing": (lambda: product().eval(x=V), ValueError, ["`y`"]),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_is_wrong(case):
    act, kind, parts = ERRORS[case]
    with pytest.raises(kind) as caught:
        act()
    assert [p for p in parts if p not in str(caught.value)] == [], str(caught.value)


def test_undecided_errors_name_arguments_and_not_the_gradients():
    with pytest.raises(mx.MXNetError) as caught:
        simple()
    assert "_grad" not in str(caught.value) and "backward" not in str(caught.value)


def test_unknown_operators_are_named_with_their_counts():
    text = product().tojson().replace('"elemwise_mul"', '"_made_up"')
    net = S.load_json(text)
    net = net + net
    with pytest.raises(mx.MXNetError, match="_made_up.*1"):
        net.simple_bind(mx.cpu(), x=(2,), y=(2,))
