"""A judge's verdict on an episode, for rewards that have a term for it."""

from __future__ import annotations

import asyncio

from videoseal.core.errors import ModelUnavailable
from videoseal.evals.judging.blind_view import blind_view
from videoseal.evals.records import SampleRecord
from videoseal.models.roles import Judge

__all__ = ["verdict_of"]


async def verdict_of(record: SampleRecord, judge: Judge, seconds: float) -> float | None:
    """1 where what was seen suffices to derive the answer, else 0; None without an answer.

    Open questions get none: that an answer follows from the evidence does not make it the right
    one, and without options nothing else would. Raises ModelError, also after `seconds`.
    """
    if record.episode is None or record.error is not None or record.item.free_text:
        return None
    request = blind_view(record)
    if request is None:
        return None
    if not request.evidence:
        return 0.0
    try:
        async with asyncio.timeout(seconds):
            ruling = (await judge.judge(request)).value
    except TimeoutError:
        raise ModelUnavailable(f"the judge said nothing in {seconds:g} s", role="judge") from None
    return float(ruling.grounded)
