"""One frozen Settings object, read from the environment once at the edge.

Explicit value > environment > default. Names are `VIDEOSEAL_<FIELD>`, a role's endpoint is
`VIDEOSEAL_<ROLE>_BASE_URL`, `_API_KEY`, `_MODEL` and so on; the names of the reference system
(`AGENT_LLM_API_BASE` and so on) are read where the project's own are not set.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from videoseal.core.errors import SettingsError, faults

__all__ = ["JUDGE_ROLES", "REFERENCE_NAMES", "ROLES", "Endpoint", "JudgeRole", "Role", "Settings"]

JudgeRole = Literal["judge", "judge2"]
Role = Literal["planner", "inspector", "answerer", "captioner", "embedder", "summariser", JudgeRole]
JUDGE_ROLES: Final[tuple[JudgeRole, ...]] = get_args(JudgeRole)
ROLES: Final[tuple[Role, ...]] = get_args(Role)
REFERENCE_NAMES: Final[Mapping[str, Role]] = {
    "AGENT_LLM": "planner",
    "VISUAL_INSPECT": "inspector",
    "MLLM": "captioner",
    "EMBEDDING": "embedder",
    "SUMMARY": "summariser",
    "LLM_JUDGE": "judge",
}
_PREFIX: Final = "VIDEOSEAL_"
_ADDRESS: Final = r"^https?://\S+$"


class Endpoint(BaseModel):
    """An OpenAI-compatible server for one role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(pattern=_ADDRESS)
    """Where `/chat/completions` or `/embeddings` live, such as `http://127.0.0.1:8000/v1`."""
    model: str = Field(min_length=1)
    """The model's name at that server."""
    api_key: SecretStr = SecretStr("none")
    """The key; local servers take any."""
    more_urls: list[str] = Field(default_factory=list)
    """Further addresses of the same model, a JSON list; the one with the least to do is asked."""
    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds that one request may take; unset is `VIDEOSEAL_REQUEST_TIMEOUT_S`."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """How freely it chooses its words; `none` leaves that to the server."""
    max_tokens: int | None = Field(default=4096, ge=1)
    """Tokens of one reply, thoughts included; `none` leaves that to the server."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """The share of likely words that it chooses from; unset leaves that to the server."""
    seed: int | None = None
    """Of its choices; unset sends none."""
    reasoning_effort: str | None = None
    """How much it thinks first, in its server's words (`none`, `low`, `high`); unset sends none."""
    thinking: bool | None = None
    """Whether it thinks first, by `enable_thinking` of its chat template; unset sends none."""
    stop: list[str] = Field(default_factory=list)
    """Words that end a reply, a JSON list."""
    image_detail: Literal["auto", "low", "high"] | None = None
    """How closely a vendor's model looks at a picture; unset sends none."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of every request, a JSON object."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of every request, a JSON object; no keys."""
    price: tuple[float, float] | None = None
    """Dollars for a million tokens read, and for a million written: `[0.15, 0.6]`."""

    @field_validator("temperature", "max_tokens", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value == "none" else value

    @field_validator("extra_body", "headers", "more_urls", "stop", "price", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("not JSON") from None

    @field_validator("more_urls")
    @classmethod
    def _addresses(cls, urls: list[str]) -> list[str]:
        if any(not re.fullmatch(_ADDRESS, url) for url in urls):
            raise ValueError("each must be a whole address, such as http://127.0.0.1:8001/v1")
        return urls

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, headers: dict[str, str]) -> dict[str, str]:
        if any(re.search(r"auth|key|token|cookie|secret", name, re.I) for name in headers):
            raise ValueError("a key belongs into the role's API_KEY")
        return headers

    @property
    def sampling(self) -> dict[str, Any]:
        """What every request for words says beside them."""
        names = ("temperature", "max_tokens", "top_p", "seed", "reasoning_effort", "stop")
        told = {name: getattr(self, name) for name in names}
        return {name: value for name, value in told.items() if value not in (None, [])}

    @property
    def body(self) -> dict[str, Any]:
        """Further fields of every request for words, beyond those of OpenAI's API."""
        if self.thinking is None:
            return self.extra_body
        given = self.extra_body.get("chat_template_kwargs", {})
        told = {"chat_template_kwargs": {"enable_thinking": self.thinking, **given}}
        return {**self.extra_body, **told}


_PARTS: Final = {name.upper(): name for name in Endpoint.model_fields}
_OLD_PARTS: Final = {"BASE_URL": "API_BASE", "API_KEY": "API_KEY", "MODEL": "MODEL"}
"""Parts of an endpoint by the names of the reference system."""


class Settings(BaseModel):
    """Everything that is the same for all runs of a process; per-run choices are `Context`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("videoseal")))
    """Where the embedded database, the frame cache and evidence folders live."""
    database_url: SecretStr | None = None
    """A Postgres server with pgvector; None starts the embedded one in `data_dir`."""

    planner: Endpoint | None = None
    """Chooses where to look; None is the offline search policy."""
    inspector: Endpoint | None = None
    """Looks at frames; None is the offline reader."""
    answerer: Endpoint | None = None
    """Joins partial evidence; None is the offline matcher."""
    captioner: Endpoint | None = None
    """Describes clips while indexing; None is the offline template."""
    embedder: Endpoint | None = None
    """Turns texts into vectors; None is the offline embedder."""
    summariser: Endpoint | None = None
    """Writes the story of a video; None is the offline extract."""
    judge: Endpoint | None = None
    """Says in evals whether evidence carries an answer; None means none."""
    judge2: Endpoint | None = None
    """A second judge, so that their agreement can be told; None means none."""

    seal_key: SecretStr | None = None
    """Seals evidence in place of the key that the database holds, where several share one."""

    request_timeout_s: float = Field(default=120.0, gt=0)
    """Seconds one model request may take."""
    max_dollars: float | None = Field(default=None, gt=0)
    """Dollars that one process may spend on endpoints that have a price; None for no limit."""
    max_retries: int = Field(default=4, ge=0, le=20)
    """Tries after the first for what may heal (409, 429, 5xx, lost connections, one time-out)."""
    tool_call_format: Literal["native", "text", "brief", "json"] = "native"
    """How the planner calls tools: OpenAI tool calls, `<tool_call>{...}</tool_call>` text, that
    text after a much shorter system prompt (for planners trained on it), or that text held to the
    tools' schema by the server."""

    local_llm: bool = False
    """Whether planner and answerer are a small local language model where they have no endpoint
    (needs the `local-llm` extra)."""

    clip_seconds: float = Field(default=16.0, ge=1, le=600)
    """Length of a clip in the index, in seconds (16 in the reference system)."""
    caption_fps: float = Field(default=1.0, gt=0, le=30)
    """Frames a second that a captioner is shown."""
    ocr: bool = True
    """Whether on-screen text is read while indexing (needs the `ocr` extra)."""
    ocr_fps: float = Field(default=2.0, gt=0, le=30)
    """Frames a second in which on-screen text is looked for."""
    ocr_model: Literal["tiny", "small"] = "tiny"
    """PP-OCRv6 size: tiny is about three times faster; small reads narrow fonts better, and
    Japanese."""
    ocr_model_dir: Path | None = None
    """A folder of PaddleOCR models instead of the packaged ones: `rec`, such as that of another
    script, and `det` if it is to find lines, too; each with its `inference.yml`."""
    ocr_engine: Literal["onnxruntime", "paddle", "transformers"] = "onnxruntime"
    """What PaddleOCR runs its models on; all but onnxruntime are to be installed."""
    ocr_device: str = Field(default="cpu", pattern=r"^[a-z]+(:\d+)?$")
    """Where PaddleOCR runs its models, such as `gpu:0`."""
    speech: bool = False
    """Whether speech is transcribed while indexing (needs the `speech` extra)."""
    speech_model_dir: Path | None = None
    """A faster-whisper model folder instead of the packaged weights."""
    audio_track: str = ""
    """The sound track to transcribe, by number from 1 or by language; empty is the default one."""
    frame_side: int = Field(default=1280, ge=64, le=4096)
    """Largest side of a frame that a model is shown, in pixels."""
    jpeg_quality: int = Field(default=85, ge=30, le=100)
    """JPEG quality of shown and stored frames."""
    frame_cache_mb: int = Field(default=1024, ge=0)
    """Size of the frame cache on disk, in MiB; 0 turns it off."""

    @field_validator("data_dir", "ocr_model_dir", "speech_model_dir")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **explicit: Any) -> Settings:
        """Settings from a mapping such as `os.environ`; `explicit` values win over it.

        Raises SettingsError naming the variable for unknown `VIDEOSEAL_*` names, malformed
        values and endpoints that are only half given.
        """
        values: dict[str, Any] = {**_plain(environ), **_endpoints(environ)}
        if url := environ.get("DATABASE_URL"):
            values["database_url"] = url
        values.update({name: value for name, value in explicit.items() if value is not None})
        try:
            return cls(**values)
        except ValidationError as error:
            fault = faults(error)[0]
            name = f"{_PREFIX}{'_'.join(map(str, fault.place)).upper()}"
            raise SettingsError(f"{name}: {fault.message}") from None

    def public(self) -> dict[str, Any]:
        """All of it as plain JSON but the keys and the database's address."""
        keys: Any = {role: {"api_key"} for role in ROLES if self.endpoint(role) is not None}
        hidden = {"database_url": True, "seal_key": True, **keys}
        return json.loads(self.model_dump_json(exclude=hidden))  # type: ignore[no-any-return]

    def endpoint(self, role: Role) -> Endpoint | None:
        """The endpoint of a role, or None for its offline stand-in."""
        found: Endpoint | None = getattr(self, role)
        return found


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Values of `VIDEOSEAL_*` variables that are no endpoint part."""
    fields = {f"{_PREFIX}{name.upper()}": name for name in Settings.model_fields}
    for name in (*ROLES, "database_url"):
        del fields[f"{_PREFIX}{name.upper()}"]
    parts = {f"{_PREFIX}{role.upper()}_{part}" for role in ROLES for part in _PARTS}
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(_PREFIX) or name in parts:
            continue
        if name not in fields:
            near = difflib.get_close_matches(name, [*fields, *parts], n=1)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for all settings"
            raise SettingsError(f"unknown setting {name}", hint=hint)
        if value != "":
            found[fields[name]] = value
    return found


def _endpoints(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The endpoint of every role that has at least a base URL."""
    found: dict[str, dict[str, str]] = {}
    for role in ROLES:
        own = f"{_PREFIX}{role.upper()}"
        given = {key: environ.get(f"{own}_{part}", "") for part, key in _PARTS.items()}
        for reference, target in REFERENCE_NAMES.items():
            if target == role:
                for part, old in _OLD_PARTS.items():
                    given[_PARTS[part]] = given[_PARTS[part]] or environ.get(
                        f"{reference}_{old}", ""
                    )
        given = {key: value for key, value in given.items() if value}
        if not given:
            continue
        for key, part in (("base_url", "BASE_URL"), ("model", "MODEL")):
            if key not in given:
                raise SettingsError(f"the {role} endpoint is only half given: set {own}_{part}")
        found[role] = given
    return found
