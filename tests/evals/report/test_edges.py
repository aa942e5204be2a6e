"""Reports of runs that are empty, broken, or hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evals.made import evidence, item, proven, record
from tests.evals.report.made_runs import SYSTEMS, make_items, make_run
from tests.evals.report.parsed import Parsed, parse
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.report.write import ReportFiles, write_report
from videoseal.evals.scoring.systems import NoSuchRun
from videoseal.models.types import Observation, Question

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]><!-- --!><svg/onload=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "\"'`><b>|\n| # [x](javascript:alert(1))",
    "\u202egnirts \u2028\u2029 \x00\x1b[31m",
)


def _run(folder: Path, *records: SampleRecord) -> Path:
    folder.mkdir()
    text = "".join(entry.model_dump_json() + "\n" for entry in records)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")
    return folder


def _report(folder: Path, *records: SampleRecord) -> Parsed:
    return parse(write_report([_run(folder / "run", *records)], folder / "out").html)


def test_run_without_samples_has_a_report(tmp_path: Path) -> None:
    """An empty folder is no error: the page says that nothing is recorded."""
    page = _report(tmp_path)
    assert "No sample is recorded yet" in page.text
    assert page.rows() == []


def test_run_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A wrong name is told as one."""
    with pytest.raises(NoSuchRun, match="nowhere"):
        write_report([tmp_path / "nowhere"], tmp_path / "out")


def test_damaged_line_is_named(tmp_path: Path) -> None:
    """The error says which line of which file, and which field."""
    run = _run(tmp_path / "run", record())
    path = run / "samples.jsonl"
    path.write_text(path.read_text() + '{"version": 1}\n')
    with pytest.raises(AnnotationError, match=r"samples\.jsonl:2: item"):
        write_report([run], tmp_path / "out")


def test_reversed_span_is_named(tmp_path: Path) -> None:
    """A span that is none is a damaged record too."""
    broken = record().model_dump(mode="json")
    broken["episode"]["evidence"][0]["spans"] = [[9.0, 3.0]]
    run = _run(tmp_path / "run", SampleRecord.model_validate(broken))
    with pytest.raises(AnnotationError, match=r"samples\.jsonl:1: .*spans\.0: span ends"):
        write_report([run], tmp_path / "out")


def test_run_of_nothing_but_errors_has_a_report(tmp_path: Path) -> None:
    """Errors are counted and listed with their messages, missing videos apart."""
    lost = SampleError(type="MissingVideo", message="no file named v1")
    down = SampleError(type="ModelUnavailable", message="503", traceback="line 1")
    page = _report(tmp_path, record(item("a"), error=lost), record(item("b"), error=down))
    shown = page.table("headline")["decoupled"]
    assert shown["errored|no video"] == "2|1"
    assert shown["accuracy|strict"].startswith("0.0|")
    assert [d["error"]["message"] for d in page.documents()] == ["no file named v1", "503"]


def test_one_sample_has_a_report(tmp_path: Path) -> None:
    """One question about one video has a score and no interval."""
    page = _report(tmp_path, record(answer=proven()))
    assert page.table("headline")["decoupled"]["accuracy|strict"] == "100.0|\u2013"


@pytest.mark.parametrize("text", [None, "not json", "[1]", '{"spec": 3, "models": [1]}'])
def test_manifest_may_be_missing_or_broken(tmp_path: Path, text: str | None) -> None:
    """The page is written without what it would have said."""
    run = make_run(tmp_path / "run", SYSTEMS[:1], make_items(3, 2))
    (run / "manifest.json").unlink()
    if text is not None:
        (run / "manifest.json").write_text(text)
    page = parse(write_report([run], tmp_path / "out").html)
    assert "No manifest was found" in page.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(files: ReportFiles, tmp_path: Path, text: str) -> None:
    """Whatever a video or a model says is escaped everywhere and comes back as it was."""
    asked = item(
        f"q{text}", question=Question(text=text, options=[text, f"{text}b"]), video=text,
        categories=[text], group=text, answer="A",
    )  # fmt: skip
    seen = evidence().model_copy(update={"observations": [Observation(time=101.0, text=text)]})
    told = record(asked, proven(reason=text), [seen], mode=text)
    assert told.episode is not None
    told.episode["steps"] = [
        {"number": 1, "said": text, "tool": text, "args": {text: text}, "result": {"hits": text}}
    ]
    page = _report(tmp_path, told, record(asked, error=SampleError(type=text, message=text)))
    fine = parse(files.html)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in fine.elements}
    assert len(page.scripts) == len(fine.scripts)
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    assert page.rows()[0]["question"] == text
    failed, document = page.documents()
    assert document["question"] == text
    assert document["inspections"][0]["observations"][0]["text"] == text
    assert json.loads(document["steps"][0]["args"]) == {text: text}
    assert failed["error"]["message"] == text


def test_hostile_manifest_stays_text(tmp_path: Path) -> None:
    """What a manifest says is data as well."""
    run = _run(tmp_path / "run", record())
    models = {"planner": HOSTILE[0], HOSTILE[1]: "x"}
    (run / "manifest.json").write_text(json.dumps({"models": models}))
    page = parse(write_report([run], tmp_path / "out", title=HOSTILE[0]).html)
    assert len(page.scripts) == 3
    assert not any(tag == "img" for tag, _ in page.elements)


def test_hostile_text_does_not_break_the_markdown(tmp_path: Path) -> None:
    """A name with bars, marks and line ends stays in its field."""
    run = _run(tmp_path / "run", record(mode="a|b\n<script># [x](y)"))
    text = write_report([run], tmp_path / "out").markdown.read_text("utf-8")
    line = next(line for line in text.splitlines() if "script" in line and line.startswith("| a"))
    assert line.startswith(r"| a\|b \<script\>\# \[x\](y) | 1 |")
