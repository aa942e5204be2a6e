"""Two systems are compared on the questions that both were asked."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.evals.made import evidence, item, proven, record, scored
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.compare import baseline_of, compare
from videoseal.evals.scoring.statistics import clustered_difference, clustered_mean
from videoseal.evals.scoring.systems import System, SystemKey, read_systems

ASIDE = [evidence(times=(104.0,))]


def _cell(mode: str, *records: SampleRecord) -> System:
    return scored(*(entry.model_copy(update={"mode": mode}) for entry in records))


def _asked(uid: int) -> dict[str, object]:
    return {"uid": f"q{uid}", "video": f"v{uid % 3}"}


def _right(uid: int) -> SampleRecord:
    return record(item(**_asked(uid)), proven())


def _lucky(uid: int) -> SampleRecord:
    return record(item(**_asked(uid)), proven(ledger=ASIDE), ASIDE)


def _wrong(uid: int) -> SampleRecord:
    return record(item(**_asked(uid)), proven("C"))


def test_only_shared_questions_count() -> None:
    """What one system was not asked is left out and told, and order does not matter."""
    first = _cell("decoupled", _right(1), _right(2), _wrong(3), _wrong(9))
    second = _cell("coupled", _wrong(3), _right(2), _wrong(1), _right(7), _right(8))
    found = compare(first, second)
    assert (found.shared, found.only_first, found.only_second) == (3, 1, 2)
    accuracy = found.rates[0]
    assert accuracy.name == "accuracy"
    assert accuracy[1:3] == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert accuracy.difference.mean == pytest.approx(1 / 3)
    assert found.test[:2] == (1, 0)


def test_comparison_turns_round() -> None:
    """Swapping the systems changes every sign and nothing else."""
    first = _cell("a", *(_right(n) for n in range(6)), *(_lucky(n) for n in range(6, 9)))
    second = _cell("b", *(_wrong(n) for n in range(4)), *(_right(n) for n in range(4, 9)))
    there, back = compare(first, second), compare(second, first)
    for one, other in zip(there.rates + there.costs, back.rates + back.costs, strict=True):
        if math.isnan(one.difference.mean):
            continue
        assert one.difference.mean == pytest.approx(-other.difference.mean)
        assert one.difference.low == pytest.approx(-other.difference.high)
    assert there.test.p_value == back.test.p_value


def test_rates_among_right_answers_have_denominators_of_their_own() -> None:
    """Luck among the right answers is compared although they are other questions."""
    first = _cell("a", _right(1), _right(2), _wrong(3))
    second = _cell("b", _lucky(1), _wrong(2), _right(3))
    told = {entry.name: entry for entry in compare(first, second).rates}
    lucky = told["right but never shown"]
    assert (lucky.first, lucky.second) == (0.0, 0.5)
    assert lucky.difference.mean == -0.5
    assert lucky.difference.n == 2


def test_systems_without_a_shared_question_differ_by_nothing_known() -> None:
    """There is no number to tell, and no crash."""
    found = compare(_cell("a", _right(1)), _cell("b", _right(2)))
    assert found.shared == 0
    assert all(math.isnan(entry.difference.mean) for entry in found.rates)
    assert found.test.p_value == 1.0


def test_baseline_is_plain_decoupled_or_the_first() -> None:
    """The system that every claim is measured against."""
    coupled, plain = _cell("coupled", _right(1)), _cell("decoupled", _right(1))
    swept = System(SystemKey("r", "decoupled", "steps=4"), Path("r"), plain.frame)
    assert baseline_of([coupled, swept, plain]) is plain
    assert baseline_of([coupled, swept]) is swept
    assert baseline_of([coupled]) is coupled
    assert baseline_of([]) is None


def test_difference_of_unpaired_rates_agrees_with_the_paired_one() -> None:
    """Where the questions are the same, the mean of differences is the difference of means."""
    first, second = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0] * 5, [0.0, 0.0, 1.0, 0.0, 1.0, 1.0] * 5
    videos = [f"v{n // 3}" for n in range(30)]
    found = clustered_difference(first, second, videos)
    assert found.mean == pytest.approx(1 / 6)
    paired = clustered_mean([a - b for a, b in zip(first, second, strict=True)], videos)
    assert found == pytest.approx(paired)


def test_formula_for_very_many_videos_agrees_with_resampling() -> None:
    """The interval is continuous where the way of reckoning it changes."""

    def width(count: int) -> float:
        first = [float(n % 3 == 0) for n in range(count)]
        second = [float(n % 5 == 0) for n in range(count)]
        videos = [f"v{n}" for n in range(count)]
        found = clustered_difference(first, second, videos)
        return found.high - found.low

    assert width(2100) == pytest.approx(width(1900) * math.sqrt(1900 / 2100), rel=0.1)


def test_recorded_cells_compare(tmp_path: Path) -> None:
    """Cells read from disk carry all that a comparison needs."""
    text = "".join(
        entry.model_copy(update={"mode": mode}).model_dump_json() + "\n"
        for mode, answers in (("decoupled", (_right, _right)), ("coupled", (_lucky, _wrong)))
        for entry in (make(n) for n, make in enumerate(answers))
    )
    (tmp_path / "samples.jsonl").write_text(text)
    first, second = read_systems([tmp_path])
    found = compare(first, second)
    assert (found.first, found.second, found.shared) == ("decoupled", "coupled", 2)
