"""Linear algebra, Fourier transforms and densities against NumPy, SciPy and differences."""

import numpy as np
import pytest
from scipy import stats

import rsym as mx
from rsym import test_utils as tu

RNG = np.random.RandomState(3)


def nd(array, dtype="float64"):
    return mx.nd.array(array, dtype=dtype)


def definite(n, batch=()):
    a = RNG.standard_normal((*batch, n, n))
    return a @ a.swapaxes(-1, -2) + n * np.eye(n)


@pytest.mark.parametrize("n", [1, 7, 64, 150])
@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_factors_are_those_of_numpy(n, lower):
    a = definite(n, (2,))
    want = np.linalg.cholesky(a)
    got = mx.nd.linalg.potrf(nd(a), lower=lower).asnumpy()
    np.testing.assert_allclose(got, want if lower else want.swapaxes(-1, -2), rtol=1e-10, atol=1e-12)
    inverse = mx.nd.linalg.potri(nd(got), lower=lower).asnumpy()
    np.testing.assert_allclose(inverse @ a, np.broadcast_to(np.eye(n), a.shape), atol=1e-10)


@pytest.mark.parametrize("dtype, tol", [("float32", 2e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("n", [1, 20, 130])
def test_inverses_and_determinants_are_those_of_numpy(n, dtype, tol):
    a = (RNG.standard_normal((3, n, n)) / np.sqrt(n) + 2 * np.eye(n)).astype(dtype)
    inverse = mx.nd.linalg.inverse(nd(a, dtype)).asnumpy()
    np.testing.assert_allclose(inverse, np.linalg.inv(a.astype("float64")), rtol=tol, atol=tol)
    sign, log = mx.nd.linalg.slogdet(nd(a, dtype))
    want = np.linalg.slogdet(a.astype("float64"))
    np.testing.assert_allclose(sign.asnumpy(), want[0])
    np.testing.assert_allclose(log.asnumpy(), want[1], rtol=tol, atol=tol)
    if n < 100:
        det = mx.nd.linalg.det(nd(a, dtype)).asnumpy()
        np.testing.assert_allclose(det, np.linalg.det(a.astype("float64")), rtol=tol)


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (40, 40), (2, 33, 70)])
def test_lq_factors(shape):
    a = RNG.standard_normal(shape)
    q, l = (x.asnumpy() for x in mx.nd.linalg.gelqf(nd(a)))
    np.testing.assert_allclose(l @ q, a, atol=1e-12)
    np.testing.assert_allclose(q @ q.swapaxes(-1, -2), np.broadcast_to(np.eye(shape[-2]), l.shape), atol=1e-12)
    assert (np.triu(l, 1) == 0).all()


@pytest.mark.parametrize("n", [1, 6, 80])
def test_eigenvalues_are_those_of_numpy(n):
    a = RNG.standard_normal((2, n, n))
    a = a + a.swapaxes(-1, -2)
    u, values = (x.asnumpy() for x in mx.nd.linalg.syevd(nd(a)))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(a), atol=1e-10)
    np.testing.assert_allclose(u.swapaxes(-1, -2) @ (values[..., None] * u), a, atol=1e-10)


@pytest.mark.parametrize("call", ["potrf", "inverse"])
def test_bad_matrices_are_named(call):
    a = np.stack([np.eye(2), [[1.0, 2.0], [2.0, 4.0]]])
    with pytest.raises(mx.MXNetError, match="matrix 1 of the batch is not"):
        getattr(mx.nd.linalg, call)(nd(a)).wait_to_read()


@pytest.mark.parametrize("name", ["potrf", "potri", "inverse", "det", "sumlogdiag", "syrk"])
def test_gradients_agree_with_differences(name):
    x = mx.sym.Variable("x")
    square = mx.sym.linalg.syrk(x) + mx.sym.Variable("shift")
    inner = square if name == "potrf" else mx.sym.linalg.potrf(square)
    sym = getattr(mx.sym.linalg, name)(inner)
    data = {"x": RNG.standard_normal((2, 3, 3)), "shift": 3 * np.broadcast_to(np.eye(3), (2, 3, 3))}
    tu.check_numeric_gradient(sym, data, grad_nodes=["x"], dtype=np.float64, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("output", [0, 1])
def test_gradients_of_factorisations_agree_with_differences(output):
    x = mx.sym.Variable("x")
    data = {"x": RNG.standard_normal((3, 4))}
    tu.check_numeric_gradient(mx.sym.linalg.gelqf(x)[output], data, dtype=np.float64, rtol=1e-4, atol=1e-6)
    sym = mx.sym.linalg.syevd(x + mx.sym.transpose(x))[output]
    data = {"x": RNG.standard_normal((3, 3)) + np.diag([0.0, 4.0, 8.0])}
    tu.check_numeric_gradient(sym, data, dtype=np.float64, rtol=1e-4, atol=1e-6)


def test_gradients_are_added():
    a, b = mx.sym.Variable("a"), mx.sym.Variable("b")
    sym = mx.sym.linalg.gemm2(a, b)
    args = {"a": nd(RNG.standard_normal((2, 3))), "b": nd(RNG.standard_normal((3, 2)))}
    grads = {"a": nd(np.ones((2, 3))), "b": nd(np.zeros((3, 2)))}
    bound = sym.bind(mx.cpu(), args, args_grad=grads, grad_req={"a": "add", "b": "null"})
    bound.forward(is_train=True)
    bound.backward(nd(np.ones((2, 2))))
    want = 1 + np.ones((2, 2)) @ args["b"].asnumpy().T
    np.testing.assert_allclose(grads["a"].asnumpy(), want, rtol=1e-12)
    assert (grads["b"].asnumpy() == 0).all()


@pytest.mark.parametrize("shape", [(3, 1), (2, 8), (1, 2, 3, 15)])
def test_fft_is_that_of_numpy_in_pairs(shape):
    x = RNG.standard_normal(shape)
    out = mx.nd.contrib.fft(nd(x))
    want = np.fft.fft(x)
    np.testing.assert_allclose(out.asnumpy()[..., ::2], want.real, atol=1e-12)
    np.testing.assert_allclose(out.asnumpy()[..., 1::2], want.imag, atol=1e-12)
    np.testing.assert_allclose(mx.nd.contrib.ifft(out).asnumpy() / shape[-1], x, atol=1e-12)


def test_densities_are_those_of_scipy_and_integrate_to_their_gradients():
    x = RNG.uniform(0.1, 3, (2, 50))
    a, b = np.array([1.5, 0.75]), np.array([2.5, 1.25])
    got = mx.nd.random_pdf_gamma(nd(x), nd(a), nd(b)).asnumpy()
    np.testing.assert_allclose(got, stats.gamma.pdf(x, a[:, None], scale=1 / b[:, None]), rtol=1e-10)
    got = mx.nd.random_pdf_normal(nd(x), nd(a), nd(b), is_log=True).asnumpy()
    np.testing.assert_allclose(got, stats.norm.logpdf(x, a[:, None], b[:, None]), rtol=1e-10)
    sym = mx.sym.random_pdf_gamma(*(mx.sym.Variable(n) for n in "xab"))
    tu.check_numeric_gradient(sym, {"x": x[:, :4], "a": a, "b": b}, dtype=np.float64, rtol=1e-4, atol=1e-6)


def test_unique_zipfian_numbers_follow_the_seed():
    def draw():
        mx.random.seed(7)
        return [x.asnumpy() for x in mx.nd._internal._sample_unique_zipfian(range_max=1000, shape=(3, 50))]

    (numbers, tries), again = draw(), draw()
    assert all(np.unique(row).size == 50 for row in numbers) and numbers.dtype == np.int64
    assert (tries >= 50).all() and numbers.min() >= 0 and numbers.max() < 1000
    np.testing.assert_array_equal(numbers, again[0])
    assert not np.array_equal(numbers[0], numbers[1])
