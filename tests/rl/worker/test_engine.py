"""Sampling without vLLM: the log-probs are those of the model, whoever else is being served."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from videoseal.rl.training.base_models import make_tiny

pytest.importorskip("torch", reason="training is not installed")
pytest.importorskip("openrlhf", reason="training is not installed")
pytestmark = [
    # What torch, DeepSpeed and transformers say of each other while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

EXACT = 1e-4
WORDS = ["what does the sign over the red door say to those who pass by it\n"] * 3


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained policy of a few layers."""
    folder = tmp_path_factory.mktemp("policy")
    make_tiny(folder, WORDS, vocabulary=320, width=64, layers=2, context=256)
    return folder


@pytest.fixture
async def engine(policy: Path) -> AsyncIterator[Any]:
    """An engine over the policy in fp32, with a little less of chance in its weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from videoseal.rl.worker.engine import HfEngine

    model = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.float32)
    louder(model, 20.0)
    made = HfEngine(model, AutoTokenizer.from_pretrained(policy), seed=3)
    yield made
    await made.close()


def louder(model: Any, times: float) -> None:
    """Weights as training leaves them: untrained ones make every token as likely as any other."""
    for weight in model.parameters():
        if weight.dim() > 1:
            weight.data *= times


def endless(engine: Any) -> list[int]:
    """Let no turn end before its limit; the list grows by one with every pass of the model."""
    forward, passes = engine.model.forward, []

    def without_end(*args: Any, **more: Any) -> Any:
        passes.append(len(passes))
        output = forward(*args, **more)
        output.logits[..., engine.tokenizer.eos_token_id] = -1e9
        return output

    engine.model.forward = without_end
    return passes


def sampling(**changes: Any) -> Any:
    from videoseal.rl.worker.compat import SamplingParams

    return SamplingParams(**{"max_tokens": 12, "logprobs": 1, **changes})


def prompts(count: int, shared: int = 0, seed: int = 0) -> list[list[int]]:
    """Random prompts of 1 to 40 tokens after `shared` ones that are the same."""
    chance = random.Random(seed)
    start = [chance.randrange(3, 300) for _ in range(shared)]
    return [
        [*start, *(chance.randrange(3, 300) for _ in range(chance.randint(1, 40)))]
        for _ in range(count)
    ]


def told(output: Any) -> list[float]:
    """The log-probs of what was sampled."""
    (choice,) = output.outputs
    pairs = zip(choice.token_ids, choice.logprobs, strict=True)
    return [entry[token].logprob for token, entry in pairs]


def known(
    engine: Any, prompt: Sequence[int], said: Sequence[int], heat: float = 1.0
) -> list[float]:
    """The log-probs of `said` by one whole forward pass without any cache."""
    import torch

    ids = torch.tensor([[*prompt, *said]])
    with torch.inference_mode():
        logits = engine.model(input_ids=ids, use_cache=False).logits[0].float()
    chances = torch.log_softmax(logits / heat, dim=-1)
    return [float(chances[len(prompt) - 1 + n, token]) for n, token in enumerate(said)]


def check(engine: Any, asked: Sequence[list[int]], found: Sequence[Any], heat: float = 1.0) -> None:
    for prompt, output in zip(asked, found, strict=True):
        said = output.outputs[0].token_ids
        assert told(output) == pytest.approx(known(engine, prompt, said, heat), abs=EXACT)


async def ask(engine: Any, asked: Sequence[list[int]], **changes: Any) -> list[Any]:
    """All at once."""
    return await asyncio.gather(*(engine.generate(ids, sampling(**changes)) for ids in asked))


@pytest.mark.parametrize("shared", [0, 1, 30])
async def test_log_probs_are_those_of_a_whole_pass(engine: Any, shared: int) -> None:
    """In batches of prompts of different lengths, with and without a common beginning."""
    asked = prompts(9, shared)
    assert len({len(ids) for ids in asked}) > 3
    found = await ask(engine, asked)
    check(engine, asked, found)
    assert len({tuple(output.outputs[0].token_ids) for output in found}) > 5


async def test_equal_prompts_are_sampled_apart(engine: Any) -> None:
    """Samples of one question differ, also where all of it is shared."""
    asked = prompts(1, 20) * 6
    found = await ask(engine, asked)
    check(engine, asked, found)
    assert len({tuple(output.outputs[0].token_ids) for output in found}) > 3


@pytest.mark.parametrize("heat", [0.3, 0.7, 1.8])
async def test_log_probs_are_those_at_the_temperature(engine: Any, heat: float) -> None:
    """As the trainer computes them: of the logits over the temperature."""
    asked = prompts(5, 6)
    check(engine, asked, await ask(engine, asked, temperature=heat), heat)


async def test_what_is_kept_serves_the_next_turn(engine: Any) -> None:
    """Turns that go on from earlier ones, beside others that begin, are exact too."""
    asked = prompts(4, 25)
    for turn in range(4):
        found = await ask(engine, asked)
        check(engine, asked, found)
        more = prompts(4, seed=turn + 1)
        asked = [[*ids, *one.outputs[0].token_ids, *new[:5]]
                 for ids, one, new in zip(asked, found, more, strict=True)]  # fmt: skip
        alone = [asked[turn]]
        check(engine, alone, await ask(engine, alone))


@pytest.mark.parametrize("key_heads", [1, 2, 4])
async def test_heads_that_share_keys_and_long_turns_are_exact(policy: Path, key_heads: int) -> None:
    """Whatever the model shares, and also after more tokens than room was first made for."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from videoseal.rl.worker.engine import HfEngine

    config = AutoConfig.from_pretrained(policy)
    config.num_attention_heads, config.num_key_value_heads, config.head_dim = 4, key_heads, 16
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    louder(model, 5.0)
    engine = HfEngine(model, AutoTokenizer.from_pretrained(policy), seed=3)
    endless(engine)
    asked = prompts(4, 6)
    found = await ask(engine, asked, max_tokens=190)
    await engine.close()
    assert [len(output.outputs[0].token_ids) for output in found] == [190] * 4
    check(engine, asked, found)


async def test_nothing_is_left_of_old_weights(engine: Any) -> None:
    """After new weights the same prompts are read anew: nothing kept of the old ones is used."""
    asked = prompts(5, 40)
    await ask(engine, asked)
    before = known(engine, asked[0], asked[1][:5])
    engine.load({name: value * 1.5 for name, value in engine.model.state_dict().items()})
    assert known(engine, asked[0], asked[1][:5]) != pytest.approx(before, abs=0.1)
    check(engine, asked, await ask(engine, asked))


async def test_weights_that_come_while_tokens_are_sampled_wait(engine: Any) -> None:
    """A request is answered by one set of weights, and leaves nothing of it behind."""
    asked = prompts(3, 40)
    started = threading.Event()
    forward = engine.model.forward

    def slow(*args: Any, **more: Any) -> Any:
        started.set()
        return forward(*args, **more)

    engine.model.forward = slow
    running = asyncio.create_task(ask(engine, asked, max_tokens=60))
    assert await asyncio.to_thread(started.wait, 30)
    engine.model.forward = forward
    old = {name: value.clone() for name, value in engine.model.state_dict().items()}
    new = {name: value * 1.5 for name, value in old.items()}
    await asyncio.to_thread(engine.load, new)
    found = await running
    check(engine, asked, await ask(engine, asked))
    engine.load(old)
    check(engine, asked, found)


async def test_weights_of_another_model_are_refused(engine: Any) -> None:
    """Names that the model does not have mean that it would go on with the old ones."""
    with pytest.raises(ValueError, match=r"no weights module\.norm"):
        engine.load({"module.norm": engine.model.model.norm.weight})


async def test_rows_end_when_they_end(engine: Any) -> None:
    """By the end of a turn or their own limit, while the others go on; both say so."""
    asked = prompts(8, 10)
    said = [one.outputs[0].token_ids for one in await ask(engine, asked, max_tokens=34)]
    (frequent, _), *_ = Counter(itertools.chain(*said)).most_common(1)
    engine.tokenizer.eos_token = engine.tokenizer.convert_ids_to_tokens(frequent)
    limits = [1, 2, 3, 5, 8, 13, 21, 34]
    found = await asyncio.gather(
        *(
            engine.generate(ids, sampling(max_tokens=n))
            for ids, n in zip(asked, limits, strict=True)
        )
    )
    check(engine, asked, found)
    choices = [output.outputs[0] for output in found]
    ends = [choice.token_ids[-1] == engine.tokenizer.eos_token_id for choice in choices]
    assert [choice.finish_reason for choice in choices] == [
        "stop" if end else "length" for end in ends
    ]
    for choice, limit, end in zip(choices, limits, ends, strict=True):
        assert engine.tokenizer.eos_token_id not in choice.token_ids[:-1]
        assert len(choice.token_ids) == limit or (end and len(choice.token_ids) < limit)
    assert any(ends)
    assert not all(ends)


async def test_more_requests_than_a_batch_holds(engine: Any) -> None:
    """All are answered, each its own."""
    asked = prompts(70, 4)
    check(engine, asked, await ask(engine, asked, max_tokens=3))
    assert engine.unfinished == 0


async def test_greedy_is_the_likeliest(engine: Any) -> None:
    """Temperature 0 takes the best token, beside others that are sampled."""
    import torch

    (ids,) = prompts(1, 10)
    greedy, _ = await asyncio.gather(
        engine.generate(ids, sampling(temperature=0.0)), engine.generate(ids, sampling())
    )
    said = greedy.outputs[0].token_ids
    with torch.inference_mode():
        logits = engine.model(input_ids=torch.tensor([[*ids, *said]])).logits[0]
    assert said == logits[len(ids) - 1 : -1].argmax(-1).tolist()
    assert told(greedy) == pytest.approx([0.0] * len(said), abs=1e-3)


async def test_those_who_gave_up_hold_nobody_up(engine: Any) -> None:
    """A request that was cancelled is sampled no further, and the next one is served."""
    forward, passes = engine.model.forward, endless(engine)
    asked = prompts(4)
    running = [asyncio.create_task(engine.generate(i, sampling(max_tokens=3000))) for i in asked]
    while not passes:
        await asyncio.sleep(0.001)
    for task in running:
        task.cancel()
    await ask(engine, asked, max_tokens=2)
    assert len(passes) < 1000
    engine.model.forward = forward
    check(engine, asked, await ask(engine, asked))
    assert engine.unfinished == 0


async def test_a_failure_reaches_those_who_asked(engine: Any) -> None:
    """And nobody else: the engine serves on, with exact log-probs."""
    forward = engine.model.forward
    calls = itertools.count()

    def broken(*args: Any, **more: Any) -> Any:
        if next(calls) == 2:
            raise RuntimeError("CUDA error")
        return forward(*args, **more)

    engine.model.forward = broken
    asked = prompts(3, 12)
    found = await asyncio.gather(
        *(engine.generate(ids, sampling()) for ids in asked), return_exceptions=True
    )
    assert [str(error) for error in found] == ["CUDA error"] * 3
    check(engine, asked, await ask(engine, asked))


@pytest.mark.parametrize(
    "changes",
    [{"top_p": 0.9}, {"top_k": 5}, {"max_tokens": 0}, {"temperature": -1.0},
     {"temperature": float("nan")}],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_sampled_exactly_is_refused(engine: Any, changes: Any) -> None:
    """Before it is decoded together with others, whose answers would be lost with it."""
    (ids,) = prompts(1)
    with pytest.raises(ValueError, match=r"exact|least"):
        await engine.generate(ids, sampling(**changes))
    with pytest.raises(ValueError, match="no token"):
        await engine.generate([], sampling())


async def test_closing_tells_those_who_wait(engine: Any) -> None:
    """Nobody waits for ever; what asks afterwards is served again."""
    from videoseal.rl.worker.engine import EngineClosed

    asked = prompts(3)
    forward, passes = engine.model.forward, endless(engine)
    running = [asyncio.create_task(engine.generate(i, sampling(max_tokens=10**9))) for i in asked]
    while not passes:
        await asyncio.sleep(0.001)
    await engine.close()
    found = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(error, EngineClosed) for error in found)
    engine.model.forward = forward
    check(engine, asked, await ask(engine, asked))


def test_one_engine_serves_one_event_loop_after_the_other(policy: Path) -> None:
    """Also where nobody closed it in between."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from videoseal.rl.worker.engine import HfEngine

    model = AutoModelForCausalLM.from_pretrained(policy)
    engine = HfEngine(model, AutoTokenizer.from_pretrained(policy), seed=3)
    for _ in range(2):
        asked = prompts(2)
        check(engine, asked, asyncio.run(ask(engine, asked)))
