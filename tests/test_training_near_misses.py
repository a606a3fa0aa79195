"""Questions that ask of a subject what no text says of it."""

from rag.types import Document
from training.near_misses import attributed


def test_an_attribute_is_asked_of_a_subject_of_which_it_is_not_said() -> None:
    tea = Document("a", "龙井茶产于西湖，是一种绿茶。", title="龙井茶")
    assert attributed("滨江大桥的设计师是谁？", tea, [tea]) == "龙井茶的设计师是谁？"
    said = Document("b", "龙井茶的设计师是老王。", title="龙井茶")
    assert attributed("滨江大桥的设计师是谁？", said, [said]) is None
    assert attributed("滨江大桥在哪里？", tea, [tea]) is None
    assert attributed("滨江大桥是有名的桥。", tea, [tea]) is None  # nothing is asked
