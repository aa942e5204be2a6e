"""How the requests of one role are sent: time limit, retries, and errors that say what to mend.

Only what may heal is tried again (429, 5xx, time-outs, lost connections), after an exponential
pause with full jitter, or after what the server asked for in Retry-After. The key of an endpoint
never reaches an error text.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from videoseal.core.errors import (
    ModelAuthError,
    ModelError,
    ModelRejected,
    ModelReplyError,
    ModelUnavailable,
    SettingsError,
)
from videoseal.core.settings import Endpoint, Role, Settings

__all__ = ["LONGEST_WAIT_S", "RequestPolicy", "retry_after"]

T = TypeVar("T")

LONGEST_WAIT_S: Final = 60.0
"""A Retry-After beyond this is cut to it; the tries are counted, so the wait has an end."""
_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=30)
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

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send until it succeeds or cannot; raises ModelError, lets cancellation through."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.max_retries + 1),
            retry=retry_if_exception(_may_heal),
            wait=_pause,
            reraise=True,
        )
        try:
            return await retrying(self._once, send)
        except (openai.APIError, TimeoutError) as error:
            tries = int(retrying.statistics.get("attempt_number", 1))
            # The cause would print the server's words, which may repeat the key.
            raise self._explain(error, tries) from None
        except ValueError:
            raise self.bad_reply("its body is not the JSON it claims to be") from None

    async def _once(self, send: Callable[[], Awaitable[T]]) -> T:
        # The client's own limit is per read, so a server that drips bytes would hold it for ever.
        async with asyncio.timeout(self.timeout_s):
            return await send()

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

    def _explain(self, error: openai.APIError | TimeoutError, tries: int) -> ModelError:
        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error, tries)
        after = f"after {tries} {'try' if tries == 1 else 'tries'}"
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            return ModelUnavailable(
                f"the {self.role} at {self.place} gave no reply in {self.timeout_s:g} s {after}",
                role=self.role,
                hint="check the server, or raise VIDEOSEAL_REQUEST_TIMEOUT_S",
            )
        if isinstance(error, openai.APIConnectionError):
            cause = self.redact(str(error.__cause__ or error))
            return ModelUnavailable(
                f"the {self.role} at {self.place} cannot be reached {after}: {cause}",
                role=self.role,
                hint=f"is the server running, and is {self.setting('BASE_URL')} right?",
            )
        return self.bad_reply(error.message)

    def _explain_status(self, error: openai.APIStatusError, tries: int) -> ModelError:
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
                f"the {self.role} at {self.place} stayed away through {tries} tries, last {said}",
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


def _may_heal(error: BaseException) -> bool:
    if isinstance(error, TimeoutError | openai.APIConnectionError):
        return True
    if not isinstance(error, openai.APIStatusError):
        return False
    # A spent quota comes as a 429 too, and no waiting refills it.
    if error.status_code == 429:
        return error.code != "insufficient_quota"
    return error.status_code == 408 or error.status_code >= 500


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = None
    if isinstance(error, openai.APIStatusError):
        asked = retry_after(error.response.headers.get("retry-after", ""))
    if asked is None:
        return _BACKOFF(state)
    # Many clients are told the same moment: a little spread keeps them apart.
    return min(asked, LONGEST_WAIT_S) + random.uniform(0, 0.25)  # noqa: S311


def retry_after(value: str, now: datetime | None = None) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date); None if unreadable."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _server_text(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        for name in ("message", "detail", "error"):
            if isinstance(body.get(name), str):
                return str(body[name])
    return str(body) if body else str(error.response.reason_phrase)
