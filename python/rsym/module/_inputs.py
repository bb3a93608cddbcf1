"""Names and shapes of inputs: checked against the symbol, and against one another."""

import operator
import warnings

from ..io import DataDesc

__all__ = ["PARAMETER_ENDINGS", "check_names", "descriptions", "parse_descriptions"]

# How names of parameters end that operators make.
PARAMETER_ENDINGS = ("_weight", "_bias", "_gamma", "_beta")


def check_names(symbol, names, kind, refuse):
    """Says if the symbol lacks an argument: a ValueError, or unless `refuse` a warning.

    Parameters
    ----------
    symbol : Symbol
    names : list of str
    kind : str
        What they are: 'data', 'label', 'state' or 'fixed_param'.
    refuse : bool
    """
    arguments = symbol.list_arguments()
    for name in names:
        if name not in arguments:
            inputs = [a for a in arguments if not a.endswith(PARAMETER_ENDINGS)]
            text = "Module(..., %s_names=%s): the symbol has no argument '%s'; it has %s besides weights"
            _tell(text % (kind, list(names), name, ", ".join(inputs) or "none"), refuse)


def _tell(text, refuse):
    if refuse:
        raise ValueError(text)
    warnings.warn(text, stacklevel=4)


def descriptions(shapes):
    """`DataDesc` objects of (name, shape) pairs or of such objects; None stays None.

    Raises
    ------
    TypeError
        If a shape is no tuple of whole numbers.
    """
    if shapes is None:
        return None
    return [_description(desc) for desc in shapes]


def _description(desc):
    desc = desc if isinstance(desc, DataDesc) else DataDesc(*desc)
    try:
        shape = tuple(map(operator.index, desc.shape))
    except TypeError:
        raise TypeError("'%s': expected a shape such as (64, 784), got %r" % (desc.name, desc.shape)) from None
    return desc if shape == desc.shape else DataDesc(desc.name, shape, desc.dtype, desc.layout)


def parse_descriptions(data_names, label_names, data_shapes, label_shapes):
    """The descriptions of data and labels.

    Raises
    ------
    ValueError
        If the names of the data are not `data_names`, in whatever order. Of labels there is a warning.
    """
    data, labels = descriptions(data_shapes), descriptions(label_shapes)
    _check_match("data", data_names, data, True)
    _check_match("label", label_names, labels or [], False)
    return data, labels


def _check_match(kind, names, found, refuse):
    if sorted(names) != sorted(desc.name for desc in found):
        text = "%s_shapes describes %s, but %s_names are %s"
        _tell(text % (kind, ", ".join(map(str, found)) or "nothing", kind, list(names)), refuse)
