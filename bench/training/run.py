"""Train a 135M planner twice, and ask it questions about videos that it never saw.

`python bench/training/run.py [--workdir bench/out/training] [--steps 12] [--out DIR]` unpacks
SmolLM2-135M, generates and indexes 24 short videos, lets the policy imitate the search policy on 18
of them, trains it there with GRPO, once paid for right answers that shown frames carry (`gated`)
and once for any right answer (`outcome`), and asks all three policies the questions of the other 6.
Curves and numbers are written to `--out`. On two cores it takes about two hours. What
is done stays done: a second run goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from videoseal.evals.records import RecordFile
from videoseal.rl.rewards.rewards import RECIPES, RewardSpec, reward_of

ROOT: Final = Path(__file__).resolve().parents[2]
TRAIN_SEEDS: Final = range(201, 219)
HELD_SEEDS: Final = range(301, 307)
MINUTES: Final = 6
BATCH: Final = 4
CONTEXT: Final[dict[str, Any]] = {
    "max_steps": 4, "top_k": 3, "frames_per_inspect": 8, "max_frames": 32, "forced_choice": True,
}  # fmt: skip
REWARDS: Final[dict[str, dict[str, Any]]] = {
    "gated": {"kind": "gated"},
    # The same costs as the gated reward has: what differs is the gate, and that a guess is paid.
    "outcome": {"kind": "outcome", "forced": True, **RECIPES["gated"]},
}
ROLLOUT: Final = {
    "batch": BATCH, "samples": 6, "temperature": 1.0, "turn_tokens": 224, "context_tokens": 1400,
    "episode_seconds": 600, "tool_seconds": 60, "max_episodes": 24,
}  # fmt: skip
OPTIMISER: Final = {
    "lr": 2e-5, "schedule": "constant", "warmup": 0.0, "micro_batch": 1, "passes": 1, "kl": 0.0,
}  # fmt: skip
HARDWARE: Final = {
    "backend": "hf", "gpus": 1, "threads": os.cpu_count() or 1, "precision": "bf16",
    "zero_stage": 1,
}  # fmt: skip
CLEARLY: Final = 0.05
"""Difference of pay that is more than costs make."""
EXPERIMENT: Final[dict[str, Any]] = {
    "title": "A planner of 135M weights before and after GRPO, on videos it never saw",
    "about": "SmolLM2-135M plans; the other roles are the stand-ins. Who has not settled a"
    " question after four steps must guess.",
    "modes": ["decoupled"],
    "base": {"context": CONTEXT, "settings": {"tool_call_format": "brief"}},
    "baseline": {"mode": "decoupled", "variant": "warm start"},
    "figure": {
        "x": "variant",
        "y": ["accuracy", "grounded accuracy", "right but never shown"],
        "series": "mode",
        "label": "trained by",
        "note": "The same questions and frozen roles; only the planner's weights differ.",
    },
}


class Bench:
    """The folder of a run, and the program at work in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)

    def videoseal(self, *words: object, environ: dict[str, str] | None = None) -> None:
        """Run one command of the program; what it prints is shown."""
        subprocess.run(self._command(words), check=True, cwd=self.folder, env=_environ(environ))

    def done(self, name: str) -> bool:
        """Whether a file or folder is there already."""
        return (self.folder / name).exists()

    def videos(self, name: str, seeds: Sequence[int]) -> None:
        """Generate what is missing."""
        for seed in seeds:
            if not self.done(f"{name}/t-{seed}.truth.json"):
                words = ["--minutes", MINUTES, "--seed", seed, "--out", name, "--name", f"t-{seed}"]
                line = [sys.executable, "-m", "videoseal.evals.synthetic", *map(str, words)]
                subprocess.run(line, check=True, cwd=self.folder, env=_environ())

    def questions(self, name: str, videos: str) -> None:
        """Index the videos, and turn their questions into tasks."""
        if not self.done(f"{name}/train.jsonl"):
            self.videoseal(
                "train", "data", "--benchmark", "synthetic", "--annotations", videos,
                "--videos", videos, "--out", name, "--validation", 0,
            )  # fmt: skip

    def config(self, kind: str, steps: int, name: str = "", **context: Any) -> Path:
        """Write a config with the reward of that kind; YAML reads JSON."""
        config = {
            "name": name or kind,
            "policy": {"path": "warm/model", "tool_call_format": "brief"},
            "data": {"train": "tasks/train.jsonl", "limit": steps * BATCH},
            "reward": REWARDS[kind],
            "context": {**CONTEXT, **context},
            "rollout": ROLLOUT,
            "optimiser": OPTIMISER,
            "hardware": HARDWARE,
            "output": {"dir": f"grpo-{kind}", "save_steps": 4, "validation_steps": 1000},
        }
        return self.write(f"{config['name']}.yaml", config)

    def write(self, name: str, values: dict[str, Any]) -> Path:
        """Write a file of settings."""
        path = self.folder / name
        path.write_text(json.dumps(values, indent=1), encoding="utf-8")
        return path

    @contextmanager
    def served(self, prefix: str, policy: str) -> Iterator[dict[str, str]]:
        """Serve a policy; given are the variables that name it to an experiment."""
        command = self._command(["train", "serve", policy, "--port", 0, "--json"])
        with subprocess.Popen(
            command, cwd=self.folder, env=_environ(), stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                told = []
                for line in server.stdout:
                    told.append(line)
                    if line == "}\n":
                        break
                else:
                    raise SystemExit(f"the server of {policy} ended before it was ready")
                ready = json.loads("".join(told))
                yield {
                    f"{prefix}_BASE_URL": f"http://127.0.0.1:{ready['port']}/v1",
                    f"{prefix}_MODEL": ready["settings"]["VIDEOSEAL_PLANNER_MODEL"],
                }
            finally:
                server.terminate()

    def _command(self, words: Sequence[object]) -> list[str]:
        return [sys.executable, "-m", "videoseal.cli.main", "--data-dir", "data", *map(str, words)]


def main() -> None:
    """Do what is not done yet."""
    options = _parse()
    bench = Bench(options.workdir)
    if not bench.done("base/tokenizer_config.json"):
        bench.videoseal("train", "base", "smollm2-135m", "--out", "base")
    bench.videos("videos/train", TRAIN_SEEDS)
    bench.videos("videos/held", HELD_SEEDS)
    bench.questions("tasks", "videos/train")
    bench.questions("held", "videos/held")
    configs = {kind: bench.config(kind, options.steps) for kind in REWARDS}
    # To abstain is worth imitating too; who must guess never does.
    imitated = bench.config("gated", options.steps, name="warm", forced_choice=False)
    if not bench.done("traces.jsonl"):
        bench.videoseal(
            "train", "traces", "--tasks", "tasks/train.jsonl", "--config", imitated,
            "--out", "traces.jsonl",
        )  # fmt: skip
    if not bench.done("warm/model/tokenizer_config.json"):
        bench.videoseal(
            "train", "sft", "--config", imitated, "--policy", "base",
            "--traces", "traces.jsonl", "--out", "warm", "--lr", 5e-5, "--epochs", 2, "--batch", 4,
            "--set", "hardware.precision=fp32", "--set", "hardware.zero_stage=0",
        )  # fmt: skip
    for config in configs.values():
        # One that is done is left as it is, and one that was begun with other steps is refused.
        bench.videoseal("train", "grpo", "--config", config)
    ask(bench)
    keep(bench, options.out)


def ask(bench: Bench) -> None:
    """Ask all three policies the held-out questions; what was answered is not asked again."""
    policies = {"WARM": "warm/model", **{kind.upper(): f"grpo-{kind}" for kind in REWARDS}}
    names = {"WARM": "warm start", "GATED": "gated reward", "OUTCOME": "outcome reward"}
    variants = [{"name": names[p], "endpoints": {"planner": p}} for p in policies]
    experiment = bench.write("heldout.yaml", {**EXPERIMENT, "variants": variants})
    with ExitStack() as servers:
        environ: dict[str, str] = {}
        for prefix, policy in policies.items():
            environ |= servers.enter_context(bench.served(prefix, policy))
        bench.videoseal(
            "eval", "experiment", experiment, "--annotations", "videos/held",
            "--videos", "videos/held", "--name", "heldout", environ=environ,
        )  # fmt: skip


def keep(bench: Bench, out: Path) -> None:
    """Write curves and numbers where they stay."""
    out = out.absolute()
    bench.videoseal("train", "compare", *(f"grpo-{kind}" for kind in REWARDS), "--out", out)
    for name in ("figure.svg", "figure.md"):
        shutil.copy(bench.folder / "data" / "runs" / "heldout" / name, out / name)
    told = "\n".join(f"- {line}" for line in set_apart(bench.folder))
    (out / "rewards.md").write_text(f"# Where the two rewards differ\n\n{told}\n", encoding="utf-8")


def set_apart(folder: Path) -> list[str]:
    """Pay every recorded episode by both rewards, and tell where that makes a difference."""
    gated, outcome = (RewardSpec.model_validate(REWARDS[kind]) for kind in ("gated", "outcome"))
    asked: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    guesses = others = proven = carried = 0
    for path in sorted(folder.glob("grpo-*/rollouts/*.jsonl")):
        for record in RecordFile(path).read():
            paid, plain = reward_of(record, gated), reward_of(record, outcome)
            asked[path.parts[-3], record.item.uid].append((paid.total, plain.total))
            if abs(paid.total - plain.total) > CLEARLY:
                guesses += paid.terms["forced"] == 1
                others += paid.terms["forced"] == 0
            # The gated reward counts no guess as right.
            proven += paid.terms["correct"] == 1
            carried += paid.terms["correct"] * paid.terms["gate"] == 1
    groups = list(asked.values())
    alike = sum(all(abs(a - b) <= CLEARLY for a, b in group) for group in groups)
    spread = [[max(pay) - min(pay) for pay in zip(*group, strict=True)] for group in groups]
    flat = [sum(by_kind[at] <= CLEARLY for by_kind in spread) for at in (0, 1)]
    return [
        f"{sum(map(len, groups))} episodes of both runs, paid by both rewards",
        f"{guesses} forced guesses and {others} other episodes are paid differently by more than"
        f" {CLEARLY}",
        f"{proven} right answers were not forced; shown frames carry {carried} of them in full",
        f"{alike} of {len(groups)} groups of samples are paid alike, one by one",
        f"{flat[0]} groups have no spread to learn from under the gated reward, {flat[1]} under the"
        " outcome reward",
    ]


def _environ(more: dict[str, str] | None = None) -> dict[str, str]:
    # Threads that wait without sleeping take the cores from the tools and from Postgres.
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": str(ROOT), **(more or {})}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, default=ROOT / "bench" / "out" / "training")
    parser.add_argument("--steps", type=int, default=12, help="of each run, 24 episodes a step")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    return parser.parse_args()


if __name__ == "__main__":
    main()
