"""Writes the reference of all operators, docs/operators.md, from the registry.

python tools/generate_docs.py            writes the page
python tools/generate_docs.py --check    fails if the page is not what it would write
"""

import argparse
import pathlib
import sys

from generate_ops import home, paragraphs, registry, type_text

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "operators.md"
HEAD = """# Operators

Made by `make docs` from the declarations in `crates/ops`: do not edit. Every operator is a function of `rsym.sym` and of
`rsym.nd`, under the names given.
"""


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


def section(op):
    names = python_names(op)
    if not names:
        return ""
    parts = ["\n## %s\n\n%s\n" % (op["name"], paragraphs(op["doc"], 0))]
    parts.append("\nNames: %s\n" % ", ".join("`%s`" % n for n in names))
    inputs = [(n, "input", d) for n, d in op["inputs"]]
    if op["variadic"]:
        inputs.append(("arg0, arg1, …", "inputs", "as many as `%s` says" % op["variadic"]))
    listed = rows(inputs) + rows((p["name"], type_text(p), p["doc"]) for p in op["params"])
    return "".join(parts) + ("\n" + listed if listed else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = HEAD + "".join(section(op) for op in registry())
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/operators.md is out of date: run make docs")


if __name__ == "__main__":
    main()
