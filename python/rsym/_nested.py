"""Nested lists of arrays or symbols, as control flow takes and gives them."""

__all__ = ["flatten", "regroup", "parts_of"]


def parts_of(value):
    """The outputs of a symbol, or the array itself: what one place in a nested list stands for."""
    return list(value) if hasattr(value, "list_outputs") else [value]


def flatten(value, kind, what):
    """The leaves of a nested list, and its form.

    Parameters
    ----------
    value : kind, or nested lists or tuples of it
        A symbol with several outputs counts as the list of them.
    kind : class
    what : str
        What `value` is, for messages.

    Returns
    -------
    leaves : list of kind
    form : None or list
        None for a leaf, and for a list the forms of its items.

    Raises
    ------
    AssertionError
        For anything else in the list.

    Examples
    --------
    >>> flatten([1, [2, 3]], int, "numbers")
    ([1, 2, 3], [None, [None, None]])
    """
    if isinstance(value, kind):
        parts = parts_of(value)
        return parts, None if len(parts) == 1 else [None] * len(parts)
    if not isinstance(value, (list, tuple)):
        raise AssertionError("%s must be a %s or a nested list of them, got %r" % (what, kind.__name__, value))
    found = [flatten(item, kind, what) for item in value]
    return [leaf for leaves, _ in found for leaf in leaves], [form for _, form in found]


def regroup(leaves, form):
    """The nested list of a form, its leaves taken from a list.

    Examples
    --------
    >>> regroup([1, 2, 3], [None, [None, None]])
    [1, [2, 3]]
    """
    return _take(iter(leaves), form)


def _take(leaves, form):
    return next(leaves) if form is None else [_take(leaves, part) for part in form]
