"""Methods of arrays that give the same memory under another shape, or hand it to others."""

import operator

from ..base import ArgumentError


class Views:
    """The part of `NDArray` that changes shapes in place and lends memory."""

    __slots__ = ()

    def flatten(self, inplace=False):
        """The array with all dimensions but the first made one, as the operator `Flatten` gives it.

        Parameters
        ----------
        inplace : bool, default False
            Whether the result shares the memory.

        Examples
        --------
        >>> import rsym as mx
        >>> mx.nd.zeros((2, 3, 4)).flatten(inplace=True).shape
        (2, 12)
        """
        return self.reshape((0, -1)) if inplace else _functions().flatten(self)

    def expand_dims(self, axis, inplace=False):
        """The array with a dimension of 1 at place `axis` of the result, as the operator `expand_dims` gives it.

        Parameters
        ----------
        axis : int
            From ``-ndim - 1`` to `ndim`.
        inplace : bool, default False
            Whether the result shares the memory.

        Raises
        ------
        ValueError
            (an MXNetError) if `inplace` and there is no such place.
        """
        if not inplace:
            return _functions().expand_dims(self, axis=axis)
        (place,) = _places("expand_dims", (axis,), self.ndim + 1)
        return self._view(self.shape[:place] + (1,) + self.shape[place:])

    def squeeze(self, axis=None, inplace=False):
        """The array without dimensions of 1, as the operator `squeeze` gives it; one dimension is always left.

        Parameters
        ----------
        axis : int or tuple of int, optional
            The dimensions to leave out; by default all of 1.
        inplace : bool, default False
            Whether the result shares the memory.

        Raises
        ------
        ValueError
            (an MXNetError) if `inplace` and a dimension of `axis` is not 1, or does not exist.
        """
        if not inplace:
            return _functions().squeeze(self, axis=axis)
        given = range(self.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
        places = _places("squeeze", given, self.ndim)
        if axis is not None and any(self.shape[place] != 1 for place in places):
            raise ArgumentError("squeeze: the dimensions %s of the shape %s are not all 1" % (given, self.shape))
        kept = tuple(n for place, n in enumerate(self.shape) if n != 1 or place not in places)
        return self._view(kept or (1,))

    @property
    def writable(self):
        """True: every array can be written."""
        return True

    def to_dlpack_for_read(self):
        """A DLPack capsule that shares the memory, to be read; see `rsym.ndarray.to_dlpack_for_read`."""
        return _functions().to_dlpack_for_read(self)

    def to_dlpack_for_write(self):
        """A DLPack capsule that shares the memory, to be written; see `rsym.ndarray.to_dlpack_for_write`."""
        return _functions().to_dlpack_for_write(self)


def _places(what, axes, ndim):
    """The axes counted from the left."""
    found = [operator.index(axis) for axis in axes]
    for axis in found:
        if not -ndim <= axis < ndim:
            raise ArgumentError("%s: axis must be from %d to %d, got %d" % (what, -ndim, ndim - 1, axis))
    return [axis % ndim for axis in found]


def _functions():
    from .. import ndarray

    return ndarray
