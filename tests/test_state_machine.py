"""Hypothesis does what people and machines do to a corpus, kills and restarts among it, and compares with a dict.

``make machine`` takes 5,000 steps; a failure is replayed with the seed that it prints:
``STEPS=5000 python -m pytest tests/test_state_machine.py --hypothesis-seed=N``.
"""

import os
import shutil
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from machine_child import serve

STEPS = int(os.environ.get("STEPS", "100"))
EACH = 50  # steps on one folder
NAMES = [f"d{n}" for n in range(5)]
FILES = [f"s{n}.txt" for n in range(3)]
STATIONS = "白沙 柳林 石门 云岭 南屏 东湖 西坪 北渡".split()

_processes = get_context("forkserver")
_processes.set_forkserver_preload(["rag.engine", "rag.embed.static", "machine_child"])

Texts = dict[str, tuple[str, str]]  # id to title and text
documents = st.tuples(st.sampled_from(NAMES + FILES), st.sampled_from(STATIONS), st.integers(0, 999))


def text_of(station: str, level: int) -> str:
    return f"{station}水文站公告\n\n{station}水文站今日水位为{level}厘米,比昨日上涨。\n"


class Corpus(RuleBasedStateMachine):
    """``held`` is what has to be there; after a kill it may also be what the operation would have made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.seeds = self.root / "seeds"
        self.seeds.mkdir()
        self.held: Texts = {}
        self.files: dict[str, str] = {}
        self.left: dict[str, str] = {}  # seeds that a user changed or removed: the text of their files then
        self.own: set[str] = set()  # ids of what did not come from a file
        self.pipe: Connection

    @initialize()
    def begin(self) -> None:
        self.start()

    def start(self) -> None:
        self.pipe, other = _processes.Pipe()
        folder = str(self.root / "vectors")
        self.process = _processes.Process(target=serve, args=(other, folder, str(self.seeds)))
        self.process.start()
        other.close()
        assert self.pipe.recv() == "open"

    def end(self) -> None:
        self.pipe.close()
        self.process.join(20)
        assert self.process.exitcode == 0

    def call(self, name: str, *arguments: Any) -> Any:
        self.pipe.send((name, arguments))
        return self.pipe.recv()

    # What is done

    @rule(given=st.lists(documents, min_size=1, max_size=3, unique_by=lambda d: d[0]))
    def add(self, given: list[tuple[str, str, int]]) -> None:
        sent = [(id, station, text_of(station, level)) for id, station, level in given]
        changed = [id for id, title, text in sent if self.held.get(id) != (title, text)]
        changed += [id for id, _, _ in sent if id in self.held and id not in self.own and id not in changed]
        assert sorted(self.call("add", *sent)) == sorted(changed)
        for id, title, text in sent:
            self._add(id, title, text)

    def _add(self, id: str, title: str, text: str) -> None:
        if id in self.held and id not in self.own:
            self.left.setdefault(id, self.held[id][1])
        self.held[id] = title, text
        self.own.add(id)

    @rule(id=st.sampled_from(NAMES + FILES), title=st.sampled_from(STATIONS))
    def correct(self, id: str, title: str) -> None:
        found = self.call("correct", id, title)
        assert found == (title if id in self.held else "NotFound")
        if id in self.held:
            if id not in self.own and self.held[id][0] != title:
                self.left.setdefault(id, self.held[id][1])
            self.held[id] = title, self.held[id][1]

    @rule(ids=st.lists(st.sampled_from(NAMES + FILES), min_size=1, max_size=3, unique=True))
    def remove(self, ids: list[str]) -> None:
        assert self.call("remove", *ids) == [id for id in ids if id in self.held]
        self._remove(ids)

    def _remove(self, ids: list[str]) -> None:
        for id in ids:
            if id in self.held:
                if id not in self.own:
                    self.left.setdefault(id, self.held[id][1])
                del self.held[id]
                self.own.discard(id)

    @rule(name=st.sampled_from(FILES), station=st.sampled_from(STATIONS), level=st.integers(0, 9))
    def write_file(self, name: str, station: str, level: int) -> None:
        self.files[name] = text_of(station, level)
        (self.seeds / name).write_text(self.files[name], encoding="utf-8")

    @rule(name=st.sampled_from(FILES))
    def delete_file(self, name: str) -> None:
        self.files.pop(name, None)
        (self.seeds / name).unlink(missing_ok=True)

    @rule(full=st.booleans(), ahead=st.booleans())
    def build(self, full: bool, ahead: bool) -> None:
        before = dict(self.held)
        added, removed = self.call("rebuild" if ahead else "build", full)
        self._build()
        assert removed == sorted(id for id in before if id not in self.held)
        changed = {id for id in self.held if before.get(id) != self.held[id]}
        assert changed <= set(added) and (full or changed == set(added))

    def _build(self) -> None:
        for name, written in self.files.items():
            text = written.strip("\n")
            if self.left.get(name) != text:
                self.held[name] = text.split("\n")[0], text
                self.own.discard(name)
                self.left.pop(name, None)
        for id in [id for id in self.held if id not in self.own and id not in self.files]:
            del self.held[id]
            self.left.pop(id, None)

    # What goes wrong

    @rule()
    def restart(self) -> None:
        assert self.call("close") == "closed"
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.start()

    @rule(
        name=st.sampled_from(["add", "remove", "build", "rebuild", "search"]),
        given=documents,
        delay=st.floats(0, 0.02),
        full=st.booleans(),
    )
    def kill(self, name: str, given: tuple[str, str, int], delay: float, full: bool) -> None:
        """In the middle of an operation, which then was done or was not."""
        id, station, level = given
        text = text_of(station, level)
        before = dict(self.held)
        if name == "add":
            self.pipe.send(("add", ((id, station, text),)))
        elif name == "remove":
            self.pipe.send(("remove", (id,)))
        elif name == "search":
            self.pipe.send(("search", (station,)))
        else:
            self.pipe.send((name, (full,)))
        time.sleep(delay)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.start()
        found: Texts = self.call("documents")
        if name == "add" and found.get(id) == (station, text):
            self._add(id, station, text)
        elif name == "remove" and id not in found:
            self._remove([id])
        elif name in ("build", "rebuild") and found != before:
            self.call("build", False)  # some of it was done: done to its end it has to be as if it had been at once
            self._build()

    # What has to hold

    @invariant()
    def holds(self) -> None:
        assert self.call("documents") == self.held
        documents, degraded = self.call("stats")
        assert (documents, degraded) == (len(self.held), None)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.held)))
        text = self.held[id][1]
        station = text[:2]
        self.exact(self.call("ask", f"{station}水文站今日水位是多少厘米?"), at_least={text})
        found = self.call("search", f"{station}水文站水位")
        assert {self.held[hit[0]][1] for hit in found} >= {text}
        for document, start, end, passage in found:
            assert self.held[document][1][start:end] == passage

    @rule(station=st.sampled_from(STATIONS))
    def ask_of_anything(self, station: str) -> None:
        self.exact(self.call("ask", f"{station}水文站今日水位是多少厘米?"))

    def exact(self, citations: list[Any], at_least: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        for document, start, end, quote, also in citations:
            assert self.held[document][1][start:end] == quote
            assert all(other in self.held for other in also)
        if at_least:
            assert citations

    def teardown(self) -> None:
        if hasattr(self, "pipe"):
            self.end()
        shutil.rmtree(self.root)


Corpus.TestCase.settings = settings(
    max_examples=max(1, STEPS // EACH),
    stateful_step_count=EACH,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink) if STEPS > 1000 else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestCorpus = Corpus.TestCase
