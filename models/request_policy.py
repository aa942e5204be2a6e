"""How the requests of one role are sent: time limit, retries, and errors that say what to mend.

The OpenAI client tries again what may heal (408, 409, 429, 5xx, lost connections), after a growing
pause or what the server asked for in Retry-After. A limit on the whole reply and quotas that are
spent are added here. The key of an endpoint never reaches an error text.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import openai

from videoseal.core.errors import (
    ModelAuthError,
    ModelError,
    ModelRejected,
    ModelReplyError,
    ModelUnavailable,
    SettingsError,
)
from videoseal.core.settings import Endpoint, Role, Settings
from videoseal.models.pictures import with_pictures

__all__ = ["RequestPolicy"]

T = TypeVar("T")

log = logging.getLogger(__name__)

_SPENT: Final = "insufficient_quota"
_HOPELESS: Final = re.compile(
    rf"{_SPENT}|too large to process|context|grammar|not support|unsupported|mmproj|--jinja"
    r"|response_format",
    re.IGNORECASE,
)
"""Words of refusals that no second try of the same request changes."""
_KEY: Final = re.compile(r"api.?key|\bkey\b|token|credential|unauthori[sz]ed|authenticat", re.I)
_PATIENCE_S: Final = 60.0
"""Seconds that a server is waited for when it asks to be."""
_WORDS: Final = ("message", "detail", "error", "msg")
_FACTS: Final = ("param", "n_prompt_tokens", "n_ctx")
_ONCE: Final = ContextVar("once", default=False)
"""Whether a request that breaks the server is not to be sent again as it is."""
_AWAY_S: Final = 20.0
_LOADING_PAUSE_S: Final = 0.5
_HEAD: Final = 2000
_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """Time limit, retries and error texts for the requests of one role."""

    role: Role
    endpoint: Endpoint = field(repr=False)
    timeout_s: float
    max_retries: int

    @classmethod
    def of(cls, settings: Settings, endpoint: Endpoint, role: Role) -> RequestPolicy:
        """The policy that the settings ask for; SettingsError when no request could be sent."""
        policy = cls(
            role, endpoint, endpoint.timeout_s or settings.request_timeout_s, settings.max_retries
        )
        key = endpoint.api_key.get_secret_value()
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise SettingsError(f"{policy.setting('API_KEY')} is empty or no single ASCII word")
        try:
            host, _ = urlsplit(endpoint.base_url).hostname, urlsplit(endpoint.base_url).port
        except ValueError:
            host = None
        if not host:
            raise SettingsError(f"{policy.setting('BASE_URL')} is not a usable address")
        return policy

    def setting(self, part: str) -> str:
        """The variable that holds a part of this role's endpoint, such as `BASE_URL`."""
        return f"VIDEOSEAL_{self.role.upper()}_{part}"

    @property
    def longer_replies(self) -> str:
        """What to do about replies that are cut by their limit of tokens."""
        return (
            f"raise {self.setting('MAX_TOKENS')} (and the server's own limit), or have the model "
            f"think less: {self.setting('REASONING_EFFORT')}, or "
            f"{self.setting('THINKING')}=false"
        )

    @property
    def place(self) -> str:
        """The address for people: no user, password or query."""
        url = urlsplit(self.endpoint.base_url)
        port = f":{url.port}" if url.port else ""
        return f"{url.scheme}://{url.hostname}{port}{url.path}"

    @property
    def client_options(self) -> dict[str, Any]:
        """What the clients of OpenAI and of langchain are both told."""
        return {
            "base_url": self.endpoint.base_url,
            "max_retries": self.max_retries,
            "timeout": self.timeout_s,
            # A kept connection belongs to the event loop that made it and outlives it.
            "default_headers": {**self.endpoint.headers, "Connection": "close"},
        }

    @property
    def http_client(self) -> openai.DefaultAsyncHttpxClient:
        """What their requests go through."""
        return _http_client(self.timeout_s, self.endpoint.base_url, *self.endpoint.more_urls)

    async def call(
        self, send: Callable[[], Awaitable[T]], *, once: bool = False, late: list[int] | None = None
    ) -> T:
        """Send until it succeeds or cannot; raises ModelError, lets cancellation through.

        `once` does not send again after a 500 or a time-out: the caller has another request in
        mind. `late` gets an entry for each request whose reply was given up.
        """
        late = [] if late is None else late
        token = _ONCE.set(once)
        try:
            try:
                return await send()
            except openai.APITimeoutError:
                if once or not self.max_retries:
                    raise
                late.append(1)
                return await send()  # once: every try at a server that hangs takes all the time
        except openai.APIError as error:
            late += [1] if isinstance(error, openai.APITimeoutError) else []
            # The cause would print the server's words, which may repeat the key.
            raise self._explain(error) from None
        except ValueError as error:
            said = str(getattr(error, "doc", ""))
            raise self.bad_reply("its body is not the JSON it claims to be", said) from None
        finally:
            _ONCE.reset(token)

    def bad_reply(self, problem: str, said: str = "") -> ModelReplyError:
        """The error for a reply that is no reply of such an endpoint."""
        return ModelReplyError(
            f"the {self.role} at {self.place} sent an unusable reply: {self.redact(problem)}",
            role=self.role,
            said=self._keyless(said[:_HEAD]),
            hint=f"does {self.setting('BASE_URL')} name an OpenAI-compatible API (often .../v1)?",
        )

    def redact(self, text: str) -> str:
        """Server text for people: one line, short, without the key."""
        flat = self._keyless(text)
        return flat if len(flat) <= _SHOWN_CHARACTERS else f"{flat[:_SHOWN_CHARACTERS]}..."

    def _keyless(self, text: str) -> str:
        key = self.endpoint.api_key.get_secret_value()
        return " ".join((text.replace(key, "***") if len(key) > len("none") else text).split())

    def _explain(self, error: openai.APIError) -> ModelError:
        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error)
        if isinstance(error, openai.APITimeoutError):
            return ModelUnavailable(
                f"the {self.role} at {self.place} gave no reply in {self.timeout_s:g} s"
                f" {'twice' if self.max_retries else 'after 1 try'}",
                role=self.role,
                hint=f"check the server, or raise {self.setting('TIMEOUT_S')} or "
                "VIDEOSEAL_REQUEST_TIMEOUT_S",
                status=408,
            )
        if isinstance(error, openai.APIConnectionError):
            cause = self.redact(str(error.__cause__ or error))
            return ModelUnavailable(
                f"the {self.role} at {self.place} cannot be reached {_tries(error)}: {cause}",
                role=self.role,
                hint=f"is the server running, and is {self.setting('BASE_URL')} right?",
            )
        return self.bad_reply(error.message)

    def _explain_status(self, error: openai.APIStatusError) -> ModelError:
        status, words = error.status_code, _server_text(error)
        told: dict[str, Any] = {"role": self.role, "status": status, "said": self._keyless(words)}
        said = f"{status}: {self.redact(words)}"
        if status == 401 or (status == 403 and _KEY.search(words)):
            # Servers quote the refused key here, so their words are not passed on.
            return ModelAuthError(
                f"the {self.role} at {self.place} refused the key or the right ({status})",
                role=self.role,
                hint=f"set {self.setting('API_KEY')} to a key that may use this model",
                status=status,
            )
        if status == 403:
            return ModelAuthError(
                f"the {self.role} at {self.place} refused the right, {said}",
                hint="by its words the key is not what is wrong",
                **told,
            )
        if (wait := _asked_to_wait(error.response)) > _PATIENCE_S:
            return ModelUnavailable(
                f"the {self.role} at {self.place} wants to be left alone for {wait:g} s, {said}",
                hint="ask again then",
                **told,
            )
        if _may_heal(error):
            return ModelUnavailable(
                f"the {self.role} at {self.place} stayed away {_tries(error)}, last {said}",
                hint="wait, or raise VIDEOSEAL_MAX_RETRIES",
                **told,
            )
        hint = ""
        if status == 402 or _SPENT in str(error.body):
            hint = f"pay that account, or set {self.setting('API_KEY')} to a key of another"
        if status == 404:
            hint = f"check {self.setting('MODEL')} and {self.setting('BASE_URL')}"
            if "/v1" not in self.place and "model" not in words.lower():
                hint = f"set {self.setting('BASE_URL')} to {self.place.rstrip('/')}/v1"
        return ModelRejected(
            f"the {self.role} at {self.place} refused the request, {said}", hint=hint, **told
        )


class _HttpClient(openai.DefaultAsyncHttpxClient):
    """Ends a reply that takes too long, waits while a model is loaded, and tells faults as such."""

    def __init__(self, limit_s: float, *urls: str) -> None:
        super().__init__()
        self._limit_s = limit_s
        self._busy = dict.fromkeys(urls, 0)
        self._away = dict.fromkeys(urls, 0.0)
        """When an address that failed is asked again."""

    async def send(self, request: Any, **options: Any) -> Any:
        """The whole reply of the address that has the least to do, away ones last.

        One that cannot be reached or is overloaded is left alone for a while: the client's next try
        goes to another. APITimeoutError when no reply has come in time.
        """
        first, now = next(iter(self._busy)), time.monotonic()
        url = min(self._busy, key=lambda url: (self._away[url] > now, self._busy[url]))
        if url != first:
            rest = str(request.url).removeprefix(first.rstrip("/"))
            request.url = type(request.url)(url.rstrip("/") + rest)
            request.headers["Host"] = request.url.netloc.decode("ascii")
        self._busy[url] += 1
        failed = True
        try:
            response = await self._send(request, options)
            failed = response.status_code in (429, 502, 503, 504)
        except asyncio.CancelledError:
            failed = False
            raise
        finally:
            self._busy[url] -= 1
            self._away[url] = time.monotonic() + _AWAY_S if failed else 0.0
        return response

    async def _send(self, request: Any, options: dict[str, Any]) -> Any:
        """The whole reply; APITimeoutError when it has not come in time.

        The limits of the library are per read, so a server that drips bytes would hold it for ever.
        """
        until, pause = time.monotonic() + self._limit_s, _LOADING_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(self._limit_s):
                    response = await super().send(with_pictures(request), **options)
            except TimeoutError:
                raise openai.APITimeoutError(request) from None
            if options.get("stream"):
                return response
            if not _loads(response) or time.monotonic() + pause > until:
                return _as_it_is(response)
            log.warning("%s is still loading its model: waiting", request.url.host)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PATIENCE_S / 4)


def _loads(response: Any) -> bool:
    return response.status_code == 503 and "loading" in response.text.lower()


def _as_it_is(response: Any) -> Any:
    """With the status of an error that was sent as a success, and no retry where none can help."""
    body: Any = None
    if response.status_code == 200 and b'"error"' in response.content[:_HEAD]:
        with suppress(ValueError):
            body = response.json()
    if isinstance(body, dict) and body.get("error") and not (body.keys() & {"choices", "data"}):
        error = body["error"]
        code = error.get("code") if isinstance(error, dict) else None
        response.status_code = code if isinstance(code, int) and 400 <= code < 600 else 502
    failed = response.status_code >= 400
    broken = response.status_code in (500, 501) and _ONCE.get()
    if failed and (
        broken or _HOPELESS.search(response.text) or _asked_to_wait(response) > _PATIENCE_S
    ):
        response.headers["x-should-retry"] = "false"
    return response


def _asked_to_wait(response: Any) -> float:
    """Seconds of a Retry-After; 0 where there is none in seconds."""
    try:
        return float(response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0


_http_client = cache(_HttpClient)


def _may_heal(error: openai.APIStatusError) -> bool:
    if error.status_code == 429:
        return error.code != _SPENT and _SPENT not in str(error.body)
    return error.status_code in (408, 409) or error.status_code >= 500


def _tries(error: openai.APIStatusError | openai.APIConnectionError) -> str:
    count = int(error.request.headers.get("x-stainless-retry-count", 0)) + 1
    return f"after {count} {'try' if count == 1 else 'tries'}"


def _server_text(error: openai.APIStatusError) -> str:
    body, words = error.body, ""
    if isinstance(body, dict):
        words = _words(next((body[n] for n in _WORDS if body.get(n)), ""))
        more = (f"{name} {body[name]}" for name in _FACTS if body.get(name) is not None)
        told = ", ".join(fact for fact in more if fact.partition(" ")[2] not in words)
        words = f"{words} ({told})" if told and words else words
    elif isinstance(body, list):
        words = _words(body)
    return words or _visible(str(body or "")) or str(error.response.reason_phrase)


def _words(said: Any) -> str:
    """A message, also as FastAPI lists the faults of fields; without the values that were sent."""
    if isinstance(said, list):
        return "; ".join(_words(item) for item in said)
    if isinstance(said, dict) and isinstance(said.get("loc"), list):
        return f"{'.'.join(map(str, said['loc']))}: {said.get('msg', '')}"
    if isinstance(said, dict):
        return _words(next((said[name] for name in _WORDS if said.get(name)), ""))
    return str(said)


def _visible(text: str) -> str:
    """What a page shows, without its tags and its status."""
    if not text.lstrip().startswith("<"):
        return text
    title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    shown = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    return re.sub(r"^\s*\d{3}\b", "", shown).strip()
