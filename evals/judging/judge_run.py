"""Judge the records of a run: what is not judged yet, each verdict on disk before it is counted."""

from __future__ import annotations

import traceback
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from videoseal.core.as_done import as_done
from videoseal.core.errors import ModelAuthError, ModelError
from videoseal.evals.benchmarks.registry import BENCHMARKS
from videoseal.evals.item import Item
from videoseal.evals.judging.blind_view import Gathered, blind_view
from videoseal.evals.judging.judge_pins import Pins, pin_judges, pin_of
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun, read_record, read_systems
from videoseal.evals.verdicts import Judgement, JudgementFile, SampleKey, VerdictKey
from videoseal.models.prompts import version
from videoseal.models.roles import Judge
from videoseal.models.types import JudgeRequest, MatchRequest, Ruling, Usage

__all__ = ["JudgeJob", "JudgeProgress", "Judgeable", "Wanted", "judge_run", "judgeable"]

_NO_EVIDENCE = "the system gathered no evidence"


class Judgeable(NamedTuple):
    """An answered sample as judges see it."""

    key: SampleKey
    video: str
    """Benchmark and id of its video."""
    request: JudgeRequest
    reference: str = ""
    """The published answer in words, where answers are right that say the same."""


class Wanted(NamedTuple):
    """Which samples of a run, and how they are shown."""

    mode: str | None = None
    """None for all."""
    variant: str | None = None
    """None for all."""
    limit: int | None = None
    """Only the first so many that have an answer."""
    evidence: Gathered = "seen"


class JudgeJob(NamedTuple):
    """One sample for one judge."""

    sample: Judgeable
    judge: Judge

    @property
    def key(self) -> VerdictKey:
        """The key of its line."""
        return VerdictKey(self.sample.key, self.judge.name)


class JudgeProgress(NamedTuple):
    """Told after every verdict."""

    done: int
    total: int
    judgement: Judgement


def judgeable(folder: Path, wanted: Wanted) -> Iterator[Judgeable]:
    """The answered samples of a run, in the order of its records.

    Raises NoSuchRun for a folder without records, AnnotationError for a damaged line.
    """
    _recorded(folder)
    left = wanted.limit
    for record in _latest(folder, wanted):
        request = blind_view(record, wanted.evidence)
        if request is None:
            continue
        if left is not None:
            if left == 0:
                return
            left -= 1
        video = f"{record.item.benchmark}/{record.item.video}"
        yield Judgeable(record.key, video, request, _reference(record.item))


async def judge_run(
    folder: Path,
    judges: Sequence[Judge],
    wanted: Wanted,
    on_progress: Callable[[JudgeProgress], None],
    *,
    concurrency: int = 4,
    retry_errors: bool = False,
) -> None:
    """Ask every judge about every answered sample that it has not ruled on yet.

    A sample without evidence is not grounded, and nobody is asked. A judge's failure is a line
    with an error, except for a refused key, which ends it all: ModelAuthError. Raises RunMismatch
    when a judge is not what it was, and RunBusy while another process judges the run.
    """
    _recorded(folder)
    with JudgementFile(folder) as file:
        now = datetime.now(UTC)
        samples = list(judgeable(folder, wanted))
        for judge in judges:
            if ready := getattr(judge, "ready", None):
                try:
                    await ready()
                except ModelAuthError:
                    raise
                except ModelError:
                    # It is told with each verdict that should have been given.
                    continue
        match = version("match") if any(sample.reference for sample in samples) else ""
        pins = {judge.name: pin_of(judge, now, match) for judge in judges}
        pin_judges(folder, Pins(evidence=wanted.evidence, judges=pins))
        known = {judgement.key: judgement for judgement in file.read()}
        jobs = [
            job
            for sample in samples
            for judge in judges
            if _open(job := JudgeJob(sample, judge), known, retry_errors=retry_errors)
        ]
        done = 0
        async with aclosing(_rule_all(jobs, concurrency)) as verdicts:
            async for judgement in verdicts:
                file.append(judgement)
                done += 1
                on_progress(JudgeProgress(done, len(jobs), judgement))


def _reference(item: Item) -> str:
    """The published answer, of the sets that have open questions alone."""
    known = BENCHMARKS.get(item.benchmark)
    return item.answer if known and known.layout.prose is None and not item.defect else ""


def _recorded(folder: Path) -> None:
    if not (folder / RECORDS).is_file():
        raise NoSuchRun(f"no recorded run at {folder}")


def _latest(folder: Path, wanted: Wanted) -> Iterator[SampleRecord]:
    """The last record of every wanted sample, one at a time: whole records are long."""
    offsets = [
        system.frame["offset"]
        for system in read_systems([folder])
        if wanted.mode in (None, system.key.mode) and wanted.variant in (None, system.key.variant)
    ]
    for offset in sorted(chain(*offsets)):
        yield read_record(folder, offset)


def _open(job: JudgeJob, known: dict[VerdictKey, Judgement], *, retry_errors: bool) -> bool:
    """Whether there is no verdict yet, or only one on other evidence than there is now."""
    before = known.get(job.key)
    if before is None or before.request_sha256 != job.sample.request.sha256:
        return True
    if before.error is None:
        return bool(job.sample.reference) and before.same is None
    return retry_errors


async def _rule_all(jobs: Sequence[JudgeJob], concurrency: int) -> AsyncGenerator[Judgement, None]:
    """Verdicts in the order in which they are reached, at most `concurrency` at a time."""
    async with aclosing(as_done(_rule, jobs, concurrency)) as finished:
        async for tasks in finished:
            failure = None
            for task in tasks:
                if (error := task.exception()) is not None:
                    failure = error
                else:
                    yield task.result()
            if failure is not None:
                raise failure


async def _rule(job: JudgeJob) -> Judgement:
    sample, spent = job.sample, Usage()
    ruling, match = Ruling(grounded=False, why=_NO_EVIDENCE), None
    try:
        if sample.request.evidence:
            ruling, spent = await job.judge.judge(sample.request)
        if sample.reference:
            asked = MatchRequest(sample.request.question, sample.request.answer, sample.reference)
            match, more = await job.judge.match(asked)
            spent = spent.plus(more)
    except ModelAuthError:
        raise
    except ModelError as error:
        return _line(job, SampleError(type=type(error).__name__, message=str(error)))
    except Exception as caught:  # the task boundary: a bug must not lose the other verdicts
        failed = SampleError(
            type=type(caught).__name__, message=str(caught), traceback=traceback.format_exc()
        )
        return _line(job, failed)
    told = {} if match is None else {"same": match.same, "differs": match.why}
    return _line(
        job, None, **ruling.model_dump(), **told, calls=spent.calls,
        prompt_tokens=spent.prompt_tokens, completion_tokens=spent.completion_tokens,
        seconds=spent.seconds,
    )  # fmt: skip


def _line(job: JudgeJob, error: SampleError | None, **said: Any) -> Judgement:
    uid, mode, variant = job.sample.key
    return Judgement(
        uid=uid, mode=mode, variant=variant, video=job.sample.video, judge=job.judge.name,
        request_sha256=job.sample.request.sha256, asked=bool(job.sample.request.evidence),
        error=error, finished=datetime.now(UTC), **{"grounded": None, **said},
    )  # fmt: skip
