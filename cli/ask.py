"""`videoseal ask`: put a question to one indexed video."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videoseal.cli.answer_view import EventLines, print_answer
from videoseal.cli.failures import FailureReport, print_failure
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import context_options, folder_option, given_context
from videoseal.cli.output import emit_json, notes
from videoseal.core.errors import SettingsError, error_class, faults

if TYPE_CHECKING:
    from videoseal.api import Client, RecordedAnswer
    from videoseal.graph.context import Context
    from videoseal.graph.episode import Episode
    from videoseal.graph.proof.evidence_folder import EvidenceFolder
    from videoseal.models.types import Question

__all__ = ["ask", "ask_once"]


@click.command(
    epilog="An honest abstention is a result too: the exit code is 0. See `videoseal --help`."
)
@click.argument("video")
@click.argument("question")
@click.option(
    "-o", "--option", "options", multiple=True, metavar="TEXT",
    help="A possible answer, without its letter; give one for each.",
)  # fmt: skip
@context_options(
    "mode", "max_steps", "max_frames", "max_seconds", "max_tokens", "max_dollars",
    "evidence",
    "inspector_context", "forced_choice",
)  # fmt: skip
@click.option(
    "--thread", metavar="NAME",
    help="Go on with a conversation, also in the middle of a question that was cut off.",
)  # fmt: skip
@click.option("--local-llm", is_flag=True, help="Plan and join evidence with a local model.")
@folder_option(
    "--out", help="Where to write the evidence; a new folder in the data folder if not given."
)
@click.option("--html", is_flag=True, help="Write all of it as a page, too: answer.html.")
@click.option("--clips", is_flag=True, help="Save a few seconds of video for each citation, too.")
@click.option("--quiet", is_flag=True, help="Do not show what the agent does.")
@json_option
@pass_invocation
def ask(
    invocation: Invocation,
    /,
    video: str,
    question: str,
    options: tuple[str, ...],
    thread: str | None,
    local_llm: bool,
    out: Path | None,
    clips: bool,
    html: bool,
    quiet: bool,
    **choices: Any,
) -> int:
    """Ask QUESTION about VIDEO: an id, the start of one, a title, or an indexed file.

    Shows what the agent does, then the answer with the spans, timestamps and saved frames that
    prove it, or why there is none.
    """
    from videoseal.graph.context import Context
    from videoseal.models.types import Question

    if not all(option.strip() for option in options) or len(set(options)) < len(options):
        raise click.UsageError("options must differ and say something")
    if not question.strip():
        raise click.UsageError("the question is empty")
    asked = _checked(Question, text=question, options=list(options))
    context = _checked(Context, **given_context(choices))
    if clips:
        from videoseal.graph.proof.video_clip import ffmpeg_binary

        ffmpeg_binary()  # said before anything is paid for
    with invocation.open(local_llm=local_llm or None) as client:
        row = client.video(video)
        answer, folder = ask_once(
            client,
            row.id,
            asked,
            context,
            thread=thread,
            out=out,
            clips=clips,
            page=html,
            quiet=quiet or invocation.as_json,
        )
    if invocation.as_json:
        emit_json({**answer.episode.model_dump(mode="json"), "folder": str(folder.path)})
    else:
        print_answer(answer.episode, folder)
    if folder.problem is not None:
        invocation.as_json = False  # the one document is out
        raise folder.problem
    return _report_error(answer.episode)


def ask_once(
    client: Client,
    video_id: str,
    question: Question,
    context: Context | None = None,
    *,
    thread: str | None = None,
    out: Path | None = None,
    clips: bool = False,
    page: bool = False,
    quiet: bool = False,
) -> tuple[RecordedAnswer, EvidenceFolder]:
    """Ask, show what happens on standard error, and write the evidence folder.

    Raises OSError before anything is asked when the folder cannot be made.
    """
    folder = out or client.new_folder(video_id, question.text)
    folder.mkdir(parents=True, exist_ok=True)
    show = None if quiet else EventLines(notes())
    try:
        answer = client.ask(video_id, question, context=context, thread=thread, on_event=show)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise
    return answer, client.save(answer, folder, clips=clips, page=page)


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
    code = error_class(episode.error.type).exit_code
    hint = "check all endpoints with: videoseal doctor" if code == 4 else ""
    print_failure(FailureReport(episode.error.type, episode.error.message, hint, code))
    return code
