"""`python -m videoseal.rl.worker.parse MODULE ARGS...`: what OpenRLHF's parser says.

Prints the arguments as one JSON object, or the parser's complaint with exit status 2. No GPU, no
model and no Ray cluster is touched.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from videoseal.rl.worker import compat

__all__ = ["ArgumentsRejected", "parse", "run"]


class ArgumentsRejected(ValueError):
    """OpenRLHF does not take these arguments."""


class _Parsed(BaseException):
    """Carries the arguments out of OpenRLHF's main block; nothing there catches it."""

    def __init__(self, args: Any) -> None:
        super().__init__()
        self.args_found = args


def parse(module: str, argv: Sequence[str]) -> Any:
    """The nested namespace that `python -m MODULE ARGS` would train with; raises ArgumentsRejected.

    OpenRLHF checks its arguments in the main block of the module, so that block is run up to the
    point where it would begin to train.
    """
    compat.install()
    import openrlhf.utils
    import ray

    def stop(args: Any) -> NoReturn:
        raise _Parsed(args)

    changed = (openrlhf.utils, "get_strategy", stop), (ray, "init", lambda *_, **__: None)
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changed]
    argv_before = sys.argv
    for owner, name, value in changed:
        setattr(owner, name, value)
    sys.argv = [module.rsplit(".", 1)[-1], *argv]
    loaded = sys.modules.pop(module, None)
    try:
        runpy.run_module(module, run_name="__main__")
    except _Parsed as parsed:
        return parsed.args_found
    except (AssertionError, ValueError) as error:
        raise ArgumentsRejected(
            " ".join(str(error).split()) or "an assertion of OpenRLHF failed"
        ) from None
    finally:
        sys.argv = argv_before
        if loaded is not None:
            sys.modules[module] = loaded
        for owner, name, value in before:
            setattr(owner, name, value)
    raise ArgumentsRejected(f"{module} ended before it began to train")


def _plain(value: Any) -> Any:
    if hasattr(value, "__dict__"):
        return {name: _plain(inner) for name, inner in vars(value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Run a program of this folder on its arguments; exit status 2 when they are rejected."""
    try:
        main(sys.argv[1:])
    except ArgumentsRejected as problem:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


if __name__ == "__main__":
    run(lambda argv: print(json.dumps(_plain(parse(argv[0], argv[1:])))))  # noqa: T201
