"""True sentences said otherwise, by rules that know nothing of how answers are checked."""

import random
import re
from collections.abc import Callable

from benchmarks.wording import DAY, DIGITS, HAN_DAY, HAN_NUMBER, NUMBER, han, of_han, pairs

_FRAMES = pairs("""
    以及:和 由于:因为 因此:所以 目前:现在 位于:地处 包括:包含 成立于:创建于 建立:设立 称为:叫做 拥有:有着 開始:起
    並且:而且 并且:而且 但是:不过 曾经:曾 大约:约 共有:一共有 举行:举办 主要:主要地 认为:觉得 通过:经由 进行:开展
    获得:取得 超过:多于 由於:因為 目前:如今 位於:地處 因此:故此 应当:应该 推进:推动 支持:扶持 提高:提升 可以:能够
    之间:间 使用:采用 原因:缘由 重要:要紧 许多:很多 一些:若干 立即:马上 經過:歷經 其後:後來 共同:一同 负责:承担
    規定:訂明 规定:明确 提供:给出 参加:参与 需要:须
""")
_OPENINGS = ("资料显示,", "据介绍,", "文中提到,", "根据资料,", "可以看到,")
_JOINS = (",同时", ";此外,", ",另外", ";", ",并且")
_TITLED = re.compile(r"《[^《》]*》|“[^“”]*”|「[^「」]*」|『[^『』]*』")


def numerals(text: str, rng: random.Random) -> str:
    """Its numbers and dates in other numerals: 2024年3月 as 二〇二四年三月, 12,000 as 1.2万, 30% as 百分之三十."""

    def day(m: re.Match[str]) -> str:
        year = "".join("〇一二三四五六七八九"[int(c)] for c in m[1] or m[5] or "")
        said = (year + "年" if year else "") + (han(int(m[2])) + "月" if m[2] else "")
        return said + (han(int(m[3])) + "日" if m[3] else "")

    def number(m: re.Match[str]) -> str:
        whole, decimals = int(m[1].replace(",", "")), m[2] or ""
        if m[3]:
            points = "点" + "".join(DIGITS[int(c)] for c in decimals[1:]) if decimals else ""
            return "百分之" + han(whole) + points
        if decimals or m[1].startswith("0") or m.string[m.end() : m.end() + 1] in set("年万亿萬億千百十至到-—–~"):
            return m[0]
        if whole >= 10_000 and whole % 100 == 0:
            return f"{whole / 10_000:g}万" if rng.random() < 0.5 else han(whole)
        if whole >= 1000 and rng.random() < 0.5:
            return f"{whole:,}" if "," not in m[1] else str(whole)
        return han(whole) if whole < 10_000 else f"{whole:,}"

    def arabic(text: str) -> str:
        said = HAN_DAY.sub(lambda m: f"{of_han(m[1])}月" + (f"{of_han(m[2])}日" if m[2] else ""), text)
        return HAN_NUMBER.sub(lambda m: str(of_han(m[1])), said)

    said = _outside(text, lambda part: NUMBER.sub(number, DAY.sub(day, part)))
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
