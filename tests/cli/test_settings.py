"""Where settings come from: options, the environment, `.env`."""

from __future__ import annotations

import json

import pytest

from videoseal.cli.invocation import Invocation
from videoseal.core.environment import environment
from videoseal.core.errors import SettingsError


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
