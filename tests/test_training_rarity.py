"""Which words are names, learnt from how they are used."""

import pytest

from rag.names import names
from rag.term_rarity import common
from rag.text import fold
from training.rarity import used_as_common


def test_what_stands_where_common_words_stand_is_no_name() -> None:
    """The dictionary tags 城市 and 北京 alike; only how they are used tells them apart."""
    texts = ["每个城市都有公园。这个城市很大，各城市不同。", "北京有公园，他住在北京。北京很大。"] * 4
    found = used_as_common(texts)
    assert "城市" in found and "北京" not in found
    few = used_as_common(["这个城市很大。"])
    assert "城市" not in few  # seen once, that proves nothing
    assert "希腊" not in used_as_common(["一个希腊神话。", "这个希腊神话。", "各种希腊神话。"] * 4)


@pytest.mark.parametrize("word", ["东西", "长度", "荣誉", "哥哥"])
def test_common_words_are_no_names(word: str) -> None:
    assert common(fold(word))
    assert fold(word) not in names(fold(f"茶马古道上的{word}是什么？"))


@pytest.mark.parametrize("name", ["北京", "日本", "李白", "地中海", "清华大学"])
def test_names_stay_names(name: str) -> None:
    assert not common(fold(name))
    assert fold(name) in names(fold(f"{name}在什么地方?"))
