"""English questions as Chinese words, by a dictionary that was learnt and by one learnt here."""

import pytest

from rag.gloss import gloss, translations
from training.dictionary import align


@pytest.mark.parametrize(
    ("question", "kind", "words"),
    [
        ("How many hospitals are there?", "number", {"多少", "医院"}),
        ("Which universities study climate change?", "list", {"哪些", "气候变化"}),
        ("When did the government publish the report in May 2021?", "date", {"什么时候", "政府", "5月", "2021"}),
    ],
)
def test_a_gloss_holds_the_question_word_the_known_words_and_the_numbers(
    question: str, kind: str, words: set[str]
) -> None:
    found = gloss(question, kind)
    assert all(word in found for word in words), found


def test_what_is_not_known_gives_nothing() -> None:
    assert gloss("Zyzzyva qwertyuiop?", "other") == ""
    assert translations("zyzzyva") == ()


def test_a_plural_is_understood_by_its_singular_and_a_compound_by_its_parts() -> None:
    assert translations("laboratories") == translations("laboratory")
    assert translations("zyzzyva-laboratory") == translations("laboratory")[:1]


def test_of_several_translations_the_one_that_the_documents_hold_is_taken() -> None:
    words = translations("project")
    assert len(words) > 1
    assert words[1] in gloss("Which project?", "list", lambda word: word == words[1])
    assert words[0] in gloss("Which project?", "list", lambda word: False)


def test_alignment_finds_which_words_go_together() -> None:
    pairs = [
        (frozenset(english.split()), frozenset(chinese.split()), 1.0)
        for english, chinese in (
            ("green tea", "绿色 茶叶"), ("green house", "绿色 房屋"), ("white house", "白色 房屋"),
            ("white tea", "白色 茶叶"), ("old house", "古老 房屋"), ("old tea", "古老 茶叶"),
        )
        for _ in range(3)
    ]  # fmt: skip
    learnt = align(pairs, seen=(2, 2))
    assert {word: next(iter(found)) for word, found in learnt.items()} == {
        "green": "绿色", "tea": "茶叶", "house": "房屋", "white": "白色", "old": "古老",
    }  # fmt: skip
