"""`optimize_for` and `get_backend_symbol`: nothing to do, said in words."""

import pytest

import rsym as mx

NET = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc") + 1


@pytest.mark.parametrize("backend", ["MKLDNN", "MKLDNN_QUANTIZE"])
def test_backends_of_the_cpu_leave_the_graph_to_the_executor(backend):
    assert NET.optimize_for(backend, {"data": mx.nd.ones((2, 4))}, None, mx.cpu()).tojson() == NET.tojson()
    assert NET.get_backend_symbol(backend).tojson() == NET.tojson()


def test_other_backends_are_named():
    with pytest.warns(UserWarning, match="TensorRT"):
        assert NET.optimize_for("TensorRT").tojson() == NET.tojson()
    with pytest.raises(mx.MXNetError, match="TensorRT.*MKLDNN"):
        NET.get_backend_symbol("TensorRT")
    with pytest.raises(AssertionError, match="name of a backend"):
        NET.optimize_for(None)
