"""The process around a test: environment variables, devices, stderr, downloads."""

import contextlib
import logging
import os
import platform
import sys
import time

from ..util import setenv

__all__ = [
    "environment",
    "set_env_var",
    "discard_stderr",
    "list_gpus",
    "is_cd_run",
    "is_aarch64_run",
    "is_op_runnable",
    "has_tvm_ops",
    "download",
    "DummyIter",
]


@contextlib.contextmanager
def environment(*args):
    """A block with other environment variables; what was there before comes back afterwards.

    Parameters
    ----------
    *args
        A name and a value, or one dict of names to values. None as value removes the variable.

    Examples
    --------
    >>> with environment("RSYM_EXAMPLE", "1"):
    ...     os.environ["RSYM_EXAMPLE"]
    '1'
    >>> "RSYM_EXAMPLE" in os.environ
    False
    """
    wanted = args[0] if len(args) == 1 else dict([args])
    before = {name: os.environ.get(name) for name in wanted}
    _set_all(wanted)
    try:
        yield
    finally:
        _set_all(before)


def _set_all(values):
    for name, value in values.items():
        setenv(name, value)


def set_env_var(key, val, default_val=""):
    """Set an environment variable.

    Parameters
    ----------
    key, val : str
    default_val : str
        What to give back if it was not set.

    Returns
    -------
    str
        The value before.
    """
    before = os.environ.get(key, default_val)
    os.environ[key] = val
    return before


@contextlib.contextmanager
def discard_stderr():
    """A block without standard error, that of native code included."""
    saved = [(target, os.dup(target)) for target in _stderr_files()]
    sys.stderr.flush()
    try:
        with open(os.devnull, "w") as nothing:
            for target, _ in saved:
                os.dup2(nothing.fileno(), target)
        yield
    finally:
        sys.stderr.flush()
        for target, copy in saved:
            os.dup2(copy, target)
            os.close(copy)


def _stderr_files():
    """The file that native code writes to and the one that Python does, which may be another or none."""
    files = {2}
    with contextlib.suppress(AttributeError, OSError):
        files.add(sys.stderr.fileno())
    return files


def list_gpus():
    """The numbers of the GPUs that rsym can use: none."""
    return []


def is_cd_run():
    """Whether a continuous delivery job runs the test: ``CD_JOB`` is 1."""
    return os.environ.get("CD_JOB") == "1"


def is_aarch64_run():
    """Whether the processor is a 64-bit ARM."""
    return platform.machine() in ("aarch64", "arm64")


def has_tvm_ops():
    """Whether there are operators compiled by TVM: no."""
    return False


def is_op_runnable():
    """Whether operators can run on the current device: always on a CPU."""
    return True


def download(url, fname=None, dirname=None, overwrite=False, retries=5):
    """Fetch a file, unless it is there.

    Parameters
    ----------
    url : str
    fname : str, optional
        What to call it; default: the last part of the address.
    dirname : str, optional
        The folder for it; created if need be.
    overwrite : bool, default False
        Fetch it even if it is there.
    retries : int, default 5
        How many times to try.

    Returns
    -------
    str
        Its path. A file that arrives in part is never left under it.

    Raises
    ------
    OSError
        The last attempt's.
    """
    path = os.path.join(dirname or "", fname or url.split("/")[-1])
    if os.path.exists(path) and not overwrite:
        return path
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    for attempt in range(1, max(retries, 1)):
        try:
            return _fetch(url, path)
        except OSError as error:
            logging.getLogger(__name__).warning("attempt %d of %d to fetch %s: %s", attempt, retries, url, error)
            time.sleep(min(attempt, 3))
    return _fetch(url, path)


def _fetch(url, path):
    from shutil import copyfileobj
    from urllib.request import urlopen

    part = "%s.%d.part" % (path, os.getpid())
    try:
        with urlopen(url) as source, open(part, "wb") as target:
            copyfileobj(source, target)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return path


class DummyIter:
    """An endless data iterator that gives the first batch of another one again and again, for speed tests.

    Parameters
    ----------
    real_iter : data iterator
        Asked for one batch and for `provide_data`, `provide_label`, `batch_size`.
    """

    def __init__(self, real_iter):
        self.real_iter = real_iter
        self.provide_data = real_iter.provide_data
        self.provide_label = real_iter.provide_label
        self.batch_size = real_iter.batch_size
        self.the_batch = next(real_iter)

    def __iter__(self):
        return self

    def __next__(self):
        return self.the_batch

    next = __next__

    def reset(self):
        """Nothing to do: there is no end to come back from."""
