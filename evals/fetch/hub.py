"""The hub by its own library: the files of a data set, and downloads that go on after a break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import MissingDependency, VideosealError

__all__ = ["Hub", "HubFile", "HubRefused"]

_BLOCK: Final = 16 << 20
"""Bytes that are asked for at once, again when the line breaks."""


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


class Hub:
    """A client of the hub at `endpoint`; the token, where there is one, goes to it alone."""

    def __init__(self, endpoint: str, token: str = "") -> None:
        with MissingDependency.of("evals", "huggingface-hub is not installed"):
            from huggingface_hub import HfFileSystem
        self._endpoint = endpoint.rstrip("/")
        # False: not what a login on this machine left behind either.
        self._store = HfFileSystem(
            endpoint=self._endpoint, token=token or False, skip_instance_cache=True
        )

    def files(self, repo: str) -> list[HubFile]:
        """Every file of a data set; HubRefused says why there are none to be had."""
        with self._told(repo, repo):
            found = self._store.find(f"datasets/{repo}", detail=True)
        assert isinstance(found, dict)
        return [
            HubFile(path.removeprefix(f"datasets/{repo}/"), file["size"])
            for path, file in found.items()
        ]

    def download(
        self, repo: str, file: HubFile, target: Path, on_bytes: Callable[[int], None]
    ) -> None:
        """Fetch a file, or the rest of it; `on_bytes` hears of bytes as they come.

        Raises HubRefused; what has come stays in `<name>.part` for the next time. The library's
        own downloads would begin again, and an archive of videos has many gigabytes.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f"{target.name}.part")
        place = f"datasets/{repo}/{file.path}"
        with (
            self._told(repo, file.path),
            self._store.open(place, "rb", block_size=_BLOCK, cache_type="none") as remote,
            half.open("ab") as local,
        ):
            remote.seek(local.tell())
            on_bytes(local.tell())
            while block := remote.read(_BLOCK):
                local.write(block)
                on_bytes(local.tell())
        size = half.stat().st_size
        if size != file.size:
            half.unlink()
            raise HubRefused(f"{file.path} has {size:,} bytes, not {file.size:,}")
        half.replace(target)

    @contextmanager
    def _told(self, repo: str, what: str) -> Iterator[None]:
        """Say what the library raises in one line, without addresses that carry signatures."""
        import httpx
        from huggingface_hub.errors import HfHubHTTPError

        try:
            yield
        except (HfHubHTTPError, httpx.HTTPError, FileNotFoundError) as error:
            # A set that is not there, or not for everybody, is a missing file to the library.
            answer = error if isinstance(error, HfHubHTTPError) else error.__cause__
            status = answer.response.status_code if isinstance(answer, HfHubHTTPError) else 0
            if status in (401, 403):
                raise HubRefused(
                    f"{repo} gives its files only to those who accepted its conditions",
                    hint=f"accept them at https://huggingface.co/datasets/{repo} and set HF_TOKEN",
                ) from error
            if status == 404 or (not status and isinstance(error, FileNotFoundError)):
                raise HubRefused(f"{self._endpoint} has no {what}: HTTP 404") from error
            reason = f"HTTP {status}" if status else str(error) or type(error).__name__
            raise HubRefused(
                f"cannot fetch {what} from {self._endpoint}: {reason}",
                hint="is there a network (HF_ENDPOINT names a mirror)? What has come stays; the"
                " same command goes on",
            ) from error
