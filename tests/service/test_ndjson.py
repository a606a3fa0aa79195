"""Lines of a body that arrives in pieces."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.ndjson import lines


def read(data: bytes, cuts: list[int], longest: int = 1000) -> list[tuple[int, bytes | None]]:
    async def pieces() -> AsyncIterator[bytes]:
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for start, end in pairwise(places):
            yield data[start:end]

    async def collect() -> list[tuple[int, bytes | None]]:
        return [each async for each in lines(pieces(), longest)]

    return asyncio.run(collect())


def test_lines_are_numbered_and_empty_ones_left_out() -> None:
    assert read(b"a\n\n \r\nb\r\nc", []) == [(1, b"a"), (4, b"b"), (5, b"c")]


def test_a_byte_order_mark_is_taken_off_the_first_line_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert read(mark + b"a\n" + mark + b"b", []) == [(1, b"a"), (2, mark + b"b")]


def test_a_line_that_is_too_long_does_not_swallow_the_next() -> None:
    assert read(b"a\n" + b"x" * 50 + b"\nb\n" + b"y" * 50, [10, 20, 30], longest=9) == [
        (1, b"a"), (2, None), (3, b"b"), (4, None),
    ]  # fmt: skip


@given(data=st.binary(max_size=60).map(lambda data: data.replace(b"\xef", b"\n")), cuts=st.lists(st.integers(0, 60)))
def test_where_the_pieces_are_cut_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    wanted = [(number, line.strip()) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    assert read(data, cuts) == wanted
