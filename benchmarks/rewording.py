"""True sentences said otherwise, and made false: rules that know nothing of how answers are checked."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import rjieba

from rag.text import fold


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((old, new) for old, _, new in (pair.partition(":") for pair in text.split()))


_DIGITS = "零一二三四五六七八九"
_FRAMES = _pairs("""
    以及:和 由于:因为 因此:所以 目前:现在 位于:地处 包括:包含 成立于:创建于 建立:设立 称为:叫做 拥有:有着 開始:起
    並且:而且 并且:而且 但是:不过 曾经:曾 大约:约 共有:一共有 举行:举办 主要:主要地 认为:觉得 通过:经由 进行:开展
    获得:取得 超过:多于 由於:因為 目前:如今 位於:地處 因此:故此 应当:应该 推进:推动 支持:扶持 提高:提升 可以:能够
    之间:间 使用:采用 原因:缘由 重要:要紧 许多:很多 一些:若干 立即:马上 經過:歷經 其後:後來 共同:一同 负责:承担
    規定:訂明 规定:明确 提供:给出 参加:参与 需要:须
""")
_OPENINGS = ("资料显示,", "据介绍,", "文中提到,", "根据资料,", "可以看到,")
_JOINS = (",同时", ";此外,", ",另外", ";", ",并且")
_NUMBER = re.compile(r"(?<![\d.a-zA-Z:/-])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(%|％)?(?![\d:a-zA-Z/-])")
_DAY = re.compile(r"(?<!\d)(?:(\d{4})年)?(\d{1,2})月(?:(\d{1,2})([日号號]))?|(?<!\d)(\d{4})年")
_HAN_DAY = re.compile(
    r"(?<![一二三四五六七八九十])(十[一二]?|[一二三四五六七八九])月(?:([二三]?十[一二三四五六七八九]?"
    r"|[一二三四五六七八九])日)?"
)
_HAN_NUMBER = re.compile(
    r"(?<![第一二三四五六七八九十百千万亿零周期])([二三四五六七八九两兩]?百?[二三四五六七八九]?十[一二三四五六七八九]?|[二三四五六七八九两])(?=[个個名位年座所项項次种種家艘辆])"
)
_NAME_TAGS = ("nr", "ns", "nt")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_MARK = "的、,，。;；:：和与是由及（）()《》“”「」 \n"
_BETWEEN_MARKS = re.compile(rf"(?:(?<=[{_MARK}])|^)[一-鿿]{{1,6}}(?:[·・][一-鿿]{{1,6}}){{1,3}}(?=[{_MARK}]|$)")
_TITLED = re.compile(r"《[^《》]*》|“[^“”]*”|「[^「」]*」|『[^『』]*』")


@dataclass(frozen=True)
class Changed:
    """A sentence made false: of what kind the change is, and what was changed into what."""

    kind: str
    text: str
    old: str
    new: str


def han(number: int) -> str:
    """A whole number below 10**12 in Chinese numerals."""
    if number == 0:
        return "零"
    out, zero = "", False
    for size, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part, number = divmod(number, size)
        if not part:
            zero = bool(out)
            continue
        said = "" if not out or (part >= 1000 and not zero) else "零"
        for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit, part = divmod(part, unit)
            if digit:
                said += _DIGITS[digit] + word
            elif part and said and not said.endswith("零"):
                said += "零"
        out, zero = out + said.rstrip("零") + name, False
    return out.removeprefix("一") if out.startswith("一十") else out


def _of_han(text: str) -> int:
    text = text.replace("兩", "二").replace("两", "二")
    total = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS.index(char)
        else:
            total, digit = total + (digit or 1) * {"十": 10, "百": 100}[char], 0
    return total + digit


def numerals(text: str, rng: random.Random) -> str:
    """Its numbers and dates in other numerals: 2024年3月 as 二〇二四年三月, 12,000 as 1.2万, 30% as 百分之三十."""

    def day(m: re.Match[str]) -> str:
        year = "".join("〇一二三四五六七八九"[int(c)] for c in m[1] or m[5] or "")
        said = (year + "年" if year else "") + (han(int(m[2])) + "月" if m[2] else "")
        return said + (han(int(m[3])) + "日" if m[3] else "")

    def number(m: re.Match[str]) -> str:
        whole, decimals = int(m[1].replace(",", "")), m[2] or ""
        if m[3]:
            points = "点" + "".join(_DIGITS[int(c)] for c in decimals[1:]) if decimals else ""
            return "百分之" + han(whole) + points
        if decimals or m[1].startswith("0") or m.string[m.end() : m.end() + 1] in set("年万亿萬億千百十至到-—–~"):
            return m[0]
        if whole >= 10_000 and whole % 100 == 0:
            return f"{whole / 10_000:g}万" if rng.random() < 0.5 else han(whole)
        if whole >= 1000 and rng.random() < 0.5:
            return f"{whole:,}" if "," not in m[1] else str(whole)
        return han(whole) if whole < 10_000 else f"{whole:,}"

    def arabic(text: str) -> str:
        said = _HAN_DAY.sub(lambda m: f"{_of_han(m[1])}月" + (f"{_of_han(m[2])}日" if m[2] else ""), text)
        return _HAN_NUMBER.sub(lambda m: str(_of_han(m[1])), said)

    said = _outside(text, lambda part: _NUMBER.sub(number, _DAY.sub(day, part)))
    return said if said != text else _outside(text, arabic)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """``change`` made outside of titles and quotations."""
    out, at = [], 0
    for m in _TITLED.finditer(text):
        out += [change(text[at : m.start()]), m[0]]
        at = m.end()
    return "".join([*out, change(text[at:])])


def frames(text: str, rng: random.Random) -> str:
    """Some of its words of frame in others."""
    for pair in rng.sample(_FRAMES, len(_FRAMES)):
        if pair[0] in text and rng.random() < 0.7:
            text = _outside(text, lambda part, pair=pair: part.replace(*pair, 1))  # type: ignore[misc]
    return text


def order(text: str, rng: random.Random) -> str:
    """Its clauses in another order."""
    body, end = (text[:-1], text[-1]) if text[-1:] in "。!！?？;；" else (text, "。")
    parts = re.split("(?<![0-9])[,，]|[,，](?![0-9])", body)
    if len(parts) < 2 or re.search('[“”"「」《》()（）]', body) or any(len(p) < 4 for p in parts):
        return text
    at = rng.randrange(1, len(parts))
    return ",".join(parts[at:] + parts[:at]) + end


def opening(text: str, rng: random.Random) -> str:
    """With words before it that say nothing."""
    return rng.choice(_OPENINGS) + text


def join(first: str, second: str, rng: random.Random) -> str:
    """Two sentences as one."""
    return first.rstrip("。.;；") + rng.choice(_JOINS) + second


def reword(text: str, after: str, passage: str, rng: random.Random) -> str | None:
    """A sentence, now and then with the one ``after`` it, said otherwise; None where the passage has it as it is."""
    joined = bool(after) and len(text) + len(after) <= 120 and rng.random() < 0.35
    said = join(text, after, rng) if joined else text
    ways: list[Callable[[str, random.Random], str]] = [numerals, frames, order]
    rng.shuffle(ways)
    for way in ways:
        said = way(said, rng)
    if said == text or rng.random() < 0.15:
        said = opening(said, rng)
    return None if said.rstrip("。") in passage or len(said) > 200 else said


def mutations(said: str, passage: str, names: dict[str, list[str]], rng: random.Random) -> list[Changed]:
    """The sentence with one number, unit, date, name or negation changed, each kind that it has once."""
    made = [
        _number(said, passage, rng, taken=False), _number(said, passage, rng, taken=True), _unit(said, rng),
        _date(said, passage, rng), _name(said, passage, names, rng, taken=False),
        _name(said, passage, names, rng, taken=True), _negation(said, rng),
    ]  # fmt: skip
    return [change for change in made if change is not None and change.text != said]


def _numbers(said: str) -> list[tuple[int, int, str]]:
    dates = [m.span() for m in _DAY.finditer(said)] + [m.span() for m in _HAN_DAY.finditer(said)]
    dates += [m.span() for m in re.finditer("[〇零一二三四五六七八九]{3,4}年|[一二三四五六七八九十]+[月日]", said)]
    found = [(*m.span(), m[0]) for m in _NUMBER.finditer(said)] + [
        (*m.span(), m[0]) for m in _HAN_NUMBER.finditer(said)
    ]
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
    digits = [i for i, c in enumerate(old) if c.isdigit() or c in _DIGITS[1:]]
    if taken:
        others = [m[0] for m in _NUMBER.finditer(passage) if passage[m.end() : m.end() + 1] not in "年月日至"]
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
    found = [(m.start(i), m.end(i), m[i]) for m in _DAY.finditer(said) for i in (1, 2, 3, 5) if m[i]]
    found += [(m.start(1), m.end(1), m[1]) for m in re.finditer("([一二三四五六七八九〇零]{4})(?=年)", said)]
    found += [(m.start(i), m.end(i), m[i]) for m in _HAN_DAY.finditer(said) for i in (1, 2) if m[i]]
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
        now = int(old) if old.isdigit() else _of_han(old)
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


_DENIED = _pairs("""
    没有: 並未: 并未: 不得:可以 不能:能 不是:是 不会:会 不會:會 未能: 沒有: 无法:能够 無法:能夠 尚未:已经 不再:仍然
    禁止:允许
""")
_SAID = _pairs("""
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
