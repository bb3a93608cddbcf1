"""The number of threads: how it is set, what it changes and what it does not."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import rsym as mx


@pytest.fixture
def threads():
    """`set_num_threads`; the number that was set before comes back."""
    before = mx.get_num_threads()
    yield mx.set_num_threads
    mx.set_num_threads(before)


def network():
    x = mx.sym.Variable("x")
    hidden = mx.sym.Activation(mx.sym.FullyConnected(x, name="fc", num_hidden=300), act_type="tanh")
    image = mx.sym.Convolution(mx.sym.reshape(hidden, shape=(-1, 3, 10, 10)), name="conv", kernel=(3, 3), num_filter=40)
    return mx.sym.softmax(mx.sym.FullyConnected(mx.sym.BatchNorm(image, name="bn"), name="last", num_hidden=50))


def results(seed=0):
    """Outputs and gradients of a network, as one list of arrays."""
    random = np.random.RandomState(seed)
    executor = network().simple_bind(mx.cpu(), x=(64, 700))
    for array in executor.arg_arrays:
        array[:] = random.uniform(-1, 1, array.shape)
    executor.forward(is_train=True)
    executor.backward([mx.nd.array(random.uniform(-1, 1, executor.outputs[0].shape))])
    return [array.asnumpy() for array in executor.outputs + executor.grad_arrays]


def equal(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def put_results(queue):
    queue.put((mx.get_num_threads(), results()))


def child_results(context):
    queue = context.Queue()
    process = context.Process(target=put_results, args=(queue,))
    process.start()
    answer = queue.get(timeout=60)
    process.join(60)
    assert process.exitcode == 0
    return answer


def python(program, **variables):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **variables},
    )


def test_every_number_of_threads_gives_the_same_bits(threads):
    threads(1)
    want = results()
    assert np.isfinite(want[0]).all()
    for n in (2, 4):
        threads(n)
        assert mx.get_num_threads() == n
        assert equal(results(), want)


@pytest.mark.parametrize("n", [0, -3, 257])
def test_impossible_numbers_are_errors(threads, n):
    before = mx.get_num_threads()
    with pytest.raises(mx.MXNetError, match="%d is no number of threads: use a whole number from 1 to 256" % n):
        threads(n)
    assert mx.get_num_threads() == before


def test_the_variable_sets_the_number():
    done = python("import rsym; print(rsym.get_num_threads())", RSYM_NUM_THREADS="3")
    assert done.stdout.split() == ["3"], done.stderr


@pytest.mark.parametrize("name, wrong, valid", [("RSYM_NUM_THREADS", "many", "1 to 256"), ("RSYM_SIMD", "mmx", "portable")])
def test_a_wrong_variable_is_an_error_of_bind(name, wrong, valid):
    program = """
        import rsym as mx
        try:
            mx.sym.Variable("x").simple_bind(mx.cpu(), x=(1,))
        except mx.MXNetError as error:
            print(error)
    """
    done = python(program, **{name: wrong})
    assert wrong in done.stdout and name in done.stdout and valid in done.stdout, done.stderr


@pytest.mark.parametrize("n", [1, 2])
def test_processes_by_affinity_are_honoured(n):
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < n:
        pytest.skip("no affinity of %d processors here" % n)
    program = """
        import os
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:%d])
        import rsym
        print(rsym.get_num_threads())
    """
    done = python(program % n, RSYM_NUM_THREADS="")
    assert 1 <= int(done.stdout) <= n, done.stderr


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_works_alone(threads):
    threads(2)
    want = results()
    number, got = child_results(multiprocessing.get_context("fork"))
    assert equal(got, want)
    assert number == (int(os.environ.get("RSYM_NUM_THREADS") or 1))


def put_results_of_two_threads(queue):
    mx.set_num_threads(2)
    put_results(queue)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_may_have_threads_of_its_own(threads):
    threads(2)
    want = results()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=put_results_of_two_threads, args=(queue,))
    process.start()
    number, got = queue.get(timeout=60)
    process.join(60)
    assert number == 2 and equal(got, want)


def test_a_spawned_process_works_alone():
    number, got = child_results(multiprocessing.get_context("spawn"))
    assert number == (int(os.environ.get("RSYM_NUM_THREADS") or 1))
    assert equal(got, results())


def test_executors_in_several_threads(threads):
    threads(2)
    want = [results(seed) for seed in range(2)]
    wrong = []

    def work(seed):
        for _ in range(20):
            if not equal(results(seed), want[seed]):
                wrong.append(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert not any(worker.is_alive() for worker in workers) and not wrong
