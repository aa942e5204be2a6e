"""`videoseal eval judge`, `labels` and `agreement`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.evals.made import evidence, item, proven, record
from tests.models.conftest import Lane
from tests.models.conftest import fault_server as fault_server
from tests.models.conftest import lane as lane
from videoseal.evals.records import RecordFile
from videoseal.graph.answers import Answer

YES = json.dumps({"why": "Line 1 says so.", "grounded": True, "missing": ""})
FIRST, SECOND = "test-model@judge-1", "other-model@judge-1"
NO = json.dumps({"why": "No line does.", "grounded": False, "missing": "the sign"})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A data folder with a run: four proven answers, and one blind guess; no database."""
    folder = tmp_path / "data" / "runs" / "first"
    with RecordFile(folder / "samples.jsonl") as file:
        for number in range(4):
            ledger = [evidence(times=(100.0 + number,))]
            asked = item(f"q{number}", video=f"v{number}")
            file.append(record(asked, proven(ledger=ledger), ledger))
        guess = Answer(outcome="answered", forced=True, text="b", choice="B", by="answerer")
        file.append(record(item("q0"), guess, [], mode="blind"))
    return Place(tmp_path / "data", "postgresql://127.0.0.1:1/none")


def _endpoints(lane: Lane, **more: str) -> dict[str, str]:
    return {
        "VIDEOSEAL_JUDGE_BASE_URL": lane.url,
        "VIDEOSEAL_JUDGE_MODEL": "test-model",
        "VIDEOSEAL_JUDGE_API_KEY": lane.key,
        "VIDEOSEAL_MAX_RETRIES": "0",
        **more,
    }


def _two(lane: Lane) -> dict[str, str]:
    return _endpoints(
        lane,
        VIDEOSEAL_JUDGE2_BASE_URL=lane.url,
        VIDEOSEAL_JUDGE2_MODEL="other-model",
        VIDEOSEAL_JUDGE2_API_KEY=lane.key,
    )


def test_two_judges_rule_and_their_verdicts_are_scored(place: Place, lane: Lane) -> None:
    """Score and compare read what they said; answers without evidence cost no call."""
    lane.script(lane.chat(YES))
    done = place.run("eval", "judge", "first", "--json", env=_two(lane))
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["counts"]["judgements"] == 10
    assert found["counts"]["no evidence"] == 2
    decoupled, blind = found["systems"]
    assert set(decoupled["judges"]) == {FIRST, SECOND}
    assert decoupled["all"]["G_s"]["n"] == 4
    assert blind["all"]["H_s"] == {"mean": 1.0, "low": None, "high": None, "n": 1}
    assert [pair["first"] for pair in found["agreement"]] == [SECOND]
    assert found["agreement"][0]["share"]["n"] == 4
    scored = json.loads(place.run("eval", "score", "first", "--json").stdout)
    assert scored[0]["scores"]["G_s"]["n"] == 4
    assert "H\\_s" in place.run("eval", "compare", "first:decoupled", "first:blind").stdout


def test_an_endpoint_judges_once_and_continues(place: Place, lane: Lane) -> None:
    """Over HTTP: one request to know the judge, one an answer; a failed one waits for retry."""
    said = [
        lane.chat("ready"),
        lane.chat(YES),
        lane.chat(NO),
        lane.chat("hm"),
        lane.chat("hm"),
        lane.chat(YES),
    ]
    lane.script(*said)
    command = ["eval", "judge", "first", "--concurrency", 1]
    done = place.run(*command, env=_endpoints(lane))
    assert done.exit_code == 0, done.stderr
    assert "judged 5/5: 40.0 % grounded, 1 errors" in done.stderr
    assert len(lane.seen()) == 6
    assert "test-model@judge-1" in done.stdout
    again = place.run(*command, env=_endpoints(lane))
    assert (again.exit_code, len(lane.seen())) == (0, 6)
    retried = place.run(*command, "--retry-errors", "--json", env=_endpoints(lane))
    assert len(lane.seen()) == 7
    assert json.loads(retried.stdout)["counts"]["errors"] == 0
    pins = json.loads((place.data_dir / "runs" / "first" / "judges.json").read_text("utf-8"))
    assert pins["judges"]["test-model@judge-1"]["settings"]["temperature"] == 0
    assert lane.key not in json.dumps(pins)


def test_a_wrong_key_ends_it_with_the_setting_to_mend(place: Place, lane: Lane) -> None:
    """Exit code 4, and no verdict of a judge that was never heard."""
    lane.script(lane.status(401))
    done = place.run("eval", "judge", "first", "--concurrency", 1, env=_endpoints(lane))
    assert done.exit_code == 4
    assert "VIDEOSEAL_JUDGE_API_KEY" in done.stderr
    assert len(lane.seen()) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("judge", "first"), "VIDEOSEAL_JUDGE_BASE_URL"),
        (("judge", "first", "--judge", "judge2"), "VIDEOSEAL_JUDGE2_BASE_URL"),
        (("judge", "nowhere"), "there are: first"),
        (("agreement", "first"), "videoseal eval judge first"),
        (("labels", "nowhere", "--out", "x.csv"), "there are: first"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    place: Place, command: tuple[str, ...], words: str
) -> None:
    """Wrong usage has code 2 and a hint."""
    done = place.run("eval", *command)
    assert done.exit_code == 2
    assert words in done.stderr


def test_people_label_a_sheet_and_are_compared_with_judges(
    place: Place, lane: Lane, tmp_path: Path
) -> None:
    """From sheet to kappa: what people said, beside each judge."""
    lane.script(lane.chat(YES))
    sheet = tmp_path / "ann.csv"
    made = place.run("eval", "labels", "first", "--out", sheet, "--sample", 4)
    assert made.exit_code == 0, made.stderr
    assert "4 answers to label" in made.stdout
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    for number, row in enumerate(rows):
        row[4] = ("yes", "no", "no", "")[number]
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    assert place.run("eval", "judge", "first", env=_two(lane)).exit_code == 0
    done = place.run("eval", "agreement", "first", "--labels", sheet, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["counts"]["unlabelled in ann"] == 1
    pairs = {(pair["first"], pair["second"]): pair["share"]["n"] for pair in found["agreement"]}
    assert pairs[FIRST, "ann (labels)"] == pairs[SECOND, "ann (labels)"] == 3
    assert "ann (labels)" in place.run("eval", "agreement", "first", "--labels", sheet).stdout
    rows[0][4] = "perhaps"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    bad = place.run("eval", "agreement", "first", "--labels", sheet)
    assert bad.exit_code == 2
    assert "ann.csv:2: grounded: 'perhaps'" in bad.stderr


def test_verdicts_are_a_line_a_system_below_each_judge(place: Place, lane: Lane) -> None:
    """Readable at 80 columns however many systems there are; agreement is a line a pair."""
    lane.script(lane.chat(YES))
    done = place.run("eval", "judge", "first", env=_two(lane))
    lines = done.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(FIRST))
    assert lines[at + 1].split()[0] == "decoupled"
    assert lines[at + 2].split()[:2] == ["blind", "0.0"]
    assert any(line.startswith(f"{SECOND} and {FIRST}: n 4, agree ") for line in lines)
