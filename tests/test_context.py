"""Devices and the default one."""

import asyncio
import pickle
import threading

import numpy as np
import pytest

from rsym import context
from rsym.base import DeviceError, MXNetError
from rsym.context import Context, cpu, cpu_pinned, cpu_shared, current_context, gpu, num_gpus


def test_shown_as_mxnet_shows_them():
    assert [str(c) for c in (cpu(), cpu(2), gpu(1), cpu_pinned(), cpu_shared(1))] == [
        "cpu(0)",
        "cpu(2)",
        "gpu(1)",
        "cpu_pinned(0)",
        "cpu_shared(1)",
    ]
    assert repr(Context("gpu", np.int64(3))) == "gpu(3)"


def test_equal_by_device_and_number():
    assert cpu(1) == Context("cpu", 1) == Context(cpu(1))
    assert len({cpu(), Context("cpu"), cpu(1), gpu(0)}) == 3
    assert cpu() != gpu() and cpu() != cpu_pinned() and cpu() != "cpu(0)"


def test_type_numbers_are_those_of_the_file_format():
    assert (cpu().device_typeid, gpu().device_typeid, cpu_pinned().device_typeid, cpu_shared().device_typeid) == (
        1,
        2,
        3,
        5,
    )
    assert Context.devtype2str[1] == "cpu" and Context.devstr2type["gpu"] == 2


def test_survives_pickle():
    assert pickle.loads(pickle.dumps(gpu(2))) == gpu(2)


@pytest.mark.parametrize("bad", ["tpu", 3, None, ["cpu"]])
def test_unknown_type_is_a_key_error_that_names_it(bad):
    with pytest.raises(KeyError, match="cpu_pinned") as error:
        Context(bad)
    assert repr(bad) in str(error.value) and isinstance(error.value, MXNetError)


@pytest.mark.parametrize("bad", ["0", 1.5, None])
def test_device_number_is_whole(bad):
    with pytest.raises(TypeError, match="whole number"):
        cpu(bad)


def test_blocks_nest_and_a_context_can_be_entered_again():
    one, two = cpu(1), cpu(2)
    with one:
        with two:
            with one:
                assert current_context() is one
            assert current_context() is two
        assert current_context() is one
    assert current_context() == cpu(0)


def test_block_is_left_after_an_error():
    with pytest.raises(ZeroDivisionError), cpu(5):
        1 / 0
    assert current_context() == cpu(0)


def test_other_threads_keep_their_own_default():
    seen = []
    with cpu(4):
        thread = threading.Thread(target=lambda: seen.append(current_context()))
        thread.start()
        thread.join()
    assert seen == [cpu(0)]


def test_tasks_do_not_see_each_other():
    async def work(n):
        with cpu(n):
            await asyncio.sleep(0.001 * (5 - n))
            return current_context()

    async def both():
        return await asyncio.gather(*(work(n) for n in range(5)))

    assert asyncio.run(both()) == [cpu(n) for n in range(5)]


@pytest.mark.parametrize("name", ["default_ctx", "_default_ctx"])
def test_default_can_be_set_as_old_scripts_do(name):
    def default():
        found = getattr(Context, name)
        return found if name == "default_ctx" else found.value

    with cpu(0):
        if name == "default_ctx":
            Context.default_ctx = cpu(7)
        else:
            Context._default_ctx.value = cpu(7)
        assert default() == current_context() == cpu(7)
    assert default() == current_context() == cpu(0)


def test_gpu_can_be_named_but_not_used():
    assert num_gpus() == 0
    assert cpu(3).require_available() == cpu(3) and cpu_pinned().require_available() == cpu_pinned()
    with gpu(2):
        assert current_context() == gpu(2)
        with pytest.raises(MXNetError, match=r"gpu\(2\) is not there: rsym runs on the CPU; use mx.cpu\(\)"):
            current_context().require_available()
    with pytest.raises(DeviceError):
        context.gpu_memory_info(0)
    with pytest.raises(DeviceError):
        gpu().empty_cache()
