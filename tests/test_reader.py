"""The reader: NumPy gives what torch gives, what it sees does not depend on the script, what it says finds answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from articles import BRIDGE

from rag.answer.rarity import rarity
from rag.answer.reader import Reader, Text, load, logits
from rag.answer.reading import (
    COVER,
    FEATURES,
    KINDS,
    LEAD,
    PASSAGE,
    SENTENCE,
    TOKEN,
    Passage,
    ask,
    encoded,
    read,
    traits,
)
from rag.embed import SHIPPED, StaticEmbedder
from rag.errors import Damaged
from rag.text import sentences
from training.reader_net import Net, exported
from training.readings import Item, Shown, stacked

QUESTION = "2019年青江大桥的设计师是谁?"
TEXTS = (
    "青江大桥于2019年建成。设计师是王小明，他是本地人。桥长2386米，工程总投资18.6亿元。",
    "白沙镇有一座古寺。\n寺里的住持说，香火一直很旺，每年春天游客都很多；2019年来了三万人。",
    "Open source software, version 2.0, was released in 2019.",
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return StaticEmbedder(SHIPPED).tokenizer


@pytest.fixture(scope="module")
def vocabulary(tokenizer: Any) -> list[str]:
    known = tokenizer.get_vocab()
    return sorted(known, key=known.__getitem__)


def seen(question: str, text: str, title: str, tokenizer: Any, vocabulary: list[str]) -> Passage:
    asked = ask(question, tokenizer, rarity)
    found = read(asked, text, title, sentences(text), encoded(tokenizer, text), traits(vocabulary, rarity))
    assert found is not None
    return found


def test_numpy_gives_what_torch_gives(tokenizer: Any, vocabulary: list[str]) -> None:
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    words, characters = (rng.normal(size=(len(vocabulary), 16)).astype(np.float32) for _ in range(2))
    net = Net(words, characters, d=24, layers=2).eval()
    net.mean.data, net.scale.data = torch.rand(FEATURES), torch.rand(FEATURES) + 0.5
    asked = ask(QUESTION, tokenizer, rarity)
    passages = [seen(QUESTION, text, "青江大桥", tokenizer, vocabulary) for text in TEXTS]
    rare = traits(vocabulary, rarity)[:, 0].copy()
    found = logits(exported(net, np.float32), asked, passages, rare)
    small = [
        Shown(p.ids.astype(np.int16), p.sentence.astype(np.int16), p.features, -1, -1)  # type: ignore[arg-type]
        for p in passages
    ]
    with torch.no_grad():
        start, _ = net(stacked([(Item(asked.ids, KINDS.index(asked.kind), False, small[0], None), small)], rare))
    assert len(found) == len(passages)
    for row, passage, expected in zip(found, passages, start[0].numpy(), strict=True):
        assert row.shape == passage.ids.shape
        np.testing.assert_allclose(row, expected[: len(row)], atol=1e-4)
    assert np.ptp(found[0]) > 0.1  # not all the same


def test_gates_that_are_shut_are_no_warning(tokenizer: Any, vocabulary: list[str]) -> None:
    weights = dict(load())
    weights["passage0.b"] = weights["passage0.b"] - 1000  # every gate at exp(1000)
    asked = ask(QUESTION, tokenizer, rarity)
    passage = seen(QUESTION, TEXTS[0], "", tokenizer, vocabulary)
    (row,) = logits(weights, asked, [passage], traits(vocabulary, rarity)[:, 0])
    assert np.isfinite(row).all()


def test_one_passage_is_read_alike_whatever_stands_beside_it(tokenizer: Any, vocabulary: list[str]) -> None:
    asked = ask(QUESTION, tokenizer, rarity)
    rare = traits(vocabulary, rarity)[:, 0]
    best, other = (seen(QUESTION, text, "", tokenizer, vocabulary) for text in TEXTS[:2])
    together = logits(load(), asked, [best, other], rare)
    turned = logits(load(), asked, [other, best], rare)
    np.testing.assert_allclose(together[0], turned[1], atol=1e-4)
    np.testing.assert_allclose(together[0], logits(load(), asked, [best], rare)[0], atol=1e-4)


def test_what_is_seen_of_a_passage(tokenizer: Any, vocabulary: list[str]) -> None:
    passage = seen(QUESTION, TEXTS[0], "青江大桥", tokenizer, vocabulary)
    n = len(passage.ids)
    assert passage.features.shape == (n, FEATURES) and FEATURES == TOKEN + SENTENCE + PASSAGE
    assert passage.features.dtype == np.float32 and np.isfinite(passage.features).all()
    assert passage.equal.shape == (n, len(ask(QUESTION, tokenizer, rarity).ids))
    assert passage.sentence.tolist() == sorted(passage.sentence) and passage.sentence[-1] == 2
    tokens = [TEXTS[0][start:end] for start, end in passage.offsets]
    spot, same = passage.features[:, 5], passage.features[:, 1]
    assert spot[next(i for i, token in enumerate(tokens) if token[0] == "王")] == 1  # a person, as was asked
    assert same[tokens.index("设计")] == 1 and same[tokens.index("王")] == 0
    assert passage.features[0, COVER] > passage.features[-1, COVER]
    assert passage.features[:, LEAD].max() == 0


def test_what_no_passage_says_is_seen_to_lack(tokenizer: Any, vocabulary: list[str]) -> None:
    stated = seen("青江大桥的设计师是谁?", TEXTS[0], "青江大桥", tokenizer, vocabulary)
    lacking = seen("青江大桥的赞助商是谁?", TEXTS[0], "青江大桥", tokenizer, vocabulary)
    other_year = seen("2018年青江大桥的设计师是谁?", TEXTS[0], "青江大桥", tokenizer, vocabulary)
    missing, numbers = -2, -1  # of the passage's own features
    assert stated.features[0, missing] < 0.6 < lacking.features[0, missing]
    assert stated.features[0, numbers] == 0 and other_year.features[0, numbers] == 1


def test_traditional_text_is_read_like_simplified(tokenizer: Any) -> None:
    reader = Reader(load(), tokenizer, rarity)
    simple = reader.read("青江大桥的设计师是谁?", [Text("青江大桥由王小明设计。", "青江大桥", [(0, 11)])])
    traditional = reader.read("青江大橋的設計師是誰?", [Text("青江大橋由王小明設計。", "青江大橋", [(0, 11)])])
    np.testing.assert_allclose(simple[0].logits, traditional[0].logits, atol=1e-5)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("大桥全长多少米?", "2386"), ("青江大桥哪一天通车?", "10月8日"), ("总工程师是谁?", "林致远")],
)
def test_the_sentence_that_answers_has_the_best_odds(tokenizer: Any, question: str, answer: str) -> None:
    reader = Reader(load(), tokenizer, rarity)
    spans = sentences(BRIDGE.text)
    (reading,) = reader.read(question, [Text(BRIDGE.text, BRIDGE.title, spans)])
    best = max(spans, key=lambda span: reading.odds(*span))
    assert answer in BRIDGE.text[slice(*best)]


def test_a_passage_that_holds_little_of_the_question_is_not_read(tokenizer: Any) -> None:
    reader = Reader(load(), tokenizer, rarity)
    question, short = "青江大桥全长多少米?", "云岭县的茶园面积还在扩大,县里将建设新的交易市场。"
    other = short * 6
    texts = [Text(text, "", sentences(text)) for text in (BRIDGE.text, other, short)]
    bridge, tea, brief = reader.read(question, texts)
    assert len(bridge.logits) and not len(tea.logits) and len(brief.logits)  # a short one costs nothing
    texts = texts[:2]
    assert tea.odds(0, len(other)) == -20.0
    np.testing.assert_array_equal(reader.read(question, texts)[0].logits, reader.read(question, texts[:1])[0].logits)
    (alone,) = reader.read(question, texts[1:])  # where it is the best there is, it is read
    assert len(alone.logits)


def test_nothing_to_read_has_no_odds(tokenizer: Any) -> None:
    reader = Reader(load(), tokenizer, rarity)
    for question, text in (("?", TEXTS[0]), ("什么?", "……"), ("什么?", ""), ("", "")):
        (reading,) = reader.read(question, [Text(text, "", sentences(text))])
        assert reading.odds(0, len(text) + 1) == -20.0 or len(reading.logits)
    assert reader.read("什么?", []) == []


def test_a_reader_of_another_tokenizer_is_refused(tokenizer: Any, tmp_path: Path) -> None:
    weights = load()
    with pytest.raises(Damaged, match="make train"):
        Reader({**weights, "read": weights["read"][:-1]}, tokenizer, rarity)


def test_long_and_odd_texts_are_read(tokenizer: Any) -> None:
    reader = Reader(load(), tokenizer, rarity)
    odd = "a\ud800b。" + "\u200b" * 30 + "。𠀀𠀁𠀂!" + "数" * 490
    (reading,) = reader.read("𠀀𠀁是什么数\ud800?" * 20, [Text(odd, odd, sentences(odd))])
    assert np.isfinite(reading.logits).all()
    assert (reading.offsets[:, 1] <= len(odd)).all()
