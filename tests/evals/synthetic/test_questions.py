"""Questions that only looking can answer: true, balanced, and hard to guess or to hit by chance."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise

import pytest

from videoseal.core.span import Span
from videoseal.evals.benchmarks import lvbench
from videoseal.evals.item import Item
from videoseal.evals.synthetic.facts.wordings import wordings
from videoseal.evals.synthetic.questions import questions_line
from videoseal.evals.synthetic.script import Story, tell_story
from videoseal.evals.synthetic.spec import VideoSpec

FAMILIES = {
    family.name: family
    for known in (wordings("en"), wordings("zh"))
    for family in (*known.signs, *known.talk)
}
SEEDS = range(12)
SIX = {
    "key information retrieval",
    "event understanding",
    "summarization",
    "entity recognition",
    "reasoning",
    "temporal grounding",
}


@cache
def _story(seed: int, minutes: float = 60) -> Story:
    return tell_story(VideoSpec(seed=seed, minutes=minutes))


def _items(tmp_path, seed: int, minutes: float = 60) -> list[Item]:
    spec = VideoSpec(seed=seed, minutes=minutes)
    path = tmp_path / f"{spec.key}.questions.jsonl"
    path.write_text(questions_line(spec, _story(seed, minutes))[0], encoding="utf-8")
    return lvbench.load(path)


@pytest.mark.parametrize(("minutes", "least", "most"), [(1, 3, 5), (20, 12, 20), (60, 36, 44)])
def test_questions_load_in_the_published_format(tmp_path, minutes, least, most) -> None:
    """As many as fit the length, four different options each, evidence inside the video."""
    items = _items(tmp_path, 7, minutes)
    assert least <= len(items) <= most
    assert len({item.uid for item in items}) == len(items)
    for item in items:
        assert len(set(item.question.options)) == 4
        assert item.answerable == bool(item.evidence) == bool(item.answer)
        assert all(0 <= start < end <= minutes * 60 for start, end in item.evidence)


def test_whole_seconds_cover_the_exact_spans() -> None:
    """`time_reference` is LVBench's; `gold` says the same to the frame."""
    spec = VideoSpec(seed=1, minutes=60)
    for asked in json.loads(questions_line(spec, _story(1))[0])["qa"]:
        coarse = lvbench.read_references(asked["time_reference"])
        fine = [Span(*pair) for pair in asked["gold"]]
        assert asked["hops"] == len(fine) == len(coarse) <= 2
        for outer, inner in zip(coarse, fine, strict=True):
            assert outer.start <= inner.start
            assert inner.end <= outer.end < inner.end + 1


def test_all_six_types_and_both_languages_are_asked_from_twenty_minutes_on() -> None:
    """A fifth has no answer, most need text, some two moments."""
    for seed in SEEDS:
        drafts = _story(seed, 20).drafts
        assert {name for draft in drafts for name in draft.types} == SIX
        assert 0.15 <= sum(draft.answer is None for draft in drafts) / len(drafts) <= 0.25
        assert sum(draft.evidence == "text" for draft in drafts) > len(drafts) / 2
        assert any(draft.evidence == "visual" for draft in drafts)
        assert any(len(draft.gold) == 2 for draft in drafts)
        assert any(re.search("[\u4e00-\u9fff]", draft.question) for draft in drafts)


def test_evidence_is_shorter_than_three_seconds_and_uniform_sampling_misses_it() -> None:
    """Of 64 frames spread over an hour, less than 15 % of the questions are settled."""
    hit, asked = 0, 0
    for seed in SEEDS:
        story = _story(seed)
        frames = [(i + 0.5) * story.times.duration / 64 for i in range(64)]
        for draft in story.drafts:
            if draft.gold:
                asked += 1
                hit += all(any(span.contains(time) for time in frames) for span in draft.gold)
                assert all(span.duration < 3 for span in draft.gold)
    assert hit / asked < 0.15


def test_letters_are_balanced(tmp_path) -> None:
    """Among questions with an answer no letter is right more often than another by two."""
    for seed in SEEDS:
        letters = Counter(item.answer for item in _items(tmp_path, seed) if item.answerable)
        assert set(letters) == set("ABCD")
        assert max(letters.values()) - min(letters.values()) <= 1


def _like(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b).ratio()


def _guesses(item: Item, everything: str) -> dict[str, int]:
    """What someone would tick who saw the questions and not the video."""
    options = item.question.options
    near = [sum(_like(a, b) for b in options) for a in options]
    places = range(len(options))
    return {
        "longest": max(places, key=lambda i: len(options[i])),
        "most like the others": max(places, key=lambda i: near[i]),
        "least like the others": min(places, key=lambda i: near[i]),
        "most often in the file": max(places, key=lambda i: everything.count(options[i])),
        "most like the question": max(places, key=lambda i: _like(item.question.text, options[i])),
        "second in order": sorted(places, key=lambda i: options[i])[1],
        "third in order": sorted(places, key=lambda i: options[i])[2],
    }


def test_the_questions_alone_do_not_give_answers_away(tmp_path) -> None:
    """No rule of thumb on options or on the rest of the file beats chance clearly."""
    right, asked = Counter[str](), 0
    for seed in SEEDS:
        items = [item for item in _items(tmp_path, seed) if item.answerable]
        everything = " ".join(item.question.render() for item in items)
        asked += len(items)
        for item in items:
            for rule, place in _guesses(item, everything).items():
                right[rule] += item.question.letters[place] == item.answer
    # Three standard errors of a fair guess.
    slack = 3 * (0.25 * 0.75 / asked) ** 0.5
    assert {rule: n / asked for rule, n in right.items() if n / asked > 0.25 + slack} == {}


def _pattern(template: str, key: dict[str, str] | None = None) -> re.Pattern[str]:
    """A template as a pattern; fields of `key` filled in, the rest open."""
    parts = re.split(r"\{(\w+)\}", template.replace("|", " "))
    made = ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            made += re.escape(part)
        else:
            made += re.escape(key[part]) if key and part in key else f"(?P<{part}>.+?)"
    return re.compile(made, re.IGNORECASE)


@pytest.mark.parametrize("seed", SEEDS)
def test_facts_are_told_once_or_never(seed) -> None:
    """Reading all texts gives just the right option; for a question without answer, none at all."""
    story = _story(seed)
    texts = [event.text for event in story.events]
    seen = 0
    for draft in story.drafts:
        if (family := FAMILIES.get(draft.family)) is None:
            continue
        seen += 1
        match = _pattern(family.ask).fullmatch(draft.question)
        assert match is not None, draft.question
        told = [
            m for text in texts if (m := _pattern(family.show, match.groupdict()).fullmatch(text))
        ]
        if draft.answer is None:
            assert told == []
        else:
            right = family.option.format(v=told[0]["v"])
            assert [m["v"] for m in told] == [told[0]["v"]]
            assert right.lower() == draft.options[draft.answer].lower()
    assert seen >= 15


def _joined(question: str, texts: str) -> str | None:
    """The answer to a two-step question by reading all texts; None where a step is missing."""
    if lost := re.search("who lost the (.+)[?]", question):
        first, second = rf"(.+): I lost the {lost[1]}\.", r"BADGE (\d+) {}"
    elif club := re.search("where the (.+) meets[?]", question):
        first, second = rf"{club[1]} MEETS IN ROOM (\d+)", r"ROOM {} DOOR CODE (\w+)"
    else:
        return None
    link = re.search(f"^{first}$", texts, re.MULTILINE | re.IGNORECASE)
    if link is None:
        return None
    found = re.search(f"^{second.format(link[1])}$", texts, re.MULTILINE | re.IGNORECASE)
    return found[1].lower() if found else None


@pytest.mark.parametrize("seed", SEEDS)
def test_two_steps_lead_to_the_answer(seed) -> None:
    """One moment names who or where, the other what was asked; both are in the evidence."""
    story = _story(seed)
    texts = "\n".join(event.text for event in story.events)
    chains = [draft for draft in story.drafts if draft.family in ("badge", "door")]
    assert chains
    for draft in chains:
        right = None if draft.answer is None else draft.options[draft.answer]
        assert _joined(draft.question, texts) == right
        assert len(draft.gold) == (0 if right is None else 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_distractors_are_really_shown(seed) -> None:
    """All four options of a told fact stand in the video, also where none of them is right."""
    story = _story(seed)
    everything = "\n".join(event.text for event in story.events).lower()
    for draft in story.drafts:
        if (family := FAMILIES.get(draft.family)) is not None:
            for option in draft.options:
                value = _pattern(family.option).fullmatch(option)
                assert value is not None
                assert value["v"].lower() in everything


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_not_there_is_really_absent(seed) -> None:
    """Signs, people and shapes of unanswerable questions occur nowhere."""
    story = _story(seed)
    texts = {event.text for event in story.events}
    looks = {f"{e.look.get('colour')} {e.look.get('shape')}" for e in story.events if e.look}
    for draft in story.drafts:
        words = re.findall("“(.+?)”", draft.question)
        if draft.family == "visual":
            words = re.findall(r"\b[A-Z]{4,6} \d+\b", draft.question)
        lost = re.findall("lost the (.+)[?]", draft.question)
        raced = re.findall("large (.+) race", draft.question)
        if draft.answer is None:
            assert not set(words) & texts
            assert not any(f"lost the {thing}." in text for thing in lost for text in texts)
            assert not set(raced) & looks
        elif draft.family in ("period", "next", "visual"):
            assert set(words) <= texts


def test_quoted_signs_answer_no_other_question(tmp_path) -> None:
    """The words of a sign that a question quotes do not state what another one asks."""
    for seed in SEEDS:
        story = _story(seed)
        quotes = [d for d in story.drafts if d.family in ("period", "next")]
        quoted = " ".join(" ".join((d.question, *d.options)) for d in quotes).lower()
        for draft in story.drafts:
            if draft.family in FAMILIES and draft.answer is not None:
                (gold,) = draft.gold
                text = next(e.text for e in story.events if e.span == gold)
                assert text.lower() not in quoted


@pytest.mark.parametrize("minutes", [0.5, 1, 3, 600])
def test_stories_of_any_length_can_be_told(minutes) -> None:
    """From half a minute to ten hours: signs do not overlap, cuts spare signs, times grow."""
    for seed in range(8 if minutes < 10 else 1):
        story = _story(seed, minutes)
        signs = [event for event in story.events if event.kind in ("sign", "shape")]
        assert all(a.end <= b.start for a, b in pairwise(signs))
        cuts = [scene.start for scene in story.scenes[1:]]
        assert not any(sign.start < cut < sign.end for sign in signs for cut in cuts)
        assert all(event.start < event.end <= story.times.duration for event in story.events)
        starts = [event.start for event in story.events]
        assert starts == sorted(starts)
        assert len(story.drafts) >= 3
