"""The front door: one object that indexes videos and answers questions about them.

Every method that takes time has a twin that is awaited: `ask` and `aask`. Models and database are
worked with on an event loop of the client's own, so both may be called from anywhere, a notebook
with its running loop included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.from_thread import start_blocking_portal
from pydantic import PrivateAttr

from videoseal.core.environment import environment
from videoseal.core.progress import ProgressFn, silent
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.graph.answers import Answer
from videoseal.graph.ask import ask as ask_agent
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode
from videoseal.graph.events import Event
from videoseal.graph.proof.answer_html import MAX_PICTURES, answer_html
from videoseal.graph.proof.evidence_folder import EvidenceFolder, new_folder, write_evidence
from videoseal.graph.proof.shown_pictures import shown_pictures
from videoseal.graph.proof.trajectory import verdict
from videoseal.graph.proof.video_clip import write_clip
from videoseal.graph.resources import Resources, resources_on
from videoseal.graph.threads import lasting_agent
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.store.store import Store
from videoseal.indexing.video_file import video_file
from videoseal.models.types import Frame, Question
from videoseal.tools.frame_cache import FrameCache

if TYPE_CHECKING:
    from videoseal.indexing.search.retriever import VideoRetriever

__all__ = ["Client", "RecordedAnswer", "open"]

T = TypeVar("T")


def open(settings: Settings | None = None, **explicit: Any) -> Client:
    """Open the index; use it in a `with` block, or call `close` at the end.

    Without `settings` they are read from the environment and `.env`, as the command line does;
    `explicit` values such as `data_dir=...` win over them. Raises SettingsError, StoreError.

    >>> with open() as client:
    ...     video = client.index("lecture.mp4")
    ...     answer = client.ask(video.id, "What is the code of the harbour gate?")
    >>> answer.proven, answer.text
    (True, '4127')
    """
    return Client(settings or Settings.from_env(environment(), **explicit))


class RecordedAnswer(Answer):
    """An answer with the record of how it came about; a notebook shows the frames it cites."""

    _episode: Episode = PrivateAttr()
    _resources: Resources = PrivateAttr()

    @classmethod
    def of(cls, episode: Episode, resources: Resources) -> RecordedAnswer:
        """The answer of an episode."""
        made = cls.model_validate(episode.answer.model_dump())
        made._episode, made._resources = episode, resources
        return made

    @property
    def episode(self) -> Episode:
        """All that was asked, done, seen and spent."""
        return self._episode

    def pictures(self, *, cited: bool = True) -> dict[float, bytes]:
        """The frames it cites, or all that were looked at, as JPEG by time in seconds."""
        parts = self.citations if cited else self._episode.evidence
        frames = (frame for part in parts for frame in part.frames)
        return shown_pictures(self._episode.video_id, frames, self._resources)

    def __str__(self) -> str:
        return verdict(self._episode)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def _repr_html_(self) -> str:
        cited = {frame.time: frame for part in self.citations for frame in part.frames}
        first = [cited[time] for time in sorted(cited)[:MAX_PICTURES]]
        pictures = shown_pictures(self._episode.video_id, first, self._resources)
        return answer_html(self._episode, pictures)


class Client:
    """The index of videos, with the models that `settings` name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open = ExitStack()
        self.store = self._open.enter_context(Store.connect(settings))

    @cached_property
    def resources(self) -> Resources:
        """Store, models and frame cache as the graph takes them; built at the first use."""
        return resources_on(self.settings, self.store)

    def close(self) -> None:
        """Let go of the database and of the models' connections."""
        self._open.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await asyncio.to_thread(self._open.__exit__, *raised)

    def index(
        self,
        path: str | Path,
        *,
        title: str | None = None,
        subtitles: Path | None = None,
        re_embed: bool = False,
        on_progress: ProgressFn = silent,
    ) -> VideoRow:
        """Index a video file, or go on where an earlier attempt stopped.

        A file that is indexed already costs nothing. Raises VideoError, VideoBusy, ModelError,
        StoreError, OutOfSpace.
        """
        return self._run(
            partial(self._index, path, title=title, subtitles=subtitles, re_embed=re_embed),
            on_progress,
        )

    async def aindex(
        self,
        path: str | Path,
        *,
        title: str | None = None,
        subtitles: Path | None = None,
        re_embed: bool = False,
        on_progress: ProgressFn = silent,
    ) -> VideoRow:
        """The twin of `index`; `on_progress` is called on the caller's loop."""
        return await self._await(
            partial(self._index, path, title=title, subtitles=subtitles, re_embed=re_embed),
            on_progress,
        )

    def ask(
        self,
        video: str,
        question: str | Question,
        *,
        options: Sequence[str] = (),
        context: Context | None = None,
        thread: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> RecordedAnswer:
        """Ask about an indexed video: its id, the start of it, its title, or its file.

        `options` makes it multiple choice, without letters. Questions of one `thread`, which lasts,
        may speak of those before; one that was cut off in the middle goes on there when it is asked
        again, and pays for nothing twice. What fails while it is worked on stands in
        `answer.episode.error`. Raises UnknownVideo, and ValidationError for a question that cannot
        be asked.
        """
        asked = _question(question, options)
        return self._run(partial(self._ask, video, asked, context, thread), on_event or _ignore)

    async def aask(
        self,
        video: str,
        question: str | Question,
        *,
        options: Sequence[str] = (),
        context: Context | None = None,
        thread: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> RecordedAnswer:
        """The twin of `ask`; `on_event` is called on the caller's loop."""
        asked = _question(question, options)
        return await self._await(
            partial(self._ask, video, asked, context, thread), on_event or _ignore
        )

    def videos(self) -> list[VideoRow]:
        """Every indexed video, the first one first."""
        return self.store.videos()

    async def avideos(self) -> list[VideoRow]:
        """The twin of `videos`."""
        return await asyncio.to_thread(self.videos)

    def video(self, name: str) -> VideoRow:
        """The indexed video of that id, start of one, title or file; raises UnknownVideo."""
        return self.store.find_video(name)

    def frames(self, answer: RecordedAnswer, *, cited: bool = True) -> list[Frame]:
        """The frames that an answer cites, or all that were looked at, in order of time.

        One that neither cache nor video file holds any more is left out.
        """
        return [Frame(time, jpeg) for time, jpeg in answer.pictures(cited=cited).items()]

    async def aframes(self, answer: RecordedAnswer, *, cited: bool = True) -> list[Frame]:
        """The twin of `frames`."""
        return await asyncio.to_thread(partial(self.frames, answer, cited=cited))

    def save(
        self,
        answer: RecordedAnswer,
        folder: str | Path | None = None,
        *,
        clips: bool = False,
        page: bool = False,
    ) -> EvidenceFolder:
        """Write the record, the frames as JPEG and one picture of them; says where.

        With `clips` there are also a few seconds of video around each citation, and with `page`
        all of it as one page, `answer.html`.

        Without a folder a new one is made below the data folder.
        """
        episode = answer.episode
        place = Path(folder) if folder else self.new_folder(episode.video_id, episode.question.text)
        return write_evidence(episode, self.resources, place, clips=clips, page=page)

    def clip(
        self, video: str, span: Span | str, target: str | Path | None = None, *, stamp: bool = False
    ) -> Path:
        """Cut a span out of an indexed video as MP4 that browsers play; says where it lies.

        With `stamp` each frame carries its time. Without `target` it is named by video and time,
        in this folder. Raises UnknownVideo, SpanError, VideoError, MissingDependency.
        """
        row = self.video(video)
        wanted = Span.parse(span) if isinstance(span, str) else span
        name = f"{row.id}_{wanted}.mp4".replace(":", "-")
        place = Path(target) if target else Path(name)
        track = self.settings.audio_track
        write_clip(video_file(row), wanted, place, track=track, stamp=stamp)
        return place

    async def aclip(
        self, video: str, span: Span | str, target: str | Path | None = None, *, stamp: bool = False
    ) -> Path:
        """The twin of `clip`."""
        return await asyncio.to_thread(partial(self.clip, video, span, target, stamp=stamp))

    def retriever(self, video: str, *, k: int = 8) -> VideoRetriever:
        """The texts of an indexed video as a retriever of LangChain, `k` documents a query.

        Raises UnknownVideo.
        """
        from videoseal.indexing.search.retriever import VideoRetriever

        row, embedder = self.video(video), self.resources.models.embedder
        return VideoRetriever(store=self.store, embedder=embedder, video_id=row.id, k=k)

    def new_folder(self, video_id: str, question: str) -> Path:
        """An empty folder for the evidence of a question, below the data folder."""
        return new_folder(self.settings.data_dir, video_id, question)

    def delete(self, video: str) -> None:
        """Forget a video's index and cached frames; its file and saved evidence stay."""
        row = self.store.video(video)
        self.store.delete_video(row.id)
        FrameCache.of(self.settings).forget(row.id)

    async def adelete(self, video: str) -> None:
        """The twin of `delete`."""
        await asyncio.to_thread(self.delete, video)

    async def _index(self, path: str | Path, on_progress: ProgressFn, **options: Any) -> VideoRow:
        held = self.resources
        return await index_video(
            path, self.settings, self.store, held.models, on_progress=on_progress, **options
        )

    async def _ask(
        self,
        video: str,
        question: Question,
        context: Context | None,
        thread: str | None,
        on_event: Callable[[Event], None],
    ) -> RecordedAnswer:
        row = await asyncio.to_thread(self.video, video)
        asked = (self.resources, question, row.id, context, on_event)
        if thread is None:
            episode = await ask_agent(*asked)
        else:
            async with lasting_agent(self.resources, (context or Context()).mode) as graph:
                episode = await ask_agent(*asked, graph=graph, thread_id=thread)
        return RecordedAnswer.of(episode, self.resources)

    @cached_property
    def _portal(self) -> Any:
        """The way to the client's own event loop, which runs in a thread."""
        return self._open.enter_context(start_blocking_portal())

    def _run(self, work: Callable[..., Awaitable[T]], tell: Callable[[Any], None]) -> T:
        future = self._portal.start_task_soon(work, tell)
        try:
            return future.result()  # type: ignore[no-any-return]
        except BaseException:
            future.cancel()
            raise

    async def _await(self, work: Callable[..., Awaitable[T]], tell: Callable[[Any], None]) -> T:
        loop = asyncio.get_running_loop()

        def told(step: Any) -> None:
            loop.call_soon_threadsafe(tell, step)

        return await asyncio.wrap_future(self._portal.start_task_soon(work, told))


def _question(question: str | Question, options: Iterable[str]) -> Question:
    if isinstance(question, Question):
        return question
    return Question(text=question, options=list(options))


def _ignore(event: object) -> None:
    """Tell nobody."""
