"""Where settings come from: options, the environment, `.env`."""

from __future__ import annotations

import json

import pytest

from videoseal.cli.invocation import Invocation
from videoseal.core.environment import environment
from videoseal.core.errors import SettingsError
from videoseal.core.settings import Settings


def test_options_win_over_environment_over_file(tmp_path, monkeypatch):
    """An option beats a variable, a variable beats the file, the file beats the default."""
    (tmp_path / ".env").write_text(
        "VIDEOSEAL_DATA_DIR=/file\nVIDEOSEAL_CLIP_SECONDS=8\nexport VIDEOSEAL_OCR_FPS=1 # slow\n"
    )
    monkeypatch.setenv("VIDEOSEAL_DATA_DIR", "/variable")
    assert str(Invocation().settings().data_dir) == "/variable"
    assert str(Invocation(data_dir=tmp_path).settings().data_dir) == str(tmp_path)
    assert Invocation().settings().clip_seconds == 8
    assert Invocation().settings().ocr_fps == 1
    assert Invocation().settings().caption_fps == 1


def test_values_of_the_file_are_taken_as_they_are(tmp_path):
    """Keys with dollars and braces are not expanded."""
    (tmp_path / ".env").write_text("VIDEOSEAL_JUDGE_API_KEY='a${HOME}b'\n")
    assert environment(tmp_path)["VIDEOSEAL_JUDGE_API_KEY"] == "a${HOME}b"


@pytest.mark.parametrize("content", [b"= no name\n", b"\xff\xfe\x00", b"two words\n"])
def test_unreadable_file_is_said(tmp_path, content):
    """A `.env` that cannot be read names the file, and the line where there is one."""
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env"):
        environment(tmp_path)


def test_bad_setting_is_one_line_and_a_document(empty):
    """A malformed value is named; with --json the failure is the one document."""
    done = empty.run("videos", "list", "--json", env={"VIDEOSEAL_JPEG_QUALITY": "best"})
    assert done.exit_code == 2
    assert "VIDEOSEAL_JPEG_QUALITY" in done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "SettingsError"
    assert error["exit_code"] == 2


def test_a_file_for_review_is_read(tmp_path):
    """Its tables are the roles; the environment and `.env` win, and an empty value takes back."""
    (tmp_path / "videoseal.toml").write_text(
        'request_timeout_s = 60\n[planner]\nbase_url = "http://h/v1"\nmodel = "m"\n'
        'temperature = 0.5\nthinking = false\nstop = ["END"]\nprice = [0.2, 0.6]\n'
        "extra_body = {top_k = 3}\n",
        encoding="utf-8",
    )
    (tmp_path / ".env").write_text("VIDEOSEAL_PLANNER_TEMPERATURE=0.7\n", encoding="utf-8")
    settings = Settings.from_env(environment(tmp_path))
    assert settings.request_timeout_s == 60
    assert settings.planner.temperature == 0.7
    assert settings.planner.stop == ["END"]
    assert settings.planner.price == (0.2, 0.6)
    assert settings.planner.body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[planner", "videoseal.toml"),
        ('[planner]\napi_key = "sk-1"', "holds a secret"),
        ('database_url = "postgres://"', "holds a secret"),
        ("[planer]\ntemperature = 1", "VIDEOSEAL_PLANER_TEMPERATURE"),
        ('[judge]\nbase_url = "http://h/v1"\nmodel = "m"\ntop_p = 2', "VIDEOSEAL_JUDGE_TOP_P"),
    ],
)
def test_a_mistake_in_that_file_is_named(tmp_path, text, named):
    """By the file, or by the name that the setting has everywhere."""
    (tmp_path / "videoseal.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        Settings.from_env(environment(tmp_path))
