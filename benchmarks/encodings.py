"""How often the encoding of a file is told right, by the length of its text.

    python -m benchmarks.encodings --shared ../shared

Takes windows of running text from news articles (simplified) and from the passages of DRCD (traditional), encodes them
and has them read: right, refused, or read wrong. Writes the table in docs/ingest.md; takes about a minute.
"""

import argparse
import json
import lzma
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks import section
from rag.errors import InvalidInput
from rag.ingest.decode import decode

LENGTHS = (4, 6, 10, 20, 50, 100, 500, 2000)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le")
ENCODINGS = {"简体": ("utf-8", "gb18030", *_WIDE), "繁體": ("utf-8", "gb18030", "cp950", "big5hkscs", *_WIDE)}
ASCII = "def load(path): return json.load(open(path))  # "


def texts(shared: Path, count: int) -> dict[str, list[str]]:
    """By script: ``count`` texts, each from an article or a passage of its own."""
    with lzma.open(shared / "corpora" / "news.jsonl.xz", "rt", encoding="utf-8") as lines:
        simplified = [json.loads(line)["text"] for line in islice(lines, 0, 60 * count, 60)]
    with (shared / "eval" / "drcd-dev" / "documents.jsonl").open(encoding="utf-8") as lines:
        traditional = [json.loads(line)["text"] for line in lines]
    return {"简体": simplified, "繁體": traditional[:count]}


def windows(given: list[str], length: int, seed: int) -> Iterator[str]:
    """A window of every text, which goes on in the next one; what is ASCII alone can be read in one way only."""
    dice = random.Random(seed)
    for row, text in enumerate(given):
        start = dice.randrange(len(text))
        window = text[start : start + length]
        for following in given[row + 1 :]:
            if len(window) == length:
                break
            window = (window + following)[:length]
        if len(window) == length and not window.isascii():
            yield window


def judged(text: str, encoding: str) -> str | None:
    """``right``, ``refused`` or ``wrong``; None for a text that the encoding cannot hold."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return None
    if "big5" in encoding and any(sign == "\u2022" or sign in "､‾∼" for sign in text):
        return None  # signs that Hong Kong and Windows read differently: Windows is followed, Python's codec is not
    if data.decode(encoding) != text:  # a sign that the codec turned into a similar one
        return None
    try:
        return "right" if decode(data, "text") == text else "wrong"
    except InvalidInput:
        return "refused"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="the folder with the texts")
    parser.add_argument("--texts", type=int, default=1000, help="windows of each length")
    parser.add_argument("--out", type=Path, default=Path("docs/ingest.md"))
    given = parser.parse_args()
    found = texts(given.shared, given.texts)
    rows = ["| 文字 | 编码 | " + " | ".join(map(str, LENGTHS)) + " | 4 in ASCII |", "|---" * (len(LENGTHS) + 3) + "|"]
    for script, encodings in ENCODINGS.items():
        for encoding in encodings:
            cells = []
            for length in (*LENGTHS, 0):
                cut = windows(found[script], length or 4, length)
                said = Counter(judged(text if length else f"{ASCII * 6}{text}\n{ASCII}", encoding) for text in cut)
                said.pop(None, None)
                total = said.total()
                wrong = f", {said['wrong']} wrong" if said["wrong"] else ""
                cells.append(f"{100 * said['right'] / total:.1f}{wrong}" if total else "–")
            rows.append(f"| {script} | {encoding} | " + " | ".join(cells) + " |")
            print(rows[-1], flush=True)
    section.write(given.out, "encodings", "\n".join(rows))


if __name__ == "__main__":
    main()
