"""Short programs against `mx`, run under MXNet to record and under rsym to compare.

A snippet is a function of `mx` that returns what JSON can hold. `@snippet` registers it: MXNet's answer is the reference.
`@seed(value)` registers one where the document that rsym follows wins over MXNet: the value is the reference.
"""

import importlib

from .support import SNIPPETS, Snippet

MODULES = ("names", "outputs", "attributes", "graphs", "inference", "compose", "errors", "files")


def snippets():
    """Every snippet by its id, in the order of the modules."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
    return dict(SNIPPETS)


def run(mx, one):
    """The answer of a snippet, with automatic names counted from zero."""
    with mx.name.NameManager():
        return one.function(mx)


__all__ = ["Snippet", "run", "snippets"]
