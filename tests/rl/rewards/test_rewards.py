"""What an episode is paid: kinds, gates, costs, and the defaults that papers' numbers rest on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.evals.made import item, record
from tests.rl.played import GOLD, played, search_step
from videoseal.core.span import Span
from videoseal.evals.records import SampleError
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.models.types import Question
from videoseal.rl.rewards.rewards import RECIPES, TERMS, RewardSpec, reward_of
from videoseal.rl.rewards.span_overlap import ShownSpans, proof, shown, together, wide_enough

FREE = RewardSpec(step_cost=0, frame_cost=0)
"""The gated reward without costs, to see the gate alone."""
UNANSWERABLE = item(answer="", answerable=False, evidence=[])
KINDS = [RewardSpec(kind=kind) for kind in RECIPES]
PROPERTY = settings(max_examples=40, derandomize=True)


def _pay(*args: object, spec: RewardSpec = FREE, **kwargs: object) -> float:
    return reward_of(played(*args, **kwargs), spec).total  # type: ignore[arg-type]


def test_defaults_are_those_that_were_decided_on() -> None:
    """A change of any default changes what was learnt; it must be made on purpose."""
    common = {
        "judge_weight": 0.0, "target": 0.05, "window_s": 16.0, "gold_s": 2.0, "abstained": 0.0,
        "forced": False, "most_cost": 0.5,
    }  # fmt: skip
    alone = {"final_weight": 1.0, "tool_weight": 0.0, "look_weight": 0.0, "form_weight": 0.0}
    assert RewardSpec().model_dump() == {
        **common, **alone, "kind": "gated", "slack": 4.0, "looks": 1, "errors": "cost",
        "step_cost": 0.005, "frame_cost": 0.0002, "error_cost": 0.05,
    }  # fmt: skip
    assert RewardSpec(kind="outcome").model_dump() == {
        **common, **alone, "kind": "outcome", "slack": 4.0, "looks": 1, "errors": "cost",
        "step_cost": 0.0, "frame_cost": 0.0, "error_cost": 0.0,
    }  # fmt: skip
    assert RewardSpec(kind="five_term").model_dump() == {
        **common, "final_weight": 0.6, "tool_weight": 0.2, "look_weight": 0.1, "form_weight": 0.1,
        "kind": "five_term", "slack": None, "looks": 0, "errors": "zero",
        "step_cost": 0.0, "frame_cost": 0.0, "error_cost": 0.0,
    }  # fmt: skip


def test_spec_survives_json() -> None:
    """A spec read back from a run's config is the same, whatever its kind and changes."""
    for spec in [*KINDS, RewardSpec(kind="five_term", slack=3, step_cost=0.01)]:
        assert RewardSpec.model_validate_json(spec.model_dump_json()) == spec
    with pytest.raises(ValidationError, match="taget"):
        RewardSpec.model_validate({"taget": 0.1})


def test_right_and_seen_is_paid_in_full() -> None:
    """A right answer from a window on the gold span opens every gate."""
    for spec in [FREE, RewardSpec(kind="outcome")]:
        assert _pay([(98.0, 108.0)], spec=spec) == 1.0
    seen = reward_of(played([(100.0, 106.0)]), RewardSpec(kind="five_term"))
    assert seen.total == 1.0
    assert seen.terms["f1"] == 1.0


def test_right_without_having_seen_it_is_paid_by_outcome_alone() -> None:
    """That is the difference that the gate makes."""
    elsewhere = [(300.0, 310.0)]
    assert _pay(elsewhere) == 0.0
    assert _pay(elsewhere, spec=RewardSpec(kind="outcome")) == 1.0
    assert _pay(elsewhere, spec=RewardSpec(kind="five_term")) == 0.0


def test_gate_opens_as_the_paper_says() -> None:
    """Below the target the pay is tIoU / 0.05."""
    spec = RewardSpec(step_cost=0, frame_cost=0, slack=None)
    long = reward_of(played([(100.0, 300.0)], fps=60.0), spec)
    # 64 frames over 200 s are 3.125 s apart, so two thirds of the gold span were seen: 4 s.
    assert long.terms["iou"] == pytest.approx(4 / (200 + 6 - 4), rel=0.05)
    assert long.total == pytest.approx(long.terms["iou"] / 0.05, abs=1e-5)


def test_wrong_answers_and_errors_are_paid_nothing() -> None:
    """Whatever was looked at; also where the run failed or nothing was recorded."""
    failed = record(error=SampleError(type="ModelUnavailable", message="m"))
    for spec in [FREE, RewardSpec(kind="outcome")]:
        assert _pay([GOLD], choice="C", spec=spec) == 0.0
        assert reward_of(failed, spec).total == 0.0
    assert set(reward_of(failed, FREE).terms) == set(TERMS)


def test_terms_have_the_same_keys_always() -> None:
    """The trainer takes a mean of every key over all samples."""
    episodes = [played([GOLD]), played([GOLD], choice=None), played(asked=UNANSWERABLE), record()]
    for spec in KINDS:
        for episode in episodes:
            found = reward_of(episode, spec)
            assert tuple(found.terms) == TERMS
            assert all(type(value) is float for value in (found.total, *found.terms.values()))


def test_questions_without_gold_spans_are_paid_by_the_answer() -> None:
    """There is nothing to gate on."""
    asked = item(evidence=[])
    assert _pay([(300.0, 310.0)], asked=asked) == 1.0
    assert _pay([(300.0, 310.0)], asked=asked, choice="A") == 0.0
    assert _pay([GOLD], asked=asked, spec=RewardSpec(kind="five_term")) == 1.0


def test_abstaining_is_right_only_where_nothing_answers_and_after_a_look() -> None:
    """Without the look, giving up at once would be the cheapest way to be right."""
    assert _pay([GOLD], asked=UNANSWERABLE, choice=None) == 1.0
    assert _pay(asked=UNANSWERABLE, choice=None) == 0.0
    assert _pay([GOLD], asked=UNANSWERABLE, choice=None, cause="steps") == 1.0
    assert _pay([GOLD], asked=UNANSWERABLE, choice=None, cause="no_call") == 0.0
    assert _pay([GOLD], asked=UNANSWERABLE, choice="A") == 0.0


def test_searching_long_before_abstaining_costs_nothing() -> None:
    """Who says that it is nowhere must have looked for it."""
    once = _pay([GOLD], asked=UNANSWERABLE, choice=None, spec=RewardSpec())
    often = _pay(*[[(s, s + 8)] for s in range(0, 400, 40)], asked=UNANSWERABLE, choice=None,
                 spec=RewardSpec())  # fmt: skip
    assert once == often == 1.0


def test_abstention_on_an_answerable_question_can_be_better_than_wrong() -> None:
    """A configured pay lies above that of a wrong answer and below that of a right one."""
    spec = RewardSpec(abstained=0.1)
    wrong, none = _pay([GOLD], choice="A", spec=spec), _pay([GOLD], choice=None, spec=spec)
    assert wrong < none < _pay([GOLD], spec=spec)
    assert _pay(choice=None, spec=spec) == 0.0
    assert _pay([GOLD], choice=None) == 0.0
    with pytest.raises(ValidationError):
        RewardSpec(abstained=0.5)


def test_forced_guesses_earn_nothing_unless_asked_for() -> None:
    """A guess is not an answer, even a right one."""
    for spec in KINDS:
        assert _pay([GOLD], forced=True, spec=spec) <= 0.4
    assert _pay([GOLD], forced=True) == 0.0
    assert _pay([GOLD], forced=True, spec=FREE.model_copy(update={"forced": True})) == 1.0


def test_judge_can_only_take_away_from_the_gated_reward() -> None:
    """It weighs a right answer's pay, and makes no wrong one right."""
    spec = FREE.model_copy(update={"judge_weight": 0.4})
    right, wrong = played([GOLD]), played([GOLD], choice="A")
    assert reward_of(right, spec, 1.0).total == reward_of(right, spec).total == 1.0
    assert reward_of(right, spec, 0.0).total == 0.6
    assert reward_of(wrong, spec, 1.0).total == 0.0


def test_free_text_is_right_as_far_as_the_judge_says() -> None:
    """No rule can tell whether prose is right."""
    asked = item(question=Question(text="What happens?"), answer="a fire", evidence=[GOLD])
    episode = played([GOLD], asked=asked)
    assert reward_of(episode, FREE).total == 0.0
    assert reward_of(episode, FREE, 0.75).total == 0.75


def test_five_terms_are_the_sum_of_their_weights() -> None:
    """A wrong answer from a window on the gold span still earns the terms on overlap."""
    spec = RewardSpec(kind="five_term", judge_weight=0.3)
    episode = played([(100.0, 112.0)], choice="A")
    found = reward_of(episode, spec, 0.5)
    assert found.terms["f1"] == pytest.approx(2 * 6 / (12 + 6))
    expected = 0.2 * found.terms["f1"] + 0.1 * 1 + 0.1 * 1 + 0.3 * 0.5
    assert found.total == pytest.approx(expected, abs=1e-6)


def test_five_terms_want_the_last_turn_to_have_settled_it() -> None:
    """Joined after giving up, or from an inspection that asked for more, an answer is worth 0."""
    spec = RewardSpec(kind="five_term")
    after = played([GOLD], steps=[search_step(1, "door")])
    assert reward_of(after, spec).total == 0.0
    unsettled = played([GOLD])
    assert unsettled.episode is not None
    unsettled.episode["evidence"][0]["sufficient"] = False
    assert reward_of(unsettled, spec).total == 0.0


def test_costs_take_a_share_and_no_more_than_agreed() -> None:
    """A right answer never pays less than the uncosted half, and a wrong one never below 0."""
    spec = RewardSpec(step_cost=0.1, frame_cost=0.0)
    assert _pay([GOLD], spec=spec) == 0.9
    many = [[(s, s + 1.0)] for s in range(20)]
    assert _pay([GOLD], *many, cites=[0], spec=spec) == 0.5
    assert _pay([GOLD], choice="A", spec=spec) == 0.0
    half = [(GOLD[0] - 13.0, GOLD[1] + 13.0)]
    assert _pay(half) == 0.75
    assert _pay(half, spec=spec) == 0.675
    frames = RewardSpec(step_cost=0, frame_cost=0.001)
    assert _pay([GOLD], spec=frames) == 0.988


def test_infrastructure_trouble_is_no_mistake() -> None:
    """Only what the policy did wrong costs."""
    broken = {"error": "ModelUnavailable", "message": "m"}
    bad = {"error": "SpanError", "message": "m"}
    base = {"number": 1, "said": "", "tool": "visual_inspect", "args": {}}
    spec = RewardSpec(step_cost=0, frame_cost=0)
    assert _pay([GOLD], steps=[{**base, "result": broken}], spec=spec) == 1.0
    assert _pay([GOLD], steps=[{**base, "result": bad}], spec=spec) == 0.95
    zero = spec.model_copy(update={"errors": "zero"})
    assert _pay([GOLD], steps=[{**base, "result": bad}], spec=zero) == 0.0


def test_spans_that_lost_their_frames_to_the_budget_are_no_mistake() -> None:
    """A span that could not be read is one; a span for which no frame was left is not."""
    base = {"number": 1, "said": "", "tool": "visual_inspect", "args": {}}

    def told(why: str) -> float:
        rejected = [{"span": "x", "error": why}]
        return _pay([GOLD], steps=[{**base, "result": {"rejected": rejected}}])

    assert told("no frames are left for this span") == 1.0
    assert told("cannot read 'x' as a span") == 0.95


def test_frames_seen_densely_are_a_window_and_sparsely_are_glimpses() -> None:
    """The hull is what the span takes; what was seen is near its frames."""
    dense = shown_of(20.0, 30.0)
    assert dense.seen == [dense.hull]
    assert (dense.hull.start, dense.hull.end) == pytest.approx((20.0, 30.0))
    sparse = shown_of(0.0, 600.0)
    assert sparse.hull.duration == pytest.approx(600.0)
    assert len(sparse.seen) == 64
    assert sum(span.duration for span in sparse.seen) == pytest.approx(128.0)


def shown_of(start: float, end: float) -> ShownSpans:
    """The one window of an inspection of one span."""
    episode = outcome_of(played([(start, end)])).episode
    assert episode is not None
    (window,) = shown(episode)
    return window


def test_short_gold_is_widened_to_what_can_be_met() -> None:
    """A moment of one frame at the very start of the video, too."""
    moment, whole = wide_enough([(50.0, 60.0), (10.0, 10.04)], 2.0)
    assert (moment.start, moment.end) == pytest.approx((9.02, 11.02))
    assert whole == Span(50.0, 60.0)
    (first,) = wide_enough([(0.0, 0.04)], 2.0)
    assert first.start == 0.0
    assert first.end >= 0.04


def test_gate_looks_at_what_carries_the_answer() -> None:
    """Places that were visited and not cited neither open the gate nor close it."""
    assert _pay([GOLD], [(300.0, 330.0)], cites=[0]) == 1.0
    assert _pay([GOLD], [(300.0, 330.0)], cites=[1]) == 0.0


def test_spans_in_which_nothing_was_seen_carry_nothing() -> None:
    """Of an inspection of several places, only those with a cited frame are the proof."""
    episode = played([GOLD, (300.0, 340.0)])
    both = reward_of(episode, FREE).total
    assert episode.episode is not None
    (citation,) = episode.episode["answer"]["citations"]
    citation["frames"] = [frame for frame in citation["frames"] if frame["time"] < 300]
    assert reward_of(episode, FREE).total == 1.0
    assert both < 0.6


def test_answer_that_cites_nothing_rests_on_all_that_was_shown() -> None:
    """As the planner's own answer in `coupled`."""
    episode = outcome_of(played([GOLD], [(300.0, 330.0)], cites=[])).episode
    assert episode is not None
    assert proof(episode) == shown(episode)


@PROPERTY
@given(
    start=st.floats(0, GOLD[0]),
    nearer=st.floats(0, 1),
    length=st.floats(2, 20),
)
def test_pay_rises_as_a_window_slides_to_the_gold_span(
    start: float, nearer: float, length: float
) -> None:
    """Of two windows of one length before it, that nearer to the gold span earns no less."""
    moved = start + (GOLD[0] - start) * nearer
    assert _pay([(moved, moved + length)]) >= _pay([(start, start + length)]) - 1e-6


@PROPERTY
@given(before=st.floats(0, 90), after=st.floats(0, 450), shrink=st.floats(0, 1))
def test_pay_rises_as_a_covering_window_shrinks(before: float, after: float, shrink: float) -> None:
    """Up to what the frames catch of the gold span."""
    wide = (GOLD[0] - before, GOLD[1] + after)
    tight = (GOLD[0] - before * shrink, GOLD[1] + after * shrink)
    # Where frames lie more than two seconds apart, which of them hit the span is chance.
    slack = 0.12
    assert _pay([tight]) >= _pay([wide]) * (1 - slack) - 1e-6


@PROPERTY
@given(useless=st.lists(st.floats(120, 560), max_size=6), cited=st.booleans())
def test_useless_windows_never_raise_the_pay(useless: list[float], cited: bool) -> None:
    """Whether or not they are cited, and under every kind of reward."""
    extra = [[(start, start + 12.0)] for start in useless]
    cites = None if cited else [len(extra)]
    for spec in [FREE, *KINDS]:
        more = _pay(*extra, [(96.0, 110.0)], cites=cites, spec=spec)
        assert more <= _pay([(96.0, 110.0)], spec=spec)


@PROPERTY
@given(asked_for=st.lists(st.tuples(st.floats(0, 590), st.floats(0.5, 10)), max_size=5))
def test_spans_that_were_not_shown_change_nothing(asked_for: list[tuple[float, float]]) -> None:
    """A span without frames is as if it had not been asked for; here it covers no shown frame."""
    spans = [(s, s + d) for s, d in asked_for if s + d <= 96 or s >= 110]
    for spec in KINDS:
        plain = played([(96.0, 110.0)])
        padded = played([(96.0, 110.0)])
        assert padded.episode is not None
        padded.episode["evidence"][0]["spans"] += spans
        padded.episode["answer"]["citations"][0]["spans"] += spans
        assert reward_of(padded, spec) == reward_of(plain, spec)


@PROPERTY
@given(
    spans=st.lists(st.tuples(st.floats(0, 590), st.floats(0.1, 600)), max_size=5),
    choice=st.sampled_from(["A", "B", None]),
    verdict=st.one_of(st.none(), st.floats(-1, 2)),
)
def test_rewards_are_shares_rounded_to_six_digits(
    spans: list[tuple[float, float]], choice: str | None, verdict: float | None
) -> None:
    """No noise in the last bits may become an advantage among equals."""
    inspections = [[(s, min(600.0, s + d))] for s, d in spans]
    if choice and not inspections:
        return
    for spec in KINDS:
        found = reward_of(played(*inspections, choice=choice), spec, verdict)
        assert 0.0 <= found.total <= 1.0
        assert found.total == round(found.total, 6)
        assert found == reward_of(played(*inspections, choice=choice), spec, verdict)


def test_overlap_of_nothing_is_nothing() -> None:
    """No window meets no gold span."""
    window = shown_of(20.0, 30.0)
    assert together([], [Span(0, 1)]) == together([window], []) == (0.0, 0.0)
