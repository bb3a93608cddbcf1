"""What all tests share: where the shared material lies, if it is there."""

import os
import pathlib

import pytest


def _shared():
    here = pathlib.Path(__file__).resolve()
    named = os.environ.get("RSYM_SHARED")
    candidates = [pathlib.Path(named)] if named else [p / "shared" for p in here.parents]
    return next((p for p in candidates if (p / "seed").is_dir()), None)


SHARED = _shared()


@pytest.fixture(scope="session")
def shared():
    """The folder of seed, models and conformance material; the test is skipped, visibly, where it is not there."""
    if SHARED is None:
        pytest.skip("no shared/ folder above the checkout: set RSYM_SHARED to run this")
    return SHARED
