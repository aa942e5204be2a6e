"""The command as a shell starts it: streams, signals and encodings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from videoseal.core.video import probe

COMMAND = [sys.executable, "-m", "videoseal.cli.main"]


def start(place, *arguments, **extra):
    """Start a real process."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **extra.pop("env", {})}
    return subprocess.Popen(
        [*COMMAND, *place.options, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **extra,
    )  # fmt: skip


def finish(process):
    """Exit code, standard output and standard error of a process."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
def test_index_and_ask_from_a_shell(empty, signs):
    """Two commands in a row take a file to a proven answer; progress stays off standard output."""
    code, out, err = finish(start(empty, "index", signs))
    assert code == 0, err
    assert out.count("\n") == 1
    assert "scan: " in err
    assert "\x1b" not in out + err
    question = ("What number is written below HARBOUR GATE?", "-o", "4721", "-o", "4127")
    code, out, err = finish(start(empty, "ask", signs, *question, "--json"))
    assert code == 0, err
    assert json.loads(out)["answer"]["choice"] == "B"
    assert err == ""


@pytest.mark.slow
def test_interrupted_index_goes_on(empty, signs):
    """Ctrl-C while indexing leaves with 130 and no traceback; the same command then finishes."""
    for _ in range(5):
        code, err = interrupt_index(empty, signs)
        if code:
            break
        assert empty.run("videos", "delete", "signs", "--yes").exit_code == 0
    assert code == 130
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert finish(start(empty, "index", signs))[0] == 0


def interrupt_index(place, video):
    """Exit code and standard error of a process that was faster than Ctrl-C, or was not."""
    process = start(place, "index", video)
    first = b""
    while b"scan" not in first:
        first = process.stderr.readline()
        assert first, "ended before it began"
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    return code, err


def test_closed_pipe_is_quiet(indexed):
    """A reader that goes away early is no reason to complain."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [*COMMAND, *indexed.options, "videos", "show", "signs", "--texts"],
        stdout=writing, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert err == b""
    assert process.returncode == 1


def test_terminal_without_unicode(empty, signs):
    """Where only ASCII can be printed, titles lose letters or are escaped, and nothing fails."""
    with empty.store() as store:
        store.add_video("v0123456789abcdef", probe(signs), title="港口", fingerprint="x")
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    code, out, err = finish(start(empty, "videos", "list", env=env))
    assert code == 0, err
    assert "v0123456789abcdef" in out
    assert out.isascii()
    code, out, err = finish(start(empty, "videos", "list", "--json", env=env))
    assert code == 0, err
    assert out.isascii()
    assert json.loads(out)["videos"][0]["title"] == "港口"


def test_colour_only_where_it_is_wanted(indexed):
    """NO_COLOR and pipes turn colour off; a narrow terminal loses no text."""
    code, out, _ = finish(start(indexed, "videos", "list", env={"COLUMNS": "30"}))
    assert code == 0
    assert "\x1b" not in out
    assert "signs" in out.replace("\n", "").replace(" ", "")


def test_settings_file_is_read(indexed, tmp_path):
    """A `.env` in the current folder sets what the environment does not."""
    (tmp_path / ".env").write_text("VIDEOSEAL_CLIP_SECNDS=8\n")
    code, _, err = finish(start(indexed, "videos", "list", cwd=tmp_path))
    assert code == 2
    assert "error: unknown setting VIDEOSEAL_CLIP_SECNDS" in err
    assert "hint: did you mean VIDEOSEAL_CLIP_SECONDS?" in err
