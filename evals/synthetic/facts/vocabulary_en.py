"""The English words that signs, titles and subtitles are made of."""

from __future__ import annotations

__all__ = [
    "ANIMALS",
    "CITIES",
    "CLUBS",
    "CONTESTS",
    "DAYS",
    "EVENTS",
    "FIRST_NAMES",
    "FRUIT",
    "GOODS",
    "HIDING_PLACES",
    "ITEMS",
    "LAST_NAMES",
    "MEETING_PLACES",
    "QUALITIES",
    "REASONS",
    "RIDES",
    "THINGS",
    "TITLE_ADJECTIVES",
    "TITLE_NOUNS",
    "TRADES",
    "TRAINS",
]


def _words(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(separator))


FIRST_NAMES = _words(
    "Mira Tomas Iva Nils Anka Jonas Petra Ravi Leila Oskar Nadia Bruno Selma Hugo Talia Viktor "
    "Esther Milo Greta Samir Ines Felix Dora Kofi Wanda Emil Zora Casper Yara Anton Lotte Idris "
    "Sonja Marek Thea Pablo Agnes Boris Clara Dimitri Elsa Farid Hanna Igor Judith Karim"
)
LAST_NAMES = _words(
    "Osei Marin Lindqvist Hale Novak Okoro Brandt Castell Duarte Farkas Grell Haddad Ivers Jansen "
    "Keller Lund Moran Nagy Orlov Petit Quist Rossi Sato Tamm Ueda Varga Weiss Yilmaz Zeller "
    "Abara Bellini Corr Dahl Engel Fontaine Gruber Horvat Iqbal Jarvis Kovac"
)
CITIES = _words(
    "Almero Velden Torvik Casarol Brinmouth Ostmark Kelvara Dunmere Saltano Ferrowick Halmstead "
    "Norvale Pellington Quarrow Rosmere Tindale Ulverton Westering Ardenza Bolvik Corvane Drummel "
    "Eskerby Farholm Glenport Hartlow Ivrea Jorvale Kestrel Lomond Marwick Neston"
)
HIDING_PLACES = _words(
    "under the bridge, behind the mill, in the boathouse, beside the well, above the bakery, "
    "inside the clock tower, under the stairs, behind the organ, in the hayloft, below the pier, "
    "in the wine cellar, behind the mirror, under the church bell, in the greenhouse, "
    "beneath the statue, inside the piano, in the lighthouse, behind the waterfall",
    ",",
)
MEETING_PLACES = _words(
    "fountain, old mill, fish market, harbour gate, museum, tea house, chapel, stone circle, "
    "train depot, rose garden, opera, north tower, skating rink, ferry dock, observatory, library",
    ",",
)
ITEMS = _words(
    "map lamp letter violin compass medal telescope lantern ledger crown locket painting camera "
    "notebook saddle trumpet teapot globe hourglass mirror anchor necklace puppet radio sundial "
    "typewriter umbrella vase whistle accordion basket candle drum easel flute harp kettle mask"
)
ANIMALS = _words(
    "heron otter falcon badger lynx marten osprey puffin raven salmon stork swallow tortoise viper "
    "walrus weasel bison beaver cobra crane dolphin ferret gecko hornet ibis jackal kestrel lemur "
    "magpie newt oriole panther quail rabbit seal tiger urchin vulture wombat zebra"
)
GOODS = _words(
    "clocks, boots, maps, honey, paint, ropes, lamps, cheese, saddles, kites, violins, candles, "
    "gloves, seeds, knives, toys, carpets, spices, mirrors, hats, stamps, tiles, books, umbrellas",
    ",",
)
FRUIT = _words("figs plums cherries apricots pears quinces currants dates walnuts olives")
QUALITIES = _words("dried fresh wild sweet smoked local organic candied")
CLUBS = _words(
    "chess club, rowing club, film society, garden circle, drama group, choir, judo class, "
    "stamp society, dance school, poetry circle, radio club, sewing group",
    ",",
)
TRAINS = _words("night train, express, slow train, mail train, ferry train", ",")
TRADES = _words("Bakery Garage Pharmacy Bookshop Laundry Florist Tailor Bicycles Optics Stables")
THINGS = _words(
    "roof, fence, boat, bell, pump, organ, gate, chimney, cart, loom, oven, window, tractor, "
    "weather vane, water wheel, staircase",
    ",",
)
EVENTS = _words(
    "storm, flood, fire, parade, earthquake, harvest, concert, wedding, strike, eclipse, fair, "
    "long winter",
    ",",
)
RIDES = _words("ferry, morning bus, night train, balloon, coach, tram, sleigh, seaplane", ",")
REASONS = _words(
    "the alarm clock was broken, the bridge was closed, a goat blocked the road, "
    "the ticket was lost, the dog ran away, the road was icy, the clock was an hour slow, "
    "the shoes were stolen, a tree fell on the track, the keys were missing, the fog was thick, "
    "the taxi broke down",
    ",",
)
CONTESTS = _words(
    "boat race, baking contest, chess final, sled race, singing contest, archery cup, "
    "kite festival, dance marathon",
    ",",
)
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
TITLE_ADJECTIVES = _words(
    "OLD SILENT LOST GOLDEN HIDDEN LAST FROZEN BROKEN DISTANT SECRET CROOKED BURNING QUIET SALTED "
    "PAINTED HOLLOW RISING SUNKEN WINDY EMPTY"
)
TITLE_NOUNS = _words(
    "HARBOUR GARDEN RAILWAY MOUNTAIN ORCHARD MARKET LIGHTHOUSE VILLAGE FACTORY RIVER CANAL THEATRE "
    "QUARRY FOREST STATION ISLAND WORKSHOP VALLEY CASTLE MEADOW"
)
