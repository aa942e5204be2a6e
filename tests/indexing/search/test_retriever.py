"""The index as a retriever of LangChain: documents with their spans, awaited or not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_tests.integration_tests import RetrieversIntegrationTests

from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.search.retriever import VideoRetriever
from videoseal.models.local_embedder import HashEmbedder

VIDEO = "v0123456789abcdef"


@pytest.fixture
def signs(store: Any) -> VideoRetriever:
    """One of five signs and a line of speech."""
    info = SimpleNamespace(
        path=Path("/a.mp4"), duration=99.0, width=1, height=1, fps=25.0, has_audio=True,
        size_bytes=1,
    )  # fmt: skip
    store.add_video(VIDEO, info, title="A film", fingerprint="f")
    texts = ["HARBOUR GATE 4127", "BAKERY OPENS 6:45", "PIER 9", "PIER 10", "MUSEUM"]
    rows = [TextRow("ocr", n, Span(n, n + 1), text, "m") for n, text in enumerate(texts)]
    rows.append(TextRow("speech", 0, Span(50, 52), "Meet me at the harbour gate", "m"))
    store.put_unit(VIDEO, "all", 0, "f", {}, rows)
    return VideoRetriever(store=store, embedder=HashEmbedder(), video_id=VIDEO, k=3)


class TestStandard(RetrieversIntegrationTests):
    """What LangChain asks of every retriever."""

    @pytest.fixture(autouse=True)
    def _indexed(self, signs: VideoRetriever) -> None:
        self._made = signs

    @property
    def retriever_constructor(self) -> type[VideoRetriever]:
        return VideoRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        made = self._made
        return {"store": made.store, "embedder": made.embedder, "video_id": made.video_id}

    @property
    def retriever_query_example(self) -> str:
        return "harbour gate pier museum bakery"


async def test_documents_carry_span_kind_and_score(signs: VideoRetriever) -> None:
    """The best one first, the same whether it is awaited or not, also where a loop is running."""
    found = await signs.ainvoke("harbour gate code")
    assert found == signs.invoke("harbour gate code")
    assert all(isinstance(document, Document) for document in found)
    assert found[0].page_content == "HARBOUR GATE 4127"
    assert (found[0].metadata["start"], found[0].metadata["end"]) == (0.0, 1.0)
    assert {document.metadata["kind"] for document in found} == {"ocr", "speech"}
    scores = [document.metadata["score"] for document in found]
    assert scores == sorted(scores, reverse=True)


def test_how_many_and_of_which_kind_are_choices(signs: VideoRetriever) -> None:
    """At construction, or for one query."""
    assert len(signs.invoke("pier", k=1)) == 1
    (line,) = signs.model_copy(update={"kinds": ["speech"]}).invoke("harbour gate")
    assert line.page_content == "Meet me at the harbour gate"


def test_a_retriever_takes_its_place_in_a_chain(signs: VideoRetriever) -> None:
    """As any Runnable does."""
    chain = signs | (lambda documents: documents[0].page_content)
    assert chain.invoke("When does the bakery open?") == "BAKERY OPENS 6:45"
    assert len(chain.batch(["pier 9", "museum"])) == 2
