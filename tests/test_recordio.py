"""Record files."""

import os
import pickle
import struct

import numpy as np
import pytest

import rsym as mx
from rsym.recordio import IRHeader, MXIndexedRecordIO, MXRecordIO, pack, rescue, unpack


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.rec")


def written(path, records):
    with MXRecordIO(path, "w") as record:
        for content in records:
            record.write(content)
    return path


def test_records_are_read_in_order(path):
    records = [chr(i).encode() for i in range(255)]
    reader = MXRecordIO(written(path, records), "r")
    assert [reader.read() for _ in records] == records
    assert reader.read() is None
    reader.reset()
    assert list(reader) == records


def test_bytes_are_those_of_mxnet(path):
    # What MXNet 1.9.1 writes for the same two records; the second has the magic number.
    magic = struct.pack("<I", 0xCED7230A)
    written(path, [b"abcde", b"1234" + magic + b"56"])
    with open(path, "rb") as file:
        content = file.read()
    expected = "0a23d7ce050000006162636465000000" + "0a23d7ce0400002031323334" + "0a23d7ce0200006035360000"
    assert content.hex() == expected


def test_indexed_records_are_read_in_any_order(tmp_path):
    idx, rec = str(tmp_path / "a.idx"), str(tmp_path / "a.rec")
    with MXIndexedRecordIO(idx, rec, "w") as writer:
        for i in range(255):
            writer.write_idx(i, chr(i).encode())
        assert writer.tell() == 255 * 12
    reader = MXIndexedRecordIO(idx, rec, "r")
    assert reader.keys == list(range(255))
    for i in np.random.permutation(255):
        assert reader.read_idx(i) == chr(i).encode()
    with pytest.raises(KeyError):
        reader.read_idx(255)


def test_keys_may_be_texts(tmp_path):
    idx, rec = str(tmp_path / "a.idx"), str(tmp_path / "a.rec")
    with MXIndexedRecordIO(idx, rec, "w", key_type=str) as writer:
        writer.write_idx("one", b"1")
    assert MXIndexedRecordIO(idx, rec, "r", key_type=str).read_idx("one") == b"1"
    with pytest.raises(mx.MXNetError, match="line 1"):
        MXIndexedRecordIO(idx, rec, "r")


def test_headers_hold_labels():
    header, content = unpack(pack((0, 3.5, 7, 1), b"content"))
    assert header == IRHeader(0, 3.5, 7, 1) and content == b"content"
    for n in range(1, 20):
        label = np.random.uniform(size=n).astype(np.float32)
        header, content = unpack(pack((0, label, 0, 0), b"x" * n))
        assert header.flag == n and (header.label == label).all() and content == b"x" * n
    assert repr(IRHeader(0, 1, 2, 3)) == "HEADER(flag=0, label=1, id=2, id2=3)"


@pytest.mark.parametrize("record", [b"", b"x" * 23, struct.pack("<IfQQ", 3, 0, 0, 0) + b"x" * 11], ids=len)
def test_headers_cut_off_are_refused(record):
    with pytest.raises(mx.MXNetError):
        unpack(record)


def test_damage_is_named_with_file_and_offset(path):
    written(path, [b"first", b"second"])
    os.truncate(path, 27)
    reader = MXRecordIO(path, "r")
    assert reader.read() == b"first"
    with pytest.raises(mx.MXNetError, match=r"a\.rec, byte 16: .*6 bytes.*rescue"):
        reader.read()


def test_what_is_whole_is_rescued(path):
    records = [bytes([65 + i]) * i for i in range(20)]
    written(path, records)
    with open(path, "r+b") as file:
        file.seek(104)
        file.write(b"\x55" * 30)
    kept, damage = rescue(path, path + ".new")
    found = list(MXRecordIO(path + ".new", "r"))
    assert kept == len(found) and damage and set(found) < set(records) and len(found) >= 16


def test_readers_are_pickled(path):
    reader = MXRecordIO(written(path, [b"one", b"two"]), "r")
    reader.read()
    other = pickle.loads(pickle.dumps(reader))
    assert other.read() == b"one" and reader.read() == b"two"
    with MXRecordIO(path, "w") as writer, pytest.raises(RuntimeError, match="pickling"):
        pickle.dumps(writer)


def test_indexed_readers_are_pickled(tmp_path):
    idx, rec = str(tmp_path / "a.idx"), str(tmp_path / "a.rec")
    with MXIndexedRecordIO(idx, rec, "w") as writer:
        writer.write_idx(5, b"five")
    reader = pickle.loads(pickle.dumps(MXIndexedRecordIO(idx, rec, "r")))
    assert reader.read_idx(5) == b"five"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_open_files_anew(tmp_path):
    idx, rec = str(tmp_path / "a.idx"), str(tmp_path / "a.rec")
    with MXIndexedRecordIO(idx, rec, "w") as writer:
        writer.write_idx(5, b"five")
    reader = MXIndexedRecordIO(idx, rec, "r")
    assert in_fork(lambda: reader.read_idx(5) == b"five")
    plain = MXRecordIO(rec, "r")
    assert in_fork(lambda: raises(RuntimeError, plain.read))
    assert plain.read() == b"five"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_write_nothing_of_their_parent(path):
    writer = MXRecordIO(path, "w")
    writer.write(b"one")
    assert in_fork(lambda: writer.close() is None)
    writer.close()
    assert list(MXRecordIO(path, "r")) == [b"one"]


def raises(error, f):
    try:
        f()
    except error:
        return True
    return False


def in_fork(f):
    """Whether `f` is true in a forked process."""
    child = os.fork()
    if child == 0:
        os._exit(0 if f() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_wrong_use_is_refused(path):
    with pytest.raises(ValueError, match="flag"):
        MXRecordIO(path, "a")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        MXRecordIO("/nowhere/a.rec", "r")
    with MXRecordIO(path, "w") as writer:
        with pytest.raises(AssertionError):
            writer.read()
        with pytest.raises(TypeError):
            writer.write("text")
    with pytest.raises(mx.MXNetError, match="closed"):
        writer.write(b"")


def test_files_behind_urls(path):
    fsspec = pytest.importorskip("fsspec")
    written("memory://a.rec", [b"one", b"two"])
    assert list(MXRecordIO("memory://a.rec", "r")) == [b"one", b"two"]
    with MXIndexedRecordIO("memory://b.idx", "memory://b.rec", "w") as writer:
        writer.write_idx(1, b"one")
    assert MXIndexedRecordIO("memory://b.idx", "memory://b.rec", "r").read_idx(1) == b"one"
    assert fsspec.filesystem("memory").cat_file("/b.idx") == b"1\t0\n"
