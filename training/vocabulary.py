"""The embedder's tokenizer: words, characters, English pieces and numbers, cut greedily by longest match.

It folds texts itself, as `rag.text.fold` does, so that the model needs nothing but its own files.
"""

import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from tempfile import NamedTemporaryFile

import rjieba
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from rag.text import fold

UNKNOWN = "[UNK]"
_LONGEST_RUN = 24  # matching is quadratic in a run's length, so a run is never longer than this
_LONGEST_WORD = 8
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_PIECES = re.compile(r"[a-z]+|[0-9]+")


class Counts:
    """How often words, characters, English words and numbers occur in folded text."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.english: Counter[str] = Counter()
        self.numbers: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count one folded text."""
        self.characters.update(c for c in text if c.isalpha() and not ("a" <= c <= "z"))
        for run in _PIECES.findall(text):
            (self.numbers if run[0].isdigit() else self.english)[run] += 1
        self.words.update(word for word in rjieba.cut(text) if 2 <= len(word) <= _LONGEST_WORD and _HAN.fullmatch(word))


def build(texts: Iterable[str], size: int, english: int = 6000, numbers: int = 600, rarest: int = 3) -> Tokenizer:
    """Make the tokenizer from folded texts, with at most ``size`` entries.

    Every character seen at least ``rarest`` times is an entry, so that any run of known characters can be cut;
    a character that is not known becomes nothing at all. ``english`` and ``numbers`` bound their shares; what is
    left goes to the most frequent Chinese words.
    """
    counts = Counts()
    for text in texts:
        counts.add(text)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    digits = [str(d) for d in range(10)]
    characters = [c for c, n in counts.characters.most_common() if n >= rarest]
    entries = [UNKNOWN, *digits, *letters, *characters]
    entries += _english_pieces(counts.english, english)
    entries += [number for number, _ in counts.numbers.most_common(numbers) if len(number) <= 4]
    entries = list(dict.fromkeys(entries))
    words = (word for word, n in counts.words.most_common() if n >= rarest and set(word) <= set(characters))
    entries += [word for word, _ in zip(words, range(max(0, size - len(entries))), strict=False)]

    tokenizer = Tokenizer(
        models.WordPiece(
            {entry: i for i, entry in enumerate(entries)},
            unk_token=UNKNOWN,
            continuing_subword_prefix="",
            max_input_chars_per_word=_LONGEST_RUN,
        )
    )
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    han = _character_class(c for c in characters if _HAN.fullmatch(c))
    other = _character_class(c for c in characters if not _HAN.fullmatch(c))
    runs = "|".join(f"[{kind}]{{1,{_LONGEST_RUN}}}" for kind in (han, "a-z", "0-9", other) if kind)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(runs), behavior="removed", invert=True)
    return tokenizer


def charsmap() -> bytes:
    """NFKC, then `rag.text.fold`, character by character, in SentencePiece's compiled form.

    ``normalizers.Precompiled`` applies it as fast as NFKC alone. (A base letter with combining marks is looked up as
    one only where it fits five bytes, so that rare sequences keep a mark that NFKC would join.)
    """
    from sentencepiece import SentencePieceTrainer
    from sentencepiece.sentencepiece_model_pb2 import ModelProto  # type: ignore[attr-defined]

    rules = []
    for char in map(chr, range(1, sys.maxunicode + 1)):
        if unicodedata.category(char) not in ("Cn", "Co", "Cs"):
            folded = fold(unicodedata.normalize("NFKC", char))
            if folded != char:
                rules.append(f"{ord(char):X}\t{' '.join(f'{ord(c):X}' for c in folded)}\n")
    with NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        file.writelines(rules)
        file.flush()
        out = io.BytesIO()
        # A model of no use is trained beside it: there is no call that compiles rules alone.
        SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e f g"] * 100), model_writer=out, model_type="char", vocab_size=12,
            normalization_rule_tsv=file.name, minloglevel=2,
        )  # fmt: skip
    model = ModelProto()
    model.ParseFromString(out.getvalue())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def _english_pieces(words: Counter[str], limit: int) -> list[str]:
    """Frequent English words and the word parts that byte-pair merging finds in the others."""
    if not words:
        return []
    parts = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=limit, show_progress=False, min_frequency=3)
    parts.train_from_iterator((word for word, n in words.items() for _ in range(min(n, 1000))), trainer)
    return sorted(parts.get_vocab(), key=lambda piece: (-words[piece], piece))


def _character_class(characters: Iterable[str]) -> str:
    """The characters as the inside of a regular expression's brackets, neighbours joined to ranges."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in ranges)
