"""Documents' text made inert for renderers of Markdown, so that only what we write is rendered.

Each character that could begin or end a construct is replaced by its full-width form, as a document's own ``[7]``
becomes ［7］. Backslashes would be shown by clients that render nothing, and some renderers look for addresses only
after they have removed them. The length stays the same, so that offsets hold.
"""

import re

# Anywhere: brackets (links, pictures, notes, definitions), code, emphasis, strikethrough, formulas, escapes.
_ALWAYS = str.maketrans("[]`*~$\\", "［］｀＊～＄＼")
_WIDE = str.maketrans("<&:.@_#>=-| \t", "＜＆：．＠＿＃＞＝－｜\u3000\u3000")
_LIVE = re.compile(
    r"<(?=[A-Za-z/!?]|\Z)"  # a tag, a comment, an address in brackets
    r"|&(?=#?[0-9A-Za-z]{1,32};|#?\Z)"  # a character by its name or number
    r"|:(?=//|/?\Z)|(?<=www)\.|(?<=\w)@(?=\w|\Z)"  # addresses that renderers find by themselves
    r"|(?<![^\W_])_|_(?![^\W_])",  # not inside of a word
    re.I,
)
_ITEMS = r"(?:(?:[-+]|[0-9]{1,9}[.)])[ \t]{1,9}){0,9}"  # marks of a list stay: what they hold is looked at
# A heading, a quotation, a rule, the line below a heading or below the head of a table, the indent of code.
_LINE_START = re.compile(
    rf"(?:(?<=[\n\r])|\A)(?P<before>[ \t]{{0,3}}{_ITEMS})"
    r"(?P<live>#{1,6}(?=[ \t\r\n]|\Z)|>|[|:=-](?=[|:=\- \t]*+(?:[\r\n]|\Z))|[ \t]+)"
)


def neutralise_markdown(text: str, before: str = "") -> str:
    """Return ``text`` as plain text for renderers of Markdown, of the same length.

    ``before`` is the line so far that ``text`` goes on with; what ``text`` ends in is taken as if anything followed.
    """
    whole = (before + text).translate(_ALWAYS)
    whole = _LIVE.sub(_widen, whole)
    return _LINE_START.sub(_widen_start, whole)[len(before) :]


def _widen(found: re.Match[str]) -> str:
    return found[0].translate(_WIDE)


def _widen_start(found: re.Match[str]) -> str:
    return found["before"] + found["live"].translate(_WIDE)
