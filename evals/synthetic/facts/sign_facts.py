"""Facts told by signs."""

from __future__ import annotations

from random import Random

from videoseal.evals.synthetic.facts import vocabulary_en as en
from videoseal.evals.synthetic.facts import vocabulary_zh as zh
from videoseal.evals.synthetic.facts.families import Family, lone
from videoseal.evals.synthetic.facts.near_misses import clocks, codes, numbers, phones, prices, some

__all__ = ["SIGN_FAMILIES", "ZH_SIGN_FAMILIES", "clubs", "people"]

_TITLES = ("Dr.", "Prof.", "Capt.", "Nurse", "Chef")


def people(rng: Random, count: int) -> list[str]:
    """Full names that share first or last names with each other."""
    firsts, lasts = rng.sample(en.FIRST_NAMES, 3), rng.sample(en.LAST_NAMES, 3)
    pool = [f"{first} {last}" for first in firsts for last in lasts]
    return rng.sample(pool, count)


def _staff(rng: Random, count: int) -> list[str]:
    title = rng.choice(_TITLES)
    return [f"{title} {name}" for name in rng.sample(en.LAST_NAMES, count)]


def _gates(rng: Random, count: int) -> list[str]:
    letters, number = rng.sample("ABCDEFHK", 2), numbers(2, 60)(rng, 3)
    return rng.sample([f"{a}{n}" for a in letters for n in number], count)


def _pairs(rng: Random, count: int) -> list[str]:
    names = rng.sample(en.LAST_NAMES, 4)
    pool = [f"{a} and {b}" for a in names for b in names if a < b]
    return rng.sample(pool, count)


def _shops(rng: Random, count: int) -> list[str]:
    animals, trades = rng.sample(en.ANIMALS, 3), rng.sample(en.TRADES, 2)
    pool = [f"{animal.title()} {trade}" for animal in animals for trade in trades]
    return rng.sample(pool, count)


def _products(rng: Random, count: int) -> list[str]:
    fruit, quality = rng.sample(en.FRUIT, 3), rng.sample(en.QUALITIES, 2)
    return rng.sample([f"{a} {b}" for a in quality for b in fruit], count)


def clubs(rng: Random, count: int) -> list[str]:
    """Club names that share their group or their pastime with each other."""
    clubs, groups = rng.sample(en.CLUBS, 3), rng.sample(("junior", "evening", "river", "senior"), 2)
    return rng.sample([f"{group} {club}" for group in groups for club in clubs], count)


def _trains(rng: Random, count: int) -> list[str]:
    trains, cities = rng.sample(en.TRAINS, 2), rng.sample(en.CITIES, 3)
    return rng.sample([f"{train} to {city}" for train in trains for city in cities], count)


SIGN_FAMILIES = (
    Family(
        "gate",
        "sign",
        "gate {k}|opens at {v}",
        "According to the sign, at what time does gate {k} open?",
        lone("k", _gates),
        clocks,
    ),
    Family(
        "locker",
        "sign",
        "locker {v}|{k}",
        "Which locker number belongs to {k}?",
        lone("k", _staff),
        codes(3),
        types=("key information retrieval", "entity recognition"),
    ),
    Family(
        "password",
        "sign",
        "deck {k}|password: {v}",
        "What is the password for deck {k}?",
        lone("k", numbers(2, 99)),
        some(en.ANIMALS),
    ),
    Family(
        "lot",
        "sign",
        "lot {k}|sold for {v} EUR",
        "For what price was lot {k} sold?",
        lone("k", codes(4)),
        codes(3),
        option="{v} EUR",
    ),
    Family(
        "phone",
        "sign",
        "{k}|call {v}",
        "Which phone number does the sign of {k} give?",
        lone("k", _shops),
        phones,
    ),
    Family(
        "platform",
        "sign",
        "{k}|platform {v}",
        "From which platform does the {k} leave?",
        lone("k", _trains),
        numbers(2, 24),
        option="platform {v}",
    ),
    Family(
        "shop",
        "sign",
        "{k}|{v}",
        "What does the shop of {k} sell, according to its sign?",
        lone("k", _pairs),
        some(en.GOODS),
        types=("entity recognition",),
    ),
    Family(
        "price",
        "sign",
        "{k}|{v} a kilo",
        "How much does a kilo of {k} cost?",
        lone("k", _products),
        prices,
    ),
    Family(
        "room",
        "sign",
        "{k}|meets in room {v}",
        "In which room does the {k} meet?",
        lone("k", clubs),
        codes(3),
        option="room {v}",
    ),
    Family(
        "bus",
        "sign",
        "bus {k}|to {v}",
        "Where does bus {k} go?",
        lone("k", codes(3)),
        some(en.CITIES),
        types=("entity recognition",),
    ),
)
"""English boards; shown in capitals."""  # fmt: skip


def _depots(rng: Random, count: int) -> list[str]:
    return codes(2)(rng, count)


def _zh_products(rng: Random, count: int) -> list[str]:
    towns, fruit = rng.sample(zh.ZH_CITIES, 3), rng.sample(zh.ZH_FRUIT, 2)
    return rng.sample([f"{town}{one}" for town in towns for one in fruit], count)


ZH_SIGN_FAMILIES = (
    Family(
        "depot-zh",
        "sign",
        "{k}号仓库|{v} 开门",
        "根据告示牌，{k}号仓库几点开门？",
        lone("k", _depots),
        clocks,
        language="zh",
    ),
    Family(
        "price-zh",
        "sign",
        "{k}|每斤{v}元",
        "根据价格牌，{k}每斤多少元？",
        lone("k", _zh_products),
        prices,
        language="zh",
        option="{v}元",
    ),
    Family(
        "clinic-zh",
        "sign",
        "{k}医生|诊室{v}",
        "{k}医生在哪个诊室？",
        lone("k", some(zh.ZH_NAMES)),
        codes(3),
        language="zh",
        option="诊室{v}",
    ),
)
"""Chinese boards."""  # fmt: skip
