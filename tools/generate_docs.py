"""Writes the reference of all operators, docs/operators/: a page for each and a list of them, from the registry.

python tools/generate_docs.py            writes the pages, and removes those of operators that are gone
python tools/generate_docs.py --check    fails if the pages are not what it would write
"""

import argparse
import pathlib
import sys

from examples import examples
from generate_ops import home, paragraphs, registry, signature, type_text

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "docs" / "operators"
HEAD = """# Operators

Made by `make docs` from the declarations in `crates/ops`: do not edit. Every operator is a function of `rsym.sym`, which
composes it, and of `rsym.nd`, which computes it at once.

"""
# What operators are about, by the module of the Python function.
TITLES = {
    "op": "rsym.sym, rsym.nd",
    "contrib": "contrib",
    "linalg": "linalg: linear algebra",
    "random": "random: random numbers",
    "image": "image",
    "internal": "_internal: what arithmetic and other functions are made of",
}


def python_names(op):
    """The names under which Python finds the operator."""
    found = []
    for name in [op["name"], *op["aliases"]]:
        place = home(name)
        if place:
            module, function = place
            prefix = {"op": "", "internal": "_internal."}.get(module, module + ".")
            found.append(prefix + function)
    return found


def rows(items):
    """Lines of a Markdown list of (name, type, text)."""
    return "".join("- **%s** (%s): %s\n" % (n, t, " ".join(d.split())) for n, t, d in items)


def page(op, names, example):
    """The page of one operator."""
    parts = ["# %s\n\n%s\n" % (op["name"], paragraphs(op["doc"], 0))]
    parts.append("\n```python\n%s(%s)\n```\n" % (names[0], signature(op, "symbol")))
    parts.append("\nNames: %s\n" % ", ".join("`%s`" % n for n in names))
    inputs = [(n, "inputs" if op["list"] else "input", d) for n, d in op["inputs"]]
    if op["variadic"]:
        inputs.append(("arg0, arg1, …", "inputs", "as many as `%s` says" % op["variadic"]))
    listed = rows(inputs) + rows((p["name"], type_text(p), p["doc"]) for p in op["params"])
    parts.append("\n" + listed if listed else "")
    if example:
        parts.append("\n## Example\n\n```python\n>>> import rsym as mx\n%s\n```\n" % example)
    return "".join(parts)


def first_sentence(text):
    return " ".join(paragraphs(text, 0).split("\n\n")[0].split()).split(". ")[0].rstrip(".:")


def files():
    """The text of every page, by its path."""
    out, lists, found = {}, {module: [] for module in TITLES}, examples()
    for op in registry():
        names = python_names(op)
        if not names:
            continue
        name = op["name"]
        out[FOLDER / (name + ".md")] = page(op, names, found.get(name))
        lists[home(name)[0] if home(name) else "op"].append("- [%s](%s.md): %s" % (names[0], name, first_sentence(op["doc"])))
    text = HEAD + "\n\n".join("## %s\n\n%s" % (TITLES[m], "\n".join(sorted(lines))) for m, lines in lists.items() if lines)
    out[FOLDER / "README.md"] = text + "\n"
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    pages, there = files(), set(FOLDER.glob("*.md"))
    stale = [path for path, text in pages.items() if path not in there or path.read_text() != text]
    gone = there - set(pages)
    if check and (stale or gone):
        sys.exit("out of date, run make docs: " + ", ".join(sorted(p.name for p in [*stale, *gone])))
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for path in stale:
            path.write_text(pages[path])
        for path in gone:
            path.unlink()


if __name__ == "__main__":
    main()
