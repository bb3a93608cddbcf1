"""An S3 server on the loopback interface, for tests of ``s3://`` paths."""

import os

import pytest


@pytest.fixture(scope="session")
def s3_endpoint():
    """The address of a running server that speaks the S3 protocol."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield "http://%s:%d" % (host, port)
    server.stop()


@pytest.fixture
def s3_bucket(s3_endpoint, monkeypatch):
    """The name of an empty bucket, ``my-bucket``, to which ``s3://`` paths of this process lead."""
    s3fs = pytest.importorskip("s3fs")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    fs = s3fs.S3FileSystem()
    fs.mkdir("my-bucket")
    yield "my-bucket"
    fs.rm("my-bucket", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
