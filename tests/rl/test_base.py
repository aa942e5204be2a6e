"""Policies to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from videoseal.cli.main import app

# What torch, DeepSpeed and transformers say of each other while they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
SAID = ["Find it.", "Question: what is on the sign?", "<tool_call>\n{}\n</tool_call>"]


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A file with one conversation."""
    roles = ("system", "user", "assistant")
    messages = [{"role": r, "content": c} for r, c in zip(roles, SAID, strict=True)]
    path = tmp_path / "traces.jsonl"
    path.write_text(json.dumps({"messages": messages}) + "\n")
    return path


@pytest.mark.slow
def test_a_tiny_policy_loads_and_its_template_is_allowed(traces, tmp_path):
    """The folder is one of Hugging Face, with a vocabulary that loses no character."""
    pytest.importorskip("transformers", reason="training is not installed")
    done = CliRunner().invoke(
        app, ["train", "base", "tiny", "--traces", str(traces), "--out", str(tmp_path / "m")]
    )
    assert done.exit_code == 0, done.output
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from videoseal.rl.episodes.chat_templates import chat_template_of

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    assert chat_template_of(tokenizer).family == "chatml"
    text = "é 漢 \n\t<tool_call>{}</tool_call>"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    assert model.config.vocab_size == len(tokenizer)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tiny"], "tiny needs --traces"),
        (["tiny", "--traces", "none.jsonl"], "does not exist"),
        (["gpt"], "is not one of"),
    ],
)
def test_what_cannot_be_made_is_told(arguments, told, tmp_path):
    """A missing file or an unknown model is one line."""
    done = CliRunner().invoke(app, ["train", "base", *arguments, "--out", str(tmp_path / "m")])
    assert done.exit_code == 2
    assert told in done.output
