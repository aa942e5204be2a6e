"""A training run as one YAML file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.rl.begun import config_of
from videoseal.core.errors import SettingsError
from videoseal.core.settings import Endpoint, Settings
from videoseal.rl.config import RolloutConfig, load_config, recipe_text, recipes

WHOLE = "name: a\npolicy: {path: p}\ndata: {train: t.jsonl}\nhardware: {backend: hf, gpus: 1}\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", recipes())
def test_recipes_are_configs(tmp_path, name):
    """Every config that comes with the program can be read, and says in a line what it is for."""
    assert load_config(written(tmp_path, recipe_text(name))).name
    assert recipes()[name].endswith(".")


def test_reference_numbers(tmp_path):
    """The 8-GPU recipe has the numbers of the reference."""
    config = load_config(written(tmp_path, recipe_text("qwen3-8b-8gpu")))
    rollout, optimiser = config.rollout, config.optimiser
    assert (rollout.batch, rollout.samples, rollout.temperature) == (32, 4, 0.7)
    assert (rollout.context_tokens, rollout.episode_seconds) == (36_864, 300)
    assert (optimiser.lr, optimiser.schedule, optimiser.warmup) == (1e-6, "cosine", 0.05)
    assert (optimiser.kl, optimiser.kl_estimator, optimiser.clip) == (1e-3, "k3", (0.2, 0.2))
    assert (optimiser.passes, config.hardware.gpus) == (1, 8)
    assert config.episode_context().max_steps == 13
    assert config.policy.path == "Qwen/Qwen3-8B"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("rollout.samples=1", "rollout.samples: "),
        ("rollout.batchs=2", "rollout.batchs: Extra inputs"),
        ("reward.kind=best", "reward.kind: "),
        ("hardware.gpus=2", "hardware.gpus: the hf backend runs on one"),
        ("hardware.ray_address=somewhere", "hardware.ray_address: "),
        ("optimiser.batch=3", "optimiser.batch: 128 episodes a rollout are not whole batches"),
        ("optimiser.micro_batch=3", "optimiser.micro_batch: a batch of 128"),
        ("rollout.turn_tokens=36864", "rollout.turn_tokens: one turn"),
        ("context.max_stps=3", "context.max_stps: the graph's context has no such field"),
        ("context.max_steps=0", "context.max_steps: "),
        ("context.mode=coupled", "context.mode: only the decoupled"),
        ("output.keep=1", "output.keep: "),
        ("name=../up", "name: "),
    ],
)
def test_errors_name_file_and_field(tmp_path, change, complaint):
    """What is wrong with a config is said in one line, with its file and field."""
    path = written(tmp_path, WHOLE)
    with pytest.raises(SettingsError) as caught:
        load_config(path, [change])
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fp32_needs_hf(tmp_path):
    """The vllm backend with fp32 weights is refused: OpenRLHF has no such precision."""
    changes = ["hardware.backend=vllm", "hardware.precision=fp32"]
    with pytest.raises(SettingsError, match=r"hardware\.precision"):
        load_config(written(tmp_path, WHOLE), changes)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_needs_zero(tmp_path, precision):
    """Without ZeRO there is no fp32 copy of the weights for small updates to add up in."""
    changes = [f"hardware.precision={precision}", "hardware.zero_stage=0"]
    with pytest.raises(SettingsError, match=r"hardware\.zero_stage: 0 keeps no fp32 copy"):
        load_config(written(tmp_path, WHOLE), changes)
    load_config(written(tmp_path, WHOLE), [changes[0], "hardware.zero_stage=1"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{WHOLE}name: b\n", "name is there twice"),
        ("- a\n- b\n", "not a mapping"),
        ("name: [", "run.yaml:1: not YAML: "),
        ("name: a\n", "policy: Field required"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, complaint):
    """Repeated keys, other documents, broken YAML and missing sections are errors."""
    with pytest.raises(SettingsError, match=complaint):
        load_config(written(tmp_path, text))


def test_missing_file(tmp_path):
    """A config that is not there is named, with where to get one."""
    with pytest.raises(SettingsError, match=r"cannot read .*none\.yaml") as caught:
        load_config(tmp_path / "none.yaml")
    assert "recipes" in caught.value.hint


def test_changes_are_laid_over_the_file(tmp_path):
    """--set reaches fields by their dotted names, in sections that the file has not, too."""
    changes = ["rollout.batch=16", "optimiser.lr=1e-4", "openrlhf.ds.zpg=2", "reward.kind=outcome"]
    config = load_config(written(tmp_path, WHOLE), changes)
    assert config.rollout.batch == 16
    assert config.optimiser.lr == 1e-4
    assert config.openrlhf == {"ds.zpg": 2}


def test_off_is_a_word(tmp_path):
    """Words that YAML takes for booleans stay words, in the file and in changes."""
    text = f"{WHOLE}optimiser: {{correction: off}}\n"
    assert load_config(written(tmp_path, text)).optimiser.correction == "off"
    changed = load_config(written(tmp_path, WHOLE), ["optimiser.correction=off"])
    assert changed.optimiser.correction == "off"


def test_changes_that_are_no_yaml_are_one_line(tmp_path):
    """A value that cannot be read is told as a setting is, without a trace."""
    with pytest.raises(SettingsError, match="--set:1: not YAML: "):
        load_config(written(tmp_path, WHOLE), ["optimiser.clip=[0.1"])


def test_settings_of_the_reward_are_its_kind_s(tmp_path):
    """A kind of reward brings its own defaults."""
    config = load_config(written(tmp_path, WHOLE), ["reward.kind=outcome"])
    assert config.reward.kind == "outcome"


@pytest.mark.parametrize("change", ["rollout", "=3", "name.first=3"])
def test_bad_changes_are_refused(tmp_path, change):
    """A change without a value, without a key, or below a plain value is an error."""
    with pytest.raises(SettingsError):
        load_config(written(tmp_path, WHOLE), [change])


def test_paths_become_absolute(tmp_path, monkeypatch):
    """Processes in other folders find the data; a hub name of a policy stays one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    config = load_config(written(tmp_path, WHOLE))
    assert config.data.train == tmp_path / "t.jsonl"
    assert config.policy.path == str(tmp_path / "p")
    other = load_config(written(tmp_path, WHOLE), ["policy.path=Qwen/Qwen3-8B"])
    assert other.policy.path == "Qwen/Qwen3-8B"


def test_rollout_config_keeps_no_secret(tmp_path, monkeypatch):
    """What the executors are told has no key and no password; they take those from outside."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=SecretStr("postgresql://me:pa55word@db/index"),
        inspector=Endpoint(base_url="http://eye/v1", model="eye", api_key=SecretStr("k3y")),
        request_timeout_s=7,
    )
    config = config_of(tmp_path, "reward.kind=five_term", "context.max_steps=5")
    path = tmp_path / "rollout.json"
    path.write_text(config.rollout_config(settings, tmp_path / "r").model_dump_json(), "utf-8")
    text = path.read_text("utf-8")
    assert "k3y" not in text
    assert "pa55word" not in text
    monkeypatch.setenv("SEAL_ROLLOUT", str(path))
    found = RolloutConfig.read()
    assert found.context.max_steps == 5
    assert found.context.max_seconds == config.rollout.episode_seconds
    assert found.reward == config.reward
    environ = {
        "VIDEOSEAL_INSPECTOR_BASE_URL": "http://other/v1",
        "VIDEOSEAL_INSPECTOR_MODEL": "other",
        "VIDEOSEAL_INSPECTOR_API_KEY": "k3y",
        "DATABASE_URL": "postgresql://me:pa55word@db/index",
    }
    opened = found.open_settings(environ)
    assert opened.inspector is not None
    assert opened.inspector.base_url == "http://eye/v1"
    assert opened.inspector.api_key.get_secret_value() == "k3y"
    assert opened.database_url == settings.database_url
    assert (opened.request_timeout_s, opened.data_dir) == (7, tmp_path)
    assert opened.tool_call_format == "text"


def test_rollout_config_must_be_named(monkeypatch, tmp_path):
    """Without SEAL_ROLLOUT, or with one that names no such file, the error says so."""
    monkeypatch.delenv("SEAL_ROLLOUT", raising=False)
    with pytest.raises(SettingsError, match="SEAL_ROLLOUT is not set"):
        RolloutConfig.read()
    with pytest.raises(SettingsError, match="cannot read"):
        RolloutConfig.read(tmp_path / "none.json")
    (tmp_path / "odd.json").write_text('{"policy": 1}')
    with pytest.raises(SettingsError, match=r"odd\.json: policy"):
        RolloutConfig.read(tmp_path / "odd.json")
