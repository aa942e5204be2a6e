"""How fast records are scored, and how little memory that takes.

`python bench/scoring.py [--records 100000] [--json]` writes made-up records of four systems (a
search of six steps, 48 frames shown, about 12 kB each), then scores them in fresh processes: all
numbers of the report with their intervals, and the report itself. The peak memory is told beside
that of a tenth of the records. Targets: 100,000 records under 60 s, memory flat.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from videoseal.graph.context import MODES  # noqa: E402

VIDEOS = 1000
TARGET_S = 60.0


def made(number: int, rng: random.Random) -> dict[str, Any]:
    """One record, as a run writes it."""
    question, mode = divmod(number, len(MODES))
    start = rng.uniform(100, 3000)
    seen = rng.random() < 0.6
    item = {
        "benchmark": "cgbench", "uid": f"q{question}", "video": f"v{question % VIDEOS}",
        "question": {"text": f"What does sign {question} say?", "options": list("wxyz")},
        "answer": "B", "categories": ["sign"], "evidence": [[start, start + 5]],
    }  # fmt: skip
    spans = [[at, at + 16] for at in (rng.uniform(0, 3500), rng.uniform(0, 3500), start - 6)]
    ledger = [look(n, span) for n, span in enumerate(spans if seen else spans[:2], 1)]
    usage = {"calls": 9, "prompt_tokens": 9000, "completion_tokens": 300, "frames": 48}
    return {
        "version": 1, "item": item, "mode": MODES[mode], "video_id": f"v{question % VIDEOS:016x}",
        "duration": 3600.0, "seconds": 12.5, "finished": "2026-01-01T00:00:00Z",
        "episode": {
            "answer": answer(ledger[-1], rng), "evidence": ledger,
            "steps": [step(n) for n in range(1, 7)], "usage": {"planner": usage, "total": usage},
            "models": {"planner": "made"},
        },
    }  # fmt: skip


def look(number: int, span: list[float]) -> dict[str, Any]:
    """An inspection of 16 frames."""
    times = [span[0] + 0.5 + at for at in range(16)]
    frames = [{"time": t, "sha256": "0" * 64, "ref": f"{round(t * 1e6)}-768-80"} for t in times]
    seen = [{"time": t, "text": "a sign, half read"} for t in times[:4]]
    return {"id": f"e{number}", "spans": [span], "frames": frames, "sufficient": True,
            "observations": seen, "inspector": "made"}  # fmt: skip


def answer(entry: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """An answer that cites the inspection."""
    citation = {"evidence": entry["id"], "spans": entry["spans"], "frames": entry["frames"][:4],
                "seen": ["a sign"]}  # fmt: skip
    return {"outcome": "answered", "forced": False, "text": "x", "choice": rng.choice("ABBC"),
            "citations": [citation], "confidence": rng.random(), "by": "inspector"}  # fmt: skip


def step(number: int) -> dict[str, Any]:
    """A search with eight hits."""
    hit = {"id": 9, "span": "00:01:00-00:01:16", "kind": "ocr", "text": "words on a sign " * 3}
    return {"number": number, "tool": "visual_retrieve", "args": {"query": "sign"},
            "result": {"hits": [hit] * 8}, "model_seconds": 1.0, "tool_seconds": 0.1}  # fmt: skip


def write(folder: Path, records: int) -> int:
    """Write that many records; the bytes they take."""
    rng = random.Random(1)
    folder.mkdir()
    with (folder / "samples.jsonl").open("w", encoding="ascii") as file:
        for number in range(records):
            file.write(json.dumps(made(number, rng), separators=(",", ":")) + "\n")
        return file.tell()


def score(folder: Path) -> dict[str, Any]:
    """Score a run in this process."""
    from videoseal.evals.scoring.systems import read_systems

    began, cpu = time.perf_counter(), time.process_time()
    systems = read_systems([folder])
    for system in systems:
        _ = system.official, system.quadrants, system.risk, system.judges, system.spending
    accuracy = {system.label: system.scores["accuracy"].mean for system in systems}
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "accuracy": accuracy,
    }


def report(folder: Path) -> dict[str, Any]:
    """Write a run's report in this process."""
    from videoseal.evals.report.write import write_report

    began, cpu = time.perf_counter(), time.process_time()
    files = write_report([folder], folder / "out")
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "page_mb": files.html.stat().st_size / (1 << 20),
    }


def apart(what: str, folder: Path) -> dict[str, Any]:
    """The same in a fresh process, so that peaks do not mix."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", what, "--folder", str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(records: int) -> dict[str, Any]:
    """Write, score and report in a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        whole, tenth = Path(name) / "whole", Path(name) / "tenth"
        size = write(whole, records)
        write(tenth, records // 10)
        found = {
            "records": records, "megabytes": size / (1 << 20),
            "scoring": apart("score", whole), "scoring_a_tenth": apart("score", tenth),
            "report": apart("report", whole), "target_s": TARGET_S,
        }  # fmt: skip
    found["reached"] = found["scoring"]["seconds"] < TARGET_S
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Seconds and memory of scoring.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=["score", "report"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        found = (score if options.only == "score" else report)(options.folder)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    found = measure(options.records)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    print(f"{found['records']:,} records, {found['megabytes']:,.0f} MB")
    for name in ("scoring", "scoring_a_tenth", "report"):
        one = found[name]
        told = f"{one['seconds']:7.1f} s  ({one['cpu_seconds']:.1f} s of processor)"
        print(f"  {name.replace('_', ' '):16} {told}  peak {one['peak_mb']:6.0f} MB")
    print(f"  target: scoring under {TARGET_S:.0f} s")


if __name__ == "__main__":
    main()
