"""The embedder's training: data made here, a model in seconds, loaded the way others load it."""

import json
import lzma
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rag.embed import StaticEmbedder, load
from training import batches, data, embedder, export, vocabulary

THINGS = ["小麦", "水稻", "桥梁", "铁路", "疫苗", "银河", "书法", "茶叶", "地震", "海豚", "电池", "丝绸"]
PLACES = [*"川渝鄂湘赣浙苏鲁豫晋陕甘青藏滇黔桂粤闽琼"]
SUBJECTS = [f"{place}省{thing}" for place in PLACES for thing in THINGS]
FACTS = ["产量在去年明显提高", "研究由大学完成", "价格受到市场影响", "历史可以追溯到唐代", "应用十分广泛"]


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    with lzma.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training files of the real form, one subject to a text."""
    folder = tmp_path_factory.mktemp("train")
    rng = random.Random(3)
    files: list[list[dict[str, Any]]] = [[] for _ in data.FILES]
    paragraphs, pairs, languages, laws, passages, questions = files
    for i, subject in enumerate(SUBJECTS):
        text = "。".join(f"{subject}的{fact}" for fact in rng.sample(FACTS, 3)) + f"。第{i}项关于{subject}的记录。"
        paragraphs.append({"paper": f"P{i}V1", "title": f"{subject}研究", "heading": "引言", "text": text})
        pairs.append({"q": f"{subject}研究 引言", "d": text, "kind": "title_heading_para", "src": f"P{i}V1"})
        english = f"study of subject {chr(97 + i % 12) * 3} in province {chr(97 + i // 12) * 2}"
        languages.append({"zh": f"{subject}研究", "en": english, "kind": "title", "src": f"P{i}V1"})
        laws.append({"q": f"{THINGS[i % 12]}条例", "d": text, "kind": "law_title_article", "src": f"law_{i}"})
        passages.append({"id": f"T{i}", "title": subject, "text": text})
        questions.append(
            {"id": f"T{i}_Q", "question": f"{subject}怎么样？", "passage_id": f"T{i}", "answers": [], "answer_start": 0}
        )
    for name, records in zip(data.FILES, files, strict=True):
        _write(folder / name, records)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained by the command itself."""
    out = tmp_path_factory.mktemp("out") / "tiny"
    arguments = ["--data", str(folder), "--out", str(out), "--checkpoints", str(out.parent / "checkpoints"), "--quick"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["embedder", *arguments])
        embedder.main()
    return out


def test_trained_model_finds_the_passage_on_the_subject(model: Path) -> None:
    found = load(str(model))
    asked, passages = SUBJECTS[::7], [f"{subject}的应用十分广泛。" for subject in SUBJECTS[::7]]
    scores = found.queries([f"{subject}怎么样？" for subject in asked]) @ found.passages(passages).T
    assert (scores.argmax(axis=1) == np.arange(len(asked))).mean() > 0.9


def test_two_quick_runs_write_the_same_bytes(model: Path, folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.embedder", "--data", str(folder), "--out", str(tmp_path / "again")]
    subprocess.run([*command, "--checkpoints", str(tmp_path / "c"), "--quick"], check=True, timeout=120)
    files = [path for path in sorted(model.rglob("*")) if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert (tmp_path / "again" / path.relative_to(model)).read_bytes() == path.read_bytes(), path.name


def test_a_word_that_is_repeated_counts_less_each_time(model: Path) -> None:
    found = load(str(model))
    asked = found.queries(["铁路"])
    once, often = found.passages(["小麦的产量。铁路", "小麦的产量。" + "铁路" * 9]) @ asked[0]
    assert once < often < 3 * once


def test_the_tokenizer_folds_as_the_rest_does(model: Path) -> None:
    found = load(str(model))
    np.testing.assert_array_equal(found.queries(["鐵路在Ａ省"]), found.queries(["铁路在a省"]))


def test_small_table_loads_through_sentence_transformers_to_the_same_rows(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    stock = SentenceTransformer(str(model), device="cpu")
    texts = [f"{subject}的历史可以追溯到唐代" for subject in SUBJECTS]
    assert stock.encode_document(texts).dtype == np.float32
    np.testing.assert_allclose(stock.encode_document(texts), load(str(model)).passages(texts), atol=1e-6)
    np.testing.assert_allclose(stock.encode_query(texts), load(str(model)).queries(texts), atol=1e-6)


def test_held_out_groups_are_in_no_training_pair(folder: Path) -> None:
    trained, stop, test = (data.read(folder, part).pairs for part in ("train", "stop", "test"))
    for held in (stop, test):
        for name, pairs in held.items():
            assert not {group for _, _, group in pairs} & {group for _, _, group in trained[name]}
    sizes = [len(pairs["english_title"]) for pairs in (trained, stop, test)]
    assert sum(sizes) == 240
    assert sizes[0] > sizes[2] > sizes[1] > 0


def test_versions_of_a_paper_are_one_group() -> None:
    assert data.paper("ChinaXiv-201601.00051V1") == data.paper("ChinaXiv-201601.00051V12") == "ChinaXiv-201601.00051"


def test_pairs_of_one_law_are_capped(folder: Path) -> None:
    trained = data.read(folder)
    assert len(trained.pairs["law_article"]) <= data.PER_LAW * len(THINGS)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="chinaxiv_paragraphs"):
        data.read(tmp_path)


def test_resumed_run_gives_the_same_rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = batches.Settings(vocabulary=500, code=12, learnt=4, batch=16, steps=12, check_every=6)
    _, whole = embedder.train(folder, tmp_path / "whole", settings)
    kept, calls = embedder._State.keep, []

    def stop(self: Any, score: float, rows: Any) -> None:
        kept(self, score, rows)
        calls.append(self.step)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(embedder._State, "keep", stop)
    with pytest.raises(KeyboardInterrupt):
        embedder.train(folder, tmp_path / "broken", settings)
    _, resumed = embedder.train(folder, tmp_path / "broken", settings)
    assert calls == [6, 12]
    np.testing.assert_allclose(resumed, whole, atol=1e-6)


def test_vocabulary_cuts_longest_words_and_drops_unknown_characters() -> None:
    texts = ["推动成渝地区经济建设", "成渝地区的经济", "neural networks in 2023", "neural network"] * 5
    tokenizer = vocabulary.build(texts, size=200)
    assert tokenizer.encode("成渝地区鱻经济", add_special_tokens=False).tokens == ["成渝", "地区", "经济"]
    assert tokenizer.encode("Neural!", add_special_tokens=False).tokens == ["neural"]
    assert tokenizer.encode("鱻 🎉 …", add_special_tokens=False).tokens == []


def test_long_runs_are_cut_in_linear_time_and_stay_known() -> None:
    tokenizer = vocabulary.build(["经济建设"] * 5, size=100)
    tokens = tokenizer.encode("经济建设" * 5000, add_special_tokens=False).tokens
    assert "".join(tokens) == "经济建设" * 5000
    assert vocabulary.UNKNOWN not in tokens


def test_own_sentence_is_taken_out_of_the_passage() -> None:
    tokens = np.arange(30, dtype=np.int32)
    source = data.Source("within", np.array([[10, 20]]), np.array([[0, 30]]), np.array([0]), cut=True)
    settings = batches.Settings(passage_tokens=200)
    rng = np.random.default_rng(1)
    for _ in range(20):
        (query, _), (passage, _), _ = batches.draw(
            data.Prepared(tokens, [source]), source, rng, settings, 0.0, np.array([0])
        )
        assert query.tolist() == list(range(10, 20))
        assert not set(passage.tolist()) & set(range(10, 20))


def test_pairs_of_one_group_are_no_negatives() -> None:
    vectors = torch.eye(3)[[0, 0, 1]]
    apart = embedder.contrast(vectors, vectors, torch.tensor([1, 2, 3]), 0.05)
    together = embedder.contrast(vectors, vectors, torch.tensor([1, 1, 3]), 0.05)
    assert together < 1e-3 < apart


def test_words_share_their_characters_and_shorter_words() -> None:
    assert embedder.parts("经济圈", {"经济", "经济圈"}) == ["经", "济", "圈", "经济"]
    assert embedder.parts("networks", set())[0] == embedder.parts("network", set())[0]
    assert embedder.parts("2023", set()) == embedder.parts("经", set()) == []


def test_written_rows_are_near_the_trained_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tokenizer = vocabulary.build(["经济建设"] * 5, size=100)
    table = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 16)).astype(np.float32)
    table[0] = 0
    export.write(tokenizer, table, tmp_path / "m", 16, gain=4)
    ids = tokenizer.encode("经济", add_special_tokens=False).ids
    mean = table[ids].mean(axis=0) / np.linalg.norm(table[ids].mean(axis=0))
    pressed = 4 * mean / (1 + np.abs(4 * mean))
    found = load(str(tmp_path / "m"))
    assert isinstance(found, StaticEmbedder)
    np.testing.assert_allclose(found.queries(["经济"])[0], mean, atol=0.02)
    np.testing.assert_allclose(found.passages(["经济"])[0], pressed / np.linalg.norm(pressed), atol=0.02)
