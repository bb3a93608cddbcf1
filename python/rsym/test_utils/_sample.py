"""Random shapes and arrays, from NumPy's global generator: `numpy.random.seed` decides about them."""

import numpy as np

from .. import ndarray as nd
from ..base import NotSupportedForSparseNDArray
from ._tolerance import default_context, default_dtype

__all__ = [
    "random_arrays",
    "random_uniform_arrays",
    "random_sample",
    "rand_shape_2d",
    "rand_shape_3d",
    "rand_shape_nd",
    "rand_coord_2d",
    "rand_ndarray",
    "rand_sparse_ndarray",
    "create_sparse_array",
    "create_sparse_array_zd",
    "shuffle_csr_column_indices",
    "assign_each",
    "assign_each2",
]


def random_arrays(*shapes):
    """Normally distributed float32 arrays.

    Parameters
    ----------
    *shapes : tuple of int
        ``()`` gives an array of no dimensions.

    Returns
    -------
    numpy.ndarray or list of numpy.ndarray
        The array itself for one shape.
    """
    arrays = [np.random.standard_normal(shape).astype(default_dtype()) if shape else _scalar() for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def _scalar():
    return np.array(np.random.standard_normal(), dtype=default_dtype())


def random_uniform_arrays(*shapes, low=0.0, high=1.0, dtype=None):
    """Uniformly distributed arrays.

    Parameters
    ----------
    *shapes : tuple of int
    low, high : float
    dtype : dtype, default float32

    Returns
    -------
    list of numpy.ndarray
    """
    return [np.random.uniform(low, high, size=shape).astype(dtype or default_dtype()) for shape in shapes]


def random_sample(population, k):
    """`k` different elements of a sequence, in random order.

    Parameters
    ----------
    population : sequence
    k : int
        At most its length.

    Returns
    -------
    list
    """
    if not 0 <= k <= len(population):
        raise AssertionError("cannot draw %d of %d elements" % (k, len(population)))
    return [population[i] for i in np.random.permutation(len(population))[:k]]


def _dimension(largest, allow_zero_size):
    return int(np.random.randint(0 if allow_zero_size else 1, largest + 1))


def rand_shape_2d(dim0=10, dim1=10, allow_zero_size=False):
    """A random shape of two dimensions, each between 1 (or 0) and the given number, which is included."""
    return tuple(_dimension(d, allow_zero_size) for d in (dim0, dim1))


def rand_shape_3d(dim0=10, dim1=10, dim2=10, allow_zero_size=False):
    """A random shape of three dimensions, see `rand_shape_2d`."""
    return tuple(_dimension(d, allow_zero_size) for d in (dim0, dim1, dim2))


def rand_shape_nd(num_dim, dim=10, allow_zero_size=False):
    """A random shape of `num_dim` dimensions, each between 1 (or 0) and `dim`.

    Examples
    --------
    >>> len(rand_shape_nd(4, dim=3)), max(rand_shape_nd(4, dim=3)) <= 3
    (4, True)
    """
    return tuple(_dimension(dim, allow_zero_size) for _ in range(num_dim))


def rand_coord_2d(x_low, x_high, y_low, y_high):
    """A random point ``x_low <= x < x_high``, ``y_low <= y < y_high`` of int64."""
    return np.random.randint(x_low, x_high, dtype=np.int64), np.random.randint(y_low, y_high, dtype=np.int64)


def rand_ndarray(
    shape,
    stype="default",
    density=None,
    dtype=None,
    modifier_func=None,
    shuffle_csr_indices=False,
    distribution=None,
    ctx=None,
):
    """A normally distributed NDArray.

    Parameters
    ----------
    shape : tuple of int
    stype : str
        ``'default'``; rsym's arrays are dense.
    dtype : dtype, default float32
    ctx : Context, optional
    density, modifier_func, shuffle_csr_indices, distribution
        Of sparse arrays alone.

    Returns
    -------
    NDArray

    Raises
    ------
    NotSupportedForSparseNDArray
        (an MXNetError) for another `stype`.
    """
    if stype != "default":
        raise NotSupportedForSparseNDArray(rand_ndarray, stype)
    return nd.array(random_arrays(shape), dtype=dtype, ctx=ctx or default_context())


def rand_sparse_ndarray(shape, stype, *args, **kwargs):
    """NotSupportedForSparseNDArray: rsym's arrays are dense."""
    raise NotSupportedForSparseNDArray(rand_sparse_ndarray, stype)


def create_sparse_array(shape, stype, *args, **kwargs):
    """NotSupportedForSparseNDArray: rsym's arrays are dense."""
    raise NotSupportedForSparseNDArray(create_sparse_array, stype)


def create_sparse_array_zd(shape, stype, *args, **kwargs):
    """NotSupportedForSparseNDArray: rsym's arrays are dense."""
    raise NotSupportedForSparseNDArray(create_sparse_array_zd, stype)


def shuffle_csr_column_indices(csr):
    """NotSupportedForSparseNDArray: rsym's arrays are dense."""
    raise NotSupportedForSparseNDArray(shuffle_csr_column_indices, "csr")


def assign_each(the_input, function):
    """A float64 array of ``function(x)`` for every element; a copy if there is no function.

    Parameters
    ----------
    the_input : numpy.ndarray
    function : function of one number, or None

    Returns
    -------
    numpy.ndarray
    """
    if function is None:
        return np.array(the_input)
    return _mapped(function, the_input)


def assign_each2(input1, input2, function):
    """A float64 array of ``function(x, y)`` for every pair of elements; a copy of `input1` if there is no function.

    Parameters
    ----------
    input1, input2 : numpy.ndarray of one shape
    function : function of two numbers, or None

    Returns
    -------
    numpy.ndarray
    """
    if function is None:
        return np.array(input1)
    if input1.shape != input2.shape:
        raise AssertionError("shapes %s and %s differ" % (input1.shape, input2.shape))
    return _mapped(function, input1, input2)


def _mapped(function, *arrays):
    output = np.zeros(arrays[0].shape)
    for index in np.ndindex(output.shape):
        output[index] = function(*(array[index] for array in arrays))
    return output
