"""Loggers as scripts take them from `mxnet.log`; rsym itself logs to ``logging.getLogger('rsym')`` and below."""

import logging
import warnings
from logging import CRITICAL, DEBUG, ERROR, INFO, NOTSET, WARNING

__all__ = ["get_logger", "getLogger", "CRITICAL", "DEBUG", "ERROR", "INFO", "NOTSET", "WARNING"]

_COLOURS = {"D": 34, "I": 32, "W": 31, "E": 31, "C": 31}


class _Formatter(logging.Formatter):
    """``W0131 23:59:59 42 file.py:function:7] message``, the part before the message coloured if asked for."""

    def __init__(self, coloured):
        super().__init__("%(head)s %(message)s", "%m%d %H:%M:%S")
        self._coloured = coloured

    def format(self, record):
        letter = record.levelname[0] if record.levelname[0] in _COLOURS else "U"
        head = "%s%s %d %s:%s:%d]" % (
            letter,
            self.formatTime(record, self.datefmt),
            record.process,
            record.pathname,
            record.funcName,
            record.lineno,
        )
        record.head = "\x1b[%dm%s\x1b[0m" % (_COLOURS.get(letter, 34), head) if self._coloured else head
        return super().format(record)


def get_logger(name=None, filename=None, filemode=None, level=WARNING):
    """A logger with a handler and a level.

    Parameters
    ----------
    name : str, optional
        Without a name the root logger is given back as it is.
    filename : str, optional
        Log to this file instead of standard error.
    filemode : str, default 'a'
    level : int, default logging.WARNING

    Returns
    -------
    logging.Logger
        The same for the same name; only the first call sets it up.
    """
    logger = logging.getLogger(name)
    if name is not None and not any(isinstance(h.formatter, _Formatter) for h in logger.handlers):
        handler = logging.FileHandler(filename, filemode or "a") if filename else logging.StreamHandler()
        handler.setFormatter(_Formatter(coloured=not filename and _is_terminal(handler)))
        logger.addHandler(handler)
        logger.setLevel(level)
    return logger


def _is_terminal(handler):
    isatty = getattr(handler.stream, "isatty", None)
    return isatty is not None and isatty()


def getLogger(name=None, filename=None, filemode=None, level=WARNING):
    """The old name of `get_logger`."""
    warnings.warn("getLogger is deprecated, use get_logger instead.", DeprecationWarning, stacklevel=2)
    return get_logger(name, filename, filemode, level)
