"""The examples of the document that asked for rsym, as printed there, with `rsym` for `mxnet`."""

import doctest
import re

import pytest

import rsym as mx
from s3_server import s3_bucket, s3_endpoint  # noqa: F401 - fixtures

DOCUMENT = "seed/mxnet_python_symbolic_api.md"


def code_blocks(text):
    """The fenced blocks of the document that hold Python, without fences and closing backquotes."""
    blocks = re.findall(r"^```(?:python)?\n(.*?)^```+", text, re.M | re.S)
    return [b.replace("mxnet", "rsym") for b in blocks if re.search(r">>>|assert|mx\.", b)]


def run_printed(block, names):
    """Runs a block with prompts, comparing what it prints."""
    test = doctest.DocTestParser().get_doctest(block, names, "seed", DOCUMENT, 0)
    output = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=output.append, clear_globs=False)
    assert runner.failures == 0, "".join(output)
    assert runner.tries > 0
    names.update(test.globs)


def expected_comment(block):
    """The value that a block claims in a comment after `# =>`, or None."""
    _, arrow, comment = block.partition("# =>\n")
    return eval(re.sub(r"^# ", "", comment, flags=re.M)) if arrow else None  # noqa: S307 - our own document


def test_every_block_of_the_document_runs_as_printed(shared, s3_bucket):  # noqa: F811
    blocks = code_blocks((shared / DOCUMENT).read_text())
    assert len(blocks) == 9
    names = {"mx": mx}
    for block in blocks:
        if ">>>" in block:
            run_printed(block, names)
            continue
        exec(block, names)
        expected = expected_comment(block)
        if expected is not None:
            assert names["op"].list_attr(recursive=True) == expected


def test_compose_and_type():
    net = mx.symbol.Variable("data")
    net = mx.symbol.FullyConnected(data=net, name="fc1", num_hidden=128)
    net = mx.symbol.Activation(data=net, name="relu1", act_type="relu")
    net = mx.symbol.FullyConnected(data=net, name="fc2", num_hidden=64)
    net = mx.symbol.SoftmaxOutput(data=net, name="out")
    assert repr(type(net)) == "<class 'rsym.symbol.Symbol'>"
    assert net.list_arguments() == ["data", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias", "out_label"]


def test_attributes_go_to_created_variables_and_not_to_given_ones():
    data = mx.sym.Variable("data", attr={"mood": "angry"})
    op = mx.sym.Convolution(data=data, name="conv", kernel=(1, 1), num_filter=1, attr={"mood": "so so"})
    assert data.attr("mood") == "angry"
    assert op.list_attr() == {"mood": "so so"}
    everything = {"data_mood": "angry", "conv_mood": "so so", "conv_weight_mood": "so so", "conv_bias_mood": "so so"}
    assert op.list_attr(recursive=True) == everything
    weight = mx.sym.Variable("crazy_weight", attr={"size": "5"})
    op = mx.sym.Convolution(data=data, weight=weight, name="conv", kernel=(1, 1), num_filter=1, attr={"mood": "so so"})
    assert op.list_attr(recursive=True) == {
        "conv_mood": "so so",
        "conv_bias_mood": "so so",
        "crazy_weight_size": "5",
        "data_mood": "angry",
    }


def test_scopes_give_attributes_to_everything_inside():
    data = mx.symbol.Variable("data")
    with mx.AttrScope(group="4", data="great"):
        fc1 = mx.symbol.Activation(data, act_type="relu")
        with mx.AttrScope(init_bias="0.0"):
            fc2 = mx.symbol.FullyConnected(fc1, num_hidden=10, name="fc2")
    assert fc1.attr("data") == "great"
    assert fc2.attr("data") == "great"
    assert fc2.attr("init_bias") == "0.0"


def test_a_symbol_survives_a_bucket(s3_bucket):  # noqa: F811
    c = mx.symbol.Variable("a") + mx.symbol.Variable("b")
    c.save("s3://%s/symbol-c.json" % s3_bucket)
    c2 = mx.symbol.load("s3://%s/symbol-c.json" % s3_bucket)
    assert c.tojson() == c2.tojson()


def test_a_group_runs_with_both_outputs():
    net = mx.symbol.Variable("data")
    fc1 = mx.symbol.FullyConnected(data=net, name="fc1", num_hidden=128)
    net = mx.symbol.Activation(data=fc1, name="relu1", act_type="relu")
    net = mx.symbol.FullyConnected(data=net, name="fc2", num_hidden=64)
    out = mx.symbol.SoftmaxOutput(data=net, name="softmax")
    group = mx.symbol.Group([fc1, out])
    assert group.list_outputs() == ["fc1_output", "softmax_output"]
    executor = group.simple_bind(mx.cpu(), data=(2, 10), grad_req="null")
    fc1_output, softmax_output = executor.forward()
    assert fc1_output.shape == (2, 128)
    assert softmax_output.asnumpy() == pytest.approx(1 / 64)
