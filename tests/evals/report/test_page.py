"""The page stands alone, and says what the scorers say."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tests.evals.report.made_runs import SYSTEMS, System, make_items, make_run
from tests.evals.report.parsed import parse
from videoseal.evals.report.numbers import percent, points
from videoseal.evals.report.write import ReportFiles, write_report
from videoseal.evals.scoring.compare import compare
from videoseal.evals.scoring.systems import read_systems


def test_page_needs_nothing_from_outside(files: ReportFiles) -> None:
    """No element loads anything, and the policy forbids that any could."""
    page = parse(files.html)
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert not (attributes.get("src") or "").strip()
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in files.html.read_text("utf-8")
    policy = next(
        attributes["content"]
        for tag, attributes in page.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert str(policy).startswith("default-src 'none'")


def test_policy_lets_only_the_page_s_own_script_run(files: ReportFiles) -> None:
    """The hash in the policy is that of the one script that is code."""
    page = parse(files.html)
    (code,) = [text for attributes, text in page.scripts if "type" not in attributes]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in files.html.read_text("utf-8")


def test_headline_is_what_the_scorers_say(files: ReportFiles, run: Path) -> None:
    """Counts, accuracy, grounded accuracy and evidence hit agree for every system."""
    table = parse(files.html).table("headline")
    cells = read_systems([run])
    assert [cell.key.mode for cell in cells] == list(table)
    for cell in cells:
        found, shown = cell.scores, table[cell.key.mode]
        for name, number in cell.counts.items():
            heading = next(key for key in shown if key.split("|")[0] == name)
            assert shown[heading].split("|")[0] == str(number)
        assert shown["accuracy|strict"].startswith(f"{percent(found['accuracy'].mean)}|")
        grounded = found["grounded accuracy"]
        assert shown["grounded accuracy"] == (
            f"{percent(grounded.mean)}|{percent(grounded.low)}\u2013{percent(grounded.high)}"
        )
        hit, luck = found["evidence hit"], found["evidence hit by chance"]
        assert shown["evidence hit|by chance"] == f"{percent(hit.mean)}|{percent(luck.mean)}"


def test_every_measure_stands_in_the_table_of_all_numbers(files: ReportFiles, run: Path) -> None:
    """Each rate that has questions is there with its n; judges' rates only if there were judges."""
    table = parse(files.html).table("numbers")
    (first, *_) = read_systems([run])
    for name, estimate in first.scores.items():
        if name in ("G_s", "H_s"):
            assert name not in table
            continue
        value, small = table[name]["decoupled"].split("|")
        assert value == percent(estimate.mean)
        assert small.endswith(f"n = {estimate.n}")


def test_quadrant_picture_counts_and_links(files: ReportFiles, run: Path) -> None:
    """Every area that holds a sample says how many, and leads to them."""
    page = files.html.read_text("utf-8")
    for number, cell in enumerate(read_systems([run])):
        for kind, count in zip(
            ("right-grounded", "right-ungrounded", "wrong-grounded", "wrong-ungrounded"),
            cell.quadrants,
            strict=True,
        ):
            link = re.search(rf'href="#samples/{number}/{kind}" aria-label="([^"]*)"', page)
            assert (link is not None) == (count > 0)
            assert link is None or f"list {count} samples" in link.group(1)


def test_list_holds_every_sample_with_its_evidence(files: ReportFiles, run: Path) -> None:
    """Rows and documents are in one order, and their quadrants are those of the scorers."""
    page = parse(files.html)
    rows, documents = page.rows(), page.documents()
    assert len(rows) == len(documents) == 44 * 4
    assert [row["uid"] for row in rows] == [document["uid"] for document in documents]
    lucky = [r for r in rows if r["answerable"] and r["right"] and r["grounded"] == 0]
    assert len(lucky) == sum(c.quadrants.right_ungrounded for c in read_systems([run]))


def test_systems_are_compared_with_decoupled(files: ReportFiles, run: Path) -> None:
    """The table of differences is that of the paired comparison."""
    table = parse(files.html).table("comparison")
    base, *others = read_systems([run])
    assert list(table) == ["coupled", "direct", "blind"]
    for cell in others:
        told = {entry.name: entry.difference for entry in compare(cell, base).rates}
        shown = table[cell.key.mode]["grounded accuracy"].split("|")[0]
        assert shown == points(told["grounded accuracy"])


def test_money_is_told_only_where_prices_are_known(files: ReportFiles, small_run: Path,
                                                   tmp_path: Path) -> None:  # fmt: skip
    """With prices there is a line of money, without there is none."""
    assert "money" in parse(files.html).table("cost")
    unpriced = write_report([small_run], tmp_path)
    assert "money" not in parse(unpriced.html).table("cost")


def test_budgets_are_drawn_where_systems_differ_in_them(tmp_path: Path) -> None:
    """A sweep has the figure; systems that spend alike have none."""
    sweep = [System("decoupled", f"steps={n}", frames=8 * n, steps=n) for n in (1, 4)]
    swept = make_run(tmp_path / "sweep", sweep, make_items(12, 3))
    drawn = write_report([swept], tmp_path / "out").html
    assert 'id="budget"' in drawn.read_text("utf-8")
    alone = make_run(tmp_path / "one", SYSTEMS[:1], make_items(6, 3))
    assert 'id="budget"' not in write_report([alone], tmp_path / "alone").html.read_text("utf-8")


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Two runs in different folders keep their own names, systems and manifests."""
    items = make_items(6, 3)
    runs = [make_run(tmp_path / day / "run", SYSTEMS[:1], items) for day in ("mon", "tue")]
    page = parse(write_report(runs, tmp_path / "out").html)
    assert list(page.table("headline")) == [
        "mon/run \u00b7 decoupled", "tue/run \u00b7 decoupled"
    ]  # fmt: skip


def test_long_runs_list_some_and_count_all(run: Path, tmp_path: Path) -> None:
    """Beyond the limit samples are left out of the list, evenly, and the page says so."""
    page = parse(write_report([run], tmp_path, most_listed=40).html)
    rows = page.rows()
    assert [sum(row["system"] == n for row in rows) for n in range(4)] == [10, 10, 10, 10]
    assert "40 of 176 samples are listed" in page.text
    assert page.table("headline")["decoupled"]["asked"] == "44"


def test_page_is_the_same_every_time(run: Path, files: ReportFiles, tmp_path: Path) -> None:
    """Writing it again changes nothing, so that reports can be compared."""
    again = write_report([run], tmp_path, prices={"made-8b": (0.5, 1.5)})
    assert again.html.read_bytes() == files.html.read_bytes()
    assert again.markdown.read_bytes() == files.markdown.read_bytes()
    names = sorted(path.name for path in files.figures.iterdir())
    assert {"accuracy.svg", "accuracy.pdf", "quadrants.pdf", "risk.svg"} <= set(names)
    for name in names:
        assert (again.figures / name).read_bytes() == (files.figures / name).read_bytes()


@pytest.mark.parametrize("name", ["accuracy", "quadrants", "risk", "categories", "lengths"])
def test_figures_have_names_and_descriptions(files: ReportFiles, name: str) -> None:
    """Whoever cannot see a figure is told what it shows."""
    page = files.html.read_text("utf-8")
    section = page[page.index(f'<section id="{name}"') :].partition("</section>")[0]
    assert re.search(r'<svg [^>]*role="\w+"[^>]*><title>.+?</title><desc>.+?</desc>', section)
