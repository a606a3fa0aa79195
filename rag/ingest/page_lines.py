"""A web page as lines: the text that a reader sees, each line with the block it stands in and its share of links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.errors import InvalidInput
from rag.ingest import lines as kind

_TAGS = 300_000  # elements; a long article has some thousands
_ATTRIBUTES = 256  # of one tag; the parser compares each with all before it
_LONG_TAG = 1_000  # characters, below which a tag cannot hold so many
_TAG = re.compile(r"""<[a-zA-Z](?:[^<>"']|"[^"]*"|'[^']*')*+""")
_VALUE = re.compile(r""""[^"]*"|'[^']*'""")
_SKIPPED = frozenset(
    "script style noscript template head svg iframe object embed canvas audio video select option button input "
    "textarea datalist dialog".split()
)
_BLOCKS = frozenset(
    "html body address article aside blockquote caption center dd details div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre section summary table tbody td tfoot th "
    "thead tr ul".split()
)
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u2014\u2018-\u201d\u2026\U00020000-\U0003ffff]"
_WRAP = re.compile(rf"(?<={_WIDE})[ \t]*[\r\n][ \t\r\n\f]*(?={_WIDE})")  # between Chinese characters, no space
_BLANK = re.compile(r"[ \t\r\n\f]+")
_GLUED = re.compile(
    r"(?<=[。！？!?”’…])[\u3000\xa0 ]*(?:\u3000\u3000|\xa0{4})[\u3000\xa0 ]*"
)  # paragraphs by indent alone
_WORDS = re.compile(r"[A-Z]?[a-z]+")
_EDGE = " \xa0\u3000\u200b\ufeff"
_SPAN, _SPANS = 100, 8  # rows, characters and number of the cells that are said again in each row which they reach
_CELL, _ROW, _ROW_ELEMENTS = 200, 600, 200  # characters and elements up to which a row is one of a table of data


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; ``links`` is the share of its characters that stand in links."""

    text: str
    block: int
    links: float
    heading: bool


@dataclass(frozen=True, slots=True)
class Block:
    """An element that begins a line; ``parent`` is its number in ``PageLines.blocks``, -1 for the first."""

    parent: int
    tag: str
    role: str
    words: frozenset[str]  # of its class and id, in lower case


@dataclass(slots=True)
class PageLines:
    """The lines of a page from top to bottom, and its blocks in the order in which they begin."""

    lines: list[Line] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    times: list[tuple[int, str]] = field(default_factory=list)  # of <time>: the line it stands in, its date


def parse(html: str, name: str) -> Any:
    """Return the page's tree (lxml). Raises InvalidInput where the page is empty, nested too deep or too large."""
    import lxml.etree
    import lxml.html

    if html.count("<") > _TAGS:
        raise InvalidInput(f"{name}: more than {_TAGS} tags; split the page, or save its text as .txt")
    _check_tags(html, name)
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.LxmlError as error:
        raise InvalidInput(f"{name}: no text is in this page; save the page again when it is shown whole") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise InvalidInput(f"{name}: its elements are nested too deep to be read; save its text as .txt")
    return root


def _check_tags(html: str, name: str) -> None:
    """Raise InvalidInput where one tag holds so many attributes that parsing it would take seconds."""
    for tag in _TAG.finditer(html):
        if tag.end() - tag.start() > _LONG_TAG:
            bare = _VALUE.sub("", tag[0])
            if len(bare.split()) + bare.count("/") > _ATTRIBUTES or bare.count("=") > _ATTRIBUTES:
                raise InvalidInput(
                    f"{name}: a tag has more than {_ATTRIBUTES} attributes, which no page for readers has; "
                    "save its text as .txt"
                )


def read(root: Any) -> PageLines:
    """Return the lines of a tree that ``parse`` made. Linear in its size."""
    import lxml.etree

    writer = _Writer()
    walker = lxml.etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if event == "end":
            writer.end(tag)
            writer.add(element.tail)
        elif tag in _SKIPPED or _is_hidden(element):
            walker.skip_subtree()
            writer.skipped = tag
        elif writer.start(tag, element):
            writer.add(element.text)
        else:
            walker.skip_subtree()
            writer.skipped = tag
    writer.flush()
    return writer.page


def _is_hidden(element: Any) -> bool:
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return style is not None and "display:none" in style.replace(" ", "").lower()


class _Writer:
    def __init__(self) -> None:
        self.page = PageLines()
        self.skipped = ""  # an element whose inside is left out: its end undoes nothing
        self._open = [-1]  # blocks
        self._parts: list[tuple[str, bool]] = []  # text of the line that is being put together, and whether in a link
        self._links = self._pre = 0
        self._lists: list[int | None] = []  # the next number of each open list; None: bullets
        self._mark = ""  # of the item whose first line is to come
        self._spans: list[dict[int, tuple[int, str]]] = []  # by table: column -> rows that a cell still reaches, text

    def add(self, text: str | None) -> None:
        if text:
            self._parts.append((text if self._pre else _WRAP.sub("", text), self._links > 0))

    def start(self, tag: str, element: Any) -> bool:
        """Begin an element; False where it was written whole."""
        if tag == "br":
            self._parts.append(("\n", False)) if self._pre else self.flush()
        elif tag == "a":
            self._links += 1
        elif tag == "q":
            self.add("“")
        elif tag == "rt":
            self.add("（")
        elif tag == "time" and element.get("datetime"):
            self.page.times.append((len(self.page.lines), element.get("datetime")))
        elif tag in _BLOCKS:
            self.flush()
            return self._block(tag, element)
        return tag != "rp"

    def _block(self, tag: str, element: Any) -> bool:
        if tag == "tr":
            row = self._row(element)
            if row is not None:
                text, links = row
                if text:
                    self.page.lines.append(Line(text, self._open[-1], links, False))
                return False
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        words = frozenset(word.lower() for word in _WORDS.findall(names[:500]))
        self.page.blocks.append(Block(self._open[-1], tag, (element.get("role") or "").lower(), words))
        self._open.append(len(self.page.blocks) - 1)
        if tag in ("ul", "menu"):
            self._lists.append(None)
        elif tag == "ol":
            self._lists.append(_number(element.get("start"), 1))
        elif tag == "li":
            self._mark = self._item(element)
        elif tag == "pre":
            self._pre += 1
        elif tag == "table":
            self._spans.append({})
        return True

    def _item(self, element: Any) -> str:
        if not self._lists or self._lists[-1] is None:
            return "• "
        number = _number(element.get("value"), self._lists[-1])
        self._lists[-1] = number + 1
        return f"{number}. "

    def end(self, tag: str) -> None:
        if self.skipped:  # the first end after the start of what is skipped is its own
            self.skipped = ""
            return
        if tag == "a":
            self._links -= 1
        elif tag == "q":
            self.add("”")
        elif tag == "rt":
            self.add("）")
        elif tag in _BLOCKS:
            self.flush()
            self._open.pop()
            if tag in ("ul", "menu", "ol"):
                self._lists.pop()
            elif tag == "li":
                self._mark = ""
            elif tag == "pre":
                self._pre -= 1
            elif tag == "table":
                self._spans.pop()

    def flush(self) -> None:
        """End the line."""
        if not self._parts:
            return
        raw = "".join(text for text, _ in self._parts)
        linked = sum(len(text.strip()) for text, link in self._parts if link)
        self._parts.clear()
        block = self._open[-1]
        if self._pre:
            rows = [row.rstrip(_EDGE + "\t\r") for row in raw.strip("\r\n").split("\n")]
            self.page.lines += [Line(row, block, 0.0, False) for row in rows] if raw.strip() else []
            return
        heading = block >= 0 and self.page.blocks[block].tag in ("h1", "h2", "h3", "h4", "h5", "h6")
        for text in _GLUED.split(_BLANK.sub(" ", raw)):
            text = text.strip(_EDGE)
            if not text:
                continue
            mark = "" if kind.is_bulleted(text) else self._mark
            self._mark = ""
            self.page.lines.append(Line(mark + text, block, min(1.0, linked / len(text)), heading))

    def _row(self, row: Any) -> tuple[str, float] | None:
        """A row of a table of data as one line, with its share of links; None for a row that lays out a page."""
        cells = [cell for cell in row if cell.tag in ("td", "th")]  # one over several columns is said once
        spans = self._spans[-1] if self._spans else {}
        texts: list[str] = []
        linked = elements = 0
        for cell in cells:
            for inner in cell.iter():
                elements += 1
                linked += len(_flat(inner)) if inner.tag == "a" else 0
                if elements > _ROW_ELEMENTS or inner.tag in ("table", "ul", "ol", "pre", "h1", "h2"):
                    return None
            texts.append(_flat(cell))
            if len(texts[-1]) > _CELL:
                return None
        total = sum(map(len, texts))
        if len(cells) + len(spans) < 2 or total > _ROW:
            return None
        out: list[str] = []
        for cell, text in zip(cells, texts, strict=True):
            out += _carried(spans, len(out))
            rows = min(_number(cell.get("rowspan"), 1), _SPAN)
            if rows > 1 and len(spans) < _SPANS and len(text) <= _SPAN:
                spans[len(out)] = (rows - 1, text)
            out.append(text)
        out += _carried(spans, len(out))
        line = " | ".join(out).strip() if any(out) else ""
        return line, min(1.0, linked / total) if total else 0.0


def _carried(spans: dict[int, tuple[int, str]], column: int) -> Iterator[str]:
    while column in spans:
        rows, text = spans.pop(column)
        if rows > 1:
            spans[column] = (rows - 1, text)
        yield text
        column += 1


def _flat(element: Any) -> str:
    import lxml.etree

    parts: list[str] = []
    walker = lxml.etree.iterwalk(element, events=("start", "end"))
    for event, inner in walker:
        if event == "start":
            if inner.tag in _SKIPPED:
                walker.skip_subtree()
            else:
                parts += ["\n" if inner.tag in _BLOCKS or inner.tag == "br" else "", _WRAP.sub("", inner.text or "")]
        elif inner is not element:
            parts += ["\n" if inner.tag in _BLOCKS else "", _WRAP.sub("", inner.tail or "")]
    return _BLANK.sub(" ", "".join(parts).replace("\xa0", " ")).strip(_EDGE)


def _number(given: str | None, default: int) -> int:
    return int(given) if given and re.fullmatch(r"[0-9]{1,6}", given.strip()) else default
