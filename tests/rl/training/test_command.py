"""The command line for OpenRLHF, before its own parser."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.rl.begun import config_of
from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.rl.config import HardwareSection, TrainConfig, load_config, recipes
from videoseal.rl.training.command import (
    AGENT,
    GRPO,
    SFT,
    SftSpec,
    grpo_argv,
    sft_argv,
    validate,
    whole_batches,
)
from videoseal.rl.training.run_folder import RunFolder

RUN = RunFolder(Path("run"))
BAD: dict[str, Sequence[str]] = {
    "one sample": ["--rollout.n_samples_per_prompt", "1"],
    "partial rollouts": ["--train.partial_rollout_enable"],
    "a removed flag": ["--algo.advantage.is_correction_enable"],
    "fp32": ["--ds.param_dtype", "fp32"],
    "async with sleep": ["--train.async_enable"],
}
ROOT = Path(__file__).resolve().parents[3]
ALL_AT_ONCE = """\
import json, sys
from videoseal.rl.worker import trainer
found = {}
for name, (module, argv) in json.load(sys.stdin).items():
    try:
        found[name] = trainer._plain(trainer.parse(module, argv))
    except (trainer.ArgumentsRejected, SystemExit) as error:
        found[name] = str(error)
json.dump(found, open(sys.argv[1], "w"))
"""


def recipe(name: str) -> TrainConfig:
    return load_config(ROOT / "rl" / "recipes" / f"{name}.yaml")


def warm(**changes: Any) -> SftSpec:
    values = {"policy": "p", "traces": Path("t.jsonl"), "out": Path("o")}
    hardware = HardwareSection(backend="hf", gpus=1)
    return SftSpec.model_validate({**values, "hardware": hardware, **changes})


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What OpenRLHF's parser makes of many commands, all judged in one process."""
    folder = tmp_path_factory.mktemp("judged")
    full = grpo_argv(recipe("qwen3-8b-8gpu"), RUN, 12_129)
    asked: dict[str, tuple[str, Sequence[str]]] = {
        **{name: (GRPO, grpo_argv(recipe(name), RUN, 96)) for name in recipes()},
        **{name: (GRPO, [*full, *more]) for name, more in BAD.items()},
        "plain": (GRPO, grpo_argv(config_of(folder, "optimiser.correction=off"), RUN, 4)),
        "sft": (SFT, sft_argv(warm())),
    }
    out = folder / "judged.json"
    subprocess.run(
        [sys.executable, "-c", ALL_AT_ONCE, str(out)], input=json.dumps(asked), text=True,
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found


@pytest.mark.slow
def test_reference_recipe_passes():
    """OpenRLHF's parser takes the full 8-GPU recipe, and reads the reference's numbers in it."""
    found = validate(GRPO, grpo_argv(recipe("qwen3-8b-8gpu"), RUN, 12_129, resume=True))
    actor, algo, rollout = found["actor"], found["algo"], found["rollout"]
    assert actor["model_name_or_path"] == "Qwen/Qwen3-8B"
    assert (actor["num_gpus_per_node"], found["vllm"]["num_engines"]) == (8, 8)
    assert (rollout["batch_size"], rollout["n_samples_per_prompt"]) == (32, 4)
    assert (rollout["temperature"], rollout["top_p"]) == (0.7, 1.0)
    assert (actor["adam"]["lr"], actor["lr_scheduler"], actor["lr_warmup_ratio"]) == (
        1e-6, "cosine", 0.05,
    )  # fmt: skip
    assert algo["kl"]["use_loss"] is True
    assert (algo["kl"]["init_coef"], algo["kl"]["estimator"]) == (1e-3, "k3")
    assert algo["advantage"]["estimator"] == "group_norm"
    assert actor["eps_clip_low_high"] == [0.2, 0.2]
    assert found["data"]["max_len"] == 36_864
    assert found["train"]["batch_size"] == 128
    assert found["train"]["num_episodes"] == 1
    assert found["reward"]["remote_url"] == ["agent"]
    assert found["train"]["agent_func_path"] == str(AGENT)
    assert found["ckpt"]["load_enable"] is True


def test_refused_command_is_one_line(monkeypatch):
    """What the parser refuses is a SettingsError in the parser's own words."""
    told = subprocess.CompletedProcess(
        [], 2, "", "usage: train_ppo_ray [-h]\ntrain_ppo_ray: error: unrecognized arguments: --a\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: told)
    with pytest.raises(SettingsError) as caught:
        validate(GRPO, [])
    assert str(caught.value) == "OpenRLHF refuses the command: unrecognized arguments: --a"


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_combinations_are_refused(judged, name):
    """Combinations that cannot train are refused before anything starts."""
    assert isinstance(judged[name], str)


@pytest.mark.parametrize("name", [*recipes(), "plain", "sft"])
def test_what_we_build_is_accepted(judged, name):
    """Every command that we build is one that OpenRLHF takes."""
    assert isinstance(judged[name], dict)


def test_prompts_reach_the_agent_raw(judged):
    """OpenRLHF renders no chat template over the questions: the graph writes the prompt."""
    assert judged["laptop"]["data"]["apply_chat_template"] is False
    assert judged["laptop"]["data"]["label_key"] == "label"


def test_every_path_lies_in_the_run(judged):
    """Model, checkpoints and logs are the run's, and none of OpenRLHF's defaults."""
    found = judged["laptop"]
    assert found["ckpt"]["output_dir"] == "run/model"
    assert found["ckpt"]["path"] == "run/checkpoints"
    assert found["logger"]["tensorboard_dir"] == "run/tensorboard"
    assert found["ckpt"]["load_enable"] is False


def test_hf_backend_has_one_engine_and_no_sleep(judged):
    """Without vLLM there is one engine, and nothing is put to sleep."""
    found = judged["smollm2-135m"]
    assert found["vllm"]["num_engines"] == 1
    assert found["vllm"]["enable_sleep"] is False
    assert found["train"]["colocate_all"] is False
    assert found["ds"]["attn_implementation"] == "sdpa"


def test_correction_can_be_off(judged):
    """Importance correction is on by default and off where the config says so."""
    assert judged["plain"]["algo"]["advantage"]["is_correction_level"] == "off"
    assert judged["laptop"]["algo"]["advantage"]["is_correction_level"] == "token"


def test_sft_learns_every_turn(judged):
    """The warm start reads conversations in the policy's own template."""
    data = judged["sft"]["data"]
    assert (data["multiturn"], data["apply_chat_template"]) == (True, True)
    assert data["input_key"] == "messages"
    assert judged["sft"]["ckpt"]["output_dir"] == "o/model"


def test_questions_beyond_whole_batches_are_left_out(tmp_path):
    """The last batch is whole: a partial one ends OpenRLHF with an error after all the work."""
    config = recipe("qwen3-8b-8gpu")
    assert whole_batches(config, 12_129) == 12_128
    assert whole_batches(config, 31) == 0
    assert whole_batches(config_of(tmp_path, "data.limit=5"), 100) == 4
    argv = grpo_argv(config, RUN, 12_129)
    assert argv[argv.index("--data.max_samples") + 1] == "12128"


def test_own_flags_are_handed_on(tmp_path):
    """Flags of OpenRLHF that the config names are added: switches alone, lists as several words."""
    changes = ["openrlhf.ds.packing_samples=true", "openrlhf.actor.adam.betas=[0.9, 0.99]"]
    argv = grpo_argv(config_of(tmp_path, *changes), RUN, 4)
    assert "--ds.packing_samples" in argv
    at = argv.index("--actor.adam.betas")
    assert argv[at + 1 : at + 3] == ["0.9", "0.99"]


def test_own_flags_may_not_contradict(tmp_path):
    """A flag that follows from the config cannot be given twice."""
    config = config_of(tmp_path, "openrlhf.train.batch_size=7")
    with pytest.raises(SettingsError, match=r"openrlhf\.train\.batch_size"):
        grpo_argv(config, RUN, 4)


def test_missing_openrlhf_names_the_extra(monkeypatch):
    """Without OpenRLHF the error says what to install."""
    told = subprocess.CompletedProcess(
        [], 1, "", "Traceback ...\nModuleNotFoundError: No module named 'openrlhf'\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: told)
    with pytest.raises(MissingDependency, match="No module named 'openrlhf'") as caught:
        validate(GRPO, [])
    assert "videoseal-agent[rl]" in caught.value.hint
