"""The reader: finds the span of a window that answers a question, and judges whether the answer stands there.

It is a BERT of twelve layers, 384 wide, made from multilingual-e5-small by ``training.train_reader`` and exported by
``training.export_reader``; ONNX Runtime computes it on the processor, in float32.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from cachetools import LRUCache
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.answering.windows import EncodedWindow, encode_window, pad_windows
from rag.text import simplify

LONGEST_SPAN = 60  # tokens of an answer
_REMEMBERED = 8192  # readings, some hundred bytes each


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found in a window: the best span ``[start, end)`` of its text, in code points.

    ``judgment`` is the logit, natural, of the answer standing in the window; it is no probability of being right until
    ``rag.answering.calibration`` has made one of it.
    """

    start: int
    end: int
    judgment: float


class Reader:
    """Reads windows. May be called from many threads."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load the model of ``folder``; ``threads`` compute it, one for each processor by default."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        # Threads that wait by spinning would take the processor from those that search.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "reader.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._read: LRUCache[tuple[str, str, str], Reading] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    def read_windows(self, question: str, windows: Sequence[tuple[str, str]]) -> list[Reading]:
        """Read windows, ``(title, text)`` each, for a question; what was read before is remembered."""
        asked = simplify(question)
        keys = [(asked, title, text) for title, text in windows]
        with self._lock:
            found = {key: self._read[key] for key in keys if key in self._read}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            new = dict(zip(missing, self._compute(missing), strict=True))
            found |= new
            with self._lock:
                self._read.update(new)
        return [found[key] for key in keys]

    def _compute(self, windows: Sequence[tuple[str, str, str]]) -> list[Reading]:
        encoded = [
            encode_window(self._tokenizer, asked, simplify(title), simplify(text)) for asked, title, text in windows
        ]
        start, end, judged = self.compute_logits(encoded)
        return [
            _make_reading(each, start[row], end[row], float(judged[row]), windows[row][2])
            for row, each in enumerate(encoded)
        ]

    def compute_logits(
        self, encoded: Sequence[EncodedWindow]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits of start and end, float32 (n, longest), and of the judgment, float32 (n,)."""
        ids, mask = pad_windows(encoded)
        outputs: list[Any] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        start, end, judged = outputs
        return start, end, judged


def find_best_span(start: NDArray[np.float32], end: NDArray[np.float32]) -> tuple[int, int]:
    """Return the first and the last token of the span with the greatest sum of logits, of ``LONGEST_SPAN`` at most."""
    scores = start[:, None] + end[None, :]
    length = np.arange(len(end))[None, :] - np.arange(len(start))[:, None]
    possible = (length >= 0) & (length < LONGEST_SPAN)
    first, last = divmod(int(np.argmax(np.where(possible, scores, -np.inf))), scores.shape[1])
    return first, last


def _make_reading(
    encoded: EncodedWindow, start: NDArray[np.float32], end: NDArray[np.float32], judgment: float, text: str
) -> Reading:
    inside = np.flatnonzero(encoded.offsets[:, 0] >= 0)
    if not len(inside):  # nothing of the text is a piece that the reader knows
        return Reading(0, len(text), -20.0)
    first, last = find_best_span(start[inside], end[inside])
    begin, stop = int(encoded.offsets[inside[first], 0]), int(encoded.offsets[inside[last], 1])
    return Reading(begin, max(stop, begin + 1), judgment)
