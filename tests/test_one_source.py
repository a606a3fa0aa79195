"""Reprints over a real engine: one passage for all, named where they hold what is cited, one voice in a dispute."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import close, embed, entry, ids, open_index, terms_of
from typer.testing import CliRunner

from rag.duplicates import duplicates
from rag.engine import Engine
from rag.index import generation
from rag.retrieve import retrieve
from rag.types import Document, Filter
from service.cli import app

FIRST = (
    "云岭县茶叶产业调查结果日前公布。全县共有茶叶加工企业146家,从业人员达到3.2万人。"
    "县农业农村局负责人介绍,今年春茶的采摘面积比往年有所扩大,产值有望再创新高。"
    "近年来,当地引导农户改种良种,推广机械采摘,把闲置的老厂房改成了加工车间,山上的道路也修到了茶园边上。"
    "不少在外打工的年轻人回到村里,有的开起网店,有的办起民宿,采茶时节的山坡上又能听见歌声。"
)
SECOND = "在河口镇,茶农李大山说,他家的鲜叶卖得比去年好,邻居的茶园也打算包下来,秋天再添一台揉捻机。"
MARKET = "下一步,云岭县将在河口镇建设茶叶交易市场,总投资4.5亿元。"
ORIGINAL = f"{FIRST}\n\n{SECOND}"
LONGER = f"本报讯(记者王小河) {FIRST}\n\n{SECOND}\n\n{MARKET}"
TRADITIONAL = (
    "雲嶺縣茶葉產業調查結果日前公佈。全縣共有茶葉加工企業146家，從業人員達到3.2萬人。"
    "縣農業農村局負責人介紹，今年春茶的採摘面積比往年有所擴大，產值有望再創新高。"
    "近年來，當地引導農戶改種良種，推廣機械採摘，把閒置的老廠房改成了加工車間，山上的道路也修到了茶園邊上。"
    "不少在外打工的年輕人回到村裡，有的開起網店，有的辦起民宿，採茶時節的山坡上又能聽見歌聲。"
)
OTHER = "青江县水果产业调查完成。全县共有水果加工企业88家。县里将建设冷库,果农可以把水果存到冬天再卖。"
QUESTION = "云岭县全县共有多少家茶叶加工企业?"


def documents() -> list[Document]:
    return [
        Document("original", ORIGINAL, title="茶叶产业调查", source="日报", published="2026-05-06"),
        Document("longer", LONGER, title="云岭春茶丰收", source="晚报", published="2026-05-07"),
        Document("traditional", TRADITIONAL, title="雲嶺茶葉", source="商報", published="2026-05-08"),
        Document("other", OTHER, title="水果产业调查", source="日报", published="2026-05-06"),
    ]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine.open(tmp_path_factory.mktemp("vectors"))
    engine.add(documents())
    yield engine
    engine.close()


def test_reprints_are_named_and_take_no_place(engine: Engine) -> None:
    answer = engine.ask(QUESTION)
    assert answer.answerable and "146家" in answer.text and len(answer.citations) == 1
    citation = answer.citations[0]
    assert sorted([citation.document_id, *citation.also]) == ["longer", "original", "traditional"]
    assert len({hit.document_id for hit in answer.passages} - {"other"}) == 2  # the third says what these two say
    assert "other" in {hit.document_id for hit in engine.search(QUESTION)}


def test_a_reprint_that_lacks_what_is_cited_is_not_named_for_it(engine: Engine) -> None:
    citation = engine.ask("茶农李大山的鲜叶卖得怎么样?").citations[0]
    assert "李大山" in citation.quote
    assert sorted([citation.document_id, *citation.also]) == ["longer", "original"]
    market = engine.ask("云岭县的茶叶交易市场总投资多少?").citations[0]
    assert (market.document_id, market.also) == ("longer", ()) and "4.5亿元" in market.quote


def test_the_filter_holds_for_reprints_too(engine: Engine) -> None:
    citation = engine.ask(QUESTION, filter=Filter(document_ids=frozenset({"original", "traditional"}))).citations[0]
    assert sorted([citation.document_id, *citation.also]) == ["original", "traditional"]
    assert engine.ask(QUESTION, filter=Filter(source="晚报")).citations[0].also == ()
    assert engine.ask(QUESTION, filter=Filter(published_to="2026-05-07")).citations[0].also in (
        ("longer",),
        ("original",),
    )


def test_what_changes_shows_at_once(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    original, longer, traditional, other = documents()
    engine.add([original, other])
    assert engine.duplicates() == [] and engine.ask(QUESTION).citations[0].also == ()
    engine.add([longer, traditional])
    groups = engine.duplicates()
    assert [[copy.id for copy in group] for group in groups] == [["original", "longer", "traditional"]]
    assert all(0.6 <= copy.similarity <= 1 for copy in groups[0])
    assert (groups[0][1].title, groups[0][1].source, groups[0][1].published) == ("云岭春茶丰收", "晚报", "2026-05-07")
    engine.add([replace(longer, text=LONGER.replace("146", "171"))])
    assert [[copy.id for copy in group] for group in engine.duplicates()] == [["original", "traditional"]]
    engine._index.remove(["traditional"])
    assert engine.duplicates() == []
    engine.close()
    again = Engine.open(tmp_path)
    again.add([replace(traditional, id="again")])
    assert [[copy.id for copy in group] for group in again.duplicates()] == [["original", "again"]]
    again.close()


def test_a_passage_that_only_the_reprint_has_is_shown(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    one, other = (text.replace("\n\n", "\n") for text in (ORIGINAL, LONGER))  # every line is a chunk here
    index.put([entry("a", one), entry("b", other), entry("c", f"{one}\n{FIRST}")])
    found = retrieve(index.snapshot(), terms_of(FIRST), embed([FIRST])[0], top_k=9)
    texts = [hit.text for hit in found.hits]
    assert len(texts) == 3
    assert sum("146家" in text for text in texts) == sum("李大山" in text for text in texts) == 1
    assert [hit.document_id for hit in found.hits if hit.text == MARKET] == ["b"]
    for id in found.documents:
        assert set(found.copies(id)) == {"a", "b", "c"} - {id}
    close(index)


def test_groups_hold_over_parts_and_are_joined_by_any_pair(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    halves = ["".join(chr(c) for c in np.random.default_rng(i).integers(0x4E00, 0x9FA5, 120)) for i in range(3)]
    cut = "".join(halves)[:300]
    for number, text in enumerate((halves[0] + halves[1], cut, "".join(halves), halves[0])):
        index.put([entry(f"d{number}", text), entry(f"x{number}", f"{text[::-1]}{number}" * 2)])
    assert len(index.snapshot().parts) > 1
    groups = duplicates(index.snapshot())
    assert [copy.id for copy in groups[0]] == ["d0", "d1", "d2"]
    assert groups == duplicates(index.snapshot())
    index.write_generation()
    assert duplicates(index.snapshot()) == groups
    close(index)


def test_a_generation_of_an_earlier_version_is_made_again_quietly(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put([entry("a", ORIGINAL), entry("b", TRADITIONAL)])
    name = index.write_generation(force=True)
    close(index)
    earlier = json.loads((tmp_path / generation.CURRENT).read_text(encoding="utf-8"))
    for stored in ("sketches", "bands", "holders"):
        del earlier["files"][f"{stored}.npy"]
        (tmp_path / "generations" / name / f"{stored}.npy").unlink()
    del earlier["sketch"], earlier["sha256"]
    earlier["sha256"] = generation._body_hash(earlier)
    for path in (tmp_path / generation.CURRENT, tmp_path / "generations" / name / "manifest.json"):
        path.write_text(json.dumps(earlier), encoding="utf-8")
    index = open_index(tmp_path)
    assert index.degraded is None and ids(index.snapshot()) == {"a", "b"}
    assert index.snapshot().generation not in ("", name)
    assert [[copy.id for copy in group] for group in duplicates(index.snapshot())] == [["a", "b"]]
    close(index)


def test_the_command_lists_groups(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for number, text in enumerate((ORIGINAL, LONGER, OTHER)):
        (seeds / f"{number}.txt").write_text(f"第{'甲乙丙'[number]}篇\n\n{text}\n", encoding="utf-8")
    folders = ["--seeds", str(seeds), "--vectors", str(tmp_path / "vectors")]
    shown = CliRunner().invoke(app, ["duplicates", *folders], catch_exceptions=False)
    assert shown.exit_code == 0 and [line[6:11] for line in shown.stdout.splitlines() if line] == ["0.txt", "1.txt"]
    assert "1 groups, 2 documents" in shown.stderr
    told = CliRunner().invoke(app, ["duplicates", "--json", *folders], catch_exceptions=False)
    assert told.exit_code == 0
    assert [[copy["id"] for copy in group] for group in json.loads(told.stdout)] == [["0.txt", "1.txt"]]
