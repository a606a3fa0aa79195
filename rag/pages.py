"""On which page of a document a passage begins, where it has pages: ``metadata["pages"]`` says where each begins."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any


def pages_of(metadata: Mapping[str, Any]) -> tuple[int, ...]:
    """Offsets at which pages begin, ascending from 0; empty where the metadata says nothing of that kind."""
    pages = metadata.get("pages")
    if not isinstance(pages, Sequence) or isinstance(pages, str) or not pages or pages[0] != 0:
        return ()
    if not all(isinstance(page, int) for page in pages) or list(pages) != sorted(pages):
        return ()
    return tuple(pages)


def page_of(pages: Sequence[int], start: int) -> int | None:
    """The number, from 1, of the page that the character at ``start`` stands on; None without pages."""
    return bisect_right(pages, start) or None
