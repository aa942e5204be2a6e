"""Captions and summaries out of what was measured and read."""

from __future__ import annotations

from videoseal.core.span import Span
from videoseal.models.offline.captioner import ExtractSummariser, TemplateCaptioner
from videoseal.models.types import CaptionRequest

MEASURED = {
    "colours": "blue 40%, grey 21%",
    "brightness": "dark",
    "motion": "little",
    "cuts": "2 at 00:00:03.0, 00:00:07.5",
}


async def caption(measured: dict[str, str], *on_screen: str) -> str:
    request = CaptionRequest(Span(0, 16), [], measured, list(on_screen))
    return (await TemplateCaptioner().caption(request)).value


async def test_words_come_first_then_measurements() -> None:
    """On-screen text leads, each text once; colours, light, motion and cuts follow."""
    text = await caption(MEASURED, "GATE 7", "GATE 7", "Bring  nine keys.")
    assert text == (
        "On screen: GATE 7 | Bring nine keys. Mostly blue, grey, dark, little motion, 2 cuts."
    )


async def test_nothing_known_is_said() -> None:
    """A clip without text and measurements gets no invented description."""
    assert await caption({}) == "Nothing was read or measured."
    assert await caption({"cuts": "1 at 00:00:01.0"}) == "1 cut."


async def test_much_text_is_cut() -> None:
    """A page of credits does not fill the index."""
    text = await caption({}, *(f"line {number} {'x' * 300}" for number in range(100)))
    assert text.endswith(" ...")
    assert len(text) < 5000


def test_template_names_itself_and_wants_no_frames() -> None:
    """The index shows that a template wrote the caption."""
    assert TemplateCaptioner().name == "template-1"
    assert not TemplateCaptioner().wants_frames


async def test_summary_quotes_rare_lines_over_the_whole() -> None:
    """One line out of each part is quoted, the one that is unlike the others."""
    lines = [f"00:{minute:02d}:00 On screen: waves." for minute in range(40)]
    lines[7] = "00:07:00 On screen: GATE 7 opens."
    lines[38] = "00:38:00 On screen: The End."
    summary = (await ExtractSummariser().summarise(lines)).value.splitlines()
    assert len(summary) == 10
    assert lines[7] in summary
    assert lines[38] in summary
    assert summary == sorted(summary)


async def test_summary_of_little_is_little() -> None:
    """Fewer lines than parts are all quoted; none give nothing."""
    summariser = ExtractSummariser()
    assert (await summariser.summarise(["one line", "another"])).value == "one line\nanother"
    assert (await summariser.summarise([])).value == ""
