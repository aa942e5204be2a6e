"""Whether a bundle is what it says: hashes, figures without a model, and frames decoded again."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from videoseal.core.checks import Check, CheckWarning, run_check
from videoseal.core.errors import VideoError
from videoseal.core.provenance import RunDifference, surroundings
from videoseal.core.video import content_id
from videoseal.evals.formats.bundle import (
    DRAWN,
    BadBundle,
    Bundle,
    CitedFrame,
    by_video,
    cited_frames,
    machine,
    open_bundle,
)
from videoseal.evals.formats.score_document import score_document
from videoseal.evals.records import RecordFile, latest
from videoseal.evals.scoring.systems import RECORDS, read_manifest, read_systems
from videoseal.graph.proof.proof_check import ALIKE, picture_difference
from videoseal.graph.proof.shown_pictures import decode_shown

__all__ = ["verify_bundle"]

_DECODERS: Final = ("av", "numpy", "simplejpeg")
"""Packages that decide a frame's bytes."""
_LATER: Final = ("hops", "categories")
_INTERVAL: Final = 2e-3
_OF_WIDTH: Final = 0.1
"""By how much ends of intervals may differ, and by what share of the width where other software
drew them: four standard errors of 2,000 draws are 0.09 of it."""


def verify_bundle(
    path: Path, videos: Path | None = None, *, sample: int = 20, seed: int = 0
) -> list[Check]:
    """Check a bundle; with `videos` decode a sample of its cited frames again and compare.

    Raises BadBundle for a file that is none.
    """
    with open_bundle(path) as bundle:
        checks = [
            run_check("files", lambda: _files(bundle)),
            run_check("frames", lambda: _frames(bundle)),
            run_check("figures", lambda: _figures(bundle)),
        ]
        if videos is not None:
            checks.append(run_check("videos", lambda: _videos(bundle, videos, sample, seed)))
        return checks


def _files(bundle: Bundle) -> str:
    found, listed = dict(bundle.hashes()), bundle.index.files
    for name in sorted({*found, *listed}):
        if found.get(name) != listed.get(name):
            what = "is not there" if name not in found else "is not what was packed"
            raise BadBundle(f"{name} {what}")
        if name.startswith("frames/") and name != f"frames/{found[name]}.jpg":
            raise BadBundle(f"{name} does not have the hash that it is named by")
    return f"{len(found):,} files, each with the hash that was written"


def _cited(bundle: Bundle) -> list[CitedFrame]:
    with RecordFile(bundle.folder / RECORDS) as file:
        return list(cited_frames(latest(file.read()).values()))


def _frames(bundle: Bundle) -> str:
    hashes = {frame.sha256 for frame in _cited(bundle)}
    lost = {sha256 for sha256 in hashes if f"frames/{sha256}.jpg" not in bundle.index.files}
    if unknown := lost - {*bundle.index.missing}:
        raise BadBundle(f"{len(unknown):,} of {len(hashes):,} cited frames are not there")
    if lost:
        raise CheckWarning(f"{len(lost):,} of {len(hashes):,} cited frames were never packed")
    return f"{len(hashes):,} cited frames are there"


def _figures(bundle: Bundle) -> str:
    again = score_document(read_systems([bundle.folder]))
    stored = bundle.index.figures
    if len(again) != len(stored):
        raise BadBundle(f"{len(stored):,} systems have figures, {len(again):,} have records")
    alike = bundle.index.environment.get(DRAWN) == machine()[DRAWN]
    differing: list[RunDifference] = []
    for then, now in zip(stored, again, strict=True):
        # The folder is another one here, and bundles of earlier versions tell less.
        known = {name: part for name, part in now.items() if name in then or name not in _LATER}
        differing += _differences({**then, "run": ""}, {**known, "run": ""}, alike=alike)
    if differing:
        first = differing[0]
        raise BadBundle(
            f"{len(differing):,} figures differ, first {first.what}: {first.then} stored,"
            f" {first.now} recomputed"
        )
    count = sum(1 for _ in _leaves(stored))
    how = "" if alike else " (ends of intervals, drawn by other software, as far as chance goes)"
    return f"{count:,} figures of {len(stored):,} systems recomputed, all as stored{how}"


def _differences(
    then: Any, now: Any, what: str = "", apart: float = 0.0, *, alike: bool
) -> Iterator[RunDifference]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in [*then, *(name for name in now if name not in then)]:
            within = f"{what}.{name}".removeprefix(".")
            apart = _room(now, alike=alike) if name in ("low", "high") else 1e-9
            yield from _differences(then.get(name), now.get(name), within, apart, alike=alike)
    elif not (isinstance(then, int | float) and isinstance(now, int | float)):
        if then != now:
            yield RunDifference(what, then, now)
    elif not math.isclose(then, now, rel_tol=1e-9, abs_tol=apart):
        yield RunDifference(what, then, now)


def _room(estimate: Mapping[str, Any], *, alike: bool) -> float:
    """How far the ends of a recomputed interval may lie from the stored ones; they step by 1/n."""
    low, high, n = (estimate.get(name) for name in ("low", "high", "n"))
    if alike or low is None or high is None or not n:
        return _INTERVAL
    return float(max(_INTERVAL, _OF_WIDTH * (high - low), 1.01 / n))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, str):
        yield value


def _videos(bundle: Bundle, videos: Path, sample: int, seed: int) -> str:
    here = [frame for _, some in by_video(_cited(bundle), videos) for frame in some]
    once = list({frame.sha256: frame for frame in here}.values())
    if not once:
        raise CheckWarning(f"no video of a cited frame is in {videos}")
    drawn = random.Random(seed).sample(once, min(sample, len(once)))  # noqa: S311
    then = _versions(read_manifest(bundle.folder).get("packages") or {}, bundle.index.environment)
    now = _versions(surroundings()["packages"], machine())
    other = ", ".join(f"{name} {then[name]} then, {now[name]} here" for name in now
                      if then[name] != now[name])  # fmt: skip
    exact, alike = 0, 0
    for path, some in by_video(drawn, videos):
        again = _decoded(path, some)
        for frame in some:
            same_file = content_id(path) == frame.record.video_id
            apart = _compare(bundle, frame, again.get(frame.ref))
            if apart > (0 if same_file and not other else ALIKE):
                raise BadBundle(
                    f"the frame at {frame.time:.3f} s of {path.name} is not the cited one"
                    + (f" (difference {apart:.0f} of 255)" if math.isfinite(apart) else "")
                )
            exact, alike = exact + (apart == 0), alike + (apart > 0)
    how = f"; compared as pictures: {other or 'another file'}" if alike else ""
    return (
        f"{len(drawn):,} of {len(once):,} cited frames decoded again: {exact:,} exact,"
        f" {alike:,} alike{how}"
    )


def _decoded(path: Path, frames: list[CitedFrame]) -> Mapping[str, bytes]:
    try:
        return decode_shown(path, frames)
    except VideoError as error:
        raise BadBundle(str(error)) from None


def _compare(bundle: Bundle, frame: CitedFrame, again: bytes | None) -> float:
    """0 for the very bytes, else how far the pictures are apart, a little more than 0 at least."""
    if again is not None and hashlib.sha256(again).hexdigest() == frame.sha256:
        return 0.0
    packed = bundle.frame(frame.sha256)
    if again is None or packed is None:
        return math.inf
    return picture_difference(packed, again) + 1e-6


def _versions(packages: Mapping[str, str], around: Mapping[str, Any]) -> dict[str, str]:
    found = {name: packages.get(name, "unknown") for name in _DECODERS}
    return {**found, "processor": str(around.get("processor")) or "unknown"}
