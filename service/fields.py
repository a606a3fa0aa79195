"""Kinds of values that requests hold: lines, texts, ids, dates, questions; what each refuses, and its pattern."""

import math
import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints

from rag.web_urls import is_web_url

_BAD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BAD_IN_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # date.fromisoformat takes other forms too
# The same for OpenAPI, as character classes of what is let through.
_IN_LINE = "[^\\u0000-\\u001f\\u007f-\\u009f]"
_IN_TEXT = "[^\\u0000-\\u0008\\u000e-\\u001f\\u007f-\\u0084\\u0086-\\u009f]"
_NOT_BLANK = _IN_TEXT.replace("[^", "[^\\s")
_DEEPEST = 32
_LARGEST_INTEGER = 2**63


def _line(value: str) -> str:
    if found := _BAD.search(value):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X} at {found.start()}; take it out")
    return value


def _text(value: str) -> str:
    if found := BAD_IN_TEXT.search(value):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X} at {found.start()}; take it out")
    return value


def without_controls(value: str) -> str:
    """The text with a space in place of each character that ``Text`` would refuse."""
    return BAD_IN_TEXT.sub(" ", value)


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("holds nothing but white space")
    return value


def _id(value: str) -> str:
    if "/" in value:
        raise ValueError("holds a slash, which an id cannot; take another character")
    if value in (".", ".."):
        raise ValueError("is a part of paths, which clients resolve away; take another id")
    return _line(value)


def _url(value: str) -> str:
    if not is_web_url(value):
        raise ValueError("is not an address of the web; begin it with http:// or https:// and a host")
    return value


def _date(value: str) -> str:
    try:
        if _DATE.fullmatch(value) and date.fromisoformat(value):
            return value
    except ValueError:
        pass
    raise ValueError("is not a date; write it as 2023-03-06")


def _metadata(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if depth > _DEEPEST:
            raise ValueError(f"is nested more than {_DEEPEST} levels deep")
        if isinstance(item, str):
            _text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise ValueError("holds a number that is too large")
        elif isinstance(item, int) and abs(item) >= _LARGEST_INTEGER:
            raise ValueError("holds a whole number of more than 64 bits; send it as a string")
        elif isinstance(item, dict):
            stack += ((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            stack += ((part, depth + 1) for part in item)
    return value


def _whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is the whole number 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Line = Annotated[str, AfterValidator(_line), Field(json_schema_extra={"pattern": f"^{_IN_LINE}*$"})]
Text = Annotated[str, AfterValidator(_text), Field(json_schema_extra={"pattern": f"^{_IN_TEXT}*$"})]
Metadata = Annotated[dict[str, JsonValue], AfterValidator(_metadata)]
DocumentId = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": f"^{_IN_LINE.replace('[^', '[^/')}+$"}),
    AfterValidator(_id),
]
Url = Annotated[
    Line,
    Field(max_length=4000, json_schema_extra={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}),
    AfterValidator(_url),
]
BodyText = Annotated[Text, Field(min_length=1), AfterValidator(_not_blank)]
Date = Annotated[str, AfterValidator(_date), Field(json_schema_extra={"format": "date"}, examples=["2023-03-06"])]
Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(_text),
    Field(json_schema_extra={"pattern": f"^{_IN_TEXT}*{_NOT_BLANK}{_IN_TEXT}*$"}),
]
TopK = Annotated[int, Field(ge=1, le=50), BeforeValidator(_whole)]
