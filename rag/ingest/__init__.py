"""Files to documents: decode, take the page's furniture off, find title, source and date.

Another format is one more entry in ``_READERS``.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.errors import InvalidInput
from rag.ingest import fields, furniture, lines, markdown
from rag.ingest.clean import canonical
from rag.ingest.decode import decode
from rag.types import Document

_ID_LIMIT = 200


def read(path: Path, seeds: Path | None = None) -> Document:
    """Return the document that a file holds; its id is the path relative to ``seeds`` (default: the file's folder).

    Raises InvalidInput for a file that cannot be opened, is of no known kind, is no text, or holds none.
    """
    name = path.relative_to(seeds).as_posix() if seeds is not None else path.name
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kind = f"files ending in {path.suffix}" if path.suffix else "files without an ending"
        raise InvalidInput(f"{name}: {kind} are not read; known are {', '.join(_READERS)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name}: cannot be read ({error.strerror}); check that it is there and readable") from error
    document = reader(decode(data, name), seed_id(name), path.stem)
    if not document.text.strip():
        raise InvalidInput(f"{name}: no text is in it; remove the file or put the article into it")
    return document


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


def seed_id(name: str) -> str:
    """Return the document id for a path relative to the seeds folder: ``/`` as ``:``, at most 200 characters.

    A name that would be too long, that has control characters or could be taken for another path gets a hash at its
    end, so that ids stay unique.
    """
    plain = name.replace("/", ":")
    clean = "".join(char if char.isprintable() else "_" for char in plain)
    if clean == plain and ":" not in name and len(plain) <= _ID_LIMIT:
        return plain
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f"{clean[: _ID_LIMIT - 17]}~{digest}"


def _plain(text: str, id: str, stem: str) -> Document:
    page = furniture.strip(canonical(text))
    return Document(
        id=id,
        text=page.text,
        title=page.title or fields.title_of(page.text, stem),
        source=fields.source_of(page.text),
        published=fields.published_of(page.text),
        origin="seed",
    )


def _markdown(text: str, id: str, stem: str) -> Document:
    body, front = markdown.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    body = canonical(body, indented=True)
    date = next((front[name] for name in ("date", "published", "日期") if name in front), "")
    url = front.get("url", "")
    return Document(
        id=id,
        text=body,
        title=front.get("title") or front.get("标题") or markdown.first_heading(body) or fields.title_of(body, stem),
        source=front.get("source") or front.get("来源") or fields.source_of(body),
        url=url if re.match(r"https?://\S+$", url) else None,
        published=fields.iso_date(lines.DATE.search(date)) or fields.published_of(body),
        origin="seed",
    )


_READERS: dict[str, Callable[[str, str, str], Document]] = {".txt": _plain, ".md": _markdown, ".markdown": _markdown}
