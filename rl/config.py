"""A training run as one YAML file, and what of it the processes that play episodes need."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from videoseal.core.errors import SettingsError, first_fault
from videoseal.core.settings import ROLES, Settings
from videoseal.core.yaml_source import parse_yaml, read_yaml
from videoseal.graph.context import Context
from videoseal.rl.rewards.rewards import RewardSpec

__all__ = ["ROLLOUT_VARIABLE", "ConfigSection", "DataSection", "Flag", "HardwareSection",
           "OptimiserSection", "OutputSection", "PolicySection", "RolloutConfig", "RolloutSection",
           "TrainConfig", "load_config", "recipe_text", "recipes"]  # fmt: skip

ROLLOUT_VARIABLE: Final = "SEAL_ROLLOUT"
"""The environment variable that names the JSON file of a RolloutConfig."""
_RECIPES: Final = Path(__file__).parent / "recipes"
Value = str | int | float | bool | list[float]


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""Stays true in processes that run in other folders."""


class Flag(NamedTuple):
    """In a field's annotation: the flag of OpenRLHF that says its value."""

    name: str


class ConfigSection(BaseModel):
    """A part of a config."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def flags(self) -> dict[str, Any]:
        """The values of the fields that have flags, by these."""
        return {
            mark.name: getattr(self, field)
            for field, about in type(self).model_fields.items()
            for mark in about.metadata
            if isinstance(mark, Flag)
        }


class PolicySection(ConfigSection):
    """The model that is trained: the planner."""

    path: Annotated[str, Flag("actor.model_name_or_path")] = Field(min_length=1)
    """A Hugging Face folder, or the name of a model on the hub."""
    tool_call_format: Literal["text", "brief"] = "text"
    """The system prompt it reads: whole, or the short one for small models. The trained planner is
    served with the same VIDEOSEAL_TOOL_CALL_FORMAT."""


class DataSection(ConfigSection):
    """The questions, as `videoseal train data` writes them."""

    train: Annotated[AbsolutePath, Flag("data.prompt_dataset")]
    """JSON Lines with `prompt` and `label`."""
    validation: Annotated[AbsolutePath | None, Flag("eval.dataset")] = None
    """Questions that are asked while training and never trained on; their videos are others."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first N questions."""


class RolloutSection(ConfigSection):
    """How episodes are played."""

    batch: Annotated[int, Flag("rollout.batch_size")] = Field(default=32, ge=1)
    """Questions a step."""
    samples: Annotated[int, Flag("rollout.n_samples_per_prompt")] = Field(default=4, ge=2)
    """Episodes a question; GRPO compares them with each other, so one is not enough."""
    temperature: Annotated[float, Flag("rollout.temperature")] = Field(default=0.7, gt=0)
    """Of the policy while episodes are played."""
    turn_tokens: Annotated[int, Flag("rollout.max_new_tokens")] = Field(default=1024, ge=8)
    """Tokens the policy may say in one turn."""
    context_tokens: Annotated[int, Flag("data.max_len")] = Field(default=36_864, ge=128)
    """Tokens of a whole episode: rules, question, turns and tool results."""
    episode_seconds: float = Field(default=300.0, gt=0)
    """Seconds an episode may take."""
    tool_seconds: float = Field(default=60.0, gt=0)
    """Seconds one tool call may take before the policy reads that it timed out."""
    max_episodes: int = Field(default=64, ge=1)
    """Episodes at a time in one process of the engine."""
    validation_temperature: Annotated[float, Flag("eval.temperature")] = Field(default=0.7, ge=0)
    """Of the policy on the validation set."""
    validation_samples: Annotated[int, Flag("eval.n_samples_per_prompt")] = Field(default=1, ge=1)
    """Episodes a question of the validation set."""


class OptimiserSection(ConfigSection):
    """How the policy learns from them."""

    lr: Annotated[float, Flag("actor.adam.lr")] = Field(default=1e-6, gt=0)
    """Learning rate at its highest."""
    schedule: Annotated[
        Literal["cosine", "cosine_with_min_lr", "linear", "constant", "constant_with_warmup"],
        Flag("actor.lr_scheduler"),
    ] = "cosine"
    """How the learning rate falls after the warm-up."""
    warmup: Annotated[float, Flag("actor.lr_warmup_ratio")] = Field(default=0.05, ge=0, lt=1)
    """Share of the steps; any above 0 makes the very first step one of learning rate 0."""
    kl: Annotated[float, Flag("algo.kl.init_coef")] = Field(default=1e-3, ge=0)
    """Weight of the KL loss against the untrained policy; 0 loads no reference model."""
    kl_estimator: Annotated[Literal["k1", "k2", "k3"], Flag("algo.kl.estimator")] = "k3"
    """How the KL is estimated from sampled tokens, by OpenRLHF's names."""
    clip: Annotated[tuple[float, float], Flag("actor.eps_clip_low_high")] = (0.2, 0.2)
    """How far below and above 1 the ratio to the sampling policy may move a token."""
    batch: int | None = Field(default=None, ge=1)
    """Episodes an optimiser step; None takes all of a rollout in one step."""
    micro_batch: Annotated[int, Flag("train.micro_batch_size")] = Field(default=1, ge=1)
    """Episodes a GPU at a time."""
    passes: Annotated[int, Flag("train.num_episodes")] = Field(default=1, ge=1)
    """Times the data is gone through."""
    epochs: Annotated[int, Flag("train.max_epochs")] = Field(default=1, ge=1)
    """Times each rollout is learnt from; above 1 the policy leaves the one that sampled it."""
    max_norm: Annotated[float, Flag("actor.max_norm")] = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    correction: Literal["off", "clip", "mask"] = "clip"
    """What is done where engine and trainer disagree about a token's probability."""
    correction_range: tuple[float, float] = (0.5, 2.0)
    """Ratios of the two that need no correction."""
    seed: Annotated[int, Flag("train.seed")] = 42
    """Of whatever is drawn."""


class HardwareSection(ConfigSection):
    """What it runs on."""

    backend: Literal["vllm", "hf"] = "vllm"
    """vllm: OpenRLHF as it is. hf: transformers also generates, on a CPU or one GPU."""
    nodes: Annotated[int, Flag("actor.num_nodes")] = Field(default=1, ge=1)
    """Machines."""
    gpus: Annotated[int, Flag("actor.num_gpus_per_node")] = Field(default=8, ge=1)
    """GPUs a node; policy, reference and engines share them."""
    tensor_parallel: Annotated[int, Flag("vllm.tensor_parallel_size")] = Field(default=1, ge=1)
    """GPUs an engine; there are as many engines as fill the GPUs."""
    gpu_memory: Annotated[float, Flag("vllm.gpu_memory_utilization")] = Field(
        default=0.7, gt=0, lt=1
    )
    """Share of a GPU's memory that the engine takes while episodes are played."""
    ray_address: str = Field(default="", pattern=r"^$|^(https?|ray)://\S+$")
    """A cluster's job server, such as `http://head:8265`; empty starts Ray on this machine."""
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    """Of the weights; fp32 only with the hf backend."""
    zero_stage: Annotated[Literal[0, 1, 2, 3], Flag("ds.zero_stage")] = 2
    """What GPUs share out: 1 the optimiser's state, 2 gradients too, 3 weights too."""
    offload_optimiser: Annotated[bool, Flag("ds.adam_offload")] = False
    """Whether Adam's state lies in main memory."""
    gradient_checkpointing: Annotated[bool, Flag("actor.gradient_checkpointing_enable")] = False
    """Whether activations are computed again instead of kept: slower, with less memory."""
    attention: Annotated[
        Literal["sdpa", "eager", "flash_attention_2"], Flag("ds.attn_implementation")
    ] = "sdpa"
    """Which implementation transformers take."""
    threads: int = Field(default=1, ge=1)
    """Threads of torch in each process of the hf backend."""


class OutputSection(ConfigSection):
    """What is kept, and where."""

    dir: AbsolutePath | None = None
    """Folder of the run; None is `train/<name>` in the data folder."""
    save_steps: Annotated[int, Flag("ckpt.save_steps")] = Field(default=20, ge=1)
    """Steps between checkpoints: what a killed run loses at most."""
    keep: Annotated[int, Flag("ckpt.max_num")] = Field(default=2, ge=2)
    """Checkpoints that stay; the oldest goes before the next is written, so one is not enough."""
    validation_steps: Annotated[int, Flag("eval.steps")] = Field(default=20, ge=1)
    """Steps between two looks at the validation set."""


class TrainConfig(ConfigSection):
    """Everything that one training run depends on besides the frozen roles' endpoints."""

    name: str = Field(default="grpo", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the run and of its folder."""
    policy: PolicySection
    data: DataSection
    reward: RewardSpec = Field(default_factory=RewardSpec)
    context: dict[str, Any] = Field(default_factory=dict)
    """Fields of the graph's Context that differ from its defaults, such as `max_steps: 13`."""
    rollout: RolloutSection = Field(default_factory=RolloutSection)
    optimiser: OptimiserSection = Field(default_factory=OptimiserSection)
    hardware: HardwareSection = Field(default_factory=HardwareSection)
    output: OutputSection = Field(default_factory=OutputSection)
    openrlhf: dict[str, Value] = Field(default_factory=dict)
    """Further flags of OpenRLHF by their dotted names, such as `ds.ring_attn_size: 2`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for problem in _misfits(self):
            raise ValueError(problem)
        try:
            self.episode_context()
        except ValidationError as error:
            raise ValueError(f"context.{first_fault(error)}") from None
        return self

    @property
    def optimiser_batch(self) -> int:
        """Episodes an optimiser step."""
        return self.optimiser.batch or self.rollout.batch * self.rollout.samples

    @property
    def engines(self) -> int:
        """How many fill the GPUs; the hf backend has one."""
        hardware = self.hardware
        gpus = hardware.nodes * hardware.gpus
        return gpus // hardware.tensor_parallel if hardware.backend == "vllm" else 1

    def episode_context(self) -> Context:
        """The graph's context of every episode."""
        seconds = self.rollout.episode_seconds
        # Benchmarks are asked so, and a policy is shown what it was shown before lines could prove.
        return Context.model_validate({"max_seconds": seconds, "evidence": "seen", **self.context})

    def rollout_config(self, settings: Settings, rollouts_dir: Path) -> RolloutConfig:
        """What the processes that play episodes are told."""
        return RolloutConfig(
            policy=self.policy.path,
            context=self.episode_context(),
            reward=self.reward,
            rollouts_dir=rollouts_dir,
            settings={**settings.public(), "tool_call_format": self.policy.tool_call_format},
            **self.rollout.model_dump(),
        )


class RolloutConfig(RolloutSection):
    """One JSON file beside the run; it holds no key and no password."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    version: Literal[1] = 1
    policy: str
    context: Context
    reward: RewardSpec
    rollouts_dir: Path
    """Where every process writes its own file of records."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the run without its secrets."""

    @property
    def brief(self) -> bool:
        """Whether the policy reads the short system prompt."""
        return bool(self.settings.get("tool_call_format") == "brief")

    def open_settings(self, environ: Mapping[str, str]) -> Settings:
        """The run's settings, with keys and the database's address from the environment."""
        secrets = Settings.from_env(environ)
        values = json.loads(json.dumps(self.settings))
        for role in ROLES:
            known = secrets.endpoint(role)
            if values.get(role) and known is not None:
                values[role]["api_key"] = known.api_key
        if secrets.database_url is not None:
            values["database_url"] = secrets.database_url
        return Settings.model_validate(values)

    @classmethod
    def read(cls, path: Path | str | None = None) -> RolloutConfig:
        """From its file, or from the one that SEAL_ROLLOUT names; SettingsError without either."""
        named = path or os.environ.get(ROLLOUT_VARIABLE)
        if not named:
            raise SettingsError(f"{ROLLOUT_VARIABLE} is not set", hint="it names rollout.json")
        try:
            return cls.model_validate_json(Path(named).read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"cannot read {named}: {error.strerror}") from None
        except ValidationError as error:
            raise SettingsError(f"{named}: {first_fault(error)}") from None


def load_config(path: Path, changes: Sequence[str] = ()) -> TrainConfig:
    """A config from a YAML file, with `key.inner=value` changes on top.

    Relative paths are those of the current folder. Raises SettingsError naming file and field.
    """
    try:
        values = read_yaml(path).value
    except SettingsError as error:
        raise SettingsError(
            str(error), hint="videoseal train recipes lists configs to begin with"
        ) from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: not a mapping of sections")
    for change in changes:
        _change(values, change)
    try:
        config = TrainConfig.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_fault(error)}") from None
    policy = Path(config.policy.path).expanduser()
    if not policy.is_dir():
        return config
    local = config.policy.model_copy(update={"path": str(policy.absolute())})
    return config.model_copy(update={"policy": local})


def recipes() -> dict[str, str]:
    """The first line of every config that comes with the program, by name."""
    return {
        path.stem: path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for path in sorted(_RECIPES.glob("*.yaml"))
    }


def recipe_text(name: str) -> str:
    """A config that comes with the program; SettingsError for an unknown name."""
    if name not in recipes():
        raise SettingsError(f"no recipe {name}", hint=f"there are: {', '.join(recipes())}")
    return (_RECIPES / f"{name}.yaml").read_text(encoding="utf-8")


def _misfits(config: TrainConfig) -> list[str]:
    """Combinations that OpenRLHF would only stumble over hours later, or never mention."""
    rollout, hardware, optimiser = config.rollout, config.hardware, config.optimiser
    gpus = hardware.nodes * hardware.gpus
    episodes = rollout.batch * rollout.samples
    found = []
    if hardware.backend == "hf" and gpus != 1:
        found.append("hardware.gpus: the hf backend runs on one (a CPU counts as one too)")
    if hardware.backend == "vllm" and hardware.precision == "fp32":
        found.append("hardware.precision: fp32 needs backend hf")
    if hardware.precision != "fp32" and not hardware.zero_stage:
        # DeepSpeed then updates the half-precision weights themselves.
        found.append(
            f"hardware.zero_stage: 0 keeps no fp32 copy of {hardware.precision} weights, and small"
            " updates round to nothing; 1 or more does"
        )
    if gpus % hardware.tensor_parallel:
        found.append(f"hardware.tensor_parallel: {gpus} GPUs are not full engines of it")
    if episodes % config.optimiser_batch:
        found.append(
            f"optimiser.batch: {episodes} episodes a rollout are not whole batches of"
            f" {config.optimiser_batch}, the rest would be dropped unseen"
        )
    if config.optimiser_batch % (gpus * optimiser.micro_batch):
        found.append(
            f"optimiser.micro_batch: a batch of {config.optimiser_batch} episodes cannot be shared"
            f" out as {optimiser.micro_batch} on each of {gpus} GPUs"
        )
    if rollout.turn_tokens >= rollout.context_tokens:
        found.append("rollout.turn_tokens: one turn would fill the whole context")
    if unknown := sorted(set(config.context) - set(Context.model_fields)):
        found.append(f"context.{unknown[0]}: the graph's context has no such field")
    if config.context.get("mode", "decoupled") != "decoupled":
        found.append("context.mode: only the decoupled graph is trained")
    return found


def _change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"{change} is no change", hint="write --set section.field=value")
    first, _, rest = key.strip().partition(".")
    # Flags of OpenRLHF have dots in their names.
    path = [first, rest] if first == "openrlhf" else key.strip().split(".")
    *sections, field = path
    inner = values
    for section in sections:
        below = inner.setdefault(section, {})
        if not isinstance(below, dict):
            raise SettingsError(f"--set {key}: {section} has no fields")
        inner = below
    inner[field] = parse_yaml(text, "--set").value if text else None
