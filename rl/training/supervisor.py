"""A trainer's process: started, followed through its log, and ended with all that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from videoseal.core.errors import OutOfSpace, VideosealError
from videoseal.rl.training.run_folder import RunFolder, RunStatus

__all__ = ["Launch", "OnProgress", "TrainProgress", "TrainingFailed", "follow", "supervise"]

_POLL_S: Final = 0.5
_PATIENCE_S: Final = (20.0, 10.0)
"""How long a trainer may take to end after an interrupt, and then after a request to end."""
_STEP: Final = re.compile(r"Global step (\d+): (.*)")
_REWARD: Final = re.compile(r"'rollout/reward_mean': (-?[0-9.]+(?:e-?\d+)?)")
_TRACES: Final = re.compile(r"Train step of epoch \d+:\s+\d+%\|[^|]*\|\s*(\d+)/(\d+)")
_EPISODES: Final = re.compile(r"Generate samples:\s+\d+%\|[^|]*\|\s*(\d+)/(\d+)")
_ERROR: Final = re.compile(r"(?:^|[\s:])(?:\w+\.)*(\w*(?:Error|Exception|Interrupt))\b: ?(.*)")
_NO_MEMORY: Final = re.compile(r"\bOutOfMemoryError\b|CUDA out of memory|can't allocate memory")
"""As Ray says it of a machine, and torch of a GPU and of a process."""


class TrainingFailed(VideosealError):
    """The trainer ended before the model was trained; the message has its last words."""


class TrainProgress(NamedTuple):
    """What the log tells."""

    step: int
    steps: int
    reward: float | None = None
    """Mean of the step's episodes."""
    played: str = ""
    """Questions of the next step that were played, or traces that were learnt, such as `3/32`."""


OnProgress = Callable[[TrainProgress], None]


class Launch(NamedTuple):
    """A command that is ready to run."""

    command: list[str]
    environ: dict[str, str]
    """What it is given on top of this process's environment."""
    run: RunFolder
    steps: int
    resumes: str
    """The checkpoint that it goes on from; empty for a start."""


def follow(lines: Iterable[str], steps: int, step: int = 0) -> Iterator[TrainProgress]:
    """What lines of the trainer's log tell of its progress."""
    for line in lines:
        if found := _STEP.search(line):
            step = int(found[1])
            reward = _REWARD.search(found[2])
            yield TrainProgress(step, steps, float(reward[1]) if reward else None)
        elif found := _EPISODES.search(line) or _TRACES.search(line):
            yield TrainProgress(step, steps, played=f"{found[1]}/{found[2]}")


def supervise(
    launch: Launch, environ: Mapping[str, str], on_progress: OnProgress, lock: int
) -> RunStatus:
    """Run a command to its end; its status. Raises OutOfSpace, and TrainingFailed otherwise.

    Whatever interrupts this ends the trainer too, and SIGTERM is an interrupt: KeyboardInterrupt.
    Where this process is killed the trainer goes on: it inherits `lock`, so that nobody begins a
    second one beside it.
    """
    with _terminable():
        return _supervised(launch, environ, on_progress, lock)


def _supervised(
    launch: Launch, environ: Mapping[str, str], on_progress: OnProgress, lock: int
) -> RunStatus:
    run = launch.run
    step = _step_of(launch.resumes)
    last: deque[str] = deque(maxlen=400)
    with run.log.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            launch.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env=dict(environ), cwd=run.root, start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip
    status = RunStatus(state="running", step=step, steps=launch.steps, pid=process.pid)
    try:
        run.write_status(status)
        for progress in follow(_grown(run.log, begin, process, last), launch.steps, step):
            if progress.reward is not None:
                status = status.model_copy(update={"step": progress.step})
                run.write_status(status)
            on_progress(progress)
    except BaseException:
        try:
            _end(process, launch.command)
        finally:
            run.write_status(
                status.model_copy(update={"state": "stopped", "message": "interrupted"})
            )
        raise
    if process.returncode == 0 and run.is_trained():
        done = status.model_copy(update={"state": "done", "step": launch.steps})
        run.write_status(done)
        return done
    failure = _failure(run, process.returncode, list(last))
    run.write_status(status.model_copy(update={"state": "failed", "message": str(failure)}))
    raise failure


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which batch systems and containers stop a job with, be an interrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _grown(
    path: Path, begin: int, process: subprocess.Popen[bytes], last: deque[str]
) -> Iterator[str]:
    """Lines as they are written, until the process has ended; `last` keeps the latest."""
    with path.open("rb") as file:
        file.seek(begin)
        rest = b""
        while True:
            ended = process.poll() is not None
            # A bar rewrites its line with carriage returns.
            *whole, rest = re.split(rb"[\r\n]", rest + file.read())
            if ended and rest:
                whole, rest = [*whole, rest], b""
            for line in whole:
                text = line.decode(errors="replace")
                last.append(text)
                yield text
            if ended:
                return
            time.sleep(_POLL_S)


def _end(process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    """End the trainer and what it started, gently first; a cluster's job is asked to stop.

    Whoever interrupts this too has no patience left.
    """
    try:
        _ask_to_end(process, command)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _ask_to_end(process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    if "--submission-id" in command:
        at = command.index("--submission-id")
        address = command[command.index("--address") + 1]
        stop = [*command[:1], "job", "stop", "--address", address, command[at + 1]]
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(stop, capture_output=True, check=False, timeout=_PATIENCE_S[0])
    for number, patience in zip((signal.SIGINT, signal.SIGTERM), _PATIENCE_S, strict=True):
        _signal(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """To the trainer's own group, which bears its process id."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failure(run: RunFolder, code: int, last: Sequence[str]) -> VideosealError:
    checkpoint = run.last_checkpoint()
    again = (
        f"the same command goes on after {checkpoint.name}" if checkpoint
        else "the same command begins again"
    )  # fmt: skip
    hint = f"see {run.log}; {again}"
    if any("No space left on device" in line for line in last):
        return OutOfSpace("the disk is full", hint=f"free some space; {again}")
    if any(_NO_MEMORY.search(line) for line in last):
        return TrainingFailed(
            "there was not enough memory",
            hint=f"see {run.log}; less is taken with a smaller optimiser.micro_batch,"
            f" rollout.max_episodes or rollout.context_tokens; {again}",
        )
    if code < 0:
        name = signal.Signals(-code).name
        why = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return TrainingFailed(f"the trainer was ended by {name}{why}", hint=hint)
    words = next((found for line in reversed(last) if (found := _ERROR.search(line))), None)
    said = f": {words[1]}: {words[2]}"[:300] if words else ""
    if code == 0:
        return TrainingFailed(f"the trainer ended without a model{said}", hint=hint)
    return TrainingFailed(f"the trainer ended with exit status {code}{said}", hint=hint)


def _step_of(checkpoint: str) -> int:
    found = re.search(r"(\d+)$", checkpoint)
    return int(found[1]) if found else 0
