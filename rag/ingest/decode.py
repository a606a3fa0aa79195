"""Bytes to text. Nothing is replaced or dropped: what cannot be read for certain is refused."""

import codecs

from rag.errors import InvalidInput

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The characters that make up about a third of any Chinese text, simplified and traditional. Bytes of another encoding
# read as GB18030 come out as rare characters instead.
_FREQUENT = frozenset(
    "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主发發年动動"
)
_WHITE = frozenset("\t\n\v\f\r\x1a\x1c\x1d\x1e\x1f\x85")


def decode(data: bytes, name: str) -> str:
    """Return the text of a plain-text file: UTF-8 or UTF-16 with a byte order mark, UTF-8, or GB18030.

    ``name`` is only used in messages. Raises InvalidInput for binary data (a NUL, many control characters) and for
    bytes that are neither UTF-8 nor plausible Chinese in GB18030.
    """
    text = _decoded(data, name)
    controls = sum(1 for char in text if char < " " and char not in _WHITE)
    if "\0" in text or controls * 100 > len(text):
        raise InvalidInput(f"{name}: this is binary data, not text; save it as plain text in UTF-8 and try again")
    return text


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(_UTF16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{name}: damaged UTF-16 ({error.reason} at byte {error.start})") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        first = error
    if b"\0" not in data:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            text = ""
        if _plausible(text):
            return text
    raise InvalidInput(
        f"{name}: neither UTF-8 ({first.reason} at byte {first.start}) nor Chinese in GB18030; save it as UTF-8"
    )


def _plausible(text: str) -> bool:
    foreign = [char for char in text[:20000] if char > "\x7f"]
    if not foreign or any("\ue000" <= char <= "\uf8ff" for char in foreign):
        return False
    han = [char for char in foreign if "\u3400" <= char <= "\u9fff"]
    frequent = sum(1 for char in han if char in _FREQUENT)
    common = len("".join(foreign).encode("gb2312", errors="ignore")) / 2
    if len(han) < 20:  # too short for frequencies
        return common >= 0.9 * len(foreign)
    return frequent >= 0.08 * len(han) or (common >= 0.95 * len(foreign) and frequent > 0)
