"""Measure indexing: times real time, CPU by stage, and peak memory at two lengths.

`python bench/index.py [--video FILE] [--minutes 2 20] [--json]` indexes the first minutes of a
video (a generated one if none is named) with the offline models, each length in a process and an
index of its own. Stages are timed from one to the next; `text` is the CPU of reading text, which
runs beside decoding.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av

_OUT = Path(__file__).parent / "out"


def main() -> None:
    """Index every length in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0, 20.0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(asyncio.run(_measured(arguments.video))))
        return
    video = arguments.video or _generated(max(arguments.minutes))
    cases = [_case(_excerpt(video, minutes)) for minutes in sorted(arguments.minutes)]
    flat = cases[-1]["peak_mb"] / cases[0]["peak_mb"]
    if arguments.json:
        print(json.dumps({"video": video.name, "cases": cases, "memory_ratio": flat}))
        return
    for case in cases:
        _print(case)
    print(f"\npeak memory, longest / shortest (about 1): {flat:.2f}")


def _print(case: dict[str, Any]) -> None:
    size = f"{case['width']}x{case['height']}, {case['fps']:.0f} fps"
    print(f"\n{case['seconds']:.0f} s of {size}: {case['wall']:.1f} s, "
          f"{case['times_real_time']:.1f} times real time, {case['cpu']:.1f} s CPU, "
          f"peak {case['peak_mb']:.0f} MB, {sum(case['texts'].values())} texts")  # fmt: skip
    for stage, wall in case["stages"].items():
        print(f"  {stage:8}{wall:8.1f} s{wall / case['wall']:8.0%}")
    print(f"  {'(text':8}{case['text_cpu']:8.1f} s CPU for {case['pictures_read']} pictures)")


def _generated(minutes: float) -> Path:
    known = sorted(_OUT.glob(f"index-{minutes:g}/*.mp4"))
    if not known:
        folder = _OUT / f"index-{minutes:g}"
        print("generating a video ...", file=sys.stderr)
        command = [sys.executable, "-m", "videoseal.evals.synthetic", "--minutes", f"{minutes:g}"]
        subprocess.run([*command, "--seed", "7", "--out", str(folder)], check=True)
        known = sorted(folder.glob("*.mp4"))
    return known[0]


def _excerpt(video: Path, minutes: float) -> Path:
    """The first minutes of a video, copied without encoding."""
    _OUT.mkdir(exist_ok=True)
    target = _OUT / f"{video.stem}-{minutes:g}min.mp4"
    if not target.exists():
        with av.open(str(video)) as source, av.open(str(target), "w") as output:
            stream = source.streams.video[0]
            copy = output.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is None or packet.dts * packet.time_base > 60 * minutes:
                    continue
                packet.stream = copy
                output.mux(packet)
    return target


def _case(video: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--case", "--video", str(video)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    case: dict[str, Any] = json.loads(done.stdout)
    return case


async def _measured(video: Path) -> dict[str, Any]:
    from videoseal.core.progress import Progress
    from videoseal.core.settings import Settings
    from videoseal.indexing.pipeline import index_video
    from videoseal.indexing.store.store import Store
    from videoseal.models.build import build_models
    from videoseal.models.ocr import reader as ocr

    read = {"cpu": 0.0, "pictures": 0}
    plain = ocr.PaddleTextReader.read

    def timed(self: Any, rgb: Any) -> Any:
        begun = time.thread_time()
        lines = plain(self, rgb)
        read["cpu"] += time.thread_time() - begun
        read["pictures"] += 1
        return lines

    ocr.PaddleTextReader.read = timed  # type: ignore[method-assign]
    marks: list[tuple[str, float]] = []

    def note(step: Progress) -> None:
        if not marks or marks[-1][0] != step.stage:
            marks.append((step.stage, time.perf_counter()))

    with tempfile.TemporaryDirectory(prefix="videoseal-bench-") as folder:
        settings = Settings(data_dir=Path(folder))
        models = build_models(settings)
        with Store.connect(settings) as store:
            begun, used = time.perf_counter(), time.process_time()
            row = await index_video(video, settings, store, models, on_progress=note)
            wall, cpu = time.perf_counter() - begun, time.process_time() - used
            counts = store.counts(row.id)
    ends = [*(at for _, at in marks[1:]), begun + wall]
    stages: dict[str, float] = {}
    for (stage, at), end in zip(marks, ends, strict=True):
        stages[stage] = stages.get(stage, 0.0) + end - at
    return {
        "seconds": row.duration, "width": row.width, "height": row.height, "fps": row.fps,
        "wall": wall, "cpu": cpu, "times_real_time": row.duration / wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stages": stages, "text_cpu": read["cpu"], "pictures_read": read["pictures"],
        "texts": {kind: counts[kind] for kind in ("clip", "ocr", "speech", "scene", "story")},
    }  # fmt: skip


if __name__ == "__main__":
    main()
