"""A whole run: index what is not indexed, ask what is not answered, record each at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from videoseal.core.as_done import as_done
from videoseal.core.errors import VideoBusy
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.benchmarks.selection import defects, in_this_cut, locate, select
from videoseal.evals.item import Item
from videoseal.evals.manifest import (
    Manifest,
    RunSpec,
    SystemSpec,
    describe,
    write_or_check_manifest,
)
from videoseal.evals.records import RecordFile, SampleRecord, latest
from videoseal.evals.running.ready_videos import (
    WAIT_S,
    OnProgress,
    RunProgress,
    Videos,
    ready_videos,
)
from videoseal.evals.running.sample import Sampler, context_of, failed
from videoseal.evals.running.system_settings import Endpoints, Systems, model_names
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun
from videoseal.graph.resources import Resources

__all__ = [
    "Places",
    "SampleJob",
    "Sampling",
    "find_run",
    "jobs_of",
    "run",
    "run_folder",
]


class SampleJob(NamedTuple):
    """One question for one system."""

    item: Item
    system: SystemSpec

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its record."""
        return (self.item.uid, self.system.mode, self.system.variant)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a run finds its questions and videos, and keeps its records."""

    annotations: Path
    videos: Path
    folder: Path


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
    wait_s: float = WAIT_S,
) -> None:
    """Carry out a run, or the rest of one that was broken off.

    `endpoints` are those that systems name, `on` is where questions are asked if not here. Raises
    AnnotationError, VideoNotFound for a folder that is not there, RunMismatch, RunBusy, OutOfSpace,
    and SettingsError for a bad system, all before anything is asked but for a full disk; VideoBusy
    after all else is asked, where another process still indexes a video after `wait_s` seconds.
    Whatever befalls a single sample is in its record.
    """
    systems = Systems(resources, endpoints or {})
    for system in spec.cells:
        context_of(system)
        systems.of(system)
    items = select(
        benchmark(spec.benchmark).load(places.annotations),
        limit=spec.limit, sample=spec.sample, seed=spec.seed,
    )  # fmt: skip
    locate(items, places.videos)
    write_or_check_manifest(places.folder, _manifest(spec, places, resources, systems))
    with RecordFile(places.folder / RECORDS) as records:
        jobs = jobs_of(items, spec.cells, latest(records.read()), retry_errors=retry_errors)
        asked = [job.item for job in jobs]
        videos = await ready_videos(asked, places.videos, resources, on_progress, wait_s)
        waiting = [job for job in jobs if job.item.video in videos.busy]
        jobs = [_in_this_cut(job, videos) for job in jobs if job.item.video not in videos.busy]
        if note := defects([*{job.item.uid: job.item for job in jobs}.values()]):
            on_progress(RunProgress("ask", 0, len(jobs), note=note))
        done = 0
        here = nullcontext[Sampler](systems.sample)
        async with on(concurrency, model_names(resources)) if on and jobs else here as sample:
            async for together in _ask(jobs, videos, sample, concurrency):
                records.append(*together)
                for record in together:
                    done += 1
                    on_progress(RunProgress("ask", done, len(jobs), record))
    if waiting:
        names = ", ".join(videos.busy)
        raise VideoBusy(
            f"{len(waiting):,} questions wait: another process is indexing {names:.200}",
            hint="the same command asks them when it is done; --wait says how long to wait for it",
        )


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
        return retry_errors or record.error.type in (MISSING_VIDEO, VideoBusy.__name__)

    return [
        job for item in items for system in systems if open_still(job := SampleJob(item, system))
    ]


def _in_this_cut(job: SampleJob, videos: Videos) -> SampleJob:
    video = videos.ready.get(job.item.video)
    return job._replace(item=in_this_cut(job.item, video.duration)) if video else job


async def _ask(
    jobs: Sequence[SampleJob],
    videos: Videos,
    sample: Sampler,
    concurrency: int,
) -> AsyncIterator[list[SampleRecord]]:
    """Records in the order in which they are done, at most `concurrency` questions at a time.

    Those that are done together come together, so that they wait for the disk once.
    """

    async def one(job: SampleJob) -> SampleRecord:
        video = videos.ready.get(job.item.video)
        if video is None:
            return failed(job.item, job.system, videos.lost[job.item.video])
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
