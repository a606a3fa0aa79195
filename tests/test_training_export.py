"""The export of a trained reader: the table exact, the rest near enough, the same answers as torch gives."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from rag.answering.reader import Reader as ServedReader
from rag.answering.reader import find_best_span
from rag.answering.windows import encode_window, pad_windows
from training.export_reader import (
    BLOCK,
    export_graph,
    load_trained_reader,
    quantize_blocks,
    shrink_weights,
    write_model,
)
from training.reader_model import Reader, freeze_lower_layers, load_base
from training.train_reader import make_optimizer, save_checkpoint
from training.weight_average import WeightAverage

ROWS, WIDTH = 10_080, 64  # the table is known by its many rows
TEXTS = [("茶园", "全县茶园面积为3.2万亩。茶农有两千户。"), ("", "大桥于2019年动工，2023年通车。")]


def make_table(seed: int) -> NDArray[np.float32]:
    """Make a table of four-bit numbers with a float16 scale for each block, float32 (ROWS, WIDTH)."""
    draw = np.random.default_rng(seed)
    scales = draw.uniform(0.001, 0.05, (ROWS, WIDTH // BLOCK, 1)).astype(np.float16).astype(np.float32)
    numbers = draw.integers(-8, 8, (ROWS, WIDTH // BLOCK, BLOCK)).astype(np.float32)
    return np.asarray((numbers * scales).reshape(ROWS, WIDTH), np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small base of random weights, with its tokenizer, and a reader on it that was trained for one step."""
    base = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=ROWS, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128
    )
    model = BertModel(config, add_pooling_layer=False)
    model.embeddings.word_embeddings.weight.data.copy_(torch.from_numpy(make_table(1)))
    model.save_pretrained(base)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted({c for pair in TEXTS for text in pair for c in text}), "谁", "?"]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.save(str(base / "tokenizer.json"))

    reader = Reader(load_base(base))
    freeze_lower_layers(reader, 1)
    optimizer = make_optimizer(reader, 0.01)
    average = WeightAverage(reader, 0.5)
    ids = torch.randint(4, len(pieces), (2, 12))
    ids[:, [2, 4]] = 2
    start, end, judged = reader(ids, torch.ones_like(ids))
    (start[:, 6] + end[:, 7] + judged).sum().backward()
    optimizer.step()
    average.update(reader)
    save_checkpoint(base / "reader.pt", reader, average, optimizer, {"windows": 2.0, "seconds": 1.0})

    shipped = tmp_path_factory.mktemp("shipped")
    trained, frozen = load_trained_reader(base, base / "reader.pt")
    graph = export_graph(trained)
    write_model(graph, shrink_weights(graph, frozen), shipped)
    (shipped / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    return base, shipped


def test_what_ships_reads_as_the_trained_reader_does(folders: tuple[Path, Path]) -> None:
    base, shipped = folders
    served = ServedReader(shipped, threads=1)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    trained, _ = load_trained_reader(base, base / "reader.pt")
    encoded = [encode_window(tokenizer, "谁?", title, text) for title, text in TEXTS]
    ids, mask = pad_windows(encoded)
    with torch.no_grad():
        expected = [each.numpy() for each in trained(torch.from_numpy(ids), torch.from_numpy(mask))]
    found = served.compute_logits(encoded)
    inside = expected[0] > -1000
    for logits, wanted in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(logits[inside], wanted[inside], atol=5e-3)
        assert (logits[~inside] < -1000).all()  # neither question nor title nor padding can be an answer
    np.testing.assert_allclose(found[2], expected[2], atol=5e-3)

    readings = served.read_windows("谁?", TEXTS)
    for (_, text), reading, row in zip(TEXTS, readings, range(2), strict=True):
        assert 0 <= reading.start < reading.end <= len(text)
        assert reading.judgment == pytest.approx(float(expected[2][row]), abs=5e-3)
    assert served.read_windows("谁?", [TEXTS[1]]) == [readings[1]]  # remembered, and the same alone as in a batch
    assert served.read_windows("谁?", []) == []


def test_the_files_hold_what_training_left_and_what_it_changed(folders: tuple[Path, Path]) -> None:
    _, shipped = folders
    table = ROWS * WIDTH + 2 * ROWS * WIDTH // BLOCK
    large_weights_of_a_layer = 2 * (2 * 128 * WIDTH) + 4 * 2 * WIDTH * WIDTH
    assert (shipped / "base.bin").stat().st_size >= table + large_weights_of_a_layer
    assert (shipped / "reader.bin").stat().st_size >= large_weights_of_a_layer
    assert (shipped / "reader.onnx").stat().st_size < 500_000  # no weight lies in the graph by mistake


def test_a_four_bit_table_is_kept_exactly_and_another_is_refused() -> None:
    table = make_table(2)
    numbers, scales = quantize_blocks(table)
    again = numbers.reshape(ROWS, -1, BLOCK) * scales[..., None].astype(np.float32)
    np.testing.assert_allclose(again.reshape(table.shape), table, rtol=1e-6, atol=0)
    with pytest.raises(ValueError, match="was it trained"):
        quantize_blocks(np.random.default_rng(0).normal(size=(4, WIDTH)).astype(np.float32))


def test_the_best_span_never_runs_backwards_and_is_short() -> None:
    start, end = np.zeros(100, np.float32), np.zeros(100, np.float32)
    start[50], end[10] = 5, 5
    first, last = find_best_span(start, end)
    assert first <= last < first + 60
    end[10], end[52] = 0, 3
    assert find_best_span(start, end) == (50, 52)
    end[52], start[50], start[2], end[99] = 0, 0, 5, 5  # 98 tokens: too long
    first, last = find_best_span(start, end)
    assert last - first < 60
