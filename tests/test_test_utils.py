"""What the checks of `test_utils` accept and refuse."""

import logging
import os
import sys
import warnings

import numpy as np
import pytest

import rsym as mx
from rsym import test_utils as tu
from rsym.base import MXNetError, NotSupportedForSparseNDArray

F16, F32, F64 = np.float16, np.float32, np.float64


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(7)


def wrong_square():
    """x * x whose gradient lacks its factor 2."""
    x = mx.sym.Variable("x")
    return mx.sym.BlockGrad(x) * x


# tolerances


def test_tolerances_are_mxnets():
    assert tu.default_rtols() == {
        np.dtype(k): v
        for k, v in dict(
            float16=1e-2, float32=1e-4, float64=1e-5, bool=0, int8=0, uint8=0, int32=0, uint32=0, int64=0, uint64=0
        ).items()
    }
    assert [tu.default_atols()[np.dtype(t)] for t in (F16, F32, F64, np.int32)] == [1e-1, 1e-3, 1e-20, 0]
    assert [tu.default_numeric_eps()[np.dtype(t)] for t in (F16, F32, F64)] == [1 / 64, 1 / 512, 1 / 16384]
    assert (tu.get_rtol(), tu.get_atol(), tu.get_etol()) == (1e-5, 1e-20, 0)
    assert (tu.get_rtol(0.5), tu.get_atol(0.25), tu.get_rtol(dtype=F16)) == (0.5, 0.25, 1e-2)


def test_the_coarser_of_two_types_decides():
    one, half = np.ones(2, F32), np.ones(2, F16)
    assert tu.get_tols(one, half, None, None) == (1e-2, 1e-1)
    assert tu.get_tols(one, 1.0, None, None) == (1e-4, 1e-3)
    assert tu.get_tols(one, half, {np.dtype(F16): 0.5}, 0) == (0.5, 0)
    assert tu.get_tols([1, 2], np.ones(2, np.int32), None, None) == (0, 0)


@pytest.mark.parametrize("dtype,fits,fails", [(F64, 1e-6, 1e-4), (F32, 5e-4, 3e-3), (F16, 5e-2, 3e-1)])
def test_default_tolerance_of_each_type(dtype, fits, fails):
    b = np.ones(3, dtype)
    tu.assert_almost_equal(b + dtype(fits), b)
    with pytest.raises(AssertionError, match="exceeds tolerance"):
        tu.assert_almost_equal(b + dtype(fails), b)


# comparison


def test_same_and_almost_equal():
    a = np.array([1.0, 2.0])
    assert tu.same(a, a.copy()) and not tu.same(a, a + 1e-9) and not tu.same(a, a[:1])
    assert tu.almost_equal(a, a + 1e-6) and not tu.almost_equal(a, a + 1e-3)
    assert tu.almost_equal(a, a + 1e-3, threshold=1e-2) and not tu.almost_equal(a, a + 1e-3, threshold=1e-6)
    nan = np.array([np.nan, 2.0])
    assert not tu.almost_equal(nan, nan) and tu.almost_equal(nan, nan, equal_nan=True)
    assert tu.almost_equal_ignore_nan(nan, a) and not tu.almost_equal_ignore_nan(nan, a + 1)


def test_reldiff_is_the_ratio_of_sums():
    assert tu.reldiff(np.array([1.0, 2.0]), np.array([1.0, 3.0])) == pytest.approx(1 / 7)
    assert tu.reldiff(np.zeros(2), np.zeros(2)) == 0
    tu.assert_almost_equal([1.0, 2.0], [1.0, 3.0], threshold=0.2)
    with pytest.raises(AssertionError, match="0.142857"):
        tu.assert_almost_equal([1.0, 2.0], [1.0, 3.0], threshold=0.1)


def test_message_lists_the_worst_elements_first(capsys):
    a = np.arange(6, dtype=F64).reshape(2, 3)
    b = a.copy()
    b[0, 1] += 1
    b[1, 2] += 5
    with pytest.raises(AssertionError) as error:
        tu.assert_almost_equal(a, b, names=("WANT", "GOT"))
    lines = str(error.value).splitlines()
    assert "mismatch 33.3333%: 2 of 6" in lines[0]
    assert "(1, 2), WANT=5.00000000, GOT=10.00000000" in lines[1] and "maximum" in lines[1]
    assert "(0, 1), WANT=1.00000000, GOT=2.00000000" in lines[2]
    assert capsys.readouterr() == ("", "")


def test_message_lists_no_more_than_asked():
    with pytest.raises(AssertionError) as error:
        tu.assert_almost_equal(np.zeros(50), np.ones(50), mismatches=(3, 3))
    assert str(error.value).count("Location of") == 3


@pytest.mark.parametrize(
    "a,b,equal",
    [
        ([np.inf, 1], [np.inf, 1], True),
        ([np.inf, 1], [-np.inf, 1], False),
        ([np.nan, 1], [np.nan, 1], False),
        ([np.nan, 1], [0, 1], False),
        ([], [], True),
    ],
)
def test_special_values(a, b, equal):
    if equal:
        tu.assert_almost_equal(np.array(a, F64), np.array(b, F64))
    else:
        with pytest.raises(AssertionError):
            tu.assert_almost_equal(np.array(a, F64), np.array(b, F64))


def test_nan_equals_nan_when_asked():
    a = np.array([np.nan, 1.0])
    tu.assert_almost_equal(a, a, equal_nan=True)
    tu.assert_allclose(a, a)
    tu.assert_almost_equal_ignore_nan(a, np.array([5.0, 1.0]))
    with pytest.raises(AssertionError):
        tu.assert_almost_equal_ignore_nan(a, np.array([5.0, 2.0]))


def test_shapes():
    tu.assert_almost_equal(np.ones((2, 3)), np.ones(3))
    with pytest.raises(AssertionError, match=r"\(2, 3\) and .* \(3,\)"):
        tu.assert_almost_equal(np.ones((2, 3)), np.ones(3), use_broadcast=False)
    with pytest.raises(AssertionError, match=r"a has shape \(2,\), b has shape \(3,\)"):
        tu.assert_almost_equal(np.ones(2), np.ones(3))


def test_arrays_of_both_kinds_compare():
    values = np.array([[1, 2], [3, 4]], F32)
    array = mx.nd.array(values)
    tu.assert_almost_equal(array, values)
    tu.assert_almost_equal(values, array)
    tu.assert_almost_equal(array, array)
    with pytest.raises(AssertionError, match="mismatch 100"):
        tu.assert_almost_equal(array, array + 1)
    assert tu.same(array, values)


def test_a_share_of_errors_can_be_allowed():
    a, b = np.zeros(100), np.zeros(100)
    b[:5] = 1
    tu.assert_almost_equal_with_err(a, b, etol=0.06)
    for etol in (0.04, 0, None):
        with pytest.raises(AssertionError, match="5 of 100"):
            tu.assert_almost_equal_with_err(a, b, etol=etol)


def test_find_max_violation():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    index, violation = tu.find_max_violation(a, a + [[0, 0], [0.5, 0]], rtol=0.1, atol=0.0)
    assert tuple(index) == (1, 0) and violation == pytest.approx(0.5 / 0.35)


def test_same_array_finds_shared_memory_and_leaves_the_values():
    a = mx.nd.array([1.5, 2.5])
    b, c = a.reshape((2,)), a.copy()
    assert tu.same_array(a, a) and tu.same_array(a, b) and not tu.same_array(a, c)
    assert a.asnumpy().tolist() == [1.5, 2.5] == c.asnumpy().tolist()


def test_assert_exception():
    tu.assert_exception(int, ValueError, "x")
    with pytest.raises(AssertionError, match="did not raise"):
        tu.assert_exception(int, ValueError, "1")
    with pytest.raises(ValueError):
        tu.assert_exception(int, TypeError, "x")


def test_retry_stops_at_the_first_success():
    calls = []

    @tu.retry(5)
    def flaky(limit):
        calls.append(1)
        assert len(calls) >= limit
        return "done"

    assert flaky(3) == "done" and len(calls) == 3
    with pytest.raises(AssertionError):
        flaky(100)
    assert len(calls) == 8
    with pytest.raises(AssertionError):
        tu.retry(0)


# samples


def test_random_shapes_stay_in_their_bounds():
    shapes = [tu.rand_shape_3d(1, 2, 3) for _ in range(200)]
    assert {s[0] for s in shapes} == {1} and {s[1] for s in shapes} == {1, 2} and {s[2] for s in shapes} == {1, 2, 3}
    assert {d for _ in range(100) for d in tu.rand_shape_nd(3, 2, allow_zero_size=True)} == {0, 1, 2}
    assert len(tu.rand_shape_2d()) == 2
    assert all(3 <= x < 5 and 7 <= y < 9 for x, y in (tu.rand_coord_2d(3, 5, 7, 9) for _ in range(50)))


def test_random_arrays():
    one = tu.random_arrays((2, 3))
    a, scalar = tu.random_arrays((4,), ())
    assert one.shape == (2, 3) and one.dtype == F32 and a.shape == (4,) and scalar.shape == ()
    big = tu.random_arrays((100, 100))
    assert abs(big.mean()) < 0.05 and abs(big.std() - 1) < 0.05
    (uniform,) = tu.random_uniform_arrays((1000,), low=2, high=3, dtype=F64)
    assert uniform.dtype == F64 and 2 <= uniform.min() and uniform.max() < 3
    with pytest.raises(TypeError):
        tu.random_uniform_arrays((2,), lower=1)


def test_random_sample_draws_without_repetition():
    population = list(range(20))
    drawn = tu.random_sample(population, 20)
    assert sorted(drawn) == population and drawn != population == list(range(20))
    assert len(set(tu.random_sample(population, 5))) == 5
    with pytest.raises(AssertionError):
        tu.random_sample(population, 21)


def test_rand_ndarray():
    array = tu.rand_ndarray((3, 4), dtype=F64)
    assert array.shape == (3, 4) and array.dtype == F64 and len(set(array.asnumpy().ravel())) == 12


@pytest.mark.parametrize(
    "call",
    [
        lambda: tu.rand_ndarray((2, 3), "csr"),
        lambda: tu.rand_sparse_ndarray((2, 3), "row_sparse", density=0.5),
        lambda: tu.create_sparse_array((2, 3), "csr"),
        lambda: tu.create_sparse_array_zd((2, 3), "csr", 0.5),
        lambda: tu.compare_optimizer(None, None, (2, 3), F32, w_stype="row_sparse"),
    ],
)
def test_sparse_arrays_are_refused(call):
    with pytest.raises(NotSupportedForSparseNDArray, match="dense") as error:
        call()
    assert isinstance(error.value, MXNetError)


def test_assign_each():
    a, b = np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 40]])
    assert tu.assign_each(a, lambda x: x * x).tolist() == [[1, 4], [9, 16]]
    assert tu.assign_each2(a, b, lambda x, y: y - x).tolist() == [[9, 18], [27, 36]]
    copied = tu.assign_each(a, None)
    copied[0, 0] = 5
    assert a[0, 0] == 1 and tu.assign_each2(a, b, None).tolist() == a.tolist()


# matrices


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), [1], ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_np_reduce_is_numpys_reduction(axis, keepdims):
    dat = np.random.rand(2, 3, 4)
    want = dat.max(axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    assert np.array_equal(tu.np_reduce(dat, axis, keepdims, np.max), want)


def test_collapse_sum_like():
    a = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(tu.collapse_sum_like(a, (3, 1)), a.sum(axis=(0, 2)).reshape(3, 1))
    assert np.array_equal(tu.collapse_sum_like(a, a.shape), a)
    assert tu.collapse_sum_like(np.zeros((2, 0)), (1, 0)).shape == (1, 0)
    with pytest.raises(AssertionError):
        tu.collapse_sum_like(a, (3, 2))


def test_random_matrices_have_their_property():
    q = tu.new_orthonormal_matrix_2d(5)
    np.testing.assert_allclose(q @ q.T, np.eye(5), atol=1e-10)
    symmetric = tu.new_sym_matrix_with_real_eigvals_nd((2, 3, 4, 4))
    np.testing.assert_allclose(symmetric, symmetric.swapaxes(-1, -2), atol=1e-9)
    real = tu.new_matrix_with_real_eigvals_nd((3, 5, 5))
    eigenvalues = np.linalg.eigvals(real)
    assert np.abs(eigenvalues.imag).max() < 1e-6 and np.abs(eigenvalues).max() <= 10 + 1e-6
    assert tu.new_matrix_with_real_eigvals_nd((2, 2)).shape == (2, 2)


def test_identities_and_ranges():
    assert np.array_equal(tu.get_identity_mat(3).asnumpy(), np.eye(3))
    assert np.array_equal(tu.get_identity_mat_batch(3).asnumpy(), np.stack([np.eye(3)] * 2))
    assert tu.create_vector(4).asnumpy().tolist() == [0, 1, 2, 3]


# statistics


def test_buckets_of_equal_probability():
    buckets, probs = tu.gen_buckets_probs_with_ppf(lambda p: p * p, 4)
    assert buckets == [(0, 0.0625), (0.0625, 0.25), (0.25, 0.5625), (0.5625, 1)] and probs == [0.25] * 4


def test_mean_and_variance_checks():
    def normal(n):
        return np.random.default_rng(1).normal(1.0, 2.0, n)

    assert tu.mean_check(normal, 1.0, 2.0, 10000) and not tu.mean_check(normal, 1.1, 2.0, 10000)
    assert tu.var_check(normal, 2.0, 10000) and not tu.var_check(normal, 2.1, 10000)


def test_chi_square_tells_distributions_apart():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    buckets, probs = tu.gen_buckets_probs_with_ppf(stats.norm.ppf, 5)
    p, observed, expected = tu.chi_square_check(lambda n: rng.normal(size=n), buckets, probs, 10000)
    assert observed.sum() == 10000 and expected.tolist() == [2000] * 5
    assert p == pytest.approx(stats.chisquare(observed, expected).pvalue)
    tu.verify_generator(lambda n: rng.normal(size=n), buckets, probs, 10000)
    with pytest.raises(AssertionError, match="Chi-square|chi-square"):
        tu.verify_generator(lambda n: rng.normal(0.2, 1, n), buckets, probs, 10000)

    def dice(n):
        return rng.integers(1, 4, n)

    assert tu.verify_generator(dice, [1, 2, 3], [1 / 3] * 3, 9000)
    with pytest.raises(AssertionError):
        tu.chi_square_check(dice, [(0, 2), (1, 3)], [0.5, 0.5], 100)


# environment


def test_environment_comes_back(monkeypatch):
    monkeypatch.setenv("RSYM_A", "a")
    monkeypatch.delenv("RSYM_B", raising=False)
    with pytest.raises(ZeroDivisionError), tu.environment({"RSYM_A": None, "RSYM_B": "b"}):
        assert "RSYM_A" not in os.environ and os.environ["RSYM_B"] == "b"
        1 / 0
    assert os.environ["RSYM_A"] == "a" and "RSYM_B" not in os.environ
    assert tu.set_env_var("RSYM_A", "z") == "a" and tu.getenv("RSYM_A") == "z"


def test_discard_stderr_silences_native_code_too(capfd):
    with tu.discard_stderr():
        os.write(2, b"hidden")
        print("hidden", file=sys.stderr)
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"


def test_download_takes_what_is_there_and_leaves_nothing_half_done(tmp_path):
    source = tmp_path / "source.txt"
    source.write_text("data")
    got = tu.download(source.as_uri(), "got.txt", str(tmp_path / "deep" / "folder"))
    assert open(got).read() == "data"
    source.write_text("other")
    assert open(tu.download(source.as_uri(), got)).read() == "data"
    assert open(tu.download(source.as_uri(), got, overwrite=True)).read() == "other"
    with pytest.raises(OSError):
        tu.download((tmp_path / "missing").as_uri(), str(tmp_path / "missing.txt"), retries=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "source.txt"]


def test_dummy_iter_repeats_the_first_batch():
    class Batches:
        provide_data, provide_label, batch_size = [("data", (2, 3))], [], 2

        def __next__(self):
            return "first"

    dummy = tu.DummyIter(Batches())
    assert next(dummy) == next(iter(dummy)) == dummy.next() == "first" and dummy.batch_size == 2


def test_default_context_can_be_set():
    before = tu.default_context()
    with before:
        tu.set_default_context(mx.cpu(3))
        assert tu.default_context() == mx.cpu(3)
    assert tu.default_context() == before


# symbols


def test_simple_forward():
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    assert tu.simple_forward(x * y, x=a, y=b).tolist() == [[3, 8]]
    both = tu.simple_forward(mx.sym.Group([x + y, x - y]), x=a, y=b)
    assert [o.tolist() for o in both] == [[[4, 6]], [[-2, -2]]]


def test_check_symbolic_forward_by_position_and_by_name():
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    net = mx.sym.elemwise_sub(x, y, name="difference")
    a, b = np.random.rand(3, 4), np.random.rand(3, 4)
    (out,) = tu.check_symbolic_forward(net, [a, b], [a - b])
    assert out.dtype == F32
    tu.check_symbolic_forward(net, {"y": b, "x": a}, {"difference_output": a - b})
    (out,) = tu.check_symbolic_forward(net, [a, b], [a - b], dtype="asnumpy")
    assert out.dtype == F64
    with pytest.raises(AssertionError, match="EXPECTED_difference_output"):
        tu.check_symbolic_forward(net, [a, b], [b - a])
    with pytest.raises(AssertionError, match="relative difference"):
        tu.check_symbolic_forward(net, [a, b], [b - a], check_eps=1e-4)
    with pytest.raises(ValueError, match=r"missing \['y'\], unknown \['z'\]"):
        tu.check_symbolic_forward(net, {"x": a, "z": b}, [a - b])


def test_check_symbolic_backward_in_each_request():
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    a, b, g = (np.random.rand(2, 3) for _ in range(3))
    for request in ("write", "add", {"x": "write", "y": "add"}, ["add", "write"]):
        tu.check_symbolic_backward(x * y, [a, b], [g], [g * b, g * a], grad_req=request, rtol=1e-4, atol=1e-5)
    grads = tu.check_symbolic_backward(x * y, [a, b], [g], {"y": g * a})
    assert list(grads) == ["y"]
    tu.check_symbolic_backward(x * y, [a, b], [g], [g * b, a], grad_req={"x": "write", "y": "null"})
    with pytest.raises(AssertionError, match="EXPECTED_y"):
        tu.check_symbolic_backward(x * y, [a, b], [g], [g * b, g * b])
    with pytest.raises(AssertionError, match="EXPECTED_x"):
        tu.check_symbolic_backward(x * y, [a, b], [g], [g * a, g * a], grad_req="add")
    with pytest.raises(NotSupportedForSparseNDArray):
        tu.check_symbolic_backward(x * y, [a, b], [g], [g * b, g * a], grad_stypes={"x": "csr"})


def test_check_symbolic_backward_of_a_loss_needs_no_head_gradient():
    loss = mx.sym.MakeLoss(mx.sym.square(mx.sym.Variable("x")))
    a = np.random.rand(2, 3)
    tu.check_symbolic_backward(loss, [a], None, [2 * a])


@pytest.mark.parametrize("dtype", [F16, F32, F64])
def test_check_numeric_gradient_in_each_type(dtype):
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    a, b = np.random.uniform(0.5, 1, (2, 3)), np.random.uniform(0.5, 1, (2, 3))
    tu.check_numeric_gradient(mx.sym.tanh(x) * y, [a, b], dtype=dtype, rtol={np.dtype(F64): 1e-4}, atol={np.dtype(F64): 1e-6})


def test_check_numeric_gradient_refuses_a_wrong_gradient():
    a = np.random.uniform(1, 2, (2, 3))
    with pytest.raises(AssertionError, match="NUMERICAL_x.*"):
        tu.check_numeric_gradient(wrong_square(), [a])
    with pytest.raises(AssertionError, match="relative difference"):
        tu.check_numeric_gradient(wrong_square(), {"x": a}, check_eps=1e-2)
    with pytest.raises(AssertionError):
        tu.check_numeric_gradient(wrong_square(), [a], grad_nodes={"x": "add"})


def test_check_numeric_gradient_of_chosen_arguments():
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    a, b = np.random.uniform(1, 2, (2, 3)), np.random.uniform(1, 2, (2, 3))
    net = mx.sym.BlockGrad(x) * y
    tu.check_numeric_gradient(net, [a, b], grad_nodes=["y"])
    tu.check_numeric_gradient(net, [a, b], grad_nodes={"y": "add", "x": "null"})
    with pytest.raises(AssertionError, match="NUMERICAL_x"):
        tu.check_numeric_gradient(net, [a, b])
    with pytest.raises(ValueError):
        tu.check_numeric_gradient(net, [a, b], grad_nodes="y")
    with pytest.raises(AssertionError, match="vanishes"):
        tu.check_numeric_gradient(net, [a, b], numeric_eps=1e-7)


def test_check_numeric_gradient_with_auxiliary_states():
    net = mx.sym.BatchNorm(mx.sym.Variable("x"), fix_gamma=False, name="bn")
    location = [np.random.normal(size=(8, 3)), np.random.uniform(0.5, 1, 3), np.random.normal(size=3)]
    tu.check_numeric_gradient(net, location, [np.zeros(3), np.ones(3)], rtol=0.1, atol=0.05)


def test_numeric_grad_restores_the_arguments():
    x, n = mx.sym.Variable("x"), mx.sym.Variable("n")
    values = {"x": mx.nd.array([[1.0, 2.0]]), "n": mx.nd.array([[3.0, 4.0]])}
    executor = (x * x * n).bind(mx.cpu(), args=values)
    grads = tu.numeric_grad(executor, {"x": np.array([[1.0, 2.0]], F32), "n": np.array([[3, 4]])}, eps=2.0**-6)
    np.testing.assert_allclose(grads["x"], [[6, 16]], rtol=1e-4)
    assert grads["n"].tolist() == [[0, 0]]
    assert executor.arg_dict["x"].asnumpy().tolist() == [[1, 2]]


def test_check_consistency_over_types():
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    runs = [{"ctx": mx.cpu(), "data": (2, 4), "type_dict": {"data": t}} for t in (F32, F64)]
    truth = tu.check_consistency(net, runs)
    assert truth["fc_output"].dtype == F64 and set(truth) == {"data", "fc_weight", "fc_bias", "fc_output"}
    tu.check_consistency(net, runs, grad_req="add", use_uniform=True, tol=1e-3)
    assert list(tu.check_consistency(net, runs, grad_req="null")) == ["fc_output"]


def test_check_consistency_finds_differing_outputs_and_gradients():
    x = mx.sym.Variable("x")
    runs = [{"ctx": mx.cpu(), "x": (2, 4)}] * 2
    same_output = [mx.sym.identity(x * x, name="out"), mx.sym.identity(wrong_square(), name="out")]
    with pytest.raises(AssertionError, match="train of x"):
        tu.check_consistency(same_output, runs)
    tu.check_consistency(same_output, runs, grad_req="null")
    with pytest.raises(AssertionError, match="predict of out_output"):
        tu.check_consistency([mx.sym.identity(x, name="out"), mx.sym.identity(x * 2, name="out")], runs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tu.check_consistency(same_output, runs, raise_on_err=False)
    assert any("train of x" in str(w.message) for w in caught)
    with pytest.raises(AssertionError, match="differ"):
        tu.check_consistency([x * x, mx.sym.Variable("y") * 2], runs)
    with pytest.raises(AssertionError, match="at least two"):
        tu.check_consistency(x * x, runs[:1])


def test_check_speed_gives_seconds():
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    for typ in ("whole", "forward"):
        assert 0 < tu.check_speed(net, N=2, typ=typ, data=(2, 4)) < 5
    location = {"data": np.ones((2, 4)), "fc_weight": np.ones((3, 4)), "fc_bias": np.ones(3)}
    assert 0 < tu.check_speed(net, location, N=1) < 5
    with pytest.raises(ValueError, match="whole"):
        tu.check_speed(net, typ="backward", data=(2, 4))


def test_same_symbol_structure():
    x = mx.sym.Variable("x")
    assert tu.same_symbol_structure(mx.sym.exp(x), mx.sym.exp(mx.sym.Variable("other")))
    assert not tu.same_symbol_structure(mx.sym.exp(x), mx.sym.log(x))
    assert not tu.same_symbol_structure(x, mx.sym.log(x))


# mxnet.util


def test_np_shape_is_a_mark_that_blocks_restore():
    from rsym import util

    assert util.is_np_shape() is False
    with util.np_shape(True):
        with util.np_shape(False):
            assert util.is_np_shape() is False
        assert util.is_np_shape() is True
    assert util.use_np_shape(util.is_np_shape)() is True
    assert util.set_np_shape(True) is False and util.set_np_shape(False) is True


def test_numpy_arrays_are_refused_when_asked_for():
    from rsym import util

    @util.use_np
    def later():
        return 1

    for ask in (later, util.set_np, lambda: util.np_array().__enter__()):
        with pytest.raises(MXNetError, match="mx.np"):
            ask()
    with util.np_array(False):
        assert util.is_np_array() is False
    util.reset_np()


def test_util_odds(tmp_path, monkeypatch):
    from rsym import util

    util.makedirs(str(tmp_path / "a" / "b"))
    util.makedirs(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir() and util.get_gpu_count() == 0
    monkeypatch.setenv("RSYM_C", "1")
    util.setenv("RSYM_C", None)
    assert util.getenv("RSYM_C") is None
    assert util.default_array([1, 2]).asnumpy().tolist() == [1, 2]
    with pytest.raises(ValueError):
        util.get_cuda_compute_capability(mx.cpu())


def test_star_import_gives_what_old_tests_take_from_it():
    names = {}
    exec("from rsym.test_utils import *", names)
    assert names["np"] is np and names["logging"] is logging and names["sys"] is sys
    assert {"assert_almost_equal", "reldiff", "default_context", "environment", "array", "npt"} <= set(names)
