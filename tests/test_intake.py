"""Documents in, changed and out: what a user does is not undone by builds, and no change is lost to another."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from articles import ARTICLES, BRIDGE, LIBRARY, TEA

from rag.answering.answerer import answer_question
from rag.engine import Engine
from rag.errors import Conflict, NotFound
from rag.intake import PIECE
from rag.library import Entry
from rag.types import Document

QUESTION = "青江大桥全长多少米?"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE.text, encoding="utf-8")
    (folder / "tea.txt").write_text(TEA.text, encoding="utf-8")
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "vectors")
    yield engine
    engine.close()


def ids(engine: Engine) -> list[str]:
    return [document.id for document in engine.documents(limit=100)[0]]


def test_a_removed_document_is_not_found_and_its_seed_stays_away_until_it_changes(engine: Engine, seeds: Path) -> None:
    engine.build(seeds)
    assert engine.remove(["bridge.txt", "nothing"]) == ["bridge.txt"]
    assert not engine.ask(QUESTION).answerable and ids(engine) == ["tea.txt"]
    for full in (False, True):
        assert engine.build(seeds, full=full).removed == []
        assert engine.rebuild(seeds, full=full).refused == []
        assert ids(engine) == ["tea.txt"]
    (seeds / "bridge.txt").write_text(BRIDGE.text.replace("2386", "2400"), encoding="utf-8")
    assert engine.build(seeds).added == ["bridge.txt"]
    assert "2400米" in engine.ask(QUESTION).text


def test_a_build_stores_in_pieces_that_another_process_takes_in_quickly(
    engine: Engine, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[list[int]] = []
    put = engine._index.put

    def noting(entries: Sequence[Entry], **how: Any) -> Any:
        stored.append([len(entry.chunks) for entry in entries])
        return put(entries, **how)

    monkeypatch.setattr(engine._index, "put", noting)
    documents = [Document(f"d{n:03}", f"第{n}号桥梁今天建成通车。") for n in range(100)]
    long = "\n\n".join(f"第{n}条 本条规定第{n}项工作的办理程序和时限要求。" * 9 for n in range(2 * PIECE))
    engine.add([*documents, Document("long", long)])
    assert [len(piece) for piece in stored] == [101]  # what was sent together is there together or not at all
    for document in documents:
        (seeds / f"{document.id}.txt").write_text(document.text, encoding="utf-8")
    (seeds / "d050a.txt").write_text(long, encoding="utf-8")
    for build in (engine.build, engine.rebuild):
        del stored[:]
        report = build(seeds, full=True)
        assert len(report.added) == 204 and len(ids(engine)) == 100 and sum(map(len, stored)) == 204
        assert all(len(piece) == 1 or sum(piece) <= PIECE for piece in stored)
        assert len(stored) == 6 and [len(piece) for piece in stored if sum(piece) > PIECE] == [1, 1]


def test_a_correction_stays_until_the_file_changes(engine: Engine, seeds: Path) -> None:
    engine.build(seeds)
    before = engine.document("bridge.txt")
    assert engine.correct("bridge.txt", {"title": "新大桥", "published": "2020-01-02"}) == engine.document("bridge.txt")
    engine.correct("bridge.txt", {"source": "甲报", "metadata": {"a": 1}})
    wanted = replace(before, title="新大桥", published="2020-01-02", source="甲报", metadata={"a": 1})
    for full in (False, True):
        engine.build(seeds, full=full)
        assert engine.document("bridge.txt") == wanted
    assert engine.ask(QUESTION).citations[0].title == "新大桥"
    (seeds / "bridge.txt").write_text(BRIDGE.text + "\n补充一句话。", encoding="utf-8")
    engine.build(seeds)
    assert engine.document("bridge.txt").title == before.title
    engine.correct("tea.txt", {"title": "茶"})
    (seeds / "tea.txt").unlink()
    assert engine.build(seeds).removed == ["tea.txt"]
    with pytest.raises(NotFound, match=r"tea\.txt"):
        engine.correct("tea.txt", {"title": "x"})


def test_a_seed_that_was_replaced_is_the_users_own(engine: Engine, seeds: Path) -> None:
    engine.build(seeds)
    engine.add([replace(LIBRARY, id="bridge.txt")])
    engine.build(seeds, full=True)
    assert engine.document("bridge.txt").text == LIBRARY.text
    (seeds / "bridge.txt").unlink()
    engine.build(seeds)
    assert engine.document("bridge.txt").text == LIBRARY.text
    (seeds / "bridge.txt").write_text("云岭机场\n\n云岭机场跑道长三千米,已经通航。\n", encoding="utf-8")
    engine.build(seeds)
    assert "跑道" in engine.document("bridge.txt").text


def test_a_new_document_does_not_replace_another(engine: Engine) -> None:
    engine.add([BRIDGE])
    with pytest.raises(Conflict, match="bridge"):
        engine.add([replace(TEA, id="bridge")], new=True)
    assert engine.document("bridge").text == BRIDGE.text
    assert engine.add([BRIDGE], new=True).unchanged == ["bridge"]


def test_corrections_by_many_at_once_are_all_kept(engine: Engine) -> None:
    engine.add([BRIDGE])
    changes: list[dict[str, Any]] = [
        {"title": "题"},
        {"source": "报"},
        {"url": "https://a.example"},
        {"published": "2020-02-02"},
    ]
    threads = [threading.Thread(target=engine.correct, args=("bridge", change)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = engine.document("bridge")
    assert (stored.title, stored.source, stored.url, stored.published) == (
        "题",
        "报",
        "https://a.example",
        "2020-02-02",
    )


def test_a_full_build_does_not_bring_back_what_is_deleted_meanwhile(
    engine: Engine, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.add([BRIDGE, LIBRARY])
    passages = engine._embedder.passages

    def meanwhile(texts: Sequence[str]) -> Any:
        if "bridge" in ids(engine):
            engine.remove(["bridge", "tea.txt"])
            engine.add([replace(LIBRARY, title="改了")])
        return passages(texts)

    engine.build(seeds)
    monkeypatch.setattr(engine._embedder, "passages", meanwhile)
    engine.build(seeds, full=True)
    assert ids(engine) == ["library", "bridge.txt"] and engine.document("library").title == "改了"


class Enough(Exception):
    pass


def test_a_rebuild_that_is_broken_off_changes_nothing_and_embeds_nothing_twice(
    engine: Engine, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(600):
        (seeds / f"n{number:03}.txt").write_text(
            f"第{number}号公告\n\n第{number}号公告:水位为{number}厘米。\n", encoding="utf-8"
        )
    engine.add([LIBRARY])
    before = replace(engine.stats(), bytes=0)
    embedded: list[str] = []
    passages = engine._embedder.passages

    def counting(texts: Sequence[str]) -> Any:
        embedded.extend(texts)
        return passages(texts)

    monkeypatch.setattr(engine._embedder, "passages", counting)
    told: list[tuple[int, int, int]] = []

    def stop_after(prepared: int) -> Any:
        def progress(*now: int) -> None:
            told.append((now[0], now[1], now[2]))
            if now[2] >= prepared:
                raise Enough

        return progress

    with pytest.raises(Enough):
        engine.rebuild(seeds, progress=stop_after(300))
    assert replace(engine.stats(), bytes=0) == before and 256 <= len(embedded) < 600
    with pytest.raises(Enough):
        engine.rebuild(seeds, progress=stop_after(10**6), storing=_raise)
    assert replace(engine.stats(), bytes=0) == before
    report = engine.rebuild(seeds, progress=lambda *now: told.append(now))
    assert len(report.added) == 602 and told[-1] == (602, 602, 602)
    assert len(embedded) == len(set(embedded)) >= 602
    embedded.clear()
    assert engine.rebuild(seeds).added == [] and embedded == []
    told.clear()
    with pytest.raises(Enough):
        engine.rebuild(seeds, full=True, progress=stop_after(500))
    engine.rebuild(seeds, full=True, done=told[-1][2])
    assert len(embedded) == len(set(embedded)) == engine.stats().chunks
    assert ids(engine)[0] == "library" and "599厘米" in engine.search("第599号公告的水位")[0].text


def _raise() -> None:
    raise Enough


def test_what_is_deleted_while_it_is_answered_is_not_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delete returns between the search and the reply: the reply must not hold the document."""
    engine.add(ARTICLES)

    def meanwhile(*given: Any, **named: Any) -> Any:
        answer = answer_question(*given, **named)
        engine.remove(["bridge"])
        return answer

    monkeypatch.setattr("rag.engine.answer_question", meanwhile)
    answer = engine.ask(QUESTION)
    assert all(hit.document_id != "bridge" for hit in answer.passages) and not answer.answerable
    monkeypatch.undo()
    engine.add([Document(id="late", title="公告", text="青江大桥全长2386米。")])
    assert engine.ask(QUESTION).citations[0].document_id == "late"
