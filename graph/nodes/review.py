"""A person looks at the outcome: helps on before an abstention, or strikes wrong citations."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.types import Overwrite, interrupt

from videoseal.core.text import clean_text
from videoseal.graph.answers import Answer
from videoseal.graph.budget import Budget
from videoseal.graph.calls import HINT_PREFIX, reply
from videoseal.graph.planner_messages import hint_text, struck_text
from videoseal.graph.routes import last_turn
from videoseal.graph.state import State, answer_of, entries_of, spent_of, task_of

__all__ = ["review"]

_MAX_HINT: Final = 2000


async def review(state: State) -> dict[str, Any]:
    """Ask the person; the answer stands where they have nothing to add."""
    answer = answer_of(state)
    assert answer is not None
    said = interrupt(_asked(state, answer))
    return _struck(state, said) if answer.proven else _hinted(state, said)


def _asked(state: State, answer: Answer) -> dict[str, Any]:
    question = task_of(state).question.render()
    if not answer.proven:
        return {"ask": "hint", "question": question, "reason": answer.reason}
    shown = [cited.model_dump(mode="json") for cited in answer.citations]
    answered = {"answer": answer.text, "choice": answer.choice, "citations": shown}
    return {"ask": "review_answer", "question": question, **answered}


def _hinted(state: State, said: Any) -> dict[str, Any]:
    """On with the search, with the hint; any empty reply lets the abstention stand."""
    hint = said.get("hint") if isinstance(said, dict) else said
    if not isinstance(hint, str) or not hint.strip():
        return {}
    return _on(state, hint_text(clean_text(hint.strip()[:_MAX_HINT])))


def _struck(state: State, said: Any) -> dict[str, Any]:
    """On without the entries that are marked as wrong."""
    wrong = said.get("wrong") if isinstance(said, dict) else said
    names = {str(name) for name in wrong} if isinstance(wrong, list) else set()
    kept = [entry for entry in entries_of(state) if entry.get("id") not in names]
    if len(kept) == len(entries_of(state)):
        return {}
    return {**_on(state, struck_text(sorted(names))), "evidence": Overwrite(kept)}


def _on(state: State, text: str) -> dict[str, Any]:
    """The search goes on; a call that waits for its reply gets the person's words for one."""
    turn = last_turn(state)
    left = Budget(task_of(state).context, spent_of(state)).left
    waiting = sorted(turn.open_calls()) if turn else []
    told: list[BaseMessage] = [reply(call, {"person": text}, left) for call in waiting]
    said = told or [HumanMessage(text, id=f"{HINT_PREFIX}{uuid4()}")]
    return {"answer": None, "stopped": None, "rejected": -1, "messages": said}
