"""The canonical form of a text that came from a file; stored as it leaves here, and all offsets count in it."""

import re

_NEWLINES = re.compile(r"\r\n?")
_BLANK_RUN = re.compile(r"\n{3,}")
_WIDE = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_EDGE = " \t" + _WIDE


def canonical(text: str, *, indented: bool = False) -> str:
    """Return ``text`` with ``\\n`` line ends, lines trimmed and runs of blank lines as one; nothing else is changed.

    ``indented`` keeps spaces and tabs at the left edge, where they carry meaning (Markdown); no-break and ideographic
    spaces there are paragraph indents and go in any case.
    """
    lines = (line.rstrip(_EDGE) for line in _NEWLINES.sub("\n", text).split("\n"))
    return _BLANK_RUN.sub("\n\n", "\n".join(_unindented(line, indented) for line in lines)).strip("\n")


def _unindented(line: str, indented: bool) -> str:
    if not line or line[0] not in _EDGE:
        return line
    bare = line.lstrip(_EDGE)
    margin = line[: len(line) - len(bare)]
    return line if indented and not any(char in _WIDE for char in margin) else bare
