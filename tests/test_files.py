"""Reading and writing whole files, on the disk and elsewhere."""

import os
import pathlib
import pickle
import stat
import subprocess
import sys

import pytest

from rsym import _files
from rsym._files import FileError, FolderError, ForbiddenFileError, MissingFileError, read_bytes, write_bytes
from rsym.base import MXNetError
from s3_server import s3_bucket, s3_endpoint  # noqa: F401


@pytest.mark.parametrize("kind", [str, pathlib.Path, os.fsencode])
def test_what_is_written_is_read(tmp_path, kind):
    path = kind(tmp_path / "a.params")
    for content in (b"a longer first content", b"second", b""):
        write_bytes(path, content)
        assert read_bytes(path) == content
    assert os.listdir(tmp_path) == ["a.params"]


def test_a_relative_path_is_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bytes("a", bytearray(b"x"))
    assert (tmp_path / "a").read_bytes() == read_bytes("a") == b"x"


def test_a_reader_of_the_old_file_keeps_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with open(path, "rb") as old:
        write_bytes(path, b"new")
        assert old.read() == b"old"


def test_a_failed_write_keeps_the_old_content_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left") as caught:
        write_bytes(path, b"new")
    assert (caught.value.errno, caught.value.filename) == (28, str(path))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_stay_and_new_files_get_the_usual_ones(tmp_path):
    path, usual = tmp_path / "a", tmp_path / "usual"
    usual.touch()
    write_bytes(path, b"x")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    write_bytes(path, b"y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_stay_links(tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to("target")
    for content in (b"through a dangling link", b"through a link"):
        write_bytes(link, content)
        assert link.is_symlink() and target.read_bytes() == content


def test_devices_are_written_to_and_not_replaced():
    write_bytes(os.devnull, b"x")
    assert not os.path.isfile(os.devnull)
    assert read_bytes(os.devnull) == b""


@pytest.mark.parametrize("base", [MXNetError, OSError, FileNotFoundError, RuntimeError])
def test_a_missing_file_is_an_error_of_both_worlds(tmp_path, base):
    path = str(tmp_path / "no" / "a")
    for call in (lambda: read_bytes(path), lambda: write_bytes(path, b"x")):
        with pytest.raises(base) as caught:
            call()
        assert type(caught.value) is MissingFileError
        assert str(caught.value) == "[Errno 2] No such file or directory: %r" % path


@pytest.mark.skipif(os.name == "nt", reason="Windows reports folders as forbidden")
def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FolderError):
        read_bytes(tmp_path)
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path, b"x")


def test_a_forbidden_file(tmp_path, monkeypatch):
    def forbidden(path, *_):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(_files, "_read_local", forbidden)
    with pytest.raises(PermissionError, match="Permission denied: 'a'") as caught:
        read_bytes("a")
    assert type(caught.value) is ForbiddenFileError and isinstance(caught.value, MXNetError)


def test_errors_travel_between_processes():
    error = pickle.loads(pickle.dumps(MissingFileError(2, "No such file", "a")))
    assert (type(error), error.errno, error.filename) == (MissingFileError, 2, "a")


def test_local_paths_do_not_import_fsspec(tmp_path):
    code = "import sys; from rsym._files import *; write_bytes(%r, b'x'); assert 'fsspec' not in sys.modules"
    path = os.pathsep.join(p for p in sys.path if p)
    env = dict(os.environ, PYTHONPATH=path)
    subprocess.run([sys.executable, "-c", code % str(tmp_path / "a")], env=env, check=True)


@pytest.mark.parametrize("url, extra", [("s3://bucket/a", "s3"), ("memory://a", "fsspec")])
def test_a_url_without_fsspec_names_the_extra(monkeypatch, url, extra):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for call in (lambda: read_bytes(url), lambda: write_bytes(url, b"x")):
        with pytest.raises(MXNetError, match=r"pip install 'rsym\[%s\]'" % extra):
            call()


def test_a_url_without_its_file_system_names_the_extra(monkeypatch):
    registry = pytest.importorskip("fsspec.registry")
    monkeypatch.delitem(registry._registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MXNetError, match=r"pip install 'rsym\[s3\]'"):
        read_bytes("s3://bucket/a")


@pytest.mark.parametrize("path", ["a", "memory://rsym-test/a"])
def test_text_is_no_bytes(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError):
        write_bytes(path, "text")
    assert os.listdir(tmp_path) == []


def test_an_unknown_scheme_is_an_error():
    pytest.importorskip("fsspec")
    with pytest.raises(MXNetError, match="nosuch://a"):
        read_bytes("nosuch://a")


@pytest.mark.parametrize("path", ["a:b", "C:\\a", "a::b", "s3:/a", "://a"])
def test_colons_alone_make_no_url(path):
    assert _files._open_url(path) == (None, path)


@pytest.mark.parametrize("url", ["memory://rsym-test/a", "simplecache::memory://rsym-test/b"])
def test_files_in_memory(url):
    fsspec = pytest.importorskip("fsspec")
    with pytest.raises(MissingFileError, match=url):
        read_bytes(url)
    write_bytes(url, b"content")
    assert read_bytes(url) == b"content"
    fsspec.filesystem("memory").rm("/rsym-test", recursive=True)


def test_a_file_url_is_written_as_a_local_file_is(tmp_path):
    pytest.importorskip("fsspec")
    link = tmp_path / "link"
    link.symlink_to("target")
    write_bytes("file://%s" % link, b"x")
    assert link.is_symlink() and read_bytes("file://%s" % (tmp_path / "target")) == b"x"


def test_files_in_s3(s3_bucket):  # noqa: F811
    url = "s3://%s/net/net-0001.params" % s3_bucket
    with pytest.raises(MissingFileError):
        read_bytes(url)
    for content in (bytes(range(256)) * 1000, b"shorter"):
        write_bytes(url, content)
        assert read_bytes(url) == content


def test_a_missing_bucket_is_a_missing_file(s3_bucket):  # noqa: F811
    with pytest.raises(FileNotFoundError) as caught:
        write_bytes("s3://no-such-bucket/a", b"x")
    assert isinstance(caught.value, MXNetError)
