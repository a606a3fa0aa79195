"""The article of a web page, without its menus, side columns, related links and comments.

The page becomes lines (``page_lines``). Blocks that are named as furniture, or are nothing but links, do not count; the
innermost block that holds nearly all of the running text that is left is the body, and what stands between the title
and the body belongs to it. No site is known by name, but for the ids that WeChat gives to every article.
"""

from dataclasses import dataclass

from rag.errors import InvalidInput
from rag.ingest import lines as kind
from rag.ingest import page_lines, web_fields
from rag.ingest.page_lines import Line, PageLines

# Words of classes and ids that pages give to what is no part of an article: always, or where it is mostly links.
_NAMED = frozenset(
    "nav navbar navigation menu menubar sidebar breadcrumb breadcrumbs crumb crumbs comment comments pinglun reply "
    "replies discuss related relate recommend recommended recommendation tuijian footer copyright "
    "pagination pager".split()
)
_OFTEN = frozenset(
    "share sharing bdshare social hot rank ranking ad ads advert advertisement adsbygoogle banner foot side aside "
    "toolbar tool login search popup modal qrcode subscribe newsletter promo sponsor tags links link friend "
    "header top".split()
)
_ROLES = frozenset("navigation complementary contentinfo search banner menu dialog".split())
_MOST = 0.3  # share of the running text from which a block is no furniture, whatever it is called
_BODY = 0.8  # share of a block's running text that its largest part must hold to be looked into
_HALF = 0.5  # share that is enough where the rest is on something else
_KIN = 0.35  # share of letter pairs that text outside the body must have in common with it to belong to it


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says: its lines joined by line ends, and the fields that the page gives itself."""

    text: str
    fields: web_fields.Fields


def extract(html: str, name: str) -> Article:
    """Return the article of a page. Raises InvalidInput where the page shows no text."""
    root = page_lines.parse(html, name)
    fields = web_fields.read(root, html)
    page = page_lines.read(root)
    if not page.lines:
        raise InvalidInput(f"{name}: this page shows no text (scripts may fill it in); save it again when it is shown")
    weights = [_weight(line) for line in page.lines]
    dropped = _furniture(page, weights)
    if not any(weight for line, weight in zip(page.lines, weights, strict=True) if not dropped[line.block]):
        dropped = [False] * len(page.blocks)  # a page that is all furniture has none
    weights = [0.0 if dropped[line.block] else weight for line, weight in zip(page.lines, weights, strict=True)]
    first, last = _body(page, weights)
    title = _title(page, first, last, fields.title)
    kept = _kept(page, dropped, first, last, title)
    dates = [(row, date) for row, date in page.times if title is not None and title <= row <= max(first, title) + 3]
    fields = web_fields.completed(fields, page.lines[title].text if title is not None else None, dates)
    if not any(line.text for line in kept):
        raise InvalidInput(f"{name}: this page holds links, no article; save the page of the article itself")
    return Article("\n".join(line.text for line in kept), fields)


def _weight(line: Line) -> float:
    """Characters of running text; other lines count for little, and links, buttons and trails for nothing."""
    text = line.text
    own = len(text) * (1 - line.links)
    if line.links < 0.3 and kind.is_prose(text):
        return 0.0 if kind.is_afterword(text) else own
    if kind.is_controls(text) or kind.is_afterword(text) or kind.is_crumbs(text):
        return 0.0
    return own if kind.is_prose(text) and line.links < 0.5 else own / 4 if line.links < 0.3 else 0.0


def _furniture(page: PageLines, weights: list[float]) -> list[bool]:
    """By block: whether it, or one around it, is no part of an article."""
    count = len(page.blocks)
    prose, letters, linked = [0.0] * count, [0.0] * count, [0.0] * count
    for line, weight in zip(page.lines, weights, strict=True):
        letters[line.block] += len(line.text)
        linked[line.block] += len(line.text) * line.links
        prose[line.block] += weight if kind.is_prose(line.text) else 0.0
    for number in range(count - 1, 0, -1):
        parent = page.blocks[number].parent
        for sums in (prose, letters, linked):
            sums[parent] += sums[number]
    dropped = [False] * count
    inside = [False] * count  # of <article> or <main>, where <footer> and <aside> may be parts of it
    for number, block in enumerate(page.blocks):
        if block.parent >= 0:
            inside[number] = inside[block.parent] or page.blocks[block.parent].tag in ("article", "main")
            dropped[number] = dropped[block.parent]
        if dropped[number] or prose[number] > _MOST * prose[0] or block.tag in ("html", "body"):
            continue
        links = linked[number] >= 0.5 * letters[number]
        mostly = links or prose[number] == 0
        dropped[number] = (
            bool(block.words & _NAMED)
            or block.tag == "nav"
            or block.role in _ROLES
            or (block.tag in ("aside", "footer") and (links or not inside[number]))
            or (mostly and bool(block.words & _OFTEN))
        )
    return dropped


def _body(page: PageLines, weights: list[float]) -> tuple[int, int]:
    """The first and last line of the block that holds nearly all of the running text."""
    count = len(page.blocks)
    sums, lines = [0.0] * count, [0] * count
    for line, weight in zip(page.lines, weights, strict=True):
        sums[line.block] += weight
        lines[line.block] += weight > 0
    best = [-1] * count
    for number in range(count - 1, 0, -1):
        parent = page.blocks[number].parent
        sums[parent] += sums[number]
        lines[parent] += lines[number]
        if best[parent] < 0 or sums[number] >= sums[best[parent]]:
            best[parent] = number
    end = [number + 1 for number in range(count)]
    for number in range(count - 1, 0, -1):
        parent = page.blocks[number].parent
        end[parent] = max(end[parent], end[number])

    def within(block: int) -> list[int]:
        return [row for row, line in enumerate(page.lines) if block <= line.block < end[block]]

    named = next((number for number, block in enumerate(page.blocks) if block.words == {"js", "content"}), 0)
    body = named if sums[named] >= _HALF * sums[0] else 0
    looks = 20
    while best[body] >= 0 and (lines[best[body]] > 1 or sums[best[body]] == sums[body] > 0):  # not into a paragraph
        inner = best[body]
        if sums[inner] < _BODY * sums[body]:
            looks -= 1
            rows = set(within(inner))
            rest = [row for row in within(body) if row not in rows and weights[row] and _is_text(page.lines[row])]
            if not (looks and rest) or sums[inner] < _HALF * sums[body] or _share(page, rest, sorted(rows)) >= _KIN:
                break
        body = inner
    rows_of_body = within(body)
    return rows_of_body[0], rows_of_body[-1]


def _share(page: PageLines, rest: list[int], rows: list[int]) -> float:
    """Share of the letter pairs of some lines that others have too."""
    one, other = (kind.bigrams("\n".join(page.lines[row].text for row in part)[:20_000]) for part in (rest, rows))
    return len(one & other) / len(one) if one else 0.0


def _title(page: PageLines, first: int, last: int, told: str | None) -> int | None:
    """The line that is the article's title: what the page's own title says, else a heading of the first rank."""
    begin = next((row for row in range(first, last + 1) if _is_text(page.lines[row])), first)
    whole = web_fields.letters(told or "")
    rows = []
    for row in range(last + 1):  # above the first paragraph; teasers of other articles may stand above a title
        if 2 <= len(page.lines[row].text) <= 120 and (row <= begin or page.blocks[page.lines[row].block].tag == "h1"):
            rows.append(row)
    best: tuple[bool, int, int] | None = None
    for row in rows:
        line = page.lines[row]
        own = web_fields.letters(line.text)
        if own and own in whole and (line.heading or 2 * len(own) >= len(whole)):
            best = max(best or (False, 0, 0), (line.heading, len(own), row))
    if best is not None:
        return best[2]
    ranked = [row for row in rows if page.blocks[page.lines[row].block].tag == "h1" and not page.lines[row].links]
    return ranked[-1] if ranked else None


def _is_text(line: Line) -> bool:
    return kind.is_prose(line.text) and line.links < 0.5 and not kind.is_metadata(line.text)


def _kept(page: PageLines, dropped: list[bool], first: int, last: int, title: int | None) -> list[Line]:
    lines = page.lines
    begin = first if title is None else title
    inner = [row for row in range(first, last + 1) if not dropped[lines[row].block]]
    told = [row for row in inner if _is_text(lines[row])]
    pairs = kind.bigrams("\n".join(lines[row].text for row in told)[:200_000])
    kept = []
    after = 0
    for row in range(begin, len(lines)):
        line = lines[row]
        if row == title or not line.text:
            kept.append(row)
        elif dropped[line.block] or kind.is_crumbs(line.text):
            continue
        elif row < first:
            if line.links < 0.8 and not kind.is_controls(line.text):
                kept.append(row)
        elif row <= last:
            outside = not told or row < told[0] or row > told[-1]
            if not (line.links >= 0.5 and (outside or kind.is_section_name(line.text[:16]))):
                kept.append(row)
            elif kept and kept[-1] == row - 1 and row - 1 != title and _names_list(lines[row - 1]):
                kept.pop()
        elif (kind.is_byline(line.text) and after < 5 and line.links < 0.5) or (
            _is_text(line) and not kind.is_afterword(line.text) and _kin(line.text, pairs)
        ):
            kept.append(row)
        else:
            after += 1
    return [lines[row] for row in kept]


def _names_list(line: Line) -> bool:
    return line.heading or kind.is_section_name(line.text)


def _kin(text: str, pairs: set[str]) -> bool:
    own = kind.bigrams(text[:2000])
    return bool(own) and len(own & pairs) >= _KIN * len(own)
