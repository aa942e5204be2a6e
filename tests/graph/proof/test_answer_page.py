"""The page of an answer: all of it is there, as text, in one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from videoseal.core.errors import InvalidRecord
from videoseal.graph.answers import Answer, abstain, guess, prove
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode, Step, Timings
from videoseal.graph.ledger import Evidence, ShownFrame
from videoseal.graph.proof.answer_page import answer_page
from videoseal.graph.proof.evidence_folder import write_page
from videoseal.graph.state import Failure
from videoseal.models.types import AnswerDraft, Observation, Question, SpokenLine

HOSTILE = "<img src=x onerror=alert(1)></style></title><script>alert(2)</script>{{ 7 * 7 }}"
HOURS = 12 * 3600.0
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def jpeg(shade: int) -> bytes:
    """A picture."""
    out = io.BytesIO()
    Image.new("RGB", (320, 180), (shade, 80, 80)).save(out, "JPEG")
    return out.getvalue()


PICTURES = {hashlib.sha256(data).hexdigest(): data for data in map(jpeg, range(0, 240, 60))}


def entry(number: int, *, heard: bool = False, text: str = "a red door") -> Evidence:
    """An inspection of four frames, at another place for each number."""
    at = 100.0 * number
    shown = [
        ShownFrame(time=at + place, sha256=name, ref="r") for place, name in enumerate(PICTURES)
    ]
    line = SpokenLine(start=at + 1, end=at + 3, text=text, source="talk.srt")
    seen = Observation(time=at + 1, text=text, line=1 if heard else None)
    return Evidence(
        id=f"e{number}", spans=[(at, at + 5)], frames=shown, sufficient=True, answer=text,
        choice="B", observations=[seen], lines=[line] if heard else [],
    )  # fmt: skip


def episode(answer: Answer, ledger: list[Evidence], **more: Any) -> Episode:
    """A run that came to that answer."""
    found = {"hits": [{"span": "00:01:40-00:01:45", "text": "a door", "kind": "ocr"}]}
    given: dict[str, Any] = {
        "question": Question(text="What colour is it?", options=["blue", "red"]),
        "video_id": "v0", "title": "Film", "duration": 3600.0, "context": Context(),
        "answer": answer, "evidence": ledger, "timings": Timings(total=3, models=2, tools=1),
        "steps": [Step(number=1, tool="visual_retrieve", args={"query": "door"}, result=found),
                  Step(number=2, tool="visual_inspect", args={"spans": ["100-105"]},
                       result={"shown": 4, "sufficient": True})],
    }  # fmt: skip
    return Episode(**{**given, **more})


def proven(*ledger: Evidence) -> Answer:
    """The answer that all of the entries carry."""
    question = Question(text="q", options=["blue", "red"])
    cites = [one.id for one in ledger]
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=cites, why="they say so")
    return prove(draft, question, ledger, "answerer")


FORCED = guess(AnswerDraft(supported=False, answer="red", choice="B"),
               Question(text="q", options=["blue", "red"]), [], "answerer")  # fmt: skip
MANY = [entry(number) for number in range(1, 201)]
HOSTILE_STEPS = [
    Step(number=1, tool="visual_retrieve", args={"query": HOSTILE},
         result={"hits": [{"span": HOSTILE, "text": HOSTILE}]}),
    Step(number=2, tool=HOSTILE, result={"error": HOSTILE, "message": HOSTILE}),
]  # fmt: skip
STATES: dict[str, tuple[Episode, str]] = {
    "proven": (episode(proven(entry(1)), [entry(1)]), "Proven: it rests on what was shown"),
    "heard": (episode(proven(entry(1, heard=True)), [entry(1, heard=True)]),
              "said at 00:01:41.0, talk.srt"),
    "abstained": (episode(abstain("steps", "the steps were spent"), [entry(1)]),
                  "No answer: the steps were spent"),
    "nothing looked at": (episode(abstain("gave_up", "nothing"), [], steps=[]), "No answer"),
    "forced": (episode(FORCED, []), "Not proven: a guess that was asked for"),
    "failed": (episode(abstain("error", "x"), [],
                       error=Failure(type="ModelError", message="the server is away")),
               "Failed: the server is away"),
    "open question": (episode(proven(entry(1)), [entry(1)], question=Question(text="Why?")),
                      "Why?"),
    "twelve hours": (episode(proven(entry(1)), [entry(1)], duration=HOURS), "12:00:00"),
    "older record": (episode(proven(entry(1)), [entry(1)], duration=0.0, title=""), "00:01:45"),
    "two hundred citations": (episode(proven(*MANY), MANY), "e200"),
    "hostile": (
        episode(
            proven(entry(1, text=HOSTILE), entry(2, heard=True, text=HOSTILE)),
            [entry(1, text=HOSTILE), entry(2, heard=True, text=HOSTILE)],
            question=Question(text=HOSTILE, options=[HOSTILE, "b"]), title=HOSTILE,
            steps=HOSTILE_STEPS, models={HOSTILE: HOSTILE},
        ),
        "{{ 7 * 7 }}",
    ),
}  # fmt: skip


class Outline(HTMLParser):
    """The elements of a page, and whatever in it asks for something outside."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.outside.append(name)
            loads = name in ("src", "href", "srcset", "action", "poster")
            if loads and not (value or "").startswith("data:"):
                self.outside.append(f"{name}={value}")


@pytest.mark.parametrize("state", STATES)
def test_a_page_says_what_came_out(state: str) -> None:
    """Each outcome in its words; no script, nothing loaded, no element that a text brought."""
    run, words = STATES[state]
    page = answer_page(run, PICTURES)
    outline = Outline()
    outline.feed(page)
    assert words in page
    assert outline.outside == []
    assert not {"script", "iframe", "object", "link", "base", "form"} & outline.tags
    assert "default-src 'none'" in page
    assert len(page) < 3_000_000


def test_the_pictures_of_the_proof_are_inside() -> None:
    """Cited frames in their own bytes, all others small, those that are gone by their times."""
    run, _ = STATES["proven"]
    (cited,) = run.answer.citations[0].frames
    page = answer_page(run, PICTURES)
    images = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    held = [base64.b64decode(data) for data in images]
    assert held[0] == PICTURES[cited.sha256]
    assert len(held) == 1 + 4
    without = answer_page(run, {})
    assert "data:image" not in without
    assert without.count("not saved") == 5
    assert "00:01:41.0" in without


def test_marks_lie_where_things_are() -> None:
    """In percent of the video, never outside of it."""
    for run, _ in STATES.values():
        page = answer_page(run, {})
        for left, width in re.findall(r'<i style="left:([\d.]+)%;width:([\d.]+)%"', page):
            assert 0 <= float(left) <= 100
            assert float(left) + float(width) <= 100.01
    page = answer_page(STATES["proven"][0], {})
    first = re.search(r'class="track cited".*?<i style="left:([\d.]+)%', page, re.DOTALL)
    assert first is not None
    assert float(first[1]) == pytest.approx(100 * 101 / 3600, abs=0.01)


def test_a_page_is_written_beside_its_record(tmp_path: Path) -> None:
    """From the folder alone, with its pictures and clips; what is no record is refused."""
    run, _ = STATES["proven"]
    (tmp_path / "answer.json").write_text(run.model_dump_json(), encoding="utf-8")
    (tmp_path / "frames").mkdir()
    for name, data in PICTURES.items():
        (tmp_path / "frames" / f"{name[:8]}.jpg").write_bytes(data)
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "e1_00-01-40.000.mp4").write_bytes(b"mp4")
    assert write_page(tmp_path) == tmp_path / "answer.html"
    page = (tmp_path / "answer.html").read_text("utf-8")
    assert 'src="data:video/mp4;base64,bXA0"' in page
    assert page.count("data:image/jpeg") == 5
    other = write_page(tmp_path / "answer.json", tmp_path / "other.html")
    assert other.read_text("utf-8") == page
    (tmp_path / "answer.json").write_text("{}")
    with pytest.raises(InvalidRecord, match="no record of an answer"):
        write_page(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window(width: int, tmp_path: Path) -> None:
    """On a phone and on a desk, also with long words and two hundred citations."""
    frames = []
    for number, (run, _) in enumerate(STATES.values()):
        file = tmp_path / f"{number}.html"
        long = run.model_copy(update={"title": "x" * 300})
        # The outer page measures; the page itself runs no script.
        page = answer_page(long, PICTURES).replace("default-src 'none'; ", "")
        file.write_text(page.replace("</body>", MEASURE), encoding="utf-8")
        done = subprocess.run(
            [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
             f"--window-size={width},900", "--hide-scrollbars", "--dump-dom", file.as_uri()],
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        found = re.search(r'data-wide="(\d+)/(\d+)"', done.stdout)
        assert found is not None
        frames.append((int(found[1]), int(found[2])))
    assert all(content <= window for content, window in frames), frames


MEASURE = """<script>
const page = document.documentElement;
page.dataset.wide = `${page.scrollWidth}/${page.clientWidth}`;
</script></body>"""
