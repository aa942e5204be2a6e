"""Scores on the terminal: money where prices are known, comparisons that programs can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.evals.made import item, proven, record
from videoseal.evals.item import Item
from videoseal.evals.records import RecordFile
from videoseal.evals.verdicts import Judgement, JudgementFile
from videoseal.graph.answers import Answer
from videoseal.models.types import Question


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A data folder with a run of two systems on four questions; no database."""
    with RecordFile(tmp_path / "data" / "runs" / "first" / "samples.jsonl") as file:
        for number in range(4):
            asked = item(f"q{number}", video=f"v{number}")
            for mode, right in (("decoupled", True), ("blind", number == 0)):
                made = record(asked, proven("B" if right else "A"), mode=mode)
                usage = {"calls": 1, "prompt_tokens": 2000, "completion_tokens": 100}
                assert made.episode is not None
                made.episode["usage"] = {"planner": usage, "total": usage}
                made.episode["models"] = {"planner": "org/model=7"}
                file.append(made)
    return Place(tmp_path / "data", "postgresql://127.0.0.1:1/none")


def test_prices_turn_tokens_into_money(place: Place) -> None:
    """2,000 tokens at 3 and 100 at 15 dollars a million are 0.75 cents, four times."""
    told = place.run("eval", "score", "first", "--price", "org/model=7=3,15")
    assert told.exit_code == 0, told.stderr
    assert "decoupled: $0.0075 a question, $0.03 in all" in told.stdout
    system = json.loads(
        place.run("eval", "score", "first", "--price", "org/model=7=3,15", "--json").stdout
    )[0]
    assert system["spending"]["money"] == {"mean": 0.0075, "total": 0.03}
    other = place.run("eval", "score", "first", "--price", "other=3,15")
    assert "money unknown" in other.stdout
    assert "$" not in place.run("eval", "score", "first").stdout


def test_seen_and_unseen_words_are_scored_apart(place: Place) -> None:
    """Generated questions have rates by wording, in table, JSON and report; others have none."""
    assert "wordings" not in json.loads(place.run("eval", "score", "first", "--json").stdout)[0]
    with RecordFile(place.data_dir / "runs" / "worded" / "samples.jsonl") as file:
        for number in range(4):
            group = f"{'unseen' if number == 0 else 'seen'} wording"
            asked = item(f"q{number}", group=group)
            file.append(record(asked, proven("A" if number == 0 else "B")))
    shown = place.run("eval", "score", "worded").stdout
    assert "unseen wording" in shown
    (system,) = json.loads(place.run("eval", "score", "worded", "--json").stdout)
    rates = {name: found["accuracy"]["mean"] for name, found in system["wordings"].items()}
    assert rates == {"seen wording": 1.0, "unseen wording": 0.0}
    assert place.run("eval", "report", "worded").exit_code == 0
    page = (place.data_dir / "runs" / "worded" / "report.md").read_text("utf-8")
    assert "By wording" in page


def test_report_tells_money(place: Place) -> None:
    """The page has a column of money only where prices were given."""
    page = place.data_dir / "runs" / "first" / "report.md"
    assert place.run("eval", "report", "first").exit_code == 0
    without = page.read_text("utf-8")
    assert place.run("eval", "report", "first", "--price", "org/model=7=3,15").exit_code == 0
    assert "money" in page.read_text("utf-8").lower()
    assert page.read_text("utf-8") != without


@pytest.mark.parametrize("price", ["m", "m=1", "m=1,2,3", "m=a,b", "m=-1,2", "=1,2", "m=nan,1"])
def test_malformed_price_is_wrong_usage(place: Place, price: str) -> None:
    """What is no price is refused with an example, before anything is read."""
    told = place.run("eval", "score", "first", "--price", price)
    assert told.exit_code == 2
    assert "MODEL=IN,OUT" in told.stderr


def test_comparison_as_json_has_every_number_by_name(place: Place) -> None:
    """Programs read differences with intervals and McNemar's counts without parsing a table."""
    told = place.run("eval", "compare", "first:decoupled", "first:blind", "--json")
    assert told.exit_code == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["first"], found["second"], found["shared"]) == ("decoupled", "blind", 4)
    accuracy = next(rate for rate in found["rates"] if rate["name"] == "accuracy")
    assert (accuracy["first"], accuracy["second"]) == (1.0, 0.25)
    assert accuracy["difference"]["mean"] == 0.75
    assert {"mean", "low", "high"} <= set(accuracy["difference"])
    assert isinstance(found["test"], dict)


def test_runs_without_a_common_question_cannot_be_compared(place: Place) -> None:
    """A table of dashes would look like a result."""
    with RecordFile(place.data_dir / "runs" / "other" / "samples.jsonl") as file:
        file.append(record(item("elsewhere"), proven("B")))
    told = place.run("eval", "compare", "first:decoupled", "other")
    assert told.exit_code == 2
    assert "not asked a single question in common" in told.stderr


def test_export_writes_a_log_for_inspect(place: Place, tmp_path: Path) -> None:
    """The same records as a submission cannot show, in the form that Inspect's viewer reads."""
    out = tmp_path / "log.json"
    told = place.run("eval", "export", "first", "--format", "inspect", "--out", out)
    assert told.exit_code == 0, told.stderr
    log = json.loads(out.read_text("utf-8"))
    assert [sample["id"] for sample in log["samples"]] == ["q0", "q1", "q2", "q3"]
    none = place.run("eval", "export", "first", "--mode", "direct", "--format", "inspect")
    assert none.exit_code == 2


def test_defective_rows_are_counted(place: Place) -> None:
    """A choice whose options could not be read stays in accuracy, as wrong, and is told."""
    question = Question(text="What? one or two")
    with RecordFile(place.data_dir / "runs" / "odd" / "samples.jsonl") as file:
        odd = item("q1", question=question, unread_options=True, defect="its options are gone")
        file.append(record(item("q0"), proven()), record(odd, proven(choice="A")))
    assert "1 of 2 rows are defective" in place.run("eval", "score", "odd").stdout
    (system,) = json.loads(place.run("eval", "score", "odd", "--json").stdout)
    assert system["counts"]["defective"] == 1
    assert system["scores"]["accuracy"]["mean"] == 0.5
    assert system["scores"]["accuracy"]["n"] == 2


def test_open_questions_are_right_as_most_judges_say(place: Place) -> None:
    """By hops and category, with calls and frames; abstentions are wrong once others are judged."""
    run = place.data_dir / "runs" / "open"
    answers = {"q1": ("2-Hop", True), "q2": ("2-Hop", False), "q3": ("4-Hop", True)}
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def asked(uid: str, hops: str) -> Item:
        question = Question(text="Which cities?")
        return item(uid, "Rome", benchmark="longvidsearch", question=question, evidence=[],
                    group=hops, categories=["Global_Summary"])  # fmt: skip

    with RecordFile(run / "samples.jsonl") as file:
        for uid, (hops, _) in answers.items():
            given = Answer(**{**proven().model_dump(), "choice": None, "text": "Rome"})
            file.append(record(asked(uid, hops), given))
        file.append(record(asked("q4", "3-Hop")))
    (before,) = json.loads(place.run("eval", "score", "open", "--json").stdout)
    assert before["scores"]["accuracy"]["n"] == 0
    assert "4 answers in words" in place.run("eval", "score", "open").stdout
    with JudgementFile(run) as verdicts:
        for uid, (_, same) in answers.items():
            for judge, says in (("one", same), ("two", True), ("three", same)):
                verdicts.append(
                    Judgement(
                        uid=uid, mode="decoupled", video="longvidsearch/v1", judge=judge,
                        request_sha256="0" * 64, asked=True, grounded=True, same=says, finished=now,
                    )
                )  # fmt: skip
    (system,) = json.loads(place.run("eval", "score", "open", "--json").stdout)
    assert (system["scores"]["accuracy"]["mean"], system["scores"]["accuracy"]["n"]) == (0.5, 4)
    rates = {name: part["accuracy"]["mean"] for name, part in system["hops"].items()}
    assert rates == {"2-Hop": 0.5, "3-Hop": 0.0, "4-Hop": 1.0}
    assert system["hops"]["2-Hop"]["calls"] == 3
    assert system["categories"]["Global_Summary"]["frames"] == 1
    shown = place.run("eval", "score", "open").stdout
    assert all(text in shown for text in ("4-Hop", "Global_Summary", "model calls", "3 calls"))
    assert place.run("eval", "report", "open").exit_code == 0
    assert "By hops to the answer" in (run / "report.md").read_text("utf-8")
