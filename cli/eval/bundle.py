"""`videoseal eval bundle` and `verify`: a run as one file, and whether such a file is true."""

from __future__ import annotations

from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import EXISTING_FILE, file_option, folder_option

__all__ = ["bundle", "verify"]


@click.command()
@click.argument("run")
@file_option("--out", help="Where to write it; RUN.zip in this folder if not given.")
@folder_option("--videos", help="Where to decode frames from that the cache no longer has.")
@json_option
@pass_invocation
def bundle(invocation: Invocation, run: str, out: Path | None, videos: Path | None) -> None:
    """Pack RUN into one file that others can check: records, figures, cited frames, environment."""
    from videoseal.evals.formats.bundle import write_bundle
    from videoseal.tools.frame_cache import FrameCache

    folder = invocation.recorded(run)
    file = out or Path(f"{folder.resolve().name}.zip")
    index = write_bundle(folder, file, FrameCache.of(invocation.settings()), videos)
    lost = f"{len(index.missing):,} cited frames are in no cache any more: --videos decodes them"
    invocation.emit(
        {"file": file, "files": len(index.files), "missing_frames": len(index.missing)},
        f"{file}: {len(index.files):,} files", *([f"warning: {lost}"] if index.missing else []),
    )  # fmt: skip


@click.command()
@click.argument("file", metavar="BUNDLE", type=EXISTING_FILE)
@folder_option("--videos", help="Videos, named by their ids: cited frames are decoded again.")
@click.option("--sample", default=20, show_default=True, type=click.IntRange(1),
              help="How many cited frames to decode again.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@json_option
@pass_invocation
def verify(invocation: Invocation, file: Path, videos: Path | None, sample: int, seed: int) -> int:
    """Check a BUNDLE without any model: its hashes, every figure, and frames of its videos.

    Ends with exit code 1 where something is not as it is told.
    """
    from videoseal.evals.formats.bundle_check import verify_bundle

    checks = verify_bundle(file, videos, sample=sample, seed=seed)
    invocation.emit(checks, *(f"{check.state:<5} {check.name:<8} {check.text}" for check in checks))
    return int(any(check.state == "fail" for check in checks))
