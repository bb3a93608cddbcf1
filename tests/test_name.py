"""Automatic names without symbols."""

import asyncio
import threading

from rsym import name
from rsym.name import NameManager, Prefix


def test_managers_count_every_stem():
    manager = NameManager()
    for hint in ("conv", "fc", "conv"):
        manager.get(None, hint)
    manager.get("mine", "fc")
    assert manager._counter == {"conv": 2, "fc": 1}


def test_counts_each_stem_by_itself():
    with NameManager() as manager:
        got = [manager.get(None, hint) for hint in ("fullyconnected", "_plus", "fullyconnected", "_plus", "concat")]
    assert got == ["fullyconnected0", "_plus0", "fullyconnected1", "_plus1", "concat0"]


def test_a_given_name_is_kept_and_not_counted():
    manager = NameManager()
    assert [manager.get(n, "relu") for n in ("a", None, "", "b", None)] == ["a", "relu0", "relu1", "b", "relu2"]


def test_prefix_applies_to_given_names_too():
    prefix = Prefix("net_")
    assert [prefix.get(n, "relu") for n in (None, "mine", None)] == ["net_relu0", "net_mine", "net_relu1"]


def test_prefixes_do_not_add_up_and_start_at_zero():
    with Prefix("a_"):
        assert name.current().get(None, "fc") == "a_fc0"
        with Prefix("b_"):
            assert name.current().get(None, "fc") == "b_fc0"
        assert name.current().get(None, "fc") == "a_fc1"
        with NameManager():
            assert name.current().get(None, "fc") == "fc0"


def test_entered_again_it_goes_on_counting():
    prefix, outer = Prefix("p_"), name.current()
    with prefix, NameManager(), prefix:
        assert name.current().get(None, "fc") == "p_fc0"
    with prefix:
        assert name.current().get(None, "fc") == "p_fc1"
    assert name.current() is outer


def test_a_subclass_decides_itself():
    class Shouting(NameManager):
        def get(self, name, hint):
            return super().get(name, hint).upper()

    with Shouting():
        assert name.current().get(None, "fc") == "FC0"


def test_each_thread_has_its_own_default():
    got = []
    name.current().get(None, "thread_stem")

    def work():
        got.append([name.current().get(None, "thread_stem") for _ in range(2)])

    with Prefix("main_"):
        threads = [threading.Thread(target=work) for _ in range(3)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert got == [["thread_stem0", "thread_stem1"]] * 3


def test_tasks_share_what_is_around_them_but_not_their_own():
    async def work(n):
        with Prefix("t%d_" % n):
            await asyncio.sleep(0)
            return name.current().get(None, "fc")

    async def gather():
        return await asyncio.gather(*(work(n) for n in range(4)))

    assert asyncio.run(gather()) == ["t0_fc0", "t1_fc0", "t2_fc0", "t3_fc0"]


def test_one_manager_in_many_threads_gives_no_name_twice():
    manager, got = NameManager(), []

    def work():
        got.extend([manager.get(None, "n") for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(got) == sorted("n%d" % i for i in range(8000))


def test_reached_as_mxnet_scripts_reach_it():
    with NameManager() as manager:
        assert NameManager.current is manager is NameManager._current.value is name.current()
        NameManager.current = replacement = Prefix("x_")
        assert name.current() is replacement
        NameManager._current.value = manager
        assert name.current() is manager
