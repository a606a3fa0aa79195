"""PDF files made for tests, with the Chinese font that every reader brings along (no font is embedded)."""

import io
from collections.abc import Callable
from typing import Any

WIDTH, HEIGHT = 595, 842  # points: A4
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 523, 760, 90


def pdf(
    draw: Callable[["Sheet"], None],
    *,
    title: str | None = None,
    author: str | None = None,
    password: str | None = None,
) -> bytes:
    """The bytes of the file that ``draw`` fills."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen import canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    lock = StandardEncryption(password) if password else None
    page = canvas.Canvas(out, pagesize=(WIDTH, HEIGHT), encrypt=lock)
    if title:
        page.setTitle(title)
    if author:
        page.setAuthor(author)
    draw(Sheet(page))
    page.save()
    return out.getvalue()


class Sheet:
    """Sets paragraphs as a word processor does: lines of the full width, the first one indented by two characters."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.base = float(_TOP)
        self.number = 1
        self.running: Callable[[Sheet], None] | None = None  # draws what stands on every page

    def at(self, x: float, y: float, text: str, size: float = 12) -> None:
        self.canvas.setFont("STSong-Light", size)
        self.canvas.drawString(x, y, text)

    def centred(self, text: str, size: float = 12) -> None:
        self._room(size)
        self.canvas.setFont("STSong-Light", size)
        self.canvas.drawCentredString(WIDTH / 2, self.base, text)
        self.base -= 1.6 * size

    def paragraph(
        self, text: str, size: float = 12, *, indent: int = 2, left: float = _LEFT, right: float = _RIGHT
    ) -> None:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        line, begin = "", left + indent * size
        for piece in _pieces(text):
            if begin + stringWidth(line + piece.rstrip(), "STSong-Light", size) > right:
                self._line(line, begin, size)
                line, begin = "", left
            line += piece
        self._line(line, begin, size)

    def new_page(self) -> None:
        if self.running:
            self.running(self)
        self.canvas.showPage()
        self.number += 1
        self.base = float(_TOP)

    def end(self) -> None:
        if self.running:
            self.running(self)

    def _line(self, text: str, begin: float, size: float) -> None:
        self._room(size)
        self.at(begin, self.base, text.strip(), size)
        self.base -= 1.6 * size

    def _room(self, size: float) -> None:
        if self.base < _BOTTOM:
            self.new_page()


def _pieces(text: str) -> list[str]:
    """Where a line may be broken: after any Chinese character, after a space, after a hyphen."""
    out = [""]
    for char in text:
        out[-1] += char
        if char > "\u2e80" or char in " -":
            out.append("")
    return [piece for piece in out if piece]
