"""Print the graph's picture as mermaid text: `python -m graph.picture`."""

from __future__ import annotations

import sys

from graph.app import agent

__all__ = ["picture"]


def picture() -> str:
    """The mermaid text of `agent`, ending with one newline."""
    return agent.get_graph().draw_mermaid().rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(picture())
