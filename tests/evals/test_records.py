"""Records survive what kills a process, and one run has one writer."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evals.made import item, proven, record
from videoseal.core.errors import OutOfSpace
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.records import RecordFile, RunBusy, latest


def _write(path: Path, count: int) -> None:
    with RecordFile(path) as records:
        for number in range(count):
            records.append(record(item(f"q{number}"), proven()))


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """Reading gives what was appended, in order."""
    _write(tmp_path / "s.jsonl", 3)
    found = list(RecordFile(tmp_path / "s.jsonl").read())
    assert [entry.item.uid for entry in found] == ["q0", "q1", "q2"]
    assert found[0] == record(item("q0"), proven())


def test_records_given_together_wait_for_the_disk_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done at the same time is forced to disk by one call, all of it."""
    forced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: forced.append(fsync(number)))
    with RecordFile(tmp_path / "s.jsonl") as records:
        records.append(*(record(item(f"q{number}")) for number in range(3)))
        assert len(forced) == 1
        assert [entry.item.uid for entry in records.read()] == ["q0", "q1", "q2"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 10_000))
def test_torn_end_costs_only_the_torn_record(tmp_path: Path, cut: int) -> None:
    """A file cut at any byte opens again with every whole record, and can be continued."""
    path = tmp_path / "s.jsonl"
    path.unlink(missing_ok=True)
    _write(path, 3)
    whole = path.read_bytes()
    cut = cut % (len(whole) + 1)
    path.write_bytes(whole[:cut])
    with RecordFile(path) as records:
        kept = len(list(records.read()))
        assert kept == whole[:cut].count(b"\n")
        records.append(record(item("next")))
    assert [entry.item.uid for entry in RecordFile(path).read()][kept:] == ["next"]


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """Two processes cannot write one run, so nothing is asked twice."""
    first, second = RecordFile(tmp_path / "s.jsonl"), RecordFile(tmp_path / "s.jsonl")
    with first, pytest.raises(RunBusy, match="another process"), second:
        pass
    with RecordFile(tmp_path / "s.jsonl"):
        pass


def test_damaged_line_is_named(tmp_path: Path) -> None:
    """Damage inside the file is never skipped."""
    path = tmp_path / "s.jsonl"
    _write(path, 2)
    path.write_bytes(path.read_bytes().replace(b'"seconds":1.5', b'"seconds":"x"', 1))
    with pytest.raises(AnnotationError, match=r"s\.jsonl:1: seconds"):
        list(RecordFile(path).read())


def test_last_record_of_a_sample_counts(tmp_path: Path) -> None:
    """A retried sample is appended, and the retry wins."""
    with RecordFile(tmp_path / "s.jsonl") as records:
        records.append(record(item("q1")))
        records.append(record(item("q1"), proven()))
        found = latest(records.read())
    assert len(found) == 1
    (only,) = found.values()
    assert only.episode is not None
    assert only.episode["answer"]["choice"] == "B"


def test_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    """A write that does not fit is undone and says so."""
    path = tmp_path / "s.jsonl"
    _write(path, 2)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with RecordFile(path) as records, pytest.raises(OutOfSpace):
            records.append(record(item("q9"), proven()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert path.read_bytes() == before


_WRITER = """
import sys
from tests.evals.made import item, proven, record
from videoseal.evals.records import RecordFile
with RecordFile(__import__("pathlib").Path(sys.argv[1])) as records:
    start = len(list(records.read()))
    for number in range(start, 100_000):
        records.append(record(item(f"q{number}"), proven()))
        print(number, flush=True)
"""


def test_killed_writers_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    """After `kill -9` at any moment, whatever was reported as written is there, once."""
    path, reported = tmp_path / "s.jsonl", -1
    root = str(Path(__file__).parents[2])
    for round_number in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        with writer:
            assert writer.stdout is not None
            for _ in range(3 + 7 * round_number):
                reported = int(writer.stdout.readline())
            time.sleep(0.003 * round_number)
            writer.kill()
            reported = max([reported, *map(int, writer.stdout.read().split())])
    uids = [entry.item.uid for entry in RecordFile(path).read()]
    assert uids == [f"q{number}" for number in range(len(uids))]
    assert len(uids) >= reported + 1
