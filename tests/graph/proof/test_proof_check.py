"""Checking a saved answer again, as someone who did not make it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.media import Clip
from videoseal.core.errors import InvalidRecord
from videoseal.core.frames import VideoReader
from videoseal.core.video import content_id
from videoseal.graph.answers import prove, sealed_answer
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode, Timings
from videoseal.graph.ledger import Evidence, ShownFrame, sealed
from videoseal.graph.proof.proof_check import check_proof, read_record
from videoseal.graph.seal import about
from videoseal.models.types import AnswerDraft, Observation, Question

KEY = b"of this index"
QUESTION = Question(text="Which door?", options=["blue", "red"])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video whose frames differ."""
    return Clip().write(tmp_path_factory.mktemp("film") / "doors.mp4")


@pytest.fixture
def folder(film: Path, tmp_path: Path) -> Path:
    """The evidence folder of a proven answer about the film."""
    with VideoReader(film) as reader:
        picture = next(iter(reader.frames_at([1.0])))
    time, jpeg = round(picture.time, 6), picture.jpeg(1280, 85)
    shown = ShownFrame(
        time=time, sha256=hashlib.sha256(jpeg).hexdigest(), ref=f"{round(time * 1e6)}-1280-85"
    )
    video_id = content_id(film)
    topic = about(QUESTION, video_id)
    entry = Evidence(
        id="e1", spans=[(0.0, 2.0)], frames=[shown], sufficient=True, answer="red", choice="B",
        observations=[Observation(time=time, text="a red door")],
    )  # fmt: skip
    entry = Evidence.model_validate(sealed(entry, KEY, topic))
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=["e1"])
    answer = prove(draft, QUESTION, [entry], "inspector")
    episode = Episode(
        question=QUESTION, video_id=video_id, context=Context(), evidence=[entry],
        answer=sealed_answer(answer, KEY, topic), timings=Timings(total=1, models=0, tools=0),
    )  # fmt: skip
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "00-00-01.000.jpg").write_bytes(jpeg)
    (tmp_path / "answer.json").write_text(episode.model_dump_json(), encoding="utf-8")
    return tmp_path


def states(folder: Path, video: Path | None, key: bytes | None = None) -> dict[str, str]:
    """What each check came to."""
    episode, pictures = read_record(folder)
    return {each.name: each.state for each in check_proof(episode, pictures, video, key)}


def changed(folder: Path, change: Any) -> None:
    """Change the record."""
    file = folder / "answer.json"
    record = json.loads(file.read_text("utf-8"))
    change(record)
    file.write_text(json.dumps(record), encoding="utf-8")


def test_a_true_record_holds(folder: Path, film: Path) -> None:
    """With the video its frame is found to the byte, with the key its seals hold too."""
    assert states(folder, film) == {"proof": "ok", "seals": "warn", "frames": "ok"}
    assert states(folder, film, KEY) == {"proof": "ok", "seals": "ok", "frames": "ok"}
    assert states(folder / "answer.json", film)["frames"] == "ok"
    assert states(folder, None)["frames"] == "warn"


def test_another_key_made_other_seals(folder: Path, film: Path) -> None:
    """The record of another index is not this one's."""
    assert states(folder, film, b"another")["seals"] == "fail"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("seals", lambda r: r["answer"].update(text="blue", choice="A")),
        ("seals", lambda r: r["evidence"][0].update(answer="blue")),
        ("seals", lambda r: r["question"].update(text="Which window?")),
        ("proof", lambda r: r["evidence"][0].update(id="e2")),
        ("proof", lambda r: r["evidence"][0].update(observations=[])),
    ],
)
def test_a_changed_record_is_found_out(folder: Path, film: Path, name: str, change: Any) -> None:
    """Whatever is changed of the answer, its evidence or its question."""
    changed(folder, change)
    assert states(folder, film, KEY)[name] == "fail"


def test_another_picture_is_found_out(folder: Path, film: Path) -> None:
    """A frame that was never in the video at that time fails, also without a key."""
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 0, 0)).save(jpeg, "JPEG")
    fake = hashlib.sha256(jpeg.getvalue()).hexdigest()
    (folder / "frames" / "00-00-01.000.jpg").write_bytes(jpeg.getvalue())

    def cite(record: dict[str, Any]) -> None:
        record["answer"]["citations"][0]["frames"][0]["sha256"] = fake
        record["evidence"][0]["frames"][0]["sha256"] = fake

    changed(folder, cite)
    assert states(folder, film) == {"proof": "ok", "seals": "warn", "frames": "fail"}


def test_a_frame_compressed_otherwise_is_alike(folder: Path, film: Path) -> None:
    """Another version of a codec gives other bytes of the same picture."""
    (path,) = (folder / "frames").iterdir()
    again = io.BytesIO()
    Image.open(path).save(again, "JPEG", quality=70)
    path.write_bytes(again.getvalue())
    other = hashlib.sha256(again.getvalue()).hexdigest()

    def cite(record: dict[str, Any]) -> None:
        record["answer"]["citations"][0]["frames"][0]["sha256"] = other
        record["evidence"][0]["frames"][0]["sha256"] = other

    changed(folder, cite)
    episode, pictures = read_record(folder)
    frames = check_proof(episode, pictures, film)[-1]
    assert (frames.state, "1 alike" in frames.text) == ("ok", True)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "\x00", '{"question": 3}'])
def test_what_is_no_record_is_one_line(tmp_path: Path, text: str) -> None:
    """Rubbish is refused with the file's name."""
    file = tmp_path / "answer.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRecord, match="no record"):
        read_record(tmp_path)
