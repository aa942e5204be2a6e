"""Official scores on frozen predictions, and against a second statement of each rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.scoring.official import (
    LVBENCH_CODES,
    cgbench,
    longvideobench,
    lvbench,
    mlvu,
    videomme,
)
from videoseal.evals.scoring.sample_result import SampleResult
from videoseal.evals.scoring.systems import score_frame
from videoseal.models.types import Question

TYPES = list(LVBENCH_CODES)


def _item(
    uid: int, answer: str, categories: list[str], group: str = "", gold: tuple[int, int] = (0, 10)
) -> Item:
    return Item(
        benchmark="x",
        uid=str(uid),
        video="v",
        question=Question(text="What?", options=["a", "b", "c", "d"]),
        answer=answer,
        categories=categories,
        group=group,
        evidence=[gold],
    )


class Prediction(NamedTuple):
    """What a system submits for one question."""

    letter: str | None = None
    spans: Sequence[Span] = ()


Asked = list[tuple[Item, Prediction | None]]


@st.composite
def _asked(draw: st.DrawFn) -> Asked:
    """Questions of random types and groups, each with a random prediction or none at all."""
    asked: Asked = []
    for uid in range(draw(st.integers(1, 25))):
        start, length = draw(st.integers(0, 50)), draw(st.integers(1, 30))
        item = _item(
            uid,
            draw(st.sampled_from("ABCD")),
            draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True)),
            draw(st.sampled_from(["short", "long"])),
            (start, start + length),
        )
        letter = draw(st.sampled_from(["A", "B", "C", "D", None]))
        spans = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=7))
        made = Prediction(letter, [Span(a, a + b) for a, b in spans])
        asked.append((item, draw(st.sampled_from([made, made, None]))))
    return asked


def _frame(items: Iterable[Item], predicted: Mapping[str, Prediction]) -> Any:
    """What the scorers take, by way of what a record holds; no prediction is an error."""
    return score_frame(_result(item, predicted.get(item.uid)) for item in items)


def _result(item: Item, predicted: Prediction | None) -> SampleResult:
    if predicted is None:
        return SampleResult(item=item, mode="decoupled")
    cited = [{"spans": [(s.start, s.end)], "frames": [{"time": s.start}]} for s in predicted.spans]
    answer = {"outcome": "answered", "choice": predicted.letter, "citations": cited}
    made = {"item": item, "mode": "decoupled", "episode": {"answer": answer}}
    return SampleResult.model_validate(made)


def _split(asked: Asked) -> Any:
    return _frame([i for i, _ in asked], {i.uid: p for i, p in asked if p is not None})


def _right(item: Item, prediction: Prediction | None) -> int:
    return int(prediction is not None and prediction.letter == item.answer)


def _share(rights: list[int]) -> float:
    return float(Fraction(sum(rights), len(rights))) if rights else 0.0


@settings(max_examples=25)
@given(_asked())
def test_lvbench_divides_by_what_was_answered(asked: Asked) -> None:
    """Per type and overall, correct over answered, with two types counted twice."""
    figures = lvbench(_split(asked))
    answered = [(i, p) for i, p in asked if p is not None and p.letter is not None]
    assert figures["Overall"] == _share([_right(i, p) for i, p in answered])
    for name, code in LVBENCH_CODES.items():
        assert figures[code] == _share([_right(i, p) for i, p in answered if name in i.categories])


@settings(max_examples=25)
@given(_asked())
def test_videomme_and_longvideobench_count_missing_as_wrong(asked: Asked) -> None:
    """Per group and overall, correct over all."""
    items = [i for i, _ in asked]
    for scorer in (videomme, longvideobench):
        figures = scorer(_split(asked))
        assert figures["overall"] == _share([_right(i, p) for i, p in asked])
        for group in {i.group for i in items}:
            members = [_right(i, p) for i, p in asked if i.group == group]
            assert figures[group] == _share(members)


@settings(max_examples=25)
@given(_asked())
def test_mlvu_weighs_tasks_alike(asked: Asked) -> None:
    """M-Avg is the mean of task accuracies, however many questions a task has."""
    figures = mlvu(_split(asked))
    tasks = {i.categories[0] for i, _ in asked}
    shares = [_share([_right(i, p) for i, p in asked if i.categories[0] == t]) for t in tasks]
    assert figures["M-Avg"] == pytest.approx(sum(shares) / len(shares))


def _covered(spans: list[Span]) -> set[int]:
    return {t for s in spans for t in range(int(s.start), int(s.end))}


@settings(max_examples=25)
@given(_asked())
def test_cgbench_joins_grounding_and_answer(asked: Asked) -> None:
    """IoU of the sets of covered seconds; acc@IoU counts a threshold only with a right answer."""
    figures = cgbench(_split(asked))
    ious, accs, recs = [], [], []
    for item, prediction in asked:
        gold = _covered([Span(*pair) for pair in item.evidence])
        seen = _covered(list(prediction.spans[:5])) if prediction else set()
        iou = Fraction(len(gold & seen), len(gold | seen))
        reached = [iou >= Fraction(t, 10) for t in range(1, 6)]
        ious.append(float(iou))
        recs.append(sum(reached) / 5)
        accs.append(sum(hit and bool(_right(item, prediction)) for hit in reached) / 5)
    n = len(asked)
    assert figures["mIoU"] == pytest.approx(sum(ious) / n)
    assert figures["rec@IoU"] == pytest.approx(sum(recs) / n)
    assert figures["acc@IoU"] == pytest.approx(sum(accs) / n)
    assert figures["long-acc"] == pytest.approx(_share([_right(i, p) for i, p in asked]))


def test_frozen_lvbench_predictions() -> None:
    """A hand-checked table: 4 asked, 3 answered, 2 right; the two-type question counts twice."""
    items = [
        _item(0, "A", [TYPES[0], TYPES[1]]),
        _item(1, "B", [TYPES[0]]),
        _item(2, "C", [TYPES[1]]),
        _item(3, "D", [TYPES[5]]),
    ]
    predicted = {"0": Prediction("A"), "1": Prediction("D"), "2": Prediction("C")}
    figures = lvbench(_frame(items, predicted))
    assert (figures["KIR"], figures["EU"], figures["TG"]) == (0.5, 1.0, 0.0)
    assert figures["Overall"] == 2 / 3


def test_frozen_cgbench_predictions() -> None:
    """Right with IoU 0.3 earns 3 of 5 thresholds; wrong with a perfect span earns none."""
    items = [_item(0, "A", ["x"], gold=(0, 10)), _item(1, "B", ["x"], gold=(20, 30))]
    predicted = {
        "0": Prediction("A", [Span(7, 10)]),
        "1": Prediction("C", [Span(20, 30)]),
    }
    figures = cgbench(_frame(items, predicted))
    assert figures["long-acc"] == 0.5
    assert figures["mIoU"] == pytest.approx(0.65)
    assert figures["rec@IoU"] == pytest.approx(0.8)
    assert figures["acc@IoU"] == pytest.approx(0.3)


def test_frozen_mlvu_predictions() -> None:
    """Two tasks of 2 and 1 questions, 1 and 1 right: M-Avg is 0.75 where the overall is 2/3."""
    items = [_item(0, "A", ["ego"]), _item(1, "B", ["ego"]), _item(2, "C", ["order"])]
    predicted = {"0": Prediction("A"), "2": Prediction("C")}
    assert mlvu(_frame(items, predicted)) == {"ego": 0.5, "order": 1.0, "M-Avg": 0.75}


def test_frozen_videomme_predictions() -> None:
    """Short 1 of 2, long 0 of 1 with no prediction; overall over all three."""
    items = [_item(0, "A", ["t"], "short"), _item(1, "B", ["t"], "short")]
    items.append(_item(2, "C", ["t"], "long"))
    predicted = {"0": Prediction("A"), "1": Prediction("C")}
    assert videomme(_frame(items, predicted)) == {"short": 0.5, "long": 0.0, "overall": 1 / 3}


def test_frozen_longvideobench_predictions() -> None:
    """By duration group and by kind of question, each over all of its questions."""
    items = [_item(0, "A", ["S2E"], "15"), _item(1, "B", ["S2E"], "3600")]
    items.append(_item(2, "C", ["T3O"], "3600"))
    predicted = {"0": Prediction("A"), "1": Prediction("C"), "2": Prediction("C")}
    assert longvideobench(_frame(items, predicted)) == {
        "15": 1.0, "3600": 0.5, "S2E": 0.5, "T3O": 1.0, "overall": 2 / 3,
    }  # fmt: skip
