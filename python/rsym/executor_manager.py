"""Functions that older scripts import from here."""

from ._devices import copy_in, split_batch

__all__ = []

_split_input_slice = split_batch


def _check_arguments(symbol):
    """ValueError if a name occurs twice among the arguments or the auxiliary states."""
    for names, what in ((symbol.list_arguments(), "arguments"), (symbol.list_auxiliary_states(), "auxiliary states")):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError("%s of one name: %s; give every variable a name of its own" % (what, ", ".join(twice)))


def _load_data(batch, targets):
    """Writes the data of a batch into arrays, or into lists of (slice, array)."""
    _load(batch.data, targets)


def _load_label(batch, targets):
    """Writes the labels of a batch into arrays, or into lists of (slice, array)."""
    _load(batch.label, targets)


def _load(sources, targets):
    for i, (source, target) in enumerate(zip(sources, targets)):
        for part, array in target if isinstance(target, (list, tuple)) else [(slice(None), target)]:
            copy_in("number %d" % i, source[part], array)
