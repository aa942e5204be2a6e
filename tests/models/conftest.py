"""A fault server for the session, and a lane of its own for every test."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from videoseal.core.settings import Endpoint, Settings

KEY = "sk-very-secret-0123456789"


class Lane(NamedTuple):
    """One test's part of the server."""

    address: str
    key: str = KEY

    @property
    def url(self):
        """The base URL for clients."""
        return f"{self.address}/v1"

    @property
    def endpoint(self):
        """An endpoint with the test key."""
        return Endpoint(base_url=self.url, model="test-model", api_key=KEY)

    @staticmethod
    def chat(content="", **extra):
        """A scripted chat reply."""
        return {"kind": "chat", "content": content, **extra}

    @staticmethod
    def status(code, **extra):
        """A scripted error."""
        return {"kind": "status", "status": code, **extra}

    def script(self, *replies, refuse_schema=False):
        """Set what the server replies, in order; the last one stays."""
        self._talk("script", {"replies": list(replies), "refuse_schema": refuse_schema})

    def seen(self):
        """The requests so far."""
        return self._talk("requests")

    def _talk(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/{path}", data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def fault_server():
    """The address of a running fault server, stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("fault_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture
def lane(fault_server, request, monkeypatch):
    """A lane that only this test talks to."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Lane(f"{fault_server}/lane{abs(hash(request.node.nodeid))}")


@pytest.fixture
def settings(tmp_path):
    """Settings that give up soon."""
    return Settings(data_dir=tmp_path, request_timeout_s=20, max_retries=2)
