"""The examples of the operators: `operator_examples.txt`, one section for each, whose heading is the operator's name.

python tools/examples.py            runs them all and says what differs
python tools/examples.py --accept   writes what they print now

The generators put them into docstrings and reference pages; tests/test_docs.py runs them. Floating-point results are
rounded, so that they read the same on every processor.
"""

import argparse
import contextlib
import doctest
import io
import pathlib
import re
import sys

FILE = pathlib.Path(__file__).resolve().with_name("operator_examples.txt")


def examples():
    """The text of every example, by the name of its operator."""
    sections = re.split(r"^# (\S+)\n", FILE.read_text(), flags=re.M)
    return {name: text.strip("\n") for name, text in zip(sections[1::2], sections[2::2])}


def accepted(text, given):
    """The example with what it prints now."""
    lines, scope = [], dict(given)
    for example in doctest.DocTestParser().get_examples(text + "\n"):
        source = example.source.rstrip("\n").split("\n")
        lines += [">>> " + source[0]] + ["... " + line for line in source[1:]]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, "<example>", "single"), scope)
        shown = printed.getvalue().rstrip("\n")
        if "\n\n" in shown:
            raise ValueError("an empty line would end the expected text: show less, or a list")
        if "np." in shown:
            raise ValueError("NumPy's versions show their numbers in different ways: make it a Python number")
        lines += shown.split("\n") if shown else []
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true")
    accept = parser.parse_args().accept
    sys.path.insert(0, str(FILE.parents[1] / "python"))
    import rsym

    found = examples()
    now = {}
    for name, text in found.items():
        try:
            now[name] = accepted(text, {"mx": rsym})
        except Exception as error:
            sys.exit("%s: %s: %s" % (name, type(error).__name__, error))
    if accept:
        FILE.write_text("\n\n".join("# %s\n%s" % (name, now[name]) for name in sorted(now)) + "\n")
    different = [name for name in found if found[name] != now[name]]
    if different and not accept:
        sys.exit("these print something else, see --accept: " + ", ".join(different))


if __name__ == "__main__":
    main()
