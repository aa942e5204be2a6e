"""Frames within what a model takes: the published arithmetic, and the choice of number and size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from videoseal.models.limits.learned import Learned
from videoseal.models.limits.sight import (
    correct,
    frames_that_fit,
    look_at,
    picture_tokens,
)
from videoseal.models.types import Frame

WIDE = (1920, 1080)
QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"

COUNTED = [
    # By vLLM 0.32 with the processors of both families.
    (QWEN, 1280, 720, 1198), (QWEN, 854, 480, 512), (QWEN, 640, 360, 301),
    ("Qwen/Qwen3-VL-8B", 1280, 720, 882), ("Qwen/Qwen3-VL-8B", 854, 480, 407),
    ("qwen3-vl:4b", 640, 360, 222),
    # By the worked examples of OpenAI's documentation.
    ("gpt-4o-2024-11-20", 1024, 1024, 765), ("gpt-4.1", 2048, 4096, 1105),
    ("gpt-4o-mini", 1024, 1024, 2833 + 4 * 5667),
    ("gpt-4.1-mini", 1024, 1024, 1659), ("gpt-4.1-mini", 1800, 2400, 2353),
    ("claude-sonnet-4", 1092, 1092, 1590),
]  # fmt: skip


@pytest.mark.parametrize(("model", "width", "height", "tokens"), COUNTED)
def test_pictures_are_counted_as_their_makers_publish(model, width, height, tokens):
    """Within one in a hundred."""
    assert picture_tokens(model, width, height) == pytest.approx(tokens, rel=0.01)


def test_a_low_detail_costs_a_tile_of_none():
    """As OpenAI's documentation says; other families know no detail."""
    assert picture_tokens("gpt-4o", 1920, 1080, "low") == 85
    assert picture_tokens(QWEN, 1280, 720, "low") == 1198


@given(
    st.integers(300, 4000), st.integers(300, 4000), st.sampled_from([(QWEN, 28), ("qwen3-vl", 32)])
)
def test_patches_cover_a_picture(width, height, family):
    """Within the bounds of pixels, each side is off by half a patch at most."""
    model, patch = family
    across, down = width / patch, height / patch
    least, most = (across - 0.5) * (down - 0.5), (across + 0.5) * (down + 0.5)
    assert min(least, 16384) - 600 <= picture_tokens(model, width, height) - 2 <= min(most, 16384)


def known(**limits):
    """What was learnt of a model."""
    learned = Learned()
    for name, value in limits.items():
        setattr(learned, name, value)
    return learned


@pytest.mark.parametrize(
    ("limits", "frames", "side"),
    [
        ({}, 64, 1280),
        ({"context": 131072}, 64, 1280),
        ({"context": 32768}, 64, 640),
        ({"context": 8192}, 8, 560),
        ({"pictures": 10}, 10, 1280),
        ({"pictures": 10, "context": 8192}, 8, 560),
        ({"body": 4_000_000}, 64, 640),
        ({"body": 10_000}, 1, 336),
        ({"context": 100}, 1, 336),
    ],
)
def test_number_and_size_are_chosen_together(limits, frames, side):
    """Smaller before fewer, never so small that little could be read while there are enough."""
    look = look_at(64, 1280, WIDE, QWEN, known(**limits), 4096)
    assert look.side == side
    assert look.frames == frames


SIZES = st.none() | st.integers(1, 300_000)


@given(st.integers(1, 200), st.integers(64, 4096), SIZES, st.none() | st.integers(1, 99), SIZES)
def test_a_look_keeps_to_what_is_known(wanted, side, context, pictures, body):
    """Never more or larger than wished, never more than one picture where the sum is too much."""
    learned = known(context=context, pictures=pictures, body=body)
    look = look_at(wanted, side, WIDE, QWEN, learned, 1024)
    assert 1 <= look.frames <= min(wanted, pictures or wanted)
    assert look.side <= side
    scale = min(1, look.side / WIDE[0])
    each = picture_tokens(QWEN, round(WIDE[0] * scale), round(WIDE[1] * scale))
    assert look.frames == 1 or not context or look.frames * each + 1024 <= context


@pytest.fixture
def frame(tmp_path):
    """A real JPEG of 640 x 360."""
    Image.new("RGB", (640, 360)).save(tmp_path / "a.jpg")
    return Frame(1.0, (tmp_path / "a.jpg").read_bytes())


def test_what_a_server_counts_mends_the_arithmetic(frame):
    """A model that counts twice as much is shown half as many from then on."""
    learned = known(context=20_000)
    before = frames_that_fit([frame] * 99, "unheard-of", learned, 1000)
    counted = 600 + 8 * (12 + 2 * picture_tokens("unheard-of", 640, 360))
    correct(learned, counted, "", [frame] * 8, "unheard-of")
    after = frames_that_fit([frame] * 99, "unheard-of", learned, 1000)
    assert after == pytest.approx(before / 2, abs=2)


def test_a_count_that_makes_no_sense_mends_nothing(frame):
    """None, or far from any arithmetic, or of bytes that are no picture."""
    learned = known()
    correct(learned, 0, "", [frame] * 8, QWEN)
    correct(learned, 10**9, "", [frame] * 8, QWEN)
    correct(learned, 5000, "", [Frame(1.0, b"no")] * 8, QWEN)
    assert learned.picture_share == 1
