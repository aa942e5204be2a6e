"""How the requests of one role are sent: time limit, retries, and errors that say what to mend.

The OpenAI client tries again what may heal (408, 409, 429, 5xx, lost connections), after a growing
pause or what the server asked for in Retry-After. A limit on the whole reply and quotas that are
spent are added here. The key of an endpoint never reaches an error text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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

_SPENT: Final = "insufficient_quota"
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
        policy = cls(role, endpoint, settings.request_timeout_s, settings.max_retries)
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
        """The variable that holds `BASE_URL`, `API_KEY` or `MODEL` of this role."""
        return f"VIDEOSEAL_{self.role.upper()}_{part}"

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
            "default_headers": {"Connection": "close"},
        }

    @property
    def http_client(self) -> openai.DefaultAsyncHttpxClient:
        """What their requests go through."""
        return _http_client(self.timeout_s)

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send until it succeeds or cannot; raises ModelError, lets cancellation through."""
        try:
            try:
                return await send()
            except openai.APITimeoutError:
                if not self.max_retries:
                    raise
                return await send()  # once: every try at a server that hangs takes all the time
        except openai.APIError as error:
            # The cause would print the server's words, which may repeat the key.
            raise self._explain(error) from None
        except ValueError:
            raise self.bad_reply("its body is not the JSON it claims to be") from None

    def bad_reply(self, problem: str) -> ModelReplyError:
        """The error for a reply that is no reply of such an endpoint."""
        return ModelReplyError(
            f"the {self.role} at {self.place} sent an unusable reply: {self.redact(problem)}",
            role=self.role,
            hint=f"does {self.setting('BASE_URL')} name an OpenAI-compatible API (often .../v1)?",
        )

    def redact(self, text: str) -> str:
        """Server text for people: one line, short, without the key."""
        key = self.endpoint.api_key.get_secret_value()
        if len(key) > len("none"):
            text = text.replace(key, "***")
        flat = " ".join(text.split())
        return flat if len(flat) <= _SHOWN_CHARACTERS else f"{flat[:_SHOWN_CHARACTERS]}..."

    def _explain(self, error: openai.APIError) -> ModelError:
        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error)
        if isinstance(error, openai.APITimeoutError):
            return ModelUnavailable(
                f"the {self.role} at {self.place} gave no reply in {self.timeout_s:g} s"
                f" {'twice' if self.max_retries else 'after 1 try'}",
                role=self.role,
                hint="check the server, or raise VIDEOSEAL_REQUEST_TIMEOUT_S",
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
        status = error.status_code
        if status in (401, 403):
            # Servers quote the refused key here, so their words are not passed on.
            return ModelAuthError(
                f"the {self.role} at {self.place} refused the key or the right ({status})",
                role=self.role,
                hint=f"set {self.setting('API_KEY')} to a key that may use this model",
            )
        said = f"{status}: {self.redact(_server_text(error))}"
        if _may_heal(error):
            return ModelUnavailable(
                f"the {self.role} at {self.place} stayed away {_tries(error)}, last {said}",
                role=self.role,
                hint="wait, or raise VIDEOSEAL_MAX_RETRIES",
            )
        hint = ""
        if status == 404:
            hint = f"check {self.setting('MODEL')} and {self.setting('BASE_URL')}"
        return ModelRejected(
            f"the {self.role} at {self.place} refused the request, {said}",
            role=self.role,
            hint=hint,
            status=status,
        )


class _HttpClient(openai.DefaultAsyncHttpxClient):
    """Ends a reply that takes too long, and says of a spent quota that no waiting refills it."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._limit_s = limit_s

    async def send(self, request: Any, **options: Any) -> Any:
        """The whole reply; APITimeoutError when it has not come in time.

        The limits of the library are per read, so a server that drips bytes would hold it for ever.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                response = await super().send(with_pictures(request), **options)
        except TimeoutError:
            raise openai.APITimeoutError(request) from None
        if response.status_code == 429 and _SPENT in response.text:
            response.headers["x-should-retry"] = "false"
        return response


_http_client = cache(_HttpClient)


def _may_heal(error: openai.APIStatusError) -> bool:
    if error.status_code == 429:
        return error.code != _SPENT
    return error.status_code in (408, 409) or error.status_code >= 500


def _tries(error: openai.APIStatusError | openai.APIConnectionError) -> str:
    count = int(error.request.headers.get("x-stainless-retry-count", 0)) + 1
    return f"after {count} {'try' if count == 1 else 'tries'}"


def _server_text(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        for name in ("message", "detail", "error"):
            if isinstance(body.get(name), str):
                return str(body[name])
    return str(body) if body else str(error.response.reason_phrase)
