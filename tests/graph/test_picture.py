"""The graph's picture, here and in the documents."""

from __future__ import annotations

from pathlib import Path

from videoseal.graph.app import agent

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden" / "agent.mmd"


def picture() -> str:
    """The mermaid text of `agent`, ending with one newline."""
    return agent.get_graph().draw_mermaid().rstrip() + "\n"


def test_the_picture_is_the_agreed_one() -> None:
    """Nodes and edges are those of the design; to accept a change, print the picture anew."""
    assert picture() == GOLDEN.read_text(encoding="utf-8")


def test_the_documents_show_the_picture() -> None:
    """The page about how it works shows what the graph prints."""
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{picture()}```" in page, "`make docs` writes it anew"


def test_edges_are_those_of_the_design() -> None:
    """Said in words, without the drawing around it."""
    found = {(edge.source, edge.target) for edge in agent.get_graph().edges}
    tools = ("visual_retrieve", "overview", "visual_inspect")
    assert found == {
        ("__start__", "open"),
        ("open", "plan"),
        ("plan", "open"),
        *(("plan", tool) for tool in tools),
        *((tool, "plan") for tool in tools),
        ("plan", "plan"),
        ("plan", "answer"),
        ("answer", "plan"),
        ("answer", "review"),
        ("answer", "__end__"),
        ("review", "plan"),
        ("review", "__end__"),
    }
