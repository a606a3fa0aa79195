"""Passages from a file, one a line."""

import json
from dataclasses import dataclass
from pathlib import Path

from rag.errors import InvalidInput

_DATE = "YYYY-MM-DD"


@dataclass(frozen=True, slots=True)
class Text:
    """A passage that stands alone."""

    id: str
    text: str
    title: str = ""
    published: str | None = None


def read(path: Path) -> list[Text]:
    """The passages of a JSON Lines file, in its order; other fields than those of ``Text`` are passed over.

    Raises InvalidInput for a line that is none.
    """
    found = []
    with path.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    found.append(_passage(line, f"{path}, line {number}", number))
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{path} is not UTF-8 ({error}); convert it first.") from None
    return found


def _passage(line: str, where: str, number: int) -> Text:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"{where}: not JSON ({error}).") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InvalidInput(f'{where}: not a passage; write {{"text": "…"}} with title and published beside it.')
    given = {name: row.get(name) or "" for name in ("id", "title", "published")}
    if any(not isinstance(value, str) for value in given.values()):
        raise InvalidInput(f"{where}: id, title and published are strings; published is {_DATE}.")
    id = given["id"] or str(row.get("chunk_id") or number)
    return Text(id, row["text"], given["title"], given["published"] or None)
