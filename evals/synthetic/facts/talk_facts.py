"""Facts told by burned-in subtitles, in English and in Chinese."""

from __future__ import annotations

from videoseal.evals.synthetic.facts import vocabulary_en as en
from videoseal.evals.synthetic.facts import vocabulary_zh as zh
from videoseal.evals.synthetic.facts.families import Family, grid
from videoseal.evals.synthetic.facts.near_misses import numbers, some, years

__all__ = ["TALK_FAMILIES", "ZH_TALK_FAMILIES"]

_WHO = some(en.FIRST_NAMES)
_ZH_WHO = some(zh.ZH_NAMES)

TALK_FAMILIES = (
    Family(
        "hid",
        "subtitle",
        "{who}: I hid the {v} {where}.",
        "What does {who} say was hidden {where}?",
        grid("who", _WHO, "where", some(en.HIDING_PLACES)),
        some(en.ITEMS),
        option="the {v}",
    ),
    Family(
        "gave",
        "subtitle",
        "{who}: {v} gave me the {item}.",
        "Who gave {who} the {item}?",
        grid("who", _WHO, "item", some(en.ITEMS)),
        some(en.FIRST_NAMES),
        types=("entity recognition",),
    ),
    Family(
        "repaired",
        "subtitle",
        "After the {event}, {who} repaired the {v}.",
        "What did {who} repair after the {event}?",
        grid("who", _WHO, "event", some(en.EVENTS)),
        some(en.THINGS),
        option="the {v}",
        types=("event understanding",),
    ),
    Family(
        "meet",
        "subtitle",
        "{who}: Meet me at the {where} on {v}.",
        "On which day does {who} want to meet at the {where}?",
        grid("who", _WHO, "where", some(en.MEETING_PLACES)),
        some(en.DAYS),
    ),
    Family(
        "missed",
        "subtitle",
        "{who} missed the {ride} because {v}.",
        "Why did {who} miss the {ride}?",
        grid("who", _WHO, "ride", some(en.RIDES)),
        some(en.REASONS),
        types=("event understanding", "reasoning"),
        option="because {v}",
    ),
    Family(
        "lived",
        "subtitle",
        "{who}: I lived in {city} for {v} years.",
        "For how many years did {who} live in {city}?",
        grid("who", _WHO, "city", some(en.CITIES)),
        numbers(3, 48),
        option="{v} years",
    ),
    Family(
        "paid",
        "subtitle",
        "{who}: I paid {v} coins for the {item}.",
        "How many coins did {who} pay for the {item}?",
        grid("who", _WHO, "item", some(en.ITEMS)),
        numbers(11, 98),
        option="{v} coins",
    ),
    Family(
        "won",
        "subtitle",
        "{who} won the {contest} in {v}.",
        "In which year did {who} win the {contest}?",
        grid("who", _WHO, "contest", some(en.CONTESTS)),
        years,
    ),
)
"""English subtitles."""  # fmt: skip

ZH_TALK_FAMILIES = (
    Family(
        "hid-zh",
        "subtitle",
        "{who}：我把{v}藏在了{where}。",
        "{who}说把什么藏在了{where}？",
        grid("who", _ZH_WHO, "where", some(zh.ZH_PLACES)),
        some(zh.ZH_ITEMS),
        language="zh",
    ),
    Family(
        "moved-zh",
        "subtitle",
        "{who}：{event}改到{v}了。",
        "{who}说{event}改到了哪一天？",
        grid("who", _ZH_WHO, "event", some(zh.ZH_EVENTS)),
        some(zh.ZH_DAYS),
        language="zh",
    ),
    Family(
        "gave-zh",
        "subtitle",
        "{who}：这个{item}是{v}送的。",
        "是谁送给{who}这个{item}的？",
        grid("who", _ZH_WHO, "item", some(zh.ZH_ITEMS)),
        some(zh.ZH_NAMES),
        language="zh",
        types=("entity recognition",),
    ),
    Family(
        "repaired-zh",
        "subtitle",
        "{event}以后，{who}修好了{v}。",
        "{event}以后，{who}修好了什么？",
        grid("who", _ZH_WHO, "event", some(zh.ZH_EVENTS)),
        some(zh.ZH_THINGS),
        language="zh",
        types=("event understanding",),
    ),
    Family(
        "lived-zh",
        "subtitle",
        "{who}：我在{city}住了{v}年。",
        "{who}在{city}住了多少年？",
        grid("who", _ZH_WHO, "city", some(zh.ZH_CITIES)),
        numbers(3, 48),
        language="zh",
        option="{v}年",
    ),
    Family(
        "meet-zh",
        "subtitle",
        "{who}：{v}在{where}见面。",
        "{who}约在哪一天到{where}见面？",
        grid("who", _ZH_WHO, "where", some(zh.ZH_SPOTS)),
        some(zh.ZH_DAYS),
        language="zh",
    ),
)
"""Chinese subtitles."""  # fmt: skip
