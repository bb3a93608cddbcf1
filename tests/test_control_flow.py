"""Loops and branches: against the same graph unrolled, files of MXNet 1.9.1, randomness, states, inference and errors."""

import copy
import json
import pathlib
import pickle
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import cases, observe  # noqa: E402

CASES = {one.id: one for one in cases.family("control")}
FILES = json.loads((pathlib.Path(__file__).resolve().parent / "oracle" / "control.json").read_text())
RNG = np.random.RandomState(7)


def noise(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def run(symbol, values, heads=None, req="write", is_train=True):
    """Outputs and gradients of a symbol by argument, on copies of `values`."""
    args = {name: mx.nd.array(values[name], dtype=values[name].dtype) for name in symbol.list_arguments()}
    grads = {name: mx.nd.ones(value.shape, dtype=value.dtype) for name, value in args.items()}
    bound = symbol.bind(mx.cpu(), args, grads, req)
    outputs = [out.asnumpy() for out in bound.forward(is_train=is_train)]
    if heads is None:
        heads = [np.cos(np.arange(out.size)).reshape(out.shape).astype(out.dtype) for out in outputs]
    bound.backward([mx.nd.array(h, dtype=h.dtype) for h in heads])
    return outputs, {name: grad.asnumpy() for name, grad in bound.grad_dict.items()}


def same(left, right, rtol=1e-5):
    (outputs, grads), (others, other_grads) = left, right
    for a, b in zip(outputs, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)
    assert set(grads) <= set(other_grads)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, other_grads[name], rtol=rtol, atol=1e-5, err_msg=name)


def unrolled(body, data, states, count):
    """What `foreach` means, written out."""
    outputs = []
    for t in range(count):
        row = mx.sym.squeeze(mx.sym.slice_axis(data, axis=0, begin=t, end=t + 1), axis=0)
        out, states = body(row, states)
        outputs.append(mx.sym.expand_dims(out, axis=0))
    return mx.sym.Concat(*outputs, dim=0), states


X, S, W = mx.sym.Variable("x"), mx.sym.Variable("s"), mx.sym.Variable("w")


def recurrent(row, states):
    out = mx.sym.tanh(mx.sym.FullyConnected(row, W, no_bias=True, num_hidden=3) + states[0])
    return out * 2, [out]


VALUES = {"x": noise(5, 2, 4), "s": noise(2, 3), "w": noise(3, 4)}


# -- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", CASES)
def test_files_are_those_of_mxnet_and_load_back(key):
    mx.AttrScope._subgraph_names.clear()
    symbol = observe.build(mx, CASES[key])
    assert json.loads(symbol.tojson()) == FILES[key]
    back = mx.sym.load_json(json.dumps(FILES[key]))
    assert back.tojson() == symbol.tojson()
    values = {name: spec.array(name) for name, spec in CASES[key].inputs.items()}
    for a, b in zip(run(symbol, values)[0], run(back, values)[0], strict=True):
        np.testing.assert_array_equal(a, b)


def nested():
    def outer(rows, states):
        out, last = mx.sym.contrib.foreach(lambda row, s: (row * s, s + row), rows, states)
        return mx.sym.broadcast_add(out, last * W), last

    return mx.sym.Group(mx.sym.contrib.foreach(outer, X, S))


def test_copies_and_pickles_keep_the_graphs_inside():
    symbol = nested()
    values = {"x": noise(2, 3, 4), "s": noise(4), "w": noise(4)}
    want = run(symbol, values)
    for other in (copy.deepcopy(symbol), pickle.loads(pickle.dumps(symbol)), symbol.get_internals()[symbol.list_outputs()[0]]):
        assert "subgraphs" in other.tojson()
        np.testing.assert_array_equal(run(other, values)[0][0], want[0][0])


def test_every_description_of_the_graph_works(capsys):
    symbol = nested()
    assert "Op:_foreach" in symbol.debug_str()
    mx.visualization.print_summary(symbol, shape={"x": (2, 3, 4), "s": (4,), "w": (4,)})
    assert "_foreach" in capsys.readouterr().out
    assert "_foreach" in mx.visualization.plot_network(symbol, shape={"x": (2, 3, 4), "s": (4,), "w": (4,)}).source
    assert symbol.list_inputs() == ["x", "s", "w"]
    assert symbol[0].get_children().list_outputs() == ["x", "s", "w"]


def spoil(path, value):
    graph = copy.deepcopy(FILES["control/counted"])
    place = next(n for n in graph["nodes"] if n["op"] == "_while_loop")
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(graph)


@pytest.mark.parametrize(
    "path, value, words",
    [
        (["attrs", "cond_input_locs"], "[7]", "cond_input_locs must hold numbers below 3"),
        (["attrs", "cond_input_locs"], "[-1]", "cond_input_locs must hold numbers below 3"),
        (["attrs", "func_input_locs"], "[0, 1]", "func_input_locs"),
        (["attrs", "func_var_locs"], "[0, 0]", "func_var_locs"),
        (["attrs", "func_var_locs"], "[0, 9]", "func_var_locs"),
        (["attrs", "func_var_locs"], "[0]", "func_var_locs"),
        (["attrs", "num_outputs"], "4", "num_outputs"),
        (["attrs", "num_out_data"], "-1", "num_out_data"),
        (["attrs", "num_args"], "2147483647", "inputs"),
        (["attrs", "num_args"], "2", "below 0"),
        (["attrs", "max_iterations"], "0", "max_iterations"),
        (["attrs", "max_iterations"], None, "max_iterations"),
        (["subgraphs"], [], "is to take 5 inputs, but the file gives 3"),
        (["subgraphs", 0, "heads"], [[99, 0, 0]], "heads"),
        (["subgraphs", 1, "heads"], [], "num_outputs"),
        (["subgraphs", 0, "nodes"], [], "heads"),
    ],
)
def test_damaged_files_are_refused_in_words(path, value, words):
    with pytest.raises(mx.MXNetError, match=words):
        mx.sym.load_json(spoil(path, value))


def test_endless_nesting_is_an_error():
    text = json.dumps(FILES["control/running_sum"])
    inner = json.dumps(FILES["control/running_sum"]["nodes"][2]["subgraphs"][0])
    head, tail = text.split(inner)
    with pytest.raises(mx.MXNetError):
        mx.sym.load_json(head * 200 + inner + tail * 200)


# -- values and gradients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("req", ["write", "add"])
def test_a_loop_is_the_unrolled_graph(req):
    looped = mx.sym.Group([p for part in mx.sym.contrib.foreach(recurrent, X, [S]) for p in part])
    written = mx.sym.Group([p for part in unrolled(recurrent, X, [S], 5) for p in part])
    same(run(looped, VALUES, req=req), run(written, VALUES, req=req))


def test_values_used_inside_and_outside_get_both_gradients():
    def net(loop):
        shared = mx.sym.square(S)
        out, states = loop(lambda row, st: (row * shared + st[0], [st[0] * shared]), [shared])
        return mx.sym.Group([out, states[0] + shared])

    values = {"x": noise(4, 3), "s": noise(3)}
    looped = net(lambda body, st: mx.sym.contrib.foreach(body, X, st))
    written = net(lambda body, st: unrolled(body, X, st, 4))
    same(run(looped, values), run(written, values))


def test_nested_loops_are_the_unrolled_graph():
    def outer(loop, rows, states):
        out, last = loop(lambda row, s: (row * s[0], [s[0] + row]), rows, states)
        return mx.sym.broadcast_add(out, last[0] * W), last

    loop = lambda body, rows, st: mx.sym.contrib.foreach(body, rows, st)  # noqa: E731
    written = lambda body, rows, st: unrolled(body, rows, st, 3)  # noqa: E731
    values = {"x": noise(2, 3, 4), "s": noise(4), "w": noise(4)}
    out, states = mx.sym.contrib.foreach(lambda r, s: outer(loop, r, s), X, [S])
    other, other_states = unrolled(lambda r, s: outer(written, r, s), X, [S], 2)
    same(run(mx.sym.Group([out, *states]), values), run(mx.sym.Group([other, *other_states]), values))


def test_a_branch_inside_of_a_loop_takes_each_row_apart():
    def body(row, state):
        out = mx.sym.contrib.cond(mx.sym.sum(row) > 0, lambda: row * state, lambda: row - state * W)
        return out, state + row

    values = {"x": np.array([[1, 2], [-3, 1], [2, 2]], "f"), "s": noise(2), "w": noise(2)}
    outputs, grads = run(mx.sym.Group(mx.sym.contrib.foreach(body, X, S)), values)
    x, s, w = values["x"], values["s"], values["w"]
    want = [x[0] * s, x[1] - (s + x[0]) * w, x[2] * (s + x[0] + x[1])]
    np.testing.assert_allclose(outputs[0], want, rtol=1e-6)
    np.testing.assert_allclose(grads["w"], -np.cos([2, 3]) * (s + x[0]), rtol=1e-6)


def test_a_while_loop_stops_and_pads_with_zeros():
    i, s = mx.sym.Variable("i"), mx.sym.Variable("s")
    out, (i, s) = mx.sym.contrib.while_loop(lambda i, s: i < 3, lambda i, s: (s * W, (i + 1, s * s)), (i, s), max_iterations=6)
    outputs, grads = run(mx.sym.Group([out, i, s]), {"i": np.zeros(1, "f"), "s": np.array([2.0], "f"), "w": np.ones(1, "f")})
    assert outputs[0].ravel().tolist() == [2, 4, 16, 0, 0, 0]
    assert (outputs[1].item(), outputs[2].item()) == (3, 256)
    head = np.cos(np.arange(3))
    np.testing.assert_allclose(grads["w"], [(head * [2, 4, 16]).sum()], rtol=1e-5)
    np.testing.assert_allclose(grads["s"], [head[0] + head[1] * 4 + head[2] * 32 + 8 * 128], rtol=1e-5)


def test_a_while_loop_without_a_step_hands_its_variables_on():
    i, s = mx.sym.Variable("i"), mx.sym.Variable("s")
    out, (_, last) = mx.sym.contrib.while_loop(lambda i, s: i < 0, lambda i, s: (s, (i + 1, s * 2)), (i, s), max_iterations=2)
    outputs, grads = run(mx.sym.Group([out, last]), {"i": np.ones(1, "f"), "s": np.array([3.0, 4.0], "f")})
    assert outputs[0].tolist() == [[0, 0], [0, 0]] and outputs[1].tolist() == [3, 4]
    np.testing.assert_allclose(grads["s"], np.cos([0, 1]), rtol=1e-6)


def test_the_condition_may_use_what_is_outside():
    i, n = mx.sym.Variable("i"), mx.sym.Variable("n")
    out, last = mx.sym.contrib.while_loop(lambda i: i < n * 2, lambda i: (i, i + 1), i, max_iterations=9)
    outputs, grads = run(mx.sym.Group([out, last]), {"i": np.zeros(1, "f"), "n": np.array([2.0], "f")})
    assert outputs[1].item() == 4
    assert grads["n"].tolist() == [0]


def test_whole_numbers_count_without_gradients():
    i, s = mx.sym.Variable("i", dtype="int64"), mx.sym.Variable("s")
    _, (i, s) = mx.sym.contrib.while_loop(lambda i, s: i < 3, lambda i, s: (None, (i + 1, s * 2)), (i, s), max_iterations=5)
    symbol = mx.sym.Group([i, s])
    bound = symbol.bind(
        mx.cpu(),
        {"i": mx.nd.array([0], dtype="int64"), "s": mx.nd.array([1.5])},
        {"s": mx.nd.zeros((1,))},
    )
    i, s = bound.forward(is_train=True)
    assert (i.asscalar(), i.dtype, s.asscalar()) == (3, np.int64, 12)
    bound.backward([mx.nd.array([0], dtype="int64"), mx.nd.ones((1,))])
    assert bound.grad_dict["s"].asscalar() == 8


def test_no_rows_leave_the_states_as_they_are():
    outputs, grads = run(
        mx.sym.Group(mx.sym.contrib.foreach(lambda r, s: (r * s, r + s), X, S)), {"x": noise(0, 2), "s": noise(2)}
    )
    assert outputs[0].shape == (0, 2)
    np.testing.assert_allclose(grads["s"], np.cos([0, 1]), rtol=1e-6)


def test_a_second_run_begins_anew():
    symbol = mx.sym.Group(mx.sym.contrib.foreach(lambda r, s: (r + s, r + s), X, S))
    bound = symbol.simple_bind(mx.cpu(), x=(3, 1), s=(1,))
    for start in (0, 10):
        total = bound.forward(is_train=True, x=mx.nd.ones((3, 1)), s=mx.nd.array([start]))[1].asscalar()
        bound.backward([mx.nd.ones((3, 1)), mx.nd.ones((1,))])
        assert (total, bound.grad_dict["s"].asscalar()) == (start + 3, 4)


# -- training, randomness, states ----------------------------------------------------------------------------------------


def dropped():
    return mx.sym.contrib.foreach(lambda row, st: (mx.sym.Dropout(row * W, p=0.5), []), X, [])[0]


def test_every_step_drops_anew_and_the_gradient_has_the_mask():
    mx.random.seed(3)
    values = {"x": np.ones((4, 50), "f"), "w": np.ones(50, "f")}
    (out,), grads = run(dropped(), values, heads=[np.ones((4, 50), "f")])
    assert set(np.unique(out)) == {0, 2}
    assert len({row.tobytes() for row in out}) == 4
    np.testing.assert_array_equal(grads["x"], out)
    np.testing.assert_array_equal(grads["w"], out.sum(0))
    mx.random.seed(3)
    np.testing.assert_array_equal(run(dropped(), values, heads=[np.ones((4, 50), "f")])[0][0], out)
    (calm,), grads = run(dropped(), values, heads=[np.ones((4, 50), "f")], is_train=False)
    assert (calm == 1).all() and (grads["x"] == 1).all()


def test_the_mask_of_nested_loops_is_that_of_the_forward_pass():
    def outer(rows, states):
        return mx.sym.contrib.foreach(lambda r, s: (mx.sym.Dropout(r, p=0.5), []), rows, [])[0], []

    symbol = mx.sym.contrib.foreach(outer, X, [])[0]
    values = {"x": np.ones((3, 3, 20), "f")}
    (out,), grads = run(symbol, values, heads=[np.ones((3, 3, 20), "f")])
    assert len({row.tobytes() for row in out.reshape(9, 20)}) == 9
    np.testing.assert_array_equal(grads["x"], out)


def test_numbers_drawn_inside_differ_from_step_to_step():
    symbol = mx.sym.contrib.foreach(lambda r, s: (r + mx.sym.random.uniform(shape=(5,)), []), X, [])[0]
    out = symbol.eval(x=mx.nd.zeros((6, 5)))[0].asnumpy()
    assert np.unique(out).size == 30 and out.min() >= 0 and out.max() < 1


def test_moving_statistics_inside_change_once_for_every_step():
    def body(row, states):
        return mx.sym.BatchNorm(row, fix_gamma=False, momentum=0.5, eps=1e-3, name="bn"), []

    symbol = mx.sym.contrib.foreach(body, X, [])[0]
    assert symbol.list_auxiliary_states() == []
    x = noise(3, 8, 2)
    names = ["bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"]
    args = {"x": mx.nd.array(x), **{n: mx.nd.ones((2,)) for n in names}}
    bound = symbol.bind(mx.cpu(), args, {"x": mx.nd.zeros((3, 8, 2))})
    out = bound.forward(is_train=True)[0].asnumpy()
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(out, normal + 1, rtol=1e-4, atol=1e-5)
    bound.backward([mx.nd.ones((3, 8, 2))])
    mean, var = np.ones(2), np.ones(2)
    for row in x[::-1]:
        mean, var = (mean + row.mean(0)) / 2, (var + row.var(0)) / 2
    np.testing.assert_allclose(args["bn_moving_mean"].asnumpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(args["bn_moving_var"].asnumpy(), var, rtol=1e-5)
    calm = bound.forward(is_train=False)[0].asnumpy()
    np.testing.assert_allclose(calm, (x - mean) / np.sqrt(var + 1e-3) + 1, rtol=1e-4, atol=1e-5)


# -- bits ----------------------------------------------------------------------------------------------------------------


def bits(symbol, values):
    mx.random.seed(5)
    outputs, grads = run(symbol, values)
    return [a.tobytes() for a in [*outputs, *(grads[n] for n in sorted(grads))]]


def large():
    def body(row, states):
        out = mx.sym.Dropout(mx.sym.tanh(mx.sym.FullyConnected(row, W, no_bias=True, num_hidden=96) + states[0]), p=0.3)
        return out, [out * 0.5 + states[0]]

    return mx.sym.Group([p for part in mx.sym.contrib.foreach(body, X, [S]) for p in part])


LARGE = {"x": noise(4, 64, 80), "s": noise(64, 96), "w": noise(96, 80)}


def test_bits_are_the_same_for_every_number_of_threads():
    before = mx.parallel.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 5):
            mx.parallel.set_num_threads(threads)
            found.append(bits(large(), LARGE))
    finally:
        mx.parallel.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_passes_leave_loops_what_they_are():
    on = run(nested(), {"x": noise(2, 3, 4), "s": noise(4), "w": noise(4)})
    symbol = mx.sym.Group([nested(), nested()])
    values = {"x": noise(2, 3, 4), "s": noise(4), "w": noise(4)}
    on = run(symbol, values)
    with mx.passes.off("all"):
        off = run(symbol, values)
    same(on, off, rtol=1e-6)


def test_a_monitor_sees_loops_as_one_node():
    seen = []
    bound = nested().simple_bind(mx.cpu(), x=(2, 3, 4), s=(4,), w=(4,))
    bound.set_monitor_callback(lambda name, value: seen.append(name))
    bound.forward(is_train=True)
    assert any(name.startswith("_foreach") for name in seen)


def test_what_only_gradients_need_takes_no_memory_in_inference():
    symbol = mx.sym.contrib.foreach(lambda r, s: (r + s, s * 2), X, S)[0] * 2
    shapes = {"x": (100, 1000), "s": (1000,)}
    kept = symbol.simple_bind(mx.cpu(), grad_req="null", **shapes).memory_plan().planned
    assert kept < 2 * 100 * 1000 * 4


# -- inference, names, errors --------------------------------------------------------------------------------------------


def test_shapes_go_through_the_body_in_both_directions():
    out, states = mx.sym.contrib.foreach(recurrent, X, [S])
    assert mx.sym.Group([out, *states]).infer_shape(x=(5, 2, 4)) == ([(5, 2, 4), (2, 3), (3, 4)], [(5, 2, 3), (2, 3)], [])
    added = mx.sym.contrib.foreach(lambda r, s: (r + s, s + 1), X, S)[0]
    assert added.infer_shape_partial(s=(2, 3)) == ([(0, 2, 3), (2, 3)], [(0, 2, 3)], [])
    unknown = mx.sym.Variable("x", shape=(0, 3, 32, 32))
    assert mx.sym.contrib.foreach(lambda r, s: (r + s, s + 1), unknown, S)[0].infer_shape_partial()[1] == [(0, 3, 32, 32)]


def test_types_go_through_the_body():
    out, states = mx.sym.contrib.foreach(recurrent, X, [S])
    assert mx.sym.Group([out, *states]).infer_type(w="float64")[1] == [np.float64, np.float64]
    assert mx.sym.contrib.cond(S > 0, lambda: X, lambda: X * 2).infer_type(s="float32", x="float16")[1] == [np.float16]


def test_shapes_of_branches_and_while_loops_are_known_before_they_run():
    i = mx.sym.Variable("i")
    out, _ = mx.sym.contrib.while_loop(lambda i, x: i < 2, lambda i, x: (x, (i + 1, x * 2)), (i, X), max_iterations=7)
    assert out.infer_shape(i=(1,), x=(2, 3))[1] == [(7, 2, 3)]
    assert mx.sym.contrib.cond(i > 0, lambda: X * 2, lambda: X)[0].infer_shape(i=(1,), x=(2, 3))[1] == [(2, 3)]


def test_what_does_not_fit_is_named():
    loop = mx.sym.contrib.foreach(recurrent, X, [S])[0]
    with pytest.raises(mx.MXNetError, match="_foreach.*"):
        loop.infer_shape(x=(5, 2, 4), s=(7, 7))
    branch = mx.sym.contrib.cond(S, lambda: X, lambda: X * 2)
    with pytest.raises(mx.MXNetError, match="single number"):
        branch.infer_shape(s=(2,), x=(1,))
    with pytest.raises(mx.MXNetError, match="_cond"):
        mx.sym.contrib.cond(S, lambda: X, lambda: mx.sym.sum(X)).infer_shape(s=(1,), x=(5,))


def test_wrong_calls_are_refused():
    contrib = mx.sym.contrib
    with pytest.raises(AssertionError, match="data arrays have to be used"):
        contrib.foreach(lambda r, s: (s, s), X, S)
    with pytest.raises(AssertionError, match="states have to be used"):
        contrib.foreach(lambda r, s: (r, r), X, S)
    with pytest.raises(AssertionError, match="different forms"):
        contrib.foreach(lambda r, s: (r, [s]), X, S)
    with pytest.raises(AssertionError, match="nested list"):
        contrib.foreach(lambda r, s: (r, s), X, 3)
    with pytest.raises(ValueError, match="max_iterations"):
        contrib.while_loop(lambda i: i < 1, lambda i: (i, i), X)
    with pytest.raises(ValueError, match="at least one"):
        contrib.while_loop(lambda: X, lambda: (X, []), [], max_iterations=3)
    with pytest.raises(ValueError, match="has no part"):
        contrib.while_loop(lambda i, s: i < 1, lambda i, s: (i, (i, i + 1)), (X, S), max_iterations=3)
    with pytest.raises(ValueError, match="Number of outputs differs"):
        contrib.cond(X, lambda: X, lambda: [X, X])
    with pytest.raises(mx.MXNetError, match="needs 1 graphs"):
        mx.sym._internal._foreach(num_args=1, num_outputs=1, num_out_data=1, in_state_locs=[], in_data_locs=[0], remain_locs=[])


def test_outputs_keep_the_form_that_the_body_gives():
    def check(data, states, body, out_type, state_type):
        out, last = mx.sym.contrib.foreach(body, data, states)
        assert isinstance(out, out_type) and isinstance(last, state_type)
        return out, last

    check(X, S, lambda r, s: (r, s), mx.sym.Symbol, mx.sym.Symbol)
    check(X, [S], lambda r, s: ([r, s[0]], s), list, list)
    out, last = check(X, [S, [W]], lambda r, s: ([], [s[0] + r, [s[1][0]]]), list, list)
    assert out == [] and isinstance(last[1], list)


def test_scopes_inside_count_by_name():
    mx.AttrScope._subgraph_names.clear()
    for _ in range(2):
        mx.sym.contrib.cond(X > 0, lambda: X * 2, lambda: X * 3, name="mine")
    assert mx.AttrScope._subgraph_names == {"mine_pred": 2, "mine_then": 2, "mine_else": 2}
    json_text = nested().tojson()
    assert '"foreach0"' in json_text and '"foreach0$foreach0"' in json_text


def test_loops_over_the_results_of_loops_keep_their_names_apart():
    body = lambda r, s: (r + 1, [s[0] * 2, s[1]])  # noqa: E731
    out, states = mx.sym.contrib.foreach(body, X, [S, W])
    again, last = mx.sym.contrib.foreach(lambda r, s: (r + states[0], [s[0] + states[1], s[1] + mx.sym.sum(out)]), out, states)
    values = {"x": noise(2, 1), "s": noise(1), "w": noise(1)}
    outputs, _ = run(mx.sym.Group([again, *last]), values)
    x, s, w = values["x"], values["s"], values["w"]
    np.testing.assert_allclose(outputs[0], x + 1 + s * 4, rtol=1e-5)
    np.testing.assert_allclose(outputs[1], s * 4 + 2 * w, rtol=1e-5)
    np.testing.assert_allclose(outputs[2], w + 2 * (x + 1).sum(), rtol=1e-5)


# -- arrays --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["running_sum", "two_arrays_and_swapped_states", "lstm"])
def test_functions_of_arrays_do_what_those_of_symbols_do(key):
    one = CASES[f"control/{key}"]
    values = {name: spec.array(name) for name, spec in one.inputs.items()}

    class Arrays:
        """`mx` with arrays in the place of symbols."""

        class sym:
            contrib = mx.nd.contrib
            Group = staticmethod(lambda parts: parts)

            def __class_getitem__(cls, name):
                return getattr(mx.nd, name)

    for name in ("FullyConnected", "SliceChannel", "sigmoid", "tanh"):
        setattr(Arrays.sym, name, staticmethod(getattr(mx.nd, name)))
    got = one.graph(Arrays, **{n: mx.nd.array(v) for n, v in values.items()})
    for a, b in zip(got, run(observe.build(mx, one), values)[0], strict=True):
        np.testing.assert_allclose(a.asnumpy(), b, rtol=1e-5, atol=1e-6)


def test_loops_of_arrays_keep_forms_and_refuse_changes():
    out, last = mx.nd.contrib.while_loop(lambda i: i < 1, lambda i: (i, i + 1), mx.nd.array([5]), max_iterations=3)
    assert out == [] and last.asscalar() == 5
    out, (i, (s,)) = mx.nd.contrib.foreach(
        lambda r, s: ([r], [s[0] + r, s[1]]), mx.nd.ones((2, 3)), [mx.nd.zeros(3), [mx.nd.ones(3)]]
    )
    assert isinstance(out, list) and out[0].shape == (2, 3) and i.asnumpy().tolist() == [2, 2, 2] and s.shape == (3,)
    with pytest.raises(ValueError, match="number of loop_vars"):
        mx.nd.contrib.while_loop(lambda i: i < 9, lambda i: (i, [i, i]), mx.nd.array([5]), max_iterations=3)
    with pytest.raises(ValueError, match="different shapes"):
        sizes = iter(((1,), (2,)))
        mx.nd.contrib.while_loop(lambda i: i < 9, lambda i: (mx.nd.ones(next(sizes)), i), mx.nd.array([5]), max_iterations=2)
    with pytest.raises(ValueError, match="single number"):
        mx.nd.contrib.cond(mx.nd.ones((2,)), lambda: 1, lambda: 2)


def test_checks_of_infinities_and_zipfian_draws_in_both_faces():
    values = [1, np.inf, np.nan, -np.inf]
    for name, want in (("isinf", [0, 1, 0, 1]), ("isnan", [0, 0, 1, 0]), ("isfinite", [1, 0, 0, 0])):
        assert getattr(mx.nd.contrib, name)(mx.nd.array(values)).asnumpy().tolist() == want
        assert getattr(mx.sym.contrib, name)(X).eval(x=mx.nd.array(values))[0].asnumpy().tolist() == want
    found = [mx.nd.contrib.rand_zipfian(mx.nd.array([3]), 500, 5)]
    found.append(mx.sym.Group(mx.sym.contrib.rand_zipfian(X, 500, 5)).eval(x=mx.nd.array([3])))
    for samples, expected, of_samples in found:
        samples, weight = samples.asnumpy(), np.log(np.arange(2, 7) / np.arange(1, 6)) / np.log(6) * 500
        assert samples.dtype == np.int64 and samples.min() == 0 and samples.max() == 4
        np.testing.assert_allclose(expected.asnumpy(), weight[3], rtol=1e-6)
        np.testing.assert_allclose(of_samples.asnumpy(), weight[samples], rtol=1e-6)
        assert abs(np.bincount(samples, minlength=5) - weight).max() < 60
