"""Replays the recordings with MXNet under the name rsym: `python tests/oracle/selftest.py [pytest arguments]`."""

import pathlib
import sys

import mxnet
import pytest

sys.modules["rsym"] = mxnet
TESTS = pathlib.Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    mine = sorted(map(str, TESTS.glob("test_*_oracle.py")))
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k", "not seed-", *mine, *sys.argv[1:]]))
