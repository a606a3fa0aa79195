"""PDF files to documents. What stands in which line is read in a process of its own (``pdf_child``)."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rag.errors import InvalidInput
from rag.ingest import fields, pdf_lines
from rag.ingest.pdf_lines import Line, Page
from rag.ingest.web_fields import letters
from rag.types import Document

_CHILD = (  # finds this package where it was found, installed or not
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); from rag.ingest.pdf_child import main; main()"
)
_WAIT = 120  # seconds; the process bounds its processor time and memory itself
_UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x1f]")


def pdf(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id; ``metadata["pages"]`` has the offset in its text at which each page begins.

    ``metadata["pages_without_text"]`` numbers, from 1, pages that are pictures, where there are any. Raises
    InvalidInput for a file that is locked, damaged, too large, or has no text (a scan), or whose fonts do not say what
    they show.
    """
    if b"%PDF-" not in data[:1024]:
        raise InvalidInput(f"{name}: this is no PDF; give the file the ending of what it is, or save it again")
    read = _ask(data, name)
    if "error" in read:
        raise InvalidInput(f"{name}: this PDF cannot be read: {read['error']}")
    pages = [Page([Line(*line) for line in page["lines"]], page["width"], page["height"]) for page in read["pages"]]
    shown = sum(len(line.text) for page in pages for line in page.lines)
    if not shown:
        raise InvalidInput(f"{name}: no text is in this PDF (a scan?); recognise its text (OCR) and save it again")
    if sum(len(_UNREADABLE.findall(line.text)) for page in pages for line in page.lines) > 0.05 * shown:
        raise InvalidInput(f"{name}: the fonts of this PDF do not say which characters they show; export it again")
    text, starts = pdf_lines.join(pages)
    heading = pdf_lines.heading(pages)
    told = " ".join(read["title"].split())
    if told and letters(told) not in letters(text[:3000]):
        told = ""  # left over from a template, or a file's name
    author = fields.author_of(text)
    maker = " ".join(read["author"].split())
    if not author and len(maker) >= 2 and maker in text[:3000]:
        author = maker
    metadata: dict[str, Any] = {"pages": starts}
    pictures = [number for number, page in enumerate(read["pages"], 1) if page["picture"]]
    if pictures:
        metadata["pages_without_text"] = pictures
    if author:
        metadata["author"] = author
    return Document(
        id="",
        text=text,
        title=told or heading or fields.title_of(text, stem),
        source=fields.source_of(text),
        published=fields.published_of(text),
        metadata=metadata,
    )


def _ask(data: bytes, name: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD], input=data, capture_output=True, timeout=_WAIT, check=False
        )
        if done.returncode == 0:
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer
    except (subprocess.TimeoutExpired, ValueError):
        pass
    raise InvalidInput(f"{name}: this PDF takes too much time or memory to read; split it, or save its text as .txt")
