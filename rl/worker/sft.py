"""`python -m videoseal.rl.worker.sft ARGS...`: OpenRLHF's SFT trainer without flash-attn.

Takes the arguments of `openrlhf.cli.train_sft`; SEAL_PRECISION and SEAL_TORCH_THREADS as for the
GRPO trainer. One process: for several GPUs use OpenRLHF under `deepspeed` itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from videoseal.rl.worker import parse

__all__ = ["main"]


def main(argv: Sequence[str]) -> None:
    """Train; raises parse.ArgumentsRejected for arguments that OpenRLHF does not take."""
    args = parse.parse("openrlhf.cli.train_sft", argv)
    args.ds.param_dtype = os.environ.get("SEAL_PRECISION", args.ds.param_dtype)
    from openrlhf.cli.train_sft import train

    alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    for name, value in {**alone, "MASTER_PORT": _free_port()}.items():
        os.environ.setdefault(name, value)
    train(args)


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


if __name__ == "__main__":
    parse.run(main)
