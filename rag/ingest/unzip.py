"""The files of a zip archive, in their order, none left out in silence."""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from rag.errors import InvalidInput
from rag.ingest import zips
from rag.ingest.decode import decode
from rag.ingest.plausible import plausibility

_UTF8 = 0x800  # the flag of an entry whose name is UTF-8
_LIKELY = -11.0  # nats a character from which a name that can be read in several ways is taken for Chinese
_NESTED = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")


def entries(data: bytes, name: str, limit: int) -> Iterator[tuple[str, bytes | InvalidInput]]:
    """Yield the name of each file and its bytes, or why there are none.

    ``limit`` bounds the bytes of all files together: what the archive says of itself is checked before anything is
    unpacked, what comes out while it is. Raises InvalidInput where either goes over it, or for what is no zip.
    """
    with zips.opened(data, name) as file:
        files = [entry for entry in file.infolist() if not entry.is_dir()]
        wanted = [(inner, entry) for inner, entry in zip(_names(files), files, strict=True) if not _is_hidden(inner)]
        total = sum(entry.file_size for _, entry in wanted)
        if total > limit:
            raise InvalidInput(f"{name}: unpacks to {total:,} bytes, more than {limit:,}; pack it in several")
        left = limit
        for inner, entry in wanted:
            if PurePosixPath(inner).suffix.lower() in _NESTED:
                yield inner, InvalidInput(f"{inner}: an archive inside an archive is not unpacked; add it by itself")
                continue
            try:
                content = zips.unpacked(file, entry, inner, left)
            except InvalidInput as error:
                yield inner, error
                continue
            left -= len(content)
            yield inner, content


def _is_hidden(name: str) -> bool:
    """Hidden files, what macOS adds, and the folders of either."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", "..")]
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1:] == ["Thumbs.db"]


def _names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The names as they were given: programs of Chinese systems write GBK or UTF-8 and do not say so.

    zipfile has read those without a flag as code page 437, which loses nothing. They are read together, because a few
    characters alone can be read in several ways.
    """
    names = [entry.filename for entry in entries]
    vague = [row for row, entry in enumerate(entries) if not entry.flag_bits & _UTF8 and not names[row].isascii()]
    raw = {row: names[row].encode("cp437", "ignore") for row in vague}
    raw = {row: data for row, data in raw.items() if data.decode("cp437") == names[row] and b"\n" not in data}
    try:
        read = dict(zip(raw, decode(b"\n".join(raw.values()), "names").split("\n"), strict=True)) if raw else {}
    except InvalidInput:
        read = {row: text for row, data in raw.items() if (text := _chinese(data))}
    return [
        "".join(char if char.isprintable() else "_" for char in read.get(row, name)) for row, name in enumerate(names)
    ]


def _chinese(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    likely = plausibility(text)
    return text if likely is not None and likely[1] >= _LIKELY else None
