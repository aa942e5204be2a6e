"""Which policy is to be served as the planner, and a place to serve it at."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import MissingDependency, SettingsError, VideosealError
from videoseal.rl.training.command import INSTALL
from videoseal.rl.training.export import CARD, NothingTrained
from videoseal.rl.training.run_folder import NoSuchTraining, RunFolder, weight_files

__all__ = ["Served", "policy_of", "serve"]

_HOST: Final = "127.0.0.1"


class Served(NamedTuple):
    """A policy that can be served."""

    folder: Path
    name: str
    tool_call_format: str

    def settings(self, port: int) -> Mapping[str, str]:
        """The environment that makes it the planner."""
        return {
            "VIDEOSEAL_PLANNER_BASE_URL": f"http://{_HOST}:{port}/v1",
            "VIDEOSEAL_PLANNER_MODEL": self.name,
            "VIDEOSEAL_TOOL_CALL_FORMAT": self.tool_call_format,
        }


def policy_of(run: str, data_dir: Path) -> Served:
    """The final model of a run by its name or folder, or any Hugging Face folder.

    Raises NoSuchTraining, and NothingTrained for a run without its final model.
    """
    folder = Path(run)
    if (folder / "config.json").is_file() and weight_files(folder):
        return Served(folder, folder.absolute().name, _format_of(folder))
    try:
        found = RunFolder.find(run, data_dir)
    except NoSuchTraining as error:
        if not folder.is_dir():
            raise
        raise NoSuchTraining(
            f"{run} is neither a run nor a model's folder", hint=error.hint
        ) from None
    if not found.is_trained():
        raise NothingTrained(
            f"{found.root.name} has no final model yet",
            hint="serve a checkpoint: videoseal train export RUN --out DIR, then serve DIR",
        )
    config = found.read_manifest().config
    return Served(found.model, config.name, config.policy.tool_call_format)


def serve(served: Served, port: int, seed: int | None, ready: Callable[[int], None]) -> None:
    """Serve until interrupted; `ready` is told the port, which is a free one where 0 is asked.

    Raises MissingDependency, SettingsError for a port that is taken, TemplateRefused, and
    VideosealError for a folder that cannot be loaded.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise SettingsError(
                f"cannot listen on port {port}: {error.strerror}",
                hint="choose another --port, or 0 for a free one",
            ) from None
        try:
            from videoseal.rl.worker import policy_server as server
        except ImportError as error:
            raise MissingDependency(f"serving needs {error.name}", hint=INSTALL) from None
        try:
            engine = server.load(served.folder, seed)
        except VideosealError:
            raise
        except Exception as error:  # each format of weights has errors of its own
            why = " ".join(str(error).split())
            raise VideosealError(f"cannot load {served.folder}: {why}") from error
        server.run(engine, served.name, listener, lambda: ready(listener.getsockname()[1]))


def _format_of(folder: Path) -> str:
    """As the card of an export says; whole prompts where there is none."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "text"
    told = card.get("tool_call_format") if isinstance(card, dict) else None
    return told if isinstance(told, str) else "text"
