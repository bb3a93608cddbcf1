"""`rsym.autograd`: values, modes, what the tape keeps, errors."""

import gc
import os
import threading
import weakref

import numpy as np
import pytest

import rsym as mx
from rsym import autograd, nd


def marked(values, dtype="float32", grad_req="write"):
    array = nd.array(np.asarray(values), dtype=dtype)
    array.attach_grad(grad_req)
    return array


def gradient(function, *arrays):
    """The gradients of the sum of what `function` gives."""
    with autograd.record():
        out = function(*arrays)
    autograd.backward(out)
    return [array.grad.asnumpy() for array in arrays]


# -- values ----------------------------------------------------------------------------------------------------------


def test_products_and_sums():
    x, y = marked([1, 2, 3]), marked([4, 5, 6])
    dx, dy = gradient(lambda x, y: x * y + 2 * x, x, y)
    np.testing.assert_array_equal(dx, [6, 7, 8])
    np.testing.assert_array_equal(dy, [1, 2, 3])


def test_broadcast_operands_get_the_sum_of_their_gradients():
    x, y = marked(np.ones((2, 3))), marked([1, 2, 3])
    dx, dy = gradient(lambda x, y: x * y, x, y)
    np.testing.assert_array_equal(dx, [[1, 2, 3], [1, 2, 3]])
    np.testing.assert_array_equal(dy, [2, 2, 2])


def test_a_network_has_the_gradients_of_mxnet():
    x = marked(np.array([[1, 2, 3], [4, 5, 6]]) / 4)
    w = marked([[1, -1, 0.5], [0.25, 2, -2]])
    b = marked([0.1, -0.2])
    label = nd.array([0, 1])

    def loss(x, w, b):
        return nd.SoftmaxOutput(nd.tanh(nd.FullyConnected(x, w, b, num_hidden=2)), label)

    dx, dw, db = gradient(loss, x, w, b)
    np.testing.assert_allclose(dx, [[-0.24452247, 0.72594023, -0.57693356], [0.36584908, -1.70287538, 1.44567168]], rtol=1e-5)
    np.testing.assert_allclose(dw, [[0.43990424, 0.49400282, 0.54810137], [-0.54074305, -0.63581067, -0.73087829]], rtol=1e-5)
    np.testing.assert_allclose(db, [0.21639425, -0.38027048], rtol=1e-5)


def test_batch_norm_moves_its_statistics_in_the_backward_pass():
    data = marked(np.arange(12).reshape(2, 3, 2) ** 1.3)
    gamma, beta = marked([2, 3, 4]), marked([0.1, 0.2, 0.3])
    mean, var = nd.array([1, 2, 3]), nd.array([0.5, 1, 2])
    with autograd.record():
        y = nd.BatchNorm(data, gamma, beta, mean, var, fix_gamma=False)
        y = (y * y).sum()
    assert mean.asnumpy().tolist() == [1, 2, 3]
    y.backward()
    np.testing.assert_allclose(mean.asnumpy(), [1.4955039, 2.7740159, 4.1175823], rtol=1e-5)
    np.testing.assert_allclose(var.asnumpy(), [3.5031619, 5.1388144, 6.9693279], rtol=1e-5)
    np.testing.assert_allclose(gamma.grad.asnumpy(), [15.9994774, 23.9994335, 31.9993839], rtol=1e-5)
    np.testing.assert_allclose(beta.grad.asnumpy(), [0.8, 1.6, 2.4], rtol=1e-4)


def test_several_outputs():
    x = marked(np.arange(6).reshape(2, 3))
    with autograd.record():
        values, places = nd.topk(x, k=2, ret_typ="both")
        y = (values * nd.array([[1, 2], [3, 4]])).sum()
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [[0, 2, 1], [0, 4, 3]])
    assert places.asnumpy().tolist() == [[2, 1], [2, 1]]


def test_heads_have_gradients_of_their_own():
    x = marked(np.ones((3, 5)))
    with autograd.record():
        a, b, c = nd.split(x, axis=0, num_outputs=3, squeeze_axis=True)
    autograd.backward([a, b, c], [None, nd.array([1, 2, 3, 4, 5]), nd.array([5, 4, 3, 2, 1])])
    np.testing.assert_array_equal(x.grad.asnumpy(), [[1, 1, 1, 1, 1], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])


def test_the_same_head_twice_counts_twice():
    x = marked([3])
    with autograd.record():
        y = x * 2
    autograd.backward([y, y])
    assert x.grad.asscalar() == 4


def test_a_marked_array_as_head():
    x = marked([1, 2])
    x.backward(nd.array([5, 6]))
    np.testing.assert_array_equal(x.grad.asnumpy(), [5, 6])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_types(dtype):
    x = marked([1, 2, 3], dtype)
    (dx,) = gradient(lambda x: (x * x).sum(), x)
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, [2, 4, 6])


def test_indexing_reshapes_and_casts():
    x = marked([[1, 2], [3, 4]])

    def parts(x):
        last = x[nd.array([1, 1], dtype="int32")]
        cast = x.astype("float64").astype("float32")
        return x[0] * 10 + x[:, 1] * 100 + x[1, 0] * 1000 + x.reshape((4,))[1:3] * 5 + cast[1] + x.T[0] * 7 + last[0] * 3

    with autograd.record():
        y = parts(x)
    y.backward()
    np.testing.assert_array_equal(y.asnumpy(), [3239, 3472])
    np.testing.assert_array_equal(x.grad.asnumpy(), [[17, 115], [2016, 104]])


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        slice(1, 3),
        slice(None, None, 2),
        slice(None, None, -1),
        (slice(None), 1),
        (slice(0, 3), slice(2, None, 2)),
        (1, 2),
        (Ellipsis, 0),
        (None, 1),
        ([0, 2, 2], [1, 1, 3]),
        np.array([[True, False, True, False]] * 4),
        (slice(None), [3, 0]),
    ],
    ids=str,
)
def test_every_index_has_the_gradient_of_its_elements(key):
    values = np.arange(16, dtype="float32").reshape(4, 4)
    x = marked(values)
    weights = nd.array(np.random.RandomState(0).rand(*np.atleast_1d(values[key]).shape))
    with autograd.record():
        part = x[key]
        y = (part * weights).sum()
    y.backward()
    np.testing.assert_array_equal(part.asnumpy(), np.atleast_1d(values[key]))
    expected = np.zeros_like(values)
    np.add.at(expected, key, weights.asnumpy() if np.ndim(values[key]) else weights.asnumpy()[0])
    np.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x.copy(),
        lambda x: x.copyto(nd.zeros((2, 3))),
        lambda x: x.copyto(mx.cpu()),
        lambda x: nd.array(x),
        lambda x: nd.moveaxis(x, 0, 1).T,
        lambda x: nd.stack(*list(x)),
        lambda x: nd.concatenate([x[:1], x[1:]]),
        lambda x: x.reshape((3, 2)).reshape((-1, 3)),
        lambda x: x.expand_dims(0).squeeze(0),
    ],
)
def test_copies_and_views_are_recorded(move):
    x, weights = marked(np.arange(6).reshape(2, 3)), nd.array([[1, 2, 3], [4, 5, 6]])
    with autograd.record():
        y = (move(x) * weights).sum()
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), weights.asnumpy())


def test_an_array_written_as_a_whole_stands_for_its_values():
    x, target = marked([1, 2]), nd.zeros((2, 2))
    with autograd.record():
        target[:] = x * 3
    target.backward(nd.array([[1, 2], [3, 4]]))
    np.testing.assert_array_equal(x.grad.asnumpy(), [12, 18])
    with autograd.record():
        out = nd.zeros((2,))
        nd.exp(x, out=out)
    out.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), np.exp([1, 2]), rtol=1e-6)


def test_dropout_has_the_same_mask_both_ways():
    x = marked(np.ones((50, 50)))
    with autograd.record():
        y = nd.Dropout(x, p=0.5)
    y.backward()
    assert set(np.unique(y.asnumpy())) == {0, 2}
    np.testing.assert_array_equal(x.grad.asnumpy(), y.asnumpy())


def test_gradients_agree_with_those_of_an_executor():
    rng = np.random.RandomState(1)
    values = {"data": rng.rand(2, 3, 6, 6), "conv_weight": rng.rand(4, 3, 3, 3) - 0.5, "conv_bias": rng.rand(4)}
    arrays = {name: nd.array(value) for name, value in values.items()}

    def network(ops, data, conv_weight, conv_bias):
        h = ops.Convolution(data, conv_weight, conv_bias, kernel=(3, 3), num_filter=4, name="conv")
        h = ops.Pooling(ops.Activation(h, act_type="relu"), kernel=(2, 2), stride=(2, 2), pool_type="max")
        return ops.log_softmax(ops.flatten(h))

    symbol = network(mx.sym, *(mx.sym.Variable(name) for name in values))
    executor = symbol.bind(mx.cpu(), arrays, {name: nd.zeros(a.shape) for name, a in arrays.items()})
    executor.forward(is_train=True)
    head = nd.array(rng.rand(2, 16))
    executor.backward(head)
    for array in arrays.values():
        array.attach_grad()
    with autograd.record():
        y = network(nd, *arrays.values())
    y.backward(head)
    for name, array in arrays.items():
        np.testing.assert_allclose(array.grad.asnumpy(), executor.grad_dict[name].asnumpy(), rtol=1e-5, atol=1e-6)


# -- requests --------------------------------------------------------------------------------------------------------


def test_gradients_replace_add_or_stay():
    write, add, null = (marked([1.0], grad_req=req) for req in ("write", "add", "null"))
    for _ in range(3):
        with autograd.record():
            y = 2 * write + 3 * add + 4 * null
        y.backward()
    assert [a.grad.asscalar() for a in (write, add, null)] == [2, 9, 0]
    add.zero_grad()
    assert add.grad.asscalar() == 0


def test_marked_arrays_get_the_given_gradient_arrays():
    x, dx = nd.ones((2,)), nd.zeros((2,))
    autograd.mark_variables([x], [dx], grad_reqs="add")
    assert not x._fresh_grad
    gradient(lambda x: 3 * x, x)
    gradient(lambda x: 3 * x, x)
    np.testing.assert_array_equal(dx.asnumpy(), [6, 6])
    assert x._fresh_grad


def test_a_gradient_without_influence_is_zero():
    x = marked([1.0, 2.0])
    x.grad[:] = 7
    with autograd.record():
        y = nd.BlockGrad(x) * 2
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [0, 0])


def test_grad_gives_new_arrays():
    x = marked([1, 2])
    with autograd.record():
        y = x * x
    (first,) = autograd.grad(y, x, retain_graph=True)
    (again,) = autograd.grad(y, [x], head_grads=nd.array([10, 100]))
    np.testing.assert_array_equal(first.asnumpy(), [2, 4])
    np.testing.assert_array_equal(again.asnumpy(), [20, 400])
    np.testing.assert_array_equal(x.grad.asnumpy(), [0, 0])


def test_a_gradient_does_not_share_the_memory_of_its_head():
    x, head = marked([1, 2]), nd.array([5, 6])
    (dx,) = autograd.grad(x, x, head_grads=head)
    dx[:] = 0
    np.testing.assert_array_equal(head.asnumpy(), [5, 6])


def test_marking_anew_forgets_the_history():
    x = marked([1.0])
    with autograd.record():
        y = x * 2
        y.attach_grad()
        z = y * 3
    z.backward()
    assert (y.grad.asscalar(), x.grad.asscalar()) == (3, 0)


def test_detached_arrays_are_constants():
    x = marked([2.0])
    (dx,) = gradient(lambda x: x * (x * x).detach(), x)
    assert dx == 4
    x.drop_grad()
    assert x.grad is None


# -- modes -----------------------------------------------------------------------------------------------------------


def test_scopes_nest():
    def mode():
        return autograd.is_recording(), autograd.is_training()

    assert mode() == (False, False)
    with autograd.record():
        assert mode() == (True, True)
        with autograd.pause():
            assert mode() == (False, False)
            with autograd.train_mode():
                assert mode() == (False, True)
        with autograd.predict_mode():
            assert mode() == (True, False)
        with pytest.raises(ZeroDivisionError), autograd.pause():
            raise ZeroDivisionError
        assert mode() == (True, True)
    with autograd.record(train_mode=False):
        assert mode() == (True, False)
    assert mode() == (False, False)


def test_switches_tell_what_was():
    assert autograd.set_recording(True) is False
    assert autograd.set_training(True) is False
    assert autograd.set_recording(False) is True
    assert autograd.set_training(False) is True


def test_what_is_paused_is_not_recorded():
    x = marked([2.0])
    with autograd.record():
        y = x * x
        with autograd.pause():
            z = y * 10
        w = y + z
    w.backward()
    assert x.grad.asscalar() == 4


def test_training_decides_what_operators_do():
    x = nd.ones((20, 20))
    with autograd.train_mode():
        assert set(np.unique(nd.Dropout(x).asnumpy())) == {0, 2}
    with autograd.record(train_mode=False):
        assert (nd.Dropout(x).asnumpy() == 1).all()


def test_threads_have_modes_and_tapes_of_their_own():
    results, ready = {}, threading.Barrier(4)

    def work(number):
        ready.wait()
        seen = autograd.is_recording()
        x = marked(np.full((50,), number, "float32"))
        for _ in range(50):
            with autograd.record():
                y = (x * x).sum()
            y.backward()
        results[number] = (seen, x.grad.asnumpy())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    with autograd.record():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(4):
        seen, grad = results[number]
        assert not seen
        np.testing.assert_array_equal(grad, np.full((50,), 2 * number))


def test_the_first_interface():
    old = mx.contrib.autograd
    x, y = nd.array([1, 2]), nd.array([3, 4])
    (dx, dy), out = old.grad_and_loss(lambda x, y: x * y)(x, y)
    assert (dx.asnumpy().tolist(), dy.asnumpy().tolist(), out.asnumpy().tolist()) == ([3, 4], [1, 2], [3, 8])
    (dy,) = old.grad(lambda x, y: x * y, argnum=1)(x, y)
    assert dy.asnumpy().tolist() == [1, 2]
    with old.train_section():
        assert autograd.is_recording() and autograd.is_training()
        with old.test_section():
            assert not (autograd.is_recording() or autograd.is_training())
    assert old.set_is_training(True) is False
    assert old.set_is_training(False) is True
    assert not autograd.is_recording()


# -- the tape --------------------------------------------------------------------------------------------------------


def test_a_kept_graph_can_be_gone_over_again():
    x = marked([3.0], grad_req="add")
    with autograd.record():
        y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.asscalar() == 12


def test_values_written_later_count():
    x = marked([1.0, 1.0])
    with autograd.record():
        y = x * x
    x[:] = 5
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [10, 10])


def test_long_chains():
    x = marked([1.0])
    with autograd.record():
        y = x
        for _ in range(5000):
            y = y + 1
    y.backward()
    assert x.grad.asscalar() == 1
    with autograd.record():
        y = x
        for _ in range(5000):
            y = y + 1
    del y


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc")
@pytest.mark.parametrize("finish", ["backward", "drop", "second"])
def test_iterations_leave_no_memory_behind(finish):
    x = marked(np.ones((20, 500)))

    def step():
        with autograd.record():
            y = nd.exp(x[:10] * 2).sum()
            if finish == "second":
                y = autograd.grad(y, x, create_graph=True)[0].sum()
        if finish != "drop":
            y.backward()

    gc.disable()
    try:
        for _ in range(50):
            step()
        before = resident()
        for _ in range(1000):
            step()
        assert resident() - before < 8 << 20
    finally:
        gc.enable()


def test_only_what_gradients_read_is_kept():
    def used(combine):
        """Whether the memory of an operand is kept by what was made of it."""
        values = np.ones((4,), "float32")
        alive = weakref.ref(values)
        operand = nd.from_dlpack(values)
        with autograd.record():
            y = combine(x, operand)
        del values, operand
        return alive() is not None, y

    x = marked(np.ones((4,)))
    assert not used(lambda x, operand: x + operand)[0]
    assert not used(lambda x, operand: nd.concat(x, operand, dim=0))[0]
    kept, y = used(lambda x, operand: x * operand)
    assert kept
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [1] * 4)


# -- functions -------------------------------------------------------------------------------------------------------


class Both(autograd.Function):
    def forward(self, x, y):
        self.save_for_backward(x, y)
        return x / y, x * y

    def backward(self, dm, dn):
        x, y = self.saved_tensors
        return dm / y + dn * y, dn * x - dm * x / y / y


def test_functions_have_the_gradient_they_say():
    x, y = marked([1, 2, 3]), marked([4, 5, 6])
    found = gradient(lambda x, y: list(Both()(x, y)), x, y)
    expected = gradient(lambda x, y: [x / y, x * y], x, y)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_outputs_of_a_function_without_gradient_count_as_zero():
    x, y = marked([1.0]), marked([2.0])
    dx, dy = gradient(lambda x, y: Both()(x, y)[1], x, y)
    assert (dx.item(), dy.item()) == (2, 1)


def test_functions_run_without_recording_too():
    m, n = Both()(nd.array([6]), nd.array([3]))
    assert (m.asscalar(), n.asscalar()) == (2, 18)


def test_functions_leave_no_cycle():
    class Kept(autograd.Function):
        def forward(self, x):
            y = nd.exp(x)
            self.save_for_backward(y)
            return y

        def backward(self, dy):
            return dy * self.saved_tensors[0]

    x, function = marked([0.0]), Kept()
    alive = weakref.ref(function)
    with autograd.record():
        y = function(x)
    del function
    assert alive() is not None
    del y
    assert alive() is None


class Failing(autograd.Function):
    def __init__(self, result):
        super().__init__()
        self.result = result

    def forward(self, x):
        return x * 2

    def backward(self, dy):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    "result, words",
    [
        (ValueError("out of luck"), "ValueError: out of luck"),
        ((nd.ones((2,)), nd.ones((2,))), "expected 1, got 2"),
        ([3.0], "must return NDArrays"),
        (nd.ones((3,)), "must have its shape"),
    ],
)
def test_failing_functions(result, words):
    x = marked([1, 2])
    with autograd.record():
        y = Failing(result)(x)
    with pytest.raises(mx.MXNetError, match="Failing.backward") as caught:
        y.backward()
    assert words in str(caught.value)
    if isinstance(result, Exception):
        assert caught.value.__cause__ is result
    assert not autograd.is_recording()


def test_functions_are_called_once_and_not_differentiated_twice():
    function = Both()
    function(nd.ones((1,)), nd.ones((1,)))
    with pytest.raises(AssertionError, match="only be called once"):
        function(nd.ones((1,)), nd.ones((1,)))
    x, y = marked([1.0]), marked([2.0])
    with autograd.record():
        (dx,) = autograd.grad(Both()(x, y)[1] * 3, x, create_graph=True)
        z = dx * x
    with pytest.raises(mx.MXNetError, match="gradient|computational graph|differentiated"):
        autograd.grad(dx, y)
    z.backward()
    assert x.grad.asscalar() == 6


# -- second derivatives ----------------------------------------------------------------------------------------------

POSITIVE = np.array([0.2, 0.35, 0.6, 0.85])

SECOND = {
    "sin": lambda x: -np.sin(x),
    "cos": lambda x: -np.cos(x),
    "tan": lambda x: 2 * np.tan(x) / np.cos(x) ** 2,
    "arcsin": lambda x: x * (1 - x * x) ** -1.5,
    "arccos": lambda x: -x * (1 - x * x) ** -1.5,
    "arctan": lambda x: -2 * x / (1 + x * x) ** 2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
    "arcsinh": lambda x: -x * (1 + x * x) ** -1.5,
    "arctanh": lambda x: 2 * x / (1 - x * x) ** 2,
    "sigmoid": lambda x: (s := 1 / (1 + np.exp(-x))) * (1 - s) * (1 - 2 * s),
    "log": lambda x: -1 / x**2,
    "log2": lambda x: -1 / x**2 / np.log(2),
    "log10": lambda x: -1 / x**2 / np.log(10),
    "log1p": lambda x: -1 / (1 + x) ** 2,
    "exp": np.exp,
    "expm1": np.exp,
    "sqrt": lambda x: -0.25 * x**-1.5,
    "rsqrt": lambda x: 0.75 * x**-2.5,
    "cbrt": lambda x: -2 / 9 * x ** (-5 / 3),
    "rcbrt": lambda x: 4 / 9 * x ** (-7 / 3),
    "reciprocal": lambda x: 2 / x**3,
    "square": lambda x: 2 + 0 * x,
    "abs": lambda x: 0 * x,
    "relu": lambda x: 0 * x,
    "degrees": lambda x: 0 * x,
    "softsign": lambda x: -2 / (1 + x) ** 3,
    "erf": lambda x: -4 / np.sqrt(np.pi) * x * np.exp(-x * x),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_of_functions(name):
    x = marked(POSITIVE, "float64")
    head = nd.array([1, 2, -3, 0.5], dtype="float64")
    with autograd.record():
        (dx,) = autograd.grad(getattr(nd, name)(x), x, head_grads=head, create_graph=True)
    dx.backward()
    expected = head.asnumpy() * SECOND[name](POSITIVE)
    np.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-9, atol=1e-12)


def test_third_derivatives():
    x = marked(POSITIVE, "float64")
    with autograd.record():
        y = nd.sin(x)
        for _ in range(3):
            (y,) = autograd.grad(y, x, create_graph=True)
    np.testing.assert_allclose(y.asnumpy(), -np.cos(POSITIVE), rtol=1e-12)


def numeric_second(function, arrays, at, heads, eps=1e-5):
    """Differences of `sum(heads · gradients)` along array `at`."""

    def value():
        with autograd.record():
            y = function(*arrays)
        grads = autograd.grad(y, arrays)
        return sum(float((h * g).sum().asscalar()) for h, g in zip(heads, grads))

    base = arrays[at].asnumpy().copy()
    out = np.zeros_like(base)
    for index in np.ndindex(*base.shape):
        found = []
        for delta in (eps, -eps):
            moved = base.copy()
            moved[index] += delta
            arrays[at][:] = moved
            found.append(value())
        out[index] = (found[0] - found[1]) / (2 * eps)
    arrays[at][:] = base
    return out


@pytest.mark.parametrize(
    "function, shapes",
    [
        (lambda x, w, b: nd.tanh(nd.FullyConnected(x, w, b, num_hidden=2)), [(3, 4), (2, 4), (2,)]),
        (lambda x, w: nd.sigmoid(nd.FullyConnected(x, w, no_bias=True, num_hidden=2, flatten=False)), [(2, 3, 4), (2, 4)]),
        (lambda x, y: nd.exp(nd.dot(x, y)), [(2, 3), (3, 2)]),
        (lambda x, y: nd.softmax(x * y, axis=1), [(2, 3), (2, 1)]),
        (lambda x: nd.log_softmax(x * x), [(2, 3)]),
        (lambda x, y: x / y + x**y + nd.broadcast_hypot(x, y), [(2, 3), (3,)]),
        (lambda x: x**3 + 2**x + 1 / x, [(3,)]),
        (lambda x: nd.Activation(x, act_type="softrelu") * x.mean(axis=0, keepdims=True), [(2, 3)]),
        (lambda x, y: nd.concat(x * x, y, dim=1)[:, 1:3] ** 2, [(2, 2), (2, 2)]),
    ],
)
def test_second_derivatives_agree_with_differences(function, shapes):
    rng = np.random.RandomState(3)
    arrays = [marked(rng.uniform(0.3, 0.9, s), "float64") for s in shapes]
    heads = [nd.array(rng.uniform(-1, 1, s), dtype="float64") for s in shapes]
    with autograd.record():
        grads = autograd.grad(function(*arrays), arrays, create_graph=True)
    autograd.backward(grads, heads)
    for at, array in enumerate(arrays):
        found = array.grad.asnumpy().copy()
        np.testing.assert_allclose(found, numeric_second(function, arrays, at, heads), rtol=1e-5, atol=1e-6)


def test_a_gradient_penalty():
    x, w = marked([[1.0, 2.0]], "float64"), marked([[0.5, -0.25]], "float64")
    with autograd.record():
        y = nd.tanh(nd.FullyConnected(x, w, no_bias=True, num_hidden=1))
        (dx,) = autograd.grad(y, x, create_graph=True)
        penalty = (dx * dx).sum()
    penalty.backward()
    # d/dw of |w|² (1 - tanh²(w·x))², at w·x = 0.
    np.testing.assert_allclose(w.grad.asnumpy(), [[1.0, -0.5]], rtol=1e-12)


# -- errors ----------------------------------------------------------------------------------------------------------


def test_heads_must_be_recorded():
    with pytest.raises(mx.MXNetError, match="not in a computational graph"):
        nd.ones((2,)).backward()
    x = marked([1.0])
    with autograd.record():
        y = x * 2
    y.backward()
    with pytest.raises(mx.MXNetError, match="retain_graph"):
        y.backward()


def test_parts_that_were_given_free_are_missed():
    x = marked([1.0])
    with autograd.record():
        h = x * 2
        a, b = h * h, h * 3
    a.backward()
    with pytest.raises(mx.MXNetError, match="retain_graph"):
        b.backward()


@pytest.mark.parametrize("head", [nd.ones((1,)), nd.ones((2, 1)), nd.ones((3, 2)), nd.ones((2,), dtype="float64")])
def test_gradients_of_heads_must_fit(head):
    x = marked([1, 2])
    with autograd.record():
        y = x * 2
    with pytest.raises(mx.MXNetError, match="float32"):
        y.backward(head)
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [2, 2])


def test_rows_that_the_head_does_not_have_are_left_out_with_a_warning():
    x = marked([[1, 2], [3, 4]])
    with autograd.record():
        y = x * 2
    with pytest.warns(UserWarning, match="3 rows, and the head 2"):
        y.backward(nd.array([[1, 2], [3, 4], [5, 6]]))
    np.testing.assert_array_equal(x.grad.asnumpy(), [[2, 4], [6, 8]])


def test_something_must_want_a_gradient():
    x = marked([1.0], grad_req="null")
    with autograd.record():
        y = x * 2
    with pytest.raises(mx.MXNetError, match="want a gradient"):
        y.backward()


def test_variables_must_be_marked_and_reached():
    x, other = marked([1.0]), marked([1.0])
    with autograd.record():
        h = x * 2
        y = h * nd.ones((1,))
    for wrong in (nd.ones((1,)), h):
        with pytest.raises(mx.MXNetError, match="not marked"):
            autograd.grad(y, [wrong], retain_graph=True)
    with pytest.raises(mx.MXNetError, match="do not depend"):
        autograd.grad(y, [x, other], retain_graph=True)
    with pytest.raises(AssertionError, match="empty"):
        autograd.grad(y, [])
    with pytest.raises(AssertionError, match="same length"):
        autograd.backward([y], [None, None])


def test_requests_and_shapes_of_gradients_are_checked():
    with pytest.raises(KeyError, match="wrte"):
        nd.ones((2,)).attach_grad("wrte")
    with pytest.raises(mx.MXNetError, match="shape"):
        autograd.mark_variables(nd.ones((2,)), nd.ones((3,)))
    with pytest.raises(AssertionError):
        autograd.mark_variables([nd.ones((2,))], [])
    with pytest.raises(mx.base.NotSupportedForSparseNDArray):
        nd.ones((2,)).attach_grad(stype="row_sparse")


def test_operators_without_gradient_say_so():
    x = marked([[1, 2]])
    with autograd.record():
        y = nd.batch_take(x, nd.zeros((1,), dtype="int32"))
    with pytest.raises(mx.MXNetError, match="batch_take"):
        y.backward()


WRITES = {
    "+=": lambda a, x: a.__iadd__(1),
    "[:]=": lambda a, x: a.__setitem__(slice(None), 1),
    "[0]=": lambda a, x: a.__setitem__(0, 1),
    "[:]=array": lambda a, x: a.__setitem__(slice(None), nd.ones((2,))),
    "out=": lambda a, x: nd.exp(nd.ones((2,)), out=a),
    "copyto": lambda a, x: nd.ones((2,)).copyto(a),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("which", ["marked", "constant", "result"])
def test_recorded_arrays_cannot_be_written(write, which):
    x, constant = marked([1, 2]), nd.array([3, 4])
    with autograd.record():
        result = x * constant
        target = {"marked": x, "constant": constant, "result": result}[which]
        with pytest.raises(mx.MXNetError, match="inside autograd.record"):
            WRITES[write](target, x)
        with autograd.pause():
            WRITES[write](target, x)
    WRITES[write](target, x)


def test_arrays_that_the_tape_does_not_refer_to_can_be_written():
    x, other = marked([1, 2]), nd.array([3, 4])
    with autograd.record():
        other += 1
        other[0] = 7
        y = x * other
        del y
        other += 1
    np.testing.assert_array_equal(other.asnumpy(), [8, 6])


@pytest.mark.parametrize("write", [lambda a, x: a.__iadd__(x), lambda a, x: a.__setitem__(slice(0, 1), x[:1])])
def test_values_cannot_be_recorded_into_parts_or_in_place(write):
    x, target = marked([1, 2]), nd.array([3, 4])
    with autograd.record(), pytest.raises(mx.MXNetError, match="Inplace operations"):
        write(target, x)


# -- symbols ---------------------------------------------------------------------------------------------------------


def test_what_was_recorded_as_a_symbol():
    x, constant = marked([2.0]), nd.array([5.0])
    with autograd.record():
        y = x * x + constant * x
    symbol = autograd.get_symbol(y)
    variable, null = sorted(symbol.list_arguments(), reverse=True)
    assert variable.startswith("var") and null.startswith("null")
    executor = symbol.bind(mx.cpu(), {variable: x, null: constant})
    assert executor.forward()[0].asscalar() == y.asscalar() == 14
    with pytest.raises(mx.MXNetError, match="not part of a computation graph"):
        autograd.get_symbol(nd.ones((1,)))
    with pytest.raises(AssertionError):
        autograd.get_symbol(3)
