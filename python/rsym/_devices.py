"""How a batch is spread over devices and gathered again."""

from . import ndarray as nd
from .context import Context
from .ndarray import NDArray

__all__ = ["split_batch", "cut", "merged", "copy_in", "groups_of_devices"]


def split_batch(batch_size, work_load_list):
    """The examples of each device, in proportion to its work load.

    Parameters
    ----------
    batch_size : int
    work_load_list : list of float

    Returns
    -------
    list of slice

    Raises
    ------
    ValueError
        If a device would have no example.

    Examples
    --------
    >>> split_batch(10, [1, 2, 2])
    [slice(0, 2, None), slice(2, 6, None), slice(6, 10, None)]
    """
    total = sum(work_load_list)
    sizes = [round(load * batch_size / total) for load in work_load_list]
    sizes[-1] += max(0, batch_size - sum(sizes))
    ends = [min(sum(sizes[: i + 1]), batch_size) for i in range(len(sizes))]
    parts = [slice(begin, end) for begin, end in zip([0, *ends], ends)]
    if any(part.start >= part.stop for part in parts):
        raise ValueError(
            "a batch of %d examples is too small for %d devices with work loads %s: some would have none; "
            "use a larger batch or fewer devices" % (batch_size, len(sizes), list(work_load_list))
        )
    return parts


def cut(array, axis, part):
    """The slice `part` of an array along an axis; the array itself where that is all, or where `axis` is negative."""
    if axis < 0 or (part.start == 0 and part.stop == array.shape[axis]):
        return array
    if not isinstance(array, NDArray):
        return array[(slice(None),) * axis + (part,)]
    if axis == 0:
        return array._rows(part.start, part.stop)
    return nd.slice_axis(array, axis=axis, begin=part.start, end=part.stop)


def merged(parts, axis):
    """The arrays of all devices as one, on the device of the first; the first alone where `axis` is negative."""
    if axis < 0 or len(parts) == 1:
        return parts[0]
    return nd.concat(*(part.as_in_context(parts[0].context) for part in parts), dim=axis)


def copy_in(name, source, target):
    """Writes `source`, an array of NDArray or NumPy, into the array of an executor.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if source is target:
        return
    if source.shape != target.shape:
        raise ValueError("'%s' was bound with shape %s, the batch has %s" % (name, target.shape, source.shape))
    if isinstance(source, NDArray):
        target._assign(source)
    else:
        target[:] = source


def groups_of_devices(group2ctxs, count):
    """For each of `count` devices the contexts of the groups of a model, or None.

    Parameters
    ----------
    group2ctxs : None, list of dict, or dict of str to Context or list of Context
        A single context, or a list of one, is for all devices.

    Examples
    --------
    >>> import rsym as mx
    >>> groups_of_devices({"encoder": mx.cpu(2), "decoder": [mx.cpu(3), mx.cpu(4)]}, 2)
    [{'encoder': cpu(2), 'decoder': cpu(3)}, {'encoder': cpu(2), 'decoder': cpu(4)}]
    """
    if group2ctxs is None:
        return [None] * count
    if isinstance(group2ctxs, (list, tuple)):
        if len(group2ctxs) != count:
            raise ValueError("group2ctxs: expected a dict for each of %d contexts, got %d" % (count, len(group2ctxs)))
        return list(group2ctxs)
    if not isinstance(group2ctxs, dict):
        raise TypeError("group2ctxs: expected a dict or a list of dicts, got %s" % type(group2ctxs))
    spread = {group: _spread(group, contexts, count) for group, contexts in group2ctxs.items()}
    return [{group: contexts[i] for group, contexts in spread.items()} for i in range(count)]


def _spread(group, contexts, count):
    contexts = [contexts] if isinstance(contexts, Context) else list(contexts)
    contexts = contexts * count if len(contexts) == 1 else contexts
    if len(contexts) != count:
        raise ValueError("group2ctxs: expected 1 or %d contexts for group '%s', got %d" % (count, group, len(contexts)))
    return contexts
