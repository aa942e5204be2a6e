"""Tokens a second of the engine that samples without vLLM, against transformers' own `generate`.

`python bench/engine.py [--rows 24] [--prompt 700] [--shared 120] [--tokens 60] [--repeats 3]
[--json]` lets both continue the same prompts with a model of SmolLM2-135M's shape and random
weights. Prompts are as those of a training step: they differ in length, and begin with the same
rules. Medians of the repeats are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from videoseal.rl.worker.compat import SamplingParams
from videoseal.rl.worker.engine import HfEngine

VOCABULARY = 49_152
END = 2


def main() -> None:
    """Measure both precisions."""
    options = _parse()
    chance = random.Random(0)
    prompts = _prompts(options.rows, options.prompt, options.shared, chance)
    results = {}
    for name, precision in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        model = _model(precision)
        peer = _median(partial(_generate, model, prompts, options.tokens), options)
        ours = _median(partial(_sample, model, prompts, options.tokens), options)
        tokens = options.rows * options.tokens
        results[name] = {
            "tokens_a_second": tokens / ours, "peer": tokens / peer, "ratio": peer / ours,
        }  # fmt: skip
    if options.json:
        print(json.dumps(results))
        return
    print(f"{options.rows} prompts of about {options.prompt} tokens, {options.tokens} more of each")
    for name, found in results.items():
        print(
            f"  {name}: {found['tokens_a_second']:.0f} tokens/s, generate {found['peer']:.0f},"
            f" ratio {found['ratio']:.1f}"
        )


def _model(precision: torch.dtype) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
        num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
        tie_word_embeddings=True, eos_token_id=END, pad_token_id=END,
    )  # fmt: skip
    model: LlamaForCausalLM = LlamaForCausalLM(config).to(precision).eval()
    # A turn that ends early would be less work; nothing ends before its limit.
    model.register_forward_hook(_endless)
    return model


def _endless(_model: object, _arguments: object, output: Any) -> None:
    output.logits[..., END] = -1e9


def _prompts(rows: int, length: int, shared: int, chance: random.Random) -> list[list[int]]:
    rules = [chance.randrange(3, VOCABULARY) for _ in range(shared)]
    return [
        rules + [chance.randrange(3, VOCABULARY) for _ in range(length - shared - row)]
        for row in range(rows)
    ]


def _sample(model: LlamaForCausalLM, prompts: list[list[int]], tokens: int) -> int:
    words = SimpleNamespace(eos_token_id=END, pad_token_id=END, decode=lambda *_, **__: "")
    engine = HfEngine(model, cast(PreTrainedTokenizerBase, words), seed=0)
    sampling = SamplingParams(max_tokens=tokens, logprobs=1)

    async def all_at_once() -> int:
        found = await asyncio.gather(*(engine.generate(ids, sampling) for ids in prompts))
        await engine.close()
        return sum(len(one.outputs[0].token_ids) for one in found)

    return asyncio.run(all_at_once())


def _generate(model: LlamaForCausalLM, prompts: list[list[int]], tokens: int) -> int:
    model.set_attn_implementation("sdpa")
    longest = max(map(len, prompts))
    ids = torch.tensor([[END] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    found = model.generate(
        ids, attention_mask=mask, max_new_tokens=tokens, do_sample=True, top_k=0,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    # The log-probs of what was sampled, which training needs.
    torch.stack(found.logits).float().log_softmax(-1)
    return int(found.sequences.shape[1] - longest) * len(prompts)


def _median(work: Callable[[], int], options: argparse.Namespace) -> float:
    seconds = []
    for _ in range(options.repeats):
        started = time.perf_counter()
        assert work() == options.rows * options.tokens
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--prompt", type=int, default=700, help="tokens of the longest")
    parser.add_argument("--shared", type=int, default=120, help="tokens that all begin with")
    parser.add_argument("--tokens", type=int, default=60, help="sampled after each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
