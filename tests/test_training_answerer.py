"""The situations that the answer stage is trained in, on passages made here; and that what is fitted can be loaded."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from towns import TOWNS, passage

from rag import embed
from rag.answer.consider import Tools
from rag.answer.features import NAMES
from rag.answer.rarity import rarity
from rag.answer.reader import Reader
from rag.answer.reader import load as load_reader
from rag.answer.scorer import Scorer, load
from rag.types import Document
from training import answerer, situations
from training.noise import Neighbours
from training.questions import Question
from training.situations import Sample


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Document], list[Question]]:
    pairs = [passage(number) for number in range(len(TOWNS))]
    return {d.id: d for d, _ in pairs}, [q for _, own in pairs for q in own]


def test_a_near_miss_has_lost_the_sentences_that_answer_it(made: tuple[dict[str, Document], list[Question]]) -> None:
    documents, questions = made
    kinds = set()
    for seed in range(30):
        own = [q for q in questions if q.document_id == "p3"]
        document, asked = situations._mutilated(documents["p3"], own, random.Random(seed))
        for question, kind in asked:
            kinds.add(kind)
            if kind == "present":
                assert document.text[question.start :].startswith(question.answer)
            else:
                assert question.answer not in document.text
    assert kinds == {"present", "removed"}


def test_a_swapped_question_asks_of_what_the_text_does_not_name(
    made: tuple[dict[str, Document], list[Question]],
) -> None:
    documents, questions = made
    swapped = [q for s in range(10) for q in situations._swapped(questions, documents, documents, random.Random(s))]
    assert len(swapped) > 20
    originals = {(q.document_id, q.start): q.text for q in questions}
    for question in swapped:
        text, before = documents[question.document_id].text, originals[question.document_id, question.start]
        assert question.text != before
        new = {question.text[i : i + 2] for i in range(len(question.text) - 1)} - {
            before[i : i + 2] for i in range(len(before) - 1)
        }
        assert any(pair not in text for pair in new)


def test_a_crossed_question_asks_of_a_subject_whose_text_says_none_of_it(
    made: tuple[dict[str, Document], list[Question]],
) -> None:
    documents, _ = made
    library = {"p0": replace(documents["p0"], text="青江大桥横跨青江,景色很美,游客常来。")}
    foreign = [
        Question(f"{TOWNS[4]}大桥的设计师是谁？", "p4", "王云明", 0),
        Question("云岭大桥景色如何？", "p4", "x", 0),
    ]
    crossed = situations._crossed(foreign, library, documents, random.Random(1))
    assert [(q.text, q.document_id) for q in crossed] == [("青江大桥的设计师是谁？", "p0")]


def test_a_lengthened_document_keeps_the_answers_in_their_place(
    made: tuple[dict[str, Document], list[Question]],
) -> None:
    documents, questions = made
    own = [(q, "present") for q in questions if q.document_id == "p5"]
    more = [documents["p1"], documents["p2"], documents["p9"]]
    for seed in range(8):
        library, pending = situations._lengthened({"p5": documents["p5"]}, own, more, random.Random(seed))
        text = library["p5"].text
        assert all(d.text in text for d in (*more, documents["p5"]))
        assert all(text[q.start :].startswith(q.answer) for q, _ in pending)


@pytest.fixture(scope="module")
def asked(made: tuple[dict[str, Document], list[Question]]) -> list[Sample]:
    documents, questions = made
    shelf = situations.Shelf(embed.StaticEmbedder(embed.SHIPPED))
    reader = Reader(load_reader(), shelf.embedder.tokenizer, rarity)
    tools = Tools(reader, rarity, shelf.embedder.meanings)
    return situations.samples(documents, questions, tools, shelf, 12, 1, Neighbours(shelf.embedder))


def test_samples_are_what_the_answer_stage_sees(asked: list[Sample]) -> None:
    assert {s.kind for s in asked} == set(situations.KINDS)
    for sample in asked:
        assert sample.features.shape == (len(sample.right), len(NAMES)) and np.isfinite(sample.features).all()
        assert sample.kind == "present" or not sample.right.any()
    present = [s for s in asked if s.kind == "present"]
    assert np.mean([s.right.any() for s in present]) > 0.9


def test_what_is_fitted_answers_and_refuses_and_can_be_loaded(asked: list[Sample], tmp_path: Path) -> None:
    members = [answerer.fit(asked, asked, hidden=8, epochs=12, seed=seed) for seed in (1, 2)]
    both = answerer.joined(members)
    parts = [replace(load(), **m) for m in members]
    scorer = replace(load(), **both)
    x = asked[0].features
    np.testing.assert_allclose(scorer.logits(x), (parts[0].logits(x) + parts[1].logits(x)) / 2, rtol=1e-4, atol=1e-4)
    scorer = replace(scorer, **answerer.calibrate(scorer, asked))
    file = tmp_path / "weights.npz"
    np.savez_compressed(file, allow_pickle=False, **{name: getattr(scorer, name) for name in Scorer.__slots__})
    again = load(file)
    np.testing.assert_array_equal(again.logits(x), scorer.logits(x))
    figures = answerer.report(again, asked)["0"]
    assert figures["chosen"] > 0.6 and figures["false refusals"] <= 0.15
    assert figures["refused absent"] > 0.5


def test_stored_samples_are_taken_back(asked: list[Sample], tmp_path: Path) -> None:
    file = tmp_path / "samples.npz"
    first = situations.kept(file, lambda: asked)
    second = situations.kept(file, lambda: pytest.fail("made again"))
    for one, two, three in zip(asked, first, second, strict=True):
        for other in (two, three):
            np.testing.assert_array_equal(one.features, other.features)
            np.testing.assert_array_equal(one.right, other.right)
            assert (one.kind, one.size, one.found) == (other.kind, other.size, other.found)
