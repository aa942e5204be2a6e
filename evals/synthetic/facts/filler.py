"""What is said and shown between the facts: same people and places, other verbs."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from videoseal.evals.synthetic.facts import vocabulary_en as en
from videoseal.evals.synthetic.facts import vocabulary_zh as zh

__all__ = ["Small", "small_sign", "small_talk", "title"]


class Small(NamedTuple):
    """One cue: its lines, English above Chinese when both."""

    lines: tuple[str, ...]
    speaker: str


_BOTH = (
    ("{who}: We have {n} boats left.", "{zh_who}：我们还剩{n}条船。"),
    ("{who}: The bridge is {n} metres long.", "{zh_who}：这座桥长{n}米。"),
    ("{who}: Wait here for {n} minutes.", "{zh_who}：在这里等{n}分钟。"),
    ("{who}: Can you hear the music?", "{zh_who}：你听见音乐了吗？"),
    ("{who}: The road is dry again.", "{zh_who}：路又干了。"),
    ("{who}: I counted {n} birds today.", "{zh_who}：今天我数到{n}只鸟。"),
    ("The rain stopped after {n} hours.", "雨下了{n}个小时才停。"),
    ("The village has {n} houses.", "这个村子有{n}户人家。"),
    ("{who} opens the window and listens.", "{zh_who}打开窗户听着。"),
    ("{who} walks slowly towards the sea.", "{zh_who}慢慢地向海边走去。"),
    ("Nobody speaks for {n} seconds.", "整整{n}秒没有人说话。"),
    ("{who}: Bring {n} chairs, please.", "{zh_who}：请搬{n}把椅子来。"),
)

_ENGLISH = (
    "{who}: Have you seen {other} near the {place}?",
    "{who}: The {item} looks older than I thought.",
    "{who}: Nobody in {city} remembers the {event}.",
    "{who} and {other} walk past the {place}.",
    "{who}: My {item} is not for sale.",
    "{who}: {other} never talks about the {event}.",
    "In {city} they still speak of the {event}.",
    "{who}: I dreamed of a {animal} last night.",
    "{who}: Somebody is waiting {hiding}.",
    "{who}: The {thing} needs new paint, {other}.",
    "{who}: On {day} the {place} stays closed.",
    "{other} asks {who} about the {item}.",
    "{who}: It takes {n} hours to reach {city}.",
    "{who}: Was there really a {item} {hiding}?",
    "A {animal} sleeps {hiding}.",
    "{who}: Did the {ride} stop in {city}?",
    "{who}: {other} laughed about the {thing} all day.",
)

_CHINESE = (
    "{who}：你在{spot}看见{other}了吗？",
    "{who}：这个{item}比我想的还旧。",
    "{who}：{city}没有人记得那场{event}。",
    "{who}和{other}从{spot}前面走过。",
    "{who}：{other}从来不提{event}。",
    "{who}：昨天晚上我没有睡好。",
    "{who}：有人在{place}等我们。",
    "{who}：{thing}该刷油漆了。",
    "{who}：{day}{spot}不开门。",
    "{other}向{who}问起那个{item}。",
    "{who}：到{city}要走{n}个小时。",
    "{who}：{place}真的有{item}吗？",
    "{who}：你听，外面好像有人。",
    "大家在{spot}坐了很久。",
)

_STREETS = ("LINDEN", "CHAPEL", "MILL", "QUEEN", "COPPER", "HARBOUR", "ORCHARD", "SCHOOL", "TOWER")


def _english(rng: Random) -> str:
    who, other = rng.sample(en.FIRST_NAMES, 2)
    return rng.choice(_ENGLISH).format(
        who=who,
        other=other,
        place=rng.choice(en.MEETING_PLACES),
        item=rng.choice(en.ITEMS),
        city=rng.choice(en.CITIES),
        event=rng.choice(en.EVENTS),
        animal=rng.choice(en.ANIMALS),
        hiding=rng.choice(en.HIDING_PLACES),
        thing=rng.choice(en.THINGS),
        ride=rng.choice(en.RIDES),
        day=rng.choice(en.DAYS),
        n=rng.randrange(2, 60),
    )


def _chinese(rng: Random) -> str:
    who, other = rng.sample(zh.ZH_NAMES, 2)
    return rng.choice(_CHINESE).format(
        who=who,
        other=other,
        spot=rng.choice(zh.ZH_SPOTS),
        place=rng.choice(zh.ZH_PLACES),
        item=rng.choice(zh.ZH_ITEMS),
        city=rng.choice(zh.ZH_CITIES),
        event=rng.choice(zh.ZH_EVENTS),
        thing=rng.choice(zh.ZH_THINGS),
        day=rng.choice(zh.ZH_DAYS),
        n=rng.randrange(2, 60),
    )


def small_talk(rng: Random, mode: str) -> Small:
    """One cue of talk that settles no question; `mode` is `en`, `zh` or `both`."""
    if mode == "both":
        who, n = rng.choice(list(zh.ZH_SHARED_NAMES)), rng.randrange(2, 90)
        above, below = rng.choice(_BOTH)
        lines: tuple[str, ...] = (
            above.format(who=who, n=n),
            below.format(zh_who=zh.ZH_SHARED_NAMES[who], n=n),
        )
    else:
        lines = (_english(rng) if mode == "en" else _chinese(rng),)
    head, mark, _ = lines[0].replace("：", ":").partition(":")
    return Small(lines, head if mark else "")


def small_sign(rng: Random) -> str:
    """The words of a board that no question is about; `|` marks where its line may break."""
    name, city = rng.choice(en.LAST_NAMES), rng.choice(en.CITIES)
    n = rng.randrange(2, 99)
    text = rng.choice(
        (
            f"{n} {rng.choice(_STREETS)} STREET",
            f"{name} {rng.choice(en.TRADES)}|SINCE {rng.randrange(1860, 2015)}",
            f"{city} {n} KM",
            f"{rng.choice(en.ANIMALS)} INN|{rng.randrange(3, 40)} ROOMS",
            f"SALE|{rng.choice(en.GOODS)} {rng.randrange(2, 18) * 5} PERCENT OFF",
            f"EXIT {n}|{city} {rng.choice(('NORTH', 'SOUTH', 'EAST', 'WEST'))}",
            f"NO PARKING|ROW {n}",
        )
    )
    return text.upper()


def title(rng: Random, part: int) -> str:
    """The words of the title of part `part`."""
    return f"PART {part}|THE {rng.choice(en.TITLE_ADJECTIVES)} {rng.choice(en.TITLE_NOUNS)}"
