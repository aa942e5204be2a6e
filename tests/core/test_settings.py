"""Settings: explicit over environment over default, and every mistake named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from videoseal.core.errors import SettingsError
from videoseal.core.settings import REFERENCE_NAMES, ROLES, Endpoint, Settings

PLAIN = {
    "VIDEOSEAL_MAX_RETRIES": ("7", "max_retries", 7),
    "VIDEOSEAL_OCR": ("off", "ocr", False),
    "VIDEOSEAL_CLIP_SECONDS": ("8.5", "clip_seconds", 8.5),
    "VIDEOSEAL_TOOL_CALL_FORMAT": ("text", "tool_call_format", "text"),
    "VIDEOSEAL_OCR_MODEL_DIR": ("/models", "ocr_model_dir", Path("/models")),
}


def endpoint_of(role, url="http://host/v1", model="m", **extra):
    """The variables of a role's endpoint."""
    own = f"VIDEOSEAL_{role.upper()}"
    return {f"{own}_BASE_URL": url, f"{own}_MODEL": model, **extra}


def test_an_empty_environment_is_all_defaults():
    """Every role is a stand-in, and the database is the embedded one."""
    settings = Settings.from_env({})
    assert settings == Settings()
    assert [settings.endpoint(role) for role in ROLES] == [None] * len(ROLES)
    assert settings.database_url is None
    assert settings.data_dir.is_absolute()


@pytest.mark.parametrize("name", PLAIN)
def test_the_environment_is_read(name):
    """Text becomes the type of the field."""
    text, field, value = PLAIN[name]
    assert getattr(Settings.from_env({name: text}), field) == value


def test_explicit_wins_over_environment_wins_over_default():
    """None means that nothing explicit was said."""
    environ = {"VIDEOSEAL_MAX_RETRIES": "7"}
    assert Settings.from_env(environ, max_retries=1).max_retries == 1
    assert Settings.from_env(environ, max_retries=None).max_retries == 7
    assert Settings.from_env({}).max_retries == 4


def test_an_empty_value_is_no_value():
    """As lines of an .env file that were left blank."""
    environ = {"VIDEOSEAL_MAX_RETRIES": "", "VIDEOSEAL_PLANNER_BASE_URL": "", "DATABASE_URL": ""}
    assert Settings.from_env(environ) == Settings()


def test_paths_are_made_absolute():
    """A home sign is expanded, and a later change of folder does not move them."""
    assert Settings.from_env({"VIDEOSEAL_DATA_DIR": "~/x"}).data_dir == Path.home() / "x"
    assert Settings.from_env({"VIDEOSEAL_DATA_DIR": "x"}).data_dir == Path.cwd() / "x"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_an_endpoint_of_its_own(role):
    """Base URL, model and key; local servers need no key."""
    key = {f"VIDEOSEAL_{role.upper()}_API_KEY": "secret"}
    settings = Settings.from_env({**endpoint_of(role), **key})
    assert settings.endpoint(role) == Endpoint(
        base_url="http://host/v1", model="m", api_key="secret"
    )
    assert all(settings.endpoint(other) is None for other in ROLES if other != role)
    assert Settings.from_env(endpoint_of(role)).endpoint(role).api_key.get_secret_value() == "none"


@pytest.mark.parametrize("reference", REFERENCE_NAMES)
def test_the_names_of_the_reference_system_work(reference):
    """They are read where the project's own are not set, part by part."""
    role = REFERENCE_NAMES[reference]
    environ = {
        f"{reference}_API_BASE": "http://old/v1",
        f"{reference}_API_KEY": "old-key",
        f"{reference}_MODEL": "old",
    }
    found = Settings.from_env(environ).endpoint(role)
    assert (found.base_url, found.model) == ("http://old/v1", "old")
    assert found.api_key.get_secret_value() == "old-key"
    mixed = Settings.from_env({**environ, **endpoint_of(role, model="new")}).endpoint(role)
    assert (mixed.base_url, mixed.model) == ("http://host/v1", "new")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"VIDEOSEAL_MAX_RETRIES": "many"}, "VIDEOSEAL_MAX_RETRIES"),
        ({"VIDEOSEAL_MAX_RETRIES": "-1"}, "VIDEOSEAL_MAX_RETRIES"),
        ({"VIDEOSEAL_REQUEST_TIMEOUT_S": "0"}, "VIDEOSEAL_REQUEST_TIMEOUT_S"),
        ({"VIDEOSEAL_OCR": "perhaps"}, "VIDEOSEAL_OCR"),
        ({"VIDEOSEAL_TOOL_CALL_FORMAT": "xml"}, "VIDEOSEAL_TOOL_CALL_FORMAT"),
        ({"VIDEOSEAL_MAX_RETRYS": "1"}, "VIDEOSEAL_MAX_RETRYS"),
        ({"VIDEOSEAL_PLANNER_URL": "http://x"}, "VIDEOSEAL_PLANNER_URL"),
        ({"VIDEOSEAL_PLANNER": "x"}, "VIDEOSEAL_PLANNER"),
        ({"VIDEOSEAL_PLANNER_MODEL": "m"}, "VIDEOSEAL_PLANNER_BASE_URL"),
        ({"VIDEOSEAL_PLANNER_BASE_URL": "http://x"}, "VIDEOSEAL_PLANNER_MODEL"),
        ({"VIDEOSEAL_PLANNER_API_KEY": "k"}, "VIDEOSEAL_PLANNER_BASE_URL"),
        (endpoint_of("judge", url="host:8000"), "VIDEOSEAL_JUDGE_BASE_URL"),
        (endpoint_of("judge", url="http://a b"), "VIDEOSEAL_JUDGE_BASE_URL"),
        ({"AGENT_LLM_MODEL": "m"}, "VIDEOSEAL_PLANNER_BASE_URL"),
    ],
)
def test_a_mistake_names_the_variable(environ, named):
    """Unknown, malformed and half-given settings are one clear line."""
    with pytest.raises(SettingsError, match=rf"\b{named}\b") as caught:
        Settings.from_env(environ)
    assert "\n" not in str(caught.value)


def test_a_misspelt_name_gets_a_suggestion():
    """The nearest setting is offered."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"VIDEOSEAL_MAX_RETRYS": "1"})
    assert caught.value.hint == "did you mean VIDEOSEAL_MAX_RETRIES?"


def test_other_programs_variables_are_ignored():
    """Only names with the prefix and those of the reference system are ours."""
    assert Settings.from_env({"PATH": "/bin", "OPENAI_API_KEY": "k"}) == Settings()


def test_a_role_is_told_how_to_speak():
    """Numbers, texts and a JSON object; `none` leaves a field to the server."""
    own = "VIDEOSEAL_PLANNER_"
    told = {"TEMPERATURE": "0.7", "MAX_TOKENS": "none", "SEED": "3", "REASONING_EFFORT": "low",
            "EXTRA_BODY": '{"chat_template_kwargs": {"enable_thinking": false}}'}  # fmt: skip
    environ = endpoint_of("planner", **{own + name: value for name, value in told.items()})
    endpoint = Settings.from_env(environ).planner
    assert endpoint.sampling == {"temperature": 0.7, "seed": 3, "reasoning_effort": "low"}
    assert endpoint.extra_body["chat_template_kwargs"] == {"enable_thinking": False}
    plain = Settings.from_env(endpoint_of("planner")).planner
    assert plain.sampling == {"temperature": 0.0, "max_tokens": 4096}


def test_thinking_is_a_word_to_the_chat_template():
    """And what is given by hand stands beside it."""
    given = {"chat_template_kwargs": {"tone": "dry"}, "top_k": 3}
    endpoint = Endpoint(base_url="http://h/v1", model="m", thinking=False, extra_body=given)
    kwargs = {"enable_thinking": False, "tone": "dry"}
    assert endpoint.body == {"chat_template_kwargs": kwargs, "top_k": 3}
    assert Endpoint(base_url="http://h/v1", model="m").body == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEMPERATURE", "3"),
        ("MAX_TOKENS", "0"),
        ("EXTRA_BODY", "{"),
        ("PRICE", "[1]"),
        ("MORE_URLS", '["host"]'),
        ("HEADERS", '{"Authorization": "Bearer x"}'),
    ],
)
def test_a_wrong_part_of_an_endpoint_is_named(name, value):
    """With the variable that holds it."""
    environ = endpoint_of("judge", **{f"VIDEOSEAL_JUDGE_{name}": value})
    with pytest.raises(SettingsError, match=f"VIDEOSEAL_JUDGE_{name}"):
        Settings.from_env(environ)


def test_secrets_are_not_printed():
    """Neither keys nor the database password, in no form of the settings."""
    environ = endpoint_of("planner", VIDEOSEAL_PLANNER_API_KEY="hush-1")
    settings = Settings.from_env({**environ, "DATABASE_URL": "postgresql://me:hush-2@host/db"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hush" not in text
    assert settings.database_url.get_secret_value().endswith("@host/db")


def test_an_error_does_not_print_a_secret():
    """A malformed endpoint names the variable and not the key beside it."""
    environ = endpoint_of("planner", url="nope", VIDEOSEAL_PLANNER_API_KEY="hush-1")
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    assert "hush" not in f"{caught.value} {caught.value.hint}"


def test_settings_do_not_change():
    """Concurrent questions read the same values."""
    with pytest.raises(ValidationError):
        Settings().max_retries = 1
    with pytest.raises(ValidationError):
        Settings(unknown=1)


@given(st.dictionaries(st.sampled_from([
    "VIDEOSEAL_MAX_RETRIES", "VIDEOSEAL_OCR", "VIDEOSEAL_CLIP_SECONDS", "VIDEOSEAL_JUDGE_BASE_URL",
    "VIDEOSEAL_JUDGE_MODEL", "MLLM_API_BASE", "VIDEOSEAL_X", "DATABASE_URL",
]), st.text(st.characters(exclude_characters="\x00"))))  # fmt: skip
def test_any_environment_is_settings_or_one_error(environ):
    """No other exception comes out."""
    with contextlib.suppress(SettingsError):
        assert Settings.from_env(environ).max_retries >= 0
