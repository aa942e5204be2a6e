"""Asking: what is printed, what is written, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from videoseal.core.video import content_id
from videoseal.graph.episode import Episode

GATE = ("What number is written below HARBOUR GATE?", "-o", "4127", "-o", "4721", "-o", "1247")
UNKNOWN = ("What number is written below MOUNTAIN LODGE?", "-o", "4127", "-o", "4721")


def episode_in(folder: Path) -> Episode:
    """The record in an evidence folder."""
    return Episode.model_validate_json((folder / "answer.json").read_text("utf-8"))


def assert_frames_are_those_shown(folder: Path, episode: Episode) -> None:
    """Every shown frame is saved as the very bytes that the inspector saw, and nothing else."""
    saved = {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "frames").iterdir()
    }
    assert saved == {frame.sha256 for entry in episode.evidence for frame in entry.frames}


def test_answer_is_proven_in_print_and_on_disk(indexed, tmp_path):
    """An answer comes with its letter, span, saved frames and a folder that proves it."""
    done = indexed.run("ask", "signs", *GATE, "--out", tmp_path / "proof")
    assert done.exit_code == 0
    assert "answer    (A) 4127" in done.stdout
    assert "searched" in done.stderr
    assert "sufficient (e1)" in done.stderr
    episode = episode_in(tmp_path / "proof")
    cited = episode.answer.citations[0].frames[0]
    assert 4.0 <= cited.time < 7.0
    named = [word for word in done.stdout.split() if word.startswith("proof/frames/")]
    with Image.open(named[0]) as frame:
        frame.load()
        assert frame.size == (640, 360)
    assert hashlib.sha256(Path(named[0]).read_bytes()).hexdigest() == cited.sha256
    assert_frames_are_those_shown(tmp_path / "proof", episode)
    with Image.open(tmp_path / "proof" / "contact.jpg") as sheet:
        sheet.load()
        assert sheet.width > 640
    page = (tmp_path / "proof" / "trajectory.md").read_text("utf-8")
    assert "HARBOUR GATE" in page
    assert "visual_inspect" in page


def test_abstention_is_a_result(indexed, tmp_path):
    """A question that nothing answers is abstained, with a reason and exit code 0."""
    done = indexed.run("ask", "signs", *UNKNOWN, "--out", tmp_path / "proof")
    assert done.exit_code == 0
    assert done.stdout.startswith("answer    none: ")
    episode = episode_in(tmp_path / "proof")
    assert episode.answer.outcome == "abstained"
    assert_frames_are_those_shown(tmp_path / "proof", episode)


SPOKEN = """1
00:00:03,000 --> 00:00:05,000
Good evening and welcome.

2
00:00:13,000 --> 00:00:16,500
The ferry to Ostrava leaves at a quarter past nine.

3
00:00:18,000 --> 00:00:20,000
Thank you for coming.
"""
FERRY = ("When does the ferry to Ostrava leave?", "-o", "at noon", "-o", "at a quarter past nine")


def test_what_is_said_proves(empty, signs, tmp_path):
    """A line of the subtitles is cited, shown, and checked against the index."""
    film = tmp_path / "talk.mp4"
    shutil.copy(signs, film)
    film.with_suffix(".srt").write_text(SPOKEN)
    assert empty.run("index", film).exit_code == 0
    done = empty.run("ask", "talk", *FERRY, "--html", "--out", tmp_path / "proof")
    assert "answer    (B) at a quarter past nine" in done.stdout, done.stdout + done.stderr
    assert "proof     yes" in done.stdout
    said = "said: The ferry to Ostrava leaves at a quarter past nine. (00:00:13.0, talk.srt)"
    assert said in done.stdout
    (cited,) = episode_in(tmp_path / "proof").answer.citations
    assert (cited.lines[0].start, cited.lines[0].end) == (13.0, 16.5)
    assert 13.0 <= cited.frames[0].time <= 16.5
    assert "page      proof/answer.html" in done.stdout
    page = (tmp_path / "proof" / "answer.html").read_text("utf-8")
    assert "said at 00:00:13.0, talk.srt" in page
    again = empty.run("page", tmp_path / "proof", "--out", "talk.html")
    assert again.stdout == "page      talk.html\n"
    assert Path("talk.html").read_text("utf-8") == page
    checked = empty.run("verify", tmp_path / "proof")
    assert checked.exit_code == 0, checked.stdout
    assert "ok    lines   1 of 1 are said at that time" in checked.stdout
    record = tmp_path / "proof" / "answer.json"
    record.write_text(record.read_text("utf-8").replace("past nine.", "past ten."))
    forged = empty.run("verify", tmp_path / "proof")
    assert forged.exit_code == 1
    assert "fail  lines" in forged.stdout


def test_a_thread_goes_on_in_another_process(indexed, tmp_path):
    """Two questions under one name: each has its own proof, and the thread remembers the first."""
    for number in ("one", "two"):
        folder = tmp_path / number
        done = indexed.run("ask", "signs", *GATE, "--thread", "talk", "--out", folder)
        assert done.exit_code == 0, done.stderr
        assert "answer    (A) 4127" in done.stdout
    with indexed.store() as store:
        rows = store.database.run(
            lambda c: c.execute("SELECT count(*) FROM checkpoints WHERE thread_id = 'talk'")
            .fetchone()
        )  # fmt: skip
        assert rows[0] > 8


def test_forced_guess_is_marked(indexed, tmp_path):
    """With --force there is a letter, and it is said that nothing proves it."""
    done = indexed.run("ask", "signs", *UNKNOWN, "--force", "--out", tmp_path / "proof")
    assert done.exit_code == 0
    assert "proof     none: a forced guess" in done.stdout
    assert episode_in(tmp_path / "proof").answer.forced


def test_json_is_one_document(indexed, signs):
    """With --json standard output is the episode and where its folder is, and nothing else."""
    done = indexed.run("ask", str(signs), *GATE, "--json")
    document = json.loads(done.stdout)
    assert document["answer"]["choice"] == "A"
    assert document["answer"]["proven"] is True
    folder = Path(document.pop("folder"))
    assert folder.is_relative_to(indexed.data_dir / "evidence" / content_id(signs))
    assert done.stderr == ""
    assert episode_in(folder).answer.choice == "A"


def test_quiet_shows_the_answer_alone(indexed):
    """With --quiet nothing is told of the search; the question may also name an id's start."""
    done = indexed.run("ask", "signs", *GATE, "--quiet")
    assert done.stderr == ""
    assert "(A) 4127" in done.stdout


def test_frames_are_saved_without_a_cache(indexed, tmp_path):
    """Where the cache keeps nothing the frames are decoded again, to the same bytes."""
    done = indexed.run(
        "ask", "signs", *GATE, "--out", tmp_path / "proof", env={"VIDEOSEAL_FRAME_CACHE_MB": "0"}
    )
    assert done.exit_code == 0
    assert_frames_are_those_shown(tmp_path / "proof", episode_in(tmp_path / "proof"))


def test_old_frames_do_not_stay_in_a_reused_folder(indexed, tmp_path):
    """A second answer into the same folder leaves no frame of the first one there."""
    stale = tmp_path / "proof" / "frames" / "00-00-23.000.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    indexed.run("ask", "signs", *GATE, "--out", tmp_path / "proof")
    assert not stale.exists()


def test_answer_survives_a_vanished_file(empty, signs, tmp_path):
    """A video that goes away after the last look costs pictures in the folder, not the answer."""
    copy = Path(shutil.copy(signs, tmp_path / "copy.mp4"))
    assert empty.run("index", copy, "--no-ocr").exit_code == 0
    from videoseal.api import Client
    from videoseal.cli.ask import ask_once
    from videoseal.models.types import Question

    with Client(empty.settings(frame_cache_mb=0)) as client:
        answer, first = ask_once(client, client.video("copy").id, Question(text="What is it?"))
        assert first.frames
        copy.unlink()
        second = client.save(answer, tmp_path / "later")
    assert second.missing == len(first.frames)
    assert second.answer.exists()


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_answer_survives_a_full_disk(indexed, tmp_path, monkeypatch, flag):
    """Evidence that cannot be written costs exit code 6, and the answer is still given."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    done = indexed.run("ask", "signs", *GATE, "--quiet", "--out", tmp_path / "proof", *flag)
    assert done.exit_code == 6
    assert "error: the disk is full" in done.stderr
    if flag:
        assert json.loads(done.stdout)["answer"]["choice"] == "A"
    else:
        assert "answer    (A) 4127" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["signs", ""], 2, "error: the question is empty"),
        (["signs", "what?", "-o", "a", "-o", " "], 2, "error: options must differ"),
        (["signs", "what?", "-o", "a", "-o", "a"], 2, "error: options must differ"),
        (["signs", "x" * 8001], 2, "error: the question: String should have at most 8000"),
        (["signs", "what?", *(f"-o{n}" for n in range(27))], 2, "error: options: List should"),
        (["signs", "what?", "--max-frames", "0"], 2, "error: Invalid value for '--max-frames'"),
        (["signs", "what?", "--max-steps", "201"], 2, "Invalid value for '--max-steps'"),
        (["signs", "what?", "--mode", "magic"], 2, "error: Invalid value for '--mode'"),
        (["signs"], 2, "error: Missing argument 'QUESTION'"),
        (["signs", "what?", "--data-dir", "x"], 2, "hint: --data-dir goes before the command"),
        (["nothing", "what?"], 3, "error: "),
        (["v0", "what?"], 3, "error: "),
    ],
)
def test_bad_requests_are_one_line(indexed, arguments, code, message):
    """A request that makes no sense says why in one line, with its exit code and no traceback."""
    done = indexed.run("ask", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) <= 2


def test_file_that_is_not_indexed_says_how(indexed, tmp_path):
    """Asking about a file that the index does not know names the command that indexes it."""
    (tmp_path / "new film.mp4").write_bytes(b"another content")
    done = indexed.run("ask", "new film.mp4", "what?")
    assert done.exit_code == 3
    assert "hint: run: videoseal index 'new film.mp4'" in done.stderr


def test_half_indexed_video_says_how(empty, signs):
    """A video whose indexing was cut short is not asked, and the command to finish is named."""
    from videoseal.core.video import probe

    with empty.store() as store:
        store.add_video("v0123456789abcdef", probe(signs), title="half", fingerprint="x")
    done = empty.run("ask", "half", "what?")
    assert done.exit_code == 3
    assert f"hint: run: videoseal index {signs}" in done.stderr


class _Refusing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(401)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The base URL of an endpoint that refuses every key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_wrong_key_is_a_failure_not_an_answer(indexed, refusing, tmp_path):
    """A refused key ends with exit code 4, one line that names the role, and a record of it."""
    env = {"VIDEOSEAL_PLANNER_BASE_URL": refusing, "VIDEOSEAL_PLANNER_MODEL": "m"}
    done = indexed.run("ask", "signs", *GATE, "--out", tmp_path / "proof", env=env)
    assert done.exit_code == 4
    assert "error: the planner at" in done.stderr
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
    error = episode_in(tmp_path / "proof").error
    assert error is not None
    assert error.type == "ModelAuthError"
