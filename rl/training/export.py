"""A trained policy as a Hugging Face folder that serves as the planner."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.core.errors import MissingDependency, OutOfSpace, VideosealError
from videoseal.rl.config import TrainConfig
from videoseal.rl.training.command import INSTALL
from videoseal.rl.training.run_folder import RunFolder

__all__ = ["CARD", "Exported", "NothingTrained", "export", "serving_lines"]

CARD: Final = "videoseal.json"
"""The file in an exported folder that says what it is."""
_TRAINER: Final = "_actor"
_PORT: Final = 8000


class NothingTrained(VideosealError):
    """The run has no such model yet."""

    exit_code = 2


class Exported(NamedTuple):
    """What was written."""

    folder: Path
    source: str
    """`final model`, or the checkpoint's name."""
    parameters: int
    serving: list[str]
    """Shell lines that serve it with vLLM and make it the planner."""


def export(run: RunFolder, out: Path, *, checkpoint: str | None = None) -> Exported:
    """Write model, tokenizer, chat template and generation config, and load them once.

    The final model, or a checkpoint: by its name, `best` for the one with the best validation, and
    by itself the last of a run that is not done. Raises NothingTrained, OutOfSpace, and
    TemplateRefused where the tokenizer could not be served the way the policy was trained.
    """
    if out.exists() and any(out.iterdir()):
        raise VideosealError(f"{out} is not empty", hint="name a new folder")
    config = run.read_manifest().config
    _quiet()
    out.mkdir(parents=True, exist_ok=True)
    try:
        source = _write_model(run, out, checkpoint, config)
        _complete(out, config)
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise OutOfSpace(f"cannot write {out}: {error.strerror}") from error
    except VideosealError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return Exported(out, source, _load(out), serving_lines(out, config))


def serving_lines(folder: Path, config: TrainConfig) -> list[str]:
    """Shell lines that serve the exported policy with vLLM and make it the planner."""
    return [
        f"vllm serve {folder} --served-model-name {config.name} --port {_PORT}"
        f" --max-model-len {config.rollout.context_tokens}",
        f"export VIDEOSEAL_PLANNER_BASE_URL=http://127.0.0.1:{_PORT}/v1",
        f"export VIDEOSEAL_PLANNER_MODEL={config.name}",
        f"export VIDEOSEAL_TOOL_CALL_FORMAT={config.policy.tool_call_format}",
    ]


def _write_model(run: RunFolder, out: Path, checkpoint: str | None, config: TrainConfig) -> str:
    if checkpoint is None and run.is_trained():
        shutil.copytree(run.model, out, dirs_exist_ok=True)
        return "final model"
    folder = _checkpoint(run, checkpoint)
    _from_checkpoint(folder, out, config)
    return folder.name


def _checkpoint(run: RunFolder, name: str | None) -> Path:
    root = run.checkpoints / _TRAINER
    known = sorted(path.name for path in root.glob("*") if path.is_dir())
    if name is None:
        last = run.last_checkpoint()
        if last is None:
            raise NothingTrained(
                f"{run.root.name} has no model and no checkpoint yet",
                hint="the first checkpoint comes after output.save_steps steps",
            )
        return last
    wanted = [one for one in known if one == name or (name == "best" and one.startswith("best"))]
    if not wanted:
        raise NothingTrained(f"no checkpoint {name}", hint=f"there are: {', '.join(known)}")
    return root / wanted[-1]


def _from_checkpoint(folder: Path, out: Path, config: TrainConfig) -> None:
    """The weights of a DeepSpeed checkpoint in the architecture of the policy they began as."""
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError:
        raise MissingDependency("reading checkpoints needs torch", hint=INSTALL) from None
    weights = _weights(folder)
    precision = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    model = AutoModelForCausalLM.from_pretrained(
        config.policy.path, dtype=precision[config.hardware.precision]
    )
    missing, unexpected = model.load_state_dict(weights, strict=False)
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    if unexpected or set(missing) - tied:
        name = next(iter([*unexpected, *sorted(set(missing) - tied)]))
        raise VideosealError(f"checkpoint {folder.name} is of another model: {name} does not fit")
    model.save_pretrained(out)


def _weights(folder: Path) -> dict[str, Any]:
    import torch

    whole = folder / "mp_rank_00_model_states.pt"
    if whole.is_file():
        # Written by our own run; DeepSpeed keeps objects beside the tensors.
        states = torch.load(whole, map_location="cpu", weights_only=False)
        if found := states.get("module"):
            return dict(found)
    # With ZeRO 3 every process holds a part of each weight.
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

    gathered: dict[str, Any] = get_fp32_state_dict_from_zero_checkpoint(folder.parent, folder.name)
    return gathered


def _complete(out: Path, config: TrainConfig) -> None:
    """Tokenizer with its template, and what ends a turn: servers stop where the policy did."""
    from transformers import AutoTokenizer, GenerationConfig

    from videoseal.rl.episodes.chat_templates import chat_template_of

    tokenizer = AutoTokenizer.from_pretrained(config.policy.path)
    template = chat_template_of(tokenizer)
    tokenizer.save_pretrained(out)
    generation = GenerationConfig(
        eos_token_id=template.end_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
        temperature=config.rollout.temperature,
        # Some policies come with cuts of their own, under which nothing was trained.
        top_p=1.0,
        top_k=0,
    )
    generation.save_pretrained(out)
    card = {
        "policy": config.policy.path,
        "run": config.name,
        "tool_call_format": config.policy.tool_call_format,
    }
    (out / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def _quiet() -> None:
    """No bars for files that load in a second."""
    try:
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        raise MissingDependency("exporting needs transformers", hint=INSTALL) from None
    disable_progress_bar()


def _load(folder: Path) -> int:
    """Number of parameters, after the folder was loaded as users load it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    AutoTokenizer.from_pretrained(folder)
    return sum(value.numel() for value in model.parameters())
