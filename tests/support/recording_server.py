"""An HTTP server on loopback that gives recordings, and misbehaves at certain paths."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(eq=False)
class RecordingServer:
    """What a server gives, and what it was asked for.

    Attributes:
        port: It listens on all addresses of loopback.
        files: Content by path. Beside these there are `/endless`, `/slow` (a byte a second), `/silent` (never
            answers), `/gone` (404) and `/to?ADDRESS`, which redirects there.
        requests: Paths, and the headers of each request.
    """

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in self.requests)


@contextmanager
def recording_server(**files: bytes) -> Iterator[RecordingServer]:
    """Serve `files`, whose names are their paths without the slash."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, dict(self.headers)))
            path, _, target = self.path.partition("?")
            if path == "/to":
                self.send_response(302)
                self.send_header("Location", target)
                self.end_headers()
            elif path in ("/endless", "/slow"):
                self.send_response(200)
                self.end_headers()
                self._send_forever(b"\1" * (1 << 16) if path == "/endless" else b"\1", 0 if path == "/endless" else 1)
            elif path == "/silent":
                served.ended.wait(60)
            elif path in served.files:
                self.send_response(200)
                self.send_header("Content-Length", str(len(served.files[path])))
                self.end_headers()
                self.wfile.write(served.files[path])
            else:
                self.send_error(404)

        def _send_forever(self, chunk: bytes, pause_s: float) -> None:
            with suppress(OSError):
                while not served.ended.is_set():
                    self.wfile.write(chunk)
                    time.sleep(pause_s)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("", 0), Handler)
    server.daemon_threads = True
    served = RecordingServer(server.server_port, {f"/{name}": content for name, content in files.items()})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        server.shutdown()
        server.server_close()
