"""The hub over plain HTTPS: which files a data set has, and downloads that go on after a break."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from urllib.parse import quote

from videoseal.core.errors import VideosealError

if TYPE_CHECKING:
    import httpx

__all__ = ["Hub", "HubFile", "HubRefused"]

T = TypeVar("T")
_TIMEOUT_S: Final = 60.0
_TRIES: Final = 4


class HubRefused(VideosealError):
    """The hub does not give what was asked for."""


class HubFile(NamedTuple):
    """One file of a data set."""

    path: str
    size: int
    """Bytes."""

    def matches(self, patterns: tuple[str, ...]) -> bool:
        """Whether its path is meant by one of the patterns."""
        return any(fnmatch(self.path, pattern) for pattern in patterns)


class _Page(NamedTuple):
    files: list[HubFile]
    next: str


class Hub:
    """A client of the hub at `endpoint`; the token, where there is one, goes to it alone."""

    def __init__(self, endpoint: str, token: str = "", *, pause_s: float = 2.0) -> None:
        import httpx

        self._endpoint = endpoint.rstrip("/")
        self._pause_s = pause_s
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Files lie on other hosts, to which httpx does not take the header along.
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_S, follow_redirects=True)

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def files(self, repo: str) -> list[HubFile]:
        """Every file of a data set; HubRefused says why there are none to be had."""
        found: list[HubFile] = []
        url = f"{self._endpoint}/api/datasets/{repo}/tree/main?recursive=true"
        while url:
            page = self._patiently(repo, partial(self._page, repo, url))
            found += page.files
            url = page.next
        return found

    def download(
        self, repo: str, file: HubFile, target: Path, on_bytes: Callable[[int], None]
    ) -> None:
        """Fetch a file, or the rest of it; `on_bytes` hears of bytes as they come.

        Raises HubRefused; what has come stays in `<name>.part` for the next time.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f"{target.name}.part")
        url = f"{self._endpoint}/datasets/{repo}/resolve/main/{quote(file.path)}"
        self._patiently(file.path, partial(self._append, repo, url, half, on_bytes))
        size = half.stat().st_size
        if size != file.size:
            half.unlink()
            raise HubRefused(f"{file.path} has {size:,} bytes, not {file.size:,}")
        half.replace(target)

    def _patiently(self, what: str, work: Callable[[], T]) -> T:
        """Do it again a few times when the line or the hub fails."""
        import httpx

        for _ in range(_TRIES - 1):
            try:
                return work()
            except httpx.TransportError:
                time.sleep(self._pause_s)
        try:
            return work()
        except httpx.TransportError as error:
            raise HubRefused(
                f"cannot fetch {what} from {self._endpoint}: {error or type(error).__name__}",
                hint="is there a network (HF_ENDPOINT names a mirror)? What has come stays; the"
                " same command goes on",
            ) from error

    def _page(self, repo: str, url: str) -> _Page:
        with self._answer(repo, url) as response:
            response.read()
            return _Page(
                [HubFile(e["path"], e["size"]) for e in response.json() if e["type"] == "file"],
                response.links.get("next", {}).get("url", ""),
            )

    def _append(self, repo: str, url: str, half: Path, on_bytes: Callable[[int], None]) -> None:
        before = half.stat().st_size if half.is_file() else 0
        headers = {"Accept-Encoding": "identity"}  # or bytes would not be those of the file
        if before:
            headers["Range"] = f"bytes={before}-"
        with self._answer(repo, url, headers) as response:
            if response.status_code == 416:  # all of it is here
                return
            goes_on = response.status_code == 206
            on_bytes(before if goes_on else 0)
            with half.open("ab" if goes_on else "wb") as file:
                for block in response.iter_raw():
                    file.write(block)
                    on_bytes(file.tell())

    @contextmanager
    def _answer(
        self, repo: str, url: str, headers: dict[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        import httpx

        with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code in (401, 403):
                raise HubRefused(
                    f"{repo} gives its files only to those who accepted its conditions",
                    hint=f"accept them at https://huggingface.co/datasets/{repo} and set HF_TOKEN",
                )
            if response.status_code == 429 or response.status_code >= 500:
                raise httpx.TransportError(f"HTTP {response.status_code}")
            if response.status_code >= 400 and response.status_code != 416:
                raise HubRefused(f"{response.url}: HTTP {response.status_code}")
            yield response
