"""The numbers that Word puts before paragraphs by itself (ECMA-376 part 1, 17.9), and what its styles stand for."""

from dataclasses import dataclass, field
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CHINESE = "〇一二三四五六七八九"
_DEEPEST = 9  # levels of a list, and how far a style is followed to those that it is based on


@dataclass(slots=True)
class _Level:
    start: int = 1
    format: str = "decimal"
    text: str = ""


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


def of(element: Any, attribute: str = "val") -> str | None:
    """The value of an element's ``w:val`` or another attribute; None without the element or the attribute."""
    value: str | None = element.get(W + attribute) if element is not None else None
    return value


class Numbers:
    """Counts through one document: ``mark`` is to be called for its paragraphs in their order."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        self._styles = {of(style, "styleId"): style for style in styles.iter(f"{W}style")} if styles is not None else {}
        self._lists: dict[str, _List] = {}
        if numbering is None:
            return
        abstract = {of(each, "abstractNumId"): each for each in numbering.iter(f"{W}abstractNum")}
        shared: dict[str | None, _List] = {}
        for number in numbering.iter(f"{W}num"):
            base = of(number.find(f"{W}abstractNumId"))
            found = shared.setdefault(base, _List(_levels(abstract.get(base))))
            overrides = number.findall(f"{W}lvlOverride")
            if overrides:
                found = _List({depth: _Level(e.start, e.format, e.text) for depth, e in found.levels.items()})
                for override in overrides:
                    depth = _int(of(override, "ilvl"), 0)
                    found.levels.update(_levels(override))
                    start = of(override.find(f"{W}startOverride"))
                    if start is not None and depth in found.levels:
                        found.levels[depth].start = _int(start, 1)
            self._lists[of(number, "numId") or ""] = found

    def mark(self, properties: Any, style: str | None) -> str:
        """Return what stands before a paragraph, ``（一）``, ``第三条 `` or ``• ``; empty where nothing does."""
        own = properties.find(f"{W}numPr") if properties is not None else None
        inherited = self._inherited(style, "numPr")
        id = of(own.find(f"{W}numId")) if own is not None else None
        id = id or (of(inherited.find(f"{W}numId")) if inherited is not None else None)
        depth = of(own.find(f"{W}ilvl")) if own is not None else None
        depth = depth or (of(inherited.find(f"{W}ilvl")) if inherited is not None else None)
        found = self._lists.get(id or "")
        level = found.levels.get(_int(depth, 0)) if found else None
        if found is None or level is None:
            return ""
        here = _int(depth, 0)
        found.counts[here] = found.counts.get(here, level.start - 1) + 1
        for deeper in [each for each in found.counts if each > here]:
            del found.counts[deeper]
        if level.format == "bullet":
            return "• "
        if level.format == "none":
            return ""
        text = level.text
        for each in range(here + 1):
            other = found.levels.get(each, level)
            text = text.replace(f"%{each + 1}", spelled(found.counts.get(each, other.start), other.format))
        return text if not text or text[-1] in "、）．：" else f"{text} "

    def is_title(self, style: str | None) -> bool:
        """Whether the style is Word's own for the title of a document."""
        return self._name(style) == "title"

    def is_contents(self, style: str | None) -> bool:
        """Whether the style is one of those for lines of a table of contents."""
        return self._name(style).startswith("toc ")

    def _name(self, style: str | None) -> str:
        found = self._styles.get(style) if style else None
        return (of(found.find(f"{W}name")) or "").lower() if found is not None else ""

    def _inherited(self, style: str | None, property: str) -> Any:
        for _ in range(_DEEPEST):
            found = self._styles.get(style) if style else None
            if found is None:
                return None
            value = found.find(f"{W}pPr/{W}{property}")
            if value is not None:
                return value
            style = of(found.find(f"{W}basedOn"))
        return None


def _levels(parent: Any) -> dict[int, _Level]:
    levels = {}
    for level in parent.iter(f"{W}lvl") if parent is not None else ():
        levels[_int(of(level, "ilvl"), 0)] = _Level(
            _int(of(level.find(f"{W}start")), 1),
            of(level.find(f"{W}numFmt")) or "decimal",
            (of(level.find(f"{W}lvlText")) or "")[:60],
        )
    return levels


def _int(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 6 else default


def spelled(number: int, format: str) -> str:
    """Return a number as the format (ECMA-376 17.18.59) writes it; in digits for a format that is not known here."""
    if format.startswith(("chinese", "japaneseCounting", "taiwaneseCounting", "ideographLegal")):
        return chinese(number)
    if format in ("ideographDigital", "japaneseDigitalTenThousand", "taiwaneseDigital"):
        return "".join(_CHINESE[int(digit)] for digit in str(number))
    if format.startswith("decimalEnclosedCircle") and 1 <= number <= 20:
        return chr(0x2460 + number - 1)
    if format in ("upperLetter", "lowerLetter") and 1 <= number <= 780:
        letter = chr(ord("A") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if format == "upperLetter" else letter.lower()
    if format in ("upperRoman", "lowerRoman") and 1 <= number < 4000:
        roman = _roman(number)
        return roman if format == "upperRoman" else roman.lower()
    if format == "decimalZero":
        return f"{number:02}"
    return str(number)


def chinese(number: int) -> str:
    """Return a number in Chinese: 十, 二十一, 一百零三; in digits from ten thousand on."""
    if not 0 < number < 10_000:
        return _CHINESE[0] if number == 0 else str(number)
    out = ""
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            out += _CHINESE[digit] + unit
        elif out and not out.endswith("零") and number % place:
            out += "零"
    return out.removeprefix("一") if out.startswith("一十") else out


def _roman(number: int) -> str:
    out = ""
    signs = ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I")
    for value, sign in zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), signs, strict=True):
        out += sign * (number // value)
        number %= value
    return out
