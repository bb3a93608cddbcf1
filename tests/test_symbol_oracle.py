"""Names, lists, attributes, JSON, inference and errors of symbols, as recorded in `oracle/symbols.json`.

The programs are `oracle/snippets`; `seed-` marks those where the document that rsym follows wins over MXNet.
"""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import snippets  # noqa: E402
from oracle.snippets.support import agrees, knows_as_much, lacking, plain  # noqa: E402

RECORDED = json.loads((pathlib.Path(__file__).resolve().parent / "oracle" / "symbols.json").read_text())
SNIPPETS = snippets.snippets()


def test_every_snippet_is_recorded_and_every_recording_has_its_snippet():
    assert list(RECORDED) == list(SNIPPETS)


def answer(one):
    """The answer of a snippet; skips where rsym has no such operator."""
    try:
        return plain(snippets.run(mx, one))
    except AttributeError as error:
        if lacking(error):
            pytest.skip(f"rsym has no operator {lacking(error)}")
        raise


@pytest.mark.parametrize("key", SNIPPETS)
def test_answers_as_recorded(key):
    actual = answer(SNIPPETS[key])
    recorded = RECORDED[key]
    if key.startswith("shapes/") and isinstance(recorded["partial"], list):
        assert knows_as_much(recorded["partial"], actual["partial"])
        assert actual["full"] in (recorded["full"], actual["partial"])
    elif not agrees(recorded, actual):
        assert actual == RECORDED[key]
