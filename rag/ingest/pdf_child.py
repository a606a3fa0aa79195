"""Run as a process of its own by ``pdf``: reads a PDF from standard input and writes its lines as JSON.

A process, because a hostile file can make the C++ library run for ever, take all memory or crash, and because the
library must not be called from several threads.
"""

import contextlib
import json
import resource
import sys
import unicodedata
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from rag.errors import InvalidInput

SECONDS, MEMORY = 60, 2 << 30  # of processor time; bytes of address space
_PAGES, _CHARACTERS = 5_000, 10_000_000
_UNKNOWN = "\ufffd"  # a character of which the font does not say what it is
_HYPHEN = "\ufffe"  # stands for the hyphen at the end of a line, and for the line's end


def main() -> None:
    """Write ``{"pages": [{"lines", "width", "height", "picture"}], "title", "author"}`` or ``{"error"}``."""
    for what, bound in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY)):
        most = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):  # a system that has no such bound
            resource.setrlimit(what, (bound if most == resource.RLIM_INFINITY else min(bound, most), most))
    try:
        said = _read(sys.stdin.buffer.read())
    except InvalidInput as error:
        said = {"error": str(error)}
    except MemoryError:
        said = {"error": "reading it takes too much memory; split it"}
    sys.stdout.write(json.dumps(said))


def _read(data: bytes) -> dict[str, Any]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise InvalidInput("it is locked with a password; save a copy without one") from error
        raise InvalidInput("it is damaged or no PDF; save it again") from error
    if len(document) > _PAGES:
        raise InvalidInput(f"more than {_PAGES:,} pages; split it")
    pages = []
    left = _CHARACTERS
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage()
        except pypdfium2.PdfiumError as error:
            raise InvalidInput(f"page {number + 1} is damaged; save it again") from error
        left -= text.count_chars()
        if left < 0:
            raise InvalidInput(f"more than {_CHARACTERS:,} characters; split it")
        lines = _lines(text)
        picture = not lines and any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        pages.append({"lines": lines, "width": page.get_width(), "height": page.get_height(), "picture": picture})
        text.close()
        page.close()
    told = document.get_metadata_dict()
    return {"pages": pages, "title": told.get("Title", ""), "author": told.get("Author", "")}


def _lines(text: Any) -> list[list[Any]]:
    """``[text, left, right, base, size, whether it ends in a hyphen]`` for each line, in points, base from below."""
    out: list[list[Any]] = []
    characters: list[str] = []
    shown: list[int] = []  # indices of characters that take room

    def end(hyphen: bool) -> None:
        if shown:
            left, base, _, _ = text.get_charbox(shown[0], loose=True)
            right = text.get_charbox(shown[-1], loose=True)[2]
            size = pdfium.FPDFText_GetFontSize(text.raw, shown[0])
            line = "".join(characters).encode("utf-8", "replace").decode("utf-8")
            out.append([line, left, right, base, size, hyphen])
        characters.clear()
        shown.clear()

    for index in range(text.count_chars()):
        char = chr(pdfium.FPDFText_GetUnicode(text.raw, index))
        if char in "\r\n":
            end(False)
        elif char == _HYPHEN or char == "\x02":
            end(True)
        else:
            if char.isspace():
                characters.append(" ")
            elif unicodedata.category(char) != "Cf":  # marks of direction, soft hyphens
                characters.append(char if char.isprintable() else _UNKNOWN)
                shown.append(index)
    end(False)
    return out


if __name__ == "__main__":
    main()
