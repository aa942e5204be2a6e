"""What OpenRLHF is given: its form to the letter, whatever happens in an episode."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rl.stage import (
    EPISODES,
    Inspector,
    Sampling,
    ScriptedEngine,
    World,
    call,
    execute,
    inspect,
    make_tokenizer,
    task,
)
from videoseal.core.errors import DatabaseUnavailable, ModelUnavailable, OutOfSpace, SettingsError
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.graph.context import Context
from videoseal.rl.config import ROLLOUT_VARIABLE, RolloutConfig
from videoseal.rl.episodes import executor as executor_module
from videoseal.rl.episodes.chat_templates import TemplateRefused
from videoseal.rl.episodes.executor import GraphExecutor
from videoseal.rl.episodes.response import METRICS, Response
from videoseal.rl.rewards.rewards import RewardSpec

LOOK = inspect("98-106")
ELSEWHERE = inspect("300-310")
DOWN = ModelUnavailable("the inspector stayed away", role="inspector")
KEYS = {"prompt", "label", "images", "mm_train_inputs", "observation_tokens", "action_ranges",
        "rollout_log_probs", "reward", "scores", "truncated", "extra_logs"}  # fmt: skip


def records(folder: Path) -> list[SampleRecord]:
    """All that was recorded."""
    (path,) = folder.glob("*.jsonl")
    return list(RecordFile(path).read())


def check(response: Response) -> None:
    """OpenRLHF's contract, as its sample generator reads it."""
    assert set(response) == KEYS
    tokens, ranges = response["observation_tokens"], response["action_ranges"]
    assert type(tokens) is list
    assert all(type(token) is int for token in tokens)
    assert ranges
    assert all(0 < a < b <= len(tokens) for a, b in ranges)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(ranges))
    told = response["rollout_log_probs"]
    assert told is not None
    assert len(told) == len(tokens)
    assert set(response["extra_logs"]) == set(METRICS)
    assert all(type(value) is float for value in response["extra_logs"].values())
    assert all(math.isfinite(value) for value in response["extra_logs"].values())
    assert type(response["reward"]) is float
    assert round(response["reward"], 6) == response["reward"]


async def test_a_response_has_the_form_of_openrlhf(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """Tokens, ranges and log-probs agree; facts are floats."""
    found = await execute(make(), tokenizer, call("visual_retrieve", query="sign"), LOOK)
    check(found)
    assert found["prompt"] == "What does the sign say?"
    assert found["label"] == task().model_dump_json()
    said = [tokenizer.decode(found["observation_tokens"][a:b]) for a, b in found["action_ranges"]]
    assert said[-1] == f"{LOOK}<|im_end|>"
    facts = found["extra_logs"]
    assert 0.9 < found["reward"] < found["scores"] == 1
    assert (facts["right"], facts["grounded"], facts["turns"], facts["segments"]) == (1, 1, 2, 1)
    assert facts["frames"] == 4
    assert 0 < facts["best_iou"] < 1
    assert facts["reward_correct"] == 1
    assert facts["tokens"] == len(found["observation_tokens"])


@pytest.mark.parametrize("kind", EPISODES)
async def test_every_end_of_an_episode_has_the_same_form(
    make: Callable[..., GraphExecutor], tokenizer: Any, kind: str
) -> None:
    """The same keys, numbers only; a batch is joined by key."""
    check(await execute(make(), tokenizer, *EPISODES[kind]))


async def test_log_probs_are_there_exactly_when_asked_for(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """Also for an episode that failed: one that differs from its batch ends the run."""
    executor = make()
    for script in (LOOK, RuntimeError("CUDA error")):
        asked = await execute(executor, tokenizer, script, sampling=Sampling(logprobs=1))
        assert asked["rollout_log_probs"] is not None
        not_asked = await execute(executor, tokenizer, script, sampling=Sampling(logprobs=None))
        assert not_asked["rollout_log_probs"] is None


async def test_a_failed_sample_says_nothing(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """It is counted, keeps one token, and is paid the mean of its group: advantage 0."""
    executor, sampling = make(), Sampling()
    scripts: list[tuple[Any, ...]] = [
        (LOOK,),
        (ELSEWHERE, RuntimeError("CUDA error")),
        ("hm", "hm"),
    ]
    good, failed, bad = await asyncio.gather(
        *(execute(executor, tokenizer, *script, sampling=sampling) for script in scripts)
    )
    assert failed["extra_logs"]["infra_error"] == 1
    assert failed["extra_logs"]["reward_correct"] == 0
    ((start, end),) = failed["action_ranges"]
    assert end - start == 1
    assert end == len(failed["observation_tokens"])
    assert failed["observation_tokens"][start] == tokenizer(ELSEWHERE)["input_ids"][0]
    assert failed["rollout_log_probs"][start] == -0.25
    rewards = [good["reward"], failed["reward"], bad["reward"]]
    assert failed["reward"] == pytest.approx((rewards[0] + rewards[2]) / 2)
    assert failed["reward"] == pytest.approx(sum(rewards) / 3)
    assert good["reward"] > bad["reward"]


async def test_a_question_that_is_always_solved_scores_one(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """Whatever turns, frames and a lost sample cost: filtering by scores drops it as too easy."""
    executor, sampling = make(), Sampling()
    search = call("visual_retrieve", query="sign")
    scripts: list[tuple[Any, ...]] = [(LOOK,), (search, LOOK), ("hm", LOOK), (RuntimeError("x"),)]
    found = await asyncio.gather(
        *(execute(executor, tokenizer, *script, sampling=sampling) for script in scripts)
    )
    assert [response["scores"] for response in found] == [1.0] * 4
    assert len({response["reward"] for response in found}) == 4


async def test_an_answer_without_proof_scores_nothing(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """Right answers that are proven unequally are kept: they are what the gate teaches."""
    executor, wide = make(), inspect("0-400")
    proven, unproven = [await execute(executor, tokenizer, said) for said in (LOOK, wide)]
    assert proven["extra_logs"]["right"] == unproven["extra_logs"]["right"] == 1
    assert proven["scores"] == 1
    assert unproven["scores"] < 0.1


async def test_a_group_that_failed_whole_is_paid_nothing(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """All alike, so that none has an advantage."""
    executor, sampling = make(), Sampling()
    found = await asyncio.gather(
        *(execute(executor, tokenizer, RuntimeError("x"), sampling=sampling) for _ in range(3))
    )
    assert [response["reward"] for response in found] == [0.0] * 3


async def test_groups_do_not_mix(make: Callable[..., GraphExecutor], tokenizer: Any) -> None:
    """The same question asked with other sampling parameters is another group."""
    executor, one, two = make(), Sampling(), Sampling()
    failed, _ = await asyncio.gather(
        execute(executor, tokenizer, RuntimeError("x"), sampling=one),
        execute(executor, tokenizer, LOOK, sampling=two),
    )
    assert failed["reward"] == 0.0


async def test_a_group_is_forgotten_when_it_is_over(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """The next one with the same key begins anew."""
    executor, sampling = make(), Sampling()
    await execute(executor, tokenizer, LOOK, sampling=sampling)
    failed = await execute(executor, tokenizer, RuntimeError("x"), sampling=sampling)
    assert (failed["reward"], failed["scores"]) == (0.0, 0.0)


async def test_episodes_wait_for_their_turn(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """At most `max_episodes` run at once, whatever OpenRLHF sends."""
    executor = make(max_episodes=3)
    engine = ScriptedEngine(tokenizer, [LOOK], delay=0.01, together=asyncio.Barrier(3))
    async with asyncio.timeout(60):
        await asyncio.gather(*(execute(executor, tokenizer, engine=engine) for _ in range(9)))
    assert engine.most == 3


def test_each_event_loop_has_its_own_limit(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """A semaphore of one loop cannot be used in another."""
    executor = make(max_episodes=1)

    async def both() -> list[Any]:
        engine = ScriptedEngine(tokenizer, [LOOK], delay=0.01)
        return list(
            await asyncio.gather(*(execute(executor, tokenizer, engine=engine) for _ in range(2)))
        )

    assert len(asyncio.run(both()) + asyncio.run(both())) == 4


async def test_every_episode_is_recorded(
    make: Callable[..., GraphExecutor], tokenizer: Any, tmp_path: Path
) -> None:
    """As evals record theirs, with the numbers that were logged; the failed ones too."""
    executor = make()
    found = await execute(executor, tokenizer, LOOK)
    await execute(executor, tokenizer, RuntimeError("CUDA error"))
    executor.close()
    one, two = records(tmp_path)
    assert one.episode is not None
    assert one.rollout == {"reward": found["reward"], **found["extra_logs"]}
    assert two.error is not None
    assert two.rollout["infra_error"] == 1


async def test_a_full_disk_costs_the_record_only(
    make: Callable[..., GraphExecutor], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample is trained on, and that it was not recorded is counted."""

    def full(*_: Any) -> None:
        raise OutOfSpace("no space left")

    monkeypatch.setattr(RecordFile, "append", full)
    found = await execute(make(), tokenizer, LOOK)
    check(found)
    assert found["extra_logs"]["unwritten"] == 1
    assert found["reward"] > 0.9


async def test_a_label_that_cannot_be_read_is_a_failed_sample(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """There is no episode, yet the form is the same."""
    found = await execute(make(), tokenizer, LOOK, label="{}")
    check(found)
    assert found["extra_logs"]["infra_error"] == 1
    assert found["observation_tokens"] == [tokenizer.eos_token_id] * 2


async def test_an_index_that_cannot_be_opened_is_asked_again_later(
    world: World, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once an episode: those that start meanwhile fail at once, the next ones may succeed."""
    tries = []

    def refuse(settings: Any) -> Any:
        tries.append(settings)
        raise DatabaseUnavailable("gone")

    config = RolloutConfig(
        policy="p", context=Context(), reward=RewardSpec(), rollouts_dir=tmp_path
    )
    monkeypatch.setattr(executor_module, "open_resources", refuse)
    executor = GraphExecutor(config)
    found = await asyncio.gather(*(execute(executor, tokenizer, LOOK) for _ in range(5)))
    for response in found:
        check(response)
        assert response["extra_logs"]["infra_error"] == 1
    assert len(tries) == 1
    monkeypatch.setattr(executor_module, "_PAUSE_S", 0.0)
    await execute(executor, tokenizer, LOOK)
    assert len(tries) == 2


async def test_a_template_that_is_refused_ends_the_run(
    make: Callable[..., GraphExecutor],
) -> None:
    """No episode could ever be played; better to say so at the first."""
    tokenizer = make_tokenizer(template="{{ messages }}")
    with pytest.raises(TemplateRefused):
        await execute(make(), tokenizer, LOOK)


def test_the_config_is_found_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenRLHF makes the executor without arguments; without a config it cannot be made."""
    monkeypatch.delenv(ROLLOUT_VARIABLE, raising=False)
    with pytest.raises(SettingsError, match=ROLLOUT_VARIABLE):
        GraphExecutor()
    config = RolloutConfig(
        policy="p", context=Context(max_steps=7), reward=RewardSpec(kind="outcome"),
        rollouts_dir=tmp_path,
    )  # fmt: skip
    (tmp_path / "rollout.json").write_text(config.model_dump_json())
    monkeypatch.setenv(ROLLOUT_VARIABLE, str(tmp_path / "rollout.json"))
    assert GraphExecutor().config == config


async def test_the_last_segment_is_trained(
    make: Callable[..., GraphExecutor], tokenizer: Any
) -> None:
    """OpenRLHF takes one sequence an episode; how many there were is logged."""
    executor = make(context=Context(mode="coupled", max_steps=2, forced_choice=True))
    search, finish = call("visual_retrieve", query="x"), call("finish", answer="OPEN", choice="B")
    found = await execute(executor, tokenizer, search, search, finish)
    check(found)
    assert found["extra_logs"]["segments"] == 2
    assert found["extra_logs"]["turns"] == 3
    assert len(found["action_ranges"]) == 1


async def test_hanging_endpoints_hold_nobody_else_up(
    make: Callable[..., GraphExecutor], tokenizer: Any, world: World
) -> None:
    """Slow looks of many episodes overlap; each is told of its own."""
    world.inspector = Inspector(delay=30)
    executor = make(tool_seconds=0.5)
    found = await asyncio.gather(
        *(execute(executor, tokenizer, LOOK, call("give_up")) for _ in range(12))
    )
    assert world.inspector.looks >= 12
    for response in found:
        check(response)
