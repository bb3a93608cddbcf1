"""AttrScope without symbols: what it gives to a new symbol."""

import asyncio
import threading

import pytest

from rsym.attribute import AttrScope, current, current_attrs, merge


def test_nothing_outside():
    assert current_attrs() is None and merge(None) is None and merge({}) is None
    assert merge({"a": "1"}) == {"a": "1"}
    assert AttrScope().get(None) == {} and AttrScope(x="1").get({"y": "2"}) == {"x": "1", "y": "2"}


def test_inner_wins_key_by_key_and_outer_keys_stay():
    with AttrScope(group="4", data="great"):
        with AttrScope(data="fine", init_bias="0.0"):
            assert current_attrs() == {"group": "4", "data": "fine", "init_bias": "0.0"}
        assert current_attrs() == {"group": "4", "data": "great"}
    assert current_attrs() is None


def test_given_attributes_win():
    with AttrScope(mood="angry", ctx_group="a"):
        assert merge({"mood": "fine"}) == {"mood": "fine", "ctx_group": "a"}
        assert current().get({"mood": "fine"}) == {"mood": "fine", "ctx_group": "a"}
        assert current_attrs() == {"mood": "angry", "ctx_group": "a"}


def test_given_dict_is_not_changed():
    given = {"mood": "fine"}
    with AttrScope(ctx_group="a"):
        merge(given)
        current().get(given)
    assert given == {"mood": "fine"}


def test_entered_again_it_does_not_remember_the_first_outer_scope():
    inner = AttrScope(inner="1")
    with AttrScope(outer="1"), inner:
        assert current_attrs() == {"outer": "1", "inner": "1"}
    with inner:
        assert current_attrs() == {"inner": "1"} == inner.get(None)
    with AttrScope(other="2"), inner:
        assert inner.get({}) == {"other": "2", "inner": "1"}


def test_entered_inside_itself():
    scope = AttrScope(a="1")
    with scope:
        with AttrScope(a="2", b="3"):
            with scope:
                assert current_attrs() == {"a": "1", "b": "3"}
            assert current_attrs() == {"a": "2", "b": "3"}
        assert current_attrs() == {"a": "1"} and current() is scope
    assert current_attrs() is None


def test_one_scope_in_many_threads():
    shared, barrier, seen = AttrScope(shared="1"), threading.Barrier(4), {}

    def work(n):
        with AttrScope(thread=str(n)), shared:
            barrier.wait()
            seen[n] = current_attrs()
            barrier.wait()
        assert current_attrs() is None

    with AttrScope(main="1"):
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert seen == {n: {"thread": str(n), "shared": "1"} for n in range(4)}


def test_one_scope_in_many_tasks():
    shared = AttrScope(shared="1")

    async def work(n):
        with AttrScope(task=str(n)), shared:
            await asyncio.sleep(0.001 * (5 - n))
            return current_attrs()

    async def gather():
        with AttrScope(outer="o"):
            return await asyncio.gather(*(work(n) for n in range(5)))

    assert asyncio.run(gather()) == [{"outer": "o", "task": str(n), "shared": "1"} for n in range(5)]


def test_suspended_generator_leaves_only_its_own_block():
    def attrs():
        with AttrScope(generator="1"):
            yield current_attrs()

    generator = attrs()
    with AttrScope(outer="1"):
        assert next(generator) == {"outer": "1", "generator": "1"}
        generator.close()
        assert current_attrs() == {"outer": "1"}
    assert current_attrs() is None


@pytest.mark.parametrize("value", [1, 2.5, None, (1,), b"x"])
def test_a_value_that_is_not_text_is_named(value):
    with pytest.raises(ValueError, match="attribute 'good_key': the value must be text"):
        AttrScope(fine="x", good_key=value)


def test_a_subclass_decides_itself():
    class Upper(AttrScope):
        def get(self, attr):
            return {k.upper(): v for k, v in super().get(attr).items()}

    with AttrScope(outer="1"), Upper(inner="2"):
        assert current_attrs() == {"OUTER": "1", "INNER": "2"}
        assert merge({"own": "3"}) == {"OUTER": "1", "INNER": "2", "OWN": "3"}
    with Upper():
        assert current_attrs() is None


def test_reached_as_mxnet_scripts_reach_it():
    with AttrScope(a="1") as scope:
        assert AttrScope.current is scope is AttrScope._current.value
        assert AttrScope.current.get({"b": "2"}) == {"a": "1", "b": "2"}
        AttrScope.current = AttrScope(c="3")
        assert current_attrs() == {"c": "3"}
    assert current_attrs() is None


def test_left_after_an_error():
    with pytest.raises(ZeroDivisionError), AttrScope(a="1"):
        1 / 0
    assert current_attrs() is None
