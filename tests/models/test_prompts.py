"""What roles are told: released texts keep their names, any change is another version."""

import hashlib
from importlib import resources

import pytest

from videoseal.core.span import Span
from videoseal.graph.planner_messages import plan_version, planner_text
from videoseal.models import prompts
from videoseal.models.types import CaptionRequest, InspectRequest, Question

RELEASED = {
    "inspect": "6745bc8a6572ebc2cf09d76d9cdda7cd39dc98ca3d7822ac2c14b58b83dee9c3",
    "heard": "c84cd5e0da776711e8b01284fac3073e708c0ade9d9d1d0ba6674e7febb2f167",
    "answer": "a5e956c2334e8e07638b75d50efe3150143f19a8b46b4ef6e8184feea945fc37",
    "caption": "ad43fbef9c16a93aa4260340c9ef2cce0e78d77ea83a033ec1de4ccf29523d56",
    "story": "85662d358645ebc2f397885ca85de117734eb1fdb2acb3d7eaf4eaf748421761",
    "judge": "007ef1839cc37791d09fda1ca7bd43ffd3a2353a8c5cbfd3c2678519b2c444d2",
    "match": "f2e5b8a364d5635a2188a566c01af4b630f5caf6b1d5f4f5e4271ed8d7fbc25d",
    "plan": "76f2de16eb82cc799a3cc6628a981bffec592786149781f1756528763325a280",
}
"""SHA-256 of all that each role was told when runs and indexes were first recorded."""
UNVERSIONED = {
    "planner_hint.md", "planner_past.md", "planner_struck.md", "planner_too_early.md",
}  # fmt: skip
"""What a planner reads that errs, or in a thread that goes on: recorded runs never saw them."""
FILES = sorted(
    {file.name for file in resources.files(prompts).iterdir() if file.name.endswith(".md")}
    - UNVERSIONED
)


def versions() -> dict[str, str]:
    """The version of every role's prompt."""
    roles = {role: prompts.version(role) for role in prompts.role_texts()}
    return {**roles, "plan": plan_version()}


def test_texts_are_those_that_were_released():
    """Nothing that a model is told has changed; a change that is meant is written down here."""
    texts = {**prompts.role_texts(), "plan": planner_text()}
    assert {role: hashlib.sha256(text.encode()).hexdigest() for role, text in texts.items()} == (
        RELEASED
    )


def test_released_texts_keep_their_names():
    """Runs and indexes recorded under these names are continued."""
    assert versions() == {role: f"{role}-1" for role in RELEASED}


@pytest.mark.parametrize("name", FILES)
def test_any_change_of_a_text_is_another_version(name, monkeypatch):
    """Every file counts, and nobody has to raise a number."""
    before, read = versions(), prompts._file
    monkeypatch.setattr(prompts, "_file", lambda file: read(file) + (" !" if file == name else ""))
    changed = {role: new for role, new in versions().items() if new != before[role]}
    assert changed
    texts = {**prompts.role_texts(), "plan": planner_text()}
    for role, new in changed.items():
        assert new == f"{role}-{hashlib.sha256(texts[role].encode()).hexdigest()[:8]}"


def test_paragraphs_without_a_value_are_left_out():
    """What the planner may not add leaves no trace, no blank line either."""
    question = Question(text="Where?")
    asked = prompts.inspect_task(InspectRequest(question, [Span(0, 2)], [], 9.0))
    assert asked == (
        "<question>\nQuestion: Where?\n</question>\n\n"
        "The video lasts 00:00:09. These frames are from 00:00:00-00:00:02."
    )
    assert prompts.caption_task(CaptionRequest(Span(0, 16), [])) == (
        "This clip is 00:00:00-00:00:16 of the video."
    )


def test_data_cannot_be_taken_for_a_place():
    """A `$` in what comes from outside stays what it is."""
    assert "\n$spans ${notes} $$\n" in prompts.repair("$spans ${notes} $$")


def test_a_place_without_a_value_is_an_error():
    """A misspelt name is not sent to a model."""
    with pytest.raises(KeyError):
        prompts.render("repair", problme="x")
