"""Checks that the hot loops of a built library keep their vectors in registers.

    python tools/check_spills.py [LIBRARY]

It disassembles the functions below and looks at their innermost loops of multiply-adds. A vector that such a loop moves to
or from the stack is a spill: the loop then runs at a fraction of its speed, and no other test notices. Needs `nm` and
`objdump`; without them, without symbols in the library, or on other machines than x86-64, it says so and checks nothing.
"""

import argparse
import bisect
import pathlib
import re
import shutil
import subprocess
import sys

# What must be in the library, by what it is, and the names of its functions.
HOT = {
    "matrix product": r"rsym_kernels::gemm::tile::strip::avx(2|512)$",
    "product of few rows": r"rsym_kernels::gemm::dots::dots::avx(2|512)$",
    "convolution": r"rsym_kernels::conv::blocked::tile::\w+::(summed|plane)(::<.*>)?$",
    "weight gradient": r"rsym_kernels::conv::blocked::wgrad::(\w+::)*avx(2|512)(::<.*>)?$",
}

# Multiply-adds that make an innermost loop a hot one.
FEWEST = 4

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
VECTOR = re.compile(r"%[yz]mm\d")


class Skip(Exception):
    """There is nothing that could be checked."""


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def functions(library):
    """(name, first address, address behind the last) of every function."""
    found = []
    for line in output("nm", "-C", "-S", "--defined-only", library).splitlines():
        parts = line.split(None, 3)
        if len(parts) == 4 and parts[2] in "tTwW":
            start = int(parts[0], 16)
            # The hash that older mangling appends.
            found.append((re.sub(r"::h[0-9a-f]{16}$", "", parts[3]), start, start + int(parts[1], 16)))
    return found


def disassembled(library, functions):
    """(name, instructions) of each function, an instruction being (address, mnemonic, operands)."""
    near = []
    for function in sorted(functions, key=lambda f: f[1]):
        # Functions that lie near each other are read in one go.
        if near and function[1] - near[-1][2] > 1 << 16:
            yield from disassembled_at_once(library, near)
            near = []
        near.append(function)
    if near:
        yield from disassembled_at_once(library, near)


def disassembled_at_once(library, functions):
    start, end = functions[0][1], max(end for _, _, end in functions)
    text = output("objdump", "-d", "--no-show-raw-insn", "--start-address=%d" % start, "--stop-address=%d" % end, library)
    matches = (INSTRUCTION.match(line) for line in text.splitlines())
    code = [(int(m[1], 16), m[2], m[3]) for m in matches if m]
    addresses = [address for address, _, _ in code]
    for name, start, end in functions:
        yield name, code[bisect.bisect_left(addresses, start) : bisect.bisect_left(addresses, end)]


def stack(code):
    """What operands on the stack look like: RBP may be any pointer where it does not point to the frame."""
    framed = any((m, o.replace(" ", "")) == ("mov", "%rsp,%rbp") for _, m, o in code)
    return re.compile(r"\(%r[sb]p[,)]" if framed else r"\(%rsp[,)]")


def innermost_loops(code):
    """The instructions of every loop that is run through without a branch: back from its last instruction to its first."""
    loops, straight = [], []
    for address, mnemonic, operands in code:
        straight.append((address, mnemonic, operands))
        if mnemonic.startswith("j"):
            target = re.match(r"([0-9a-f]+)\b", operands)
            if target and straight[0][0] <= int(target[1], 16) <= address:
                loops.append([i for i in straight if i[0] >= int(target[1], 16)])
            straight = []
    return loops


def is_hot(loop):
    return sum(m.startswith(("vfmadd", "vfnmadd")) and m.endswith("ps") and bool(VECTOR.search(o)) for _, m, o in loop) >= FEWEST


def spills(loop, stack):
    """The instructions that move whole vectors between registers and the stack. A scalar that is broadcast is none."""

    def spill(mnemonic, operands):
        scalar = "{1to" in operands or mnemonic.startswith("vbroadcast")
        return stack.search(operands) and VECTOR.search(operands) and not scalar

    return ["%x: %s %s" % i for i in loop if spill(i[1], i[2])]


def check(library, hot=HOT, crate="rsym_kernels::"):
    """What is wrong, as text, and the number of loops that were looked at. Names of `crate` show that there are symbols."""
    for tool in ("nm", "objdump"):
        if shutil.which(tool) is None:
            raise Skip("%s is not installed" % tool)
    known = functions(library)
    if not any(crate in name for name, _, _ in known):
        raise Skip("%s has no symbols" % library)
    if "x86-64" not in output("objdump", "-f", library):
        raise Skip("%s is not for x86-64" % library)
    wrong, count = [], 0
    for what, pattern in hot.items():
        loops = 0
        for name, code in disassembled(library, [f for f in known if re.search(pattern, f[0])]):
            for loop in filter(is_hot, innermost_loops(code)):
                loops += 1
                wrong += ["%s (%s): %s" % (what, name, spill) for spill in spills(loop, stack(code))]
        if loops == 0:
            wrong.append("%s: no loop found in functions like %s" % (what, pattern))
        count += loops
    return wrong, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = sorted((pathlib.Path(__file__).parents[1] / "python/rsym").glob("_rsym*.so"))
    parser.add_argument("library", nargs="?", default=str(built[0]) if built else None)
    library = parser.parse_args().library
    if library is None:
        parser.error("no library is built: name one")
    try:
        wrong, count = check(library)
    except Skip as reason:
        print("not checked: %s" % reason)
        return 0
    print("\n".join(wrong) or "%d hot loops keep their vectors in registers" % count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
