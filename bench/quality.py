"""Measure what the stand-ins reach on generated videos with known truth.

`python bench/quality.py [--seeds 101 102] [--minutes 15] [--wordings plain] [--json]` generates a
video a seed, indexes it, searches with each text question, and asks every question in all four
modes, in the signs' own words (`plain`, for which the targets are) or in many people's (`shipped`,
for which it also prints what figures.toml says of seen and unseen wordings).
Videos, index and answers stay in the folder: a second run goes on where the first one stopped,
`--fresh` asks again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import RecordFile, SampleRecord, latest
from videoseal.evals.running.sample import run_sample
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import plain_wordings
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.graph.context import MODES
from videoseal.graph.resources import Resources, open_resources
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.pipeline import index_video
from videoseal.tools.visual_retrieve import visual_retrieve

Kind = Literal["text", "visual", "unanswerable"]
TARGETS = {"recall": 0.90, "text": 0.60, "grounded": 0.95, "abstained": 0.95}
_TOP = 5


@dataclass(frozen=True)
class Case:
    """One question asked once, as far as the table needs it."""

    mode: str
    kind: Kind
    wording: str
    """`seen`, `unseen` or `given`."""
    right: bool
    """The right option; for what has no answer, to have given none."""
    forced: bool
    abstained: bool
    grounded: bool
    """Whether a frame that the answer cites was shown and lies in a gold span."""
    frames: int
    seconds: float


class Row(NamedTuple):
    """One line of the table; shares are None where nothing is to be counted."""

    mode: str
    asked: int
    text: float | None
    """Share of text questions answered rightly."""
    answerable: float | None
    """Share of all questions with an answer, answered rightly."""
    grounded: float | None
    """Share of the right answers, none of them forced, that cite a frame in a gold span."""
    right_ungrounded: int
    """Right answers that cite no such frame, forced ones among them."""
    abstained: float | None
    """Share of the questions without an answer that got none."""
    frames: float
    """Shown per question."""
    seconds: float
    """Per question, median."""


def table(cases: Sequence[Case]) -> list[Row]:
    """The table, one line a mode in the order in which they first come; pure."""
    return [
        _row(mode, [case for case in cases if case.mode == mode])
        for mode in dict.fromkeys(case.mode for case in cases)
    ]


def _row(mode: str, cases: Sequence[Case]) -> Row:
    real = [case for case in cases if case.kind != "unanswerable"]
    proud = [case for case in real if case.right and not case.forced]
    return Row(
        mode,
        len(cases),
        _share(case.right for case in cases if case.kind == "text"),
        _share(case.right for case in real),
        _share(case.grounded for case in proud),
        sum(case.right and not case.grounded for case in real),
        _share(case.abstained for case in cases if case.kind == "unanswerable"),
        statistics.fmean(case.frames for case in cases),
        statistics.median(case.seconds for case in cases),
    )


def by_wording(cases: Sequence[Case]) -> list[dict[str, str]]:
    """What became of text questions in wordings that were seen and in others; pure."""
    rows: dict[str, dict[str, str]] = {}
    for wording in ("seen", "unseen"):
        asked = [case for case in cases if case.wording == wording and case.kind != "visual"]
        real = [case for case in asked if case.kind == "text"]
        none = [case for case in asked if case.kind == "unanswerable"]
        told = [case for case in asked if not case.abstained]
        counts = {
            "films: proven, and right": f"{sum(case.right for case in real)} of {len(real)}",
            "films: proven, and wrong": f"{sum(not case.right for case in told)} of {len(told)}",
            "films: abstained where nothing answers":
                f"{sum(case.abstained for case in none)} of {len(none)}",
        }  # fmt: skip
        for name, count in counts.items():
            rows.setdefault(name, {"asked": name})[wording] = count
    return list(rows.values())


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def case_of(record: SampleRecord, kind: Kind) -> Case:
    """What a record comes to."""
    outcome = outcome_of(record)
    golds = [Span(*span) for span in record.item.evidence]
    return Case(
        mode=record.mode,
        kind=kind,
        wording=record.item.group.partition(" ")[0],
        right=outcome.right,
        forced=outcome.status == "forced",
        abstained=outcome.status == "abstained",
        grounded=any(g.contains(t) for g in golds for t in outcome.looked.cited_frames),
        frames=sum(len(window.frames) for window in outcome.looked.windows),
        seconds=record.seconds,
    )


async def recalled(resources: Resources, video: VideoRow, item: Item) -> bool:
    """Whether a gold span overlaps one of the first hits for the question's own words."""
    embedder = resources.models.embedder
    reply = await visual_retrieve(
        resources.store, embedder, video.id, item.question.text, limit=_TOP
    )
    golds = [Span(*span) for span in item.evidence]
    return any(hit.span.overlap(gold) > 0 for hit in reply.value for gold in golds)


def read_items(path: Path) -> list[tuple[Item, Kind]]:
    """The generated questions with what kind of evidence each takes."""
    items = benchmark("synthetic").load(path)
    return [(i, "unanswerable" if not i.answerable else i.needs or "text") for i in items]


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that is printed."""
    folder: Path = arguments.workdir
    recall: list[bool] = []
    cases: list[Case] = []
    with (
        open_resources(Settings(data_dir=folder / "data")) as resources,
        RecordFile(folder / f"samples-{arguments.wordings}.jsonl") as records,
    ):
        known = {} if arguments.fresh else latest(records.read())
        for seed in arguments.seeds:
            spec = VideoSpec(minutes=arguments.minutes, seed=seed)
            words = plain_wordings() if arguments.wordings == "plain" else None
            made = await asyncio.to_thread(generate, spec, folder, None, words)
            _say(f"{spec.key}: generated in {made.seconds:.0f} s")
            began = time.monotonic()
            video = await index_video(
                made.video, resources.settings, resources.store, resources.models
            )
            _say(f"{spec.key}: indexed in {time.monotonic() - began:.0f} s")
            for item, kind in read_items(made.questions):
                if kind == "text":
                    recall.append(await recalled(resources, video, item))
                for mode in arguments.modes:
                    record = known.get((item.uid, mode, ""))
                    if record is None:
                        cell = SystemSpec(mode=mode)
                        record = await run_sample(resources, item, cell, video.id, video.duration)
                        records.append(record)
                    cases.append(case_of(record, kind))
            _say(f"{spec.key}: asked")
    return {
        "seeds": arguments.seeds,
        "minutes": arguments.minutes,
        "recall": _share(recall),
        "text_questions": len(recall),
        "rows": [row._asdict() for row in table(cases)],
        "wordings": by_wording([case for case in cases if case.mode == "decoupled"]),
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def report(found: dict[str, Any]) -> str:
    """The table as text, with the targets; pure."""
    rows = [Row(**row) for row in found["rows"]]
    seeds = " ".join(map(str, found["seeds"]))
    lines = [
        f"{found['minutes']:g} minutes a video, seeds {seeds}",
        f"a gold span among the first {_TOP} hits: {_percent(found['recall'])} "
        f"of {found['text_questions']} text questions (target {_percent(TARGETS['recall'])})",
        "",
        "mode       asked  text   all    grounded  ungrounded  abstained  frames  seconds",
    ]
    lines += [
        f"{row.mode:<10} {row.asked:>5}  {_percent(row.text):>5}  {_percent(row.answerable):>5}  "
        f"{_percent(row.grounded):>8}  {row.right_ungrounded:>10}  {_percent(row.abstained):>9}  "
        f"{row.frames:>6.1f}  {row.seconds:>7.2f}"
        for row in rows
    ]
    wanted = {name: _percent(share) for name, share in TARGETS.items()}
    return "\n".join([
        *lines,
        "",
        f"targets for decoupled: text {wanted['text']}, grounded {wanted['grounded']}, "
        f"abstained {wanted['abstained']}",
        "text, all: right answers. grounded: of right answers that were not forced, those that",
        "cite a frame inside a gold span. ungrounded: right answers that do not. abstained: of",
        "questions that the video does not answer. frames, seconds: a question (mean, median).",
    ])  # fmt: skip


def missed(found: dict[str, Any]) -> list[str]:
    """Targets that were not reached; pure."""
    reached = {"recall": found["recall"]}
    for row in found["rows"]:
        if row["mode"] == "decoupled":
            reached |= {name: row[name] for name in ("text", "grounded", "abstained")}
    return [
        f"{name} {_percent(share)} < {_percent(TARGETS[name])}"
        for name, share in reached.items()
        if share is not None and share < TARGETS[name]
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def main() -> None:
    """Measure, print, and fail when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--wordings", choices=("plain", "shipped"), default="plain")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--workdir", type=Path, default=Path(__file__).parent / "out" / "quality")
    parser.add_argument("--fresh", action="store_true", help="ask again what was asked before")
    parser.add_argument("--json", action="store_true")
    found = asyncio.run(measure(parser.parse_args()))
    print(json.dumps(found) if "--json" in sys.argv else report(found))
    if "shipped" in sys.argv and "--json" not in sys.argv:
        for row in found["wordings"]:
            print("\n[[wording]]", *(f'{name} = "{told}"' for name, told in row.items()), sep="\n")
    if problems := missed(found):
        raise SystemExit("; ".join(problems))


if __name__ == "__main__":
    main()
