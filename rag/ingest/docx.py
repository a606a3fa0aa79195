"""Word files (.docx) to documents. Read from their XML: libraries leave out the numbers that Word makes by itself
(第一条, （一）), which laws and notices are cited by, and unpack pictures that nobody asked for."""

import re
import zipfile
from typing import Any

from rag.errors import InvalidInput
from rag.ingest import fields, zips
from rag.ingest.clean import canonical
from rag.ingest.docx_body import Body
from rag.ingest.docx_numbers import Numbers
from rag.ingest.web_fields import letters
from rag.types import Document

_PART = 32 << 20  # bytes of XML; a book has about ten million
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"  # the same elements under another name
_TRANSITIONAL = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ACCOUNTS = re.compile(  # what programs put where a person should stand
    r"^(?:admin(?:istrator)?|user\d*|owner|guest|root|windows.*|微软.*|.*用户|pc|dell|lenovo|hp|asus|acer|wps.*"
    r"|python-docx|apache poi|un-?named)$",
    re.IGNORECASE,
)
_CORE = {"title": "{http://purl.org/dc/elements/1.1/}title", "creator": "{http://purl.org/dc/elements/1.1/}creator"}


def docx(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id, of a Word file: paragraphs, tables, lists with their numbers, notes at the end.

    Raises InvalidInput for the old format, for files that are locked or damaged, and for those that are too large.
    """
    if data.startswith(_OLE):
        raise InvalidInput(f"{name}: in Word's old format (.doc), or locked with a password; save it as an open .docx")
    with zips.opened(data, name) as file:
        parts = {entry.filename: entry for entry in file.infolist()}

        def part(path: str) -> Any:
            return _xml(file, parts[path], name) if path in parts else None

        main = _main(part("_rels/.rels"))
        if main not in parts:
            raise InvalidInput(f"{name}: no Word document is in this file; save it as .docx again")

        numbers = Numbers(part("word/numbering.xml"), part("word/styles.xml"))
        body = Body(numbers, part("word/footnotes.xml"), part("word/endnotes.xml"))
        lines = body.read(part(main))
        core = part("docProps/core.xml")
    text = canonical("\n".join(lines))
    told, maker = _core(core, "title"), _core(core, "creator")
    shown = bool(told) and letters(told) in letters(text[:3000])
    author = fields.author_of(text) or ("" if _ACCOUNTS.match(maker) else maker)
    return Document(
        id="",
        text=text,
        title=(told if shown else "") or body.title or fields.title_of(text, "") or told or fields.title_of(text, stem),
        source=fields.source_of(text),
        published=fields.published_of(text),
        metadata={"author": author} if author else {},
    )


def _xml(file: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Any:
    import lxml.etree

    content = zips.unpacked(file, entry, f"{name}: {entry.filename}", _PART).replace(_STRICT, _TRANSITIONAL)
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return lxml.etree.fromstring(content, parser)
    except (lxml.etree.LxmlError, ValueError) as error:
        raise InvalidInput(f"{name}: {entry.filename} in it is damaged ({error}); save it again") from error


def _main(relations: Any) -> str:
    """The name of the part that holds the text; most programs call it word/document.xml, not all."""
    for relation in relations if relations is not None else ():
        if (relation.get("Type") or "").endswith("/officeDocument"):
            return (relation.get("Target") or "").removeprefix("/")
    return "word/document.xml"


def _core(core: Any, field: str) -> str:
    found = core.find(_CORE[field]) if core is not None else None
    return " ".join(((found.text or "") if found is not None else "").split())[:1000]
