"""Speed and memory of rsym beside MXNet, PyTorch and ONNX Runtime, as ratios from one run.

    python benchmarks/run.py [--mxnet PYTHON] [--torch PYTHON] [--only 'ResNet-50*'] [--seconds 3] [--out FOLDER]

Peers run in the interpreters that are named; ONNX Runtime in that of PyTorch, if it is there. docs/benchmarks.md tells what is
measured, how, and how to read it.
"""

import argparse
import fnmatch
import pathlib
import subprocess
import sys
import tempfile

import report
from cases import Setting, all_cases
from measure import Failed, Lane, Library, Probe


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxnet", metavar="PYTHON", help="an interpreter that has MXNet 1.9.1")
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch, and ONNX Runtime if wanted")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="only cases of this name; may be repeated")
    parser.add_argument("--seconds", type=float, default=3.0, help="computing time for each library in each case (3)")
    parser.add_argument("--burst", type=float, default=0.3, help="seconds of one library before it is the next one's turn (0.3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of every library (2)")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path, help="where results.json and ratios.svg are written")
    parser.add_argument("--check", action="store_true", help="only see that all libraries compute the same")
    parser.add_argument("--list", action="store_true", help="only list the names of the cases")
    return parser.parse_args(arguments)


def libraries(args):
    """What can be measured: each library, and MXNet a second time with its fused backend."""
    found = [Library("rsym", "rsym", sys.executable)]
    if args.mxnet:
        found.append(Library("mxnet", "MXNet", args.mxnet, {"MXNET_SUBGRAPH_BACKEND": "NONE"}))
        found.append(Library("mxnet", "MXNet", args.mxnet, {"MXNET_SUBGRAPH_BACKEND": "MKLDNN"}, "fused"))
    if args.torch:
        found.append(Library("torch", "PyTorch", args.torch))
        if not subprocess.run([args.torch, "-c", "import onnx, onnxruntime"], capture_output=True).returncode:
            found.append(Library("onnxruntime", "ONNX Runtime", args.torch))
    return found


def versions(found, threads):
    """The version of each library by its title; says at once if one cannot be started."""
    told = {}
    for library in found:
        lane = Lane(library, threads)
        try:
            told[library.title] = lane.do("hello")["version"]
        except Failed as error:
            raise SystemExit("%s does not start in %s: %s" % (library.title, library.python, error)) from None
        finally:
            lane.close()
    return told


def chosen(patterns):
    """The cases whose name is like one of the patterns, in either case of letters."""
    cases = all_cases()
    wanted = [c for c in cases if not patterns or any(fnmatch.fnmatch(c.name.lower(), p.lower()) for p in patterns)]
    if not wanted:
        raise SystemExit("no case is called %s; --list shows the names" % " or ".join(patterns))
    return wanted


def main(arguments=None):
    args = parsed(arguments)
    cases = chosen(args.only)
    if args.list:
        print("\n".join(case.name for case in cases))
        return 0
    found = libraries(args)
    result = report.head(args.threads, versions(found, args.threads))
    probe = Probe(sys.executable, args.threads)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(found, probe, args.threads, args.seconds, args.burst, pathlib.Path(folder))
        print(report.table_head(result), flush=True)
        for case in cases:
            result["cases"].append(case.run(setting, args.check))
            print(report.table_row(result, result["cases"][-1]), flush=True)
            report.write(result, args.out)
    probe.close()
    print(report.table_foot(result))
    return 1 if any(case["errors"] for case in result["cases"]) else 0


if __name__ == "__main__":
    sys.exit(main())
