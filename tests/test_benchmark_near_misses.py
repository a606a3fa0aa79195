"""Near misses are what they are said to be: nothing in the corpus answers them."""

import pytest
from towns import TOWNS, passage

from benchmarks.near_misses import ALL, EACH, FIELDS, made
from rag.text import fold
from training.near_misses import content, crossed


@pytest.fixture(scope="module")
def items() -> list[dict[str, object]]:
    pairs = [passage(number) for number in range(len(TOWNS))]
    return made({d.id: d for d, _ in pairs}, [q for _, own in pairs for q in own])


def test_there_are_questions_of_each_kind_and_answered_ones(items: list[dict[str, object]]) -> None:
    kinds = [item["kind"] for item in items]
    assert {"year", "field", "present"} <= set(kinds)
    assert all(kinds.count(kind) <= EACH for kind in ("year", "place", "body"))
    assert sum(not item["answerable"] for item in items) <= ALL
    assert all(item["must_include"] for item in items if item["answerable"])
    assert len({item["id"] for item in items}) == len(items)


def test_the_same_seed_gives_the_same_questions(items: list[dict[str, object]]) -> None:
    pairs = [passage(number) for number in range(len(TOWNS))]
    assert made({d.id: d for d, _ in pairs}, [q for _, own in pairs for q in own]) == items


def test_a_field_is_one_that_no_text_names(items: list[dict[str, object]]) -> None:
    texts = [passage(number)[0].text for number in range(len(TOWNS))]
    asked = [str(item["question"]) for item in items if item["kind"] == "field"]
    for question in asked:
        words = [word for word, form in FIELDS if question.endswith(form.format("")[-4:])]
        assert any(not any(word in text for text in texts) for word in words)
    assert not any("设计师" in question for question in asked)  # every text names one


def test_a_year_stands_elsewhere_in_the_corpus_and_not_in_the_text_that_was_asked(
    items: list[dict[str, object]],
) -> None:
    texts = {passage(number)[0].text for number in range(len(TOWNS))}
    for item in items:
        if item["kind"] == "year":
            question = fold(str(item["question"]))
            year = question[:5]
            assert any(year in text for text in texts)
            assert not any(year in text and question[6:] in text for text in texts)


@pytest.mark.parametrize(
    ("question", "other", "found"),
    [
        ("青江大桥的设计师是谁？", "白沙寺的香火很旺。", "白沙寺的设计师是谁？"),
        ("青江大桥的设计师是谁？", "白沙寺的设计师是李木。", None),  # it is answered
        ("这座桥的设计师是谁？", "白沙寺的香火很旺。", None),  # does not name what it asks of
    ],
)
def test_a_question_is_crossed_only_with_a_text_that_says_none_of_it(
    question: str, other: str, found: str | None
) -> None:
    from rag.types import Document

    document = Document("b", other, title="白沙寺")
    assert crossed(question, "青江大桥", document, [document]) == found


def test_content_words_are_those_that_carry_the_meaning() -> None:
    assert content("青江大桥的设计师是谁？") == ["青江", "大桥", "设计师"]
    assert content("是什么？") == []
