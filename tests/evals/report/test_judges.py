"""What a report says of judged runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.evals.made import FakeJudge
from tests.evals.report.made_runs import SYSTEMS, make_items, make_run
from tests.evals.report.parsed import parse
from videoseal.evals.judging.judge_run import Wanted, judge_run
from videoseal.evals.report.markdown import comparison_markdown
from videoseal.evals.report.numbers import percent
from videoseal.evals.report.write import ReportFiles, write_report
from videoseal.evals.scoring.compare import compare
from videoseal.evals.scoring.systems import read_systems
from videoseal.evals.verdicts import read_verdicts

JUDGES = ("lenient", "strict")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four systems on which two judges have ruled."""
    run = make_run(tmp_path_factory.mktemp("judged") / "run", SYSTEMS, make_items(24, 4))
    asyncio.run(
        judge_run(
            run, [FakeJudge("lenient"), FakeJudge("strict", strict=True)], Wanted(), lambda _: None
        )
    )
    return run


@pytest.fixture(scope="module")
def files(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """Its report."""
    return write_report([judged], tmp_path_factory.mktemp("report"))


def test_headline_and_all_numbers_have_the_judged_rates(files: ReportFiles, judged: Path) -> None:
    """H_s stands in the headline with its count, G_s and H_s among all numbers with their n."""
    page = parse(files.html)
    headline, numbers = page.table("headline"), page.table("numbers")
    for cell in read_systems([judged]):
        found = cell.scores
        wrong = round(found["H_s"].mean * found["H_s"].n)
        shown = headline[cell.key.mode]["right but unsupported (H_s)|of judged"]
        assert shown == f"{percent(found['H_s'].mean)}|{wrong} of {found['H_s'].n}"
        assert numbers["G_s"][cell.key.mode].endswith(f"n = {found['G_s'].n}")


def test_each_judge_and_their_agreement_stand_in_the_markdown(
    files: ReportFiles, judged: Path
) -> None:
    """A heading a judge, and one line for the pair."""
    text = files.markdown.read_text("utf-8")
    assert "## Does the evidence carry the answer?" in text
    first = read_systems([judged])[0]
    each = first.judges
    assert tuple(each) == JUDGES
    for name in JUDGES:
        part = text.partition(f"**{name}**")[2]
        assert f"n = {each[name].grounded.n}" in part.splitlines()[1]
    line = next(line for line in text.splitlines() if line.startswith("| lenient and strict"))
    assert len(line.split("|")) == 10


def test_samples_show_their_verdicts_and_runs_their_judges(
    files: ReportFiles, judged: Path
) -> None:
    """Every document names what each judge said; the run's facts name the judges."""
    page = parse(files.html)
    verdicts = read_verdicts(judged)
    for document in page.documents():
        key = (document["uid"], document["mode"], document["variant"])
        assert document["judges"] == verdicts.get(key, {})
    assert "seen: what was observed in shown frames" in files.html.read_text("utf-8")


def test_comparison_tells_judged_rates_only_where_there_are_any(
    judged: Path, tmp_path: Path
) -> None:
    """Both systems' H_s with the difference; no empty line for a run that nobody judged."""
    first, second, *_ = read_systems([judged])
    table = comparison_markdown(compare(first, second))
    assert "\n| H\\_s |" in table
    plain = make_run(tmp_path / "plain", SYSTEMS, make_items(24, 4))
    first, second, *_ = read_systems([plain])
    assert "H\\_s" not in comparison_markdown(compare(first, second))
    unjudged = write_report([plain], tmp_path / "out").markdown.read_text("utf-8")
    assert "carry the answer" not in unjudged
    assert "unsupported" not in unjudged
