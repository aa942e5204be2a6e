"""Retries, limits and error texts, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback

import pytest

from videoseal.core.errors import (
    ModelAuthError,
    ModelRejected,
    ModelReplyError,
    ModelUnavailable,
    SettingsError,
)
from videoseal.core.settings import Endpoint
from videoseal.models.client import EndpointChat, usage_of
from videoseal.models.types import Usage


@pytest.fixture
def ask(lane, settings):
    """Ask the lane once, with changed settings."""

    async def once(**changes):
        chosen = settings.model_copy(update=changes)
        return await EndpointChat.at(chosen, lane.endpoint, "inspector").ainvoke("hi")

    return once


async def test_a_good_reply_comes_back_with_its_usage(lane, ask):
    """One call is one request with the key in the header, and its tokens are in the reply."""
    lane.script(lane.chat("hello"))
    reply = await ask()
    (seen,) = lane.seen()
    assert reply.text == "hello"
    assert usage_of(reply, frames=2, seconds=0.5) == Usage(1, 11, 7, 2, 0.5)
    assert seen["path"] == "v1/chat/completions"
    assert seen["headers"]["authorization"] == f"Bearer {lane.key}"
    assert seen["body"]["model"] == "test-model"
    assert not seen["body"].get("stream")


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refused_key_fails_at_once_and_names_the_setting(lane, ask, code):
    """401 and 403 are not retried, and the server's words, which quote the key, are dropped."""
    lane.script(lane.status(code, message=f"Incorrect API key provided: {lane.key}"))
    with pytest.raises(ModelAuthError) as caught:
        await ask()
    assert len(lane.seen()) == 1
    assert caught.value.role == "inspector"
    assert "VIDEOSEAL_INSPECTOR_API_KEY" in caught.value.hint


@pytest.mark.parametrize("code", [400, 404, 422])
async def test_other_client_errors_are_not_retried(lane, ask, code):
    """The request itself is at fault: once is enough, and the server's words help."""
    lane.script(lane.status(code, message="no such thing"))
    with pytest.raises(ModelRejected, match="no such thing") as caught:
        await ask()
    assert len(lane.seen()) == 1
    assert caught.value.status == code
    assert ("VIDEOSEAL_INSPECTOR_MODEL" in caught.value.hint) == (code == 404)


@pytest.mark.parametrize("code", [408, 409, 429, 500, 503])
async def test_what_may_heal_is_tried_again(lane, ask, code):
    """After a passing fault the answer comes, and the caller does not notice."""
    lane.script(lane.status(code), lane.chat("healed"))
    assert (await ask()).text == "healed"
    assert len(lane.seen()) == 2


async def test_retry_after_seconds_are_waited(lane, ask):
    """The second request comes no sooner than the server asked."""
    lane.script(lane.status(429, headers={"Retry-After": "1.2"}), lane.chat("healed"))
    assert (await ask()).text == "healed"
    first, second = lane.seen()
    assert second["time"] - first["time"] >= 1.2


@pytest.mark.parametrize("code", [429, 502])
async def test_a_lasting_fault_ends_after_the_tries_allowed(lane, ask, code):
    """`max_retries` counts the tries after the first."""
    lane.script(lane.status(code, message="busy", headers={"Retry-After": "0"}))
    with pytest.raises(ModelUnavailable, match=f"3 tries, last {code}: busy"):
        await ask(max_retries=2)
    assert len(lane.seen()) == 3


async def test_a_spent_quota_is_not_retried(lane, ask):
    """Such a 429 cannot heal by waiting."""
    lane.script(lane.status(429, error_code="insufficient_quota", message="pay first"))
    with pytest.raises(ModelRejected, match="pay first"):
        await ask()
    assert len(lane.seen()) == 1


@pytest.mark.parametrize("kind", ["hang", "drip"])
async def test_a_server_that_never_ends_its_reply_is_left(lane, ask, kind):
    """The limit holds for the whole reply, also when bytes keep dripping; two are waited for."""
    lane.script({"kind": kind})
    with pytest.raises(ModelUnavailable, match=r"no reply in 0.3 s twice"):
        await ask(request_timeout_s=0.3, max_retries=4)
    assert len(lane.seen()) == 2


async def test_tokens_of_a_reply_that_was_given_up_are_counted(lane, ask):
    """The server read them: by reckoning, in the reply that came or in the cost of the failure."""
    lane.script({"kind": "hang"}, lane.chat("late"))
    usage = usage_of(await ask(request_timeout_s=0.3))
    assert usage.prompt_tokens > 11 + 5
    lane.script({"kind": "hang"})
    with pytest.raises(ModelUnavailable) as caught:
        await ask(request_timeout_s=0.3)
    assert caught.value.cost.calls == 2
    assert caught.value.cost.prompt_tokens == 2 * (usage.prompt_tokens - 11)


async def test_cancellation_passes_through(lane, ask):
    """A caller that gives up is let go at once, without another try."""
    lane.script({"kind": "hang"})
    task = asyncio.create_task(ask())
    while not lane.seen():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(lane.seen()) == 1


async def test_a_lost_connection_is_tried_again(lane, ask):
    """A reset in the middle of the reply is a passing fault."""
    lane.script({"kind": "reset"}, lane.chat("healed"))
    assert (await ask()).text == "healed"


async def test_another_address_is_asked_where_one_is_away(lane, settings):
    """And the one that is away is left alone for a while."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    lane.script(lane.chat("hello"))
    endpoint = Endpoint(base_url=gone, more_urls=[lane.url], model="m")
    chat = EndpointChat.at(settings, endpoint, "answerer")
    assert [(await chat.ainvoke("hi")).text for _ in range(3)] == ["hello"] * 3
    assert {seen["headers"]["host"] for seen in lane.seen()} == {lane.url.split("/")[2]}


async def test_the_address_with_the_least_to_do_is_asked(lane, settings):
    """Two requests at once go to two addresses."""
    lane.script({"kind": "hang"})
    other = lane._replace(address=f"{lane.address}b")
    other.script(lane.chat("free"))
    endpoint = Endpoint(base_url=lane.url, more_urls=[other.url], model="m")
    chat = EndpointChat.at(settings, endpoint, "answerer")
    first = asyncio.create_task(chat.ainvoke("hi"))
    while not lane.seen():
        await asyncio.sleep(0.01)
    assert (await chat.ainvoke("hi")).text == "free"
    first.cancel()


async def test_a_request_says_what_its_role_is_told(lane, settings):
    """Sampling, further fields and headers of the endpoint, and the detail of pictures."""
    told = {"temperature": 0.3, "stop": ["END"], "thinking": False, "headers": {"X-Team": "a"}}
    endpoint = lane.endpoint.model_copy(update={**told, "extra_body": {"top_k": 3}})
    lane.script(lane.chat("hello"))
    await EndpointChat.at(settings, endpoint, "answerer").ainvoke("hi")
    (seen,) = lane.seen()
    assert seen["headers"]["x-team"] == "a"
    named = {name: seen["body"][name] for name in ("temperature", "stop", "top_k", "max_tokens")}
    assert named == {"temperature": 0.3, "stop": ["END"], "top_k": 3, "max_tokens": 4096}
    assert seen["body"]["chat_template_kwargs"] == {"enable_thinking": False}


async def test_nobody_listening_names_the_address(settings):
    """A refused connection says where and which setting to check."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:pass@127.0.0.1:{free.getsockname()[1]}/v1?token=t"
    chosen = settings.model_copy(update={"max_retries": 0})
    chat = EndpointChat.at(chosen, Endpoint(base_url=url, model="m"), "captioner")
    with pytest.raises(ModelUnavailable, match="cannot be reached after 1 try") as caught:
        await chat.ainvoke("hi")
    assert "VIDEOSEAL_CAPTIONER_BASE_URL" in caught.value.hint
    assert "pass" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        {"kind": "raw", "body": '{"id": "c1", "choices": [{"mess'},
        {"kind": "raw", "body": "<html>It works!</html>", "content_type": "text/html"},
        {"kind": "raw", "body": "[]"},
        {"kind": "raw", "body": "{}"},
        {"kind": "raw", "body": '{"error": {"message": "overloaded"}, "choices": null}'},
        {"kind": "raw", "body": ""},
        {"kind": "empty_choices"},
        {"kind": "empty_choices", "choices": [None]},
        {"kind": "empty_choices", "choices": [{"index": 0}]},
        {"kind": "empty_choices", "choices": [{"index": 0, "message": None}]},
    ],
)
async def test_a_reply_that_is_none_is_one_clear_error(lane, ask, reply):
    """Truncated JSON, web pages and empty choices are; all but pages are asked for once more."""
    lane.script(reply)
    with pytest.raises(ModelReplyError, match="unusable reply") as caught:
        await ask()
    assert len(lane.seen()) == (1 if "<html>" in reply.get("body", "") else 2)
    assert "VIDEOSEAL_INSPECTOR_BASE_URL" in caught.value.hint


async def test_text_in_parts_and_broken_characters_are_read(lane, ask):
    """Content as a list is joined; half a surrogate pair cannot poison later requests."""
    parts = [{"type": "text", "text": "a\ud800b"}, {"type": "text", "text": "c"}]
    lane.script(lane.chat(parts))
    assert (await ask()).text == "a\ufffdbc"


@pytest.mark.parametrize(
    "reply",
    [
        {"kind": "status", "status": 400, "message": "key {key} is bad"},
        {"kind": "status", "status": 500, "message": "x" * 190 + "{key}"},
        {"kind": "status", "status": 401, "message": "{key}"},
        {"kind": "raw", "body": '{{"error": "{key}"}}'},
        {"kind": "raw", "body": "your key is {key}", "content_type": "text/plain"},
        {"kind": "reset"},
    ],
)
async def test_the_key_never_shows(lane, settings, caplog, reply):
    """Not in messages, hints, tracebacks, logs or reprs, whatever the server says."""
    caplog.set_level(logging.DEBUG)
    lane.script({k: v.format(key=lane.key) if isinstance(v, str) else v for k, v in reply.items()})
    once = settings.model_copy(update={"max_retries": 0})
    chat = EndpointChat.at(once, lane.endpoint, "planner")
    with pytest.raises(Exception, match="planner") as caught:
        await chat.ainvoke("hi")
    told = "".join(traceback.format_exception(caught.value))
    texts = [told, str(caught.value.hint), repr(chat), str(chat), caplog.text]
    assert not [text for text in texts if lane.key[:12] in text]


async def test_the_environment_sends_nothing_elsewhere(lane, ask, monkeypatch):
    """Keys, addresses and proxies of other programs' settings are not mixed in."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_PROXY", "http://127.0.0.1:9")
    lane.script(lane.chat("hello"))
    assert (await ask()).text == "hello"
    assert "another" not in str(lane.seen())


@pytest.mark.parametrize(
    ("base_url", "key", "setting"),
    [
        ("http://127.0.0.1:notaport/v1", "k", "VIDEOSEAL_JUDGE_BASE_URL"),
        ("http://:80/v1", "k", "VIDEOSEAL_JUDGE_BASE_URL"),
        ("http://[::1/v1", "k", "VIDEOSEAL_JUDGE_BASE_URL"),
        ("http://127.0.0.1/v1", "two\nlines", "VIDEOSEAL_JUDGE_API_KEY"),
        ("http://127.0.0.1/v1", "clé", "VIDEOSEAL_JUDGE_API_KEY"),
        ("http://127.0.0.1/v1", "", "VIDEOSEAL_JUDGE_API_KEY"),
    ],
)
def test_an_endpoint_that_cannot_be_asked_is_a_settings_error(settings, base_url, key, setting):
    """It is found when the client is built, and the key is not printed."""
    endpoint = Endpoint(base_url=base_url, model="m", api_key=key)
    with pytest.raises(SettingsError, match=setting) as caught:
        EndpointChat.at(settings, endpoint, "judge")
    assert not key or key not in str(caught.value).replace("API_KEY", "")
