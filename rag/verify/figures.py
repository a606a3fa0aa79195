"""The amounts and dates that a text states, in one form whatever way they are written.

1.2万人, 12,000 人 and 一万二千人 are one amount; 百分之三十, 30% and 三成 too; 二〇二四年三月五日 and 2024-03-05 are
one date. Everything works on folded text (``rag.text.fold``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rag.answer.dates import relative_years
from rag.verify.units import CLASSIFIERS, SYMBOLS, UNITS

_DIGIT = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2}
_SMALL, _BIG = {"十": 10, "百": 100, "千": 1000}, {"万": 10**4, "亿": 10**8}
_HAN = "零〇○一二两三四五六七八九十廿卅百千万亿"
_PLAIN = r"\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER = rf"(?:(?:{_PLAIN})(?: ?[十百千万亿]+)?|[{_HAN}]+(?:点[零〇一二三四五六七八九]+)?)"
_SHARE = re.compile(rf"(?P<whole>百|千|[{_HAN}]{{1,12}}|\d{{1,12}})分之(?P<part>{_NUMBER})")
_AMOUNT = re.compile(
    rf"(?:(?<![a-z\d.])|(?<=\d[x×*]))(?P<number>{_NUMBER})(?P<some> ?[余多几来])?(?P<half>半)?(?P<scale>[万亿]*)"
)
_TO = re.compile(r"[ 个%]*(?:-|—|–|~|至|到)+ ?")
_LATIN = re.compile(r"[a-z]")
_CLOCK = re.compile(r"(?<![\d:.])(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?![\d:])")
_HAN_YEAR = r"[一二三四五六七八九][〇零○一二三四五六七八九]{3}"
_MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_M = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九]|元|正)"
_ONES = "[一二三四五六七八九]"
_D = rf"(?:[12]\d|3[01]|0?[1-9]|[二三]?十{_ONES}?|[廿卅]{_ONES}?|{_ONES})"
_DATE = re.compile(
    r"(?<![\d.])(?P<iy>[12]\d{3})[-/.](?P<im>1[0-2]|0?[1-9])(?:[-/.](?P<id>[12]\d|3[01]|0?[1-9]))(?![\d.]\d|\d)"
    rf"|(?<![\d.{_HAN}])(?P<y>\d{{3,4}}|{_HAN_YEAR}) ?(?:年度?(?!代)(?:(?P<ym>{_M}) ?月份?(?:(?P<yd>{_D}) ?[日号])?)?"
    rf"|(?=(?:年?[-—–~至到]+)(?:\d{{4}}|{_HAN_YEAR}) ?年))"
    rf"|(?<![\d.{_HAN}])(?P<m>{_M}) ?月份?(?:(?P<d>{_D}) ?[日号])?"
    rf"|(?<![\d.{_HAN}])(?P<od>{_D}) ?[日号](?![本元线楼])"
    rf"|\b(?P<em>{_MONTH}) (?P<ed>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<ey>[12]\d{{3}}))?(?!\d)"
    rf"|(?<!\d)(?P<fd>\d{{1,2}})(?:st|nd|rd|th)? (?P<fm>{_MONTH})(?:,? (?P<fy>[12]\d{{3}}))?(?!\d)"
    rf"|\b(?P<gm>{_MONTH}) (?P<gy>[12]\d{{3}})(?!\d)"
)
_WEEKDAY = re.compile(r"(?:星期|礼拜|周)([一二三四五六日天])(?!期)")
_YEAR = re.compile(r"[12]\d{3}")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number at ``[start, end)``. ``values`` are what it may be, each with its kind of unit, "" where that is none
    that could be told from another; ``vague`` where a text often has it without counting anything (一个, 第一)."""

    start: int
    end: int
    values: frozenset[tuple[Fraction, str]]
    classifier: str = ""
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Date:
    """A day, month or year at ``[start, end)``; what is left open is None."""

    start: int
    end: int
    year: int | None = None
    month: int | None = None
    day: int | None = None
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """All amounts and dates of a text, in its order; clock times as (hour, minute), days of the week as 一 to 日."""

    amounts: tuple[Amount, ...]
    dates: tuple[Date, ...]
    clocks: tuple[tuple[int, int, int], ...]  # position, hour, minute
    weekdays: tuple[tuple[int, str], ...]


@lru_cache(maxsize=4096)
def figures(folded: str, published: str | None = None) -> Figures:
    """Of a folded text; ``published``, an ISO date, says which years 今年 and 去年 are."""
    found = list(_dates(folded))
    taken = [(d.start, d.end) for d in found]
    found += [Date(at, at + 2, int(year), relative=True) for at, year in relative_years(folded, published)]
    clocks = [(m.start(), int(m["h"]), int(m["m"])) for m in _CLOCK.finditer(folded)]
    weekdays = [(m.start(1), m[1].replace("天", "日")) for m in _WEEKDAY.finditer(folded)]
    taken += [(m.start(), m.end()) for m in _CLOCK.finditer(folded)] + [(at, at + 1) for at, _ in weekdays]
    amounts = tuple(_amounts(folded, taken))
    return Figures(amounts, tuple(sorted(found, key=lambda d: d.start)), tuple(clocks), tuple(weekdays))


def value(text: str) -> Fraction | None:
    """The number that a folded numeral says: 1.2万, 3,500, 三百零五, 二〇二四; None where it says none."""
    text = text.replace(",", "").replace(" ", "")
    digits = re.match(r"\d+(?:\.\d+)?", text)
    if digits:
        number = Fraction(digits[0])
        for scale in text[digits.end() :]:
            number *= (_SMALL | _BIG)[scale]
        return number
    whole, _, decimals = text.partition("点")
    number_of = _han(whole)
    if number_of is None or not decimals:
        return number_of
    return number_of + Fraction(int("".join(str(_DIGIT[c]) for c in decimals)), 10 ** len(decimals))


def _han(text: str) -> Fraction | None:
    text = text.replace("廿", "二十").replace("卅", "三十")
    if not text or not any(c in _DIGIT or c == "十" for c in text):
        return None
    if all(c in _DIGIT for c in text):
        return Fraction(int("".join(str(_DIGIT[c]) for c in text)))
    total, section, digit, last = 0, 0, 0, 1
    for c in text:
        if c in _DIGIT:
            digit, last = _DIGIT[c], (1 if _DIGIT[c] == 0 else last)
        elif c in _SMALL:
            section += (digit or (1 if c == "十" or not section else 0)) * _SMALL[c]
            digit, last = 0, _SMALL[c] // 10
        else:
            total = (total + section + digit) * _BIG[c] if _BIG[c] > 10**4 else total + (section + digit) * _BIG[c]
            section, digit, last = 0, 0, _BIG[c] // 10
    return Fraction(total + section + digit * last)  # 一万二 is 12,000, 三百五 350


def _dates(folded: str) -> Iterator[Date]:
    for m in _DATE.finditer(folded):
        if m.end() == m.start():
            continue
        got = m.groupdict()
        year = got["iy"] or got["y"] or got["ey"] or got["fy"] or got["gy"]
        english = got["em"] or got["fm"] or got["gm"]
        month = got["im"] or got["ym"] or got["m"]
        day = got["id"] or got["yd"] or got["d"] or got["od"] or got["ed"] or got["fd"]
        number = _MONTHS[english[:3]] if english else _part(month)
        yield Date(m.start(), m.end(), _part(year), number, _part(day))


def _part(text: str | None) -> int | None:
    if not text:
        return None
    number = value({"元": "一", "正": "一"}.get(text, text))
    return None if number is None else int(number)


def _amounts(folded: str, taken: list[tuple[int, int]]) -> Iterator[Amount]:
    pieces: list[tuple[int, int, Fraction, str, str, bool]] = []
    at = 0
    for of in _SHARE.finditer(folded):
        whole, part = value({"百": "一百", "千": "一千"}.get(of["whole"], of["whole"])), value(of["part"])
        if whole and part is not None:
            pieces.append((of.start(), of.end(), 100 * part / whole, "%", "", False))
            taken = [*taken, of.span()]
    while m := _AMOUNT.search(folded, at):
        start, end = m.span()
        at = max(end, start + 1)
        if any(s < end and start < e for s, e in taken):
            inside = [e for s, e in taken if s < end and start < e]
            at = max(start + 1, min(inside))
            continue
        number = value(m["number"])
        if number is None:
            continue
        for scale in m["scale"]:
            number *= _BIG[scale]
        kind, factor, classifier, end = _unit(folded, end)
        if kind == "?":  # letters that are no unit: part of a name, as in 5g
            continue
        han = not m["number"][0].isdigit()
        if m["half"] and not m["scale"]:
            number += Fraction(1, 2)
        if kind == "decade":  # 1990年代 and 20世纪90年代
            number %= 100
        vague = han and (m["number"] == "一" or (len(m["number"]) == 1 and not kind and not classifier))
        pieces.append((start, end, number * factor, kind, classifier, vague))
    pieces.sort()
    for i, (start, end, number, kind, classifier, vague) in enumerate(pieces):
        values = {(number, kind)}
        if i + 1 < len(pieces) and _TO.fullmatch(folded, end, pieces[i + 1][0]):  # 10至20万人: from 100,000 on
            after = folded[pieces[i + 1][0] : pieces[i + 1][1]]
            other, own = pieces[i + 1], value(re.sub(r"[^\d.]", "", after) or after[:1])
            if own and not kind:
                values.add((number * other[2] / own, other[3]))
        yield Amount(start, end, frozenset(values), classifier, vague)


def _unit(folded: str, at: int) -> tuple[str, Fraction, str, int]:
    """Kind and size of the unit that stands at ``at``, the classifier there, and where it ends."""
    begin = at + (folded.startswith(" ", at))
    symbol = SYMBOLS.match(folded, begin)
    if symbol:
        kind, factor = UNITS[symbol[0]]
        return kind, factor, "", symbol.end()
    if begin == at and _LATIN.match(folded, at):
        return "?", Fraction(1), "", at
    char = folded[begin : begin + 1]
    return ("", Fraction(1), char, begin + 1) if char and char in CLASSIFIERS else ("", Fraction(1), "", at)


def stated(date: Date, sources: list[Date], years: set[int]) -> bool:
    """Whether ``sources`` state the day; one of them without a year may be of any of ``years``."""
    for source in sources:
        year = date.year is None or (source.year == date.year or (source.year is None and date.year in years))
        if year and (date.month is None or source.month == date.month) and (date.day is None or source.day == date.day):
            return True
    return date.month is None and date.day is None and date.year in years


def year_of(published: str | None) -> set[int]:
    """The year of an ISO date, if any."""
    found = _YEAR.match(published or "")
    return {int(found[0])} if found else set()
