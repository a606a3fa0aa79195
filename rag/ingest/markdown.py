"""Markdown: the front matter becomes fields, the rest is stored as it stands."""

import re

_NAME = re.compile(r"([A-Za-z_\u3400-\u9fff]+)[ \t]*[:：]")
_COMMENT = re.compile(r"^[ \t]*<!--[^\n]{0,1000}?-->[ \t]*$\n?", re.MULTILINE)  # shown to no reader of the page
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_UNDERLINED = re.compile(r"\A([^\n]{1,100})\n=+[ \t]*(?:\n|\Z)")
_SPACE = " \t"


def split(text: str) -> tuple[str, dict[str, str]]:
    """Return the text without front matter and whole-line comments, and the front matter's plain fields (lower case).

    Only ``name: value`` lines count; nested YAML is left alone. ``text`` has ``\\n`` line ends. Linear in its length.
    """
    lines = text.split("\n")
    fields: dict[str, str] = {}
    if lines[0].rstrip(_SPACE) == "---":
        ends = (row for row in range(2, len(lines)) if lines[row].rstrip(_SPACE) in ("---", "..."))
        end = next(ends, None)
        if end is not None:
            fields = _read_fields(lines[1:end])
            text = "\n".join(lines[end + 1 :])
    return _COMMENT.sub("", text), fields


def _read_fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name = _NAME.match(line)
        value = line[name.end() :].strip(_SPACE) if name else ""
        if name and value:
            fields[name[1].lower()] = _unquoted(value)
    return fields


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def first_heading(text: str) -> str | None:
    """Return the text of the first heading, without its marks; None where there is none. Linear in its length."""
    underlined = _UNDERLINED.match(text)
    if underlined:
        return underlined[1].strip()
    for line in text.split("\n"):
        mark = _HEADING.match(line)
        heading = line[mark.end() :].strip(_SPACE).rstrip("#").strip() if mark else ""
        if heading:
            return heading
    return None
