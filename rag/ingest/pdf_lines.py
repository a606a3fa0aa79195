"""The lines of a PDF to paragraphs: running heads, feet and page numbers go, broken lines are joined."""

import re
import statistics
from collections import Counter
from dataclasses import dataclass

from rag.ingest import lines as kind

_EDGE = 2  # lines at the top and at the bottom of a page among which its running head and foot are looked for
_OFTEN = 0.3  # share of pages, and at least three, on which a head or foot stands
_MANY = 500  # lines of a page from which its columns are not told apart
_NUMBER = re.compile(
    r"^[\s\-–—·~～第]*(?:\d{1,4}|[ivxlc]{1,6})[\s\-–—·~～]*页?\s*(?:[/／,，]?\s*共?\s*\d{1,4}\s*页?)?$", re.I
)
_DRESSED = re.compile(r"^\s*(?:[\-–—·~～]\s*\d{1,4}\s*[\-–—·~～]|第\s*\d{1,4}\s*页.*|\d{1,4}\s*[/／]\s*\d{1,4})\s*$")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u2014\u2018-\u201d\u2026\U00020000-\U0003ffff]")
_SPREAD = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_ITEM = re.compile(
    r"^(?:第[一二三四五六七八九十百千零〇\d]+[章节条款编部分]|[一二三四五六七八九十]+、|[(（][一二三四五六七八九十\d]+[)）]|\d+[.、．]\D|[•·●○■□◆▪※-]\s)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands on its page; lengths are points, ``base`` is counted from the bottom."""

    text: str
    left: float
    right: float
    base: float
    size: float
    hyphen: bool = False  # it ends inside a word


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page in the order in which the file has them."""

    lines: list[Line]
    width: float
    height: float


def join(pages: list[Page]) -> tuple[str, list[int]]:
    """Return the text, one paragraph a line, and for each page the offset of the first character from it."""
    bare = _without_edges(pages)
    size = _usual(bare)
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    before: tuple[Line, Page] | None = None
    for page in bare:
        first = True
        gap = _gap(page)
        for line in page.lines:
            text = _tidy(line.text)
            if not text:
                continue
            if before is not None:
                glue = "\n"
                if _goes_on(before, (line, page), size, gap if not first else None):
                    glue = _glue(before[0], parts[-1], text)
                parts.append(glue)
                length += len(glue)
            if first:
                starts.append(length)
                first = False
            parts.append(text)
            length += len(text)
            before = line, page
        if first:
            starts.append(-1)  # no line of its own
    following = length
    for number in range(len(starts) - 1, -1, -1):
        following = starts[number] = starts[number] if starts[number] >= 0 else following
    return "".join(parts), starts


def heading(pages: list[Page]) -> str | None:
    """Return the line, or the lines of the same size below each other, that are clearly the largest of the first page;
    None where all is of about one size."""
    lines = [line for line in pages[0].lines if _tidy(line.text)] if pages else []
    size = _usual(pages)
    large = [line for line in lines if len(re.findall(r"\w", line.text)) >= 2]
    most = max((line.size for line in large), default=0)
    if most < 1.15 * size:
        return None
    rows = [row for row, line in enumerate(lines) if line.size >= 0.98 * most]
    picked = [row for number, row in enumerate(rows) if row - number == rows[0]]
    text = ""
    for row in picked:
        own = _tidy(lines[row].text)
        text += own if not text else _space(text, own) + own
    return text if len(text) <= 120 else None


def _without_edges(pages: list[Page]) -> list[Page]:
    """The pages without their numbers, without what many repeat at one height at an edge, and without what stands by
    itself in the margin at a height at which most of them have something."""
    texts: Counter[tuple[str, int]] = Counter()
    heights: Counter[int] = Counter()
    edges = [_edges(page) for page in pages]
    for page, rows in zip(pages, edges, strict=True):
        texts.update({(_pattern(page.lines[row]), _height(page.lines[row])) for row in rows})
        heights.update({_height(page.lines[row]) for row in rows if _stands_apart(page.lines[row], page)})
    enough = max(3, _OFTEN * len(pages))

    def runs(line: Line, page: Page) -> bool:
        near = range(_height(line) - 1, _height(line) + 2)
        if max(texts[_pattern(line), height] for height in near) >= enough:
            return True
        common = max(heights[height] for height in near)
        return _stands_apart(line, page) and common >= max(2, len(pages) / 2)

    out = []
    for page, rows in zip(pages, edges, strict=True):
        told = [row for row in rows if not kind.is_prose(page.lines[row].text)]
        gone = {row for row in told if runs(page.lines[row], page) or _DRESSED.match(page.lines[row].text)}
        for row in _outer(page, gone):
            line = page.lines[row]
            if len(line.text) <= 60 and _NUMBER.match(line.text) and (_in_margin(line, page) or len(pages) > 1):
                gone.add(row)
        out.append(Page([line for row, line in enumerate(page.lines) if row not in gone], page.width, page.height))
    return out


def _in_margin(line: Line, page: Page) -> bool:
    """Whether a line stands where most pages have no text: an inch of A4 is 0.085 of its height."""
    return not 0.08 * page.height <= line.base <= 0.92 * page.height


def _stands_apart(line: Line, page: Page) -> bool:
    """Whether a line stands in the margin, farther from the text than lines of the text from each other."""
    if not _in_margin(line, page):
        return False
    steps = [abs(other.base - line.base) for other in page.lines[:_MANY] if abs(other.base - line.base) > 1]
    return bool(steps) and min(steps) > 1.5 * max(_gap(page), line.size)


def _edges(page: Page) -> list[int]:
    order = sorted(range(len(page.lines)), key=lambda row: -page.lines[row].base)
    return order if len(order) <= 2 * _EDGE else order[:_EDGE] + order[-_EDGE:]


def _outer(page: Page, gone: set[int]) -> set[int]:
    """The highest and the lowest line that are left."""
    order = sorted(set(range(len(page.lines))) - gone, key=lambda row: page.lines[row].base)
    return {order[0], order[-1]} if len(order) > 2 else set()


def _pattern(line: Line) -> str:
    """What a running line has in common on all pages: its text without numbers and spaces."""
    return re.sub(r"\d+", "#", "".join(line.text.split()))


def _height(line: Line) -> int:
    return round(line.base / 6)


def _usual(pages: list[Page]) -> float:
    """The size of most characters."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _gap(page: Page) -> float:
    """The usual distance between two lines of a page, 0 where it has too few."""
    steps = [above.base - below.base for above, below in zip(page.lines, page.lines[1:], strict=False)]
    steps = [step for step in steps if step > 1]
    return statistics.median_low(steps) if len(steps) >= 3 else 0.0


def _goes_on(before: tuple[Line, Page], here: tuple[Line, Page], size: float, gap: float | None) -> bool:
    """Whether a line is the continuation of the one before it; ``gap`` is None where a page ends between them."""
    (above, page), (line, next_page) = before, here
    if above.hyphen:
        return True
    if abs(above.size - line.size) > 0.12 * max(above.size, line.size, 1.0):
        return False
    em = max(line.size, 1.0)
    text, below = above.text.strip(), line.text.strip()
    if above.size > 1.15 * size and gap is not None and _centred(above, page) and _centred(line, page):
        return abs(above.base - line.base) <= 2.2 * em and not _ITEM.match(below)  # a title in two lines
    if gap is not None and gap > 0 and not -0.5 * em <= above.base - line.base <= 1.45 * gap:
        return False
    if kind.is_byline(text) or kind.is_metadata(text) or kind.is_byline(below) or kind.is_metadata(below):
        return False
    if _ITEM.match(below) and (kind.is_terminated(text) or len(text) < 20):
        return False
    left, right = _column(above, page)
    if right - left < 8 * em or above.right + _first_word(line) + 1.2 * em < right:
        return False  # a narrow column, or a line that had room for more
    return line.left <= _column(line, next_page)[0] + 1.2 * em


def _first_word(line: Line) -> float:
    """About how wide that is which could not be parted from the beginning of a line."""
    text = line.text.strip()
    word = text[:1] if _WIDE.match(text) else text.split(maxsplit=1)[0]
    return (line.right - line.left) * len(word) / len(text)


def _centred(line: Line, page: Page) -> bool:
    return abs(line.left + line.right - page.width) <= 3 * line.size and line.left > 0.12 * page.width


def _column(line: Line, page: Page) -> tuple[float, float]:
    """The left and right edge of the column that a line stands in: those of the lines that it overlaps."""
    if len(page.lines) > _MANY:
        return min(other.left for other in page.lines[:_MANY]), max(other.right for other in page.lines[:_MANY])
    beside = [other for other in page.lines if other is line or _is_beside(other, line)]
    return min(other.left for other in beside), max(other.right for other in beside)


def _is_beside(one: Line, other: Line) -> bool:
    """Whether two lines have most of their width in common, and one size."""
    common = min(one.right, other.right) - max(one.left, other.left)
    alike = abs(one.size - other.size) <= 0.12 * max(other.size, 1.0)
    return alike and common > 0.5 * min(one.right - one.left, other.right - other.left)


def _glue(above: Line, text: str, below: str) -> str:
    return "" if above.hyphen else _space(text, below)


def _space(text: str, below: str) -> str:
    """What parts two lines of a paragraph: nothing beside a Chinese character, a space between words."""
    return "" if _WIDE.match(below[0]) or _WIDE.match(text[-1]) else " "


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    spread = len(_SPREAD.findall(text))
    if spread >= 3 and spread >= 0.8 * (len(text) - spread - 1):  # a line that was stretched to its column
        text = _SPREAD.sub("", text)
    return text
