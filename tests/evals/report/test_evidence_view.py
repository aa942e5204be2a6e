"""One sample as a document: what was looked at, shown, cited and said."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.evals.made import evidence, item, proven, record
from tests.evals.report.parsed import parse
from videoseal.evals.records import RecordFile, SampleError
from videoseal.evals.report.evidence_view import evidence_document
from videoseal.evals.report.listing import THUMBNAIL_SIDE, Thumbnails
from videoseal.evals.report.write import write_report
from videoseal.evals.scoring.systems import RECORDS
from videoseal.models.types import Question


def test_document_is_plain_json() -> None:
    """It survives being written and read, so that a server can send it."""
    document = evidence_document(record(answer=proven()))
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_options_know_which_is_gold_and_which_was_chosen() -> None:
    """The view marks them without knowing any rule."""
    document = evidence_document(record(answer=proven("C")))
    assert [(o["letter"], o["gold"], o["chosen"]) for o in document["options"]] == [
        ("A", False, False), ("B", True, False), ("C", False, True), ("D", False, False),
    ]  # fmt: skip
    assert (document["right"], document["grounded"]) == (False, True)


def test_timeline_holds_every_kind_of_span() -> None:
    """Gold, retrieved, inspected and cited; what no search could have found is left out."""
    told = record(answer=proven())
    assert told.episode is not None
    hits = [{"span": "00:01:00-00:01:16"}, {"span": "nonsense"}, {"no": "span"}, "text"]
    told.episode["steps"] = [
        {"number": 1, "tool": "visual_retrieve", "result": {"hits": hits}},
        {"number": 2, "tool": "visual_retrieve", "result": {"hits": "none"}},
    ]
    assert evidence_document(told)["timeline"] == {
        "duration": 600.0, "gold": [[100.0, 103.0]], "retrieved": [[60.0, 76.0, 1]],
        "inspected": [[98.0, 106.0, "e1"]], "cited": [[98.0, 106.0]],
    }  # fmt: skip


def test_frames_know_where_they_lie() -> None:
    """Each says whether it was cited and whether it is in a gold span."""
    ledger = [evidence(times=(99.0, 101.0)), evidence(2, times=(102.0,))]
    document = evidence_document(record(answer=proven(ledger=ledger[:1]), ledger=ledger))
    assert [(f["time"], f["cited"], f["gold"]) for f in document["frames"]] == [
        (99.0, True, False), (101.0, True, True), (102.0, False, True),
    ]  # fmt: skip


def test_pictures_go_to_cited_frames_first() -> None:
    """Then to those in a gold span, then evenly to the others."""
    ledger = [
        evidence(1, tuple(200.0 + n for n in range(10))), evidence(2, (101.0, 102.0)),
        evidence(3, (300.0,)),
    ]  # fmt: skip
    told = record(answer=proven(ledger=ledger[2:]), ledger=ledger)
    for most, expected in ((1, {300.0}), (3, {300.0, 101.0, 102.0}), (5, {202.0, 207.0})):
        document = evidence_document(told, lambda _, ref: ref, most_pictures=most)
        pictured = {frame["time"] for frame in document["frames"] if frame.get("picture")}
        assert len(pictured) == most
        assert expected <= pictured


def test_failed_sample_has_its_error_and_no_answer() -> None:
    """The end of a long traceback is kept, for that is where the reason stands."""
    failed = record(error=SampleError(type="X", message="m", traceback="a" * 9000 + "the reason"))
    document = evidence_document(failed)
    assert document["answer"] is None
    assert document["error"]["traceback"].endswith("the reason")
    assert len(document["error"]["traceback"]) < 5000


def test_long_texts_are_cut_and_say_so() -> None:
    """A page does not grow with what a model chose to write."""
    document = evidence_document(record(answer=proven(reason="x" * 100_000)))
    assert document["answer"]["reason"].endswith("[96,000 characters left out]")


def test_unknown_length_of_the_video_is_taken_from_the_spans() -> None:
    """The timeline has an end even where the record has none."""
    told = record().model_copy(update={"duration": 0.0})
    assert evidence_document(told)["timeline"]["duration"] == 106.0


def test_thumbnails_are_small_jpegs_from_the_cache(small_run: Path, frames: Path) -> None:
    """A frame that was shown comes back as a picture no larger than a thumbnail."""
    told = next(r for r in list(RecordFile(small_run / RECORDS).read()) if r.episode)
    document = evidence_document(told, Thumbnails(frames, 1 << 20).picture, most_pictures=3)
    (uri, *others) = [f["picture"] for f in document["frames"] if f.get("picture")]
    assert len(others) == 2
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert (picture.format, max(picture.size)) == ("JPEG", THUMBNAIL_SIDE)


@pytest.mark.parametrize(
    ("video_id", "ref"),
    [("../../etc", "1000000-640-80"), ("v0000000000000000", "../../../x"), ("", ""),
     ("v0000000000000000", "999999999-640-80")],
)  # fmt: skip
def test_names_that_are_no_frames_have_no_picture(frames: Path, video_id: str, ref: str) -> None:
    """A record cannot make the report read any other file."""
    thumbnails = Thumbnails(frames, 1 << 20)
    assert thumbnails.picture(video_id, ref) is None
    assert thumbnails.missing == 1


def test_damaged_picture_is_left_out(tmp_path: Path) -> None:
    """A file that only begins and ends like a JPEG is no picture."""
    folder = tmp_path / "v0000000000000001" / "640-80"
    folder.mkdir(parents=True)
    (folder / "1000000.jpg").write_bytes(b"\xff\xd8 nothing \xff\xd9")
    assert Thumbnails(tmp_path, 1 << 20).picture("v0000000000000001", "1000000-640-80") is None


def test_page_stays_within_its_budget(small_run: Path, frames: Path, tmp_path: Path) -> None:
    """When the room for pictures is spent the rest is left out, and the page says how many."""
    full = write_report([small_run], tmp_path / "full", frames=frames)
    tight = write_report([small_run], tmp_path / "tight", frames=frames, page_bytes=1000)
    assert '"picture"' in json.dumps(parse(full.html).documents())
    assert "pictures were left out to keep the page small" in parse(tight.html).text
    assert tight.html.stat().st_size < full.html.stat().st_size


def test_free_text_has_its_reference() -> None:
    """A question without options shows what a judge would compare with."""
    prose = item(question=Question(text="Describe it."), answer="A dog runs.", evidence=[])
    document = evidence_document(record(prose, proven()))
    assert (document["options"], document["gold"], document["right"]) == ([], "A dog runs.", None)
