"""The story that quotes: the same lines whoever asks."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import asyncio
from videoseal.models.offline.captioner import ExtractSummariser
words = "harbour lamp bridge keys noon gate exit blue seven turquoise purple motion".split()
lines = [f"{' '.join(words[at % 5 : at % 5 + 6])} {at // 2}" for at in range(40)]
lines += [" ".join(reversed(line.split())) for line in lines]
print(asyncio.run(ExtractSummariser().summarise(lines)).value)
"""


def test_a_resumed_index_tells_the_same_story() -> None:
    """Sets have another order in every process; lines of equal worth must not change places."""
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in range(6)
    }  # fmt: skip
    assert len(told) == 1
