"""The reader's training: what it is shown, that it learns, that a run broken off goes on to the same weights."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from towns import TOWNS, passage

from rag.answer.rarity import rarity
from rag.embed import SHIPPED, StaticEmbedder
from rag.types import Document
from training import near_misses
from training.noise import Neighbours
from training.reader import fit, report, words
from training.reader_net import Net, exported
from training.readings import SHARES, Item, Maker, epoch, stacked


@pytest.fixture(scope="module")
def maker() -> Maker:
    documents = {d.id: d for d, _ in map(passage, range(len(TOWNS)))}
    embedder = StaticEmbedder(SHIPPED)
    return Maker(documents, embedder, rarity, Neighbours(embedder))


@pytest.fixture(scope="module")
def items(maker: Maker) -> list[Item]:
    return maker.items([q for number in range(len(TOWNS)) for q in passage(number)[1]], seed=1)


@pytest.fixture(scope="module")
def net(maker: Maker) -> Net:
    torch.manual_seed(1)
    return Net(*words(StaticEmbedder(SHIPPED), maker.vocabulary), d=16, layers=1)


def test_answers_stand_where_they_are_said_to_stand(maker: Maker, items: list[Item]) -> None:
    own = [item for item in items if not item.swapped]
    assert len(own) == 4 * len(TOWNS) and any(item.swapped for item in items)
    again = [item.also for item in own if item.also]
    assert again and all(item.own.start >= 0 for item in again)
    for item in own:
        tokens = [maker.vocabulary[i] for i in item.own.ids[item.own.start : item.own.end + 1]]
        number = own.index(item)
        answer = passage(number // 4)[1][number % 4].answer
        assert set(answer[:2]) & set("".join(tokens))
        assert item.removed is None or item.removed.start == -1
        assert item.others and all(p.start == -1 for p in item.others)


def test_an_epoch_shows_every_question_once(items: list[Item]) -> None:
    rows = [row for batch in epoch(items, random.Random(5)) for row in batch]
    own = [item for item, _ in rows if not item.swapped]
    shown = {id(item) for item in own}
    assert len(own) == len(shown) == 4 * len(TOWNS)
    for item in items:
        assert item.swapped or (id(item) in shown) != (id(item.also) in shown)
    assert all(p.start == -1 for item, shown in rows if item.swapped for p in shown)
    answered = np.mean([any(p.start >= 0 for p in shown) for item, shown in rows if not item.swapped])
    assert abs(answered - SHARES["own"]) < 0.25
    assert all(1 <= len(shown) <= 4 for _, shown in rows)


def test_it_learns_and_goes_on_where_it_was_broken_off(
    maker: Maker, items: list[Item], net: Net, tmp_path: Path
) -> None:
    rare = maker.traits[:, 0].copy()
    start = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    fit(net, items, items, rare, 12, 3, tmp_path / "whole.pt")
    whole = exported(net)
    figures = report(net, items, rare)
    assert figures["chosen"] > 0.7 and figures["AUROC absent"] > 0.7
    net.load_state_dict(start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.reader.report", _broken_off)
        with pytest.raises(KeyboardInterrupt):
            fit(net, items, items, rare, 12, 3, tmp_path / "parts.pt")
    net.load_state_dict(start)
    fit(net, items, items, rare, 12, 3, tmp_path / "parts.pt")
    for name, array in exported(net).items():
        np.testing.assert_allclose(array, whole[name], atol=3e-2, err_msg=name)  # threads add in any order


def test_a_run_starts_from_what_another_left(maker: Maker, items: list[Item], net: Net, tmp_path: Path) -> None:
    rare = maker.traits[:, 0].copy()
    start = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    fit(net, items, items, rare, 8, 3, tmp_path / "before.pt")
    learnt = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net.load_state_dict(start)
    fit(net, items, items, rare, 1, 4, tmp_path / "after.pt", tmp_path / "before.pt", rate=1e-9)
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, learnt[name], atol=1e-5, rtol=1e-3)
    net.load_state_dict(start)


def _broken_off(*_: object) -> dict[str, float]:
    raise KeyboardInterrupt


def test_a_batch_fills_up_what_is_shorter(items: list[Item], maker: Maker) -> None:
    rows = [(items[0], [items[0].own, *items[0].others[:2]]), (items[1], [items[1].others[0]])]
    batch = stacked(rows, maker.traits[:, 0].copy())
    assert batch.passages.shape[:2] == (2, 3) and not batch.real[1, 1:].any()
    assert int(batch.start[1]) == -1 and batch.within[0, 0, items[0].own.start]
    assert batch.equal.shape == (*batch.passages.shape, batch.question.shape[1])


@pytest.mark.parametrize(
    ("question", "lacks"), [("柳林大桥建成于1952年吗？", "1952年"), ("柳林大桥的设计师是谁？", "柳林大桥")]
)
def test_swapped_questions_ask_of_another_year_or_thing(question: str, lacks: str) -> None:
    documents = [d for d, _ in map(passage, range(len(TOWNS)))]
    own = documents[2]
    found = {near_misses.swapped(question, own, documents[3:], random.Random(seed)) for seed in range(20)} - {None}
    assert found and all(text and text != question for text in found)
    assert any(text and lacks not in text for text in found)


def test_places_are_exchanged_for_places() -> None:
    own = Document("a", "重庆的大学位于嘉陵江边。", title="大学")
    other = Document("b", "北京的公园很多。", title="公园")
    found = {near_misses.swapped("重庆有什么？", own, [other], random.Random(seed)) for seed in range(10)}
    assert found == {"北京有什么？"}
