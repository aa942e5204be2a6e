"""`videoseal demo`: the whole path once, on a generated video whose truth is known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from videoseal.cli.answer_view import print_answer
from videoseal.cli.ask import ask_once
from videoseal.cli.index import index_one
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import clock, emit_json, near, notes
from videoseal.cli.progress import Display
from videoseal.core.errors import VideosealError
from videoseal.core.span import Span
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.api import Client
    from videoseal.evals.item import Item
    from videoseal.evals.synthetic.spec import GeneratedVideo
    from videoseal.graph.episode import Episode
    from videoseal.indexing.index_rows import VideoRow

__all__ = ["TruthCheck", "check", "choose", "demo"]


class TruthCheck(NamedTuple):
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
    settings = invocation.settings()
    took: dict[str, float] = {}
    made = _timed(took, "generate", lambda: _generate(settings.data_dir / "demo", minutes, seed))
    with invocation.open() as client:
        notes().print("[2/3] indexing")
        row = _timed(took, "index", lambda: index_one(client, made.video))
        notes().print("[3/3] asking three questions")
        began = time.monotonic()
        asked = [
            _ask(client, row, item, quiet=invocation.as_json)
            for item in choose(_items(made.questions))
        ]
        took["ask"] = time.monotonic() - began
    passed = all(entry["passed"] for entry in asked)
    if invocation.as_json:
        emit_json({"passed": passed, "video": row.id, "seconds": took, "questions": asked})
    else:
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
        click.echo(f"\n{'all three hold' if passed else 'NOT all hold'} ({spent})")
        click.echo("ask your own:")
        click.echo(f'  videoseal --data-dir {near(settings.data_dir)} ask {row.title} "..."')
    return 0 if passed else 1


def choose(items: list[Item]) -> list[Item]:
    """Three questions: about one moment, one that joins two (or is Chinese), one without an answer.

    English ones are taken first, so that a reader of the README can follow. Raises VideosealError
    when the video has too few.
    """
    plain_first = sorted(items, key=lambda item: _is_chinese(item))
    text = [item for item in plain_first if item.answerable and item.needs == "text"]
    single = next((item for item in text if len(item.evidence) == 1), None)
    others = [item for item in text if item is not single]
    joined = sorted(others, key=_unlike_a_chain)
    none = next((item for item in plain_first if not item.answerable), None)
    if single is None or not joined or none is None:
        raise VideosealError("this video has too few questions", hint="take another --seed")
    return [single, joined[0], none]


def _unlike_a_chain(item: Item) -> tuple[bool, bool, bool]:
    return len(item.evidence) < 2, "reasoning" not in item.categories, not _is_chinese(item)


def _is_chinese(item: Item) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in item.question.text)


def check(episode: Episode, item: Item) -> TruthCheck:
    """Whether the answer is right and proven, or rightly withheld."""
    answer = episode.answer
    if episode.error is not None:
        return TruthCheck(False, f"failed: {episode.error.message}")
    if not item.answerable:
        right = answer.outcome == "abstained"
        found = "rightly abstained" if right else "an answer is WRONG"
        return TruthCheck(right, f"nothing in the video answers this: {found}")
    gold = [Span(*pair) for pair in item.evidence]
    where = " and ".join(f"{clock(span.start)}-{clock(span.end)}" for span in gold)
    cited = [frame.time for citation in answer.citations for frame in citation.frames]
    held = sum(any(span.contains(time) for time in cited) for span in gold)
    right = answer.choice == item.answer
    shows = (
        "a cited frame shows it"
        if len(gold) == 1
        else f"cited frames show {held} of the {len(gold)} moments"
    )
    says = f"({item.answer}), seen at {where}: the answer is {'right' if right else 'WRONG'}, " + (
        f"and {shows}" if held else "and NO cited frame shows it"
    )
    return TruthCheck(right and held > 0 and answer.proven, says)


def _generate(folder: Path, minutes: float, seed: int) -> GeneratedVideo:
    from videoseal.evals.synthetic.generate import generate
    from videoseal.evals.synthetic.phrasings import plain_wordings
    from videoseal.evals.synthetic.spec import VideoSpec

    notes().print(f"[1/3] generating {minutes:g} minutes of video")
    with Display() as on_progress:
        spec = VideoSpec(minutes=minutes, seed=seed)
        return generate(spec, folder, on_progress, plain_wordings())


def _items(path: Path) -> list[Item]:
    from videoseal.evals.benchmarks.registry import benchmark

    return benchmark("synthetic").load(path)


def _ask(client: Client, row: VideoRow, item: Item, *, quiet: bool) -> dict[str, Any]:
    if not quiet:
        click.echo("")
        click.echo(plain(item.question.text))
        for line in item.question.lettered():
            click.echo(f"  {plain(line)}")
    answer, folder = ask_once(client, row.id, item.question, quiet=quiet, page=True)
    if folder.problem is not None:
        raise folder.problem
    found = check(answer.episode, item)
    if not quiet:
        print_answer(answer.episode, folder)
        click.echo(f"truth     {found.says}")
    return {
        "question": item.question.text,
        "options": item.question.options,
        "answer": answer.episode.answer.model_dump(mode="json"),
        "passed": found.passed,
        "truth": found.says,
        "folder": str(folder.path),
    }


def _timed(took: dict[str, float], name: str, work: Any) -> Any:
    began = time.monotonic()
    result = work()
    took[name] = time.monotonic() - began
    return result
