"""Object stores on loopback: moto's S3 server, and servers that speak HTTP and refuse or break off."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BUCKET = "speech"
_REFUSAL = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


class ObjectStore:
    """An S3 server with one bucket.

    Attributes:
        url: Of the server, for `AWS_ENDPOINT_URL`.
    """

    def __init__(self, url: str, client: Any, stop: Callable[[], None]) -> None:
        self.url, self._client, self._stop = url, client, stop

    def stop(self) -> None:
        """End the server before its time; a second call does nothing."""
        self._stop()
        self._stop = lambda: None

    def put(self, key: str, content: bytes) -> str:
        """Store an object and return its address."""
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def put_folder(self, folder: Path, prefix: str) -> str:
        """Store the files below a folder and return the address of the folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"s3://{BUCKET}/{prefix}"

    def names(self, prefix: str) -> list[str]:
        """The keys that begin with a prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        """The content of an object."""
        return bytes(self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def s3_environment(url: str) -> dict[str, str]:
    """The variables by which every client of S3 finds a server."""
    return {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Serve an empty bucket; skip the test where the libraries are missing, which CI installs."""
    reason = "it serves or reads S3; pip install -e '.[dev]'"
    for library in ("s3fs", "flask_cors"):
        pytest.importorskip(library, reason=reason)
    moto_server = pytest.importorskip("moto.server", reason=reason)
    import boto3  # noqa: PLC0415 - not everywhere

    server = moto_server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    started = None
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **key)
        client.create_bucket(Bucket=BUCKET)
        started = ObjectStore(url, client, server.stop)
        yield started
    finally:
        if started is not None:
            started.stop()
        else:
            server.stop()


@contextmanager
def refusing_store() -> Iterator[str]:
    """Answer every request with 403."""

    class Refusing(_Handler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(_REFUSAL)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(_REFUSAL)

        def do_HEAD(self) -> None:
            self.do_GET()

    with _served(Refusing) as url:
        yield url


@contextmanager
def breaking_store(content: bytes) -> Iterator[str]:
    """Announce `content` for every object, and break off the connection after half of it."""

    class Breaking(_Handler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"0"')
            self.send_header("Last-Modified", "Tue, 01 Dec 2026 00:00:00 GMT")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True

    with _served(Breaking) as url:
        yield url


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
