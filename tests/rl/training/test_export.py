"""A trained policy as a folder that serves as the planner."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.rl.begun import config_of
from videoseal.core.errors import OutOfSpace, VideosealError
from videoseal.rl.episodes.chat_templates import TemplateRefused
from videoseal.rl.training.base_models import make_tiny
from videoseal.rl.training.export import NothingTrained, export
from videoseal.rl.training.launch import describe
from videoseal.rl.training.run_folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
"""DeepSpeed, which transformers asks for when it saves, is older than the newest torch."""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy of a few thousand numbers."""
    folder = tmp_path_factory.mktemp("policy")
    make_tiny(folder, ["what is on the sign"] * 3, vocabulary=300, width=64, layers=1, context=64)
    return folder


@pytest.fixture
def run(tmp_path: Path, policy: Path) -> RunFolder:
    """A run that has not saved anything yet."""
    config = config_of(tmp_path, f"policy.path={policy}", "policy.tool_call_format=brief")
    found = RunFolder(tmp_path / "runs" / "small")
    found.settle(describe(config, 4, {}))
    return found


def changed(policy: Path) -> Any:
    """The policy after a step of training: one number differs."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(policy)
    model.model.norm.weight.data[0] = 7.0
    return model


def finish(run: RunFolder, policy: Path) -> None:
    """The final model as OpenRLHF leaves it."""
    from transformers import AutoTokenizer

    changed(policy).save_pretrained(run.model)
    AutoTokenizer.from_pretrained(policy).save_pretrained(run.model)


def first_norm(folder: Path) -> float:
    from transformers import AutoModelForCausalLM

    return float(AutoModelForCausalLM.from_pretrained(folder).model.norm.weight[0].item())


def checkpoint(run: RunFolder, name: str, states: dict[str, Any]) -> Path:
    """A checkpoint as DeepSpeed writes it with ZeRO below 3."""
    import torch

    folder = run.checkpoints / "_actor" / name
    folder.mkdir(parents=True)
    torch.save({"module": states}, folder / "mp_rank_00_model_states.pt")
    (folder / "metric.json").write_text("{}")
    (folder.parent / "latest").write_text(name)
    return folder


def test_final_model_is_exported(run, policy, tmp_path):
    """The final model comes with tokenizer, template and an end of turn, and loads."""
    from transformers import AutoTokenizer, GenerationConfig

    finish(run, policy)
    done = export(run, tmp_path / "out")
    assert done.source == "final model"
    assert done.parameters > 1000
    assert first_norm(tmp_path / "out") == 7.0
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    told = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert told.startswith("<|im_start|>user\nhi<|im_end|>")
    generation = GenerationConfig.from_pretrained(tmp_path / "out")
    assert generation.eos_token_id == tokenizer.eos_token_id
    assert (generation.temperature, generation.top_p, generation.top_k) == (0.7, 1.0, 0)


def test_serving_is_told(run, policy, tmp_path):
    """The lines to serve it name folder, context length and the settings of the planner."""
    finish(run, policy)
    text = "\n".join(export(run, tmp_path / "out").serving)
    assert f"vllm serve {tmp_path / 'out'} --served-model-name small" in text
    assert "--max-model-len 1024" in text
    assert "VIDEOSEAL_PLANNER_BASE_URL=http://127.0.0.1:8000/v1" in text
    assert "VIDEOSEAL_PLANNER_MODEL=small" in text
    assert "VIDEOSEAL_TOOL_CALL_FORMAT=brief" in text


def test_checkpoint_is_exported(run, policy, tmp_path):
    """A run that is not done gives its last checkpoint, one that is named, or the best."""
    before, after = changed(policy), changed(policy)
    before.model.norm.weight.data[0] = 3.0
    checkpoint(run, "best_global_step5", before.state_dict())
    checkpoint(run, "global_step10", after.state_dict())
    last = export(run, tmp_path / "last")
    assert (last.source, first_norm(tmp_path / "last")) == ("global_step10", 7.0)
    best = export(run, tmp_path / "best", checkpoint="best")
    assert (best.source, first_norm(tmp_path / "best")) == ("best_global_step5", 3.0)


def test_nothing_to_export(run, tmp_path):
    """A run without model and checkpoints says so and leaves no folder behind."""
    with pytest.raises(NothingTrained, match="no model and no checkpoint"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(NothingTrained, match="global_step3"):
        export(run, tmp_path / "out", checkpoint="global_step3")


def test_checkpoint_of_another_model(run, policy, tmp_path):
    """Weights that do not fit the policy are named."""
    states = changed(policy).state_dict()
    states["model.stranger"] = states.pop("model.norm.weight")
    checkpoint(run, "global_step1", states)
    with pytest.raises(VideosealError, match=r"another model: model\.stranger"):
        export(run, tmp_path / "out")


def test_full_folder_is_left_alone(run, tmp_path):
    """Nothing is written over what is there."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(VideosealError, match="is not empty"):
        export(run, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_full_disk_leaves_nothing_half(run, policy, tmp_path, monkeypatch):
    """When the disk is full the half-written folder goes again."""
    finish(run, policy)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("videoseal.rl.training.export.shutil.copytree", full)
    with pytest.raises(OutOfSpace, match="No space left"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_template_must_be_known(run, policy, tmp_path):
    """A tokenizer that could not be served as it was trained is refused."""
    from transformers import AutoTokenizer

    odd = tmp_path / "odd"
    shutil.copytree(policy, odd)
    tokenizer = AutoTokenizer.from_pretrained(odd)
    tokenizer.chat_template = "{{ messages }}"
    tokenizer.save_pretrained(odd)
    other = RunFolder(tmp_path / "runs" / "other")
    other.settle(describe(config_of(tmp_path, f"policy.path={odd}"), 4, {}))
    finish(other, policy)
    with pytest.raises(TemplateRefused):
        export(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
