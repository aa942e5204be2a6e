"""English verbs whose forms do not share a stem, so that `hid` meets `hidden`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["IRREGULAR", "forms"]

_FORMS: Final = """
    bear bore borne; beat beaten; become became; begin began begun; bend bent; bind bound;
    bite bit bitten; blow blew blown; break broke broken; bring brought; build built; buy bought;
    catch caught; choose chose chosen; come came; creep crept; deal dealt; dig dug; draw drew drawn;
    drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt;
    fight fought; find found; flee fled; fly flew flown; forget forgot forgotten;
    freeze froze frozen;
    get got gotten; give gave given; go went gone; grow grew grown; hear heard; hide hid hidden;
    hold held; keep kept; know knew known; lay laid; lead led; leave left; lend lent; lie lay lain;
    lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung;
    rise rose risen; run ran; see saw seen; seek sought; sell sold; send sent; shake shook shaken;
    shine shone; shoot shot; sing sang sung; sink sank sunk; sit sat; sleep slept;
    speak spoke spoken;
    spend spent; stand stood; steal stole stolen; stick stuck; strike struck; swear swore sworn;
    swim swam swum; take took taken; teach taught; tear tore torn; tell told; think thought;
    throw threw thrown; understand understood; wake woke woken; wear wore worn; weave wove woven;
    win won; write wrote written
"""
IRREGULAR: Final[Mapping[str, str]] = {
    form: forms.split()[0] for forms in _FORMS.split(";") for form in forms.split()[1:]
}
"""Past forms to their base; `lay` counts as the past of `lie`, `found` as that of `find`."""


def forms(word: str) -> set[str]:
    """A word, in lower case, with the forms that it may take in another sentence."""
    base = IRREGULAR.get(word, word)
    others = {form for form, root in IRREGULAR.items() if root == base}
    stem = base.removesuffix("e")
    return {word, base, *others, f"{base}s", f"{stem}ed", f"{stem}ing"}
