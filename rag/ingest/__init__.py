"""Files to documents: decode, take the page's furniture off, find title, source, date and author.

Another format is one more entry in ``_READERS``.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Literal

from rag.errors import InvalidInput
from rag.ingest.ids import content_id, seed_id
from rag.types import Document

__all__ = ["KINDS", "archive", "content_id", "parse", "read", "seed_id", "walk"]

# By ending, the module of rag.ingest and its function: (data, name, stem) -> a document without id and origin.
_READERS = {
    ".txt": ("plain", "plain"),
    ".md": ("plain", "markdown"),
    ".markdown": ("plain", "markdown"),
    ".html": ("html", "html"),
    ".htm": ("html", "html"),
    ".xhtml": ("html", "html"),
    ".shtml": ("html", "html"),
    ".mhtml": ("html", "mhtml"),
    ".mht": ("html", "mhtml"),
    ".pdf": ("pdf", "pdf"),
    ".docx": ("docx", "docx"),
}
KINDS = tuple(_READERS)  # endings of the files that are read
_REMEDIES = {
    ".doc": "open it in a word processor and save it as .docx or .pdf",
    ".wps": "open it in a word processor and save it as .docx or .pdf",
    ".rtf": "open it in a word processor and save it as .docx or .pdf",
    ".odt": "open it in a word processor and save it as .docx or .pdf",
    ".zip": "an archive is unpacked where many files may be added, and not inside another archive",
}


def read(path: Path, seeds: Path | None = None) -> Document:
    """Return the document that a file holds; its id is the path relative to ``seeds`` (default: the file's folder).

    Raises InvalidInput for a file that cannot be opened, is of no known kind, cannot be read, or holds no text.
    """
    name = path.relative_to(seeds).as_posix() if seeds is not None else path.name
    _reader(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name}: cannot be read ({error.strerror}); check that it is there and readable") from error
    return replace(_document(data, name), id=seed_id(name), origin="seed")


def parse(data: bytes, name: str, *, origin: Literal["seed", "api"] = "api") -> Document:
    """Return the document of a file's bytes; its id comes from the content (``content_id``).

    ``name`` tells the kind by its ending, gives the title where nothing else does, and stands in messages. Raises
    InvalidInput for bytes of no known kind, that cannot be read for certain, or that hold no text.
    """
    document = replace(_document(data, name), origin=origin)
    return replace(document, id=content_id(document))


def archive(data: bytes, name: str, *, limit: int) -> Iterator[tuple[str, Document | InvalidInput]]:
    """Yield, for each file of a zip in its order, its name and its document, or why there is none.

    ``limit`` bounds the bytes of all files unpacked. Folders, hidden files and what macOS adds are left out. Raises
    InvalidInput for what is no zip, is damaged, or unpacks to more than ``limit``.
    """
    from rag.ingest.unzip import entries

    for inner, content in entries(data, name, limit):
        if isinstance(content, InvalidInput):
            yield inner, content
            continue
        try:
            yield inner, parse(content, inner)
        except InvalidInput as error:
            yield inner, error


def walk(seeds: Path) -> Iterator[Path]:
    """Yield the files under ``seeds`` that can be read, sorted by path; hidden files and folders are left out.

    Raises InvalidInput where ``seeds`` is no folder.
    """
    if not seeds.is_dir():
        raise InvalidInput(f"{seeds}: no such folder; name the folder that holds the articles")
    found: list[Path] = []
    for folder, inner, files in os.walk(seeds):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in _READERS and Path(folder, name).is_file()
        ]
    yield from sorted(found, key=lambda path: path.relative_to(seeds).as_posix())


def _document(data: bytes, name: str) -> Document:
    document = _reader(name)(data, name, PurePosixPath(name).stem)
    if not document.text.strip():
        raise InvalidInput(f"{name}: no text is in it; remove the file or put the article into it")
    return document


def _reader(name: str) -> Callable[[bytes, str, str], Document]:
    ending = PurePosixPath(name).suffix.lower()
    if ending not in _READERS:
        kind = f"files ending in {ending}" if ending else "files without an ending"
        raise InvalidInput(f"{name}: {kind} are not read; {_REMEDIES.get(ending, 'known are ' + ', '.join(_READERS))}")
    module, function = _READERS[ending]
    reader: Callable[[bytes, str, str], Document] = getattr(import_module(f"rag.ingest.{module}"), function)
    return reader
