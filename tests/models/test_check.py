"""One tiny call tells whether an endpoint works."""

from __future__ import annotations

import pytest

from videoseal.core.errors import ModelAuthError, ModelReplyError
from videoseal.core.settings import JUDGE_ROLES, ROLES
from videoseal.models.check import check_endpoint

TOLD = "temperature 0.0, max_tokens 4096"


@pytest.fixture
def check(lane, settings):
    """Check a role that the lane serves."""

    async def one(role, **changes):
        return await check_endpoint(
            settings.model_copy(update={role: lane.endpoint, **changes}), role
        )

    return one


@pytest.mark.parametrize("role", ROLES)
async def test_an_unset_role_is_not_asked(settings, role):
    """It is a stand-in, except for judges, which have none."""
    expected = "none is set" if role in JUDGE_ROLES else "offline stand-in"
    assert await check_endpoint(settings, role) == expected


@pytest.mark.parametrize("role", ["answerer", "summariser", "judge", "judge2"])
async def test_a_role_that_reads_is_asked_in_words(lane, check, role):
    """An answer is all that is needed."""
    lane.script(lane.chat("ready"))
    assert await check(role) == f"test-model: answers; {TOLD}"
    assert len(lane.seen()) == 1


@pytest.mark.parametrize("role", ["inspector", "captioner"])
async def test_a_role_that_looks_is_shown_a_picture(lane, check, role):
    """A model that takes no pictures would fail here and not in a long job."""
    lane.script(lane.chat("ready"))
    assert await check(role) == f"test-model: answers and takes pictures; {TOLD}"
    parts = lane.seen()[0]["body"]["messages"][0]["content"]
    assert parts[-1]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


async def test_the_embedder_tells_its_dimension(lane, check):
    """It is what the index will hold."""
    lane.script({"kind": "embeddings", "dimension": 384})
    assert await check("embedder") == f"test-model: vectors of 384 numbers; {TOLD}"


async def test_the_planner_is_asked_for_a_tool_call(lane, check):
    """With none, the line says which form to try instead."""
    lane.script(lane.chat("", tool_calls=[{"name": "ready", "arguments": "{}"}]), lane.chat("ok"))
    assert await check("planner") == f"test-model: answers with native tool calls; {TOLD}"
    assert "VIDEOSEAL_TOOL_CALL_FORMAT=text" in await check("planner")
    lane.script(lane.chat('<tool_call>{"name": "ready", "arguments": {}}</tool_call>'))
    found = await check("planner", tool_call_format="text")
    assert found == f"test-model: answers with text tool calls; {TOLD}"


@pytest.mark.parametrize("role", ROLES)
async def test_a_fault_is_raised_with_its_hint(lane, check, role):
    """The error names the role and the setting to mend."""
    lane.script(lane.status(401))
    with pytest.raises(ModelAuthError) as caught:
        await check(role)
    assert f"VIDEOSEAL_{role.upper()}_API_KEY" in caught.value.hint
    lane.script({"kind": "raw", "body": "hello", "content_type": "text/plain"})
    with pytest.raises(ModelReplyError):
        await check(role)
