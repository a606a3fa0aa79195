"""A reader that finds what it was told to, and remembers what it was shown."""

from collections.abc import Sequence

from rag.answering.calibration import Calibration
from rag.answering.reader import Reading
from rag.types import Document, Hit

CALIBRATION = Calibration(1.0, 0.0, 0.0, 0.5, {})
QUESTION = "青江大桥全长多少米?"


class ScriptedReader:
    """Finds one text: sure of a window that holds it, sure of the contrary elsewhere; remembers what it was shown."""

    def __init__(self, *sought: str) -> None:
        self.sought = sought
        self.shown: list[str] = []

    def read_windows(self, question: str, windows: Sequence[tuple[str, str]]) -> list[Reading]:
        self.shown += [text for _, text in windows]
        return [self._read(text) for _, text in windows]

    def _read(self, text: str) -> Reading:
        for number, sought in enumerate(self.sought):
            if sought in text:
                start = text.index(sought)
                return Reading(start, start + len(sought), 4.0 - number)
        return Reading(0, 2, -4.0)


def make_hits(documents: Sequence[Document]) -> list[Hit]:
    return [
        Hit(f"{d.id}:0", d.id, d.title, d.source, d.url, d.published, d.text, 0, len(d.text), 1.0, 0.5, 1.0)
        for d in documents
    ]
