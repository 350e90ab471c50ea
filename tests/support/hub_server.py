"""A Hub on loopback with injectable faults: enough of the protocol for the real huggingface_hub client.

Point the client at `HubServer.url`, with `Hub(endpoint=...)` or, for a whole process, with `HF_ENDPOINT`.
"""

import enum
import hashlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.support.hub_writes import Writes

# The id of a dataset begins with `datasets/` here.
_ID = r"(?P<id>(?:datasets/)?[^/]+(?:/[^/]+)?)"
_RESOLVE = re.compile(rf"/{_ID}/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
_API = re.compile(rf"/api/(?:models/|(?=datasets/)){_ID}(?:/revision/(?P<revision>[^/]+))?")
_LISTING = re.compile(rf"/api/{_ID}/(?P<what>tree|paths-info)/(?P<revision>[^/]+)(?:/(?P<folder>.+))?")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_DRIP_PAUSE_S = 0.1
_CHUNK_BYTES = 65_536
_NOWHERE = "http://127.0.0.1:9/nowhere"


class Trouble(enum.Enum):
    """Faults other than a status code."""

    HANG = "accept the request and never answer"
    DRIP = "send one byte of the body now and then, without end in sight"
    TRUNCATE = "announce the whole body and close after half of it"
    RESET = "reset the connection"
    NOWHERE = "redirect to where nobody listens"
    WRONG_LENGTH = "announce fewer bytes in answer to HEAD than GET sends"
    GARBAGE = "answer with a page that is not the Hub's"
    LOOP = "redirect to itself"
    WHOLE = "know nothing of ranges and send the whole file"
    OTHER_PART = "send another part of the file than was asked for"
    SHORT_PART = "send half of the part that was asked for, and say so"
    OTHER_SIZE = "tell another size of the file than the list of files does"
    PACKED = "send the body in an encoding that nobody asked for"


_OF_BODIES = set(Trouble) - {Trouble.HANG, Trouble.RESET, Trouble.NOWHERE, Trouble.GARBAGE, Trouble.LOOP}


@dataclass
class Fault:
    """A fault to inject.

    Attributes:
        what: A status code or a kind of trouble.
        at: A part of the affected paths, such as `/api/` or `config.json`; empty for all.
        times: How often it happens; None for always.
        headers: Sent with a status code.
    """

    what: int | Trouble
    at: str = ""
    times: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Repository:
    """A repository: a folder per revision, and facts."""

    folders: dict[str, Path] = field(default_factory=dict)
    shas: dict[str, str] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    faults: list[Fault] = field(default_factory=list)


class HubServer:
    """The server, which runs in a `with` block.

    Attributes:
        bytes_sent: Bytes of bodies sent, by repository.
        bytes_of_paths: The same, by path.
        requests: Method and path of every request, in order.
        tokens: The token of every request that had one, by path.
        page: Repositories per page of a search.
        renamed: Old name → new name of repositories, as the Hub redirects them.
        writes: Everything that was written.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.bytes_sent: Counter[str] = Counter()
        self.bytes_of_paths: Counter[str] = Counter()
        self.requests: list[str] = []
        self.tokens: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.page = 100
        self.renamed: dict[str, str] = {}
        self.writes = Writes()
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(
        self, id: str, folder: Path, *, branch: str = "main", gated: bool = False, info: Mapping[str, Any] | None = None
    ) -> str:
        """Serve `folder` as a branch of a repository; returns the sha of its commit."""
        repository = self.repositories.setdefault(id, Repository())
        content = hashlib.sha256()
        for path in _files(folder):
            content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
        sha = hashlib.sha1(f"{id} {branch} {content.hexdigest()}".encode(), usedforsecurity=False).hexdigest()
        repository.folders[sha] = folder
        repository.shas[branch] = sha
        repository.gated = gated
        repository.info.update(info or {})
        return sha

    def break_(self, id: str | None, *faults: Fault) -> None:
        """Inject faults into one repository, or into all if `id` is None."""
        (self.faults if id is None else self.repositories[id].faults).extend(faults)

    def fault_at(self, id: str, path: str) -> Fault | None:
        """Take the next fault of a request."""
        with self._lock:
            repository = self.repositories.get(id)
            faults = [*repository.faults, *self.faults] if repository else self.faults
            for fault in faults:
                if fault.at in path and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def record(self, request: str, token: str | None) -> None:
        """Note a request."""
        with self._lock:
            self.requests.append(request)
            if token is not None:
                self.tokens[request.partition(" ")[2]] = token

    def count(self, id: str, path: str, amount: int) -> None:
        """Note bytes sent."""
        with self._lock:
            self.bytes_sent[id] += amount
            self.bytes_of_paths[path] += amount

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def silent_port() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: HubServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self.path == "/api/whoami-v2":
            self.do_POST()
        else:
            self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        token = self.headers.get("Authorization")
        path = unquote(urlsplit(self.path).path)
        self.server_state.record(f"{self.command} {path}", token)
        if (match := _LISTING.fullmatch(path)) is not None:
            self._serve_listing(match, parse_qs(body.decode()).get("paths", []))
            return
        reply = self.server_state.writes.answer(self.path, token, body, url=self.server_state.url)
        self._send_json(reply.body, status=reply.status)

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server_state.record(f"{self.command} {path}", self.headers.get("Authorization"))
        if path == "/api/models":
            self._serve_list()
            return
        if (match := _LISTING.fullmatch(path)) is not None:
            self._serve_listing(match, None)
            return
        match = _API.fullmatch(path) or _RESOLVE.fullmatch(path)
        id = match["id"] if match else ""
        if id in self.server_state.renamed:
            self._refuse(307, headers={"Location": self.path.replace(id, self.server_state.renamed[id], 1)})
            return
        fault = self.server_state.fault_at(id, path)
        try:
            if fault is None or fault.what in _OF_BODIES:
                self._serve(match, fault.what if fault else None)
            elif isinstance(fault.what, int):
                self._refuse(fault.what, headers=fault.headers)
            else:
                self._make_trouble(fault.what)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _make_trouble(self, trouble: int | Trouble) -> None:
        if trouble is Trouble.HANG:
            self.server_state.stopped.wait()
        elif trouble is Trouble.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif trouble is Trouble.LOOP:
            self._refuse(302, headers={"Location": self.path})
            return
        elif trouble is Trouble.NOWHERE:
            self._refuse(302, headers={"Location": _NOWHERE, "X-Repo-Commit": "0" * 40, "ETag": '"e"'})
        else:
            self._send(b"<html>Please log in to the hotel's network</html>", {"Content-Type": "text/html"})
        self.close_connection = True

    def _serve(self, match: re.Match[str] | None, trouble: int | Trouble | None) -> None:
        repository = self.server_state.repositories.get(match["id"]) if match else None
        if match is None or repository is None:
            # As the Hub does for those who are not logged in.
            self._refuse(401, "RepoNotFound")
            return
        revision = match["revision"] or "main"
        sha = revision if revision in repository.folders else repository.shas.get(revision)
        if sha is None:
            self._refuse(404, "RevisionNotFound")
        elif "name" not in match.groupdict():
            self._serve_info(match["id"], repository, sha, trouble)
        elif repository.gated:
            self._refuse(403, "GatedRepo")
        else:
            self._serve_file(match["id"], repository.folders[sha], sha, match["name"], trouble)

    def _serve_list(self) -> None:
        """Send a page of a search, with a link to the next one."""
        query = parse_qs(urlsplit(self.path).query)
        fault = self.server_state.fault_at("", "/api/models")
        if fault is not None:
            self._refuse(fault.what) if isinstance(fault.what, int) else self._make_trouble(fault.what)
            return
        words, tags = query.get("search", [""])[0].casefold(), query.get("filter", [])
        start, page = int(query.get("cursor", ["0"])[0]), self.server_state.page
        listed = [
            {"id": id, "modelId": id, "tags": repository.info.get("tags", []), "private": False}
            | {"downloads": repository.info.get("downloads", 0)}
            for id, repository in self.server_state.repositories.items()
            if words in id.casefold() and set(tags) <= set(repository.info.get("tags", []))
        ]
        if query.get("sort") == ["downloads"]:
            listed.sort(key=lambda repository: -repository["downloads"])
        headers = {}
        if start + page < len(listed):
            following = urlencode({**query, "cursor": [start + page]}, doseq=True)
            headers["Link"] = f'<{self.server_state.url}/api/models?{following}>; rel="next"'
        self._send_json(listed[start : start + page], headers)

    def _serve_info(self, id: str, repository: Repository, sha: str, trouble: int | Trouble | None) -> None:
        folder = repository.folders[sha]
        siblings = [
            {"rfilename": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "blobId": "0" * 40}
            for path in _files(folder)
        ]
        info: dict[str, Any] = {"id": id, "modelId": id, "sha": sha, "gated": "manual" if repository.gated else False}
        info |= {"siblings": siblings, "tags": [], "downloads": 1, "private": False, "disabled": False}
        self._send_json(info | repository.info, trouble=trouble, id=id)

    def _serve_listing(self, match: re.Match[str], paths: list[str] | None) -> None:
        """Send the files and folders below a folder, or what is at these paths."""
        repository = self.server_state.repositories[match["id"]]
        root = repository.folders.get(match["revision"]) or repository.folders[repository.shas[match["revision"]]]
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].casefold() == "true"
        below = root / (match["folder"] or "")
        listed = (
            sorted(below.rglob("*") if recursive else below.glob("*")) if paths is None else map(root.joinpath, paths)
        )
        entries = [
            {"type": "directory" if path.is_dir() else "file", "path": path.relative_to(root).as_posix()}
            | {"oid": "0" * 40, "size": 0 if path.is_dir() else path.stat().st_size}
            for path in listed
            if path.exists()
        ]
        if not entries and paths is None:
            self._refuse(404, "EntryNotFound")
        else:
            self._send_json(entries)

    def _serve_file(self, id: str, folder: Path, sha: str, name: str, trouble: int | Trouble | None) -> None:
        path = folder / name
        if not path.is_file():
            self._refuse(404, "EntryNotFound", {"X-Repo-Commit": sha})
            return
        body = path.read_bytes()
        headers = {
            "X-Repo-Commit": sha,
            "ETag": f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"',
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        span = _RANGE.fullmatch(self.headers.get("Range", ""))
        if span is None or trouble is Trouble.WHOLE:
            self._send(body, headers, trouble=trouble, id=id)
            return
        first, last = int(span[1]), min(int(span[2] or len(body) - 1), len(body) - 1)
        first += trouble is Trouble.OTHER_PART
        if trouble is Trouble.SHORT_PART:
            last = (first + last) // 2
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body) + (trouble is Trouble.OTHER_SIZE)}"
        self._send(body[first : last + 1], headers, status=206, trouble=trouble, id=id)

    def _send_json(self, content: object, headers: Mapping[str, str] | None = None, **options: Any) -> None:
        self._send(json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})}, **options)

    def _send(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        status: int = 200,
        trouble: int | Trouble | None = None,
        id: str = "",
    ) -> None:
        length = len(body)
        if trouble is Trouble.WRONG_LENGTH and self.command == "HEAD":
            length //= 2
        if trouble is Trouble.PACKED:
            headers = {**headers, "Content-Encoding": "gzip"}
        self._send_head(status, {"Content-Length": str(length), **headers})
        if self.command == "HEAD":
            return
        if trouble is Trouble.DRIP:
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.server_state.stopped.wait(_DRIP_PAUSE_S):
                    break
            self.close_connection = True
            return
        if trouble is Trouble.TRUNCATE:
            body = body[: length // 2]
            self.close_connection = True
        if trouble is Trouble.WHOLE:
            # Larger socket buffers accept megabytes that the client never reads.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHUNK_BYTES)
        for start in range(0, len(body), _CHUNK_BYTES):
            chunk = body[start : start + _CHUNK_BYTES]
            self.wfile.write(chunk)
            self.server_state.count(id, unquote(urlsplit(self.path).path), len(chunk))

    def _refuse(self, status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        error = {} if code is None else {"X-Error-Code": code}
        self._send_head(status, {**error, **(headers or {}), "Content-Length": "0"})

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
