"""A run as one file: records, verdicts, manifest, cited frames, figures, and what made them.

A zip archive of known names: files of the run's folder, `frames/<sha256>.jpg`, and `bundle.json`
with the hash of everything else. It comes from anybody, so that nothing in it is unpacked by its
own name, and nothing larger than it could honestly be.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import VideoError, VideosealError, first_fault
from videoseal.core.files import replacing
from videoseal.core.provenance import surroundings
from videoseal.core.text import json_values
from videoseal.evals.benchmarks.selection import locate
from videoseal.evals.formats.score_document import score_document
from videoseal.evals.judging.judge_pins import JUDGES
from videoseal.evals.manifest import MANIFEST
from videoseal.evals.records import RecordFile, SampleRecord, latest
from videoseal.evals.scoring.systems import RECORDS, read_manifest, read_systems
from videoseal.evals.verdicts import JUDGEMENTS
from videoseal.graph.proof.shown_pictures import decode_shown
from videoseal.tools.frame_cache import FrameCache, find_frame

__all__ = ["DRAWN", "BadBundle", "Bundle", "BundleIndex", "CitedFrame", "by_video", "cited_frames",
           "machine", "open_bundle", "write_bundle"]  # fmt: skip

DRAWN: Final = "intervals"
"""What an environment calls what drew the ends of intervals; bundles from before scipy did, and
those of another scipy, have other ends."""
_INDEX: Final = "bundle.json"
_FILES: Final = (RECORDS, MANIFEST, JUDGEMENTS, JUDGES, "experiment.yaml")
_FRAME: Final = re.compile(r"frames/([0-9a-f]{64})\.jpg")
_BLOCK: Final = 1 << 20
_SMALL: Final = 32 << 20
"""Bytes that a frame, and whatever is packed hard, may have."""
_LARGEST: Final = 8 << 30
_RATIO: Final = 100
"""Records are packed to a tenth or so; a thousandth is what bombs have."""
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError,
)  # fmt: skip
"""What reading an archive may raise that is damaged, or made to do damage."""


class BadBundle(VideosealError):
    """A file is no bundle, or not one that a run was written to."""

    exit_code = 2


class BundleIndex(BaseModel):
    """What `bundle.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    run: str
    command: list[str]
    """That asks the same questions again."""
    environment: dict[str, Any]
    """Where it was written; the manifest says where the questions were asked."""
    files: dict[str, str]
    """SHA-256 by name."""
    missing: list[str] = Field(default_factory=list)
    """Hashes of cited frames that were no longer to be had."""
    figures: list[Any]
    """What `eval score --json` says of the run."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle."""

    index: BundleIndex
    folder: Path
    """The run's own files, for as long as it is open."""
    archive: zipfile.ZipFile

    def frame(self, sha256: str) -> bytes | None:
        """A frame as it was packed; None where there is none of that name."""
        name = f"frames/{sha256}.jpg"
        try:
            return self.archive.read(name) if name in self.archive.NameToInfo else None
        except _BROKEN as error:
            raise BadBundle(f"{name}: cannot be read: {error}") from None

    def hashes(self) -> Iterator[tuple[str, str]]:
        """The name and hash of everything in it but its index."""
        for info in self.archive.infolist():
            if info.filename != _INDEX:
                try:
                    total = hashlib.sha256()
                    with self.archive.open(info) as file:
                        while block := file.read(_BLOCK):
                            total.update(block)
                    yield info.filename, total.hexdigest()
                except _BROKEN as error:
                    raise BadBundle(f"{info.filename}: cannot be read: {error}") from None


class CitedFrame(NamedTuple):
    """A frame that some answer rests on."""

    record: SampleRecord
    time: float
    sha256: str
    ref: str


def cited_frames(records: Iterable[SampleRecord]) -> Iterator[CitedFrame]:
    """Every frame that an answer cites, answer by answer."""
    for record in records:
        answer = (record.episode or {}).get("answer") or {}
        for citation in answer.get("citations") or []:
            for frame in citation.get("frames") or []:
                yield CitedFrame(record, frame["time"], frame["sha256"], frame.get("ref", ""))


def machine() -> dict[str, Any]:
    """What decides how a frame is decoded, scaled and compressed, and what draws intervals."""
    import scipy

    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    drawn = f"scipy {scipy.__version__}"
    return {"machine": platform.machine(), "processor": next(names, ""), DRAWN: drawn}


def by_video(frames: Iterable[CitedFrame], videos: Path) -> Iterator[tuple[Path, list[CitedFrame]]]:
    """The frames of each video that is in the folder, with its file; raises VideoNotFound."""
    together: dict[str, list[CitedFrame]] = {}
    for frame in frames:
        together.setdefault(frame.record.item.video, []).append(frame)
    found = locate([some[0].record.item for some in together.values()], videos).found
    yield from ((path, together[video]) for video, path in found.items())


def write_bundle(
    folder: Path, out: Path, cache: FrameCache, videos: Path | None = None
) -> BundleIndex:
    """Pack a run's folder with the frames that its answers cite.

    Frames come from the cache, else from the files in `videos`; those that neither has are listed.
    Raises RunBusy while the run goes on, AnnotationError for a damaged record.
    """
    with RecordFile(folder / RECORDS) as file:
        cited = cited_frames(latest(file.read()).values())
        frames = {frame.sha256: frame for frame in cited}
        with replacing(out) as partial, zipfile.ZipFile(partial, "w") as archive:
            files = {name: _pack(archive, folder / name) for name in _FILES
                     if (folder / name).is_file()}  # fmt: skip
            missing = set(frames)
            for sha256, jpeg in _pictures(frames, cache, videos):
                archive.writestr(f"frames/{sha256}.jpg", jpeg)
                files[f"frames/{sha256}.jpg"] = sha256
                missing.discard(sha256)
            index = BundleIndex(
                run=folder.resolve().name, command=_command(read_manifest(folder)),
                environment={**json_values(surroundings()), **machine()}, files=files,
                missing=sorted(missing), figures=score_document(read_systems([folder])),
            )  # fmt: skip
            text = index.model_dump_json(indent=1)
            archive.writestr(_INDEX, text, compress_type=zipfile.ZIP_DEFLATED)
    return index


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle; raises BadBundle for anything else, however it was made."""
    try:
        archive = zipfile.ZipFile(path)
    except (*_BROKEN, ValueError) as error:
        raise BadBundle(f"{path.name} is no bundle: {error}") from None
    with archive, TemporaryDirectory(prefix="videoseal-bundle-") as folder:
        try:
            _refuse_hostile(archive)
            index = BundleIndex.model_validate_json(archive.read(_INDEX))
            for name in _FILES:
                if name in archive.NameToInfo:
                    with archive.open(name) as packed, (Path(folder) / name).open("wb") as file:
                        shutil.copyfileobj(packed, file, _BLOCK)
        except BadBundle as error:
            raise BadBundle(f"{path.name} {error}") from None
        except ValidationError as error:
            raise BadBundle(f"{path.name}: {_INDEX}: {first_fault(error, 'index')}") from None
        except _BROKEN as error:
            raise BadBundle(f"{path.name} cannot be read: {error}") from None
        yield Bundle(index, Path(folder), archive)


def _refuse_hostile(archive: zipfile.ZipFile) -> None:
    """Refuse names that no bundle has, and what would grow beyond all measure."""
    members = archive.infolist()
    if len(archive.NameToInfo) < len(members):
        raise BadBundle("has two files of one name")
    for info in members:
        known = info.filename in (_INDEX, *_FILES) or _FRAME.fullmatch(info.filename)
        if not known:
            raise BadBundle(f"is no bundle: it holds {info.filename!r:.80}")
        if info.file_size > max(_SMALL, _RATIO * info.compress_size):
            raise BadBundle(f"would unpack {info.filename} to {info.file_size:,} bytes")
    if sum(info.file_size for info in members) > _LARGEST:
        raise BadBundle(f"would unpack to more than {_LARGEST:,} bytes")
    if not {_INDEX, RECORDS} <= archive.NameToInfo.keys():
        raise BadBundle(f"is no bundle: it lacks {_INDEX} or {RECORDS}")


def _pack(archive: zipfile.ZipFile, path: Path) -> str:
    """Pack a file of the run; the hash of what was packed."""
    total = hashlib.sha256()
    info = zipfile.ZipInfo.from_file(path, path.name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with path.open("rb") as file, archive.open(info, "w") as packed:
        while block := file.read(_BLOCK):
            total.update(block)
            packed.write(block)
    return total.hexdigest()


def _pictures(
    frames: Mapping[str, CitedFrame], cache: FrameCache, videos: Path | None
) -> Iterator[tuple[str, bytes]]:
    lost = []
    for sha256, frame in frames.items():
        jpeg = find_frame(cache, frame.record.video_id, frame.ref)
        if jpeg is not None and hashlib.sha256(jpeg).hexdigest() == sha256:
            yield sha256, jpeg
        else:
            lost.append(frame)
    for path, some in by_video(lost, videos) if videos and lost else ():
        try:
            again = decode_shown(path, some)
        except VideoError:
            continue
        for jpeg in again.values():
            yield hashlib.sha256(jpeg).hexdigest(), jpeg


def _command(manifest: Mapping[str, Any]) -> list[str]:
    """What asks the same questions; FILE has the manifest's `dataset_sha256`."""
    spec = manifest.get("spec") or {}
    cells = spec.get("cells") or [{}]
    what = [spec.get("benchmark", "BENCHMARK")]
    if any(cell.get(part) for cell in cells for part in ("variant", "settings", "endpoints")):
        what = ["experiment", "experiment.yaml"]
    else:
        what += [part for cell in cells for part in ("--mode", cell.get("mode", "decoupled"))]
        for name, value in (cells[0].get("context") or {}).items():
            option = "--force" if name == "forced_choice" else f"--{name.replace('_', '-')}"
            what += [option] if value is True else [option, str(value)]
    draw = [(name, spec.get(name)) for name in ("limit", "sample", "seed")]
    drawn = [part for name, value in draw if value for part in (f"--{name}", str(value))]
    return ["videoseal", "eval", *what, "--annotations", "FILE", "--videos", "DIR", *drawn]
