"""Long chains: no operation on them recurses, and none grows faster than their length."""

import copy
import pickle
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import rsym as mx

NODES = 100_000


def chain(nodes, symbol=None):
    symbol = mx.sym.Variable("x") if symbol is None else symbol
    for _ in range(nodes):
        symbol = symbol + 1
    return symbol


@pytest.fixture(scope="module")
def deep():
    return chain(NODES)


def test_composing_and_listing(deep):
    assert deep.list_arguments() == ["x"]
    assert len(deep.get_internals()) == NODES + 1
    assert len(deep.attr_dict()) == NODES
    assert deep.debug_str().count("Op:_plus_scalar") == NODES


def test_composing_costs_the_same_whatever_is_composed(deep):
    """One more operator on a long chain makes no more objects than on a short one; a copy would make 100,000."""
    import tracemalloc

    def made(symbol):
        tracemalloc.start()
        kept = [symbol + 1 for _ in range(100)]
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return size, kept

    assert made(deep)[0] < 3 * made(mx.sym.Variable("x"))[0]


def test_inference(deep):
    assert deep.infer_shape(x=(2, 3))[1] == [(2, 3)]
    assert deep.infer_type(x="float64")[1] == [np.float64]


def test_inference_from_the_far_end():
    chained = chain(20_000) + mx.sym.Variable("y")
    assert chained.infer_shape(y=(2, 3))[0] == [(2, 3), (2, 3)]


def test_files(deep):
    text = deep.tojson()
    again = mx.sym.load_json(text)
    assert again.tojson() == text
    assert pickle.loads(pickle.dumps(deep)).list_outputs() == deep.list_outputs()


def test_copying_and_calling(deep):
    assert copy.deepcopy(deep).list_outputs() == deep.list_outputs()
    assert deep(x=mx.sym.Variable("y")).list_arguments() == ["y"]


def test_binding_and_running(deep):
    executor = deep.simple_bind(mx.cpu(), x=(3,))
    executor.arg_dict["x"][:] = mx.nd.array([1, 2, 3])
    assert executor.forward(is_train=True)[0].asnumpy().tolist() == [NODES + 1, NODES + 2, NODES + 3]
    executor.backward(mx.nd.array([5, 6, 7]))
    assert executor.grad_dict["x"].asnumpy().tolist() == [5, 6, 7]


def test_the_gradient_of_a_long_product():
    symbol = mx.sym.Variable("x")
    for _ in range(20_000):
        symbol = symbol * mx.sym.Variable("one")
    executor = symbol.bind(mx.cpu(), [mx.nd.array([2.0])] + [mx.nd.ones((1,))] * 20_000, [mx.nd.zeros((1,))] + [None] * 20_000)
    executor.forward(is_train=True)
    executor.backward(mx.nd.array([3.0]))
    assert executor.grad_arrays[0].asnumpy().tolist() == [3.0]


def test_wide_graphs():
    x = mx.sym.Variable("x")
    total = mx.sym.add_n(*[x * i for i in range(3000)])
    executor = total.bind(mx.cpu(), [mx.nd.array([2.0])], [mx.nd.zeros((1,))])
    assert executor.forward(is_train=True)[0].asnumpy().tolist() == [2.0 * sum(range(3000))]
    executor.backward(mx.nd.ones((1,)))
    assert executor.grad_arrays[0].asnumpy().tolist() == [float(sum(range(3000)))]


def test_a_small_stack_is_enough():
    """Every walk and the drop of the graph run in a thread with 256 KiB of stack."""
    program = """
        import threading
        import rsym as mx

        def work():
            s = mx.sym.Variable("x")
            for _ in range(50_000):
                s = s + 1
            s.infer_shape(x=(1,))
            mx.sym.load_json(s.tojson())
            e = s.simple_bind(mx.cpu(), x=(1,))
            e.forward(is_train=True)
            e.backward(mx.nd.ones((1,)))
            print(int(e.outputs[0].asscalar()), int(e.grad_dict["x"].asscalar()))
            del s, e

        threading.stack_size(256 * 1024)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.returncode) == ("50000 1\n", 0), done.stderr


WORK = {
    "compose": lambda n, s: chain(n),
    "infer_shape": lambda n, s: s.infer_shape(x=(2,)),
    "tojson": lambda n, s: s.tojson(),
    "load_json": lambda n, s: mx.sym.load_json(s.tojson()),
    "simple_bind": lambda n, s: s.simple_bind(mx.cpu(), x=(2,)),
    "call": lambda n, s: s(x=mx.sym.Variable("y")),
    "get_internals": lambda n, s: s.get_internals().list_outputs(),
}


@pytest.mark.parametrize("name", WORK)
def test_cost_grows_with_the_length_and_not_its_square(name):
    """Sixteen times the nodes: 16 times the work if linear, 256 times if quadratic. Processor time, best of several."""
    short, factor = 1500, 16

    def cost(nodes):
        symbol = chain(nodes)
        times = []
        for _ in range(4):
            start = time.process_time()
            WORK[name](nodes, symbol)
            times.append(time.process_time() - start)
        return min(times)

    assert cost(short * factor) < 80 * max(cost(short), 1e-4)
