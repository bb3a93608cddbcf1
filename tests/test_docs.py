"""The examples in docs and docstrings run, and the generated files are current."""

import ast
import doctest
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import rsym as mx

ROOT = pathlib.Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


GUIDES = sorted(page for page in (ROOT / "docs").glob("*.md") if ">>>" in page.read_text())


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_the_guides_run(page):
    with mx.name.NameManager():
        flags = FLAGS & ~doctest.IGNORE_EXCEPTION_DETAIL
        result = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert result.attempted > 5
    assert result.failed == 0


def test_the_readme_runs():
    programs = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(programs) == 2
    for program in programs:
        exec(compile(program, "README.md", "exec"), {})


def modules():
    found = [m.name for m in pkgutil.walk_packages(mx.__path__, "rsym.")]
    return [n for n in found if not n.startswith("rsym._rsym")]


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    with mx.name.NameManager():
        result = doctest.testmod(module, optionflags=FLAGS)
    assert result.failed == 0


def stubs():
    return sorted(p.relative_to(ROOT / "python") for p in (ROOT / "python").rglob("*.pyi"))


@pytest.mark.parametrize("path", stubs(), ids=str)
def test_stubs_list_what_their_modules_have(path):
    tree = ast.parse((ROOT / "python" / path).read_text())
    listed = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    module = importlib.import_module(str(path.with_suffix("")).replace("/", "."))
    own = {
        n
        for n, v in vars(module).items()
        if not n.startswith("__") and (callable(v)) and n not in ("_Null", "_compose", "_invoke")
    }
    assert listed == own


@pytest.mark.parametrize("tool", ["generate_ops.py", "generate_docs.py", "generate_stubs.py"])
def test_generated_files_are_current(tool):
    done = subprocess.run([sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
