"""Writes record files of pictures, from a folder or from a list.

First a list, ``train.lst``: a line for each picture with number, label and path. Every folder below ROOT is a label::

    python -m rsym.tools.im2rec --list --recursive data/train pictures/

Then the records, ``train.rec`` with the index ``train.idx``, of every list whose name begins with PREFIX::

    python -m rsym.tools.im2rec --resize 256 --quality 90 --num-thread 4 data/train pictures/

A picture that cannot be read is named and left out.
"""

import argparse
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

from .. import _rsym
from .._files import read_bytes
from ..base import MXNetError
from ..recordio import IRHeader, MXIndexedRecordIO, pack

__all__ = ["find_pictures", "write_lists", "read_list", "write_records", "main"]


def find_pictures(root, recursive, exts):
    """Paths below a folder, and their labels.

    Parameters
    ----------
    root : str
    recursive : bool
        Whether folders are walked through, each with pictures being a label; else all pictures have the label 0.
    exts : list of str
        Endings of the names of pictures.

    Returns
    -------
    list of (str, int)
        Paths relative to `root`, in order.
    """
    if not os.path.isdir(root):
        raise MXNetError("there is no folder %s" % root)
    if not recursive:
        return [(name, 0) for name in sorted(os.listdir(root)) if _is_picture(name, exts)]
    found, labels = [], {}
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        names = [name for name in sorted(names) if _is_picture(name, exts)]
        if names:
            label = labels.setdefault(folder, len(labels))
            found += [(os.path.relpath(os.path.join(folder, name), root), label) for name in names]
    return found


def _is_picture(name, exts):
    return os.path.splitext(name)[1].lower() in exts


def write_lists(prefix, pictures, train_ratio=1.0, test_ratio=0.0, chunks=1):
    """Writes list files: ``prefix.lst``, or one each with ``_train``, ``_val`` and ``_test`` behind the prefix.

    Parameters
    ----------
    prefix : str
    pictures : list of (str, int)
        As `find_pictures` gives them, in the order that is wanted.
    train_ratio, test_ratio : float
        Which part of the pictures is for training and for testing; the rest is for validation.
    chunks : int
        Into how many parts the pictures are divided, each with lists of its own.

    Returns
    -------
    list of str
        The files.
    """
    if not (0 <= train_ratio <= 1 and 0 <= test_ratio <= 1 and train_ratio + test_ratio <= 1):
        raise MXNetError("train-ratio and test-ratio must be from 0 to 1, and so must their sum")
    written, lines = [], [(i, path, label) for i, (path, label) in enumerate(pictures)]
    size = -(-len(lines) // chunks)
    for chunk in range(chunks):
        part = lines[chunk * size : (chunk + 1) * size]
        middle = "_%d" % chunk if chunks > 1 else ""
        test, train = int(len(part) * test_ratio), int(len(part) * (test_ratio + train_ratio))
        whole = train_ratio == 1
        sets = {"" if whole else "_train": part[test:train], "_test": part[:test], "_val": part[train:]}
        for name, chosen in sets.items():
            if chosen:
                written.append(prefix + middle + name + ".lst")
                _write_list(written[-1], chosen)
    return written


def _write_list(path, lines):
    with open(path, "w") as file:
        for number, name, label in lines:
            file.write("%d\t%f\t%s\n" % (number, label, name))


def read_list(path):
    """The lines of a list file.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of (int, list of float, str)
        Number, labels and path.

    Raises
    ------
    MXNetError
        A line is none of a list; the message has its number.
    """
    found = []
    for number, line in enumerate(read_bytes(path).decode().splitlines(), 1):
        fields = line.strip().split("\t")
        if not line.strip():
            continue
        try:
            key, *labels = int(float(fields[0])), *(float(field) for field in fields[1:-1])
        except ValueError:
            labels = []
        if not labels:
            what = "%s, line %d: expected a number, labels and a path with tabs between them, got %r"
            raise MXNetError(what % (path, number, line))
        found.append((key, labels, fields[-1]))
    return found


def write_records(
    list_path,
    root,
    resize=0,
    center_crop=False,
    quality=95,
    encoding=".jpg",
    color=1,
    pass_through=False,
    pack_label=False,
    threads=1,
):
    """Writes the record file and the index of a list, beside it.

    Parameters
    ----------
    list_path : str
    root : str
        The folder that the paths in the list begin from.
    resize : int
        What the shorter side becomes, if positive.
    center_crop : bool
        Whether a square is taken from the middle.
    quality : int
        For JPEG 1 to 100, for PNG 0 to 9.
    encoding : str
        '.jpg' or '.png'.
    color : int
        1 for colours, 0 for gray, -1 for what the file has.
    pass_through : bool
        Whether the bytes of the files are taken as they are.
    pack_label : bool
        Whether all labels of a line are written, or the first alone.
    threads : int

    Returns
    -------
    written : int
        How many records there are.
    problems : list of str
        What was left out, and why.
    """
    if encoding not in (".jpg", ".png"):
        raise MXNetError("encoding must be '.jpg' or '.png', got %r" % (encoding,))
    png = encoding == ".png"
    quality = min(max(quality, 0 if png else 1), 9 if png else 100)

    def record(line):
        number, labels, name = line
        path = os.path.join(root, name)
        header = IRHeader(0, labels if pack_label and len(labels) > 1 else labels[0], number, 0)
        try:
            content = read_bytes(path)
            if not pass_through:
                content = _encoded(content, resize, center_crop, color, png, quality)
        except MXNetError as error:
            return number, None, str(error) if path in str(error) else "%s: %s" % (path, error)
        return number, pack(header, content), None

    base, written, problems = os.path.splitext(list_path)[0], 0, []
    with MXIndexedRecordIO(base + ".idx", base + ".rec", "w") as target, ThreadPoolExecutor(threads) as pool:
        for number, content, problem in _mapped(pool, record, read_list(list_path), 4 * threads):
            if problem is not None:
                problems.append(problem)
                continue
            target.write_idx(number, content)
            written += 1
    return written, problems


def _mapped(pool, function, items, ahead):
    """The results of `function` in order; so many are made ahead at most."""
    waiting = []
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    for one in waiting:
        yield one.result()


def _encoded(content, resize, center_crop, color, png, quality):
    picture = _rsym.decode_picture(content, {1: 3, 0: 1, -1: 0}[color], color != -1)
    h, w = picture.shape[:2]
    if center_crop and h != w:
        side = min(h, w)
        y, x = (h - side) // 2, (w - side) // 2
        picture = picture[y : y + side, x : x + side]
        h = w = side
    if resize > 0:
        h, w = (h * resize // w, resize) if h > w else (resize, w * resize // h)
        picture = _rsym.resize_picture(picture, h, w, 1)
    return _rsym.encode_picture(picture, png, quality)


def _parser():
    parser = argparse.ArgumentParser(
        "python -m rsym.tools.im2rec", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prefix", help="the beginning of the names of lists and record files")
    parser.add_argument("root", help="the folder of the pictures")
    lists = parser.add_argument_group("lists")
    lists.add_argument("--list", action="store_true", help="write a list rather than records")
    lists.add_argument("--exts", nargs="+", default=[".jpeg", ".jpg", ".png"], help="endings of pictures")
    lists.add_argument("--chunks", type=int, default=1, help="into how many parts the pictures are divided")
    lists.add_argument("--train-ratio", type=float, default=1.0, help="the part for training")
    lists.add_argument("--test-ratio", type=float, default=0.0, help="the part for testing; the rest is for validation")
    lists.add_argument("--recursive", action="store_true", help="every folder with pictures is a label")
    lists.add_argument("--no-shuffle", dest="shuffle", action="store_false", help="keep the order of the names")
    records = parser.add_argument_group("records")
    records.add_argument("--pass-through", action="store_true", help="take the bytes of the files as they are")
    records.add_argument("--resize", type=int, default=0, help="what the shorter side becomes")
    records.add_argument("--center-crop", action="store_true", help="take a square from the middle")
    records.add_argument("--quality", type=int, default=95, help="1 to 100 for JPEG, 0 to 9 for PNG")
    records.add_argument("--num-thread", type=int, default=1, help="how many threads decode and encode")
    records.add_argument("--color", type=int, default=1, choices=[-1, 0, 1], help="1 colours, 0 gray, -1 as they are")
    records.add_argument("--encoding", default=".jpg", choices=[".jpg", ".png"], help="the format of the pictures")
    records.add_argument("--pack-label", action="store_true", help="write all labels of a line")
    return parser


def main(arguments=None):
    """Runs the program.

    Parameters
    ----------
    arguments : list of str, optional
        Instead of those of the command line.

    Returns
    -------
    int
        0, or 1 if nothing was written.
    """
    args = _parser().parse_args(arguments)
    try:
        return _make_lists(args) if args.list else _make_records(args)
    except MXNetError as error:
        print("im2rec: %s" % error, file=sys.stderr)
        return 1


def _make_lists(args):
    pictures = find_pictures(args.root, args.recursive, [ext.lower() for ext in args.exts])
    if args.shuffle:
        random.Random(100).shuffle(pictures)
    for path in write_lists(args.prefix, pictures, args.train_ratio, args.test_ratio, args.chunks):
        print(path)
    return 0 if pictures else 1


def _make_records(args):
    folder, name = os.path.split(os.path.abspath(args.prefix))
    if not os.path.isdir(folder):
        raise MXNetError("there is no folder %s" % folder)
    lists = sorted(path for path in os.listdir(folder) if path.startswith(name) and path.endswith(".lst"))
    if not lists:
        raise MXNetError("there is no list %s*.lst: make one with --list" % args.prefix)
    total = 0
    for path in lists:
        written, problems = write_records(
            os.path.join(folder, path),
            args.root,
            args.resize,
            args.center_crop,
            args.quality,
            args.encoding,
            args.color,
            args.pass_through,
            args.pack_label,
            max(1, args.num_thread),
        )
        for problem in problems:
            print("im2rec: left out: %s" % problem, file=sys.stderr)
        print("%s: %d records" % (os.path.splitext(path)[0] + ".rec", written))
        total += written
    return 0 if total else 1


if __name__ == "__main__":
    sys.exit(main())
