"""Errors of calls with arguments of a wrong kind, as in MXNet or closer to the point."""

import pytest

import rsym as mx


def fc():
    return mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=2, name="fc")


def test_gradients_by_name_are_those_of_outputs():
    executor = fc().simple_bind(mx.cpu(), x=(1, 2))
    executor.forward(is_train=True)
    with pytest.raises(KeyError, match="no output 'wrong'; outputs: fc_output"):
        executor.backward({"wrong": mx.nd.ones((1, 2))})
    executor.backward({"fc_output": mx.nd.ones((1, 2))})
    assert executor.grad_dict["fc_bias"].asnumpy().tolist() == [1, 1]


@pytest.mark.parametrize("make", [mx.nd.zeros, mx.nd.ones, mx.nd.empty])
@pytest.mark.parametrize("shape", [2**70, (2**70,), (2**62, 2**62)])
def test_shapes_beyond_memory_are_refused(make, shape):
    with pytest.raises(mx.MXNetError):
        make(shape)


def test_a_file_without_arrays_is_named(tmp_path):
    path = tmp_path / "other.params"
    path.write_bytes(b"garbage" * 9)
    with pytest.raises(mx.MXNetError, match="other.params: "):
        mx.nd.load(path)


def test_debug_str_counts_the_writes_of_variables():
    x = mx.sym.BatchNorm(mx.sym.Variable("x"), name="bn")
    text = mx.sym.Group(list(mx.sym.SliceChannel(x, num_outputs=2, name="parts"))).debug_str()
    assert "\toutput[1]=parts(1)\n" in text
    assert "\targ[2]=bn_beta(0) version=0\n\targ[3]=bn_moving_mean(0) version=1\n" in text
    assert "\targ[0]=bn(0)\n" in text


def test_a_shape_for_no_argument_is_refused():
    with pytest.raises(mx.MXNetError, match="no argument named 'y'; arguments: x, fc_weight, fc_bias"):
        fc().infer_shape(x=(1, 2), y=(3,))
    assert fc().simple_bind(mx.cpu(), x=(1, 2), y="no shape").outputs[0].shape == (1, 2)


def test_symbols_are_not_made_by_calling_their_class():
    with pytest.raises(TypeError, match="Variable"):
        mx.sym.Symbol()
