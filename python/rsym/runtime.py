"""Asking what rsym can do, as `mxnet.runtime` does it.

Examples
--------
>>> Features().is_enabled("CUDA")
False
"""

from dataclasses import dataclass

from . import libinfo

__all__ = ["Feature", "feature_list", "Features"]


@dataclass(frozen=True)
class Feature:
    """Something that a build can do or not.

    Attributes
    ----------
    name : str
    enabled : bool
    """

    name: str
    enabled: bool

    def __repr__(self):
        return "%s %s" % ("✔" if self.enabled else "✖", self.name)


def feature_list():
    """All features.

    Returns
    -------
    list of Feature
    """
    return [Feature(name, enabled) for name, enabled in libinfo.features().items()]


class Features(dict):
    """All features by name."""

    def __init__(self):
        super().__init__((feature.name, feature) for feature in feature_list())

    def __repr__(self):
        return str(list(self.values()))

    def is_enabled(self, feature_name):
        """Whether a feature is there.

        Parameters
        ----------
        feature_name : str
            In letters of either case.

        Returns
        -------
        bool

        Raises
        ------
        RuntimeError
            For a name that is no feature; all names are told.
        """
        feature = self.get(feature_name.upper())
        if feature is None:
            raise RuntimeError("Feature '%s' is unknown, known features are: %s" % (feature_name, ", ".join(self)))
        return feature.enabled
