"""Sentences made false by one thing each, by rules that know nothing of how answers are checked."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import rjieba

from benchmarks.wording import DAY, DIGITS, HAN_DAY, HAN_NUMBER, NUMBER, han, of_han, pairs
from rag.text import fold

_NAME_TAGS = ("nr", "ns", "nt")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_MARK = "的、,，。;；:：和与是由及（）()《》“”「」 \n"
_BETWEEN_MARKS = re.compile(rf"(?:(?<=[{_MARK}])|^)[一-鿿]{{1,6}}(?:[·・][一-鿿]{{1,6}}){{1,3}}(?=[{_MARK}]|$)")


@dataclass(frozen=True)
class Changed:
    """A sentence made false: of what kind the change is, and what was changed into what."""

    kind: str
    text: str
    old: str
    new: str


def mutations(said: str, passage: str, names: dict[str, list[str]], rng: random.Random) -> list[Changed]:
    """The sentence with one number, unit, date, name or negation changed, each kind that it has once."""
    made = [
        _number(said, passage, rng, taken=False), _number(said, passage, rng, taken=True), _unit(said, rng),
        _date(said, passage, rng), _name(said, passage, names, rng, taken=False),
        _name(said, passage, names, rng, taken=True), _negation(said, rng),
    ]  # fmt: skip
    return [change for change in made if change is not None and change.text != said]


def _numbers(said: str) -> list[tuple[int, int, str]]:
    dates = [m.span() for m in DAY.finditer(said)] + [m.span() for m in HAN_DAY.finditer(said)]
    dates += [m.span() for m in re.finditer("[〇零一二三四五六七八九]{3,4}年|[一二三四五六七八九十]+[月日]", said)]
    found = [(*m.span(), m[0]) for m in NUMBER.finditer(said)] + [(*m.span(), m[0]) for m in HAN_NUMBER.finditer(said)]
    found += [
        (*m.span(), m[0])
        for m in re.finditer(
            r"(?<=百分之)[一二三四五六七八九十]+|[一二三四五六七八九][百千万][零一二三四五六七八九十百千万]+", said
        )
    ]
    return [
        (s, e, t)
        for s, e, t in found
        if not any(a < e and s < b for a, b in dates) and said[e : e + 1] not in "年月日至"
    ]


def _number(said: str, passage: str, rng: random.Random, *, taken: bool) -> Changed | None:
    found = _numbers(said)
    if not found:
        return None
    start, end, old = rng.choice(found)
    digits = [i for i, c in enumerate(old) if c.isdigit() or c in DIGITS[1:]]
    if taken:
        others = [m[0] for m in NUMBER.finditer(passage) if passage[m.end() : m.end() + 1] not in "年月日至"]
        others = [other for other in others if other.replace(",", "").rstrip("%％") not in said.replace(",", "")]
        if not others or not old[0].isdigit() or old.endswith("%"):
            return None
        new = rng.choice(others).rstrip("%％")
        return Changed("number, another of the passage", said[:start] + new + said[end:], old, new)
    if not digits:
        return None
    at = rng.choice(digits)
    pool = "123456789" if old[at].isdigit() else "二三四五六七八九"
    new = old[:at] + rng.choice([c for c in pool if c != old[at]]) + old[at + 1 :]
    return Changed("number", said[:start] + new + said[end:], old, new)


_UNITS = (
    "万:亿 亿:万 公里:米 平方公里:平方米 公斤:吨 吨:公斤 公顷:平方公里 小时:分钟 美元:日元 %:倍 万:千 米:公里 "
    "个月:年 天:个月 岁:个月"
).split()


def _unit(said: str, rng: random.Random) -> Changed | None:
    for pair in rng.sample(_UNITS, len(_UNITS)):
        old, new = pair.split(":")
        found = [
            m.end()
            for m in re.finditer(
                rf"[\d一二三四五六七八九十百千](?={old}(?![一-鿿]?方|长|[一二三四五六七八九十]))", said
            )
        ]
        if found:
            at = rng.choice(found)
            return Changed("unit", said[:at] + new + said[at + len(old) :], old, new)
    return None


def _date(said: str, passage: str, rng: random.Random) -> Changed | None:
    found = [(m.start(i), m.end(i), m[i]) for m in DAY.finditer(said) for i in (1, 2, 3, 5) if m[i]]
    found += [(m.start(1), m.end(1), m[1]) for m in re.finditer("([一二三四五六七八九〇零]{4})(?=年)", said)]
    found += [(m.start(i), m.end(i), m[i]) for m in HAN_DAY.finditer(said) for i in (1, 2) if m[i]]
    if not found:
        return None
    start, end, old = rng.choice(found)
    if len(old) == 4:
        shift = rng.choice([-3, -2, -1, 1, 2, 3, 10])
        number = (
            int("".join(str("〇一二三四五六七八九".find(c.replace("零", "〇"))) if not c.isdigit() else c for c in old))
            + shift
        )
        new = str(number) if old[0].isdigit() else "".join("〇一二三四五六七八九"[int(c)] for c in str(number))
    else:
        most = 12 if said[end : end + 1] == "月" else 28
        now = int(old) if old.isdigit() else of_han(old)
        number = rng.choice([n for n in range(1, most + 1) if n != now])
        new = str(number) if old[0].isdigit() else han(number)
    return Changed("date", said[:start] + new + said[end:], old, new)


def names_of(text: str) -> list[tuple[str, str]]:
    """Names in a text as the word cutter tags them, with the first letters of their tags; foreign names are "nrf".

    It reads Simplified; what it makes up from two words' ends is not taken: a name is in its dictionary, stands between
    marks, or begins with a common surname and has a person's length.
    """
    simple = fold(text)
    foreign = [(text[m.start() : m.end()], "nrf") for m in _BETWEEN_MARKS.finditer(simple)]
    inside = " ".join(name for name, _ in foreign)
    found, at = [], 0
    for word, tag in rjieba.tag(simple):
        name, at = text[at : at + len(word)], at + len(word)
        if tag.startswith(_NAME_TAGS) and len(word) > 1 and name not in inside:
            person = tag.startswith("nr") and 2 <= len(word) <= 3 and word[0] in _SURNAMES and text.count(name) > 1
            if person or len(rjieba.cut(word, hmm=False)) == 1:
                found.append((name, tag[:2]))
    return foreign + found


def _name(said: str, passage: str, names: dict[str, list[str]], rng: random.Random, *, taken: bool) -> Changed | None:
    own = [(name, tag) for name, tag in names_of(said) if name in passage]
    if not own:
        return None
    old, tag = rng.choice(own)
    if taken:
        others = [name for name, t in names_of(passage) if t == tag and name not in said and old not in name]
        kind = "name, another of the passage"
    else:
        others = [name for name in names.get(tag, []) if name not in passage]
        kind = "name"
    if not others:
        return None
    new = rng.choice(others)
    return Changed(kind, said.replace(old, new), old, new)


_DENIED = pairs("""
    没有: 並未: 并未: 不得:可以 不能:能 不是:是 不会:会 不會:會 未能: 沒有: 无法:能够 無法:能夠 尚未:已经 不再:仍然
    禁止:允许
""")
_SAID = pairs("""
    可以:不可以 能够:不能够 应当:不应当 应该:不应该 已经:尚未 曾:从未 是:不是 位于:不位于 地处:不在 有着:没有
    拥有:没有 属于:不属于 包含:不包含 包括:不包括 成为:没有成为 获得:没有获得 取得:没有取得 设立:没有设立
    发现:没有发现 参加:没有参加 参与:没有参与 开始:没有开始 支持:不支持 推动:不推动 举办:没有举办 完成:没有完成
    出版:没有出版 担任:没有担任 进入:没有进入 達:未達 达:未达 屬於:不屬於 成為:沒有成為 獲得:沒有獲得 加强:不加强
    建设:不建设 由:不由 在:不在 會:不會 会:不会 可:不可 为:不为 為:不為
""")


def _negation(said: str, rng: random.Random) -> Changed | None:
    for old, new in _DENIED:
        if old in said:
            return Changed("negation", said.replace(old, new, 1), old, new)
    for old, new in _SAID:
        at = said.find(old)
        # Where the word stands as one, not as a part of another, and nothing denies it before.
        cut, spot = [], 0
        for word in rjieba.cut(said):
            cut.append((spot, word))
            spot += len(word)
        if (at, old) in cut and said[at - 1 : at] not in tuple("不没未无是有而即则若只就非"):
            return Changed("negation", said[:at] + new + said[at + len(old) :], old, new)
    return None


def pool(texts: Sequence[str]) -> dict[str, list[str]]:
    """All names of some texts by their tags."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for name, tag in names_of(text):
            found.setdefault(tag, set()).add(name)
    return {tag: sorted(some) for tag, some in found.items()}
