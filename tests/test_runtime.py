"""Features, version and loggers."""

import logging
import re

import pytest

from rsym import error, libinfo, log, runtime
from rsym.base import MXNetError, NotImplementedForSymbol, NotSupportedForSparseNDArray, _Null, classproperty, py_str


def test_features():
    features = runtime.Features()
    assert features.is_enabled("CPU") and features.is_enabled("cpu") and not features.is_enabled("CUDA")
    assert repr(features["CPU"]) == "✔ CPU" and repr(features["CUDNN"]) == "✖ CUDNN" and "✔ CPU" in repr(features)
    assert {f.name: f.enabled for f in runtime.feature_list()} == libinfo.features()
    with pytest.raises(RuntimeError, match="'wings' is unknown.*CUDA"):
        features.is_enabled("wings")


def test_version_is_three_numbers():
    assert re.match(r"\d+\.\d+\.\d+", libinfo.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        libinfo.nothing


def test_logger_is_set_up_once(tmp_path):
    file = str(tmp_path / "log.txt")
    logger = log.get_logger("rsym-test-logger", file, level=log.INFO)
    assert log.get_logger("rsym-test-logger") is logger and len(logger.handlers) == 1
    logger.info("seen %d", 1)
    logger.debug("unseen")
    (line,) = open(file).read().splitlines()
    assert re.fullmatch(r"I\d{4} \d\d:\d\d:\d\d \d+ .*test_runtime.py:test_logger_is_set_up_once:\d+\] seen 1", line)
    with pytest.warns(DeprecationWarning):
        assert log.getLogger("rsym-test-logger") is logger
    assert log.get_logger() is logging.getLogger()


def test_errors_by_name():
    @error.register
    class OneError(MXNetError):
        pass

    @error.register_error("Other")
    class OtherError(MXNetError):
        pass

    assert error.error_types["OneError"] is OneError and error.error_types["Other"] is OtherError
    assert error.error_types["ValueError"] is ValueError and issubclass(error.InternalError, RuntimeError)


def test_refusals_name_function_alias_and_types():
    failed = NotImplementedForSymbol(test_features, "*=", 1, "x")
    assert 'test_features (operator "*=")' in str(failed) and "<class 'int'>, <class 'str'>" in str(failed)
    assert isinstance(failed, MXNetError) and isinstance(failed, RuntimeError)
    assert "sparse" in str(NotSupportedForSparseNDArray(test_features))


def test_small_types_of_base():
    class Circle:
        @classproperty
        def name(cls):
            return cls.__name__

    assert Circle.name == Circle().name == "Circle" and py_str(b"\xc3\xa4") == "ä"
    assert repr(_Null) == "_Null" and not _Null
