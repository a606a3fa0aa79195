"""Windows cover a text, are bounded, and are encoded so that spans lead back to it."""

import time
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from rag.answering.windows import WINDOW_LENGTH, cut_windows, encode_window, measure_length, pad_windows
from rag.text import simplify

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "train"
TEXT = "第一章 总则\n为了规范口岸开放，提高口岸通关效率，制定本条例。\n本条例所称的口岸，是指港口、机场。" * 12


def make_tokenizer() -> Tokenizer:
    characters = sorted(set(TEXT + "口岸是什么？</s>"))
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -1.0) for c in characters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


@pytest.mark.parametrize(
    "text", [TEXT, "字" * 5000, "word " * 2000, "短。", "，" * 900, "x" * 3000 + "。完", "a\n" * 500]
)
def test_windows_cover_the_text_and_are_bounded(text: str) -> None:
    windows = cut_windows(text)
    covered: set[int] = set()
    for window in windows:
        assert 0 <= window.start < window.end <= len(text)
        assert measure_length(text[window.start : window.end]) <= WINDOW_LENGTH + 2
        covered.update(range(window.start, window.end))
    assert all(index in covered for index, character in enumerate(text) if not character.isspace())
    assert [window.start for window in windows] == sorted({window.start for window in windows})


def test_nothing_is_cut_of_nothing() -> None:
    assert cut_windows("") == [] and cut_windows(" \n ") == []


def test_offsets_lead_back_to_the_window_alone() -> None:
    text = "本条例所称的口岸，是指港口、机场。"
    encoded = encode_window(make_tokenizer(), "口岸是什么？</s>", "总则", text)
    inside = encoded.offsets[encoded.offsets[:, 0] >= 0]
    assert {index for a, b in inside.tolist() for index in range(a, b)} == set(range(len(text)))
    assert (encoded.ids == 2).sum() == 3  # what a question spells out is no mark
    ids, mask = pad_windows([encoded, encode_window(make_tokenizer(), "口岸", "", "港口")])
    assert ids.shape == mask.shape and mask[1].sum() < mask[0].sum() and (ids[mask == 0] == 1).all()


def test_cutting_takes_linear_time() -> None:
    began = time.process_time()
    cut_windows(TEXT * 60)
    assert time.process_time() - began < 3


def test_simplified_text_keeps_its_length_case_and_width() -> None:
    assert simplify("臺灣大學 ABC １２") == "台湾大学 ABC １２"


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/train is absent")
def test_examples_hold_their_answers() -> None:
    from training.reader_examples import ExampleMaker, is_held_out, read_written_questions

    written, held_out = read_written_questions(SHARED, ROOT / "training" / "questions")
    assert len(held_out) > 1000 and all(is_held_out(question.passage.id) for question in held_out)
    assert not any(is_held_out(question.passage.id) for question in written)
    some = written[:300]
    maker = ExampleMaker(some, 1)
    examples = [(question, example) for question in some for example in maker.make_examples(question)]
    positive = [(q, e) for q, e in examples if e.span]
    assert 50 < len(positive) < len(examples)
    for question, example in positive:
        assert question.span and example.span
        said = simplify(question.passage.text[slice(*question.span)])
        assert example.text[slice(*example.span)] == said
