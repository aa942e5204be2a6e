"""Which packets are wanted, told from their timestamps alone."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.decode_groups import look_ahead


@dataclass
class FakePacket:
    """A packet as far as the look-ahead sees it."""

    pts: int | None
    is_discard: bool = False


@st.composite
def streams(draw: st.DrawFn) -> list[int]:
    """PTS in decoding order; a frame is shown after at most 16 that are decoded after it."""
    shown = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=60)))
    depth = draw(st.integers(0, 16))
    order: list[int] = []
    while shown:
        group, shown = shown[: depth + 1], shown[depth + 1 :]
        order += [group[-1], *draw(st.permutations(group[:-1]))]
    return order


def judged(order: list[Any], targets: list[int]) -> list[Any]:
    return list(look_ahead(cast(Any, iter(order)), targets))


@given(streams(), st.sets(st.integers(0, 450), max_size=20))
def test_wanted_are_exactly_the_frames_shown_at_a_target(order: list[int], asked: set[int]) -> None:
    """Whatever the coding order, a packet is wanted when it is the last one before some target."""
    shown = sorted(order)
    targets = sorted(target for target in asked if target >= shown[0])
    steps = judged([FakePacket(pts) for pts in order], targets)
    assert [step.packet.pts for step in steps] == order
    expected = {shown[bisect_right(shown, target) - 1] for target in targets}
    assert {step.packet.pts for step in steps if step.wanted} == expected


@given(streams())
def test_successor_is_the_frame_shown_next(order: list[int]) -> None:
    """`until` is the next PTS on the timeline, and None for the last frame."""
    shown = sorted(order)
    following = dict(zip(shown, [*shown[1:], None], strict=True))
    for step in judged([FakePacket(pts) for pts in order], shown):
        assert step.certain
        assert step.until == following[cast(int, step.packet.pts)]


def test_packets_that_are_cut_away_are_never_wanted() -> None:
    """A packet before an edit's start is decoded for others but not shown."""
    steps = judged([FakePacket(0, is_discard=True), FakePacket(10), FakePacket(20)], [0, 15])
    assert [step.wanted for step in steps] == [False, True, False]


def test_packets_without_time_are_decoded_in_full() -> None:
    """Nothing can be known of them, so nothing may be left out."""
    steps = judged([FakePacket(0), FakePacket(None), FakePacket(10)], [10])
    assert [(step.wanted, step.certain) for step in steps] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_little_is_read_ahead() -> None:
    """A stream that never ends is judged from a handful of packets."""
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            yield FakePacket(read)
            read += 1

    steps = look_ahead(endless(), [3])
    assert [next(steps).wanted for _ in range(5)] == [False, False, False, True, False]
    assert read < 30
