"""Special matrices and NumPy reductions that tests compare with."""

import numpy as np

from .. import ndarray as nd

__all__ = [
    "np_reduce",
    "collapse_sum_like",
    "create_2d_tensor",
    "create_vector",
    "get_identity_mat",
    "get_identity_mat_batch",
    "new_matrix_with_real_eigvals_2d",
    "new_matrix_with_real_eigvals_nd",
    "new_orthonormal_matrix_2d",
    "new_sym_matrix_with_real_eigvals_2d",
    "new_sym_matrix_with_real_eigvals_nd",
]


def np_reduce(dat, axis, keepdims, numpy_reduce_func):
    """Reduce over several axes with a NumPy function that takes one.

    Parameters
    ----------
    dat : numpy.ndarray
    axis : None, int or sequence of int
        None for all.
    keepdims : bool
        Whether reduced axes stay, with length 1.
    numpy_reduce_func : function
        Such as ``numpy.sum``; called with ``axis=``.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> np_reduce(np.ones((2, 3, 4)), (0, 2), True, np.sum).tolist()
    [[[8.0], [8.0], [8.0]]]
    """
    axes = range(dat.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted({a % dat.ndim for a in axes}, reverse=True)
    result = dat
    for a in axes:
        result = numpy_reduce_func(result, axis=a)
    if keepdims:
        result = result.reshape([1 if i in axes else n for i, n in enumerate(dat.shape)])
    return result


def collapse_sum_like(a, shape):
    """Sum `a` down to a shape that broadcasts to its own.

    Parameters
    ----------
    a : numpy.ndarray
    shape : tuple of int

    Returns
    -------
    numpy.ndarray
    """
    lead = a.ndim - len(shape)
    if np.prod(shape) == 0 or a.size == 0:
        return np.zeros(shape, dtype=a.dtype)
    shrunk = [i + lead for i, n in enumerate(shape) if n != a.shape[i + lead]]
    if lead < 0 or any(shape[i - lead] != 1 for i in shrunk):
        raise AssertionError("%s does not broadcast to %s" % (tuple(shape), a.shape))
    return a.sum(axis=(*range(lead), *shrunk)).reshape(shape)


def create_2d_tensor(rows, columns, dtype=np.int64):
    """An NDArray (rows, columns) whose every element is the number of its row."""
    column = nd.arange(0, rows, dtype=dtype).reshape((rows, 1))
    return nd.broadcast_to(column, shape=(rows, columns))


def create_vector(size, dtype=np.int64):
    """An NDArray of 0, 1, ..., size - 1."""
    return nd.arange(0, size, dtype=dtype)


def get_identity_mat(size):
    """The float32 identity matrix as an NDArray (size, size)."""
    return nd.array(np.eye(size, dtype=np.float32))


def get_identity_mat_batch(size):
    """Two float32 identity matrices as an NDArray (2, size, size)."""
    return nd.array(np.stack([np.eye(size, dtype=np.float32)] * 2))


def new_orthonormal_matrix_2d(n):
    """A random orthonormal matrix (n, n)."""
    x = np.random.standard_normal((n, n))
    return np.linalg.qr(x.T @ x)[0]


def new_sym_matrix_with_real_eigvals_2d(n):
    """A random symmetric matrix (n, n) with eigenvalues between -10 and 10."""
    q = new_orthonormal_matrix_2d(n)
    return q.T @ np.diag(np.random.uniform(-10.0, 10.0, n)) @ q


def new_matrix_with_real_eigvals_2d(n):
    """A random matrix (n, n) with real eigenvalues between -10 and 10 and well-conditioned eigenvectors."""
    vectors = _well_conditioned(n)
    return np.linalg.inv(vectors) @ np.diag(np.random.uniform(-10.0, 10.0, n)) @ vectors


def _well_conditioned(n):
    """A reflection times a diagonal of at least a half: condition number at most 2."""
    v = np.random.uniform(-1.0, 1.0, (n, 1))
    v /= np.linalg.norm(v)
    return (np.eye(n) - 2 * v @ v.T) @ np.diag(np.random.uniform(0.5, 1.0, n))


def _batch(shape, matrix):
    count = int(np.prod(shape[:-2]))
    return np.array([matrix(shape[-1]) for _ in range(count)]).reshape(shape)


def new_matrix_with_real_eigvals_nd(shape):
    """`new_matrix_with_real_eigvals_2d` in the last two axes of an array of this shape."""
    return _batch(shape, new_matrix_with_real_eigvals_2d)


def new_sym_matrix_with_real_eigvals_nd(shape):
    """`new_sym_matrix_with_real_eigvals_2d` in the last two axes of an array of this shape."""
    return _batch(shape, new_sym_matrix_with_real_eigvals_2d)
