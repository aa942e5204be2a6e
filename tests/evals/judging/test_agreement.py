"""Agreement of judges by an independent statement of it, and on what it is counted."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.evals.judging.agreement import Unit, agreement, agreements, kappa, rulings_of
from videoseal.evals.scoring.statistics import clustered_ratio
from videoseal.evals.verdicts import Judgement

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def _judges(pairs: list[tuple[bool, bool]], videos: int = 1) -> tuple[dict[Unit, bool], ...]:
    units = [Unit(str(n), f"v{n % videos}") for n in range(len(pairs))]
    return tuple({u: p[side] for u, p in zip(units, pairs, strict=True)} for side in (0, 1))


def _by_definition(pairs: list[tuple[bool, bool]]) -> float:
    """Cohen 1960, in fractions: (p_o - p_e) / (1 - p_e), labels counted one by one."""
    n = len(pairs)
    observed = Fraction(sum(a == b for a, b in pairs), n)
    expected = sum(
        Fraction(sum(a is label for a, _ in pairs), n)
        * Fraction(sum(b is label for _, b in pairs), n)
        for label in (True, False)
    )
    return math.nan if expected == 1 else float((observed - expected) / (1 - expected))


@given(PAIRS)
def test_agreement_is_cohens(pairs: list[tuple[bool, bool]]) -> None:
    """Share, table and kappa are those of the definition, for every table."""
    one, two = _judges(pairs)
    found = agreement(("a", "b"), (one, two))
    assert (found.both, found.only_first, found.only_second, found.neither) == tuple(
        pairs.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))
    )
    assert found.share.mean == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    assert found.kappa.mean == pytest.approx(_by_definition(pairs), nan_ok=True)
    assert found.n == found.share.n == len(pairs)


@given(PAIRS)
def test_kappa_knows_no_order(pairs: list[tuple[bool, bool]]) -> None:
    """Swapping the judges, or calling yes no, changes nothing."""
    one, two = _judges(pairs)
    mean = agreement(("a", "b"), (one, two)).kappa.mean
    swapped = agreement(("b", "a"), (two, one)).kappa.mean
    turned = _judges([(not a, not b) for a, b in pairs])
    assert swapped == pytest.approx(mean, nan_ok=True)
    assert agreement(("a", "b"), turned).kappa.mean == pytest.approx(mean, nan_ok=True)


def test_a_known_table() -> None:
    """The textbook's 20, 5, 10, 15: agreement 0.7, kappa 0.4."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10
    pairs += [(False, False)] * 15
    found = agreement(("a", "b"), _judges(pairs, videos=25))  # type: ignore[arg-type]
    assert found.share.mean == pytest.approx(0.7)
    assert found.kappa.mean == pytest.approx(0.4)
    assert found.share.low < 0.7 < found.share.high
    assert found.kappa.low < 0.4 < found.kappa.high


def test_two_that_always_say_yes_agree_by_chance_alone() -> None:
    """Kappa is not defined there, and is not made up."""
    found = agreement(("a", "b"), _judges([(True, True)] * 5, videos=3))  # type: ignore[arg-type]
    assert found.share.mean == 1.0
    assert math.isnan(found.kappa.mean)
    assert agreement(("a", "b"), ({}, {})).n == 0


def test_interval_widens_when_rulings_share_videos() -> None:
    """Ten copies in one video carry no more than one."""
    random = np.random.default_rng(4)
    pairs = [(bool(a), bool(a) ^ bool(b)) for a, b in random.random((60, 2)) < (0.5, 0.25)]
    once = agreement(("a", "b"), _judges(pairs, videos=60))  # type: ignore[arg-type]
    copied = agreement(("a", "b"), _judges(pairs * 10, videos=60))  # type: ignore[arg-type]
    assert copied.kappa.mean == pytest.approx(once.kappa.mean)
    width, wide = (found.kappa.high - found.kappa.low for found in (copied, once))
    assert width == pytest.approx(wide, rel=0.1)


def test_many_videos_give_the_interval_that_resampling_would() -> None:
    """The jackknife beyond 2,000 videos agrees with the bootstrap, scaled by the root."""
    random = np.random.default_rng(5)
    rows = np.eye(4)[random.choice(4, size=8000, p=(0.4, 0.1, 0.2, 0.3))]
    names = [str(n) for n in range(8000)]
    few, many = (clustered_ratio(rows[:n], names[:n], kappa) for n in (2000, 8000))
    assert many.high - many.low == pytest.approx((few.high - few.low) / 2, rel=0.1)


def _line(judge: str, request: str, grounded: bool | None, *, asked: bool = True) -> Judgement:
    return Judgement(
        uid="q", mode="m", video="v", judge=judge, request_sha256=request, asked=asked,
        grounded=grounded, finished=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_only_what_judges_were_asked_counts_and_equal_requests_once() -> None:
    """Samples without evidence, failures, and copies of a request would flatter agreement."""
    lines = [
        _line("a", "1", True), _line("a", "1", True), _line("a", "2", None),
        _line("a", "3", False, asked=False), _line("a", "4", False), _line("b", "4", True),
        _line("b", "3", False, asked=False), _line("b", "1", True), _line("b", "2", True),
        _line("c", "9", True),
    ]  # fmt: skip
    first, *others = agreements(rulings_of(lines))
    assert first[:6] == ("a", "b", 1, 0, 1, 0)
    assert [(found.first, found.second, found.n) for found in others] == [
        ("a", "c", 0), ("b", "c", 0),
    ]  # fmt: skip
