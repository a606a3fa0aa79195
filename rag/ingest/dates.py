"""Days as articles write them: 2024年3月5日, 二〇二四年三月五日, 2024-03-05 10:20, 2024.3.5, March 5, 2024."""

import datetime
import re
from collections.abc import Iterator

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "Ｏ": 0, "O": 0, "元": 1}
_MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = r"(?P<{}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = re.compile(
    r"(?<![\d.])(?P<y>(?:19|20)\d\d)\s*(?:[-/.年－／．]|年度?)\s*(?P<m>\d{1,2})\s*[-/.月－／．]\s*(?P<d>\d{1,2})(?![\d.]\d|\d)\s*[日号]?"
    r"|(?<!\d)(?P<cy>(?:一九|二[〇零○OＯ])[〇零○OＯ一二三四五六七八九]{2})年(?P<cm>[一二三四五六七八九十]{1,2})月"
    r"(?P<cd>[一二三四五六七八九十廿卅]{1,3})[日号]"
    rf"|\b{_MONTH.format('em')}\s+(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<ey>(?:19|20)\d\d)(?!\d)"
    rf"|(?<!\d)(?P<fd>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH.format('fm')},?\s+(?P<fy>(?:19|20)\d\d)(?!\d)",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)(?:T?\d{4,6}Z?)?$")  # 20240305102000, in markup only


def find(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield each day of a calendar that the text names, with its ISO form."""
    for match in DATE.finditer(text):
        day = _day(match)
        if day is not None:
            yield match, day


def first(text: str) -> str | None:
    """Return the first day that the value of a field names, as ``YYYY-MM-DD``; None where it names none."""
    compact = _COMPACT.match(text.strip()[:20])
    if compact:
        return iso(int(compact[1]), int(compact[2]), int(compact[3]))
    return next((day for _, day in find(text[:200])), None)


def _day(match: re.Match[str]) -> str | None:
    got = match.groupdict()
    if got["y"]:
        parts = int(got["y"]), int(got["m"]), int(got["d"])
    elif got["cy"]:
        year = int("".join(str(_DIGITS[char]) for char in got["cy"]))
        parts = year, _chinese(got["cm"]), _chinese(got["cd"])
    elif got["ey"]:
        parts = int(got["ey"]), _MONTHS[got["em"].lower()], int(got["ed"])
    else:
        parts = int(got["fy"]), _MONTHS[got["fm"].lower()], int(got["fd"])
    return iso(*parts)


def iso(year: int, month: int, day: int) -> str | None:
    """Return ``YYYY-MM-DD``; None for a day that no calendar has."""
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


def _chinese(number: str) -> int:
    """``十``, ``二十一``, ``廿三``; 0 for what is no number below a hundred."""
    number = number.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return _DIGITS[number] if len(number) == 1 else 0
    if any(part and part not in _DIGITS for part in (tens, ones)):
        return 0
    return 10 * (_DIGITS[tens] if tens else 1) + (_DIGITS[ones] if ones else 0)
