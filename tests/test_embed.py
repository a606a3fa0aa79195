"""The static embedders: the shipped one and others beside sentence-transformers, and what goes wrong."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag import embed
from rag.errors import InvalidInput

TEXTS = [
    "推动成渝地区双城经济圈建设走深走实",
    "與此同時，聯合實施了115項。",
    "Deep learning for Traffic Flow prediction, 2023",
    "",
    "   \n\t",
    "鱻龘𠮷",
    "🎉👩‍👩‍👧 好",
    "ＡＢＣ１２３ ①② ﬁ ㎡",
    "café naïve Ωμέγα каша ひらがな",
    "\x00null\ufffd",
    "经济" * 300,
    "1234567890" * 40,
    "《民法典》第一千零八十四条：离婚后，父母对于子女仍有抚养、教育、保护的权利和义务。",
]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def shipped() -> embed.Embedder:
    return embed.load()


def test_shipped_model_equals_sentence_transformers(shipped: embed.Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    stock = SentenceTransformer(str(embed.SHIPPED), device="cpu")
    for found, encode in ((shipped.passages, stock.encode_document), (shipped.queries, stock.encode_query)):
        expected = encode(TEXTS, normalize_embeddings=True)
        assert expected.dtype == np.float32
        np.testing.assert_allclose(found(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(stock.encode(TEXTS), stock.encode_document(TEXTS), atol=1e-6)
    assert np.abs(shipped.queries(TEXTS[:1]) - shipped.passages(TEXTS[:1])).max() > 0.01


def test_rows_are_unit_float32_or_zero(shipped: embed.Embedder) -> None:
    rows = shipped.passages(TEXTS)
    assert rows.shape == (len(TEXTS), shipped.dimension)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    unknown = [i for i, text in enumerate(TEXTS) if text in ("", "   \n\t")]
    assert (lengths[unknown] == 0).all()
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(lengths[[0, 1, 2, 10, 12]], 1, atol=1e-5)


def test_very_long_text_is_counted_to_the_same_row(shipped: embed.Embedder) -> None:
    once, often = shipped.passages([TEXTS[0] + TEXTS[2] + "\n", (TEXTS[0] + TEXTS[2] + "\n") * 2000])
    np.testing.assert_allclose(often, once, atol=1e-6)


def test_no_texts_give_no_rows(shipped: embed.Embedder) -> None:
    assert shipped.passages([]).shape == (0, shipped.dimension)


def test_lone_surrogates_are_taken(shipped: embed.Embedder) -> None:
    np.testing.assert_array_equal(shipped.queries(["经济\ud800"]), shipped.queries(["经济\ufffd"]))


def test_traditional_and_full_width_text_means_the_same(shipped: embed.Embedder) -> None:
    a, b = shipped.queries(["經濟發展ＧＤＰ", "经济发展gdp"])
    np.testing.assert_array_equal(a, b)


def test_a_text_does_not_depend_on_those_beside_it(shipped: embed.Embedder) -> None:
    together = shipped.passages(TEXTS * 100)
    np.testing.assert_array_equal(together[: len(TEXTS)], shipped.passages(TEXTS))
    np.testing.assert_array_equal(together[-1], shipped.passages(TEXTS[-1:])[0])


def test_shipped_model_understands_chinese_and_english_questions(shipped: embed.Embedder) -> None:
    passages = [
        "小麦的产量受降雨影响很大。",
        "铁路隧道的施工需要通风。",
        "银行存款利率近年下降。",
        "疫苗接种可以预防流感。",
    ]
    questions = ["什么影响小麦收成？", "隧道施工", "interest rate of bank deposits", "influenza vaccine"]
    scores = shipped.queries(questions) @ shipped.passages(passages).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_shipped_model_needs_no_torch() -> None:
    code = (
        "import sys, rag.embed; e = rag.embed.load(); e.queries(['问']); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_model_card_names_the_shipped_weights() -> None:
    digest = hashlib.sha256((embed.SHIPPED / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (embed.SHIPPED / "README.md").read_text(encoding="utf-8")


def test_shipped_model_is_small() -> None:
    assert sum(path.stat().st_size for path in embed.SHIPPED.rglob("*")) < 30e6


def _static(folder: Path, weights: np.ndarray[Any, Any], **config: Any) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "A": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu", **config)
    model.save(str(folder))
    return folder


def _weights(seed: int = 0, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(4, 8)).astype(dtype)


def test_static_folder_of_another_maker_is_served_unfolded(tmp_path: Path) -> None:
    weights = _weights()
    found = embed.load(str(_static(tmp_path / "other", weights)))
    assert isinstance(found, embed.StaticEmbedder)
    np.testing.assert_allclose(found.queries(["A"])[0], weights[3] / np.linalg.norm(weights[3]), atol=1e-6)
    mean = weights[[1, 2, 0]].mean(axis=0)
    np.testing.assert_allclose(found.queries(["a b ?"])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_half_precision_static_folder(tmp_path: Path) -> None:
    weights = _weights(dtype=np.float16)
    row = weights[1].astype(np.float32)
    found = embed.load(str(_static(tmp_path / "half", weights)))
    np.testing.assert_allclose(found.queries(["a"])[0], row / np.linalg.norm(row), atol=1e-6)
    assert not found.queries([""]).any()


def test_static_folder_with_mapped_rows(tmp_path: Path) -> None:
    from safetensors.numpy import save_file
    from sentence_transformers import SentenceTransformer

    folder = _static(tmp_path / "mapped", _weights())
    parts: dict[str, Any] = {
        "embeddings": _weights(1)[:2],
        "mapping": np.array([0, 1, 1, 0]),
        "weights": np.array([0, 1, 2, 3], dtype=np.float32),
    }
    save_file(parts, folder / "model.safetensors")
    texts = ["a b A", "a", "?"]
    stock = SentenceTransformer(str(folder), device="cpu").encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(embed.load(str(folder)).passages(texts), stock, atol=1e-6)


def _routed(folder: Path, **routes: Any) -> Path:
    """A static model whose texts part ways behind the table: queries untouched, passages through a Dense module."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Router

    weight = torch.from_numpy(_weights(2)[:3])
    dense = Dense(8, 3, bias=False, activation_function=torch.nn.Tanh(), init_weight=weight)
    narrow = Dense(8, 3, bias=False, activation_function=torch.nn.Identity(), init_weight=weight)
    table = SentenceTransformer(str(_static(folder / "table", _weights())), device="cpu")[0]
    router = Router({"query": [narrow], "document": [dense]}, **({"default_route": "document"} | routes))
    SentenceTransformer(modules=[table, router, Normalize()], device="cpu").save(str(folder / "routed"))
    return folder / "routed"


def test_queries_and_passages_go_their_own_ways(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder, texts = _routed(tmp_path), ["a b A", "a", "?"]
    found, stock = embed.load(str(folder)), SentenceTransformer(str(folder), device="cpu")
    assert isinstance(found, embed.StaticEmbedder)
    assert found.dimension == 3
    np.testing.assert_allclose(found.queries(texts), stock.encode_query(texts), atol=1e-6)
    np.testing.assert_allclose(found.passages(texts), stock.encode_document(texts), atol=1e-6)
    mean = _weights()[1] @ _weights(2)[:3].T
    np.testing.assert_allclose(found.queries(["a"])[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(found.passages(["a"])[0], np.tanh(mean) / np.linalg.norm(np.tanh(mean)), atol=1e-6)


def test_routes_by_something_else_go_through_sentence_transformers(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = _routed(tmp_path, route_mappings={(None, "text"): "query"})
    found, stock = embed.load(str(folder)), SentenceTransformer(str(folder), device="cpu")
    assert isinstance(found, embed.TransformerEmbedder)
    np.testing.assert_allclose(found.passages(["a b"]), stock.encode_document(["a b"]), atol=1e-6)


def test_static_model_with_prompts_goes_through_sentence_transformers(tmp_path: Path) -> None:
    folder = _static(tmp_path / "prompts", _weights(), prompts={"query": "b ", "document": ""})
    found = embed.load(str(folder))
    assert isinstance(found, embed.TransformerEmbedder)
    np.testing.assert_allclose(found.queries(["a"]), found.passages(["b a"]), atol=1e-6)
    assert not np.allclose(found.queries(["a"]), found.passages(["a"]))


def test_name_changes_with_the_weights_and_not_with_the_model_card(tmp_path: Path) -> None:
    first = embed.load(str(_static(tmp_path / "1" / "m", _weights(1)))).name
    (tmp_path / "1" / "m" / "README.md").write_text("other words", encoding="utf-8")
    assert embed.load(str(tmp_path / "1" / "m")).name == first
    second = embed.load(str(_static(tmp_path / "2" / "m", _weights(2)))).name
    assert first.startswith("m@")
    assert first != second


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/model", "a/b/c"])
def test_missing_folder_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match="name a model folder"):
        embed.load(name)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_damaged_static_file_is_an_error(tmp_path: Path, file: str) -> None:
    folder = _static(tmp_path / "m", _weights())
    (folder / file).write_bytes((folder / file).read_bytes()[:40])
    with pytest.raises(InvalidInput, match="cannot be read"):
        embed.load(str(folder))


def test_table_of_another_model_is_an_error(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    folder = _static(tmp_path / "m", _weights())
    save_file({"embedding.weight": _weights()[:2]}, folder / "model.safetensors")
    with pytest.raises(InvalidInput, match="2 rows for 4 tokens"):
        embed.load(str(folder))
