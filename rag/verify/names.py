"""The names in a sentence, and whether its source has them."""

import re
from collections.abc import Iterable
from functools import lru_cache

import rjieba

from rag.answer import signs
from rag.answer.rarity import rarity
from rag.grammar import full_names

RARE = 0.5
_QUOTED = re.compile(r"《([^《》]{1,60})》|“([^“”]{2,20})”|「([^「」]{2,20})」")
_FOREIGN = re.compile(r"[一-鿿]{1,8}(?:[·・•‧][一-鿿]{1,8})+")
_LATIN = re.compile(r"[a-z][a-z0-9]*(?:[-.&+/'][a-z0-9]+)*|(?<!\d)\d+[a-z]+[a-z0-9]*")
_BETWEEN = str.maketrans("", "", "、·・•‧ 《》“”「」『』\"'-—")
# A tagger adds these to a name that they stand beside.
_BESIDE = frozenset(
    "和与及同跟在于从到由被向对把将以为是有说称的地等并也都曾已又则至往即或令让使给因自经后前上下中内外时年月日里这那此该其各任"
)
_PLACE_ENDS = "省市县区州镇乡村国岛"
_BODY = re.compile(r"(?:公司|大学|学院|学校|中学|小学|实验室|委员会|集团|协会|银行|研究所|研究院|法院|医院|出版社)$")
_COUNTED = re.compile("[第\\d零〇一二两三四五六七八九十百千万亿]+(?:世纪|年代|[^\\W\\d_]?)$")  # 十六世纪, 四门
_LATIN_WORDS = frozenset(
    "the a an of in on at to for and or is are was were by with from as that this it its he she they has have "
    "had be been not no which who also but".split()
)


def names(folded: str) -> frozenset[str]:
    """Names of people, places, bodies, works, and Latin words in a folded Chinese text."""
    return _names(folded)


@lru_cache(maxsize=2048)
def _names(folded: str) -> frozenset[str]:
    found = set(signs.names(folded)) | {m[0] for m in _FOREIGN.finditer(folded)}
    quoted = {next(filter(None, m.groups())) for m in _QUOTED.finditer(folded)}
    found |= {text for text in quoted if re.search("[^\\W\\d_]", text)}
    if re.search("[一-鿿]", folded):
        found |= {m[0] for m in _LATIN.finditer(folded) if len(m[0]) > 1 and m[0] not in _LATIN_WORDS}
    return frozenset(name for name in found if not _COUNTED.match(name))


def kinds(folded: str) -> dict[str, str]:
    """Names that the tagger finds, by kind: r person, s place, t body, z other."""
    return dict(_kinds(folded))


@lru_cache(maxsize=2048)
def _kinds(folded: str) -> tuple[tuple[str, str], ...]:
    known = signs.names(folded)
    return tuple((word, tag[1]) for word, tag in rjieba.tag(folded) if word in known and len(tag) > 1)


def unlikely(folded: str) -> list[str]:
    """Rare words that the tagger takes for names of people, places or bodies and that are as often none."""
    tagged: list[tuple[str, str]] = rjieba.tag(folded)
    return [w for w, tag in tagged if tag[:2] in ("nr", "ns", "nt") and len(w) > 1 and rarity(w) >= RARE]


def lacking(wanted: Iterable[str], text: str) -> list[str]:
    """Those of the names that folded ``text`` does not hold."""
    closed = _closed(text)
    return [name for name in wanted if not has(name, closed)]


def has(name: str, closed: str) -> bool:
    """Whether the text, as ``closed`` has it, holds the name, but for what a tagger adds to one at its ends."""
    if _FOREIGN.fullmatch(name) and _foreign(name, closed):
        return True
    name = name.translate(_BETWEEN)
    if not name or name in closed:
        return True
    if name.isascii():
        return False
    if len(name) > 2 and name[0] in _BESIDE and has(name[1:], closed):
        return True
    if len(name) > 2 and name[-1] in _BESIDE | set(_PLACE_ENDS) and has(name[:-1], closed):
        return True
    if (whole := full_names(name)) and all(each in closed for each in whole):
        return True
    words: list[str] = rjieba.cut(name, hmm=False)
    if len(words) > 1 and len(name) > 4 and all(len(word) > 1 for word in words):  # 重庆大学图书馆 of 重庆大学的图书馆
        return all(word in closed for word in words)
    return False


def _foreign(run: str, closed: str) -> bool:
    """Whether the text holds the name in a run of characters around its dots, from one word's border to another."""
    words, borders = rjieba.cut(run), [0]
    for word in words:
        borders.append(borders[-1] + len(word))
    dots = [i for i, c in enumerate(run) if c in "·・•‧"]
    starts, ends = [b for b in borders if b < dots[0]], [b for b in borders if b > dots[-1] + 1]
    return any(run[s:e].translate(_BETWEEN) in closed for s in starts for e in ends)


def closed(text: str) -> str:
    """A folded text without what stands within a name in one text and not in another."""
    return _closed(text)


@lru_cache(maxsize=256)
def _closed(text: str) -> str:
    return text.translate(_BETWEEN)
