"""A server on loopback that breaks HTTP in the ways that hold up or overwhelm a client."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CHUNK = b"\0" * 65_536
_PAUSE_S = 1.0
_HOURS = 3_600 * 5


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    audio: bytes
    stopped: threading.Event

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Take a connection that breaks for the end of a client."""
        with suppress(OSError):
            super().handle()

    def _answer(self) -> None:
        self.close_connection = True
        behaviour = self.path.split("/")[1].partition("?")[0]
        BEHAVIOURS.get(behaviour, _Handler.missing)(self)

    def _head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _repeat(self, piece: bytes, pause_s: float = 0) -> None:
        while not self.stopped.wait(pause_s):
            self.wfile.write(piece)
            self.wfile.flush()

    def whole(self) -> None:
        self._head(Content_Length=len(self.audio), Content_Type="audio/wav")
        if self.command == "GET":
            self.wfile.write(self.audio)

    def endless(self) -> None:
        self._head()
        self._repeat(_CHUNK)

    def endless_chunks(self) -> None:
        self._head(Transfer_Encoding="chunked")
        self._repeat(b"10000\r\n" + _CHUNK + b"\r\n")

    def slow(self) -> None:
        self._head(Content_Length=len(self.audio))
        self._repeat(b"\0", _PAUSE_S)

    def slow_head(self) -> None:
        self._repeat(b"H", _PAUSE_S)

    def silent(self) -> None:
        self.stopped.wait()

    def too_short(self) -> None:
        self._head(Content_Length=len(self.audio) * 2)
        self.wfile.write(self.audio)

    def too_long(self) -> None:
        self._head(Content_Length=10)
        self.wfile.write(self.audio)

    def enormous(self) -> None:
        self._head(Content_Length=10**18)
        self._repeat(_CHUNK)

    def negative(self) -> None:
        self._head(Content_Length=-1)
        self.wfile.write(self.audio)

    def no_number(self) -> None:
        self._head(Content_Length="many")
        self.wfile.write(self.audio)

    def two_lengths(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.send_header("Content-Length", str(len(self.audio)))
        self.end_headers()
        self.wfile.write(self.audio)

    def bomb(self) -> None:
        self._head(Content_Encoding="gzip")
        self.wfile.write(gzip.compress(_CHUNK * 4_000) * 40)  # 10 GB

    def bad_encoding(self) -> None:
        self._head(Content_Encoding="gzip", Content_Length=len(self.audio))
        self.wfile.write(self.audio)

    def other_part(self) -> None:
        self._head(206, Content_Range="bytes 5-9/10", Content_Length=len(self.audio))
        self.wfile.write(self.audio)

    def nothing(self) -> None:
        self._head(204)

    def page(self) -> None:
        self._head(Content_Type="text/html", Content_Length=33)
        self.wfile.write(b"<script>alert(1)</script><html>\x1b[")

    def listing(self) -> None:
        body = b"<a href='../../etc/passwd'>x</a>" * 50_000
        self._head(Content_Type="text/html", Content_Length=len(body))
        self.wfile.write(body)

    def many_headers(self) -> None:
        self.send_response(200)
        for number in range(5_000):
            self.send_header(f"X-{number}", "x" * 1_000)
        self.end_headers()

    def long_header(self) -> None:
        self._head(X="x" * 20_000_000)

    def garbage(self) -> None:
        self.wfile.write(b"\x16\x03\x01" + bytes(range(256)) * 100)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def old(self) -> None:
        self.wfile.write(self.audio)  # HTTP/0.9: no head

    def refused(self) -> None:
        self._head(401, WWW_Authenticate="Basic realm=\x1b[31m", Content_Length=0)

    def later(self) -> None:
        self._head(429, Retry_After=_HOURS, Content_Length=0)

    def broken(self) -> None:
        self._head(500, Content_Length=0)

    def missing(self) -> None:
        self._head(404, Content_Length=0)

    def _redirect(self, location: str) -> None:
        self._head(302, Location=location, Content_Length=0)

    def loop(self) -> None:
        self._redirect(f"/loop/{time.monotonic_ns()}")

    def to_file(self) -> None:
        self._redirect("file:///etc/passwd")

    def to_zero(self) -> None:
        self._redirect("file:///dev/zero")

    def to_reference(self) -> None:
        self._redirect("reference://x")

    def to_closed_port(self) -> None:
        self._redirect("http://127.0.0.1:9/a.wav")

    def to_metadata(self) -> None:
        self._redirect("http://169.254.169.254/latest/meta-data/")

    def to_nonsense(self) -> None:
        self._redirect("http://[::1:\x01/\u202e".encode().decode("latin-1"))

    def to_endless(self) -> None:
        self._redirect("/endless")

    def to_whole(self) -> None:
        self._redirect("/whole")


BEHAVIOURS: dict[str, Callable[[Any], None]] = {
    name.replace("_", "-"): method
    for name, method in vars(_Handler).items()
    if callable(method) and not name.startswith(("_", "do_")) and name not in {"log_message", "handle"}
}
"""What the first part of a path makes the server do."""


@contextmanager
def hostile_server(audio: bytes) -> Iterator[str]:
    """Serve, and give the address of the server; `/whole` sends `audio` as it should be."""
    stopped = threading.Event()
    handler = type("Handler", (_Handler,), {"audio": audio, "stopped": stopped})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
