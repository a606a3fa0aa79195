"""Zip files, read no further than a bound allows. An entry may say that it is small and not be."""

import io
import struct
import zipfile
import zlib

from rag.errors import InvalidInput

_DAMAGED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError,
    IndexError, NotImplementedError, RuntimeError, MemoryError,
)  # fmt: skip
ENTRIES = 10_000
_LOCKED = 0x1


def opened(data: bytes, name: str) -> zipfile.ZipFile:
    """Return the zip file. Raises InvalidInput for what is none, is damaged, or has more than 10,000 entries."""
    try:
        found = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGED as error:
        raise InvalidInput(f"{name}: no zip file, or a damaged one ({error}); pack it again") from error
    if len(found.infolist()) > ENTRIES:
        raise InvalidInput(f"{name}: more than {ENTRIES:,} files; pack them in several")
    return found


def unpacked(file: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, limit: int) -> bytes:
    """Return the bytes of an entry, at most ``limit``.

    Raises InvalidInput for an entry that is larger, locked with a password, damaged, or packed in an unknown way;
    ``name`` names it in the message.
    """
    if entry.flag_bits & _LOCKED:
        raise InvalidInput(f"{name}: locked with a password; pack it without one")
    if entry.file_size > limit:
        raise InvalidInput(
            f"{name}: unpacks to {entry.file_size:,} bytes, more than the {limit:,} that are left; split it"
        )
    try:
        with file.open(entry) as stream:
            content = stream.read(limit + 1)
    except _DAMAGED as error:
        raise InvalidInput(f"{name}: damaged in the zip file ({error}); pack it again") from error
    if len(content) > limit:
        raise InvalidInput(f"{name}: unpacks to more than the {limit:,} bytes that are left; split it")
    return content
