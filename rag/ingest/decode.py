"""Bytes to text. Nothing is replaced or dropped: what cannot be read for certain is refused."""

import codecs
from collections.abc import Iterable

from rag.errors import InvalidInput
from rag.ingest.plausible import is_latin, is_odd, plausibility

# The longer marks first: that of UTF-16 little-endian begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")  # looked for where there are NUL bytes
_BIG5 = ("cp950", "big5hkscs")  # as Windows reads it and, where that fails, with the Hong Kong supplement
_SIGNS = str.maketrans("•､‾∼", "‧﹑¯～")  # which that supplement has for those of Windows and the web
# Japanese and Korean are read only to see that a text is neither.
_NARROW = ("gb18030", *_BIG5, "cp932", "euc_jp", "cp949", "utf-16-le", "utf-16-be")
_TAKEN = frozenset({"gb18030", *_BIG5, *_WIDE})
_LATIN = frozenset({"iso8859-1", "iso8859-15", "cp1252", "ascii"})
# What a name usually stands for: the larger encoding that the web reads under it.
_SUPERSETS = {
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "big5": _BIG5,
    "iso8859-1": ("cp1252",),
    "ascii": ("cp1252",),
}
_LIKELY = -10.5  # nats a character: Chinese has -6 to -9, a wrong reading less than -11
_MARGIN = 6.0  # nats by which the best reading must be likelier than any other
_WHITE = frozenset("\t\n\v\f\r\x1a\x1c\x1d\x1e\x1f\x85")


def decode(data: bytes, name: str, declared: Iterable[str] = ()) -> str:
    """Return the text of a file: UTF-8, -16 and -32, with a byte order mark or without, GB18030 (GBK), Big5 (HKSCS).

    ``declared`` are encodings that the file itself names, as an HTML page does: after a byte order mark and UTF-8 the
    first of them that reads well is taken; what names a wrong one is read as if it named none. ``name`` is only used in
    messages. Raises InvalidInput for binary data (a NUL, many control characters), for bytes that are no Chinese in any
    of these encodings, and for a text so short that it can be read in two ways.
    """
    text = _decoded(data, name, declared)
    controls = sum(text.count(char) for char in map(chr, range(32)) if char not in _WHITE)
    if "\0" in text or controls * 100 > len(text):
        raise InvalidInput(f"{name}: this is binary data, not text; save it as plain text in UTF-8 and try again")
    return text


def _decoded(data: bytes, name: str, declared: Iterable[str]) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                kind = encoding.upper().removesuffix("-SIG")
                raise InvalidInput(f"{name}: damaged {kind} ({error.reason} at byte {error.start})") from error
    wide = b"\0" in data
    found = _best(data, _WIDE) if wide else None
    if found is not None:
        return found
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error
    else:
        return (_best(data, _NARROW) or text) if is_odd(text) else text
    if not wide:
        found = next((text for text in (_named(data, encoding) for encoding in declared) if text), None)
        found = found or _best(data, _NARROW)
    if found is None:
        raise InvalidInput(
            f"{name}: neither UTF-8 ({first.reason} at byte {first.start}) nor for certain Chinese in another "
            "encoding; save it as UTF-8"
        )
    return found


def _named(data: bytes, encoding: str) -> str | None:
    try:
        usual = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return None
    for each in _SUPERSETS.get(usual, (usual,)):
        text = _read(data, each)
        if text is None:
            continue
        if each in _LATIN:
            return text if is_latin(text) else None
        likely = plausibility(text)
        if likely is not None and likely[1] >= _LIKELY:
            return text
    return None


def _best(data: bytes, encodings: Iterable[str]) -> str | None:
    """The reading that is Chinese and clearly likelier than all others; None where no one is."""
    readings: dict[str, tuple[float, float, str, str]] = {}  # by family; of Big5 the likelier kind counts
    for encoding in encodings:
        text = _read(data, encoding)
        likely = plausibility(text) if text is not None else None
        family = _BIG5[0] if encoding in _BIG5 else encoding
        if text is not None and likely is not None and (family not in readings or likely[0] > readings[family][0]):
            readings[family] = (*likely, encoding, text)
    ranked = sorted(readings.values(), key=lambda reading: -reading[0])
    if not ranked:
        return None
    total, mean, encoding, text = ranked[0]
    others = [reading for reading in ranked[1:] if reading[3] != text]
    clear = not others or total - others[0][0] >= _MARGIN
    return text if clear and mean >= _LIKELY and encoding in _TAKEN else None


def _read(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
        return text.translate(_SIGNS) if encoding == _BIG5[-1] else text
    except (UnicodeDecodeError, LookupError):  # LookupError: a codec that is none for text
        return None
