"""Reshaping, monitoring, threads, interruption, memory over time."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import rsym as mx

nd, S = mx.nd, mx.sym


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def fc(hidden=3):
    return S.FullyConnected(S.Variable("x"), num_hidden=hidden, name="fc")


def run_program(program, **environment):
    """A program in an interpreter of its own; its output."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- reshape -----------------------------------------------------------------------------------------------------------


def test_reshape_shares_parameters_and_gradients():
    big = fc().simple_bind(mx.cpu(), x=(4, 5))
    small = big.reshape(x=(2, 5))
    big.arg_dict["fc_weight"][:] = 2
    assert small.forward(x=nd.ones((2, 5)))[0].asnumpy().tolist() == [[10.0] * 3] * 2
    small.backward(nd.ones((2, 3)))
    assert big.grad_dict["fc_bias"].asnumpy().tolist() == [2, 2, 2]
    assert [a.shape for a in small.arg_arrays] == [(2, 5), (3, 5), (3,)]
    assert [g.shape for g in small.grad_arrays] == [(2, 5), (3, 5), (3,)]


def test_the_reshaped_and_the_old_executor_both_give_right_results():
    net = S.Activation(fc(), act_type="relu", name="r") * 2
    big = net.simple_bind(mx.cpu(), x=(4, 5))
    small = big.reshape(x=(1, 5))
    big.arg_dict["fc_weight"][:] = 1
    for _ in range(2):
        assert (small.forward(x=nd.ones((1, 5)))[0].asnumpy() == 10).all()
        assert (big.forward(x=nd.full((4, 5), 2))[0].asnumpy() == 20).all()


def test_reshape_keeps_requests_and_auxiliary_states():
    bn = S.BatchNorm(S.Variable("x"), name="bn")
    executor = bn.simple_bind(mx.cpu(), grad_req={"x": "add"}, x=(4, 2))
    other = executor.reshape(x=(2, 2))
    executor.aux_dict["bn_moving_mean"][:] = 7
    assert other.aux_dict["bn_moving_mean"].asnumpy().tolist() == [7, 7]
    assert [k for k, g in other.grad_dict.items() if g is not None] == ["x"]


def test_growing_has_to_be_allowed():
    executor = fc().simple_bind(mx.cpu(), x=(2, 5))
    with pytest.raises(mx.MXNetError, match=r"x is larger.*\(4, 5\).*\(2, 5\).*allow_up_sizing=True"):
        executor.reshape(x=(4, 5))
    bigger = executor.reshape(x=(4, 5), allow_up_sizing=True)
    executor.arg_dict["fc_bias"][:] = 3
    assert bigger.forward()[0].asnumpy().tolist() == [[3.0] * 3] * 4


def test_changing_arrays_that_are_not_named_has_to_be_allowed():
    executor = fc().simple_bind(mx.cpu(), x=(2, 5))
    with pytest.raises(AssertionError, match=r"fc_weight.*\(3, 5\).*\(3, 4\).*partial_shaping=True"):
        executor.reshape(x=(2, 4))
    narrower = executor.reshape(x=(2, 4), partial_shaping=True)
    assert narrower.arg_dict["fc_weight"].shape == (3, 4)


def test_reshape_errors():
    executor = fc().simple_bind(mx.cpu(), x=(2, 5))
    with pytest.raises(mx.MXNetError, match="'y'.*x"):
        executor.reshape(y=(2, 5))
    with pytest.raises(mx.MXNetError, match="more arguments"), pytest.warns(UserWarning):
        executor.reshape()


# -- monitors ----------------------------------------------------------------------------------------------------------


def watched(**options):
    executor = S.Activation(fc(), act_type="relu", name="r").simple_bind(mx.cpu(), x=(1, 2))
    seen = []
    executor.set_monitor_callback(lambda name, array: seen.append((name, array)), **options)
    return executor, seen


def test_monitors_see_every_output_when_it_is_computed():
    executor, seen = watched()
    executor.arg_dict["fc_bias"][:] = nd.array([-1, 0, 2])
    executor.forward(is_train=True)
    assert [(n, a.asnumpy().tolist()) for n, a in seen] == [("fc_output", [[-1, 0, 2]]), ("r_output", [[0, 0, 2]])]
    assert all(type(a) is nd.NDArray for _, a in seen)
    seen.clear()
    executor.backward(nd.ones((1, 3)))
    assert len(seen) >= 2


def test_monitors_may_see_inputs_as_well():
    executor, seen = watched(monitor_all=True)
    executor.forward()
    names = ["x", "fc_data", "fc_weight", "fc_weight", "fc_bias", "fc_bias", "fc_output", "r_input0", "r_output"]
    assert [n for n, _ in seen] == names


def test_monitors_see_inputs_before_they_are_overwritten():
    executor = S.relu(S.Variable("x") - 2, name="r").bind(mx.cpu(), [nd.array([1, 5])], grad_req="null")
    seen = {}
    executor.set_monitor_callback(lambda name, array: seen.update({name: array.asnumpy().tolist()}), monitor_all=True)
    executor.forward()
    assert (seen["r_input0"], seen["r_output"]) == ([-1, 3], [0, 3])


def test_monitors_see_copies_and_may_be_taken_off():
    executor, seen = watched()
    executor.forward()
    seen[0][1][:] = 99
    assert not executor.outputs[0].asnumpy().any()
    executor.set_monitor_callback(None)
    seen.clear()
    executor.forward()
    assert seen == []


def test_an_exception_in_a_monitor_comes_out_and_harms_nothing():
    executor, _ = watched()
    failing = ZeroDivisionError("from the monitor")

    def monitor(name, array):
        raise failing

    executor.set_monitor_callback(monitor)
    with pytest.raises(ZeroDivisionError) as caught:
        executor.forward()
    assert caught.value is failing
    executor.set_monitor_callback(None)
    executor.arg_dict["fc_bias"][:] = 1
    assert executor.forward(is_train=True)[0].asnumpy().tolist() == [[1, 1, 1]]
    executor.backward(nd.ones((1, 3)))
    assert executor.grad_dict["fc_bias"].asnumpy().tolist() == [1, 1, 1]


def test_a_monitor_that_runs_its_own_executor_gets_an_error():
    executor, _ = watched()
    executor.set_monitor_callback(lambda name, array: executor.forward())
    with pytest.raises(mx.MXNetError, match="monitor"):
        executor.forward()


def test_a_monitor_may_run_another_executor():
    executor, _ = watched()
    other, results = (S.Variable("y") + 1).bind(mx.cpu(), [nd.array([1.0])]), []
    executor.set_monitor_callback(lambda name, array: results.append(other.forward()[0].asscalar()))
    executor.forward()
    assert results == [2, 2]


def test_debug_str_tells_the_memory():
    text = fc().simple_bind(mx.cpu(), x=(1, 2)).debug_str()
    assert "Op:FullyConnected, Name=fc" in text and "Total 0 MB allocated" in text
    large = (S.exp(fc(1 << 18)) + 1) * 2
    assert "Total 0 MB" not in large.simple_bind(mx.cpu(), grad_req="null", x=(64, 1)).debug_str()


# -- threads -----------------------------------------------------------------------------------------------------------


def in_threads(work, count):
    """Runs `work(k)` in threads; the first error comes out."""
    errors = []

    def guarded(k):
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(t.is_alive() for t in threads), "a thread is stuck"
    if errors:
        raise errors[0]


def test_executors_in_threads_give_their_own_results():
    def work(k):
        executor = fc().simple_bind(mx.cpu(), x=(8, 16))
        executor.arg_dict["fc_weight"][:] = k
        executor.arg_dict["x"][:] = 1
        for _ in range(50):
            assert (executor.forward(is_train=True)[0].asnumpy() == 16 * k).all()
            executor.backward(nd.ones((8, 3)))
            assert (executor.grad_dict["x"].asnumpy() == 3 * k).all()

    in_threads(work, 6)


def test_threads_on_one_executor_wait_for_each_other():
    executor = fc().simple_bind(mx.cpu(), x=(8, 16))
    executor.arg_dict["fc_weight"][:] = 2
    executor.arg_dict["x"][:] = 1

    def work(_):
        for _ in range(100):
            assert (executor.forward(is_train=True)[0].asnumpy() == 32).all()
            executor.backward(nd.ones((8, 3)))
            assert (executor.grad_dict["x"].asnumpy() == 6).all()

    in_threads(work, 4)


def long_run(steps):
    """An executor that needs a while: products of matrices, one after the other."""
    net, weight = S.Variable("x"), S.Variable("w")
    for k in range(steps):
        net = S.FullyConnected(net, weight=weight, no_bias=True, num_hidden=256, name="fc%d" % k)
    return net.bind(mx.cpu(), {"x": nd.ones((256, 256)), "w": nd.zeros((256, 256))})


def test_the_interpreter_runs_on_while_an_executor_runs():
    executor, done, ticks = long_run(300), threading.Event(), []

    def work():
        executor.forward()
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        ticks.append(time.perf_counter())
        time.sleep(0.001)
    thread.join()
    assert len(ticks) > 5


def test_control_c_interrupts_a_long_run():
    program = """
        import os, signal, threading, time
        import rsym as mx

        S = mx.sym
        net, weight = S.Variable("x"), S.Variable("w")
        for k in range(100_000):
            net = S.FullyConnected(net, weight=weight, no_bias=True, num_hidden=256, name="fc%d" % k)
        executor = net.bind(mx.cpu(), {"x": mx.nd.ones((256, 256)), "w": mx.nd.zeros((256, 256))})
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            executor.forward()
            print("ran to its end")
        except KeyboardInterrupt:
            print("interrupted")
        small = (S.Variable("x") + 1).bind(mx.cpu(), [mx.nd.array([1.0])])
        print(small.forward()[0].asscalar())
    """
    assert run_program(program) == "interrupted\n2.0\n"


def test_an_interrupted_executor_runs_again():
    executor = long_run(500)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(10_000):
                executor.forward()
    finally:
        timer.join()
        signal.signal(signal.SIGINT, handler)
    assert not executor.forward()[0].asnumpy().any()


# -- over time ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the memory in use from /proc")
def test_a_thousand_input_sizes_leave_memory_flat():
    program = """
        import rsym as mx

        def used():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096

        net = mx.sym.Variable("x")
        for k in range(4):
            net = mx.sym.Activation(mx.sym.FullyConnected(net, num_hidden=64, name="fc%d" % k), act_type="relu")
        first = net.simple_bind(mx.cpu(), x=(512, 64))
        executor, sizes = first, [(17 * k) % 511 + 1 for k in range(1000)]

        def visit(size):
            global executor
            executor = executor.reshape(x=(size, 64), allow_up_sizing=True)
            executor.forward(is_train=True)
            executor.backward(mx.nd.ones((size, 64)))

        for size in sizes[:100]:
            visit(size)
        before = used()
        for size in sizes[100:]:
            visit(size)
        print((used() - before) >> 20)
    """
    # One set of arrays of the largest size is some 2 MB; kept for each size they would be half a gigabyte.
    assert int(run_program(program)) < 64


def test_results_are_the_same_for_every_number_of_threads():
    program = """
        import hashlib
        import numpy as np
        import rsym as mx

        S, random = mx.sym, np.random.RandomState(3)
        net = S.Convolution(S.Variable("x"), kernel=(3, 3), num_filter=8, pad=(1, 1), name="c")
        net = S.Activation(S.BatchNorm(net, name="bn", fix_gamma=False), act_type="relu")
        net = S.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="avg")
        net = S.SoftmaxOutput(S.FullyConnected(net, num_hidden=10, name="fc"), name="s")
        executor = net.simple_bind(mx.cpu(), x=(7, 3, 20, 20))
        for name, array in executor.arg_dict.items():
            array[:] = random.randn(*array.shape) if name != "s_label" else random.randint(0, 10, array.shape)
        digest = hashlib.sha256()
        for _ in range(2):
            executor.forward(is_train=True)
            executor.backward()
            for array in executor.outputs + executor.aux_arrays + executor.grad_arrays:
                digest.update(array.asnumpy().tobytes())
        print(digest.hexdigest())
    """
    assert len({run_program(program, RAYON_NUM_THREADS=n) for n in ("1", "2", "4", "7")}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_processes_compute_as_well():
    program = """
        import os, signal, warnings
        import numpy as np
        import rsym as mx

        warnings.simplefilter("ignore")
        matrix = mx.nd.ones((300, 300))
        x = mx.sym.Variable("x")
        executor = mx.sym.dot(x, x).bind(mx.cpu(), [matrix])
        executor.forward()  # the threads of this process are running now
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            right = (executor.forward()[0].asnumpy() == 300).all() and (mx.nd.dot(matrix, matrix).asnumpy() == 300).all()
            os._exit(0 if right else 1)
        print(os.waitpid(child, 0)[1], int(executor.forward()[0][0, 0].asscalar()))
    """
    assert run_program(program) == "0 300\n"


def test_monitors_stay_when_shapes_change():
    executor, seen = watched()
    larger = executor.reshape(x=(5, 2), partial_shaping=True, allow_up_sizing=True)
    larger.forward()
    assert [n for n, _ in seen] == ["fc_output", "r_output"] and seen[0][1].shape == (5, 3)
