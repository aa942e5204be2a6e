"""A whole run: index what is not indexed, ask what is not answered, record each at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from videoseal.core.as_done import as_done
from videoseal.core.errors import VideosealError
from videoseal.core.progress import Progress
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.benchmarks.selection import Located, locate, select
from videoseal.evals.item import Item
from videoseal.evals.manifest import (
    Manifest,
    RunSpec,
    SystemSpec,
    describe,
    write_or_check_manifest,
)
from videoseal.evals.records import RecordFile, SampleError, SampleRecord, latest
from videoseal.evals.running.sample import Sampler, context_of, failed, run_sample
from videoseal.evals.running.system_settings import Endpoints, Systems, model_names
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun
from videoseal.graph.resources import Resources
from videoseal.indexing.pipeline import index_video

__all__ = [
    "OnProgress",
    "Places",
    "ReadyVideo",
    "RunProgress",
    "SampleJob",
    "Sampling",
    "find_run",
    "jobs_of",
    "run",
    "run_folder",
]


class ReadyVideo(NamedTuple):
    """A video as the index knows it."""

    video_id: str
    duration: float


class SampleJob(NamedTuple):
    """One question for one system."""

    item: Item
    system: SystemSpec

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its record."""
        return (self.item.uid, self.system.mode, self.system.variant)


class RunProgress(NamedTuple):
    """Told after every sample, and while videos are indexed."""

    stage: str
    """`index` or `ask`."""
    done: float
    total: float
    record: SampleRecord | None = None
    indexing: Progress | None = None
    video: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a run finds its questions and videos, and keeps its records."""

    annotations: Path
    videos: Path
    folder: Path


OnProgress = Callable[[RunProgress], None]
Sampling = Callable[[int, Mapping[str, str]], AbstractAsyncContextManager[Sampler]]
"""Where questions are asked: from how many at a time, and the models' names, to what asks them."""


async def run(
    spec: RunSpec,
    places: Places,
    resources: Resources,
    on_progress: OnProgress,
    *,
    concurrency: int = 4,
    retry_errors: bool = False,
    endpoints: Endpoints | None = None,
    on: Sampling | None = None,
) -> None:
    """Carry out a run, or the rest of one that was broken off.

    `endpoints` are those that systems name, `on` is where questions are asked if not here. Raises
    AnnotationError, VideoNotFound for a folder that is not there, RunMismatch, RunBusy, OutOfSpace,
    and SettingsError for a bad system, all before anything is asked but for a full disk; whatever
    befalls a single sample is in its record.
    """
    systems = Systems(resources, endpoints or {})
    for system in spec.cells:
        context_of(system)
        systems.of(system)
    items = select(
        benchmark(spec.benchmark).load(places.annotations),
        limit=spec.limit, sample=spec.sample, seed=spec.seed,
    )  # fmt: skip
    located = locate(items, places.videos)
    write_or_check_manifest(places.folder, _manifest(spec, places, resources, systems))
    with RecordFile(places.folder / RECORDS) as records:
        jobs = jobs_of(items, spec.cells, latest(records.read()), retry_errors=retry_errors)
        ready, lost = await _index(jobs, located, resources, on_progress)
        done = 0
        where = on if on and jobs else _here(systems)
        async with where(concurrency, model_names(resources)) as sample:
            async for together in _ask(jobs, ready, lost, sample, concurrency):
                records.append(*together)
                for record in together:
                    done += 1
                    on_progress(RunProgress("ask", done, len(jobs), record))


def run_folder(data_dir: Path, name: str) -> Path:
    """Where the run of that name keeps its records."""
    return data_dir / "runs" / name


def find_run(data_dir: Path, run: str) -> Path:
    """The folder of a recorded run: as it is given, else of that name in the data folder.

    Raises NoSuchRun where there is none, or no sample in it.
    """
    runs, given = run_folder(data_dir, ""), Path(run)
    folder = given if run and given.is_dir() else runs / (run or "''")
    if not folder.is_dir():
        there = sorted(path.parent.name for path in runs.glob(f"*/{RECORDS}"))
        raise NoSuchRun(f"no run at {folder}", hint=f"there are: {', '.join(there) or 'none yet'}")
    if not (folder / RECORDS).is_file() or not (folder / RECORDS).stat().st_size:
        raise NoSuchRun(
            f"{folder} has no recorded samples",
            hint="the command that began the run goes on with it",
        )
    return folder


def jobs_of(
    items: Sequence[Item],
    systems: Sequence[SystemSpec],
    recorded: dict[tuple[str, str, str], SampleRecord],
    *,
    retry_errors: bool,
) -> list[SampleJob]:
    """What is left to ask: not recorded, or recorded as an error that is to be tried again."""

    def open_still(job: SampleJob) -> bool:
        record = recorded.get(job.key)
        if record is None or record.error is None:
            return record is None
        return retry_errors or record.error.type == MISSING_VIDEO

    return [
        job for item in items for system in systems if open_still(job := SampleJob(item, system))
    ]


async def _index(
    jobs: Sequence[SampleJob], located: Located, resources: Resources, on_progress: OnProgress
) -> tuple[dict[str, ReadyVideo], dict[str, SampleError]]:
    """Every video of the jobs, indexed; and why some are not."""
    wanted = {job.item.video for job in jobs}
    found = {video: path for video, path in located.found.items() if video in wanted}
    lost = {
        video: SampleError(type=MISSING_VIDEO, message=f"no file named {video} in the video folder")
        for video in located.missing
        if video in wanted
    }
    ready: dict[str, ReadyVideo] = {}
    for number, (video, path) in enumerate(found.items()):
        on_progress(RunProgress("index", number, len(found), video=video))

        def inner(progress: Progress, number: int = number, video: str = video) -> None:
            on_progress(RunProgress("index", number, len(found), None, progress, video))

        try:
            ready[video] = await _indexed(path, resources, inner)
        except VideosealError as error:
            lost[video] = SampleError(type=type(error).__name__, message=str(error))
    return ready, lost


async def _indexed(
    path: Path, resources: Resources, on_progress: Callable[[Progress], None]
) -> ReadyVideo:
    row = await index_video(
        path, resources.settings, resources.store, resources.models, on_progress=on_progress
    )
    return ReadyVideo(row.id, row.duration)


def _here(systems: Systems) -> Sampling:
    """In this process."""

    async def sample(
        item: Item, system: SystemSpec, video_id: str, duration: float
    ) -> SampleRecord:
        return await run_sample(systems.of(system), item, system, video_id, duration)

    @asynccontextmanager
    async def sampling(*_: Any) -> AsyncIterator[Sampler]:
        yield sample

    return sampling


async def _ask(
    jobs: Sequence[SampleJob],
    ready: dict[str, ReadyVideo],
    lost: dict[str, SampleError],
    sample: Sampler,
    concurrency: int,
) -> AsyncIterator[list[SampleRecord]]:
    """Records in the order in which they are done, at most `concurrency` questions at a time.

    Those that are done together come together, so that they wait for the disk once.
    """

    async def one(job: SampleJob) -> SampleRecord:
        video = ready.get(job.item.video)
        if video is None:
            return failed(job.item, job.system, lost[job.item.video])
        return await sample(job.item, job.system, video.video_id, video.duration)

    async with aclosing(as_done(one, jobs, concurrency)) as finished:
        async for tasks in finished:
            yield [task.result() for task in tasks]


def _manifest(spec: RunSpec, places: Places, resources: Resources, systems: Systems) -> Manifest:
    own = {
        system.name: model_names(systems.of(system))
        for system in spec.cells
        if system.settings or system.endpoints
    }
    names = model_names(resources)
    return describe(spec, places.annotations, names, resources.settings, own)
