"""How numbers are written, in the page and in the Markdown table alike."""

from __future__ import annotations

import math
from typing import Final

from videoseal.evals.scoring.statistics import Estimate

__all__ = ["NOTHING", "amount", "interval", "p_value", "percent", "points", "points_interval"]

NOTHING: Final = "\u2013"
"""Stands where there is no number."""
_MINUS: Final = "\u2212"


def percent(value: float) -> str:
    """A share in per cent with one decimal, without the sign."""
    return NOTHING if math.isnan(value) else f"{100 * value:.1f}"


def interval(estimate: Estimate) -> str:
    """The 95 % interval in per cent; a dash where one video or none gives none."""
    if math.isnan(estimate.low):
        return NOTHING
    return f"{percent(estimate.low)}\u2013{percent(estimate.high)}"


def points(estimate: Estimate) -> str:
    """A difference of shares in percentage points, signed."""
    return NOTHING if math.isnan(estimate.mean) else _signed(100 * estimate.mean)


def points_interval(estimate: Estimate) -> str:
    """The 95 % interval of a difference; empty where there is none."""
    if math.isnan(estimate.low):
        return ""
    return f"{_signed(100 * estimate.low)} to {_signed(100 * estimate.high)}"


def amount(value: float, like: float | None = None) -> str:
    """A mean or a sum, with as many decimals as matter, or as matter for a number `like` it."""
    if math.isnan(value):
        return NOTHING
    model = value if like is None else like
    size = abs(model)
    decimals = 0 if size >= 100 or model == int(model) else 1 if size >= 10 else 2
    if 0 < size < 0.1:
        decimals = 4
    return f"{value:,.{decimals}f}".replace("-", _MINUS)


def p_value(value: float) -> str:
    """A probability as papers write it."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _signed(value: float) -> str:
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)
