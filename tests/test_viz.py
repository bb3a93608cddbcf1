"""Tables and drawings of symbols."""

import glob
import json
import os
import pathlib
import re
import stat
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import rsym as mx
from rsym import viz
from rsym.base import MXNetError
from rsym.visualization import _layout


def models_folder():
    """The folder of real models: RSYM_MODELS, or shared/models in a folder above."""
    above = (folder / "shared" / "models" for folder in pathlib.Path(__file__).resolve().parents)
    given = os.environ.get("RSYM_MODELS")
    return pathlib.Path(given) if given else next((folder for folder in above if folder.is_dir()), pathlib.Path("missing"))


MODELS = models_folder()


def lenet():
    x = mx.sym.Variable("data")
    x = mx.sym.Convolution(x, kernel=(5, 5), num_filter=20, name="conv1")
    x = mx.sym.Activation(x, act_type="tanh", name="tanh1")
    x = mx.sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(2, 2), name="pool1")
    x = mx.sym.Convolution(x, kernel=(5, 5), num_filter=50, no_bias=True, name="conv2")
    x = mx.sym.BatchNorm(x, name="bn")
    x = mx.sym.Flatten(x, name="flat")
    x = mx.sym.FullyConnected(x, num_hidden=10, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def table(symbol, shape=None, **options):
    """The rows of a summary: [name(op), shape, parameters, previous layers]."""
    lines = [line for line in viz.summary(symbol, shape, **options).splitlines() if line[:1] not in "_="]
    rows = []
    for line in lines[1:-1]:
        name, shape, count, before = (line[a:b].strip() for a, b in ((0, 52), (52, 76), (76, 88), (88, 120)))
        if name:
            rows.append([name, shape, count, [before] if before else []])
        else:
            rows[-1][3].append(before)
    return rows, lines[-1]


# print_summary


def test_counts_of_a_convolutional_network():
    rows, total = table(lenet(), {"data": (1, 1, 28, 28)})
    assert rows == [
        ["data(null)", "1x28x28", "0", []],
        ["conv1(Convolution)", "20x24x24", str(20 * 25 + 20), ["data"]],
        ["tanh1(Activation)", "20x24x24", "0", ["conv1"]],
        ["pool1(Pooling)", "20x12x12", "0", ["tanh1"]],
        ["conv2(Convolution)", "50x8x8", str(50 * 20 * 25), ["pool1"]],
        ["bn(BatchNorm)", "50x8x8", str(2 * 50), ["conv2"]],
        ["flat(Flatten)", "3200", "0", ["bn"]],
        ["fc(FullyConnected)", "10", str(3201 * 10), ["flat"]],
        ["softmax(SoftmaxOutput)", "10", "0", ["fc"]],
    ]
    assert total == "Total params: %d" % (520 + 25000 + 100 + 32010)


def test_is_printed_and_nothing_else(capsys):
    viz.print_summary(lenet(), shape={"data": (1, 1, 28, 28)}, line_length=100)
    out, err = capsys.readouterr()
    assert out == viz.summary(lenet(), {"data": (1, 1, 28, 28)}, 100) + "\n" and err == ""
    assert max(map(len, out.splitlines())) == 100


def test_unknown_shapes_are_question_marks():
    rows, total = table(lenet())
    assert rows[0] == ["data(null)", "", "0", []]
    assert [r[2] for r in rows if r[0].startswith("fc")] == ["?"] and "unknown shape" in total
    rows, _ = table(mx.sym.exp(mx.sym.Variable("data"), name="e"), {"data": (2, 0, 3)})
    assert rows[1][:2] == ["e(exp)", "?x3"]


def test_every_operator_counts_its_parameters():
    words = mx.sym.Embedding(mx.sym.Variable("data"), input_dim=100, output_dim=8, name="embed")
    scaled = mx.sym.broadcast_mul(words, mx.sym.Variable("scale", shape=(1, 1, 8)), name="scaled")
    rows, total = table(scaled, {"data": (2, 5)})
    assert [r[:3] for r in rows] == [
        ["data(null)", "5", "0"],
        ["embed(Embedding)", "5x8", "800"],
        ["scaled(broadcast_mul)", "5x8", "8"],
    ]
    assert total == "Total params: 808"


def test_a_shared_parameter_counts_once():
    x, w = mx.sym.Variable("data"), mx.sym.Variable("w")
    one = mx.sym.FullyConnected(x, weight=w, no_bias=True, num_hidden=4, name="one")
    two = mx.sym.FullyConnected(one, weight=w, no_bias=True, num_hidden=4, name="two")
    rows, total = table(two, {"data": (2, 4)})
    assert [(r[0], r[2]) for r in rows[1:]] == [("one(FullyConnected)", "16"), ("two(FullyConnected)", "0")]
    assert total == "Total params: 16"


def test_several_outputs_and_several_inputs():
    parts = mx.sym.SliceChannel(mx.sym.Variable("data"), num_outputs=2, name="parts")
    rows, _ = table(mx.sym.elemwise_add(parts[0], mx.sym.exp(parts[1], name="e"), name="total"), {"data": (3, 6)})
    assert rows[1:] == [
        ["parts(SliceChannel)", "3, 3", "0", ["data"]],
        ["e(exp)", "3", "0", ["parts"]],
        ["total(elemwise_add)", "3", "0", ["parts", "e"]],
    ]


def test_columns_may_be_given_in_characters_and_cut_long_names():
    net = mx.sym.exp(mx.sym.Variable("data"), name="n" * 60)
    text = viz.summary(net, {"data": (1, 2)}, line_length=60, positions=[20, 36, 46, 60])
    assert "n" * 19 + " 2" in text.splitlines()[5]


def test_what_is_no_symbol_is_refused():
    for function in (viz.print_summary, viz.plot_network):
        with pytest.raises(TypeError, match="Symbol"):
            function("net.json")


def test_shapes_that_contradict_are_an_error():
    for function in (viz.summary, viz.plot_network):
        with pytest.raises(MXNetError):
            function(lenet(), shape={"data": (1, 1, 28, 28), "conv1_weight": (3, 3)})


# plot_network


def test_nodes_edges_and_labels():
    source = viz.plot_network(lenet(), title="LeNet", shape={"data": (4, 1, 28, 28)}).source
    assert source.startswith('digraph "LeNet" {\n') and source.endswith("}")
    assert '"conv1" -> "data" [dir="back" arrowtail="open" label="1x28x28"]' in source
    assert '"fc" -> "flat" [dir="back" arrowtail="open" label="3200"]' in source
    labels = dict(re.findall(r'^ +"(\w+)" \[label="([^"]*)"', source, re.M))
    assert labels == {
        "data": "data",
        "conv1": r"Convolution\n5x5/1, 20",
        "tanh1": r"Activation\ntanh",
        "pool1": r"Pooling\nmax, 2x2/2x2",
        "conv2": r"Convolution\n5x5/1, 50",
        "bn": "bn",
        "flat": "flat",
        "fc": r"FullyConnected\n10",
        "softmax": "softmax",
        "softmax_label": "softmax_label",
    }


def test_without_shapes_the_edges_are_bare():
    edges = [line for line in viz.plot_network(lenet()).source.splitlines() if "->" in line]
    assert len(edges) == 9 and all(line.endswith('label=""]') for line in edges)


def test_types_on_edges():
    source = viz.plot_network(lenet(), shape={"data": (4, 1, 28, 28)}, dtype={"data": np.float32}).source
    assert '"fc" -> "flat" [dir="back" arrowtail="open" label="3200(float32)"]' in source
    assert 'label="(float32)"' in viz.plot_network(lenet(), dtype={"data": "float32"}).source


def test_weights_are_hidden_or_shown():
    assert "conv1_weight" not in viz.plot_network(lenet()).source
    shown = viz.plot_network(lenet(), hide_weights=False).source
    assert '"conv1" -> "conv1_weight"' in shown and '"bn" -> "bn_moving_var"' in shown
    assert '"alone_weight"' in viz.plot_network(mx.sym.Variable("alone_weight")).source


def test_node_attributes_are_for_all_operators():
    given = {"shape": "oval", "fixedsize": "false", "tooltip": "t"}
    source = viz.plot_network(lenet(), node_attrs=given).source
    assert source.count('fixedsize="false"') == 10 == source.count('tooltip="t"') and 'shape="box"' not in source
    assert given == {"shape": "oval", "fixedsize": "false", "tooltip": "t"}
    assert 'shape="box"' in viz.plot_network(lenet()).source


def test_nodes_of_one_name_are_drawn_apart_with_one_warning():
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), name="fc", num_hidden=128)
    net = mx.sym.FullyConnected(mx.sym.Activation(net, name="relu1", act_type="relu"), name="fc", num_hidden=10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plot = viz.plot_network(net, shape={"data": (100, 200)}, dtype={"data": np.float32})
    assert [w.category for w in caught] == [RuntimeWarning]
    assert "There are multiple variables with the same name in your graph" in str(caught[0].message)
    edges = [(a, b) for a, b, _ in plot.edges]
    assert edges == [("fc", "data"), ("relu1", "fc"), ("fc (2)", "relu1")]


def test_text_is_escaped():
    net = mx.sym.exp(mx.sym.Variable('a"b\\<&>'), name="x")
    plot = viz.plot_network(net, title='t"')
    assert 'digraph "t\\""' in plot.source and r'"a\"b\\<&>"' in plot.source
    texts = [t.text for t in ET.fromstring(plot.svg()).iter("{http://www.w3.org/2000/svg}text")]
    assert 'a"b\\<&>' in texts


# files


@pytest.fixture
def no_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def fake_graphviz(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -Tbad ] && { echo "no bad" >&2; exit 3; }\necho "$1"; cat\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent) + os.pathsep + os.environ["PATH"])


def test_save_writes_the_source(tmp_path):
    plot = viz.plot_network(lenet(), title="net")
    path = plot.save(directory=str(tmp_path / "new"))
    assert path == str(tmp_path / "new" / "net.gv") and open(path).read() == plot.source == str(plot)


def test_render_without_graphviz(no_graphviz, tmp_path):
    plot = viz.plot_network(lenet(), save_format="svg")
    path = plot.render("net", str(tmp_path), cleanup=True)
    assert path == str(tmp_path / "net.svg") and open(path).read() == plot.svg() == plot._repr_svg_()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.svg"]
    assert plot.pipe("dot").decode() == plot.source
    with pytest.raises(RuntimeError, match="pdf needs the graphviz program.*svg"):
        viz.plot_network(lenet()).render(str(tmp_path / "other"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.svg"]


def test_render_with_graphviz(fake_graphviz, tmp_path):
    plot = viz.plot_network(lenet())
    path = plot.render(str(tmp_path / "net"))
    assert path.endswith("net.pdf") and open(path).read() == "-Tpdf\n" + plot.source
    assert open(tmp_path / "net").read() == plot.source
    with pytest.raises(RuntimeError, match="no bad"):
        plot.pipe("bad")


# layout


def test_inputs_lie_below_their_consumers():
    #     4     3 is consumed by nothing and stays at its input
    #    / \
    #   2   1  3
    #    \  | /
    #       0
    inputs = [[], [0], [0], [0], [1, 2]]
    assert _layout.layers(5, inputs) == [2, 1, 1, 1, 0]
    assert _layout.layers(4, [[], [0], [1], [0, 2]]) == [3, 2, 1, 0]
    assert _layout.layers(5, [[], [0], [1], [2], [0]]) == [3, 2, 1, 0, 2]


def crossings(rows):
    count = 0
    for upper, lower in zip(rows.rows, rows.rows[1:]):
        place = {node: i for i, node in enumerate(lower)}
        edges = [(i, place[n]) for i, node in enumerate(upper) for n in rows.down[node]]
        count += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(edges) for c, d in edges[:i])
    return count


def test_sorting_removes_crossings_that_need_not_be():
    layer = [1, 1, 1, 0, 0, 0]
    edges = [(3, 2), (4, 1), (5, 0), (3, 2), (4, 2)]
    rows = _layout.Rows(layer, edges)
    rows.rows[0].sort(key=lambda n: (n % 2, n))
    assert crossings(rows) > 0
    rows.sort()
    assert crossings(rows) == 0


def test_a_long_edge_has_a_place_in_every_row_it_crosses():
    rows = _layout.Rows([3, 2, 1, 0], [(1, 0), (2, 1), (3, 2), (3, 0)])
    assert [len(row) for row in rows.rows] == [1, 2, 2, 1]
    assert rows.paths[3][0] == 3 and rows.paths[3][-1] == 0 and len(rows.paths[3]) == 4


def test_neighbours_in_a_row_keep_their_distance():
    rng = np.random.default_rng(0)
    layer = sorted(rng.integers(0, 5, 40).tolist(), reverse=True)
    edges = [(a, b) for a in range(40) for b in range(a) if layer[a] < layer[b] and rng.random() < 0.1]
    rows = _layout.Rows(layer, edges)
    rows.sort()
    x = _layout.places(rows, 100.0, 20.0)
    for row in rows.rows:
        assert sorted(row, key=x.get) == row
        for a, b in zip(row, row[1:]):
            assert x[b] - x[a] >= 20 + 50 * (a < 40) + 50 * (b < 40) - 1e-6
    assert min(x[n] for n in range(40)) >= 50 - 1e-6


def test_a_chain_is_drawn_straight():
    rows = _layout.Rows([2, 1, 0], [(1, 0), (2, 1)])
    assert _layout.places(rows, 10.0, 1.0) == {0: 5.0, 1: 5.0, 2: 5.0}


def test_places_are_the_least_squares_under_the_distance():
    rows = _layout.Rows([0, 0, 0], [])
    x = {}
    row = rows.rows[0]
    _layout._spread(rows, row, dict(zip(row, (0.0, 0.0, 9.0))), x, 2.0, 1.0)
    assert [x[n] for n in row] == [-1.5, 1.5, 9.0]


def drawn_boxes(svg):
    ns = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(svg)
    size = float(root.get("width")), float(root.get("height"))
    boxes = [tuple(float(e.get(k)) for k in ("x", "y", "width", "height")) for e in root.iter(ns + "rect")]
    for e in root.iter(ns + "ellipse"):
        cx, cy, rx, ry = (float(e.get(k)) for k in ("cx", "cy", "rx", "ry"))
        boxes.append((cx - rx, cy - ry, 2 * rx, 2 * ry))
    return size, boxes, list(root.iter(ns + "path"))


def test_the_drawing_holds_every_node_without_overlap():
    plot = viz.plot_network(lenet(), hide_weights=False)
    (width, height), boxes, paths = drawn_boxes(plot.svg())
    assert len(boxes) == len(plot.nodes) == 19 and len(paths) == len(plot.edges) + 1
    for i, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height
        for u, v, a, b in boxes[:i]:
            assert x + w <= u or u + a <= x or y + h <= v or v + b <= y


# every real model


def symbol_files():
    found = [p for p in glob.glob(str(MODELS / "*" / "*.json")) if not p.endswith("expect.json")]
    return sorted(found)


def loaded(path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return mx.sym.load(path)
    except MXNetError:
        if mx.sym.Symbol.__module__.startswith("mxnet"):
            pytest.skip("MXNet does not load it")
        raise


def shapes_of(path):
    expect = pathlib.Path(path).parent / "expect.json"
    given = json.loads(expect.read_text()).get("input_shapes") if expect.exists() else None
    return given and {name: tuple(shape) for name, shape in given.items()}


@pytest.mark.skipif(not MODELS.is_dir(), reason="no published models here")
@pytest.mark.parametrize("path", symbol_files(), ids=lambda p: os.path.relpath(p, MODELS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_real_models_can_be_looked_at(path):
    symbol = loaded(path)
    nodes = json.loads(symbol.tojson())["nodes"]
    rows, _ = table(symbol, shapes_of(path), line_length=120)
    assert sum(not row[0].endswith("(null)") for row in rows) <= sum(n["op"] != "null" for n in nodes)
    assert viz.summary(symbol).count("\n") >= sum(n["op"] != "null" for n in nodes)
    plot = viz.plot_network(symbol, shape=shapes_of(path), hide_weights=False)
    assert len(plot.nodes) == len(nodes) and len(plot.edges) == sum(len(n["inputs"]) for n in nodes)
    (_, _), boxes, paths = drawn_boxes(plot.svg())
    assert len(boxes) == len(nodes) and len(paths) == len(plot.edges) + 1


@pytest.mark.skipif(not MODELS.is_dir(), reason="no published models here")
def test_parameters_of_a_published_network():
    found = sorted(glob.glob(str(MODELS / "dmlc__resnet-152" / "*symbol.json")))
    symbol = loaded(found[0])
    arguments, _, _ = symbol.infer_shape(data=(1, 3, 112, 112))
    sizes = {n: int(np.prod(s)) for n, s in zip(symbol.list_arguments(), arguments)}
    want = sum(size for name, size in sizes.items() if name not in ("data", "softmax_label"))
    assert table(symbol, {"data": (1, 3, 112, 112)})[1] == "Total params: %d" % want
    assert want > 50e6
