"""Recurrent networks: cells against the fused operator, names, states, weights, sentences, checkpoints."""

import numpy as np
import pytest

import rsym as mx

MODES = ["rnn_relu", "rnn_tanh", "lstm", "gru"]
STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 4, 6


def evaluate(symbol, params, **inputs):
    """Outputs of a symbol in a training pass, and the gradients of the sum of squares of the first."""
    args = {k: v.copy() for k, v in params.items() if k in symbol.list_arguments()}
    args.update((k, mx.nd.array(v)) for k, v in inputs.items())
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(**{k: v.shape for k, v in args.items()})[0]))
    args.update((k, mx.nd.zeros(s)) for k, s in shapes.items() if k not in args)
    grads = {k: mx.nd.zeros(v.shape) for k, v in args.items()}
    executor = symbol.bind(mx.cpu(), args, args_grad=grads)
    outputs = executor.forward(is_train=True)
    executor.backward([2 * outputs[0]] + [mx.nd.zeros(o.shape) for o in outputs[1:]])
    return [o.asnumpy() for o in outputs], grads


def random_weights(cell):
    """Parameters of a fused cell."""
    symbol, _ = cell.unroll(STEPS, mx.sym.Variable("data"), layout="TNC", merge_outputs=True)
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=(STEPS, BATCH, INPUTS))[0]))
    name = cell._parameter.name
    return {name: mx.nd.array(np.random.RandomState(0).uniform(-0.7, 0.7, shapes[name]))}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layers, both", [(1, False), (2, False), (2, True)])
def test_fused_layers_are_unfused_cells(mode, layers, both):
    fused = mx.rnn.FusedRNNCell(HIDDEN, layers, mode, both, prefix="net_", get_next_state=True)
    stack = fused.unfuse()
    data = np.random.RandomState(1).uniform(-1, 1, (BATCH, STEPS, INPUTS)).astype("float32")
    params = random_weights(fused)
    split = fused.unpack_weights(params)
    one, states = fused.unroll(STEPS, mx.sym.Variable("data"), layout="NTC", merge_outputs=True)
    many, _ = stack.unroll(STEPS, mx.sym.Variable("data"), layout="NTC", merge_outputs=True)
    assert len(states) == (2 if mode == "lstm" else 1)
    got, got_grads = evaluate(one, params, data=data)
    want, want_grads = evaluate(many, stack.pack_weights(split), data=data)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got_grads["data"].asnumpy(), want_grads["data"].asnumpy(), rtol=1e-3, atol=1e-4)
    got_parts, want_parts = fused.unpack_weights(got_grads), stack.unpack_weights(want_grads)
    for name in split:
        np.testing.assert_allclose(got_parts[name].asnumpy(), want_parts[name].asnumpy(), rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("mode", MODES)
def test_packing_is_the_inverse_of_unpacking(mode):
    cell = mx.rnn.FusedRNNCell(HIDDEN, 2, mode, bidirectional=True)
    params = random_weights(cell)
    split = cell.unpack_weights(dict(params, other_weight=mx.nd.ones((2,))))
    assert "other_weight" in split and cell._parameter.name not in split
    again = cell.pack_weights(split)
    assert set(again) == {cell._parameter.name, "other_weight"}
    np.testing.assert_array_equal(again[cell._parameter.name].asnumpy(), params[cell._parameter.name].asnumpy())


@pytest.mark.parametrize("mode", MODES)
def test_the_state_carries_on(mode):
    """Two halves of a sequence give what the whole gives."""
    cell = mx.rnn.FusedRNNCell(HIDDEN, 2, mode, get_next_state=True)
    params = random_weights(cell)
    data = np.random.RandomState(1).uniform(-1, 1, (STEPS, BATCH, INPUTS)).astype("float32")
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    _, states = cell.unroll(2, x, layout="TNC", merge_outputs=True)
    rest, _ = cell.unroll(STEPS - 2, y, begin_state=states, layout="TNC", merge_outputs=True)
    everything, _ = cell.unroll(STEPS, mx.sym.Variable("data"), layout="TNC", merge_outputs=True)
    halves = evaluate(rest, params, x=data[:2], y=data[2:])[0][0]
    np.testing.assert_allclose(halves, evaluate(everything, params, data=data)[0][0][2:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_operator_ends_each_sequence_at_its_length(mode):
    lengths, data = np.array([5, 2, 1]), np.random.RandomState(1).uniform(-1, 1, (STEPS, BATCH, INPUTS))
    x, n = mx.sym.Variable("data"), mx.sym.Variable("n")
    options = dict(mode=mode, state_size=HIDDEN, num_layers=2, bidirectional=True, state_outputs=True, name="rnn")
    ended = mx.sym.RNN(x, sequence_length=n, use_sequence_length=True, **options)
    whole = mx.sym.RNN(x, **options)
    size = dict(zip(whole.list_arguments(), whole.infer_shape(data=data.shape)[0]))["rnn_parameters"]
    params = {"rnn_parameters": mx.nd.array(np.random.RandomState(2).uniform(-0.5, 0.5, size))}
    found, _ = evaluate(ended, params, data=data, n=lengths)
    for row, length in enumerate(lengths):
        alone, _ = evaluate(whole, params, data=data[:length, row : row + 1])
        assert (found[0][length:, row] == 0).all()
        np.testing.assert_allclose(found[0][:length, row], alone[0][:, 0], rtol=1e-5, atol=1e-6)
        for state, single in zip(found[1:], alone[1:]):
            np.testing.assert_allclose(state[:, row], single[:, 0], rtol=1e-5, atol=1e-6)


def test_dropout_between_layers_keeps_the_mean():
    x = mx.sym.Variable("data")
    net = mx.sym.RNN(x, mode="rnn_relu", state_size=1, num_layers=2, p=0.25, name="rnn")
    # One unit that hands its input on, twice.
    args = {
        "data": mx.nd.ones((1, 20000, 1)),
        "rnn_parameters": mx.nd.array([1, 0, 1, 0, 0, 0, 0, 0]),
        "rnn_state": mx.nd.zeros((2, 20000, 1)),
    }
    grad = mx.nd.zeros((1, 20000, 1))
    executor = net.bind(mx.cpu(), args, args_grad={"data": grad})
    mx.random.seed(5)
    dropped = executor.forward(is_train=True)[0].asnumpy().ravel()
    executor.backward(mx.nd.ones((1, 20000, 1)))
    assert set(np.round(dropped, 3).tolist()) == {0, np.float32(1.333).item()}
    assert abs(dropped.mean() - 1) < 0.02
    np.testing.assert_allclose(grad.asnumpy().ravel(), dropped, rtol=1e-6)
    assert (executor.forward(is_train=False)[0].asnumpy() == 1).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_gradients_agree_with_differences(mode, dtype):
    net = mx.sym.RNN(mx.sym.Variable("data"), mode=mode, state_size=3, num_layers=2, bidirectional=True, name="rnn")
    shapes = net.infer_shape(data=(3, 2, 4))[0]
    rng = np.random.RandomState(3)
    location = {name: rng.uniform(-0.6, 0.6, s).astype(dtype) for name, s in zip(net.list_arguments(), shapes)}
    eps, rtol, atol = (1e-2, 2e-2, 2e-3) if dtype == "float32" else (1e-5, 1e-5, 1e-7)
    if mode == "rnn_relu":
        location["rnn_parameters"] = abs(location["rnn_parameters"])  # away from the kink
        location = {name: abs(value) for name, value in location.items()}
    mx.test_utils.check_numeric_gradient(net, location, numeric_eps=eps, rtol=rtol, atol=atol, dtype=np.dtype(dtype).type)


def test_gradients_are_added_where_asked():
    net = mx.sym.RNN(mx.sym.Variable("data"), mode="gru", state_size=2, num_layers=1, name="rnn")
    shapes = dict(zip(net.list_arguments(), net.infer_shape(data=(3, 2, 2))[0]))
    args = {k: mx.nd.array(np.random.RandomState(1).uniform(-1, 1, s)) for k, s in shapes.items()}
    found = {}
    for req in ("write", "add"):
        found[req] = {k: mx.nd.ones(s) for k, s in shapes.items()}
        executor = net.bind(mx.cpu(), args, args_grad=found[req], grad_req=req)
        executor.forward(is_train=True)
        executor.backward(mx.nd.ones((3, 2, 2)))
    for name in shapes:
        np.testing.assert_allclose(found["add"][name].asnumpy(), found["write"][name].asnumpy() + 1, rtol=1e-5, atol=1e-6)


def test_cells_name_their_variables_and_outputs():
    lstm = mx.rnn.LSTMCell(8, prefix="a_", forget_bias=2.0)
    outputs, states = lstm.unroll(2, [mx.sym.Variable("x0"), mx.sym.Variable("x1")])
    group = mx.sym.Group(outputs)
    assert group.list_outputs() == ["a_t0_out_output", "a_t1_out_output"]
    names = ["a_h2h_bias", "a_h2h_weight", "a_i2h_bias", "a_i2h_weight"]
    assert sorted(lstm.params._params) == names
    assert sorted(set(group.list_arguments()) - {"x0", "x1"}) == names
    assert group.attr_dict()["a_i2h_bias"]["__init__"] == '["lstmbias", {"forget_bias": 2.0}]'
    assert group.infer_shape(x0=(4, 5), x1=(4, 5))[1] == [(4, 8)] * 2
    assert lstm.state_shape == [(0, 8), (0, 8)] and len(states) == 2


def test_weights_are_shared_through_params():
    params = mx.rnn.RNNParams("p_")
    cells = [mx.rnn.GRUCell(4, prefix="x_", params=params), mx.rnn.GRUCell(4, prefix="y_", params=params)]
    outputs = [cell.unroll(1, [mx.sym.Variable("data")])[0][0] for cell in cells]
    weights = [name for name in mx.sym.Group(outputs).list_arguments() if name.endswith("weight")]
    assert sorted(weights) == ["p_h2h_weight", "p_i2h_weight"]


def test_begin_states_may_be_variables_or_numbers():
    cell = mx.rnn.LSTMCell(8, prefix="a_")
    assert [s.name for s in cell.begin_state(func=mx.sym.Variable)] == ["a_begin_state_0", "a_begin_state_1"]
    with pytest.raises(AssertionError, match="modifier"):
        mx.rnn.ResidualCell(cell)
        cell.begin_state()


def test_a_residual_adds_the_input():
    data = np.random.RandomState(1).uniform(-1, 1, (BATCH, STEPS, HIDDEN)).astype("float32")
    plain = mx.rnn.GRUCell(HIDDEN, prefix="g_")
    names = ["g_i2h_weight", "g_h2h_weight"]
    params = {k: mx.nd.array(np.random.RandomState(2).uniform(-1, 1, (3 * HIDDEN, HIDDEN))) for k in names}
    without, _ = plain.unroll(STEPS, mx.sym.Variable("data"), merge_outputs=True)
    residual, _ = mx.rnn.ResidualCell(plain).unroll(STEPS, mx.sym.Variable("data"), merge_outputs=True)
    without, residual = (evaluate(s, params, data=data)[0][0] for s in (without, residual))
    np.testing.assert_allclose(residual, without + data, rtol=1e-6, atol=1e-6)


def test_zoneout_keeps_values_of_the_step_before():
    cell = mx.rnn.ZoneoutCell(mx.rnn.RNNCell(200, activation="relu", prefix="r_"), zoneout_outputs=0.5)
    outputs, _ = cell.unroll(2, [mx.sym.Variable("x0"), mx.sym.Variable("x1")])
    ones = mx.nd.ones((200, 1))
    found, _ = evaluate(mx.sym.Group(outputs), {"r_i2h_weight": ones}, x0=np.ones((4, 1)), x1=np.full((4, 1), 2.0))
    assert set(np.unique(found[0])) == {0, 1}
    kept = found[1] == found[0]
    assert set(np.unique(found[1][~kept])) == {2} and 0.4 < kept.mean() < 0.6
    with pytest.raises(AssertionError, match="unfuse"):
        mx.rnn.ZoneoutCell(mx.rnn.FusedRNNCell(4))


@pytest.mark.parametrize("kind, gates", [("ConvRNNCell", 1), ("ConvLSTMCell", 4), ("ConvGRUCell", 3)])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_convolutional_cells_keep_the_shape(kind, gates, layout):
    shape = (2, 3, 8, 6) if layout == "NCHW" else (2, 8, 6, 3)
    cell = getattr(mx.rnn, kind)(input_shape=shape, num_hidden=5, conv_layout=layout, prefix="c_")
    outputs, states = cell.unroll(2, [mx.sym.Variable("x0"), mx.sym.Variable("x1")])
    group = mx.sym.Group(outputs)
    args, found, _ = group.infer_shape(x0=shape, x1=shape)
    want = (2, 5, 8, 6) if layout == "NCHW" else (2, 8, 6, 5)
    assert found == [want, want]
    assert dict(zip(group.list_arguments(), args))["c_i2h_bias"] == (5 * gates,)
    assert group.list_outputs() == ["c_t0_out_output", "c_t1_out_output"]
    assert len(states) == (2 if kind == "ConvLSTMCell" else 1)


def test_sentences_become_numbers():
    encoded, vocab = mx.rnn.encode_sentences([["a", "b"], ["b", "c", "a"]], invalid_label=0, start_label=0)
    assert vocab == {"\n": 0, "a": 1, "b": 2, "c": 3}
    assert encoded == [[1, 2], [2, 3, 1]]
    again, _ = mx.rnn.encode_sentences([["c", "new", "newer"]], vocab, unknown_token="?", start_label=4)
    assert again == [[3, 4, 4]] and vocab["?"] == 4
    with pytest.raises(AssertionError, match="Unknown token zoo"):
        mx.rnn.encode_sentences([["zoo"]], {"a": 1})


@pytest.mark.parametrize("layout", ["NT", "TN"])
def test_buckets_hold_every_sentence_once(layout):
    sentences = [[i] * length for i, length in enumerate([2, 3, 3, 5, 5, 4, 9] * 4, 1)]
    it = mx.rnn.BucketSentenceIter(sentences, 4, buckets=[3, 5], invalid_label=0, layout=layout)
    assert it.default_bucket_key == 5
    assert it.provide_data == [("data", (4, 5) if layout == "NT" else (5, 4))]
    for _ in range(2):
        seen = []
        for batch in it:
            data, label = batch.data[0].asnumpy(), batch.label[0].asnumpy()
            assert batch.provide_data[0].shape == data.shape
            data, label = (data, label) if layout == "NT" else (data.T, label.T)
            assert data.shape == (4, batch.bucket_key)
            np.testing.assert_array_equal(label[:, :-1], data[:, 1:])
            assert (label[:, -1] == 0).all()
            seen += data[:, 0].astype(int).tolist()
        assert sorted(seen) == [s[0] for s in sentences if len(s) < 9]
        it.reset()


def test_checkpoints_hold_unpacked_weights(tmp_path):
    prefix = str(tmp_path / "net")
    fused = mx.rnn.FusedRNNCell(HIDDEN, 2, "lstm", prefix="net_")
    symbol, _ = fused.unroll(STEPS, mx.sym.Variable("data"), layout="TNC", merge_outputs=True)
    params = random_weights(fused)
    mx.rnn.do_rnn_checkpoint(fused, prefix, period=2)(1, symbol, params, {})
    assert "arg:net_l1_h2h_f_bias" in mx.nd.load(prefix + "-0002.params")
    loaded, args, aux = mx.rnn.load_rnn_checkpoint(fused, prefix, 2)
    assert loaded.tojson() == symbol.tojson() and aux == {}
    np.testing.assert_array_equal(args["net_parameters"].asnumpy(), params["net_parameters"].asnumpy())
    stack = fused.unfuse()
    _, args, _ = mx.rnn.load_rnn_checkpoint(stack, prefix, 2)
    assert sorted(args) == sorted(stack.params._params)
