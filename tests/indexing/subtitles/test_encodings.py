"""Bytes as text: Unicode by its marks, code pages by language or by the words that they make."""

from __future__ import annotations

import pytest

from videoseal.indexing.subtitles.encodings import decode, language_of

RUSSIAN = "Куда они ушли?\nЯ не знаю.\nЛампа стоит на столе"
CHINESE = "他们去哪里了\n灯在桌子上\n我不知道"
TAIWANESE = "他們去哪裡了\n燈在桌子上\n我不知道"
JAPANESE = "みんなどこへ行った\nランプは机の上です\n知らない"
KOREAN = "모두 어디로 갔어?\n등불은 탁자 위에 있다\n몰라요"
HEBREW = "לאן הם הלכו?\nהמנורה על השולחן\nאני לא יודע"
ARABIC = "إلى أين ذهبوا؟\nالمصباح على الطاولة\nلا أدري"
GREEK = "Πού πήγαν όλοι;\nΗ λάμπα είναι στο τραπέζι"
CZECH = "Kam všichni odešli?\nSvítilna leží na stole\nNevím, příteli"
TURKISH = "Herkes nereye gitti?\nIşık masanın üstünde\nBilmiyorum, kardeşim"
FRENCH = "Où sont-ils allés ?\nLa lampe est là, près de l’entrée\nJe n’en sais rien"
GERMAN = "Wohin sind alle gegangen?\nDie Lampe hängt über der Tür\nIch weiß es nicht"


def timed(text: str) -> str:
    """The lines as the cues of a file."""
    cues = (
        f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{s}\n" for n, s in enumerate(text.split("\n"))
    )
    return "\n".join(cues)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (CHINESE, "gb18030"), (TAIWANESE, "big5"),
        (JAPANESE, "cp932"), (JAPANESE, "euc-jp"), (KOREAN, "cp949"), (HEBREW, "cp1255"),
        (ARABIC, "cp1256"), (GREEK, "cp1253"), (CZECH, "cp1250"), (TURKISH, "cp1254"),
        (FRENCH, "cp1252"), (GERMAN, "cp1252"),
    ],
)  # fmt: skip
def test_the_words_tell_the_code_page(text: str, encoding: str) -> None:
    """Without a mark and without a language the letters come out that were put in."""
    assert decode(timed(text).encode(encoding)) == timed(text)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("film.ru", "Да", "cp1251"), ("film.rus.forced", "Нет", "cp1251"),
        ("film.ru", "Куда они ушли?", "koi8-r"), ("film.zh-CN", "好", "gb18030"),
        ("film.zh-Hant", "燈在桌子上", "big5"), ("film.Japanese", "はい", "cp932"),
        ("film.ko", "네", "cp949"), ("film.he", "לא", "cp1255"), ("film.ara", "نعم", "cp1256"),
        ("film.cs.sdh", "Dobře", "cp1250"), ("film.hu", "őr", "cp1250"),
        ("film.tr", "Hayır", "cp1254"),
        ("film.el", "Ναι", "cp1253"), ("film.th", "ใช่", "cp874"), ("film.pt-BR", "Não", "cp1252"),
        ("film.lt", "Ačiū", "cp1257"),
    ],
)  # fmt: skip
def test_a_language_in_the_name_decides(name: str, text: str, encoding: str) -> None:
    """One word is enough then."""
    assert decode(timed(text).encode(encoding), language_of(name)) == timed(text)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("text", [RUSSIAN, CHINESE, "plain words"])
def test_unicode_needs_no_language(text: str, encoding: str) -> None:
    """With or without a mark, and whatever the name says."""
    raw = timed(text).encode(encoding)
    assert decode(raw) == decode(raw, "tr") == timed(text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(CHINESE, "utf-8"), (GERMAN, "utf-8"), (CHINESE, "gb18030"), (KOREAN, "cp949")],
)
def test_a_lost_byte_damages_one_letter(text: str, encoding: str) -> None:
    """All other lines stay what they were, and the place is marked."""
    lines = [line for _ in range(10) for line in text.split("\n")]
    first = next(letter for letter in lines[-1] if not letter.isascii())
    raw = "\n".join(lines).encode(encoding)
    at = raw.rindex(first.encode(encoding))
    read = decode(raw[: at + 1] + raw[at + len(first.encode(encoding)) :])
    assert read is not None
    assert read.split("\n")[:-1] == lines[:-1]
    assert "\ufffd" in read.split("\n")[-1]


@pytest.mark.parametrize(
    "raw", [bytes(range(256)) * 4, b"\x00\x01\x02" * 99, b"\x1bE\x07\x03" * 50]
)
def test_what_is_no_text_is_told_apart(raw: bytes) -> None:
    """Control characters by the dozen are no subtitles; a single one is damage."""
    assert decode(raw) is None
    assert decode(b"words " * 50 + b"\x00") == "words " * 50 + "\ufffd"


def test_a_language_is_found_among_other_parts() -> None:
    """The last part of a name that is one counts."""
    names = ["film", "film.forced", "The.Big.Day.1999", "film.pt_BR", "a.b.eng.sdh"]
    assert [language_of(name) for name in names] == ["", "", "", "pt-br", "eng"]
