"""An engine in a process of its own, told what to do through a pipe, so that it can be killed in the middle of it."""

import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rag.engine import Engine
from rag.errors import RagError
from rag.types import Document


def serve(pipe: Connection, folder: str, seeds: str) -> None:
    """Answers each call with its result, or with the name of the error; ends with the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engine = Engine.open(Path(folder))
    pipe.send("open")
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            engine.close()
            return
        try:
            pipe.send(_call(engine, Path(seeds), name, arguments))
        except RagError as error:
            pipe.send(type(error).__name__)


def _call(engine: Engine, seeds: Path, name: str, arguments: tuple[Any, ...]) -> Any:
    match name:
        case "add":
            return engine.add([Document(id=id, text=text, title=title) for id, title, text in arguments]).added
        case "correct":
            return engine.correct(arguments[0], {"title": arguments[1]}).title
        case "remove":
            return engine.remove(list(arguments))
        case "build":
            report = engine.build(seeds, full=arguments[0])
            return sorted(report.added), sorted(report.removed)
        case "rebuild":
            report = engine.rebuild(seeds, full=arguments[0])
            return sorted(report.added), sorted(report.removed)
        case "documents":
            page, cursor = engine.documents(limit=500)
            assert cursor is None
            return {d.id: (d.title, engine.document(d.id).text) for d in page}
        case "search":
            return [(h.document_id, h.start, h.end, h.text) for h in engine.search(arguments[0], top_k=50)]
        case "ask":
            answer = engine.ask(arguments[0], top_k=10, threshold=0.0)
            return [(c.document_id, c.start, c.end, c.quote, c.also) for c in answer.citations]
        case "stats":
            return engine.stats().documents, engine.degraded
        case "close":
            engine.close()
            return "closed"
    raise AssertionError(name)
