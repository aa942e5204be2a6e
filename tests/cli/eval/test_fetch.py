"""`videoseal eval fetch` on the command line."""

from __future__ import annotations

import json

from tests.evals.fetch.hub_server import hub_server

ROW = {
    "video": "v1.mp4", "duration": 60, "question": "What?", "candidates": ["a", "b", "c", "d"],
    "answer": "d", "question_type": "ego",
}  # fmt: skip


def test_without_a_folder_it_says_where_sets_are(empty):
    """Every set is named with its page, its files and its licence; nothing is fetched."""
    told = empty.run("eval", "fetch")
    assert told.exit_code == 0
    for name in ("lvbench", "cgbench", "longvideobench", "videomme", "mlvu", "synthetic"):
        assert name in told.stdout
    assert "CC BY-NC-SA 4.0" in told.stdout
    assert (
        "accepted there first"
        in json.loads(empty.run("eval", "fetch", "mlvu", "--json").stdout)[0]["licence"]
    )


def test_with_a_folder_it_fetches_and_says_what_to_run(empty, tmp_path):
    """The summary has counts and licence, and the next command is spelled out."""
    out = tmp_path / "mlvu"
    with hub_server() as hub:
        hub.files = {"MLVU/json/3_ego.json": json.dumps([ROW]).encode(),
                     "MLVU/video/3_ego/v1.mp4": b"film"}  # fmt: skip
        environment = {"HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_secret"}
        done = empty.run("eval", "fetch", "mlvu", "--out", out, env=environment)
        found = empty.run("eval", "fetch", "mlvu", "--out", out, "--json", env=environment)
    assert done.exit_code == 0, done.stderr
    assert "1 annotation files and 1 videos" in done.stdout
    assert "videoseal eval mlvu --annotations" in done.stderr
    assert "hf_secret" not in done.stdout + done.stderr + (out / "fetch.json").read_text()
    assert json.loads(found.stdout)["annotations"] == ["annotations/3_ego.json"]


def test_folder_needs_one_name(empty, tmp_path):
    """Fetching everything at once is no command."""
    assert empty.run("eval", "fetch", "--out", tmp_path).exit_code == 2
