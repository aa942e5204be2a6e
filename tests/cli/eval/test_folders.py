"""Which run a command means, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.evals.made import item, proven, record
from videoseal.evals.records import RecordFile, SampleError
from videoseal.evals.running.sample import failed

READ = (
    ("score", "{}"),
    ("report", "{}"),
    ("compare", "{}", "first:decoupled:steps=1"),
    ("judge", "{}"),
    ("labels", "{}", "--out", "x.csv"),
    ("agreement", "{}"),
    ("export", "{}"),
)
"""Every command that reads a run."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A data folder with a run of seven variants, one error, and a folder that holds nothing."""
    runs = tmp_path / "data" / "runs"
    with RecordFile(runs / "first" / "samples.jsonl") as file:
        for steps in range(7):
            made = record(item("q1"), proven("B"))
            file.append(made.model_copy(update={"variant": f"steps={steps}"}))
    (runs / "empty").mkdir()
    (runs / "begun").mkdir()
    (runs / "begun" / "samples.jsonl").touch()
    return Place(tmp_path / "data", "postgresql://127.0.0.1:1/none")


@pytest.mark.parametrize("command", READ)
def test_unknown_run_is_answered_with_those_there_are(
    place: Place, command: tuple[str, ...]
) -> None:
    """A typing error is one line with the names that would have worked."""
    done = place.run("eval", *(part.format("frist") for part in command))
    assert done.exit_code == 2
    assert "no run at" in done.stderr
    assert "hint: there are: begun, first" in done.stderr


@pytest.mark.parametrize("run", ["empty", "begun"])
@pytest.mark.parametrize("command", READ)
def test_run_without_samples_is_no_empty_table(
    place: Place, command: tuple[str, ...], run: str
) -> None:
    """A folder without a record is told as such, and nothing is written into it."""
    done = place.run("eval", *(part.format(run) for part in command))
    assert done.exit_code == 2
    assert "has no recorded samples" in done.stderr
    assert not (place.data_dir / "runs" / run / "report.html").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "/tmp/x"])
def test_run_is_one_folder_among_the_runs(place: Place, name: str) -> None:
    """A name that would lie elsewhere is refused before anything is opened."""
    given = ("--annotations", "a.json", "--videos", ".", "--name", name)
    for command in (("cgbench",), ("experiment", "authority")):
        done = place.run("eval", *command, *given)
        assert done.exit_code == 2
        assert "is no name of a folder" in done.stderr


def test_many_systems_stay_readable_in_a_narrow_terminal(place: Place) -> None:
    """Systems that do not fit beside each other stand in a table below; no word is cut."""
    done = place.run("eval", "score", "first", env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stderr
    heads = [line for line in done.stdout.splitlines() if "decoupled" in line]
    assert len(heads) == 2
    assert sum(line.count("decoupled") for line in heads) == 7
    assert done.stdout.count("right but never shown") == 2
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_damaged_record_says_what_to_do(place: Place) -> None:
    """The line is named with its run, and what happens when it is deleted."""
    path = place.data_dir / "runs" / "first" / "samples.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"{}\n", *lines[2:]]))
    done = place.run("eval", "score", "first")
    assert done.exit_code == 2
    assert "error: first/samples.jsonl:2: item: Field required" in done.stderr
    assert "hint: delete that line" in done.stderr


def test_sheet_that_may_be_filled_in_is_never_written_over(place: Place, tmp_path: Path) -> None:
    """Labels are work of people: a second sheet needs another name."""
    sheet = tmp_path / "sheet.csv"
    assert place.run("eval", "labels", "first", "--out", sheet).exit_code == 0
    sheet.write_text("filled in")
    done = place.run("eval", "labels", "first", "--out", sheet)
    assert done.exit_code == 2
    assert "may hold labels" in done.stderr
    assert sheet.read_text() == "filled in"


def test_folder_that_cannot_be_written_is_one_plain_line(place: Place, tmp_path: Path) -> None:
    """The system's own words come after the path, without its number of the error."""
    (tmp_path / "file").touch()
    done = place.run("eval", "labels", "first", "--out", tmp_path / "file" / "x.csv")
    assert done.exit_code == 1
    assert f"error: {tmp_path / 'file' / 'x.csv'}: Not a directory" in done.stderr


def test_reasons_of_errors_are_told_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever started the run learns why samples failed, and how to ask them again."""
    from videoseal.cli.progress import show_run
    from videoseal.evals.manifest import SystemSpec
    from videoseal.evals.running.ready_videos import RunProgress

    why = ["no file named v1 in the video folder", "no file named v1 in the video folder", "late"]
    with show_run() as tell:
        for number, message in enumerate(why, start=1):
            made = failed(item(f"q{number}"), SystemSpec(), SampleError(type="X", message=message))
            tell(RunProgress("ask", number, 3, made))
    told = capsys.readouterr().err
    assert "3 ended in an error (--retry-errors asks again):" in told
    assert "  2 x no file named v1 in the video folder\n  1 x late\n" in told
