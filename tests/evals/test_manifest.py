"""What a run is pinned to beside its models and data."""

from videoseal.evals import manifest
from videoseal.models import prompts


def test_versions_are_those_of_recorded_runs():
    """A run that was recorded under them has the identity of one that starts now."""
    assert manifest.versions() == {
        "planner": "plan-1",
        "inspector": "inspect-1",
        "answerer": "answer-1",
        "index": "scan-3+merge-2",
    }


def test_the_hash_of_the_prompts_is_of_their_words_alone(monkeypatch):
    """It is the same wherever the texts are kept, and another for another word."""
    before, read = manifest.prompt_text_hash(), prompts._file
    assert before == manifest.prompt_text_hash()
    monkeypatch.setattr(prompts, "_file", lambda name: read(name).replace("outline", "sketch"))
    assert manifest.prompt_text_hash() != before
