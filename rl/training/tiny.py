"""A policy small enough to be trained on a laptop: its own vocabulary, a few layers, no past.

It knows nothing before its warm start and never becomes a good planner. It is there so that the
whole path of training can be walked, and tested, where there is no GPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from videoseal.rl.episodes.chat_templates import CHATML

__all__ = ["make_tiny"]

_SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_PAD, _START, _END = range(3)


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
    """Write an untrained Llama with random weights and a tokenizer made of `texts`.

    The folder is one of Hugging Face with our ChatML template. Returns the number of parameters.
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
