"""Markdown: the front matter becomes fields, the rest is stored as it stands."""

import re

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z_\u3400-\u9fff]+)[ \t]*[:：][ \t]*(.+?)[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*<!--[^\n]{0,1000}?-->[ \t]*$\n?", re.MULTILINE)  # shown to no reader of the page
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"\A([^\n]{1,100})\n=+[ \t]*(?:\n|\Z)")


def split(text: str) -> tuple[str, dict[str, str]]:
    """Return the text without front matter and whole-line comments, and the front matter's plain fields (lower case).

    Only ``name: value`` lines count; nested YAML is left alone. ``text`` has ``\\n`` line ends.
    """
    front = _FRONT.match(text)
    fields: dict[str, str] = {}
    if front:
        fields = {name.lower(): _unquoted(value) for name, value in _FIELD.findall(front[1])}
        text = text[front.end() :]
    return _COMMENT.sub("", text), fields


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def first_heading(text: str) -> str | None:
    """Return the text of the first heading, without its marks; None where there is none."""
    match = _UNDERLINED.match(text) or _HEADING.search(text)
    return match[1].strip() if match else None
