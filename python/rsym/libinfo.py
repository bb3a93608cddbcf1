"""The version of rsym and what it can do."""

__all__ = ["__version__", "features"]  # noqa: F822 - see __getattr__

_ON = ("CPU", "INT64_TENSOR_SIZE")
_OFF = (
    "CUDA",
    "CUDNN",
    "NCCL",
    "CUDA_RTC",
    "TENSORRT",
    "OPENMP",
    "SSE",
    "F16C",
    "BLAS_OPEN",
    "BLAS_ATLAS",
    "BLAS_MKL",
    "BLAS_APPLE",
    "LAPACK",
    "MKLDNN",
    "ONEDNN",
    "OPENCV",
    "CAFFE",
    "PROFILER",
    "DIST_KVSTORE",
    "CXX14",
    "SIGNAL_HANDLER",
    "DEBUG",
    "TVM_OP",
)


def _version():
    """The installed package's version; importing `importlib.metadata` is left until somebody asks."""
    from importlib import metadata

    try:
        return metadata.version("rsym")
    except metadata.PackageNotFoundError:
        return "0.1.0"


def __getattr__(name):
    if name == "__version__":
        return _version()
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


def features():
    """What rsym can do, under the names of MXNet's build options.

    Returns
    -------
    dict of str to bool

    Examples
    --------
    >>> features()["CPU"], features()["CUDA"]
    (True, False)
    """
    return {**dict.fromkeys(_OFF, False), **dict.fromkeys(_ON, True)}
