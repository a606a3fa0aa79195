"""Newline-delimited JSON, read as it arrives: one line in memory at a time, however large the whole is."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import BinaryIO

_BOM = b"\xef\xbb\xbf"


async def lines(stream: AsyncIterable[bytes], longest: int) -> AsyncIterator[tuple[int, bytes | None]]:
    """Numbered lines, from 1, without their ends; empty ones are left out. A line of more than ``longest`` bytes
    comes as ``None`` and is dropped as it arrives."""
    number, begun, too_long = 1, bytearray(), False
    async for data in stream:
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            begun += data[start:end]
            line, start = _line(begun, number, longest, too_long), end + 1
            if line is None or line:
                yield number, line
            number, too_long = number + 1, False
            begun.clear()
        begun += data[start:]
        if len(begun) > longest:
            too_long = True
            begun.clear()
    line = _line(begun, number, longest, too_long)
    if line is None or line:
        yield number, line


def file_lines(stream: BinaryIO, longest: int) -> Iterator[tuple[int, bytes | None]]:
    """The same of a file."""
    number = 0
    while begun := stream.readline(longest + 2):
        number += 1
        too_long = False
        while not begun.endswith(b"\n") and (more := stream.readline(longest + 2)):
            begun, too_long = more, True
        line = _line(bytearray(begun.removesuffix(b"\n")), number, longest, too_long)
        if line is None or line:
            yield number, line


def _line(begun: bytearray, number: int, longest: int, too_long: bool) -> bytes | None:
    if too_long or len(begun) > longest:
        return None
    return bytes(begun).removeprefix(_BOM if number == 1 else b"").strip()
