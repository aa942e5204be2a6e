"""OpenRLHF's own code on what it is given: the words of a contract, and who reads them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rl.stage import EPISODES, execute
from videoseal.rl.config import ROLLOUT_VARIABLE
from videoseal.rl.episodes.executor import GraphExecutor

OPENRLHF = """
import json, sys
from types import SimpleNamespace
from videoseal.rl.worker import compat
compat.install()
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator
from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ray.vllm_engine import _load_agent_executor
reader = SamplesGenerator.__new__(SamplesGenerator)
made = []
for response in json.load(sys.stdin):
    response["action_ranges"] = [tuple(pair) for pair in response["action_ranges"]]
    made.append(reader._process_response_into_experience(response, max_len=20_000))
joined = Experience.concat_experiences(made, 0)
found = [
    {
        "sampled": int(one.action_mask.sum()),
        "reward": one.rewards.item(),
        "first": one.sequences[0, 1:][one.action_mask[0].bool()][:5].tolist(),
        "logprobs": one.rollout_log_probs[0][one.action_mask[0].bool()][:5].tolist(),
        "other": one.rollout_log_probs[0][~one.action_mask[0].bool()].abs().sum().item(),
    }
    for one in made
]
executor = type(_load_agent_executor(sys.argv[1])).__name__
print(json.dumps({"made": found, "executor": executor, "joined": len(joined.sequences)}))
"""


@pytest.mark.slow
async def test_openrlhf_reads_what_it_is_given(
    make: Callable[..., GraphExecutor], tokenizer: Any, tmp_path: Path
) -> None:
    """Its own code makes of each response an experience with our mask, tokens and log-probs."""
    executor = make()
    given = [await execute(executor, tokenizer, *script) for script in EPISODES.values()]
    config = tmp_path / "rollout.json"
    config.write_text(executor.config.model_dump_json())
    root = Path(__file__).resolve().parents[3]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OPENRLHF, str(root / "rl" / "worker" / "agent_func.py")],
        input=json.dumps(given).encode(),
        capture_output=True,
        cwd=root,
        env={"PATH": "", "PYTHONPATH": str(root), ROLLOUT_VARIABLE: str(config),
             "HOME": str(tmp_path), "VIDEOSEAL_DATA_DIR": str(tmp_path)},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout.decode().splitlines()[-1])
    assert found["executor"] == "AgentExecutor"
    assert found["joined"] == len(given)
    for response, made in zip(given, found["made"], strict=True):
        at = [n for a, b in response["action_ranges"] for n in range(a, b)]
        assert made["sampled"] == len(at)
        assert made["first"] == [response["observation_tokens"][n] for n in at[:5]]
        assert made["logprobs"] == [response["rollout_log_probs"][n] for n in at[:5]]
        assert made["other"] == 0
        assert made["reward"] == pytest.approx(response["reward"])
