"""`videoseal ask`: put a question to one indexed video."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.answer_view import EventLines, print_answer
from videoseal.cli.failures import FailureReport, print_failure
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, notes
from videoseal.core.errors import SettingsError, UnknownVideo, VideosealError, faults
from videoseal.graph.proof.evidence_folder import EvidenceFolder, new_folder, write_evidence

if TYPE_CHECKING:
    from videoseal.graph.context import Context
    from videoseal.graph.episode import Episode
    from videoseal.graph.resources import Resources
    from videoseal.indexing.index_rows import VideoRow
    from videoseal.indexing.store.store import Store

__all__ = ["ask", "ask_once", "find_video"]

_MODES: Final = ("decoupled", "coupled", "direct", "blind")
_CHANNELS: Final = ("question", "focus", "notes")


@click.command(
    epilog="An honest abstention is a result too: the exit code is 0. See `videoseal --help`."
)
@click.argument("video")
@click.argument("question")
@click.option(
    "-o", "--option", "options", multiple=True, metavar="TEXT",
    help="A possible answer, without its letter; give one for each.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(_MODES), help="decoupled proves; the others are baselines."
)
@click.option("--max-steps", type=click.IntRange(1), help="Turns of the planner (16).")
@click.option("--max-frames", type=click.IntRange(1), help="Frames shown in all (256).")
@click.option("--max-seconds", type=click.FloatRange(0.1), help="Seconds for the question (1000).")
@click.option("--max-tokens", type=click.IntRange(1), help="Tokens of all models together.")
@click.option(
    "--inspector-context", type=click.Choice(_CHANNELS),
    help="What the inspector is told besides the frames (question).",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Guess where there is no proof; marked as forced.")
@click.option("--local-llm", is_flag=True, help="Plan and join evidence with a local model.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where to write the evidence; a new folder in the data folder if not given.",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Do not show what the agent does.")
@json_option
@pass_invocation
def ask(
    invocation: Invocation,
    /,
    video: str,
    question: str,
    options: tuple[str, ...],
    force: bool,
    local_llm: bool,
    out: Path | None,
    quiet: bool,
    **limits: Any,
) -> int:
    """Ask QUESTION about VIDEO: an id, the start of one, a title, or an indexed file.

    Shows what the agent does, then the answer with the spans, timestamps and saved frames that
    prove it, or why there is none.
    """
    from videoseal.graph.resources import open_resources
    from videoseal.models.types import Question

    if not all(option.strip() for option in options) or len(set(options)) < len(options):
        raise click.UsageError("options must differ and say something")
    if not question.strip():
        raise click.UsageError("the question is empty")
    asked = _checked(Question, text=question, options=list(options))
    context = _context({**limits, "forced_choice": force})
    with open_resources(invocation.settings(local_llm=local_llm or None)) as resources:
        row = find_video(resources.store, video)
        episode, folder = ask_once(
            resources, row, asked, context, out=out, quiet=quiet or invocation.as_json
        )
    if invocation.as_json:
        emit_json({**episode.model_dump(mode="json"), "folder": str(folder.path)})
    else:
        print_answer(episode, folder)
    if folder.problem is not None:
        invocation.as_json = False  # the one document is out
        raise folder.problem
    return _report_error(episode)


def ask_once(
    resources: Resources,
    row: VideoRow,
    question: Any,
    context: Context,
    *,
    out: Path | None = None,
    quiet: bool = False,
) -> tuple[Episode, EvidenceFolder]:
    """Ask, show what happens on standard error, and write the evidence folder.

    Raises OSError before anything is asked when the folder cannot be made.
    """
    from videoseal.graph.ask import ask as run

    folder = out or new_folder(resources.settings.data_dir, row.id, question.text)
    folder.mkdir(parents=True, exist_ok=True)
    show = None if quiet else EventLines(notes())
    try:
        episode = asyncio.run(run(resources, question, row.id, context, show))
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise
    return episode, write_evidence(episode, resources, folder)


def find_video(store: Store, name: str) -> VideoRow:
    """The video of that id, prefix or title, or the indexed one with the content of that file.

    Raises UnknownVideo, saying how to index it.
    """
    path = Path(name)
    if path.is_file():
        from videoseal.core.video import content_id

        try:
            row = store.video(content_id(path))
        except UnknownVideo:
            raise UnknownVideo(
                f"{name} is not indexed yet", hint=f"run: videoseal index {shlex.quote(name)}"
            ) from None
    else:
        row = store.video(name)
    if row.status != "ready":
        raise UnknownVideo(
            f"{row.title} is only partly indexed",
            hint=f"run: videoseal index {shlex.quote(str(row.path))}",
        )
    return row


def _context(limits: dict[str, Any]) -> Context:
    from videoseal.graph.context import Context

    given = {name: value for name, value in limits.items() if value is not None}
    return _checked(Context, **given)  # type: ignore[no-any-return]


def _checked(schema: Any, **values: Any) -> Any:
    """Build a model; SettingsError with the first complaint instead of pydantic's page."""
    from pydantic import ValidationError

    try:
        return schema(**values)
    except ValidationError as error:
        fault = faults(error)[0]
        line = fault._replace(place=("the question",)) if fault.place == ("text",) else fault
        raise SettingsError(line.line()) from None


def _report_error(episode: Episode) -> int:
    """Say what the run failed with; returns the exit code, 0 for an answer or an abstention."""
    if episode.error is None:
        return 0
    import videoseal.core.errors

    kind = getattr(videoseal.core.errors, episode.error.type, VideosealError)
    code = int(getattr(kind, "exit_code", 1))
    hint = "check all endpoints with: videoseal doctor" if code == 4 else ""
    print_failure(FailureReport(episode.error.type, episode.error.message, hint, code))
    return code
