"""A document's own note marks, told apart from the markers of our citations."""

import re

_NOTE_MARK = re.compile(r"\[(\d{1,6})\]")


def neutralise_markers(text: str) -> str:
    """Return ``text`` with marks such as ``[7]`` in full-width brackets, ``［7］``; the length stays the same."""
    return _NOTE_MARK.sub(r"［\1］", text)
