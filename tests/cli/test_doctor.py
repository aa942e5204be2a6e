"""The doctor names what is wrong and how to mend it."""

from __future__ import annotations

import json

import pytest


def states(done) -> dict[str, dict[str, str]]:
    """The last check of each name."""
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_healthy_place_is_ok(empty):
    """Where all is well nothing fails, and what answers in each role is named."""
    done = empty.run("doctor", "--json")
    assert done.exit_code == 0, done.stdout
    found = states(done)
    assert {"python", "packages", "disk", "database", "embedder", "planner"} <= set(found)
    assert found["planner"]["found"] == "offline stand-in"
    assert "pgvector" in found["database"]["found"]
    text = empty.run("doctor")
    assert text.exit_code == 0
    assert "ok   database" in text.stdout


@pytest.mark.parametrize(
    ("env", "name", "words"),
    [
        ({"VIDEOSEAL_OCR_FPS": "fast"}, "settings", "VIDEOSEAL_OCR_FPS"),
        ({"VIDEOSEAL_OCRFPS": "2"}, "settings", "unknown setting"),
        (
            {"VIDEOSEAL_PLANNER_BASE_URL": "http://127.0.0.1:1/v1", "VIDEOSEAL_PLANNER_MODEL": "m",
             "VIDEOSEAL_MAX_RETRIES": "0"},
            "planner", "127.0.0.1:1",
        ),
        ({"VIDEOSEAL_OCR_MODEL_DIR": "/nowhere"}, "ocr", "/nowhere"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line(empty, env, name, words):
    """A wrong setting, a dead endpoint and missing weights each fail by name, with exit code 1."""
    done = empty.run("doctor", "--json", env=env)
    assert done.exit_code == 1
    check = states(done)[name]
    assert check["state"] == "fail"
    assert words in check["found"]


def test_dead_database_is_a_line_with_advice(empty):
    """A database that is down does not keep the doctor from looking further."""
    empty.url = "postgresql://me:hushhush@127.0.0.1:1/x?connect_timeout=2"
    done = empty.run("doctor", "--json")
    assert done.exit_code == 1
    assert states(done)["database"]["state"] == "fail"
    assert states(done)["planner"]["state"] == "ok"
    assert "hushhush" not in done.stdout


def test_names_of_the_reference_system_are_explained(empty):
    """Old names that are read are listed; one that has no use here is a warning."""
    env = {"VISUAL_RETRIEVE_SUM_MODEL": "x"}
    done = empty.run("doctor", "--json", env=env)
    assert done.exit_code == 0
    [check] = [c for c in json.loads(done.stdout)["checks"] if c["state"] == "warn"]
    assert "VISUAL_RETRIEVE_SUM_MODEL" in check["found"]


def test_unwritable_folder_is_said(empty, tmp_path):
    """A data folder that cannot be made is a line, not a traceback."""
    (tmp_path / "file").write_text("x")
    empty.data_dir = tmp_path / "file" / "data"
    done = empty.run("doctor", "--json")
    assert done.exit_code == 1
    assert states(done)["disk"]["state"] == "fail"
