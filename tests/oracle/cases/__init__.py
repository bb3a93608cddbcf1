"""The table of cases: one module per family, each with its list `CASES`."""

import importlib

from .table import numbered

FAMILIES = (
    "dense",
    "convolution",
    "pooling",
    "detection",
    "normalization",
    "activation",
    "loss",
    "unary",
    "binary",
    "reduce",
    "shape",
    "index",
    "create",
    "image",
    "network",
    "control",
    "linalg",
    "contrib",
    "picture",
    "optimizer",
    "recurrent",
    "random",
    "published",
)


def family(name):
    """The cases of one family, with unique ids."""
    return numbered(importlib.import_module(f"{__name__}.{name}").CASES)
