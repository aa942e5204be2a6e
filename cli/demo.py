"""`videoseal demo`: the whole path once, on a generated video whose truth is known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cli.answer_view import print_answer
from cli.ask import ask_once
from cli.index import index_one
from cli.invocation import Invocation, json_option, pass_invocation
from cli.output import emit_json, notes, plain
from cli.progress import display
from core.errors import VideosealError
from core.span import Span, format_time

if TYPE_CHECKING:
    from evals.item import Item
    from evals.synthetic.spec import GeneratedVideo
    from graph.episode import Episode
    from graph.resources import Resources
    from indexing.rows import VideoRow

__all__ = ["Check", "check", "choose", "demo"]


class Check(NamedTuple):
    """An answer held against the truth of the generated video."""

    passed: bool
    says: str


@click.command()
@click.option("--minutes", type=click.FloatRange(1), default=20.0, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@json_option
@pass_invocation
def demo(invocation: Invocation, minutes: float, seed: int) -> int:
    """Generate a long video, index it, and ask three questions, one of which has no answer.

    Every answer is held against what is known of the video; the exit code is 1 if one fails.
    What was made is kept in the data folder, so a second run only asks.
    """
    from graph.resources import open_resources

    settings = invocation.settings()
    took: dict[str, float] = {}
    made = _timed(took, "generate", lambda: _generate(settings.data_dir / "demo", minutes, seed))
    with open_resources(settings) as resources:
        notes().print("[2/3] indexing")
        row = _timed(
            took, "index",
            lambda: index_one(made.video, settings, resources.store, resources.models),
        )  # fmt: skip
        notes().print("[3/3] asking three questions")
        began = time.monotonic()
        asked = [
            _ask(resources, row, item, quiet=invocation.as_json)
            for item in choose(_items(made.questions))
        ]
        took["ask"] = time.monotonic() - began
    passed = all(entry["passed"] for entry in asked)
    if invocation.as_json:
        emit_json({"passed": passed, "video": row.id, "seconds": took, "questions": asked})
    else:
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
        click.echo(f"{'all three hold' if passed else 'NOT all hold'} ({spent})")
        click.echo(f'ask your own: videoseal --data-dir {settings.data_dir} ask {row.id[:6]} "..."')
    return 0 if passed else 1


def choose(items: list[Item]) -> list[Item]:
    """Three questions: about one sign or line, one that joins two moments, one without an answer.

    Raises VideosealError when the video has too few.
    """
    text = [i for i in items if i.answerable and i.needs == "text"]
    single = next((i for i in text if len(i.evidence) == 1), None)
    double = next((i for i in text if len(i.evidence) > 1), None) or next(
        (i for i in text if i is not single), None
    )
    none = next((i for i in items if not i.answerable), None)
    if single is None or double is None or none is None:
        raise VideosealError("this video has too few questions", hint="take another --seed")
    return [single, double, none]


def check(episode: Episode, item: Item) -> Check:
    """Whether the answer is right and proven, or rightly withheld."""
    answer = episode.answer
    if episode.error is not None:
        return Check(False, f"failed: {episode.error.message}")
    if not item.answerable:
        right = answer.outcome == "abstained"
        return Check(
            right,
            "nothing in the video answers this: " + ("rightly abstained" if right else "WRONG"),
        )
    gold = [Span(*pair) for pair in item.evidence]
    where = ", ".join(
        f"{format_time(s.start, decimals=1)}-{format_time(s.end, decimals=1)}" for s in gold
    )
    cited = [frame.time for citation in answer.citations for frame in citation.frames]
    inside = any(span.contains(time) for span in gold for time in cited)
    right = answer.choice == item.answer
    says = (
        f"the truth is ({item.answer}), shown at {where}: "
        + ("right" if right else "WRONG")
        + (", and a cited frame lies inside" if inside else ", but NO cited frame lies inside")
    )
    return Check(right and inside and answer.proven, says)


def _generate(folder: Path, minutes: float, seed: int) -> GeneratedVideo:
    from evals.synthetic.generate import generate
    from evals.synthetic.spec import VideoSpec

    notes().print(f"[1/3] generating {minutes:g} minutes of video")
    with display() as show_step:
        return generate(VideoSpec(minutes=minutes, seed=seed), folder, show_step)


def _items(path: Path) -> list[Item]:
    from evals.benchmarks import lvbench

    return lvbench.load(path)


def _ask(resources: Resources, row: VideoRow, item: Item, *, quiet: bool) -> dict[str, Any]:
    from graph.context import Context

    if not quiet:
        click.echo("")
        click.echo(plain(item.question.text))
        for line in item.question.lettered():
            click.echo(f"  {plain(line)}")
    episode, folder = ask_once(resources, row, item.question, Context(), quiet=quiet)
    found = check(episode, item)
    if not quiet:
        print_answer(episode, folder)
        click.echo(f"truth     {found.says}")
    return {
        "question": item.question.text,
        "options": item.question.options,
        "answer": episode.answer.model_dump(mode="json"),
        "passed": found.passed,
        "truth": found.says,
        "folder": str(folder.path),
    }


def _timed(took: dict[str, float], name: str, work: Any) -> Any:
    began = time.monotonic()
    result = work()
    took[name] = time.monotonic() - began
    return result
