"""What is measured without a model."""

from __future__ import annotations

import numpy as np
import pytest

from videoseal.indexing.stages.clip_stats import ClipFacts, colour_shares, cut_times, in_words


def plain(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((72, 128, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((250, 250, 250), "white"), ((5, 5, 8), "black"), ((120, 120, 125), "grey"),
        ((220, 20, 30), "red"), ((250, 140, 10), "orange"), ((110, 60, 20), "brown"),
        ((240, 230, 30), "yellow"), ((20, 160, 40), "green"), ((20, 200, 190), "turquoise"),
        ((30, 60, 220), "blue"), ((130, 40, 200), "purple"), ((250, 90, 180), "pink"),
    ],
)  # fmt: skip
def test_colours_have_their_everyday_names(rgb: tuple[int, int, int], name: str) -> None:
    """A plain picture has one colour with its common name."""
    assert colour_shares(plain(*rgb)) == {name: 1.0}


def test_a_cut_stands_out_of_its_neighbours() -> None:
    """A jump among calm frames is a cut; steady strong motion is none."""
    times = [n / 10 for n in range(40)]
    calm = [1.0] * 40
    calm[17] = 60.0
    assert cut_times(times, calm) == [1.7]
    assert cut_times(times, [30.0] * 40) == []
    assert cut_times([0.5], [90.0]) == [0.5]


def test_a_clip_is_described_in_words() -> None:
    """A dark blue still with one cut to red says so."""
    facts = ClipFacts()
    rng = np.random.default_rng(0)
    blue = rng.integers(20, 30, (72, 128), dtype=np.uint8)
    for index in range(24):
        grey = blue if index < 12 else blue + 60
        facts.frame(index / 12, grey)
        if index % 6 == 0:
            facts.sample(index / 12, {"blue": 1.0} if index < 12 else {"red": 0.97, "pink": 0.03})
    words = in_words(facts.finish())
    assert words == {
        "colours": "blue 50%, red 48%",
        "brightness": "dark",
        "motion": "still",
        "cuts": "1 at 00:00:01.0",
    }
