"""Operators written in Python: `rsym.operator` and `Custom`."""

import multiprocessing
import sys
import threading

import numpy as np
import pytest

import rsym as mx
from rsym.test_utils import check_numeric_gradient

CPU = mx.cpu()


def registered(name, forward=None, backward=None, inputs=("a", "b"), outputs=("out",), aux=(), top=True, **methods):
    """Registers an operator made of functions; its properties."""

    class Op(mx.operator.CustomOp):
        def __init__(self):
            self.calls = 0

    if forward:
        Op.forward = lambda self, is_train, req, in_data, out_data, aux: forward(self, is_train, req, in_data, out_data, aux)
    if backward:
        Op.backward = lambda self, **given: backward(self, **given)

    class Prop(mx.operator.CustomOpProp):
        def __init__(self, **keywords):
            super().__init__(need_top_grad=top)
            self.keywords = keywords
            type(self).last = self

        def list_arguments(self):
            return list(inputs)

        def list_outputs(self):
            return list(outputs)

        def list_auxiliary_states(self):
            return list(aux)

        def infer_shape(self, in_shape):
            return [in_shape[0]] * len(inputs), [in_shape[0]] * len(outputs), [in_shape[0]] * len(aux)

        def infer_type(self, in_type):
            return [in_type[0]] * len(inputs), [in_type[0]] * len(outputs), [in_type[0]] * len(aux)

        def create_operator(self, ctx, in_shapes, in_dtypes):
            self.created = ctx, in_shapes, in_dtypes
            return Op()

    for method, function in methods.items():
        setattr(Prop, method, function)
    return mx.operator.register(name)(Prop)


def product(self, is_train, req, in_data, out_data, aux):
    self.assign(out_data[0], req[0], in_data[0] * in_data[1])


def product_gradient(self, req, out_grad, in_data, out_data, in_grad, aux):
    self.assign(in_grad[0], req[0], out_grad[0] * in_data[1])
    self.assign(in_grad[1], req[1], out_grad[0] * in_data[0])


@pytest.fixture
def mult():
    return registered("mult", product, product_gradient)


def call(op_type, *inputs, **kwargs):
    return mx.sym.Custom(*[mx.sym.Variable(n) for n in inputs], op_type=op_type, name="c", **kwargs)


def bound(symbol, grad_req="write", **arrays):
    executor = symbol.simple_bind(CPU, grad_req=grad_req, **{n: a.shape for n, a in arrays.items()})
    for name, array in arrays.items():
        executor.arg_dict[name][:] = array
    return executor


A, B = np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, -5.0, 6.0]])


def test_values_and_gradients_in_an_executor(mult):
    executor = bound(call("mult", "a", "b"), a=A, b=B)
    (out,) = executor.forward(is_train=True)
    np.testing.assert_array_equal(out.asnumpy(), A * B)
    executor.backward([mx.nd.array([[1, 10, 100]])])
    np.testing.assert_array_equal(executor.grad_dict["a"].asnumpy(), B * [1, 10, 100])
    np.testing.assert_array_equal(executor.grad_dict["b"].asnumpy(), A * [1, 10, 100])


def test_gradients_are_those_of_differences(mult):
    net = mx.sym.sum(mx.sym.tanh(call("mult", "a", "b")))
    check_numeric_gradient(net, {"a": A / 4, "b": B / 4}, rtol=1e-2, atol=1e-4)


def test_inputs_by_name_and_automatic_variables(mult):
    assert mx.sym.Custom(b=mx.sym.Variable("y"), op_type="mult", name="c").list_arguments() == ["c_a", "y"]
    assert call("mult").list_arguments() == ["c_a", "c_b"]
    assert call("mult").list_outputs() == ["c_out"]
    with pytest.raises(mx.MXNetError, match="no input named 'q'"):
        mx.sym.Custom(q=mx.sym.Variable("y"), op_type="mult")
    with pytest.raises(mx.MXNetError, match="takes 2 inputs"):
        call("mult", "x", "y", "z")


def test_on_arrays_at_once(mult):
    a, b = mx.nd.array(A), mx.nd.array(B)
    np.testing.assert_array_equal(mx.nd.Custom(a, b, op_type="mult").asnumpy(), A * B)
    out = mx.nd.zeros((1, 3))
    assert mx.nd.Custom(a=a, b=b, op_type="mult", out=out) is out
    np.testing.assert_array_equal(out.asnumpy(), A * B)
    with pytest.raises(mx.MXNetError, match="takes 2 inputs"):
        mx.nd.Custom(a, op_type="mult")


def test_keywords_arrive_as_texts(mult):
    call("mult", size=(2, 3), flag=True, dtype=np.float32, none=None, half=0.5, text="x", __lr_mult__="2")
    assert mult.last.keywords == {
        "size": "(2, 3)",
        "flag": "True",
        "dtype": "<class 'numpy.float32'>",
        "none": "None",
        "half": "0.5",
        "text": "x",
    }


def test_several_outputs_and_auxiliary_states():
    def forward(self, is_train, req, in_data, out_data, aux):
        aux[0][:] = aux[0] + 1
        self.assign(out_data[0], req[0], in_data[0] + 1)
        self.assign(out_data[1], req[1], in_data[0] * 2)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0] + 2 * out_grad[1] + aux[0])

    registered("two", forward, backward, inputs=["x"], outputs=["more", "twice"], aux=["count"])
    net = call("two", "x")
    assert (net.list_outputs(), net.list_auxiliary_states()) == (["c_more", "c_twice"], ["c_count"])
    executor = bound(net, x=A)
    for _ in range(2):
        more, twice = executor.forward(is_train=True)
    np.testing.assert_array_equal(more.asnumpy(), A + 1)
    np.testing.assert_array_equal(twice.asnumpy(), A * 2)
    executor.backward([mx.nd.ones((1, 3)), mx.nd.ones((1, 3)) * 10])
    np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), np.full((1, 3), 23))
    np.testing.assert_array_equal(executor.aux_dict["c_count"].asnumpy(), np.full((1, 3), 2))
    # An output that nobody weights has a gradient of zero.
    alone = bound(net[1] * 3, x=A)
    alone.forward(is_train=True)
    alone.backward([mx.nd.ones((1, 3))])
    np.testing.assert_array_equal(alone.grad_dict["x"].asnumpy(), np.full((1, 3), 7))


def test_no_inputs_at_all():
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], np.arange(6).reshape(2, 3))

    registered(
        "source",
        forward,
        inputs=[],
        infer_shape=lambda self, shapes: ([], [(2, 3)], []),
        infer_type=lambda self, types: ([], [np.float64], []),
    )
    out = mx.nd.Custom(op_type="source")
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out.asnumpy(), np.arange(6).reshape(2, 3))


def test_the_shape_rule_with_two_lists_and_from_one_input_to_others():
    registered("rows", inputs=["data", "label"], infer_shape=lambda self, s: ([s[0], (s[0][0],)], [s[0]]))
    net = call("rows", "data")
    assert net.infer_shape(data=(4, 5)) == ([(4, 5), (4,)], [(4, 5)], [])
    assert net.infer_shape_partial()[0] == [(), ()]
    with pytest.raises(mx.MXNetError, match="input label: expected shape"):
        net.infer_shape(data=(4, 5), c_label=(3,))


def test_types_follow_the_first_input_by_default():
    @mx.operator.register("plain")
    class Plain(mx.operator.CustomOpProp):
        pass

    assert call("plain", "x").infer_type(x="float64") == ([np.float64], [np.float64], [])
    assert call("plain", "x").infer_shape(x=(2, 3)) == ([(2, 3)], [(2, 3)], [])


@pytest.mark.parametrize("req, expected", [("write", [3, 3]), ("inplace", [3, 3]), ("add", [4, 5]), ("null", [1, 2])])
@pytest.mark.parametrize("source", [3, np.array([3, 3]), mx.nd.array([3, 3])], ids=["number", "numpy", "ndarray"])
def test_assign(req, expected, source):
    target = mx.nd.array([1, 2])
    mx.operator.CustomOp().assign(target, req, source)
    np.testing.assert_array_equal(target.asnumpy(), expected)


def test_gradients_that_nobody_wants_are_not_asked_for(mult):
    seen = []

    def backward(self, req, **given):
        seen.append(req)
        product_gradient(self, req, **given)

    registered("seen", product, backward)
    executor = bound(call("seen", "a", "b"), grad_req={"a": "add", "b": "null"}, a=A, b=B)
    executor.grad_dict["a"][:] = 100
    executor.forward(is_train=True)
    executor.backward([mx.nd.ones((1, 3))])
    assert seen[0][1] == "null"
    np.testing.assert_array_equal(executor.grad_dict["a"].asnumpy(), 100 + B)


def test_a_loss_needs_no_gradient_from_above():
    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        assert out_grad == [None]
        self.assign(in_grad[0], req[0], in_data[0] - in_data[1])

    registered("loss", lambda self, t, req, i, o, x: self.assign(o[0], req[0], i[0]), backward, top=False)
    executor = bound(call("loss", "a", "b"), a=A, b=B)
    executor.forward(is_train=True)
    executor.backward()
    np.testing.assert_array_equal(executor.grad_dict["a"].asnumpy(), A - B)


def test_backward_gets_what_it_declares():
    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        assert [a is None for a in out_grad + in_data + out_data] == [False, True, False, True]
        self.assign(in_grad[0], req[0], out_grad[0] * in_data[1])

    registered("part", product, backward, declare_backward_dependency=lambda self, g, i, o: [g[0], i[1]])
    executor = bound(call("part", "a", "b"), grad_req={"a": "write", "b": "null"}, a=A, b=B)
    executor.forward(is_train=True)
    executor.backward([mx.nd.ones((1, 3))])
    np.testing.assert_array_equal(executor.grad_dict["a"].asnumpy(), B)


def test_what_forward_keeps_is_there_in_backward():
    def forward(self, is_train, req, in_data, out_data, aux):
        self.calls += 1
        self.mask = in_data[0].asnumpy() > 2
        self.assign(out_data[0], req[0], self.mask * self.calls)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0].asnumpy() * self.mask)

    registered("stateful", forward, backward, inputs=["x"])
    twice = mx.sym.Custom(call("stateful", "x") + 3, op_type="stateful", name="d")
    for net in (twice, mx.sym.load_json(twice.tojson())):
        executor = bound(net, x=A)
        for n in (1, 2):
            (out,) = executor.forward(is_train=True)
            np.testing.assert_array_equal(out.asnumpy(), np.full((1, 3), n))
        executor.backward([mx.nd.ones((1, 3))])
        np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), [[0, 0, 1]])
    # Another executor, and a composed copy, have operators of their own.
    np.testing.assert_array_equal(bound(twice, x=A).forward()[0].asnumpy(), np.ones((1, 3)))
    net = call("stateful", "x")
    pair = bound(mx.sym.Group([net, net(x=mx.sym.Variable("y"))]), x=A, y=A)
    assert [out.asnumpy().max() for out in pair.forward()] == [1, 1]


def test_context_shapes_and_types_reach_create_operator():
    prop = registered("seen_create", lambda self, *given: None, inputs=["x"], aux=["state"])
    bound(call("seen_create", "x"), x=A).forward()
    assert prop.last.created == (mx.cpu(0), [[1, 3], [1, 3]], [0, 0])


def test_is_train_says_what_kind_of_pass_it_is():
    def forward(self, is_train, req, in_data, out_data, aux):
        out_data[0][:] = 10 if is_train else 20

    registered("mode", forward, inputs=["x"])
    executor = bound(call("mode", "x") + 1, x=A)
    assert [executor.forward(is_train=t)[0].asnumpy()[0, 0] for t in (True, False)] == [11, 21]


def test_it_runs_once_in_each_pass_and_is_never_left_out():
    calls = []
    registered("counted", lambda self, t, req, i, o, x: (calls.append(1), self.assign(o[0], req[0], i[0])), inputs=["x"])
    x = mx.sym.Variable("x")
    nodes = [mx.sym.Custom(x, op_type="counted", name="c%d" % i) for i in range(2)]
    executor = bound(nodes[0] + nodes[1], x=A)
    executor.forward()
    assert len(calls) == 2
    constant = mx.sym.Custom(mx.sym.ones((2,)), op_type="counted").simple_bind(CPU)
    for _ in range(3):
        constant.forward()
    assert len(calls) == 5


def test_files_keep_the_node_and_its_keywords(mult):
    net = call("mult", "a", "b", size=(2, 3), flag=True) + 1
    text = net.tojson()
    again = mx.sym.load_json(text)
    assert again.tojson() == text
    assert mult.last.keywords == {"size": "(2, 3)", "flag": "True"}
    assert again.attr_dict()["c"] == {"op_type": "mult", "size": "(2, 3)", "flag": "True"}


def test_a_file_whose_operator_is_not_registered(mult):
    text = call("mult", "a", "b", size=3).tojson().replace('"mult"', '"missing_op"')
    net = mx.sym.load_json(text)
    assert (net.tojson(), net.list_arguments()) == (text, ["a", "b"])
    with pytest.raises(mx.MXNetError, match="missing_op"):
        net.simple_bind(CPU, a=(2,))
    with pytest.raises(mx.MXNetError, match="missing_op"):
        call("missing_op")
    with pytest.raises(mx.MXNetError, match="missing_op"):
        mx.nd.Custom(op_type="missing_op")
    with pytest.raises(mx.MXNetError, match="op_type"):
        mx.nd.Custom(mx.nd.ones((2,)))


def boom(*args, **kwargs):
    raise KeyError("boom")


def raised(function, *args, **kwargs):
    with pytest.raises(mx.MXNetError, match="boom") as caught:
        function(*args, **kwargs)
    assert isinstance(caught.value.__cause__, KeyError)
    return str(caught.value)


def test_what_python_raises_is_the_cause_of_an_error_that_names_the_node():
    registered("boom", boom, boom, inputs=["x"])
    executor = bound(call("boom", "x"), x=A)
    for _ in range(2):
        assert "'c'" in raised(executor.forward)
    raised(mx.nd.Custom, mx.nd.ones((2,)), op_type="boom")
    registered("boom_back", lambda self, t, req, i, o, x: None, boom, inputs=["x"])
    executor = bound(call("boom_back", "x"), x=A)
    executor.forward(is_train=True)
    assert "boom_back" in raised(executor.backward, [mx.nd.ones((1, 3))])


@pytest.mark.parametrize("method", ["infer_shape", "infer_type", "create_operator"])
def test_rules_that_raise(method):
    registered("rule", inputs=["x"], **{method: boom})
    net = call("rule", "x")
    assert method in raised(lambda: net.simple_bind(CPU, x=(2, 3)).forward())
    assert method in raised(mx.nd.Custom, mx.nd.ones((2,)), op_type="rule")


@pytest.mark.parametrize("method", ["__init__", "list_arguments", "list_outputs", "declare_backward_dependency"])
def test_descriptions_that_raise(method):
    registered("described", inputs=["x"], **{method: boom})
    raised(call, "described", "x")


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda self, s: s, "expected lists"),
        (lambda self, s: (s, []), "expected 1 outputs, got 0"),
        (lambda self, s: (s, [s[0]], [s[0]]), "expected 0 auxiliary states, got 1"),
    ],
)
def test_rules_with_wrong_answers(answer, message):
    registered("wrong", inputs=["x"], infer_shape=answer)
    with pytest.raises(mx.MXNetError, match=message):
        call("wrong", "x").simple_bind(CPU, x=(2, 3))


def test_what_is_no_error_comes_out_as_it_is():
    def stop(*args, **kwargs):
        raise KeyboardInterrupt("stop")

    registered("stop", stop, inputs=["x"])
    with pytest.raises(KeyboardInterrupt):
        bound(call("stop", "x"), x=A).forward()


def test_an_operator_may_use_executors_and_arrays(mult):
    inner = bound(mx.sym.Variable("x") * 2, x=A)

    def forward(self, is_train, req, in_data, out_data, aux):
        (value,) = inner.forward(x=in_data[0])
        self.assign(out_data[0], req[0], mx.nd.Custom(value, in_data[0], op_type="mult"))

    registered("outer", forward, inputs=["x"])
    np.testing.assert_array_equal(bound(call("outer", "x"), x=A).forward()[0].asnumpy(), 2 * A * A)


def test_an_operator_that_runs_its_own_executor_is_told_so():
    executors = []
    registered("own", lambda self, *given: executors[0].forward(), inputs=["x"])
    executors.append(bound(call("own", "x"), x=A))
    with pytest.raises(mx.MXNetError, match="the executor is running"):
        executors[0].forward()


def test_executors_in_many_threads(mult):
    net = mx.sym.FullyConnected(call("mult", "a", "b"), num_hidden=64, name="fc")
    shapes = {"a": (32, 64), "b": (32, 64)}
    failures = []

    def work(number):
        try:
            executor = net.simple_bind(CPU, **shapes)
            for array in executor.arg_dict.values():
                array[:] = number
            for _ in range(20):
                (out,) = executor.forward(is_train=True)
                executor.backward([mx.nd.ones((32, 64))])
            np.testing.assert_array_equal(out.asnumpy(), np.full((32, 64), 64 * number**3 + number))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and not any(thread.is_alive() for thread in threads)


def forked():
    a, b = mx.nd.ones((300, 300)), mx.nd.ones((300, 300)) * 2
    assert (mx.nd.Custom(a, mx.nd.dot(a, b), op_type="mult").asnumpy() == 600).all()


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_fork_runs_operators(mult):
    forked()
    process = multiprocessing.get_context("fork").Process(target=forked)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def test_legacy_operators():
    class Square(mx.operator.NumpyOp):
        def forward(self, in_data, out_data):
            assert type(in_data[0]) is np.ndarray
            out_data[0][:] = in_data[0] ** 2

        def backward(self, out_grad, in_data, out_data, in_grad):
            in_grad[0][:] = 2 * in_data[0] * out_grad[0]

    class Twice(mx.operator.NDArrayOp):
        def forward(self, in_data, out_data):
            out_data[0][:] = in_data[0] * 2

        def backward(self, out_grad, in_data, out_data, in_grad):
            in_grad[0][:] = out_grad[0] * 2

    net = Twice()(Square().get_symbol(mx.sym.Variable("x"), name="sq"), name="tw")
    assert net.list_outputs() == ["tw_output"]
    executor = bound(net, x=A)
    np.testing.assert_array_equal(executor.forward(is_train=True)[0].asnumpy(), 2 * A * A)
    executor.backward([mx.nd.ones((1, 3))])
    np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), 4 * A)
    with pytest.raises(NotImplementedError):
        mx.operator.PythonOp()(mx.sym.Variable("x"))


def test_the_list_of_operators_and_their_arguments():
    names = mx.operator.get_all_registered_operators()
    assert "Activation" in names and "Custom" in names and names == sorted(set(names))
    found = mx.operator.get_operator_arguments("Activation")
    assert found == (
        2,
        ["data", "act_type"],
        ["NDArray-or-Symbol", "{'relu', 'sigmoid', 'softrelu', 'softsign', 'tanh'}, required"],
    )
    with pytest.raises(mx.MXNetError, match="no operator"):
        mx.operator.get_operator_arguments("Nope")


def test_autograd_records_it_as_one_operator(mult):
    seen = []

    def forward(self, is_train, req, in_data, out_data, aux):
        seen.append((is_train, mx.autograd.is_training(), mx.autograd.is_recording()))
        self.kept = in_data[1] + 0
        product(self, is_train, req, in_data, out_data, aux)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        seen.append(mx.autograd.is_recording())
        self.assign(in_grad[0], req[0], out_grad[0] * self.kept)
        self.assign(in_grad[1], req[1], out_grad[0] * in_data[0])

    registered("recorded", forward, backward)
    a, b = mx.nd.array(A), mx.nd.array(B)
    for x in (a, b):
        x.attach_grad()
    with mx.autograd.record():
        first, second = mx.nd.Custom(a, b, op_type="recorded"), mx.nd.Custom(b, b, op_type="recorded")
        total = first * 2 + second
    total.backward()
    assert seen == [(True, True, False)] * 2 + [False] * 2
    np.testing.assert_array_equal(a.grad.asnumpy(), 2 * B)
    np.testing.assert_array_equal(b.grad.asnumpy(), 2 * A + 2 * B)
    mx.nd.Custom(a, b, op_type="recorded")
    assert seen[-1] == (False, False, False)
