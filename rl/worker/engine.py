"""Sampling with Hugging Face transformers, behind the interface of OpenRLHF's vLLM engine.

Requests that wait are decoded together. The tokens that all of them begin with (the planner's
rules, and for samples of one question the question too) are read once; what was read of them is
kept until the weights change.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import NamedTuple

import torch
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from videoseal.rl.worker.compat import SamplingParams
from videoseal.rl.worker.decode import ATTENTION, GrowingLayer

__all__ = ["Completion", "EngineClosed", "HfEngine", "LogProb", "RequestOutput"]


class EngineClosed(RuntimeError):
    """The engine was closed before it answered."""


class LogProb(NamedTuple):
    """Log-probability of one sampled token, at the sampling temperature."""

    logprob: float


@dataclass(frozen=True, slots=True)
class Completion:
    """What was sampled for one request; fields as in vLLM's CompletionOutput."""

    token_ids: list[int]
    text: str
    finish_reason: str
    """`stop` when the last token ends the turn, else `length`."""
    logprobs: list[dict[int, LogProb]]


@dataclass(frozen=True, slots=True)
class RequestOutput:
    """One completion, wrapped as vLLM wraps it."""

    outputs: list[Completion]


class _Request(NamedTuple):
    ids: list[int]
    sampling: SamplingParams
    done: asyncio.Future[RequestOutput]


@dataclass(slots=True)
class _Row:
    """One request while it is being decoded."""

    limit: int
    temperature: float
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def goes_on(self, ends: set[int]) -> bool:
        return self.tokens[-1] not in ends and len(self.tokens) < self.limit


class _Prefix(NamedTuple):
    ids: list[int]
    cache: Cache


class HfEngine:
    """Batched sampling from one causal language model; for one event loop at a time."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_batch: int = 32,
        window_s: float = 0.005,
        seed: int | None = None,
    ) -> None:
        self.model = model.eval()
        if model.config._attn_implementation == "sdpa":
            model.set_attn_implementation(ATTENTION)
        self.tokenizer = tokenizer
        self.unfinished = 0
        self._max_batch = max_batch
        self._window_s = window_s
        self._using_model = threading.Lock()
        self._chance = torch.Generator(device=model.device)
        self._chance.manual_seed(torch.seed() if seed is None else seed)
        self._waiting: asyncio.Queue[_Request] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._prefix: _Prefix | None = None

    async def generate(
        self,
        prompt_token_ids: Sequence[int],
        sampling_params: SamplingParams,
        multi_modal_data: object = None,
    ) -> RequestOutput:
        """Sample one continuation.

        Raises ValueError for what cannot be sampled, top_p and top_k other than off included, and
        EngineClosed when the engine is closed meanwhile.
        """
        _check(prompt_token_ids, sampling_params)
        # The worker of an event loop that has ended is done, and its queue belongs to that loop.
        if self._waiting is None or self._worker is None or self._worker.done():
            self._waiting = asyncio.Queue()
            self._worker = asyncio.create_task(self._serve(self._waiting))
        done: asyncio.Future[RequestOutput] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(_Request(list(prompt_token_ids), sampling_params, done))
        self.unfinished += 1
        try:
            return await done
        finally:
            self.unfinished -= 1

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Take new weights, all by their names; what was kept of the old ones is forgotten.

        Waits for tokens that are being sampled. Raises ValueError for weights that the model does
        not have: left aside, they would let it sample from the old ones for ever.
        """
        with self._using_model:
            unexpected = self.model.load_state_dict(weights, strict=False).unexpected_keys
            self._prefix = None
        if unexpected:
            raise ValueError(f"the model has no weights {', '.join(unexpected[:3])}")

    async def close(self) -> None:
        """End the worker task of this event loop; requests that wait raise EngineClosed."""
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        self._waiting = self._worker = None

    async def _serve(self, waiting: asyncio.Queue[_Request]) -> None:
        batch: list[_Request] = []
        try:
            while True:
                batch = [await waiting.get()]
                # Episodes that were answered together ask again at about the same time.
                await asyncio.sleep(self._window_s)
                while len(batch) < self._max_batch and not waiting.empty():
                    batch.append(waiting.get_nowait())
                batch = [request for request in batch if not request.done.done()]
                if batch:
                    await self._answer(batch)
        finally:
            while not waiting.empty():
                batch.append(waiting.get_nowait())
            _refuse(batch, EngineClosed("the engine was closed"))

    async def _answer(self, batch: list[_Request]) -> None:
        try:
            outputs = await asyncio.to_thread(self._sample, batch)
        except Exception as error:  # whoever asked is told; the engine serves on
            _refuse(batch, error)
            return
        for request, output in zip(batch, outputs, strict=True):
            if not request.done.done():
                request.done.set_result(output)

    def _sample(self, batch: list[_Request]) -> list[RequestOutput]:
        with self._using_model, torch.inference_mode():
            return self._sampled(batch)

    def _sampled(self, batch: list[_Request]) -> list[RequestOutput]:
        rows = [
            _Row(request.sampling.max_tokens or 512, request.sampling.temperature)
            for request in batch
        ]
        ends = {self.tokenizer.eos_token_id}
        logits, state = self._read([request.ids for request in batch])
        active = list(range(len(rows)))
        while True:
            tokens = self._draw(logits, [rows[index] for index in active])
            keep = [
                place
                for place, index in enumerate(active)
                # Nobody waits for the rest of an episode that was cut off.
                if rows[index].goes_on(ends) and not batch[index].done.done()
            ]
            if not keep:
                break
            if len(keep) < len(active):
                state.select(keep, self.model.device)
                active = [active[place] for place in keep]
                tokens = tokens[keep]
            logits = state.step(self.model, tokens)
        return [self._output(row, ends) for row in rows]

    def _read(self, prompts: list[list[int]]) -> tuple[torch.Tensor, _State]:
        """Logits after each prompt, shape (prompts, vocabulary), and the state to go on from."""
        prefix = self._shared(prompts)
        rests = [ids[len(prefix.ids) :] for ids in prompts]
        longest = max(map(len, rests))
        pad = self.tokenizer.pad_token_id or 0
        device = self.model.device
        ids = torch.tensor([[pad] * (longest - len(r)) + r for r in rests], device=device)
        own = torch.tensor([[0] * (longest - len(r)) + [1] * len(r) for r in rests], device=device)
        mask = torch.cat([own.new_ones((len(prompts), len(prefix.ids))), own], dim=1)
        state = _State(_repeated(prefix.cache, len(prompts)), mask)
        return state.read(self.model, ids), state

    def _shared(self, prompts: list[list[int]]) -> _Prefix:
        """What all prompts begin with; each keeps at least one token of its own to be read."""
        common = list(commonprefix(prompts))  # noqa: RUF071
        common = common[: min(map(len, prompts)) - 1]
        kept = self._prefix
        fits = kept is not None and kept.ids and common[: len(kept.ids)] == kept.ids
        # Reading a longer one anew pays only when it is much longer and several share it.
        if kept is not None and fits and (len(common) < 2 * len(kept.ids) or len(prompts) == 1):
            return kept
        cache = Cache(layer_class_to_replicate=GrowingLayer)
        if common:
            ids = torch.tensor([common], device=self.model.device)
            self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._prefix = _Prefix(common, cache)
        return self._prefix

    def _draw(self, logits: torch.Tensor, rows: list[_Row]) -> torch.Tensor:
        heat = torch.tensor([row.temperature for row in rows], device=logits.device)
        scaled = logits.float() / heat.clamp(min=1e-6)[:, None]
        logprobs = torch.log_softmax(scaled, dim=-1)
        drawn = torch.multinomial(logprobs.exp(), 1, generator=self._chance)[:, 0]
        drawn = torch.where(heat > 0, drawn, scaled.argmax(-1))
        chosen = logprobs.gather(1, drawn[:, None])[:, 0].tolist()
        for row, token, logprob in zip(rows, drawn.tolist(), chosen, strict=True):
            row.tokens.append(token)
            row.logprobs.append(logprob)
        return drawn

    def _output(self, row: _Row, ends: set[int]) -> RequestOutput:
        text = self.tokenizer.decode(
            row.tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        finish = "stop" if row.tokens[-1] in ends else "length"
        told = [{t: LogProb(p)} for t, p in zip(row.tokens, row.logprobs, strict=True)]
        return RequestOutput([Completion(row.tokens, str(text), finish, told)])


def _check(ids: Sequence[int], sampling: SamplingParams) -> None:
    """Raise ValueError for a request that would fail, and with it all that are decoded with it."""
    if sampling.top_p != 1.0 or sampling.top_k > 0:
        raise ValueError("log-probs are exact only without top_p and top_k")
    if not ids:
        raise ValueError("there is no token to go on from")
    if sampling.max_tokens is not None and sampling.max_tokens < 1:
        raise ValueError(f"max_tokens is {sampling.max_tokens}, and one is the least")
    if not 0 <= sampling.temperature < float("inf"):
        raise ValueError(f"temperature is {sampling.temperature}, and 0 is the least")


def _refuse(batch: Sequence[_Request], error: Exception) -> None:
    for request in batch:
        if not request.done.done():
            request.done.set_exception(error)


class _State:
    """Keys and values of a batch, and which positions are real."""

    def __init__(self, cache: Cache, mask: torch.Tensor) -> None:
        self.cache = cache
        self.mask = mask

    def read(self, model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
        """Logits after the last of `ids`, shape (batch, vocabulary)."""
        positions = (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def step(self, model: PreTrainedModel, tokens: torch.Tensor) -> torch.Tensor:
        """Logits after one more token a row."""
        self.mask = torch.cat([self.mask, self.mask.new_ones((len(tokens), 1))], dim=1)
        return self.read(model, tokens[:, None])

    def select(self, keep: list[int], device: torch.device) -> None:
        """Go on with some of the rows only."""
        self.mask = self.mask[keep]
        self.cache.batch_select_indices(torch.tensor(keep, device=device))


def _repeated(cache: Cache, times: int) -> Cache:
    """The same keys and values for every row of a batch; the original is not touched."""
    made = Cache(layer_class_to_replicate=GrowingLayer)
    for number, layer in enumerate(cache.layers):
        if layer.keys is not None and layer.keys.numel():
            rows = (times, -1, -1, -1)
            made.update(layer.keys.expand(rows), layer.values.expand(rows), number)
    return made
