"""Takes off what a saved page puts around its article: slogans, bread crumbs, buttons, lists of other articles.

Nothing is recognised by one page's words alone. The shape of a line, where it stands, and how many of its letter pairs
the body shares decide; names that sites commonly give to their lists are one signal among these. In doubt a line stays.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rag.ingest import lines as kind

_HEAD = 25  # lines; an article that has not begun by then has no head
_BODY = 100  # characters of running text without which nothing is taken for a page
_SAMPLE = 200_000  # characters of body whose letter pairs are compared
_FURNITURE = 3  # points from which a trailing section goes


@dataclass(frozen=True, slots=True)
class Page:
    """An article without its page: the text, and its title where the page's structure shows which line that is."""

    text: str
    title: str | None


def strip(text: str) -> Page:
    """Return the article within a saved page's text; a text that shows no sign of a page comes back unchanged.

    ``text`` is canonical. Only whole lines are left out. Linear in the length of the text.
    """
    lines = text.split("\n")
    rows = [row for row, line in enumerate(lines) if line]
    prose = [row for row in rows if kind.is_prose(lines[row])]
    if sum(len(lines[row]) for row in prose) < _BODY:
        return Page(text, None)
    body = kind.bigrams("\n".join(lines[row] for row in prose)[:_SAMPLE])

    def cohesion(line: str) -> float:
        pairs = kind.bigrams(line)
        return len(pairs & body) / len(pairs) if pairs else 0.0

    dropped = _tail([row for row in rows if row > prose[0]], lines, cohesion)
    told = [row for row in prose if not kind.is_crumbs(lines[row]) and not kind.is_metadata(lines[row])]
    begin = told[0] if told else prose[0]
    head = [row for row in rows if row < begin][:_HEAD]
    title, gone = _head(head, lines, cohesion, bool(dropped))
    dropped |= gone
    if not dropped:
        return Page(text, title)
    kept = [line for row, line in enumerate(lines) if row not in dropped]
    return Page(_closed_up(kept), title)


def _closed_up(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        if line or (out and out[-1]):
            out.append(line)
    return "\n".join(out).strip("\n")


def _head(
    head: list[int], lines: list[str], cohesion: Callable[[str], float], page: bool
) -> tuple[str | None, set[int]]:
    crumbs = [row for row in head if kind.is_crumbs(lines[row])]
    controls = [row for row in head if kind.is_controls(lines[row]) or kind.is_afterword(lines[row])]
    meta = [row for row in head if kind.is_metadata(lines[row]) and row not in crumbs and row not in controls]
    if not (page or crumbs or controls or meta):
        return None, set()
    marked = {*crumbs, *controls, *meta}
    last_crumb = crumbs[-1] if crumbs else -1
    plain = [row for row in head if row not in marked and not kind.is_byline(lines[row]) and len(lines[row]) >= 4]
    below = [row for row in plain if row > last_crumb]
    above_meta = [row for row in below if not meta or row < meta[-1]]
    candidates = above_meta or below or plain
    dropped = {*crumbs, *controls}
    if not candidates:
        return None, dropped
    best = max(candidates, key=lambda row: (round(cohesion(lines[row]), 1), min(len(lines[row]), 12), -row))
    for row in head:
        if row >= best or row in marked:
            continue
        line = lines[row]
        foreign = len(line) <= 20 and not kind.is_terminated(line) and cohesion(line) < 0.3
        if row < last_crumb or (foreign and row < (meta[0] if meta else best)):
            dropped.add(row)
    return lines[best], dropped


@dataclass(slots=True)
class _Section:
    rows: list[int]
    points: int


def _tail(rows: list[int], lines: list[str], cohesion: Callable[[str], float]) -> set[int]:
    """Rows of the single lines and of the lists that a page puts below its article, found from the end upward."""
    dropped: set[int] = set()
    end = len(rows)
    while end:
        line = lines[rows[end - 1]]
        if kind.is_afterword(line) or kind.is_controls(line):
            dropped.add(rows[end - 1])
            end -= 1
        elif kind.is_byline(line):
            end -= 1
        else:
            sections = _sections(rows[:end], lines, cohesion)
            gone = _furniture(sections)
            if not gone:
                break
            dropped.update(row for section in gone for row in section.rows)
            end -= sum(len(section.rows) for section in gone)
    return dropped


def _sections(rows: list[int], lines: list[str], cohesion: Callable[[str], float]) -> list[_Section]:
    """The headed lists at the end of ``rows``, the last one first."""
    sections: list[_Section] = []
    last = len(rows)
    while True:
        first = last - 1
        while first >= 0 and _is_item(lines[rows[first]]) and not _is_name(lines[rows[first]]):
            first -= 1
        if first < 0 or first == last - 1 or not _is_name(lines[rows[first]]):
            break
        items = [lines[row] for row in rows[first + 1 : last]]
        sections.append(_Section(rows[first:last], _points(lines[rows[first]], items, cohesion)))
        last = first
    if sections and last and kind.is_byline(lines[rows[last - 1]]):
        for section in sections:  # the article has been signed: nothing of it follows
            section.points += 1
    return sections


def _is_name(line: str) -> bool:
    return kind.is_heading(line) and not kind.is_bulleted(line) and (len(line) <= 8 or kind.is_section_name(line))


def _is_item(line: str) -> bool:
    if kind.is_byline(line):
        return False
    return kind.is_bulleted(line) or kind.is_truncated(line) or (len(line) <= 60 and not kind.is_prose(line))


def _points(name: str, items: list[str], cohesion: Callable[[str], float]) -> int:
    bare = [kind.unbulleted(item) for item in items]
    points = 2 if kind.is_section_name(name) else 0
    if any(kind.is_truncated(item) for item in bare):
        points += 2
    elif all(len(item) <= 60 and not _closes(item) for item in bare) and sum(map(len, bare)) >= 8 * len(bare):
        points += 1
    shared = sum(map(cohesion, bare)) / len(bare)
    return points + (1 if shared < 0.35 else -1 if shared >= 0.7 else 0)


def _closes(item: str) -> bool:
    return item.endswith(("。", "；", ";", "，", ",", ".", "：", ":"))


def _furniture(sections: list[_Section]) -> list[_Section]:
    """Those of the trailing sections, from the end upward, that are lists of other articles."""
    clear = [section.points >= _FURNITURE for section in sections]
    gone: list[_Section] = []
    for number, section in enumerate(sections):
        beside = any(clear[max(0, number - 1) : number + 2])
        if section.points + beside < _FURNITURE:
            break
        gone.append(section)
    return gone
