"""Questions that only looking can answer: true, balanced, and hard to guess or to hit by chance."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise

import pytest

from videoseal.core.errors import SettingsError
from videoseal.core.span import Span
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.benchmarks.time_reference import read_references
from videoseal.evals.item import Item
from videoseal.evals.synthetic.facts.families import Family
from videoseal.evals.synthetic.facts.vocabulary import families
from videoseal.evals.synthetic.phrasings import plain_wordings, shipped_wordings, with_wordings
from videoseal.evals.synthetic.questions import questions_line
from videoseal.evals.synthetic.script import Story, tell_story
from videoseal.evals.synthetic.spec import VideoSpec

FAMILIES = families()
WORDINGS = shipped_wordings()
SEEDS = range(12)
TYPES = {"key information retrieval", "event understanding", "reasoning", "temporal grounding"}


@cache
def _story(seed: int, minutes: float = 60) -> Story:
    return tell_story(VideoSpec(seed=seed, minutes=minutes))


def _items(tmp_path, seed: int, minutes: float = 60) -> list[Item]:
    spec = VideoSpec(seed=seed, minutes=minutes)
    path = tmp_path / f"{spec.key}.questions.jsonl"
    path.write_text(questions_line(spec, _story(seed, minutes), WORDINGS)[0], encoding="utf-8")
    return benchmark("lvbench").load(path)


def _lettered(tmp_path, seed: int) -> list[Item]:
    """Questions with an option that is right."""
    return [item for item in _items(tmp_path, seed) if item.answerable and not item.free_text]


@pytest.mark.parametrize(("minutes", "least", "most"), [(1, 3, 5), (20, 12, 20), (60, 36, 44)])
def test_questions_load_in_the_published_format(tmp_path, minutes, least, most) -> None:
    """As many as fit the length, four different options each, evidence inside the video."""
    items = _items(tmp_path, 7, minutes)
    assert least <= len(items) <= most
    assert len({item.uid for item in items}) == len(items)
    for item in items:
        assert len(set(item.question.options)) == (0 if item.free_text else 4)
        assert item.answerable == bool(item.evidence) == bool(item.answer)
        assert all(0 <= start < end <= minutes * 60 for start, end in item.evidence)


def test_whole_seconds_cover_the_exact_spans() -> None:
    """`time_reference` is LVBench's; `gold` says the same to the frame."""
    spec = VideoSpec(seed=1, minutes=60)
    for asked in json.loads(questions_line(spec, _story(1), WORDINGS)[0])["qa"]:
        coarse = read_references(asked["time_reference"])
        fine = [Span(*pair) for pair in asked["gold"]]
        assert asked["hops"] == len(fine) == len(coarse) <= 2
        for outer, inner in zip(coarse, fine, strict=True):
            assert outer.start <= inner.start
            assert inner.end <= outer.end < inner.end + 1


def test_all_types_and_both_languages_are_asked_from_twenty_minutes_on() -> None:
    """A fifth has no answer, most need text, some two moments."""
    for seed in SEEDS:
        drafts = _story(seed, 20).drafts
        assert {name for draft in drafts for name in draft.types} >= TYPES
        assert 0.15 <= sum(draft.answer is None for draft in drafts) / len(drafts) <= 0.25
        assert sum(draft.evidence == "text" for draft in drafts) > len(drafts) / 2
        assert any(draft.evidence == "visual" for draft in drafts)
        assert any(len(draft.gold) == 2 for draft in drafts)
        assert any(draft.family.endswith("-zh") for draft in drafts)


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
        letters = Counter(item.answer for item in _lettered(tmp_path, seed))
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
        items = _lettered(tmp_path, seed)
        everything = " ".join(item.question.render() for item in items)
        asked += len(items)
        for item in items:
            for rule, place in _guesses(item, everything).items():
                right[rule] += item.question.letters[place] == item.answer
    # Three standard errors of a fair guess.
    slack = 3 * (0.25 * 0.75 / asked) ** 0.5
    assert {rule: n / asked for rule, n in right.items() if n / asked > 0.25 + slack} == {}


def _stated(story: Story, family: Family) -> list[dict[str, str]]:
    """Every fact of a family that reading the whole video tells, chains joined by shared names."""
    facts: list[dict[str, str]] = [{}]
    for kind, form in family.show:
        parts = re.split(r"\{(\w+)\}", form.replace("|", "\t") if kind == "table" else form)
        named = (f"(?P<{p}>.+?)" if number % 2 else re.escape(p) for number, p in enumerate(parts))
        pattern = re.compile("".join(named), re.IGNORECASE)
        found = [
            match.groupdict() | ({"v": event.board} if kind == "board" else {})
            for event in story.events
            if (kind == "board") == bool(event.board)
            for text in (event.lines if kind == "table" else ["|".join(event.lines)])
            if (match := pattern.fullmatch(text))
        ]
        facts = [a | b for a in facts for b in found if _agree(a, b)]
    return facts


def _agree(a: dict[str, str], b: dict[str, str]) -> bool:
    return all(a[name].lower() == b[name].lower() for name in a.keys() & b.keys())


@pytest.mark.parametrize("seed", SEEDS)
def test_facts_are_told_once_or_never(seed) -> None:
    """Reading all texts gives just the right option, or none at all; the others are shown too."""
    story, seen = _story(seed), set[str]()
    for draft in story.drafts:
        if (family := FAMILIES.get(draft.family)) is None:
            continue
        seen.add(family.kind)
        asked = {name: draft.fields[name] for name in _named(draft.family)}
        facts = _stated(story, family)
        assert {value.lower() for value in draft.values} <= {fact["v"].lower() for fact in facts}
        told = [fact["v"].lower() for fact in facts if _agree(fact, asked)]
        right = [] if draft.answer is None else [draft.values[draft.answer].lower()]
        assert told == right, (draft.family, asked)
        assert len(draft.gold) == (len(family.show) if right else 0)
    assert seen == {"sign", "subtitle", "table", "chain", "board"}


@pytest.mark.parametrize("seed", SEEDS)
def test_quoted_signs_answer_no_other_question(seed) -> None:
    """A sign that is quoted is shown where there is an answer, and states nothing that is asked."""
    story = _story(seed)
    texts = {event.text for event in story.events}
    quotes = [draft for draft in story.drafts if draft.family not in FAMILIES]
    for draft in quotes:
        assert (draft.fields["k"] in texts) == (draft.answer is not None)
    quoted = " ".join(" ".join((d.fields["k"], *d.options)) for d in quotes)
    for draft in story.drafts:
        if draft.family in FAMILIES:
            assert not any(e.text in quoted for e in story.events if e.span in draft.gold)


def _named(family: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", WORDINGS[family][0].text))


def test_each_family_is_asked_for_in_many_ways() -> None:
    """Eight phrasings or more, seen and unseen ones; each names the key, and none the value."""
    afterthoughts = {"period", "period-zh", "next"}
    assert set(WORDINGS) == set(FAMILIES) | afterthoughts
    everything = [phrasing.text for rows in WORDINGS.values() for phrasing in rows]
    assert len(set(everything)) == len(everything)
    for family, rows in WORDINGS.items():
        assert len(rows) >= 8, family
        assert sum(row.wording == "unseen" for row in rows) >= 2, family
        assert any(row.open for row in rows) or family in afterthoughts | {"missed", "colour"}
        for row in rows:
            assert set(re.findall(r"\{(\w+)\}", row.text)) == _named(family), row
    assert not any("{v}" in text for text in everything)


def test_a_third_of_the_questions_has_unseen_words(tmp_path) -> None:
    """Seen and unseen words are told apart by the item's group, and some questions are open."""
    for seed in SEEDS:
        items = _items(tmp_path, seed)
        groups = Counter(item.group for item in items)
        assert set(groups) == {"seen wording", "unseen wording"}
        assert abs(groups["unseen wording"] - len(items) / 3) < 1
        open_ones = [item for item in items if item.free_text]
        assert 2 <= len(open_ones) <= len(items) / 2
        assert all(item.exact for item in open_ones)


def test_other_words_ask_the_same_of_the_same_film(tmp_path) -> None:
    """A file of one's own is asked in; families that it lacks keep the shipped words."""
    path = tmp_path / "mine.yaml"
    path.write_text("gate:\n  - Gate {k}, when?\nlot:\n  - open: sum for {k}\n")
    spec, story = VideoSpec(seed=7, minutes=60), _story(7)
    mine, plain = (
        json.loads(questions_line(spec, story, words)[0])["qa"]
        for words in (with_wordings(path), plain_wordings())
    )
    assert [asked["gold"] for asked in mine] == [asked["gold"] for asked in plain]
    given = [asked["question"] for asked in mine if asked["wording"] == "given"]
    assert given
    assert all(text.startswith(("Gate ", "sum for ")) for text in given)
    assert {asked["wording"] for asked in mine} == {"given", "seen", "unseen"}
    assert {asked["wording"] for asked in plain} == {"seen"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("gates:\n  - Gate {k}?\n", "gates"),
        ("gate:\n  - Gate {number}?\n", "{k}"),
        ("gate:\n  - Gate {k?\n", "{k}"),
        ("gate:\n  - {open: 3}\n", "gate"),
        ("gate: Gate {k}?\n", "gate"),
        ("- a\n", "dict"),
        ("a: [", "mine.yaml"),
        (None, "mine.yaml"),
    ],
)
def test_wordings_that_are_none_are_refused(tmp_path, text, word) -> None:
    """What is wrong with a file of wordings is one error that names the place."""
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=re.escape(word)):
        with_wordings(path)


@pytest.mark.parametrize("minutes", [0.5, 1, 3, 600])
def test_stories_of_any_length_can_be_told(minutes) -> None:
    """From half a minute to ten hours: signs do not overlap, cuts spare signs, times grow."""
    for seed in range(8 if minutes < 10 else 1):
        story = _story(seed, minutes)
        signs = [event for event in story.events if event.kind in ("sign", "table")]
        assert all(a.end <= b.start for a, b in pairwise(signs))
        cuts = [scene.start for scene in story.scenes[1:]]
        assert not any(sign.start < cut < sign.end for sign in signs for cut in cuts)
        assert all(event.start < event.end <= story.times.duration for event in story.events)
        starts = [event.start for event in story.events]
        assert starts == sorted(starts)
        assert len(story.drafts) >= 3
