"""Years that a text names by its own date: 今年 in an article of 2023 is 2023. Without a date nothing is resolved."""

import re

_AWAY = {"今年": 0, "本年": 0, "去年": -1, "上年": -1, "前年": -2, "明年": 1, "后年": 2}
_NAMED = re.compile(f"(?<![比较])(?:{'|'.join(_AWAY)})")  # 比上年增加 says what is compared, not when
_YEAR = re.compile(r"[12]\d{3}")


def relative_years(folded: str, published: str | None) -> list[tuple[int, str]]:
    """Where a folded text names a year by its date, and which: ``(position, "2023")``; none without a date."""
    year = _YEAR.match(published or "")
    if not year:
        return []
    return [(m.start(), str(int(year[0]) + _AWAY[m[0]])) for m in _NAMED.finditer(folded)]
