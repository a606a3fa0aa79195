"""Engines that open quickly, since thousands are opened: model and reader, which no fault is about, are read once."""

import threading
from pathlib import Path
from typing import Any

import rag.engine
from crash.corpus import content, document, question
from rag import embed, maintenance
from rag.answering.reader import Reader
from rag.embed import StaticEmbedder
from rag.engine import Engine

IDLE = 1  # ONNX Runtime (1.32) starts a thread when it is imported, which waits for ever; a fork does without it


def warm(scratch: Path) -> None:
    """Loads all that an engine needs, before processes fork off; no thread is left running."""
    engine: Any = rag.engine
    if engine.StaticEmbedder is not StaticEmbedder:
        return
    shipped = StaticEmbedder(embed.SHIPPED)

    class Kept(StaticEmbedder):
        """The shipped model, whichever time it is asked for."""

        def __new__(cls, folder: Path) -> Any:
            return shipped

        def __init__(self, folder: Path) -> None:
            pass

    engine.StaticEmbedder = Kept
    shipped.__class__ = Kept
    reader = Reader(threads=1)  # computes in the thread that asks
    engine.Reader = lambda *_: reader
    once = opened(scratch)
    once.add([document("once")])
    once._index.write_generation()
    once.search("编号")
    once.ask(question(content(document("once"))))
    once.close()
    opened(scratch).close()
    maintenance.verify(scratch)
    tasks = len(list(Path("/proc/self/task").iterdir()))
    if threading.active_count() > 1 or tasks > 1 + IDLE:
        raise RuntimeError("a thread runs, so this process must not fork")


def opened(vectors: Path) -> Engine:
    """The engine over a folder, as ``Engine.open`` gives it."""
    return Engine.open(vectors)
