"""A small hub on the loopback: lists files in pages, serves ranges, breaks off when told to.

It speaks what huggingface_hub asks for: a data set's page, its tree, and its files.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

__all__ = ["FakeHub", "hub_server"]


@dataclass
class FakeHub:
    """What it has and what it saw."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """By path in the one repository that it has, whatever that is called."""
    gated: bool = False
    breaks: dict[str, int] = field(default_factory=dict)
    """How often a download of this path is cut off in the middle."""
    hidden: set[str] = field(default_factory=set)
    """Listed, but not there."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths that were downloaded, with the range."""
    tokens: set[str] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Serve a page of the list, or a file."""
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        url = urlparse(self.path)
        if self.hub.gated and not self.headers.get("Authorization"):
            self._send(401, b"", {"X-Error-Code": "GatedRepo"})
        elif "/tree/" in url.path:
            self._list(int(url.query.partition("cursor=")[2] or 0))
        elif url.path.startswith("/api/datasets/"):
            self._send(200, json.dumps({"id": url.path.removeprefix("/api/datasets/")}).encode())
        else:
            self._file(unquote(url.path).partition("/resolve/main/")[2])

    def _list(self, page: int) -> None:
        entries = [
            {"type": "file", "path": path, "size": len(data), "oid": "0"}
            for path, data in sorted(self.hub.files.items())
        ]
        entries.insert(0, {"type": "directory", "path": "a", "oid": "0"})
        shown = entries[2 * page : 2 * page + 2]
        more = len(entries) > 2 * page + 2
        link = f'<{self.hub.address}/api/datasets/x/y/tree/main?cursor={page + 1}>; rel="next"'
        self._send(200, json.dumps(shown).encode(), {"Link": link} if more else {})

    def _file(self, path: str) -> None:
        wanted = self.headers.get("Range", "")
        self.hub.asked.append((path, wanted))
        if path in self.hub.hidden or path not in self.hub.files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        data = self.hub.files[path][int(first) : int(last) + 1]
        cut = self.hub.breaks.get(path, 0) > 0
        if cut:
            self.hub.breaks[path] -= 1
        self._send(206, data, shown=len(data) // 2 if cut else len(data))

    def _send(
        self, status: int, data: bytes, headers: dict[str, str] | None = None,
        shown: int | None = None,
    ) -> None:  # fmt: skip
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:shown])


@contextmanager
def hub_server() -> Iterator[FakeHub]:
    """Serve a hub until the block ends."""
    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
