"""A document's own note marks, told apart from the markers of our citations."""

import re

# The inside of a mark: numbers of any script, with what joins or raises them. Runs are possessive, so nothing is
# read twice. The start and the end of the text stand for a bracket: a mark may be cut by the sentence's bounds.
_NOTE_MARK = re.compile(r"(?:\[|\A)([\s\d,，、;；.\-–—~～^*†]*+)(?:\]|\Z)")
_HAS_NUMBER = re.compile(r"\d")
_FULL_WIDTH = str.maketrans("[]", "［］")


def neutralise_markers(text: str) -> str:
    """Return ``text`` with marks such as ``[7]``, ``[1, 2]`` or ``[^3]`` in full-width brackets, ``［7］``.

    The length stays the same, so that offsets hold. Half a mark at the start or the end of ``text`` is changed too:
    put beside another piece it could become a whole one.
    """
    return _NOTE_MARK.sub(_widen, text)


def _widen(mark: re.Match[str]) -> str:
    cut = mark.start() == 0 or mark.end() == len(mark.string)
    return mark[0].translate(_FULL_WIDTH) if cut or _HAS_NUMBER.search(mark[1]) else mark[0]
