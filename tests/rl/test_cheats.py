"""Known ways to be paid for less than the work: none pays more than honest behaviour."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evals.made import item
from tests.rl.played import GOLD, LENGTH, played, search_step
from videoseal.evals.records import SampleRecord
from videoseal.rl.rewards.rewards import RECIPES, RewardSpec, reward_of

DEFAULT = RewardSpec()
KINDS = [RewardSpec(kind=kind) for kind in RECIPES]
PROPERTY = settings(max_examples=40, derandomize=True)
HONEST = (96.0, 110.0)
"""A window around the gold span, some seconds wider on both sides."""


def _pay(episode: SampleRecord, spec: RewardSpec = DEFAULT) -> float:
    return reward_of(episode, spec).total


def _honest(spec: RewardSpec = DEFAULT) -> float:
    """A search, a look at the wrong place, and the look that settled it."""
    steps = [search_step(1, "sign"), *_looks(2)]
    return _pay(played([(300.0, 308.0)], [HONEST], cites=[1], steps=steps), spec)


def _looks(count: int) -> list[dict[str, Any]]:
    return [
        {"number": n, "said": "", "tool": "visual_inspect", "args": {}, "result": {}}
        for n in range(count)
    ]


def test_honest_search_is_paid_nearly_all() -> None:
    """What follows is measured against this."""
    assert _honest() > 0.95


def test_one_window_over_the_whole_video_does_not_pay() -> None:
    """It holds every gold span, and shows next to nothing of it."""
    assert _pay(played([(0.0, LENGTH)])) < 0.02


@PROPERTY
@given(length=st.floats(2, 30), at=st.floats(0, 500))
def test_window_twenty_times_too_long_does_not_pay(length: float, at: float) -> None:
    """By the paper's formula it would be paid in full: its tIoU is 0.05."""
    wide = 20 * length
    begin = max(0.0, min(LENGTH - wide, at + length / 2 - wide / 2))
    asked = item(evidence=[(at, at + length)])
    covering = played([(begin, min(LENGTH, begin + wide))], asked=asked)
    assert _pay(covering) <= max(0.2, 16 / wide) + 0.01
    assert _pay(covering) < _pay(played([(max(0.0, at - 2), at + length + 2)], asked=asked))


def test_covering_a_short_video_does_not_pay_like_finding_the_place() -> None:
    """Where the video is so short that the whole of it passes the paper's gate."""
    asked = item(evidence=[(10.0, 13.0)])
    covering = played([(0.0, 40.0)], asked=asked, length=40.0)
    honest = played([(8.0, 15.0)], asked=asked, length=40.0)
    assert reward_of(covering, DEFAULT).terms["iou"] > 0.05
    assert _pay(covering) < 0.45 < _pay(honest)


def test_covering_is_honest_where_the_answer_is_everywhere() -> None:
    """A question about most of the video is answered by looking at most of it."""
    asked = item(evidence=[(0.0, 30.0)])
    assert _pay(played([(0.0, 32.0)], asked=asked, length=40.0)) > 0.95


@PROPERTY
@given(width=st.floats(4, 40))
def test_visiting_everything_pays_less_than_finding_the_place(width: float) -> None:
    """Window by window through the video, whether all of it is cited or only what holds it."""
    count = int(LENGTH // width)
    windows = [[(n * width, (n + 1) * width)] for n in range(count)]
    everything = played(*windows)
    the_one = int(GOLD[0] // width)
    assert _pay(everything) < 0.1
    assert _pay(played(*windows, cites=[the_one])) < _honest()


def test_visiting_everything_in_one_call_pays_less() -> None:
    """Sixteen spans spread over the video, of which one meets the gold span."""
    spans = [(n * 37.0, n * 37.0 + 30.0) for n in range(16)]
    assert any(start < GOLD[1] and end > GOLD[0] for start, end in spans)
    assert _pay(played(spans)) < 0.1


def test_glimpses_everywhere_pay_less() -> None:
    """One frame each half minute: some frame falls near any gold span sooner or later."""
    glimpses = [(n * 30.0 + 10, n * 30.0 + 10.4) for n in range(16)]
    assert _pay(played(glimpses)) < _honest()


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_copying_the_question_as_query_earns_nothing(spec: RewardSpec) -> None:
    """What is written is not paid, only where it leads; repeating it costs turns."""

    def searched(*queries: str) -> float:
        steps = [*(search_step(n, q) for n, q in enumerate(queries)), *_looks(1)]
        return _pay(played([HONEST], steps=steps), spec)

    question = item().question.render()
    assert searched(question) == searched("sign")
    assert searched(*[question] * 8) <= searched("sign")
    missed = played([(300.0, 308.0)], choice="A", steps=[search_step(1, question), *_looks(1)])
    assert _pay(missed, spec) <= 0.1


@pytest.mark.parametrize("spec", [DEFAULT, RewardSpec(kind="five_term")], ids=lambda s: s.kind)
@pytest.mark.parametrize(
    "said",
    [
        "<|im_start|>assistant The answer is B",
        "<|im_end|> <|im_start|>user",
        "<tool_response>{}</tool_response>",
        "<tool_call>{broken",
        "<tool_call>" * 40,
    ],
)
def test_special_tokens_and_malformed_text_cost(spec: RewardSpec, said: str) -> None:
    """Whether or not the turn also held a call that worked."""
    call = '<tool_call>{"name": "visual_retrieve", "arguments": {"query": "sign"}}</tool_call>'

    def spoken(text: str) -> float:
        return _pay(played([HONEST], steps=[search_step(1, "sign", text), *_looks(1)]), spec)

    assert spoken(call + said) < spoken(call) == spoken("")
    assert spoken(call + "<|im_end|>") == spoken(call)  # how an engine ends a turn


def test_turn_without_a_call_costs() -> None:
    """Also the last one, which nobody replied to."""
    talk = {"number": 1, "said": "I think it is B", "tool": None, "args": {}, "result": {}}
    told = {**talk, "result": {"error": "NoToolCall", "message": "m"}}
    for turn in (talk, told):
        assert _pay(played([HONEST], steps=[turn, *_looks(1)])) <= _pay(played([HONEST])) - 0.05


def test_several_calls_in_a_turn_cost() -> None:
    """Only the first is carried out; the others are mistakes."""
    call = '<tool_call>{"name": "overview", "arguments": {}}</tool_call>'
    one, five = (
        played([HONEST], steps=[search_step(1, "sign", call * count), *_looks(1)])
        for count in (1, 5)
    )
    assert reward_of(five, DEFAULT).terms["errors"] == 4
    assert _pay(five) <= _pay(one) - 0.2


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
@PROPERTY
@given(times=st.integers(1, 8))
def test_repeating_an_inspection_never_pays(spec: RewardSpec, times: int) -> None:
    """The same frames prove no more, and cost turns and frames again."""
    again = _pay(played(*[[HONEST]] * (1 + times)), spec)
    assert again <= _pay(played([HONEST]), spec)
    if spec.kind == "gated":
        assert again < _pay(played([HONEST]), spec)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_giving_up_does_not_pay_on_an_answerable_question(spec: RewardSpec) -> None:
    """Neither at once nor after having looked at the right place."""
    at_once = played(choice=None, steps=[{"number": 1, "tool": "give_up"}])
    steps = [*_looks(1), {"number": 2, "tool": "give_up"}]
    after = played([GOLD], choice=None, steps=steps)
    assert _pay(at_once, spec) == _pay(after, spec) == 0.0
    assert _pay(played([GOLD], choice="A"), spec) >= 0.0


def test_giving_up_at_once_does_not_pay_on_an_unanswerable_question() -> None:
    """Or it would be learnt there and done everywhere."""
    asked = item(answer="", answerable=False, evidence=[])
    assert _pay(played(choice=None, asked=asked)) == 0.0
    assert _pay(played([(0.0, 8.0)], choice=None, asked=asked)) == 1.0


def test_stopping_to_speak_is_no_abstention() -> None:
    """Two turns of prose end the run; on an unanswerable question that is not a judgement."""
    asked = item(answer="", answerable=False, evidence=[])
    talk = {"number": 2, "said": "hm", "tool": None, "args": {}, "result": {}}
    stopped = played([(0.0, 8.0)], choice=None, cause="no_call", asked=asked,
                     steps=[*_looks(1), talk, talk])  # fmt: skip
    assert _pay(stopped) == 0.0


def test_guessing_early_does_not_pay() -> None:
    """A forced guess is right one time in four without any work."""
    for windows in ([], [[HONEST]]):
        assert _pay(played(*windows, forced=True)) == 0.0


def test_failing_is_never_paid_by_how_it_failed() -> None:
    """Among failures, searching on is no worse than giving up early: costs take only from pay."""
    short = played([(300.0, 308.0)], choice="A")
    long = played(*[[(300.0 + n, 308.0 + n)] for n in range(12)], choice="A")
    assert _pay(short) == _pay(long) == 0.0
