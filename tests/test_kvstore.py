"""Key-value stores on one machine."""

import numpy as np
import pytest

import rsym as mx

SHAPE = (4, 3)


def filled(value, device=0):
    return mx.nd.full(SHAPE, value, ctx=mx.cpu(device))


def pulled(kv, key):
    out = mx.nd.empty(SHAPE)
    kv.pull(key, out=out)
    values = set(out.asnumpy().ravel().tolist())
    assert len(values) == 1
    return values.pop()


@pytest.mark.parametrize("kind", ["local", "device", "local_allreduce_cpu"])
def test_what_is_pushed_is_summed_and_replaces(kind):
    kv = mx.kv.create(kind)
    assert (kv.type, kv.rank, kv.num_workers) == (kind, 0, 1)
    kv.init("w", filled(5))
    assert pulled(kv, "w") == 5
    kv.push("w", [filled(1, d) for d in range(4)])
    kv.push("w", [filled(2, d) for d in range(4)])
    outs = [mx.nd.empty(SHAPE, mx.cpu(d)) for d in range(4)]
    kv.pull("w", out=outs)
    assert all((out.asnumpy() == 8).all() and out.context == mx.cpu(d) for d, out in enumerate(outs))


def test_lists_of_keys():
    kv = mx.kv.create()
    kv.init([3, 5], [filled(1), filled(2)])
    kv.push([3, 5], [[filled(1), filled(1)], [filled(4), filled(4)]])
    outs = [[mx.nd.empty(SHAPE) for _ in range(2)] for _ in range(2)]
    kv.pull([3, 5], out=outs)
    assert [[o.asnumpy()[0, 0] for o in some] for some in outs] == [[2, 2], [8, 8]]
    kv.push([3, 3], [filled(1), filled(2)])
    assert pulled(kv, 3) == 3


def test_what_is_stored_is_nobody_elses():
    kv, value = mx.kv.create(), filled(1)
    kv.init(0, value)
    value[:] = 9
    assert pulled(kv, 0) == 1
    kv.push(0, value)
    value[:] = 7
    assert pulled(kv, 0) == 9


def test_an_updater_gets_the_sum_and_what_is_stored():
    kv, seen = mx.kv.create(), []

    def update(key, pushed, stored):
        seen.append(key)
        stored += 10 * pushed

    kv._set_updater(update)
    kv.init(["a", "b"], [filled(1), filled(2)])
    kv.push(["a", "b"], [[filled(1), filled(1)], [filled(3), filled(0)]])
    assert (pulled(kv, "a"), pulled(kv, "b"), seen) == (21, 32, ["a", "b"])


def test_an_optimizer_on_the_store(tmp_path):
    def store():
        kv = mx.kv.create()
        kv.set_optimizer(mx.optimizer.SGD(learning_rate=0.5, momentum=0.5))
        return kv

    kv = store()
    kv.init([0, 1], [filled(0), filled(1)])
    kv.push([0, 1], [[filled(1), filled(1)], filled(2)])
    assert (pulled(kv, 0), pulled(kv, 1)) == (-1, 0)
    kv.save_optimizer_states(str(tmp_path / "states"))
    again = store()
    again.load_optimizer_states(str(tmp_path / "states"))
    again.init([0, 1], [filled(-1), filled(0)])
    for each in (kv, again):
        each.push([0, 1], [filled(2), filled(2)])
        assert (pulled(each, 0), pulled(each, 1)) == (-2.5, -1.5)
    assert kv.is_capable("optimizer")


def test_pushing_and_pulling_in_one():
    kv = mx.kv.create()
    out = mx.nd.empty(SHAPE)
    kv.broadcast("k", filled(2), out=out)
    assert (out.asnumpy() == 2).all()
    values = [filled(3), filled(4)]
    kv.pushpull("k", values, out=out)
    assert (out.asnumpy() == 7).all()
    kv.pushpull("k", values)
    assert all((v.asnumpy() == 7).all() for v in values)


def test_rows_of_what_is_stored():
    kv = mx.kv.create()
    rows = np.arange(12, dtype="float32").reshape(SHAPE)
    kv.init("e", mx.nd.array(rows))
    outs = [filled(9), filled(9)]
    kv.row_sparse_pull("e", out=outs, row_ids=[mx.nd.array([[1, 3], [3, 1]]), mx.nd.array([0])])
    assert outs[0].asnumpy().tolist() == [[0] * 3, rows[1].tolist(), [0] * 3, rows[3].tolist()]
    assert outs[1].asnumpy().tolist() == [rows[0].tolist(), [0] * 3, [0] * 3, [0] * 3]
    kv.row_sparse_pull("e", out=outs, row_ids=mx.nd.array([2]))
    assert all(out.asnumpy()[2].tolist() == rows[2].tolist() for out in outs)
    with pytest.raises(mx.MXNetError, match="4 rows"):
        kv.row_sparse_pull("e", out=outs[0], row_ids=mx.nd.array([4]))


def test_mistakes_are_told():
    kv = mx.kv.create()
    kv.init(3, filled(0))
    for call in (kv.init, kv.push, kv.pull):
        with pytest.raises(mx.MXNetError, match="type int"):
            call("a", filled(0))
    with pytest.raises(mx.MXNetError, match="already"):
        kv.init(3, filled(0))
    with pytest.raises(mx.MXNetError, match="not been initialised"):
        kv.push(4, filled(0))
    with pytest.raises(mx.MXNetError, match="shape"):
        kv.push(3, mx.nd.zeros((1,)))
    with pytest.raises(AssertionError, match="all int or all str"):
        kv.push([3, "a"], [filled(0), filled(0)])
    with pytest.raises(mx.MXNetError, match="dist_sync"):
        mx.kv.create("dist_sync")
    with pytest.raises(mx.MXNetError, match="compression"):
        kv.set_gradient_compression({"type": "2bit"})
    with pytest.raises(AssertionError, match="set_optimizer"):
        kv.save_optimizer_states("nowhere")


def test_registered_stores_are_made_by_name():
    @mx.kvstore.KVStoreBase.register
    class Mine(mx.kvstore.KVStoreBase):
        pass

    assert type(mx.kv.create("MINE")) is Mine


def test_sums_have_the_same_bits_in_every_order_of_devices():
    arrays = [np.random.RandomState(k).randn(1000).astype("float32") for k in range(5)]
    expected = arrays[0]
    for array in arrays[1:]:
        expected = expected + array
    kv = mx.kv.create("device")
    kv.init("w", mx.nd.zeros((1000,)))
    for _ in range(3):
        kv.push("w", [mx.nd.array(a, ctx=mx.cpu(k)) for k, a in enumerate(arrays)])
        out = mx.nd.empty((1000,))
        kv.pull("w", out=out)
        np.testing.assert_array_equal(out.asnumpy(), expected)


def test_a_push_that_does_not_fit_changes_nothing():
    kv = mx.kv.create()
    kv.init([1, 2], [filled(1), filled(2)])
    with pytest.raises(mx.MXNetError, match="key 2: arrays of float32 and of float64"):
        kv.push([1, 2], [[filled(5)], [filled(5), filled(5).astype("float64")]])
    with pytest.raises(mx.MXNetError, match="key 2 holds shape"):
        kv.push([1, 2], [filled(5), mx.nd.zeros((1,))])
    assert (pulled(kv, 1), pulled(kv, 2)) == (1, 2)
    kv.push(1, [])
    assert pulled(kv, 1) == 1


def test_a_push_without_updater_may_change_the_type():
    kv = mx.kv.create()
    kv.init("w", filled(1))
    kv.push("w", [filled(2).astype("float64"), filled(0.125).astype("float64")])
    out = mx.nd.empty(SHAPE, dtype="float64")
    kv.pull("w", out=out)
    assert (out.asnumpy() == 2.125).all() and kv._stored["w"].dtype == np.float64


def test_the_store_without_optimizer():
    kv = mx.kv.create("teststore")
    outs = [mx.nd.empty(SHAPE), mx.nd.empty(SHAPE)]
    kv.broadcast("k", filled(3), out=outs)
    assert all((out.asnumpy() == 3).all() for out in outs)
    kv.pushpull("k", outs)
    assert all((out.asnumpy() == 6).all() for out in outs)
    assert (kv.type, kv.rank, kv.num_workers, kv.is_capable("optimizer")) == ("teststore", 0, 1, False)
    for call in (kv.set_optimizer, kv.save_optimizer_states, kv.load_optimizer_states):
        with pytest.raises(NotImplementedError):
            call("x")


def test_a_store_names_what_it_lacks():
    with pytest.raises(NotImplementedError, match="TestStore does not define set_optimizer"):
        mx.kv.create("teststore").set_optimizer(None)
    with pytest.raises(NotImplementedError, match="KVStoreBase does not define rank"):
        mx.kv.KVStoreBase().rank  # noqa: B018
