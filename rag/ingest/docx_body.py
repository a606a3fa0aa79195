"""The body of a Word document as lines: WordprocessingML, ECMA-376 part 1, chapter 17."""

from typing import Any

from rag.ingest.docx_numbers import Numbers, W, of

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what stands before it
_LEFT_OUT = frozenset({f"{W}{name}" for name in "del moveFrom instrText sdtPr pPr rPr".split()} | {_FALLBACK})
_CELL, _ROW = 200, 600  # characters up to which a row is one of a table of data
_SEPARATORS = ("separator", "continuationSeparator", "continuationNotice")


class Body:
    """Reads one document. ``title`` is the text of its first paragraph in the style for titles, where it has one."""

    def __init__(self, numbers: Numbers, footnotes: Any, endnotes: Any) -> None:
        self.title = ""
        self._numbers = numbers
        self._notes = {f"{W}footnoteReference": _notes(footnotes), f"{W}endnoteReference": _notes(endnotes)}
        self._used: dict[Any, int] = {}  # the number of each note that a mark has pointed to

    def read(self, root: Any) -> list[str]:
        """Return the lines: a paragraph, or a row of a table, each; ``[1] …`` for the notes, at the end."""
        body = root.find(f"{W}body")
        lines = self._blocks(body) if body is not None else []
        self._notes = {}  # a mark inside a note points to nothing more
        for note, number in self._used.items():
            said = " ".join(line for line in self._blocks(note) if line)
            lines.append(f"[{number}] {said}")
        return lines

    def _blocks(self, parent: Any) -> list[str]:
        lines: list[str] = []
        for child in parent:
            if child.tag == f"{W}p":
                lines += self._paragraph(child)
            elif child.tag == f"{W}tbl":
                lines += self._table(child)
            elif isinstance(child.tag, str) and child.tag not in _LEFT_OUT and not _is_contents(child):
                lines += self._blocks(child)  # w:sdt, w:customXml, w:ins and the like
        return lines

    def _paragraph(self, paragraph: Any) -> list[str]:
        style = of(paragraph.find(f"{W}pPr/{W}pStyle"))
        if self._numbers.is_contents(style):
            return []
        boxes: list[str] = []
        text = "".join(self._inline(paragraph, boxes)).strip()
        if text:
            if not self.title and self._numbers.is_title(style):
                self.title = " ".join(text.split())
            text = self._numbers.mark(paragraph.find(f"{W}pPr"), style) + text
        return [*text.split("\n"), *boxes]

    def _inline(self, element: Any, boxes: list[str]) -> list[str]:
        out: list[str] = []
        for child in element:
            tag = child.tag
            if tag in _LEFT_OUT or not isinstance(tag, str):
                continue
            if tag == f"{W}t":
                out.append(child.text or "")
            elif tag == f"{W}tab":
                out.append(" ")
            elif tag in (f"{W}br", f"{W}cr"):
                out.append("\n" if of(child, "type") in (None, "textWrapping") else "")
            elif tag == f"{W}noBreakHyphen":
                out.append("-")
            elif tag == f"{W}txbxContent":
                boxes += self._blocks(child)
            elif tag in self._notes:
                note = self._notes[tag].get(of(child, "id") or "")
                if note is not None:
                    out.append(f"[{self._used.setdefault(note, len(self._used) + 1)}]")
            else:
                out += self._inline(child, boxes)
        return out

    def _table(self, table: Any) -> list[str]:
        lines: list[str] = []
        above: list[str] = []
        for row in table.iter(f"{W}tr"):
            if next(row.iterancestors(f"{W}tbl")) is not table:
                continue  # of a table in a cell
            cells: list[str] = []
            inner: list[str] = []
            for cell in row.iterchildren(f"{W}tc", f"{W}sdt"):
                said = [line for line in self._blocks(cell) if line]
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                carried = merged is not None and of(merged) != "restart" and len(cells) < len(above)
                cells.append(above[len(cells)] if carried else " ".join(said))
                inner += said
            data = len(cells) > 1 and all(len(cell) <= _CELL for cell in cells) and sum(map(len, cells)) <= _ROW
            lines += ([" | ".join(cells).strip()] if any(cells) else []) if data else inner
            above = cells
        return lines


def _notes(part: Any) -> dict[str, Any]:
    if part is None:
        return {}
    return {of(note, "id") or "": note for note in part if of(note, "type") not in _SEPARATORS}


def _is_contents(element: Any) -> bool:
    """Whether it is the table of contents that Word makes."""
    gallery = element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery") if element.tag == f"{W}sdt" else None
    return of(gallery) == "Table of Contents"
