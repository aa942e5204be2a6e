"""What goes wrong around a policy: the step goes on, nobody learns from it, and it is counted."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.rl.episodes.test_executor import check
from tests.rl.stage import Sampling, World, call, execute, inspect, task
from videoseal.core.settings import Endpoint, Settings
from videoseal.evals import records as records_module
from videoseal.evals.records import RecordFile
from videoseal.models.inspector import ChatInspector
from videoseal.models.types import JudgeRequest, Reply, Ruling, Usage
from videoseal.rl.episodes import rollout as rollout_module
from videoseal.rl.episodes.executor import GraphExecutor
from videoseal.rl.rewards.rewards import RewardSpec

LOOK = inspect("98-106")
PROSE = ("hm", "hm")
Make = Callable[..., GraphExecutor]


async def group(executor: GraphExecutor, tokenizer: Any, *scripts: tuple[Any, ...]) -> list[Any]:
    """Samples of one question, as OpenRLHF asks for them: all in one go."""
    sampling = Sampling()
    found = await asyncio.gather(
        *(execute(executor, tokenizer, *script, sampling=sampling) for script in scripts)
    )
    for response in found:
        check(response)
    return found


def counted(found: list[Any], name: str) -> list[float]:
    return [response["extra_logs"][name] for response in found]


def inspector_at(port: int) -> Any:
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}/v1", model="eye", api_key="none")
    return ChatInspector(Settings(max_retries=0), endpoint)


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def hung_port() -> AsyncIterator[int]:
    """A server that takes every request and answers none."""
    over = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def test_a_dead_tool_server_costs_the_samples_that_needed_it(
    make: Make, tokenizer: Any, world: World
) -> None:
    """It refuses connections: those who looked are tried again and neutral, the rest is paid."""
    world.inspector = inspector_at(dead_port())
    found = await group(make(), tokenizer, (LOOK,) * 5, (LOOK, call("give_up")), PROSE, PROSE)
    assert counted(found, "infra_error") == [1, 1, 0, 0]
    assert counted(found, "tries") == [2, 2, 1, 1]
    assert counted(found, "turns")[0] == 3
    assert found[0]["reward"] == found[2]["reward"] == found[3]["reward"]
    assert counted(found, "unwritten") == [0] * 4


async def test_a_tool_server_that_comes_back_is_used_again(
    make: Make, tokenizer: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step without it is worth nothing; the next one, in the same process, is paid in full."""
    healthy, dead = world.inspector.inspect, inspector_at(dead_port())
    executor = make()
    monkeypatch.setattr(world.inspector, "inspect", dead.inspect)
    lost = await group(executor, tokenizer, (LOOK,) * 3, (LOOK,) * 3)
    assert counted(lost, "infra_error") == [1, 1]
    assert [response["reward"] for response in lost] == [0, 0]
    monkeypatch.setattr(world.inspector, "inspect", healthy)
    found = await group(executor, tokenizer, (LOOK,), (LOOK,))
    assert counted(found, "infra_error") == [0, 0]
    assert min(response["reward"] for response in found) > 0.9


@pytest.mark.slow
async def test_a_hung_endpoint_holds_up_no_step(make: Make, tokenizer: Any, world: World) -> None:
    """Policies read that the tool timed out; after three times the episode says nothing."""
    async with hung_port() as port:
        world.inspector = inspector_at(port)
        executor = make(tool_seconds=0.2)
        search = call("visual_retrieve", query="sign")
        found = await group(executor, tokenizer, *[(LOOK,) * 5] * 6, (search, *PROSE), PROSE)
    assert counted(found, "infra_error") == [1] * 6 + [0, 0]
    assert counted(found, "tool_errors")[:6] == [3] * 6
    assert len({response["reward"] for response in found}) == 1


async def test_a_hung_engine_is_cut_off_and_counted(
    make: Make, tokenizer: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that never answers costs its episodes their time, and is not asked again."""
    asked = 0

    async def never(prompt: list[int], sampling: Any) -> Any:
        nonlocal asked
        asked += 1
        await asyncio.sleep(3600)

    executor = make(episode_seconds=1.5)
    monkeypatch.setattr(rollout_module, "_GRACE_S", 0.2)
    engine, sampling = SimpleNamespace(generate=never), Sampling()
    hung = [execute(executor, tokenizer, engine=engine, sampling=sampling) for _ in range(4)]
    found = await asyncio.gather(*hung, execute(executor, tokenizer, *PROSE, sampling=sampling))
    for response in found:
        check(response)
    assert counted(found, "infra_error")[:4] == [1] * 4
    assert asked == 4
    assert [response["truncated"] for response in found] == [True] * 4 + [False]
    assert len({response["reward"] for response in found}) == 1


async def test_a_full_disk_tears_no_record(
    make: Make, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be forced to disk is counted and leaves no half line; the next is whole."""
    executor, sync, disk = make(), os.fsync, SimpleNamespace(full=False)

    def fsync(number: int) -> None:
        if disk.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(number)

    monkeypatch.setattr(records_module.os, "fsync", fsync)
    found = []
    for disk.full in (False, True, True, False):
        found += await group(executor, tokenizer, (LOOK,))
    assert counted(found, "unwritten") == [0, 1, 1, 0]
    assert all(response["reward"] > 0.9 for response in found)
    executor.close()
    (path,) = tmp_path.glob("*.jsonl")
    assert len(list(RecordFile(path).read())) == 2


async def test_a_disk_without_room_for_the_folder_is_tried_again(
    make: Make, tokenizer: Any, tmp_path: Path
) -> None:
    """The file of records is opened as soon as that works."""
    (tmp_path / "rollouts").write_text("a file where the folder should be")
    executor = make(rollouts_dir=tmp_path / "rollouts")
    found = await group(executor, tokenizer, (LOOK,))
    (tmp_path / "rollouts").unlink()
    found += await group(executor, tokenizer, (LOOK,))
    assert counted(found, "unwritten") == [1, 0]


class Judge:
    """Rules as it is told to, and remembers what it saw."""

    name = "fake"
    prompt = ""
    settings: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, ruling: bool | Exception | float) -> None:
        self.ruling = ruling
        self.seen: list[JudgeRequest] = []

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        self.seen.append(request)
        if isinstance(self.ruling, Exception):
            raise self.ruling
        if isinstance(self.ruling, float):
            await asyncio.sleep(self.ruling)
        return Reply(Ruling(grounded=bool(self.ruling)), Usage(1))


JUDGED = RewardSpec(judge_weight=0.5)


async def test_a_judge_is_asked_where_it_pays(make: Make, tokenizer: Any, world: World) -> None:
    """Its verdict scales the pay of a right answer by its weight; it sees no gold."""
    paid = {}
    for ruling in (True, False):
        world.judge = Judge(ruling)
        executor = make(reward=JUDGED)
        (found,) = await group(executor, tokenizer, (LOOK,))
        executor.close()
        paid[ruling] = found["reward"]
        (seen,) = world.judge.seen
        assert (seen.choice, seen.answer) == ("B", "OPEN")
        assert [line.start for line in seen.evidence]
        assert found["extra_logs"]["reward_judge"] == ruling
    assert paid[False] == pytest.approx(paid[True] / 2)


async def test_no_judge_is_asked_about_nothing(make: Make, tokenizer: Any, world: World) -> None:
    """An abstention has no answer, and an open question no option that would be right."""
    world.judge = Judge(True)
    executor = make(reward=JUDGED)
    await group(executor, tokenizer, PROSE, (inspect("300-310"), call("give_up")))
    question = task().item.question.model_copy(update={"options": []})
    open_one = task(question=question, answer="OPEN").model_dump_json()
    response = await execute(executor, tokenizer, LOOK, label=open_one)
    assert response["extra_logs"]["infra_error"] == 0
    assert world.judge.seen == []


@pytest.mark.parametrize("ruling", [RuntimeError("a bug"), 30.0], ids=["fails", "hangs"])
async def test_a_lost_judge_is_no_verdict(
    make: Make, tokenizer: Any, world: World, ruling: Any
) -> None:
    """Tried again and then neutral: no answer is paid as if it had been judged."""
    world.judge = Judge(ruling)
    found = await group(make(reward=JUDGED, tool_seconds=1.0), tokenizer, (LOOK,), PROSE)
    assert counted(found, "infra_error") == [1, 0]
    assert counted(found, "tries") == [2, 1]
    assert len(world.judge.seen) == 2
    assert found[0]["reward"] == found[1]["reward"]
